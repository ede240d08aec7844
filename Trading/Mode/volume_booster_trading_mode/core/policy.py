"""One decision: what to do now, from what is seen, what is wanted and what was reached. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

from . import direction, pacing, pricing, sizing
from .guards import Halt, first_halt
from .ledger import Progress
from .market import ZERO, OpenOrder, OrderIntent, OrderType, Side, View
from .settings import OpenOrdersAtStart, Settings

IDLE_S = 1.0
"""How often a campaign that has nothing to do looks again whether that is still so."""


@dataclass(frozen=True, slots=True)
class Place:
    """Send this order, then decide again after `delay_s` seconds."""

    intent: OrderIntent
    delay_s: float
    min_order_quote: Decimal = ZERO
    """The smallest order of the exchange: by less than that the order may pass the target."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel these orders of ours, then decide again at once."""

    orders: tuple[OpenOrder, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for `delay_s` seconds, for this reason."""

    delay_s: float
    reason: str
    is_unfunded: bool = False
    """A balance does not pay for the order that has to be next: wait longer and longer until it does."""


@dataclass(frozen=True, slots=True)
class Done:
    """The target is reached; `leftovers` are orders of ours that still rest."""

    leftovers: tuple[OpenOrder, ...] = ()


Decision = Place | Cancel | Wait | Halt | Done


def decide(view: View, settings: Settings, progress: Progress, rng: random.Random, hold: str = "") -> Decision:
    """What to do now. The same arguments, random state included, give the same decision.

    `hold` is why a person wants no new order, empty when nobody does.
    """
    if halt := first_halt(view):
        return halt
    ours = tuple(order for order in view.open_orders if order.is_ours)
    if progress.is_done:
        return Done(leftovers=ours)
    if not settings.enable_volume_booster:
        return Wait(IDLE_S, "enable_volume_booster is off")
    if stale := tuple(order for order in ours if view.now - order.placed_at >= settings.limit_order_timeout):
        return Cancel(stale, f"open for {settings.limit_order_timeout:g} s or longer")
    if settings.open_orders_at_start is OpenOrdersAtStart.CANCEL and (
        left := tuple(order for order in ours if order.placed_at < view.running_since)
    ):
        return Cancel(left, "left from before this start")
    if waiting := hold or _reason_to_wait(view, settings, progress, ours):
        return Wait(IDLE_S, waiting)
    return _next_order(view, settings, progress, rng)


def _reason_to_wait(view: View, settings: Settings, progress: Progress, ours: tuple[OpenOrder, ...]) -> str | None:
    if view.price_age_s > settings.max_price_age:
        age, limit = f"{view.price_age_s:.0f} s", f"{settings.max_price_age:g} s"
        return f"the market price is {age} old, older than max_price_age {limit}"
    if progress.headroom_quote <= 0:
        return f"open orders of {-progress.headroom_quote + progress.remaining_quote:.2f} cover the rest of the target"
    if len(ours) >= settings.max_open_orders:
        return f"{len(ours)} orders are open, as many as max_open_orders allows"
    return None


def _next_order(view: View, settings: Settings, progress: Progress, rng: random.Random) -> Decision:
    fundable = {
        side: sizing.fundable_notional(side, view.mid_price, view.rules, view.balances, settings) for side in Side
    }
    min_order = view.rules.min_order_notional(view.mid_price)
    sides, reason = direction.choose_sides(fundable, min_order, settings, progress, rng)
    delay_s = pacing.next_delay(settings.trade_frequency_min, settings.trade_frequency_max, rng)
    if not sides:
        is_unfunded = min_order > max(fundable.values()) or direction.is_any_allowed(settings, progress)
        return Wait(delay_s, reason, is_unfunded)
    first = _order_on(sides[0], view, settings, progress, rng, delay_s)
    if not isinstance(first, Wait):
        return first
    others = (_order_on(side, view, settings, progress, rng, delay_s) for side in sides[1:])
    return next((decision for decision in others if not isinstance(decision, Wait)), first)


def _order_on(
    side: Side, view: View, settings: Settings, progress: Progress, rng: random.Random, delay_s: float
) -> Decision:
    drawn = sizing.draw_notional(side, settings, rng)
    if settings.order_type is OrderType.MARKET and (in_the_way := pricing.crossing_side(side, view.open_orders)):
        return _clear_the_way(side, in_the_way)
    price = pricing.price_for(side, view, settings)
    if price is None:
        return Wait(delay_s, f"no {side.value} price is left that does not cross an own order")
    min_order = view.rules.min_order_notional(price)
    notional = sizing.clip_to_headroom(drawn, progress.headroom_quote, min_order)
    reaches_target = notional >= progress.headroom_quote
    affordable = sizing.fundable_notional(side, price, view.rules, view.balances, settings)
    quantity = sizing.fit_quantity(notional, price, affordable, view.rules, reach=reaches_target)
    if quantity is None:
        return Wait(delay_s, f"a {side.value} of {notional:.2f} does not fit the balance and the exchange's limits")
    return Place(OrderIntent(side, settings.order_type, quantity, price, view.mid_price), delay_s, min_order)


def _clear_the_way(side: Side, in_the_way: list[OpenOrder]) -> Decision:
    ours = tuple(order for order in in_the_way if order.is_ours)
    if ours:
        return Cancel(ours, f"a market {side.value} could trade with them")
    return Wait(IDLE_S, f"a market {side.value} could trade with another {side.opposite.value} order of this bot")
