"""Progress, orders and fills as one line each, for logs and notifications. Pure."""

from __future__ import annotations

import typing
from collections.abc import Callable
from decimal import Decimal

from ..accounting.ledger import Progress
from ..model.formats import shown
from ..model.orders import Fill, OrderIntent


class LazyText:
    """A text for the log, made only when the line is really written: a log that is off costs next to nothing."""

    __slots__ = ("_arguments", "_make")

    def __init__(self, make: Callable[..., str], *arguments: typing.Any) -> None:
        self._make, self._arguments = make, arguments

    def __str__(self) -> str:
        return self._make(*self._arguments)


def sentence(progress: Progress) -> str:
    """Where the campaign stands."""
    share = progress.filled_quote / progress.target_quote * 100
    return (
        f"{shown(progress.filled_quote)} of {shown(progress.target_quote)} filled ({share:.1f} %), "
        f"fills {progress.fills}, cost {shown(progress.cost_quote)} ({progress.cost_bps:.2f} bps)"
    )


def intent_line(intent: OrderIntent, symbol: str) -> str:
    """An order in one line: side, quantity, price, notional; where it is placed by the amount to spend, that first."""
    if intent.quote_quantity is not None:
        base, _, quote = symbol.partition("/")
        what = f"{shown(intent.quote_quantity)} {quote}, about {intent.quantity.normalize():f} {base}"
        return f"{intent.order_type.value} {intent.side.value} for {what} at {intent.price:,}"
    return _order_line(intent.order_type.value, intent.side.value, intent.quantity, intent.price, symbol)


def fill_line(fill: Fill, symbol: str) -> str:
    """A fill in one line: role, side, quantity, price, notional."""
    return _order_line(fill.role.value, fill.side.value, fill.quantity, fill.price, symbol)


def _order_line(kind: str, side: str, quantity: Decimal, price: Decimal, symbol: str) -> str:
    base, _, quote = symbol.partition("/")
    return f"{kind} {side} {quantity.normalize():f} {base} at {price:,} = {shown(quantity * price)} {quote}"
