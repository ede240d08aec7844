"""The rows of a journal as values, and how they are read from its tables."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from decimal import Decimal

from ..core.accounting.ledger import Outcome
from ..core.model.basics import ZERO, OrderType, Role, Side
from ..core.model.instrument import SPOT, Valuation
from ..core.model.orders import Fill, OrderIntent

OPEN = "open"
FILL_COLUMNS = (
    "f.fill_id, f.order_id, f.at, o.side, f.role, f.quantity, f.price, f.fee_quote, o.mid_price, f.fee, f.fee_asset,"
    " v.quote_rate, v.contract_size, v.is_inverse, n.estimated_quote, n.told, o.symbol FROM fills f"
    " JOIN orders o USING (order_id) LEFT JOIN valuations v USING (order_id) LEFT JOIN fee_notes n USING (fill_id)"
)

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


def sent_row(row: tuple[typing.Any, ...]) -> SentRow:
    order_id, at, exchange, symbol, side, order_type, quantity, price, mid_price, *since = row
    amounts = Decimal(quantity), Decimal(price), Decimal(mid_price)
    worth, spends, since = valuation_of(*since[:3]), since[3], since[4:]
    quote_quantity = None if spends is None else Decimal(spends)
    intent = OrderIntent(Side(side), OrderType(order_type), *amounts, worth, quote_quantity=quote_quantity)
    accepted_at, exchange_order_id, outcome, ended_at, reason = since
    ended = None if outcome is None else Outcome(outcome)
    return SentRow(
        OrderRow(order_id, at, exchange, symbol, intent), accepted_at, exchange_order_id, ended, ended_at, reason or ""
    )


def fill_row(row: tuple[typing.Any, ...]) -> Fill:
    (
        fill_id,
        order_id,
        at,
        side,
        role,
        quantity,
        price,
        fee_quote,
        mid_price,
        fee,
        fee_asset,
        *worth,
        estimated,
        told,
        _,
    ) = row
    amounts = Decimal(quantity), Decimal(price), Decimal(fee_quote), Decimal(mid_price), Decimal(fee)
    note = (ZERO, "") if told is None else (Decimal(estimated), told)
    return Fill(fill_id, order_id, at, Side(side), Role(role), *amounts, fee_asset, valuation_of(*worth), *note)


def valuation_of(quote_rate: str | None, contract_size: str, is_inverse: int) -> Valuation:
    """Without a row of its own an order is one on spot, in the campaign's currency."""
    return SPOT if quote_rate is None else Valuation(Decimal(quote_rate), Decimal(contract_size), bool(is_inverse))


def values_of(row: CampaignRow | EventRow | HaltRow) -> tuple[typing.Any, ...]:
    return tuple(getattr(row, name) for name in row.__slots__)
