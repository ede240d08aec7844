"""The order book of the others: without what this bot has in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from .basics import Side
from .orders import OpenOrder
from .snapshot import Level


def levels_of_others(side: Side, levels: Iterable[Level], own_orders: Iterable[OpenOrder]) -> tuple[Level, ...]:
    """One side of a book, best price first, without our own orders; a level that is ours alone is left out."""
    own: dict[Decimal, Decimal] = {}
    for order in own_orders:
        if order.side is side:
            own[order.price] = own.get(order.price, Decimal(0)) + order.remaining_quantity
    left = (Level(level.price, level.quantity - own.get(level.price, Decimal(0))) for level in levels)
    return tuple(level for level in left if level.quantity > 0)


def mid_of_others(bids: Iterable[Level], asks: Iterable[Level], own_orders: Iterable[OpenOrder]) -> Decimal | None:
    """The middle between the best prices of others; None where a side of the book is ours alone."""
    own = tuple(own_orders)
    best = (levels_of_others(Side.BUY, bids, own), levels_of_others(Side.SELL, asks, own))
    return (best[0][0].price + best[1][0].price) / 2 if best[0] and best[1] else None
