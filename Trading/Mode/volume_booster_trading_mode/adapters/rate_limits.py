"""What an exchange shows of its rate limits, and how much of them is used."""

from __future__ import annotations

import typing

from . import market_data
from .venues import venue_of
from .venues.record import LimitsInHeaders

LIMITS_EVERY_S = 3_600.0
_UNIT_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Limits = dict[tuple[str, int], int]
"""What is limited, in which window of seconds -> how much."""


class RateLimitTracker:
    """The limits of one account, as the answers to one symbol's loop show them."""

    def __init__(self, exchange_manager: typing.Any, symbol: str) -> None:
        self._manager = exchange_manager
        self._symbol = symbol
        self._ask_limits_at = 0.0
        self._limits: Limits = {}
        self._used: dict[tuple[str, int], tuple[float, int]] = {}

    async def ask_exchange(self, now: float) -> None:
        """Ask for the limits now and then, where the exchange shows them."""
        shown = self._shown_limits
        if shown is not None and now >= self._ask_limits_at:
            self._ask_limits_at = now + LIMITS_EVERY_S
            await self._ask_limits(self._client, shown)

    @property
    def _client(self) -> typing.Any:
        return getattr(self._manager.exchange.connector, "client", None)

    @property
    def _shown_limits(self) -> LimitsInHeaders | None:
        """How the exchange shows what of its limits is used; None where it does not."""
        client = self._client
        venue = None if client is None else venue_of(str(client.id))
        return None if venue is None else venue.limits

    async def _ask_limits(self, client: typing.Any, shown: LimitsInHeaders) -> None:
        try:
            told = await getattr(client, shown.asked_by)({"symbol": client.market_id(self._symbol)})
        except market_data.UNANSWERED:
            return  # without them the number of requests a second still holds
        self._limits = {
            (
                shown.kinds[limit["rateLimitType"]],
                int(limit["intervalNum"]) * shown.intervals_s[limit["interval"]],
            ): int(limit["limit"])
            for limit in told["rateLimits"]
            if limit["rateLimitType"] in shown.kinds and limit["interval"] in shown.intervals_s
        }

    def requests_per_second(self) -> float | None:
        """How many the client sends at most."""
        pause_ms = float(getattr(self._client, "rateLimit", 0) or 0)
        return 1_000 / pause_ms if pause_ms > 0 else None

    def update_limits(self, now: float) -> None:
        """Take in what the exchange's last answer shows of its limits; the answer to an order counts the orders."""
        shown = self._shown_limits
        if shown is None:
            return
        headers = self._client.last_response_headers or {}
        for name, value in headers.items():
            found = shown.header.match(name.lower())
            if found and str(value).isdecimal():
                window_s = int(found["number"]) * _UNIT_S[found["unit"]]
                self._used[found["what"], window_s] = now, int(value)

    def use(self, now: float) -> tuple[float, float]:
        """The largest share of a limit that is used up in its present window, and the seconds until that is over."""
        self.update_limits(now)
        shares = [(0.0, 0.0)]
        for (what, window_s), (at, used) in self._used.items():
            limit = self._limits.get((what, window_s))
            if limit and at // window_s == now // window_s:
                shares.append((used / limit, window_s - now % window_s))
        return max(shares)
