"""How a campaign was executed: what rested and what took, how many orders a fill needed, what came of round trips.

All of it follows from the orders and fills in the journal. It holds no order books: how long quotes stood at the touch
is not known, only how long they stood.
"""

from __future__ import annotations

import functools
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..core.accounting.ledger import Outcome
from ..core.accounting.progress import Holding
from ..core.accounting.tallies import exact_add
from ..core.model.basics import ZERO, OrderType, Role, bps
from ..core.model.formats import duration, money, money_of_quotient, shown
from ..core.model.instrument import base_of
from ..core.model.orders import Fill
from ..journal.rows import OPEN, SentRow

NO_TOUCH = "not known: the journal holds no order books"


def _total(amounts: Iterable[Decimal]) -> Decimal:
    return functools.reduce(exact_add, amounts, ZERO)


@dataclass(frozen=True, slots=True)
class RolePart:
    """The fills of one role, in the campaign's currency."""

    role: Role
    fills: int
    volume_quote: Decimal
    fees_quote: Decimal
    slippage_quote: Decimal
    """Of those that are measured."""
    measured_quote: Decimal
    """Their volume."""

    @classmethod
    def of(cls, role: Role, fills: Sequence[Fill]) -> RolePart:
        own = [fill for fill in fills if fill.role is role]
        measured = [(fill.volume, fill.slippage_quote) for fill in own if fill.slippage_quote is not None]
        return cls(
            role,
            len(own),
            _total(fill.volume for fill in own),
            _total(fill.fee_quote for fill in own),
            _total(slippage for _, slippage in measured),
            _total(volume for volume, _ in measured),
        )

    @property
    def cost_quote(self) -> Decimal:
        return self.fees_quote + self.slippage_quote

    @property
    def cost_bps(self) -> Decimal:
        """Fees of all of it, and slippage of what is measured, each by its own volume."""
        return bps(self.fees_quote, self.volume_quote) + bps(self.slippage_quote, self.measured_quote)

    def to_json(self) -> dict[str, typing.Any]:
        amounts = ("volume_quote", "fees_quote", "slippage_quote", "cost_quote")
        return {
            "fills": self.fills,
            **{name: money(getattr(self, name)) for name in amounts},
            "cost_bps": f"{self.cost_bps:.4f}",
        }

    def text(self, quote: str) -> str:
        volume, fees, slippage = (
            shown(one, quote) for one in (self.volume_quote, self.fees_quote, self.slippage_quote)
        )
        return (
            f"{self.fills:,} fills, {volume} {quote}: fees {fees}, slippage {slippage}, {self.cost_bps:.2f} bps of it"
        )


@dataclass(frozen=True, slots=True)
class Resting:
    """The orders that rest: limit orders and quotes."""

    placed: int
    """Sent, and taken by the exchange."""
    cancelled: int
    """Of these."""
    not_taken: int
    """Sent, and refused: also a quote that would have taken."""
    fills: int
    stood_s: float | None
    """From sent to ended, the mean of those that have; None where none has."""

    @classmethod
    def of(cls, orders: Sequence[SentRow], fills: Sequence[Fill], *, is_simulated: bool) -> Resting:
        filled, last_fill_at = dict[str, Decimal](), dict[str, float]()
        for fill in fills:
            filled[fill.order_id] = filled.get(fill.order_id, ZERO) + fill.quantity
            last_fill_at[fill.order_id] = fill.at
        limits = [row for row in orders if row.order.intent.order_type is OrderType.LIMIT]
        placed = [row for row in limits if _is_taken(row, filled, is_simulated=is_simulated)]
        ids = {row.order.order_id for row in placed}
        states = [row.state(filled.get(row.order.order_id, ZERO)) for row in placed]
        stood = [
            last_fill_at[row.order.order_id] - row.order.at if row.ended_at is None else row.ended_at - row.order.at
            for row, state in zip(placed, states, strict=True)
            if state != OPEN
        ]
        return cls(
            len(placed),
            states.count(Outcome.CANCELLED.value),
            sum(row.outcome is not None for row in limits) - sum(row.outcome is not None for row in placed),
            sum(fill.order_id in ids for fill in fills),
            sum(stood) / len(stood) if stood else None,
        )

    def a_fill(self, count: int) -> float | None:
        """So many for each fill; None where nothing has filled."""
        return round(count / self.fills, 4) if self.fills else None

    def to_json(self) -> dict[str, typing.Any]:
        return {
            "placed": self.placed,
            "cancelled": self.cancelled,
            "not_taken": self.not_taken,
            "fills": self.fills,
            "placed_per_fill": self.a_fill(self.placed),
            "cancelled_per_fill": self.a_fill(self.cancelled),
            "stood_s": None if self.stood_s is None else round(self.stood_s, 3),
            "time_at_touch_s": None,
        }

    def text(self) -> str:
        told = (
            f"{self.placed:,} placed, {self.cancelled:,} cancelled, {self.not_taken:,} not taken, {self.fills:,} fills"
        )
        if self.fills:
            placed, cancelled = self.placed / self.fills, self.cancelled / self.fills
            told += f": {placed:.2f} placed and {cancelled:.2f} cancelled a fill"
        if self.stood_s is not None:
            told += f"; they stood {duration(self.stood_s)} on average"
        return f"{told}; time at the touch {NO_TOUCH}"


def _is_taken(row: SentRow, filled: Mapping[str, Decimal], *, is_simulated: bool) -> bool:
    """Whether the exchange has taken an order, as far as the journal says.

    OctoBot's simulator takes all that it does not refuse, and accepts none in so many words.
    """
    is_accepted = row.outcome is not Outcome.REJECTED if is_simulated else row.accepted_at is not None
    return is_accepted or row.order.order_id in filled


@dataclass(frozen=True, slots=True)
class Trips:
    """The round trips of one market, by the average cost method, and what is held after them."""

    holding: Holding
    count: int
    result_quote: Decimal
    """What they earned less the fees of both ends."""

    def to_json(self) -> dict[str, typing.Any]:
        held = self.holding
        return {
            "exchange": held.exchange,
            "symbol": held.symbol,
            "round_trips": self.count,
            "gain_quote": money_of_quotient(held.realised_quote),
            "result_quote": money_of_quotient(self.result_quote),
            "inventory_base": money(held.base),
            "inventory_quote": money_of_quotient(held.value_quote),
        }

    def text(self, quote: str) -> str:
        held = self.holding
        gain, result, value = (shown(one, quote) for one in (held.realised_quote, self.result_quote, held.value_quote))
        return (
            f"{held.symbol} on {held.exchange}: {self.count:,}, gain {gain}, less fees {result} {quote}; "
            f"inventory {held.base.normalize():+f} {base_of(held.symbol)} ({value})"
        )


@dataclass(frozen=True, slots=True)
class Execution:
    """All of it."""

    roles: tuple[RolePart, ...]
    resting: Resting
    trips: tuple[Trips, ...]

    @classmethod
    def of(
        cls,
        orders: Sequence[SentRow],
        fills: Sequence[Fill],
        holdings: Sequence[Holding],
        round_trips_of: Mapping[tuple[str, str], Sequence[Decimal]],
        *,
        is_simulated: bool,
    ) -> Execution:
        """:param fills: in the order of time.
        :param round_trips_of: the results in quote of the round trips of each market, its exchange and its symbol.
        :param is_simulated: OctoBot's simulator has played the exchange.
        """
        trips = ((held, round_trips_of.get((held.exchange, held.symbol), ())) for held in holdings)
        return cls(
            tuple(RolePart.of(role, fills) for role in Role),
            Resting.of(orders, fills, is_simulated=is_simulated),
            tuple(Trips(held, len(own), sum(own, ZERO)) for held, own in trips),
        )

    def to_json(self) -> dict[str, typing.Any]:
        """Money and bps as decimal strings; what is not known is null."""
        return {
            **{part.role.value: part.to_json() for part in self.roles},
            "resting": self.resting.to_json(),
            "round_trips": [trips.to_json() for trips in self.trips],
        }

    def rows(self, quote: str) -> list[tuple[str, str]]:
        """Name and text of each; none of what there was not."""
        told = [(part.role.value.capitalize(), part.text(quote)) for part in self.roles if part.fills]
        if self.resting.placed:
            told.append(("Resting orders", self.resting.text()))
        return told + [("Round trips", trips.text(quote)) for trips in self.trips if trips.count]
