"""What the guards look at beside the market: the look before, the clock, the market's volume, the exchange's limits.

One for each symbol. What it does not know it says so: a volume of None, never one that is made up.
"""

from __future__ import annotations

import os
import typing
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from . import exchange_view, futures_view
from .campaign import Campaign
from .core.guards import REAL_TRADING_VARIABLE
from .core.market import ONE, Equity, RiskInputs
from .venues import venue_of
from .venues.record import LimitsInHeaders

VOLUME_EVERY_S = 60.0
VOLUME_KEPT_S = 600.0
LIMITS_EVERY_S = 3_600.0
COMPARABLE_FOR_S = 60.0
"""A price is compared with the one of the look before when that is no older than this."""
_UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Limits = dict[tuple[str, int], int]
"""What is limited, in which window of seconds -> how much."""


def is_real_trading_allowed() -> bool:
    """Whether the environment of this process says that real funds may be traded."""
    return os.environ.get(REAL_TRADING_VARIABLE) == "yes"


def day_volume(ticker: dict[str, typing.Any]) -> Decimal | None:
    """What a market trades in 24 hours, in quote, as a ticker of ccxt's tells it; None when it does not.

    Some exchanges tell it in base only: that is then taken at the day's average price, or at the last one.
    """
    quote, base = ticker.get("quoteVolume"), ticker.get("baseVolume")
    price = ticker.get("vwap") or ticker.get("last")
    volume = Decimal(str(quote or 0)) or Decimal(str(base or 0)) * Decimal(str(price or 0))
    return volume if volume.is_finite() and volume > 0 else None


class Lookout:
    """What one symbol's loop keeps in mind from one look to the next.

    :param passing_s: a clock that nobody sets, in seconds; None in backtesting, where there is none.
    """

    def __init__(
        self, exchange_manager: typing.Any, symbol: str, campaign: Campaign, passing_s: Callable[[], float] | None
    ) -> None:
        self._manager = exchange_manager
        self._symbol = symbol
        self._campaign = campaign
        self._passing_s = passing_s
        self._last_mid: tuple[float, Decimal] | None = None
        self._last_clock: tuple[float, float] | None = None
        self._day_volume: tuple[float, Decimal] | None = None
        self._ask_volume_at = self._ask_limits_at = 0.0
        self._limits: Limits = {}
        self._used: dict[tuple[str, int], tuple[float, int]] = {}

    async def ask_exchange(self, now: float, *, is_limited: bool) -> None:
        """Ask what changes slowly, now and then. An exchange that does not answer is asked again later.

        :param is_limited: whether our own orders count against the exchange's limits.
        """
        client = getattr(self._manager.exchange.connector, "client", None)
        if client is None:
            return
        if now >= self._ask_volume_at:
            self._ask_volume_at = now + VOLUME_EVERY_S
            await self._ask_volume(client, now)
        if is_limited and (shown := self._shown_limits) is not None and now >= self._ask_limits_at:
            self._ask_limits_at = now + LIMITS_EVERY_S
            await self._ask_limits(client, shown)

    async def _ask_volume(self, client: typing.Any, now: float) -> None:
        try:
            ticker = await client.fetch_ticker(self._symbol)
        except exchange_view.UNANSWERED:
            return  # what was told last is good for some minutes
        volume = day_volume(ticker)
        if volume is not None:
            self._day_volume = now, volume

    @property
    def _shown_limits(self) -> LimitsInHeaders | None:
        """How the exchange shows what of its limits is used; None where it does not."""
        client = getattr(self._manager.exchange.connector, "client", None)
        venue = None if client is None else venue_of(str(client.id))
        return None if venue is None else venue.limits

    async def _ask_limits(self, client: typing.Any, shown: LimitsInHeaders) -> None:
        try:
            told = await getattr(client, shown.asked_by)({"symbol": client.market_id(self._symbol)})
        except exchange_view.UNANSWERED:
            return  # without them the number of requests a second still holds
        self._limits = {
            (
                shown.kinds[limit["rateLimitType"]],
                int(limit["intervalNum"]) * shown.intervals_s[limit["interval"]],
            ): int(limit["limit"])
            for limit in told["rateLimits"]
            if limit["rateLimitType"] in shown.kinds and limit["interval"] in shown.intervals_s
        }

    def risk_inputs(self, now: float, mid_price: Decimal, quote_rate: Decimal = ONE, *, is_limited: bool) -> RiskInputs:
        """The vitals of this look; the next one is compared with it.

        :param quote_rate: what one of the market's quote is worth in the campaign's currency, which the equity is in.
        """
        manager, campaign = self._manager, self._campaign
        market = manager.exchange_name, self._symbol
        used, resets_in_s = self._rate_limit_use(now) if is_limited else (0.0, 0.0)
        return RiskInputs(
            equity=self._equity(now, mid_price, quote_rate),
            last_mid_price=self._mid_before(now, mid_price),
            clock_jump_s=self._clock_jump_s(now),
            day_volume_quote=self._known_volume(now),
            hour_filled_quote=campaign.ledger.hour_filled(market, now),
            last_order_at=campaign.last_order_at,
            exchange_orders_per_second=self._requests_per_second() if is_limited else None,
            rate_limit_used=used,
            rate_limit_resets_in_s=resets_in_s,
            is_real_trading_allowed=is_real_trading_allowed(),
        )

    def _equity(self, now: float, mid_price: Decimal, quote_rate: Decimal) -> Equity:
        """On futures the drift is that of the position, which is worth something else than the profit it has made."""
        manager, campaign, market = self._manager, self._campaign, (self._manager.exchange_name, self._symbol)
        totals = exchange_view.totals(manager, self._symbol)
        equity = campaign.equity(*market, now, mid_price, *totals, quote_rate)
        if not futures_view.is_futures(manager):
            return equity
        worth = futures_view.valuation(manager, self._symbol, quote_rate)
        own = futures_view.own_quantity(manager, self._symbol, campaign.ledger.net_quantity(market))
        return replace(equity, drift_quote=worth.volume(own, mid_price))

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

    def _requests_per_second(self) -> float | None:
        client = getattr(self._manager.exchange.connector, "client", None)
        pause_ms = float(getattr(client, "rateLimit", 0) or 0)
        return 1_000 / pause_ms if pause_ms > 0 else None

    def hear_limits(self, now: float) -> None:
        """Take in what the exchange's last answer tells of its limits; the answer to an order counts the orders."""
        shown = self._shown_limits
        if shown is None:
            return
        headers = self._manager.exchange.connector.client.last_response_headers or {}
        for name, value in headers.items():
            found = shown.header.match(name.lower())
            if found and str(value).isdecimal():
                window_s = int(found["number"]) * _UNIT_S[found["unit"]]
                self._used[found["what"], window_s] = now, int(value)

    def _rate_limit_use(self, now: float) -> tuple[float, float]:
        """The largest share of a limit that is used up in its present window, and the seconds until that is over."""
        self.hear_limits(now)
        shares = [(0.0, 0.0)]
        for (what, window_s), (at, used) in self._used.items():
            limit = self._limits.get((what, window_s))
            if limit and at // window_s == now // window_s:
                shares.append((used / limit, window_s - now % window_s))
        return max(shares)
