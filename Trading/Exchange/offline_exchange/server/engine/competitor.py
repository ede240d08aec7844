"""The competitor: somebody who improves on an order of an account that improves on the touch of the others. Pure.

It answers half a second to a second and a half after the order came, as soon as the book changes next, with an order
one tick better, and stays as long as the account's order leads. It goes no further than the mid.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from decimal import Decimal

from ..market.tape import LiquidMarket
from .orders import Order, Side

LEAST_MS, MOST_MS = 500, 1_500
_SIZE_SHARE = 0.5  # of a level of the book, as median


def answer(
    market: LiquidMarket, side: Side, best: tuple[Decimal, Decimal], own: Sequence[Order], change_ms: int
) -> tuple[Decimal, Decimal] | None:
    """Price and quantity of the competitor's order on one side after a change of the book; None where there is none.

    ``best`` are the others' best bid and ask, ``own`` all orders of the accounts in this market's book.
    """
    touch, towards = best[side is Side.SELL], 1 if side is Side.BUY else -1
    leaders = [
        order
        for order in own
        if order.side is side and (order.price_quote - touch) * towards > 0 and _is_noticed(market, order, change_ms)
    ]
    if not leaders:
        return None
    leader = max(leaders, key=lambda order: (order.price_quote * towards, -order.created_ms))
    price = leader.price_quote + market.tick_quote * towards
    opposite = [order.price_quote for order in own if order.side is not side]
    is_free = all((other - price) * towards > 0 for other in opposite)
    if (2 * price - sum(best)) * towards > 0 or not is_free:
        return None
    drawn = (
        _SIZE_SHARE * market.level_median_quote * math.exp(market.size_log_deviation * _rng(market, leader).gauss(0, 1))
    )
    notional = max(Decimal(round(drawn)), market.minimum_notional_quote)
    return price, (notional // (price * market.step_base) + 1) * market.step_base


def _is_noticed(market: LiquidMarket, order: Order, change_ms: int) -> bool:
    return order.created_ms + _rng(market, order).randint(LEAST_MS, MOST_MS) <= change_ms


def _rng(market: LiquidMarket, order: Order) -> random.Random:
    """The same for the same order, however its id came about."""
    return random.Random(f"{market.id} {order.created_ms} {order.price_quote}")
