"""What one loop sees of its market: a MarketSnapshot, made of what OctoBot and the exchange tell now."""

from __future__ import annotations

from decimal import Decimal

from ..adapters import futures_data, http_guard, market_data
from ..campaign.campaign import Campaign
from ..core.decision import sizing
from ..core.model.basics import Side
from ..core.model.instrument import MarketRules, Valuation
from ..core.model.redact import text_of
from ..core.model.snapshot import FuturesAccount, MarketSnapshot
from ..core.settings.schema import Settings
from . import funds_lock
from .risk_inputs_reader import RiskInputsReader
from .session import Session


class SnapshotReader:
    """Reads the snapshots of one symbol's loop."""

    def __init__(self, session: Session, campaign: Campaign, inputs: RiskInputsReader) -> None:
        assert session.allocation is not None, "the loop takes part in a campaign first"
        self._session = session
        self._campaign = campaign
        self._allocation = session.allocation
        self._inputs = inputs

    async def snapshot(self, *, is_at_rest: bool) -> MarketSnapshot:
        """What there is to see. For an order to a real exchange its book and the open orders are asked now.

        :param is_at_rest: no order will come of it, so that neither is needed.

        :raises NotReadableError: naming what is missing.
        :raises RefusedError: when this market can't take part in the campaign.
        """
        session, reconciler = self._session, self._session.reconciler
        manager, symbol, clock = session.manager, session.symbol, session.now
        market_data.check_ready(manager, symbol)
        is_futures = await self._prepare_contract()
        worth = self.worth(clock())
        await self._inputs.ask_exchange(clock())
        book = None
        if is_futures or not is_at_rest:
            await reconciler.sync_open_orders(clock())
            book = await reconciler.read_book()
        orders = reconciler.open_orders()
        if book is not None:
            book = market_data.without_own(book, orders, symbol, session.exchange_name)
        now = clock()
        price = market_data.read_price(manager, symbol, now, book)
        risk_inputs = self._inputs.risk_inputs(now, price.mid_price, worth.quote_rate)
        futures = self.futures(price.mid_price)
        return market_data.read_snapshot(
            manager,
            symbol,
            now,
            price,
            risk_inputs,
            orders,
            book,
            session.running_since,
            worth,
            futures,
        )

    def worth(self, now: float) -> Valuation:
        """What a quantity of the market is worth in the campaign's currency.

        :raises NotReadableError: when no price of its quote is known yet.
        :raises RefusedError: when this market can't take part in the campaign.
        """
        rate = self._allocation.valuation(self._session.settings, now).quote_rate
        return futures_data.valuation(self._session.manager, self._session.symbol, rate)

    async def _prepare_contract(self) -> bool:
        """Whether it is a contract that is traded here; it has the leverage of the settings then, if that may be set.

        :raises NotReadableError: when OctoBot or the exchange does not give it.
        """
        settings = self._session.settings
        if not futures_data.is_futures(self._session.manager) or settings is None:
            return False
        try:
            with http_guard.only_if(self._permit):
                may_change = not self._permit(True)
                await futures_data.prepare(
                    self._session.manager, self._session.symbol, settings.leverage, may_change=may_change
                )
        except futures_data.NoContractError as error:
            raise market_data.NotReadableError(text_of(error)) from error
        return True

    def _permit(self, stays_here: bool) -> str:
        return funds_lock.refusal(self._session, stays_here=stays_here)

    def futures(self, mid_price: Decimal) -> FuturesAccount | None:
        """Margin and position of the symbol, None on spot.

        :raises NotReadableError: when OctoBot has not loaded the contract.
        """
        return market_data.read_futures(self._session.manager, self._session.symbol, mid_price, self.own_quantity())

    def own_quantity(self) -> Decimal:
        """What the campaign has made of the position on futures, in what an order's quantity is."""
        if not futures_data.is_futures(self._session.manager):
            return Decimal(0)
        net_quantity = self._campaign.ledger.net_quantity(self._allocation.market)
        return futures_data.own_quantity(self._session.manager, self._session.symbol, net_quantity)

    def fundable(self, side: Side, price: Decimal, rules: MarketRules, settings: Settings) -> Decimal:
        """The largest order, in quote, that the free balance of a side pays for."""
        balances = market_data.read_balances(self._session.manager, self._session.symbol, price)
        return sizing.fundable_notional(side, price, rules, balances, settings)
