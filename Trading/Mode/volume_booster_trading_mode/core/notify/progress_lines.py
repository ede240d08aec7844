"""Progress, orders and fills as one line each, for logs and notifications. Pure."""

from __future__ import annotations

import typing
from collections.abc import Callable

from ..accounting.ledger import Progress
from ..model.basics import ONE
from ..model.formats import price, shown
from ..model.instrument import base_of, quote_of
from ..model.orders import Fill, OrderIntent


class LazyText:
    """A text for the log, made only when the line is really written: a log that is off costs next to nothing."""

    __slots__ = ("_arguments", "_make")

    def __init__(self, make: Callable[..., str], *arguments: typing.Any) -> None:
        self._make, self._arguments = make, arguments

    def __str__(self) -> str:
        return self._make(*self._arguments)


def sentence(progress: Progress, quote: str) -> str:
    """Where the campaign stands, in the currency that it counts in."""
    share = progress.filled_quote / progress.target_quote * 100
    return (
        f"{shown(progress.filled_quote, quote)} of {shown(progress.target_quote, quote)} filled ({share:.1f} %), "
        f"fills {progress.fills}, cost {shown(progress.cost_quote, quote)} ({progress.cost_bps:.2f} bps)"
    )


def intent_line(intent: OrderIntent, symbol: str) -> str:
    """An order in one line: side, quantity, price, notional; where it is placed by the amount to spend, that first."""
    if intent.quote_quantity is not None:
        base, quote = base_of(symbol), quote_of(symbol)
        what = f"{shown(intent.quote_quantity, quote)} {quote}, about {intent.quantity.normalize():f} {base}"
        return f"{intent.order_type.value} {intent.side.value} for {what} at {price(intent.price)}"
    return _order_line(f"{intent.order_type.value} {intent.side.value}", intent, symbol)


def fill_line(fill: Fill, symbol: str) -> str:
    """A fill in one line: role, side, quantity, price, notional."""
    return _order_line(f"{fill.role.value} {fill.side.value}", fill, symbol)


def _order_line(kind: str, of: OrderIntent | Fill, symbol: str) -> str:
    worth = f"{shown(of.notional, quote_of(symbol))} {quote_of(symbol)}"
    what = "contracts" if of.valuation.contract_size != ONE or of.valuation.is_inverse else base_of(symbol)
    return f"{kind} {of.quantity.normalize():f} {what} at {price(of.price)} = {worth}"
