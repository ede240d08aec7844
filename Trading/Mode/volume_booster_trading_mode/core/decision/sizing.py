"""How large the next order is, and how it fits the exchange's rules and the balance."""

from __future__ import annotations

import decimal
import random
from collections.abc import Iterable
from decimal import Decimal

from ..model.basics import TEN_THOUSAND, Side, round_to_step
from ..model.instrument import MarketRules
from ..model.snapshot import Balances, Level, MarketSnapshot
from ..settings.schema import Settings

HUNDRED = Decimal(100)


def fundable_notional(
    side: Side, price: Decimal, rules: MarketRules, balances: Balances, settings: Settings
) -> Decimal:
    """The largest notional, in quote, that the free balance of this side pays for, fees and buffer left aside."""
    kept = 1 - settings.fee_buffer_percent / HUNDRED
    if side is Side.BUY:
        return balances.quote_free * kept / (1 + rules.worst_fee_rate)
    return balances.base_free * kept * price


def draw_notional(side: Side, settings: Settings, rng: random.Random) -> Decimal:
    """A notional drawn uniformly from the side's range."""
    low, high = settings.amount_range(side)
    return low + (high - low) * Decimal(str(rng.random()))


def clip_to_headroom(notional: Decimal, headroom: Decimal, min_order: Decimal) -> Decimal:
    """The notional that leaves either nothing of the headroom, or enough for one more order of the exchange's minimum.

    A remainder that could not be ordered alone is merged into this order; a headroom below the minimum is raised to it.
    """
    if headroom - notional < min_order:
        return max(headroom, min_order)
    return notional


def reachable_quantity(side: Side, snapshot: MarketSnapshot, settings: Settings) -> Decimal | None:
    """The base that a market order may take without a price that is further from the mid than `max_slippage_bps`.

    None where the order book was not read, as OctoBot's simulator has none.
    """
    levels = snapshot.asks if side is Side.BUY else snapshot.bids
    return within_slippage(levels, snapshot.mid_price, settings) if levels else None


def within_slippage(levels: Iterable[Level], mid_price: Decimal, settings: Settings) -> Decimal:
    """The base on one side of the order book that is no further from the mid than `max_slippage_bps`."""
    most = mid_price * settings.max_slippage_bps / TEN_THOUSAND
    return sum((level.quantity for level in levels if abs(level.price - mid_price) <= most), Decimal(0))


def fit_quantity(
    notional: Decimal,
    price: Decimal,
    fundable: Decimal,
    rules: MarketRules,
    *,
    reach: bool = False,
    most_quantity: Decimal | None = None,
) -> Decimal | None:
    """The quantity, in base, that the exchange accepts and the balance pays for; None when there is none.

    Rounded down to the exchange's step, or up when the order has to `reach` the notional, as the last one of a
    campaign does. What the balance, the exchange's maximum or `most_quantity` does not allow is cut off.
    """
    rounding = decimal.ROUND_CEILING if reach else decimal.ROUND_FLOOR
    quantity = round_to_step(rules.quantity(notional, price), rules.quantity_step, rounding)
    quantity = max(quantity, smallest_quantity(price, rules))
    most = rules.max_notional and rules.quantity(rules.max_notional, price)
    for limit in (rules.quantity(fundable, price), rules.max_quantity, most, most_quantity):
        if limit is not None:
            quantity = min(quantity, round_to_step(limit, rules.quantity_step, decimal.ROUND_FLOOR))
    return quantity if quantity >= smallest_quantity(price, rules) else None


def smallest_quantity(price: Decimal, rules: MarketRules) -> Decimal:
    """The smallest quantity, in base, that the exchange accepts at this price."""
    smallest = rules.quantity(rules.min_order_notional(price), price)
    return round_to_step(smallest, rules.quantity_step, decimal.ROUND_HALF_EVEN)
