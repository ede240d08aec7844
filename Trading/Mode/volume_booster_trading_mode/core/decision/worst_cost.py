"""The most that orders may cost, all-in, by the mid at their fills. Pure.

An order may fill with the mid so far on its other side as `max_slippage_bps`: a market order takes no level that is
further away, and the mid has come to a limit order, which fills at its own price, and may have passed it. How far it
may, no exchange promises: the same bound is reserved for it, of which a resting order hardly ever needs a tenth. On top
of it comes what the mid may move until the fill is measured, at the next look, where the market's volatility is known.
"""

from __future__ import annotations

import math
from decimal import Decimal

from ..model.basics import TEN_THOUSAND, ZERO, OrderType
from ..model.orders import OrderIntent
from ..model.snapshot import MarketSnapshot
from ..settings.schema import Settings
from .situation import Situation

DEVIATIONS = Decimal(5)
"""So many standard deviations of a look are reserved: returns have fat tails."""
LOOK_S = 2.0
"""How long it takes at most until a fill is measured."""


def worst_cost(intent: OrderIntent, snapshot: MarketSnapshot, settings: Settings) -> Decimal:
    """The most that an order may cost, in quote; the fee is charged on what it then comes to.

    OctoBot's own simulator fills a market order at the price that it is given.
    """
    worth = intent.valuation
    reference_quote = intent.quote_quantity or worth.notional(intent.quantity, max(intent.price, intent.mid_price))
    if snapshot.trading.is_simulated and intent.order_type is OrderType.MARKET:
        slippage_quote = abs(worth.slippage(intent.side, intent.quantity, intent.price, intent.mid_price))
        return slippage_quote / worth.quote_rate + reference_quote * snapshot.rules.worst_fee_rate
    return reference_quote * worst_cost_rate(snapshot.rules.worst_fee_rate, settings, move_rate(snapshot))


def worst_open_cost(situation: Situation) -> Decimal:
    """The most that all that is open may still cost, in quote."""
    snapshot, settings, progress = situation.snapshot, situation.settings, situation.progress
    open_quote = progress.open_buy_quote + progress.open_sell_quote
    return _at_the_mid(open_quote, settings) * worst_cost_rate(_fee_rate(snapshot), settings, move_rate(snapshot))


def worst_unmeasured_cost(unmeasured_quote: Decimal, settings: Settings) -> Decimal:
    """The most that so much volume, whose mid at the fill is not known, may have cost beside its fee, in quote."""
    return _at_the_mid(unmeasured_quote, settings) * _slippage_rate(settings)


def move_rate(snapshot: MarketSnapshot) -> Decimal:
    """What the mid may move until a fill is measured, as a ratio; 0 before the market was seen twice."""
    volatility_bps = snapshot.risk_inputs.seen_volatility_bps or ZERO
    return volatility_bps / TEN_THOUSAND * DEVIATIONS * Decimal(str(round(math.sqrt(LOOK_S), 4)))


def worst_cost_rate(fee_rate: Decimal, settings: Settings, moved_rate: Decimal = ZERO) -> Decimal:
    """The most that an order may cost, as a ratio of its notional: slippage, and the fee on what it then comes to.

    :param moved_rate: what the mid may move on top until the fill is measured, as a ratio: see `move_rate`.
    """
    slippage_rate = _slippage_rate(settings) + moved_rate
    return slippage_rate + fee_rate * (1 + slippage_rate)


def _at_the_mid(quote: Decimal, settings: Settings) -> Decimal:
    """A sell is written down at the bid, so up to the slippage below the mid that it is measured against."""
    return quote * (1 + 2 * _slippage_rate(settings))


def _fee_rate(snapshot: MarketSnapshot) -> Decimal:
    return max(snapshot.rules.worst_fee_rate, snapshot.risk_inputs.highest_fee_rate)


def _slippage_rate(settings: Settings) -> Decimal:
    return settings.max_slippage_bps / TEN_THOUSAND
