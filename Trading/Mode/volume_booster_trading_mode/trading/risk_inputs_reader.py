"""What the guards look at beside the market: the look before, the clock, the market's volume, the exchange's limits.

One for each symbol. What it does not know it says so: a volume of None, never one that is made up.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from ..adapters import futures_data, market_data
from ..adapters.rate_limits import RateLimitTracker
from ..adapters.runtime import bot_process
from ..campaign.campaign import Campaign
from ..core.accounting.outside import AccountWatch
from ..core.decision.timing.volatility import VolatilityMeter
from ..core.model.basics import ONE, ZERO
from ..core.model.instrument import base_of, quote_of
from ..core.model.snapshot import Equity, RiskInputs

VOLUME_EVERY_S = 60.0
VOLUME_KEPT_S = 600.0
COMPARABLE_FOR_S = 60.0
"""A price is compared with the one of the look before when that is no older than this."""


def day_volume(ticker: dict[str, typing.Any]) -> Decimal | None:
    """What a market trades in 24 hours, in quote, as a ticker of ccxt's tells it; None when it does not.

    Some exchanges tell it in base only: that is then taken at the day's average price, or at the last one.
    """
    quote, base = ticker.get("quoteVolume"), ticker.get("baseVolume")
    price = ticker.get("vwap") or ticker.get("last")
    volume = Decimal(str(quote or 0)) or Decimal(str(base or 0)) * Decimal(str(price or 0))
    return volume if volume.is_finite() and volume > 0 else None


class RiskInputsReader:
    """What one symbol's loop keeps in mind from one look to the next.

    :param limits: of the exchange's account; None where our own orders do not count against them.
    :param passing_s: a clock that nobody sets, in seconds; None in backtesting, where there is none.
    """

    def __init__(
        self, exchange_manager: typing.Any, symbol: str, campaign: Campaign, limits: RateLimitTracker | None,
        passing_s: Callable[[], float] | None,
    ) -> None:  # fmt: skip
        self._manager = exchange_manager
        self._symbol = symbol
        self._campaign = campaign
        self._limits = limits
        self._passing_s = passing_s
        self._last_mid: tuple[float, Decimal] | None = None
        self._last_clock: tuple[float, float] | None = None
        self._day_volume: tuple[float, Decimal] | None = None
        self._ask_volume_at = 0.0
        self._watched: tuple[int, AccountWatch] | None = None
        self._volatility = VolatilityMeter()

    async def ask_exchange(self, now: float) -> None:
        """Ask what changes slowly, now and then. An exchange that does not answer is asked again later."""
        client = getattr(self._manager.exchange.connector, "client", None)
        if client is None:
            return
        if now >= self._ask_volume_at:
            self._ask_volume_at = now + VOLUME_EVERY_S
            await self._ask_volume(client, now)
        if self._limits is not None:
            await self._limits.ask_exchange(now)

    async def _ask_volume(self, client: typing.Any, now: float) -> None:
        try:
            ticker = await client.fetch_ticker(self._symbol)
        except market_data.UNANSWERED:
            return  # what was told last is good for some minutes
        volume = day_volume(ticker)
        if volume is not None:
            self._day_volume = now, volume

    def risk_inputs(self, now: float, mid_price: Decimal, quote_rate: Decimal = ONE) -> RiskInputs:
        """What the guards look at now; the next look is compared with it.

        :param quote_rate: what one of the market's quote is worth in the campaign's currency, which the equity is in.
        """
        manager, campaign = self._manager, self._campaign
        market = manager.exchange_name, self._symbol
        limits = self._limits
        self._volatility.see(now, mid_price)
        used, resets_in_s = (0.0, 0.0) if limits is None else limits.use(now)
        outside_base, outside_quote = self._outside(now, quote_rate)
        return RiskInputs(
            equity=self._equity(now, mid_price, quote_rate),
            last_mid_price=self._mid_before(now, mid_price),
            clock_jump_s=self._clock_jump_s(now),
            day_volume_quote=self._known_volume(now),
            hour_filled_quote=campaign.ledger.hour_filled(market, now),
            last_order_at=campaign.last_order_at,
            exchange_orders_per_second=None if limits is None else limits.requests_per_second(),
            rate_limit_used=used,
            rate_limit_resets_in_s=resets_in_s,
            outside_base=outside_base,
            outside_quote=outside_quote,
            volatility_bps=self._volatility.bps,
            seen_volatility_bps=self._volatility.seen_bps,
            cancels_last_minute=campaign.cancels.in_last_minute(manager.exchange_name, now),
            is_real_trading_allowed=bot_process.is_real_trading_allowed(),
        )

    def _equity(self, now: float, mid_price: Decimal, quote_rate: Decimal) -> Equity:
        """On futures the drift is that of the position, which is worth something else than the profit it has made."""
        manager, campaign, market = self._manager, self._campaign, (self._manager.exchange_name, self._symbol)
        totals = market_data.totals(manager, self._symbol)
        equity = campaign.equity(*market, now, mid_price, *totals, quote_rate)
        if not futures_data.is_futures(manager):
            return equity
        worth = futures_data.valuation(manager, self._symbol, quote_rate)
        own = futures_data.own_quantity(manager, self._symbol, campaign.ledger.net_quantity(market))
        return replace(equity, drift_quote=worth.volume(own, mid_price), of_all_quote=ZERO, drift_of_all_quote=ZERO)

    def _outside(self, now: float, quote_rate: Decimal) -> tuple[Decimal, Decimal]:
        """What somebody else has traded here since this run began, or since a person last resumed.

        It is not looked for in a backtest, on futures, where the campaign counts in another currency than the quote,
        and where one of both is the other side of another market: what our own fills made of it is not exact there.
        """
        manager, campaign = self._manager, self._campaign
        if self._passing_s is None or quote_rate != ONE or futures_data.is_futures(manager):
            return ZERO, ZERO
        exchange, base, quote = manager.exchange_name, base_of(self._symbol), quote_of(self._symbol)
        here = [market for market in campaign.ledger.markets if market[0] == exchange]
        if any(quote_of(symbol) == base or base_of(symbol) == quote for _, symbol in here):
            return ZERO, ZERO
        totals = market_data.totals(manager, self._symbol)
        if not any(totals):
            return ZERO, ZERO  # OctoBot has not read them yet
        if self._watched is None or self._watched[0] != campaign.resumes:
            self._watched = campaign.resumes, AccountWatch()
        own_base = sum((campaign.ledger.drift(one)[0] for one in here if base_of(one[1]) == base), ZERO)
        own_quote = sum((campaign.ledger.drift(one)[1] for one in here if quote_of(one[1]) == quote), ZERO)
        outside_base, outside_quote = self._watched[1].see(now, totals, (own_base, own_quote))
        # a fee may have been charged in base, and is counted in quote
        fees = sum((campaign.ledger.progress(ONE, one).fees_quote for one in here), ZERO)
        return (outside_base, outside_quote) if abs(outside_quote) > fees else (ZERO, ZERO)

    def _mid_before(self, now: float, mid_price: Decimal) -> Decimal | None:
        before, self._last_mid = self._last_mid, (now, mid_price)
        return before[1] if before is not None and now - before[0] <= COMPARABLE_FOR_S else None

    def _clock_jump_s(self, now: float) -> float:
        if self._passing_s is None:
            return 0.0
        passed = self._passing_s()
        before, self._last_clock = self._last_clock, (now, passed)
        return 0.0 if before is None else (now - before[0]) - (passed - before[1])

    def _known_volume(self, now: float) -> Decimal | None:
        if self._day_volume is None or now - self._day_volume[0] > VOLUME_KEPT_S:
            return None
        return self._day_volume[1]
