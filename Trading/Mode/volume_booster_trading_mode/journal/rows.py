"""The rows of a journal as values, and how they are read from its tables."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from decimal import Decimal

from ..core.accounting.fill_marks import AT_FILL
from ..core.accounting.ledger import Outcome
from ..core.model.basics import OrderType, Role, Side
from ..core.model.instrument import SPOT, Valuation
from ..core.model.orders import Fill, OrderIntent

OPEN = "open"
SENT_COLUMNS = (
    "o.order_id, o.at, exchange, symbol, side, order_type, quantity, price, mid_price, v.quote_rate, v.contract_size,"
    " v.is_inverse, s.quote_quantity, a.at, a.exchange_order_id, u.outcome, u.at, u.reason"
)
WHAT_BECAME = (
    "LEFT JOIN acceptances a USING (order_id) LEFT JOIN outcomes u USING (order_id)"
    " LEFT JOIN valuations v USING (order_id) LEFT JOIN spendings s USING (order_id)"
)


@dataclass(frozen=True, slots=True)
class CampaignRow:
    started_at: float
    trading: str
    seed: int
    octobot_version: str


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as it was sent."""

    order_id: str
    at: float
    exchange: str
    symbol: str
    intent: OrderIntent


@dataclass(frozen=True, slots=True)
class SentRow:
    """An order as it was sent, and what is known of it since; None for what is not."""

    order: OrderRow
    accepted_at: float | None
    exchange_order_id: str | None
    outcome: Outcome | None
    """How it ended; None as long as it has not, and where its fills alone say that it has filled whole."""
    ended_at: float | None
    reason: str

    def state(self, filled_quantity: Decimal) -> str:
        """How it ended, in a word, when so much of it is filled; "open" as long as it has not."""
        intent = self.order.intent
        if intent.quote_quantity is None and filled_quantity >= intent.quantity:
            return Outcome.FILLED.value
        return OPEN if self.outcome is None else self.outcome.value


@dataclass(frozen=True, slots=True)
class EventRow:
    at: float
    kind: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class HaltRow:
    """A halt that lasts until a person resumes; `resumes` is how often one had done so before it."""

    at: float
    source: str
    guard: str
    reason: str
    resumes: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the account of one market began with, in base and in quote."""

    exchange: str
    symbol: str
    at: float
    base: Decimal
    quote: Decimal


@dataclass(frozen=True, slots=True)
class MarkRow:
    """Equity in quote at a moment, which the guards compare with later; `resumes` as in HaltRow."""

    at: float
    exchange: str
    symbol: str
    kind: str
    day: int
    equity_quote: Decimal
    resumes: int


@dataclass(frozen=True, slots=True)
class Command:
    """What a person asked for from outside the bot; `value` is empty but for a target."""

    command_id: int
    at: float
    kind: str
    value: str


Values = typing.Sequence[typing.Any]
_SIDES = {side.value: side for side in Side}
_TYPES = {order_type.value: order_type for order_type in OrderType}
_ROLES = {role.value: role for role in Role}
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}


def joined_sent_row(row: Values) -> SentRow:
    """A row of SENT_COLUMNS: an order beside what is known of it."""
    order, worth, spends, accepted, ended = row[:9], row[9:12], row[12:13], row[13:15], row[15:]
    parts = (
        part if part[0] is not None else None for part in (worth, spends, accepted, (ended[1], ended[0], ended[2]))
    )
    return sent_row(order, *parts)


def sent_row(
    order: Values, worth: Values | None, spends: Values | None, accepted: Values | None, ended: Values | None
) -> SentRow:
    """An order from its row and, without their order ids, those of its valuation, spending, acceptance and outcome."""
    order_id, at, exchange, symbol, side, order_type, quantity, price, mid_price = order
    intent = OrderIntent(
        _SIDES[side],
        _TYPES[order_type],
        Decimal(quantity),
        Decimal(price),
        Decimal(mid_price),
        valuation_of(worth),
        quote_quantity=None if spends is None else Decimal(spends[0]),
    )
    accepted_at, exchange_order_id = accepted or (None, None)
    ended_at, outcome, reason = ended or (None, None, "")
    row = OrderRow(order_id, at, exchange, symbol, intent)
    ended_as = None if outcome is None else _OUTCOMES[outcome]
    return SentRow(row, accepted_at, exchange_order_id, ended_as, ended_at, reason)


Marks = tuple[tuple[int, Decimal], ...]
"""The mids so many seconds after a fill."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What else is written down of a fill."""

    note: Values | None
    """What is noted of its fee."""
    marks: Marks
    is_flattening: bool
    is_of_old_kind: bool


def fill_row(fill: Values, order: Values, worth: Values | None, beside: Beside) -> Fill:
    """A fill from its row, the side and mid price of its order, its order's valuation, and what else is known of it."""
    fill_id, order_id, at, role, quantity, price, fee_quote, fee, fee_asset = fill
    estimated, told = beside.note or ("0", "")
    return Fill(
        fill_id,
        order_id,
        at,
        _SIDES[order[0]],
        _ROLES[role],
        Decimal(quantity),
        Decimal(price),
        Decimal(fee_quote),
        Decimal(order[1]),
        Decimal(fee),
        fee_asset,
        valuation_of(worth),
        estimated_fee_quote=Decimal(estimated),
        fee_told=told,
        mid_at_fill=dict(beside.marks).get(AT_FILL),
        marks=beside.marks,
        is_flattening=beside.is_flattening,
        is_of_old_kind=beside.is_of_old_kind,
    )


def valuation_of(values: Values | None) -> Valuation:
    """Without a row of its own an order is one on spot, in the campaign's currency."""
    if values is None:
        return SPOT
    quote_rate, contract_size, is_inverse = values
    return Valuation(Decimal(quote_rate), Decimal(contract_size), bool(is_inverse))
