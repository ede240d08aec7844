"""Operations as lines of a log, and what they do to an exchange again."""

from __future__ import annotations

import contextlib
import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from ..engine.orders import RefusedError
from ..rest.exchange import Act, Exchange, Operation
from .records import built_request, decimals, line_of


class DivergedError(Exception):
    """The same operations did not make the same exchange again."""


def encoded(operation: Operation) -> bytes:
    """One line of the log: a checksum and what was done."""
    text = line_of([operation.act.value, operation.now_ms, *operation.ids, *operation.arguments]).encode()
    return b"%08x %b\n" % (zlib.crc32(text), text)


def decoded(lines: bytes, *, may_be_cut: bool) -> list[Operation]:
    """The operations of a log; if it `may_be_cut`, without an end that was not written whole.

    Raises ValueError when something else of it is not as it was written.
    """
    *texts, end = lines.split(b"\n")
    rows = [_row(text) for text in texts]
    whole = next((number for number, row in enumerate(rows) if row is None), len(rows))
    is_cut = whole < len(rows) or bool(end)
    if any(row is not None for row in rows[whole:]) or (is_cut and not may_be_cut):
        raise ValueError(f"line {whole + 1} of its log is not as it was written")
    return [_operation(*row) for row in rows[:whole] if row is not None]


def redo(exchange: Exchange, operations: Iterable[Operation]) -> None:
    """Do them again to an exchange as it was before the first of them. Raises DivergedError."""
    engine = exchange.venue.engine
    for operation in operations:
        with contextlib.suppress(RefusedError):  # as the first time
            _DO[operation.act](exchange, operation.now_ms, *operation.arguments)
        if (engine.last_order_id, len(engine.trades)) != operation.ids:
            raise DivergedError(f"{operation.act.value} at {operation.now_ms} ms came out otherwise")


def clock_offset_ms(operations: Iterable[Operation], before_ms: int) -> int:
    """By how much the clock is ahead after them."""
    moved = [operation.arguments[0] for operation in operations if operation.act is Act.MOVE_CLOCK]
    return int(moved[-1]) if moved else before_ms


def _row(line: bytes) -> list[Any] | None:
    """None for a line that is not whole."""
    checksum, _, text = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    row = json.loads(text)
    return row if isinstance(row, list) else None


def _operation(act: str, now_ms: int, last_order_id: int, trades: int, *arguments: Any) -> Operation:
    return Operation(Act(act), int(now_ms), arguments, (int(last_order_id), int(trades)))


_DO: Mapping[Act, Callable[..., object]] = {
    Act.SUBMIT: lambda exchange, now_ms, account, request: exchange.submit(account, built_request(request), now_ms),
    Act.CANCEL: lambda exchange, now_ms, *order: exchange.cancel(*order, now_ms),
    Act.PAY_IN: lambda exchange, _, account, asset, amount: exchange.pay_in(account, asset, Decimal(amount)),
    Act.CHANGE_RULES: lambda exchange, _, market_id, changed: exchange.change_rules(market_id, decimals(changed)),
    Act.SET_QUOTES: lambda exchange, _, market_id, is_quoting: exchange.set_quotes(market_id, is_quoting=is_quoting),
    Act.MOVE_CLOCK: lambda exchange, *_: None,  # the clock is set once, see clock_offset_ms
    Act.ADVANCE: lambda exchange, now_ms: exchange.advance(now_ms),
    Act.BOOK: lambda exchange, now_ms, market_id, levels: exchange.book(market_id, now_ms, levels),
}
"""Each operation by exchange, moment and its arguments as JSON has them."""
