"""What a row of a journal adds to a ledger."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from ..core.accounting.ledger import Ledger, OrderRecord, Outcome
from ..core.model.basics import OrderType, Role, Side
from ..core.model.orders import OrderIntent
from .file import Row
from .rows import valuation_of
from .schema import KINDS

Recall = Callable[[str, int], OrderRecord | None]

_ORDERS, _FILLS, _OUTCOMES_KIND = KINDS["orders"], KINDS["fills"], KINDS["outcomes"]
_RESUMES, _VALUATIONS = KINDS["resumes"], KINDS["valuations"]
_SPENDINGS, _FEE_NOTES = KINDS["spendings"], KINDS["fee_notes"]
_FILL_MARKS, _FLATTENINGS = KINDS["fill_marks"], KINDS["flattenings"]
_SIDES = {side.value: side for side in Side}
_TYPES = {order_type.value: order_type for order_type in OrderType}
_ROLES = {role.value: role for role in Role}
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}


def replay_row(ledger: Ledger, row: Row, measured_since: int, recall: Recall) -> None:
    """Add a row of `schema.sequenced_rows` to the ledger.

    :param measured_since: a fill with this number or a lower one is of an older version, and has no mid.
    :param recall: an order that the ledger has forgotten, as the rows up to a number tell it.
    """
    seq, kind, _, first, second, *rest = row
    if kind == _ORDERS:
        exchange, symbol, side, order_type, quantity, price, mid_price = rest
        amounts = Decimal(quantity), Decimal(price), Decimal(mid_price)
        ledger.place(first, OrderIntent(_SIDES[side], _TYPES[order_type], *amounts), second, exchange, symbol)
    elif kind == _FILLS:
        at, role, quantity, price, fee_quote, *_ = rest
        _bring_back(ledger, second, seq, recall)
        amounts = Decimal(quantity), Decimal(price), Decimal(fee_quote)
        ledger.count(second, first, at, _ROLES[role], *amounts, is_of_old_kind=seq <= measured_since)
    elif kind == _FILL_MARKS:
        ledger.mark(first, second, rest[0], Decimal(rest[1]))
    elif kind == _OUTCOMES_KIND:
        _bring_back(ledger, first, seq, recall)
        ledger.close(first, _OUTCOMES[rest[0]])
    else:
        _replay_seldom(ledger, row)


def _replay_seldom(ledger: Ledger, row: Row) -> None:
    _, kind, _, first, second, *rest = row
    if kind == _RESUMES:
        ledger.reset_guard_counters()
    elif kind == _VALUATIONS:
        ledger.revalue(first, valuation_of((second, *rest[:2])))
    elif kind == _SPENDINGS:
        ledger.spend(first, Decimal(second))
    elif kind == _FEE_NOTES:
        ledger.mark_estimated(first, rest[0], Decimal(rest[1]))
    elif kind == _FLATTENINGS:
        ledger.flatten(first)


def _bring_back(ledger: Ledger, order_id: str, seq: int, recall: Recall) -> None:
    if not ledger.knows(order_id) and (record := recall(order_id, seq)):
        ledger.recall(order_id, record)
