"""At which price an order is sent; never through an own order."""

from __future__ import annotations

import decimal
from collections.abc import Iterable
from decimal import Decimal

from .market import OpenOrder, OrderType, Side, View, round_to_step
from .settings import Settings
from .sizing import HUNDRED


def price_for(side: Side, view: View, settings: Settings) -> Decimal | None:
    """The price in quote, on the exchange's tick; None when none is left that does not cross an own order.

    A limit buy rests `price_offset_percent` below the market price and is rounded down, a limit sell above it and up:
    always away from the touch. A market order has the price at which it begins to fill, rounded to the nearest tick.
    """
    tick = view.rules.price_tick
    if settings.order_type is OrderType.MARKET:
        return market_price(side, view) or None
    offset = view.mid_price * settings.price_offset_percent / HUNDRED
    if side is Side.BUY:
        price = round_to_step(view.mid_price - offset, tick, decimal.ROUND_FLOOR)
        lowest_own_sell = min((order.price for order in crossing_side(side, view.open_orders)), default=None)
        if lowest_own_sell is not None and price >= lowest_own_sell:
            price = round_to_step(lowest_own_sell, tick, decimal.ROUND_CEILING) - tick
    else:
        price = round_to_step(view.mid_price + offset, tick, decimal.ROUND_CEILING)
        highest_own_buy = max((order.price for order in crossing_side(side, view.open_orders)), default=None)
        if highest_own_buy is not None and price <= highest_own_buy:
            price = round_to_step(highest_own_buy, tick, decimal.ROUND_FLOOR) + tick
    return price if price > 0 else None


def market_price(side: Side, view: View) -> Decimal:
    """The price at which a market order begins to fill, rounded to the nearest tick."""
    return round_to_step(view.taker_price(side), view.rules.price_tick, decimal.ROUND_HALF_EVEN)


def crossing_side(side: Side, open_orders: Iterable[OpenOrder]) -> list[OpenOrder]:
    """The orders of this bot that an order on this side could trade with: all those on the other side."""
    return [order for order in open_orders if order.side is side.opposite]
