"""What one loop sees of its market: a MarketSnapshot, made of what OctoBot and the exchange tell now."""

from __future__ import annotations

import typing
from collections.abc import Callable
from decimal import Decimal

from . import exchange_view, funds_lock, futures_view, http_guard
from .campaign import Campaign
from .core import sizing
from .core.ledger import Outcome
from .core.market import FuturesAccount, MarketRules, MarketSnapshot, OpenOrder, Side, Valuation
from .core.redact import text_of
from .lookout import Lookout
from .market_share import MarketShare
from .settler import Settler


class MarketSight:
    """The sight of one symbol's loop.

    :param settler: what asks a real exchange; None where OctoBot's simulator trades.
    :param running_since: when this run of the bot began, in seconds of OctoBot's clock.
    """

    def __init__(
        self, trading_mode: typing.Any, campaign: Campaign, share: MarketShare, lookout: Lookout,
        settler: Settler | None, running_since: float,
    ) -> None:  # fmt: skip
        self._mode = trading_mode
        self._manager = trading_mode.exchange_manager
        self._symbol: str = trading_mode.symbol
        self._campaign = campaign
        self._share = share
        self._lookout = lookout
        self._settler = settler
        self._running_since = running_since
        self._began_as = exchange_view.trading_of(self._manager)

    async def snapshot(self, clock: Callable[[], float], *, is_done: bool) -> MarketSnapshot:
        """What there is to see. For an order to a real exchange its book and the open orders are asked now.

        :raises NotReadableError: naming what is missing.
        :raises RefusedError: when this market can't take part in the campaign.
        """
        manager, symbol, settler = self._manager, self._symbol, self._settler
        exchange_view.check_ready(manager, symbol)
        is_futures = await self._prepare_contract()
        worth = self.worth(clock())
        is_limited = settler is not None
        await self._lookout.ask_exchange(clock(), is_limited=is_limited)
        book = None
        if settler is not None and (is_futures or not is_done):
            await settler.look_around(clock())
            book = await exchange_view.read_book(manager, symbol)
        now = clock()
        price = exchange_view.read_price(manager, symbol, now, book)
        risk_inputs = self._lookout.risk_inputs(now, price.mid_price, worth.quote_rate, is_limited=is_limited)
        futures = self.futures(price.mid_price)
        return exchange_view.read_view(
            manager, symbol, now, price, risk_inputs, self.open_orders(), book, self._running_since, worth, futures
        )

    def worth(self, now: float) -> Valuation:
        """What a quantity of the market is worth in the campaign's currency.

        :raises NotReadableError: when no price of its quote is known yet.
        :raises RefusedError: when this market can't take part in the campaign.
        """
        rate = self._share.valuation(self._mode.settings, now).quote_rate
        return futures_view.valuation(self._manager, self._symbol, rate)

    async def _prepare_contract(self) -> bool:
        """Whether it is a contract that is traded here; it has the leverage of the settings then, if that may be set.

        :raises NotReadableError: when OctoBot or the exchange does not give it.
        """
        settings = self._mode.settings
        if not futures_view.is_futures(self._manager) or settings is None:
            return False
        try:
            with http_guard.only_if(self._permit):
                may_change = not self._permit(True)
                await futures_view.prepare(self._manager, self._symbol, settings.leverage, may_change=may_change)
        except futures_view.NoContractError as error:
            raise exchange_view.NotReadableError(text_of(error)) from error
        return True

    def _permit(self, stays_here: bool) -> str:
        return funds_lock.refusal(self._mode, self._began_as, stays_here=stays_here)

    def futures(self, mid_price: Decimal) -> FuturesAccount | None:
        """Margin and position of the symbol, None on spot.

        :raises NotReadableError: when OctoBot has not loaded the contract.
        """
        return exchange_view.read_futures(self._manager, self._symbol, mid_price, self.own_quantity())

    def own_quantity(self) -> Decimal:
        """What the campaign has made of the position on futures, in what an order's quantity is."""
        if not futures_view.is_futures(self._manager):
            return Decimal(0)
        net_quantity = self._campaign.ledger.net_quantity(self._share.market)
        return futures_view.own_quantity(self._manager, self._symbol, net_quantity)

    def open_orders(self) -> tuple[OpenOrder, ...]:
        """Every order of this bot on this symbol that may still fill: OctoBot's, and those of ours that it lost.

        OctoBot's real trader can lose sight of an order that rests on its exchange. Until it is shown to it again, the
        ledger knows it: it is not to be crossed, and not to be followed by one too many.
        """
        campaign = self._campaign
        orders = exchange_view.orders_of_octobot(self._manager, self._symbol, self._own_id)
        known = tuple(
            exchange_view.open_order(order, None if own_id is None else campaign.placed_at(own_id))
            for order, own_id in orders
            if not self._has_ended(own_id)
        )
        if self._settler is None:
            return known
        own_ids = {own_id for _, own_id in orders}
        lost = (order_id for order_id in campaign.open_order_ids(*self._share.market) if order_id not in own_ids)
        return (*known, *(campaign.record(order_id).as_open_order(order_id) for order_id in lost))

    def _has_ended(self, own_id: str | None) -> bool:
        """Whether the exchange has told us that an order of ours is over; OctoBot may not know that yet."""
        if own_id is None or self._settler is None:
            return False
        return self._campaign.record(own_id).outcome in (Outcome.FILLED, Outcome.CANCELLED)

    def own_open_orders(self) -> tuple[OpenOrder, ...]:
        """Those that this mode has sent."""
        return tuple(order for order in self.open_orders() if order.is_ours)

    def fundable(self, side: Side, price: Decimal, rules: MarketRules) -> Decimal:
        """The largest order, in quote, that the free balance of a side pays for."""
        balances = exchange_view.read_balances(self._manager, self._symbol, price)
        return sizing.fundable_notional(side, price, rules, balances, self._mode.settings)

    def _own_id(self, order: typing.Any) -> str | None:
        """Our id of an order of OctoBot's; None when it is not ours. After a restart OctoBot has a new one for it."""
        if self._campaign.knows(order.order_id):
            return str(order.order_id)
        if self._settler is None:
            return None
        return self._campaign.order_of(order.exchange_order_id, *self._share.market)
