"""Rate limits: request weight a minute of each address, and unfilled orders of each account. Pure.

The windows are those of Binance: they begin with each minute, each ten seconds and each day of the exchange's clock. An
order counts until it first fills: then it is credited, five-fold if it filled as a maker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..market.tape import DAY_MS, SECOND_MS

MINUTE_MS = 60 * SECOND_MS
TEN_SECONDS_MS = 10 * SECOND_MS
REFUSALS_BEFORE_BAN = 10
SHORTEST_BAN_MS = 2 * MINUTE_MS
LONGEST_BAN_MS = 3 * DAY_MS
MAKER_FILL_CREDIT = 5
_STREAMS = "Please use WebSocket Streams for live updates to avoid"


@dataclass(frozen=True, slots=True)
class Limited:
    """A limit was exceeded: HTTP `status`, Binance's code and message, and how long to wait."""

    status: int
    code: int
    msg: str
    retry_after_s: int


@dataclass(slots=True)
class _Window:
    """A counter that resets at each multiple of its length."""

    length_ms: int
    number: int = 0
    count: int = 0

    def at(self, now_ms: int) -> _Window:
        """The window, reset if it is over."""
        if now_ms // self.length_ms != self.number:
            self.number, self.count = now_ms // self.length_ms, 0
        return self

    def wait_s(self, now_ms: int) -> int:
        """Whole seconds until it is over, at least one."""
        return -(-(self.length_ms - now_ms % self.length_ms) // SECOND_MS)


@dataclass(slots=True)
class _Address:
    weight: _Window = field(default_factory=lambda: _Window(MINUTE_MS))
    refusals: int = 0
    bans: int = 0
    banned_until_ms: int = 0


def _order_windows() -> tuple[_Window, _Window]:
    return _Window(TEN_SECONDS_MS), _Window(DAY_MS)


@dataclass(slots=True)
class RateLimits:
    """The allowances and what is used of them. Every moment is an argument, in milliseconds."""

    weight_per_minute: int = 6_000
    orders_per_10s: int = 100
    orders_per_day: int = 200_000
    _addresses: dict[str, _Address] = field(default_factory=dict)
    _orders: dict[str, tuple[_Window, _Window]] = field(default_factory=dict)

    def announced(self) -> list[dict[str, Any]]:
        """The limits as the exchange's trading rules list them."""
        return [_limit("REQUEST_WEIGHT", "MINUTE", 1, self.weight_per_minute), *self._announced_orders()]

    def spend(self, address: str, weight: int, now_ms: int) -> Limited | None:
        """Charge an address for a call. Returns why the call must be refused, None if it may proceed."""
        state = self._addresses.setdefault(address, _Address())
        if now_ms < state.banned_until_ms:
            return _banned(state.banned_until_ms, now_ms)
        window = state.weight
        if window.at(now_ms).count == 0:
            state.refusals = 0
        window.count += weight
        if window.count <= self.weight_per_minute:
            return None
        state.refusals += 1
        if state.refusals > REFUSALS_BEFORE_BAN:
            return _ban(state, now_ms)
        return _too_much_weight(self.weight_per_minute, window.wait_s(now_ms))

    def used_weight(self, address: str, now_ms: int) -> int:
        """Weight that an address has used in this minute."""
        return self._addresses.setdefault(address, _Address()).weight.at(now_ms).count

    def may_order(self, account: str, now_ms: int) -> Limited | None:
        """Whether an account may send one more order; if not, why."""
        limits = ((self.orders_per_10s, "10 SECOND"), (self.orders_per_day, "1 DAY"))
        for (limit, interval), window in zip(limits, self._order_windows(account, now_ms), strict=True):
            if window.count >= limit:
                msg = f"Too many new orders; current limit is {limit} orders per {interval}."
                return Limited(429, -1015, msg, window.wait_s(now_ms))
        return None

    def note_order(self, account: str, now_ms: int) -> None:
        """Count an order that was accepted."""
        for window in self._order_windows(account, now_ms):
            window.count += 1

    def note_first_fill(self, account: str, *, is_maker: bool) -> None:
        """Credit an order that has begun to fill; the counts never fall below 0."""
        for window in self._orders.get(account, ()):
            window.count = max(window.count - (MAKER_FILL_CREDIT if is_maker else 1), 0)

    def order_counts(self, account: str, now_ms: int) -> tuple[int, int]:
        """Unfilled orders of an account in these ten seconds and on this day."""
        ten_seconds, day = self._order_windows(account, now_ms)
        return ten_seconds.count, day.count

    def announced_order_counts(self, account: str, now_ms: int) -> list[dict[str, Any]]:
        """The limits of orders with what an account has used of them."""
        counts = self.order_counts(account, now_ms)
        return [{**limit, "count": count} for limit, count in zip(self._announced_orders(), counts, strict=True)]

    def _announced_orders(self) -> list[dict[str, Any]]:
        return [
            _limit("ORDERS", "SECOND", 10, self.orders_per_10s),
            _limit("ORDERS", "DAY", 1, self.orders_per_day),
        ]

    def _order_windows(self, account: str, now_ms: int) -> tuple[_Window, _Window]:
        ten_seconds, day = self._orders.setdefault(account, _order_windows())
        return ten_seconds.at(now_ms), day.at(now_ms)


def _limit(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def _too_much_weight(limit: int, retry_after_s: int) -> Limited:
    text = f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE."
    return Limited(429, -1003, f"{text} {_STREAMS} polling the API.", retry_after_s)


def _ban(state: _Address, now_ms: int) -> Limited:
    """Each ban of an address lasts twice as long as the one before."""
    state.banned_until_ms = now_ms + min(SHORTEST_BAN_MS * 2**state.bans, LONGEST_BAN_MS)
    state.bans, state.refusals = state.bans + 1, 0
    return _banned(state.banned_until_ms, now_ms)


def _banned(until_ms: int, now_ms: int) -> Limited:
    msg = f"Way too much request weight used; IP banned until {until_ms}. {_STREAMS} bans."
    return Limited(418, -1003, msg, -(-(until_ms - now_ms) // SECOND_MS))
