"""The directory of one bot's markets: which there are, what they look like, and whether they can trade.

In memory only: all of it is seen again at the next look. What was filled and is open comes from the ledger.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal

from ..core.accounting.tallies import Market
from ..core.decision.allocation import MarketState, weight_of
from ..core.model.basics import ONE, TEN_THOUSAND, ZERO, ExecutionStyle, OrderType, Side, bps
from ..core.model.orders import OrderIntent
from ..core.model.snapshot import MarketSnapshot
from ..core.settings.schema import Settings

STARTS_WITHIN_S = 10.0
"""A market that has joined counts as one that can take orders for so long before it has looked for the first time."""
PATIENCE_S = 60.0
"""A market that only waits for its own orders, or for a price, gives its share away after this."""
RATE_KEPT_S = 300.0
"""How old a price may be that another quote is converted at."""
MEASURED_FILLS = 20
"""So many of the last fills tell what an order costs beyond the spread."""


@dataclass(slots=True)
class _Entry:
    joined_at: float
    venue: str
    snapshot: MarketSnapshot | None = None
    order_type: ExecutionStyle = ExecutionStyle.MARKET
    due_at: float = 0.0
    idle_since: float | None = None
    is_idle_at_once: bool = False
    beyond_plan: deque[tuple[Decimal, Decimal]] = field(default_factory=lambda: deque(maxlen=MEASURED_FILLS))
    """Volume of the last fills, and what they cost at the fill, of market orders beyond the spread planned for them."""

    def is_able(self, now: float) -> bool:
        if self.snapshot is None and self.idle_since is None:
            return now - self.joined_at <= STARTS_WITHIN_S
        if now > self.due_at + PATIENCE_S:
            return False  # its loop hangs, and nobody knows where
        return self.idle_since is None or (not self.is_idle_at_once and now - self.idle_since < PATIENCE_S)


class MarketDirectory:
    """The markets of one campaign's bot. Moments are seconds of OctoBot's clock."""

    def __init__(self) -> None:
        self._entries: dict[Market, _Entry] = {}

    @property
    def markets(self) -> tuple[Market, ...]:
        """In the order in which they joined."""
        return tuple(self._entries)

    def traded(self, settings: Settings) -> int:
        """How many of them the settings let trade."""
        return sum(weight_of(market, settings) > 0 for market in self._entries)

    def join(self, market: Market, now: float, venue: str) -> str | None:
        """A market's loop comes up; the exchange that trades the same book already, None when there is none.

        :param venue: where its orders go: two exchanges with the same one are two accounts on one book.
        """
        self._entries[market] = _Entry(now, venue)
        same = (other for other, entry in self._entries.items() if entry.venue == venue and other[1] == market[1])
        return next((exchange for exchange, _ in same if exchange != market[0]), None)

    def leave(self, market: Market) -> None:
        self._entries.pop(market, None)

    def see(self, market: Market, snapshot: MarketSnapshot, settings: Settings) -> None:
        """A market's loop has looked."""
        entry = self._entries[market]
        entry.snapshot, entry.order_type = snapshot, settings.order_type

    def can_trade(self, market: Market) -> None:
        """Nothing but the pause after an order, or the other markets' shares, stands between a market and an order."""
        if (entry := self._entries.get(market)) is not None:
            entry.idle_since = None

    def can_not_trade(self, market: Market, now: float, *, at_once: bool) -> None:
        """A market can't take orders; its share goes to the others, `at_once` or when that lasts."""
        if (entry := self._entries.get(market)) is None:
            return
        entry.is_idle_at_once = at_once or (entry.idle_since is not None and entry.is_idle_at_once)
        entry.idle_since = now if entry.idle_since is None else entry.idle_since

    def is_due_at(self, market: Market, at: float) -> None:
        """When a market's loop will be on_error of again, if nothing goes wrong."""
        if (entry := self._entries.get(market)) is not None:
            entry.due_at = at

    def measure(
        self, market: Market, intent: OrderIntent, volume: Decimal, cost_quote: Decimal, quantity: Decimal
    ) -> None:
        """Learn from a fill what an order costs there; one that takes, beside the spread that it was decided at."""
        if (entry := self._entries.get(market)) is None:
            return
        planned = ZERO
        if intent.order_type is OrderType.MARKET:
            planned = intent.valuation.slippage(intent.side, quantity, intent.price, intent.mid_price)
        entry.beyond_plan.append((volume, cost_quote - planned))

    def states(self, now: float, committed: dict[Market, tuple[Decimal, Decimal]]) -> list[MarketState]:
        """Every market as it is now.

        :param committed: what is filled and open of each, in the target's period and today.
        """
        return [_state(market, entry, now, *committed[market]) for market, entry in self._entries.items()]

    def rate(self, quote: str, currency: str, now: float) -> Decimal | None:
        """What one of a quote is worth in a currency, at a price that a loop has seen lately; None without one."""
        for (_, symbol), entry in self._entries.items():
            if entry.snapshot is None or now - entry.snapshot.now + entry.snapshot.price_age_s > RATE_KEPT_S:
                continue
            if symbol == f"{quote}/{currency}":
                return entry.snapshot.mid_price
            if symbol == f"{currency}/{quote}":
                return ONE / entry.snapshot.mid_price
        return None


def _state(
    market: Market, entry: _Entry, now: float, committed_quote: Decimal, day_committed_quote: Decimal
) -> MarketState:
    snapshot, is_able = entry.snapshot, entry.is_able(now)
    if snapshot is None:
        return MarketState(market, committed_quote, day_committed_quote, is_able=is_able)
    rate, fee_rate = snapshot.valuation.quote_rate, snapshot.rules.fee_rate(entry.order_type.sends.role)
    return MarketState(
        market=market,
        committed_quote=committed_quote,
        day_committed_quote=day_committed_quote,
        min_order_quote=snapshot.rules.min_order_notional(snapshot.mid_price) * rate,
        is_able=is_able,
        cost_bps=_cost_bps(entry, snapshot),
        buy_price=snapshot.taker_price(Side.BUY) * (1 + fee_rate) * rate,
        sell_price=snapshot.taker_price(Side.SELL) * (1 - fee_rate) * rate,
        fee_rate=snapshot.rules.worst_fee_rate,
    )


def _cost_bps(entry: _Entry, snapshot: MarketSnapshot) -> Decimal:
    """What an order costs now: what the last fills cost beyond the spread, and the spread that there is now.

    Without a fill the exchange's fee stands for the first part; a resting order does not pay the second.
    """
    volume = sum((one for one, _ in entry.beyond_plan), ZERO)
    beyond = bps(sum((one for _, one in entry.beyond_plan), ZERO), volume)
    if not volume:
        beyond = snapshot.rules.fee_rate(entry.order_type.sends.role) * TEN_THOUSAND
    if entry.order_type.sends is OrderType.LIMIT:
        return beyond
    return beyond + bps(snapshot.taker_price(Side.BUY) - snapshot.taker_price(Side.SELL), 2 * snapshot.mid_price)
