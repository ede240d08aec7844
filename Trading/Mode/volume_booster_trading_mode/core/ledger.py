"""The ledger: counts fills, never intentions, and each once."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from decimal import Decimal

from .market import ZERO, Fill, OrderIntent, Role, Side, bps


class Outcome(enum.Enum):
    """How an order ended."""

    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    LOST = "lost"
    """It was open when the simulator that held it ended."""


@dataclass(slots=True)
class OrderRecord:
    """One order of ours as the ledger knows it."""

    intent: OrderIntent
    placed_at: float
    filled_quantity: Decimal = ZERO
    outcome: Outcome | None = None

    @property
    def open_quantity(self) -> Decimal:
        """What may still fill, in base."""
        return ZERO if self.outcome else max(self.intent.quantity - self.filled_quantity, ZERO)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a campaign stands. Everything that ends in `_quote` is in quote currency."""

    target_quote: Decimal
    bought_quote: Decimal = ZERO
    sold_quote: Decimal = ZERO
    open_buy_quote: Decimal = ZERO
    open_sell_quote: Decimal = ZERO
    maker_quote: Decimal = ZERO
    fees_quote: Decimal = ZERO
    slippage_quote: Decimal = ZERO
    orders: int = 0
    fills: int = 0
    buys: int = 0
    sells: int = 0
    cancelled: int = 0
    rejected: int = 0
    open_orders: int = 0
    failures_in_a_row: int = 0
    unfilled_buys: int = 0
    unfilled_sells: int = 0
    """Open orders that nothing of is filled yet; `buys` and `sells` count those that something of is."""
    first_order_at: float | None = None
    last_fill_at: float | None = None

    @property
    def filled_quote(self) -> Decimal:
        return self.bought_quote + self.sold_quote

    @property
    def remaining_quote(self) -> Decimal:
        return max(self.target_quote - self.filled_quote, ZERO)

    @property
    def headroom_quote(self) -> Decimal:
        """What new orders may still be placed for: target - filled - open remaining."""
        return self.remaining_quote - self.open_buy_quote - self.open_sell_quote

    @property
    def is_done(self) -> bool:
        return self.filled_quote >= self.target_quote

    @property
    def cost_quote(self) -> Decimal:
        """Fees and slippage against the mid at decision time."""
        return self.fees_quote + self.slippage_quote

    @property
    def cost_bps(self) -> Decimal:
        return bps(self.cost_quote, self.filled_quote)

    @property
    def maker_share(self) -> float:
        """Share of the filled volume that was filled as maker, 0 to 1."""
        return float(self.maker_quote / self.filled_quote) if self.filled_quote else 0.0

    @property
    def imbalance(self) -> float:
        """|bought - sold| / target."""
        return float(abs(self.bought_quote - self.sold_quote) / self.target_quote)

    def filled_on(self, side: Side) -> Decimal:
        """What is filled on a side, in quote."""
        return self.bought_quote if side is Side.BUY else self.sold_quote

    def turns(self, side: Side) -> int:
        """How many orders of a side have filled, at least partly, or may still."""
        return self.buys + self.unfilled_buys if side is Side.BUY else self.sells + self.unfilled_sells

    def committed_quote(self, side: Side) -> Decimal:
        """What is filled or still open on a side."""
        return self.filled_on(side) + (self.open_buy_quote if side is Side.BUY else self.open_sell_quote)

    def eta_s(self, now: float) -> float | None:
        """Seconds until the target at the average pace so far; None while there is no pace to speak of."""
        if self.first_order_at is None or not self.filled_quote or now <= self.first_order_at:
            return None
        return float(self.remaining_quote / self.filled_quote) * (now - self.first_order_at)


@dataclass(slots=True)
class Ledger:
    """The running account of one campaign. Feeding it the same thing twice changes nothing."""

    _orders: dict[str, OrderRecord] = field(default_factory=dict)
    _open: dict[str, OrderRecord] = field(default_factory=dict)
    _fill_ids: set[str] = field(default_factory=set)
    _filled: dict[Side, Decimal] = field(default_factory=lambda: {Side.BUY: ZERO, Side.SELL: ZERO})
    _maker_quote: Decimal = ZERO
    _fees_quote: Decimal = ZERO
    _slippage_quote: Decimal = ZERO
    _orders_by_side: dict[Side, int] = field(default_factory=lambda: {Side.BUY: 0, Side.SELL: 0})
    _outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    _failures_in_a_row: int = 0
    _first_order_at: float | None = None
    _last_fill_at: float | None = None

    def place(self, order_id: str, intent: OrderIntent, at: float) -> None:
        """An order is about to be sent: from here its quantity is reserved."""
        if order_id in self._orders:
            return
        self._orders[order_id] = self._open[order_id] = OrderRecord(intent, at)
        if self._first_order_at is None:
            self._first_order_at = at

    def apply(self, fill: Fill) -> bool:
        """Count a fill; False when it was counted before.

        :raises KeyError: when the fill's order is not one of ours.
        """
        record = self._orders[fill.order_id]
        if fill.fill_id in self._fill_ids:
            return False
        if not record.filled_quantity:
            self._orders_by_side[fill.side] += 1
        self._fill_ids.add(fill.fill_id)
        record.filled_quantity += fill.quantity
        self._filled[fill.side] += fill.notional
        self._maker_quote += fill.notional if fill.role is Role.MAKER else ZERO
        self._fees_quote += fill.fee_quote
        self._slippage_quote += fill.slippage_quote
        self._last_fill_at = max(fill.at, self._last_fill_at or fill.at)
        self._failures_in_a_row = 0
        if record.filled_quantity >= record.intent.quantity:
            self.close(fill.order_id, Outcome.FILLED)
        return True

    def close(self, order_id: str, outcome: Outcome) -> bool:
        """An order ended: what is left of it is no longer reserved. False when it had ended before.

        :raises KeyError: when the order is not one of ours.
        """
        record = self._orders[order_id]
        if record.outcome is not None:
            return False
        record.outcome = outcome
        del self._open[order_id]
        self._outcomes[outcome] += 1
        if outcome is Outcome.REJECTED:
            self._failures_in_a_row += 1
        return True

    def knows(self, order_id: str) -> bool:
        return order_id in self._orders

    def record(self, order_id: str) -> OrderRecord:
        """:raises KeyError: when the order is not one of ours."""
        return self._orders[order_id]

    @property
    def open_order_ids(self) -> tuple[str, ...]:
        return tuple(self._open)

    def progress(self, target_quote: Decimal) -> Progress:
        """Where the campaign stands towards a target in quote."""
        open_quote = {Side.BUY: ZERO, Side.SELL: ZERO}
        unfilled = {Side.BUY: 0, Side.SELL: 0}
        for record in self._open.values():
            open_quote[record.intent.side] += record.open_quantity * record.intent.price
            unfilled[record.intent.side] += not record.filled_quantity
        return Progress(
            target_quote=target_quote,
            bought_quote=self._filled[Side.BUY],
            sold_quote=self._filled[Side.SELL],
            open_buy_quote=open_quote[Side.BUY],
            open_sell_quote=open_quote[Side.SELL],
            maker_quote=self._maker_quote,
            fees_quote=self._fees_quote,
            slippage_quote=self._slippage_quote,
            orders=len(self._orders),
            fills=len(self._fill_ids),
            buys=self._orders_by_side[Side.BUY],
            sells=self._orders_by_side[Side.SELL],
            cancelled=self._outcomes[Outcome.CANCELLED] + self._outcomes[Outcome.LOST],
            rejected=self._outcomes[Outcome.REJECTED],
            open_orders=len(self._open),
            failures_in_a_row=self._failures_in_a_row,
            unfilled_buys=unfilled[Side.BUY],
            unfilled_sells=unfilled[Side.SELL],
            first_order_at=self._first_order_at,
            last_fill_at=self._last_fill_at,
        )
