"""At which price an order is sent; never through an own order."""

from __future__ import annotations

import decimal
from collections.abc import Iterable
from decimal import Decimal

from ..model.basics import OrderType, Side, round_to_step
from ..model.orders import OpenOrder
from ..model.snapshot import MarketSnapshot
from ..settings.schema import Settings
from .outcomes.decisions import Cancel, Wait
from .sizing import HUNDRED

CANCEL_LOOK_S = 0.25
"""How soon a cancellation that is on its way is looked at again."""
IDLE_S = 1.0
"""How often a campaign that has nothing to do looks again whether that is still so."""


def price_for(side: Side, snapshot: MarketSnapshot, settings: Settings) -> Decimal | None:
    """The price in quote, on the exchange's tick; None when none is left that does not cross an own order.

    A limit buy rests `price_offset_percent` below the market price and is rounded down, a limit sell above it and up:
    always away from the touch. A market order has the price at which it begins to fill, rounded to the nearest tick.
    """
    if settings.order_type.sends is OrderType.MARKET:
        return market_price(side, snapshot) or None
    offset = snapshot.mid_price * settings.price_offset_percent / HUNDRED
    if side is Side.BUY:
        price = _on_tick(snapshot.mid_price - offset, snapshot, decimal.ROUND_FLOOR)
        lowest_own_sell = min((order.price for order in crossing_side(side, snapshot.open_orders)), default=None)
        if lowest_own_sell is not None and price >= lowest_own_sell:
            price = _on_tick(lowest_own_sell, snapshot, decimal.ROUND_CEILING) - snapshot.rules.tick_at(lowest_own_sell)
    else:
        price = _on_tick(snapshot.mid_price + offset, snapshot, decimal.ROUND_CEILING)
        highest_own_buy = max((order.price for order in crossing_side(side, snapshot.open_orders)), default=None)
        if highest_own_buy is not None and price <= highest_own_buy:
            price = _on_tick(highest_own_buy, snapshot, decimal.ROUND_FLOOR) + snapshot.rules.tick_at(highest_own_buy)
    return price if price > 0 else None


def market_price(side: Side, snapshot: MarketSnapshot) -> Decimal:
    """The price at which a market order begins to fill, rounded to the nearest tick."""
    return _on_tick(snapshot.taker_price(side), snapshot, decimal.ROUND_HALF_EVEN)


def _on_tick(price: Decimal, snapshot: MarketSnapshot, rounding: str) -> Decimal:
    return round_to_step(price, snapshot.rules.tick_at(price), rounding)


def crossing_side(side: Side, open_orders: Iterable[OpenOrder]) -> list[OpenOrder]:
    """The orders of this bot that an order on this side could trade with: all those on the other side."""
    return [order for order in open_orders if order.side is side.opposite]


def clear_the_way(side: Side, in_the_way: list[OpenOrder]) -> Cancel | Wait:
    """Nothing is sent until the cancellation of what could trade with it is confirmed."""
    ours = tuple(order for order in in_the_way if order.is_ours and not order.is_cancelling)
    if ours:
        return Cancel(ours, f"a market {side.value} could trade with them")
    if any(order.is_cancelling for order in in_the_way):
        return Wait(CANCEL_LOOK_S, f"a market {side.value} waits until the {side.opposite.value} orders are cancelled")
    return Wait(IDLE_S, f"a market {side.value} could trade with another {side.opposite.value} order of this bot")
