"""One decision: what to do now, from what is seen, what is wanted and what was reached. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from ..model.basics import ExecutionStyle, OrderType, Side, Trading
from ..model.orders import OpenOrder
from ..model.snapshot import MarketSnapshot
from ..settings.schema import OpenOrdersAtStart, Settings
from . import flattening, futures_position, order_fitting, pricing, quoting, sizing
from .allocation import Allocation
from .guards import GUARDS, LOCKS, Halt, first_halt, largest_order, order_halt
from .outcomes.decisions import Cancel as Cancel
from .outcomes.decisions import Decision as Decision
from .outcomes.decisions import Done as Done
from .outcomes.decisions import Place as Place
from .outcomes.decisions import Wait as Wait
from .side import choose_sides, is_any_allowed
from .situation import Situation
from .timing import pacing

LONGEST_WAIT_S = 60.0
NO_DAY_VOLUME = "the exchange does not report what the market trades in 24 h, which max_participation_percent needs"
IDLE_S = pricing.IDLE_S
BALANCES_KNOWN_S = 30.0
"""So long after the last fill OctoBot knows what the account holds: a balance that does not pay then will not later."""


def decide(
    situation: Situation,
    rng: random.Random,
    hold: str = "",
    standing: Halt | None = None,
    allocation: Allocation | None = None,
) -> Decision:
    """What to do now. The same arguments, random state included, give the same decision.

    `hold` is why a person wants no new order, empty when nobody does; `standing` is a halt that nobody has ended yet;
    `allocation` is this market's of a campaign on several, None for all of it.
    """
    snapshot, settings, progress = situation.snapshot, situation.settings, situation.progress
    allocation = allocation or Allocation(progress.headroom_quote)
    if lock := first_halt(LOCKS, situation):
        return lock
    ours = tuple(order for order in snapshot.open_orders if order.is_ours)
    if progress.is_done:
        return _end(situation, ours, hold, standing)
    if halt := standing or first_halt(GUARDS, situation):
        return halt
    if settings.order_type.is_quoting:
        return _quote(situation, ours, rng, hold, allocation)
    return _order(situation, ours, rng, hold, allocation)


def _order(
    situation: Situation, ours: tuple[OpenOrder, ...], rng: random.Random, hold: str, allocation: Allocation
) -> Decision:
    """Orders one after the other, each followed by a pause."""
    snapshot, settings = situation.snapshot, situation.settings
    if off := _switched_off(settings):
        return off
    if cancel := _overdue(snapshot, settings, ours) or _surplus(situation, ours):
        return cancel
    if waiting := _reason_to_wait(situation, ours, hold):
        return waiting
    if allocation.headroom_quote <= 0 and not futures_position.is_to_be_closed(snapshot, settings):
        return Wait(IDLE_S, allocation.reason, yields_to_other_markets=True)
    return _next_order(situation, rng, allocation)


def _end(situation: Situation, ours: tuple[OpenOrder, ...], hold: str, standing: Halt | None) -> Decision:
    """The target is reached: nothing may rest any more, and where it should the inventory goes back to its start."""
    snapshot, settings = situation.snapshot, situation.settings
    market = snapshot.exchange, snapshot.symbol
    if snapshot.futures is None and not ours and flattening.is_to_be_traded_back(situation.progress, settings, market):
        return _trade_back(situation, hold, standing)
    if ours or not futures_position.is_to_be_closed(snapshot, settings):
        return Done(leftovers=ours)
    if waiting := _switched_off(settings) or _not_now(snapshot, settings, hold) or _too_soon(snapshot, settings):
        return waiting
    return _close(situation)


def _trade_back(situation: Situation, hold: str, standing: Halt | None) -> Decision:
    """A market order for as much of the inventory as one order may be; what can't be traded is named.

    Of what the last orders have to bring back less than one of the exchange's smallest orders may be left.
    """
    snapshot, settings = situation.snapshot, situation.settings
    held = flattening.held_base(situation.progress, (snapshot.exchange, snapshot.symbol))
    price, rules = snapshot.mid_price, snapshot.rules
    side = Side.SELL if held > 0 else Side.BUY
    is_drained = flattening.is_drained(situation) and abs(held) * price <= rules.min_order_notional(price)
    intent, why = (None, flattening.TOO_SMALL)
    if not is_drained:
        intent, why = flattening.flattening_order(held, price, _limits(side, situation), rules, snapshot.worth)
    stays = f"the inventory of {snapshot.symbol} is {held:+f} {rules.base} away from its start and stays so: {why}"
    if intent is None and why in (flattening.TOO_SMALL, _budget_limit(situation).reason):
        return Done(rest=stays)
    if halt := standing or first_halt(GUARDS, situation):
        return halt
    waiting = _switched_off(settings) or _not_now(snapshot, settings, hold) or _too_soon(snapshot, settings)
    if waiting := waiting or _too_much(situation):
        return waiting
    if in_the_way := pricing.crossing_side(side, snapshot.open_orders):
        return pricing.clear_the_way(side, in_the_way)
    if intent is not None:
        return order_halt(intent, situation) or Place(intent, settings.trade_frequency_min, None)
    last_fill_at = situation.progress.last_fill_at or 0.0
    if why == flattening.UNPAID and snapshot.now - last_fill_at > BALANCES_KNOWN_S:
        return Done(rest=stays)
    return Wait(IDLE_S, f"the inventory of {snapshot.symbol} is {held:+f} {rules.base} away from its start: {why}")


def _budget_limit(situation: Situation) -> flattening.Limit:
    snapshot = situation.snapshot
    fee_rate, is_simulated = snapshot.rules.worst_fee_rate, snapshot.trading.is_simulated
    return flattening.budget_limit(situation.settings, situation.progress, fee_rate, is_simulated=is_simulated)


def _limits(side: Side, situation: Situation) -> list[flattening.Limit]:
    """What bounds an order that trades the inventory back, the limits of any other order included."""
    snapshot, settings = situation.snapshot, situation.settings
    levels = snapshot.asks if side is Side.BUY else snapshot.bids
    fundable = sizing.fundable_notional(side, snapshot.mid_price, snapshot.rules, snapshot.balances, settings)
    limits = [
        flattening.Limit(fundable, flattening.UNPAID),
        flattening.Limit(order_fitting.largest_quote(situation), "the largest order that the guards allow is smaller"),
        _budget_limit(situation),
    ]
    return [*limits, flattening.book_limit(levels, snapshot.mid_price, settings)] if levels else limits


def _switched_off(settings: Settings) -> Wait | None:
    return None if settings.enable_volume_booster else Wait(IDLE_S, "enable_volume_booster is off")


def _close(situation: Situation) -> Decision:
    """A market order for as much of the position as one order may be."""
    snapshot, settings = situation.snapshot, situation.settings
    assert snapshot.futures is not None
    side = futures_position.closing_side(snapshot.futures)
    if in_the_way := pricing.crossing_side(side, snapshot.open_orders):
        return pricing.clear_the_way(side, in_the_way)
    price = pricing.market_price(side, snapshot)
    most_quote = largest_order(settings, snapshot.risk_inputs.equity.now_quote)
    reachable = sizing.reachable_quantity(side, snapshot, settings)
    quantity = futures_position.closing_quantity(side, price, snapshot, most_quote, reachable)
    if quantity is None:
        held = snapshot.futures.own_quantity
        return Wait(
            IDLE_S, f"no order that the exchange and its book take closes the {held:+f} left on {snapshot.symbol}"
        )
    intent = order_fitting.intent(side, OrderType.MARKET, quantity, price, snapshot)
    intent = replace(intent, is_flattening=True)
    return order_halt(intent, situation) or Place(intent, settings.trade_frequency_min, None)


def _overdue(snapshot: MarketSnapshot, settings: Settings, ours: tuple[OpenOrder, ...]) -> Cancel | None:
    """Orders of ours that have rested long enough, or since before this start where that is not wanted."""
    if stale := tuple(order for order in ours if snapshot.now - order.placed_at >= settings.limit_order_timeout):
        return Cancel(stale, f"open for {settings.limit_order_timeout:g} s or longer")
    left = tuple(order for order in ours if order.placed_at < snapshot.running_since)
    if left and settings.open_orders_at_start is OpenOrdersAtStart.CANCEL:
        return Cancel(left, "left from before this start")
    return None


def _surplus(situation: Situation, ours: tuple[OpenOrder, ...]) -> Cancel | None:
    """The oldest orders of ours, where more rest on all markets together than `max_open_orders` allows by now.

    Each market cancels its own part of them.
    """
    snapshot, most, whole = situation.snapshot, situation.settings.max_open_orders, situation.progress.whole
    too_many = whole.resting[: max(len(whole.resting) - most, 0)] if whole is not None else ()
    count = sum(market == (snapshot.exchange, snapshot.symbol) for market in (one[1:] for one in too_many))
    oldest = sorted(ours, key=lambda order: order.placed_at)[:count]
    if surplus := tuple(order for order in oldest if not order.is_cancelling):
        assert whole is not None
        return Cancel(surplus, f"{len(whole.resting)} orders rest, more than max_open_orders {most} allows")
    return None


def _reason_to_wait(situation: Situation, ours: tuple[OpenOrder, ...], hold: str) -> Wait | None:
    """Why no order is sent at this moment, though nothing is wrong; it ends by itself."""
    snapshot, settings, progress = situation.snapshot, situation.settings, situation.progress
    if waiting := _not_now(snapshot, settings, hold):
        return waiting
    if progress.headroom_quote <= 0:
        open_quote = -progress.headroom_quote + progress.remaining_quote
        return Wait(IDLE_S, f"open orders of {snapshot.rules.shown(open_quote)} cover the rest of the target")
    opened = max(len(ours), 0 if progress.whole is None else len(progress.whole.resting))
    if opened >= settings.max_open_orders:
        return Wait(IDLE_S, f"{opened} orders are open, as many as max_open_orders allows")
    return _too_soon(snapshot, settings) or _too_much(situation)


def _not_now(snapshot: MarketSnapshot, settings: Settings, hold: str) -> Wait | None:
    """A person, an old price or a clock that has jumped: no order at all."""
    if hold:
        return Wait(IDLE_S, hold)
    if snapshot.price_age_s > settings.max_price_age:
        age, limit = f"{snapshot.price_age_s:.0f} s", f"{settings.max_price_age:g} s"
        return Wait(IDLE_S, f"the market price is {age} old, older than max_price_age {limit}")
    if snapshot.risk_inputs.clock_jump_s > settings.max_clock_jump:
        return Wait(
            IDLE_S, f"the clock went on by {snapshot.risk_inputs.clock_jump_s:.0f} s at once: all is looked at again"
        )
    return None


def _too_soon(snapshot: MarketSnapshot, settings: Settings) -> Wait | None:
    """The limits of pace: the exchange's and our own."""
    risk, margin = snapshot.risk_inputs, float(settings.rate_limit_margin_of(snapshot.exchange))
    if risk.rate_limit_used >= margin:
        used = (
            f"{risk.rate_limit_used:.0%} of a limit of {snapshot.exchange} is used, rate_limit_margin is {margin:.0%}"
        )
        return Wait(max(risk.rate_limit_resets_in_s, IDLE_S), used)
    allowed = [settings.max_orders_per_second, (risk.exchange_orders_per_second or math.inf) * margin]
    if left_s := pacing.turn_in_s(risk.last_order_at, min(allowed), snapshot.now):
        return Wait(left_s, f"no more than {min(allowed):g} orders a second", is_pace=True)
    return None


def _too_much(situation: Situation) -> Wait | None:
    """The share of the market."""
    snapshot = situation.snapshot
    risk_inputs = snapshot.risk_inputs
    if risk_inputs.day_volume_quote is None:
        return Wait(IDLE_S, NO_DAY_VOLUME) if snapshot.trading is Trading.LIVE else None
    if order_fitting.hour_left(situation) < snapshot.rules.min_order_notional(snapshot.mid_price):
        percent = f"max_participation_percent {situation.settings.max_participation_percent:g}"
        hour = f"{percent} of the market's volume is reached for this hour"
        return Wait(min(pacing.seconds_to_next_hour(snapshot.now), LONGEST_WAIT_S), hour, releases_share=True)
    return None


def _quote(
    situation: Situation, ours: tuple[OpenOrder, ...], rng: random.Random, hold: str, allocation: Allocation
) -> Decision:
    """Bring the quotes to where they should stand, one action at a time. None stands while nobody may look after it."""
    snapshot, settings = situation.snapshot, situation.settings
    movable = tuple(order for order in ours if not order.is_cancelling and not order.is_market)
    if waiting := _switched_off(settings) or _not_now(snapshot, settings, hold):
        return Cancel(movable, waiting.reason) if movable else waiting
    left = tuple(order for order in movable if order.placed_at < snapshot.running_since)
    if left and settings.open_orders_at_start is OpenOrdersAtStart.CANCEL:
        return Cancel(left, "left from before this start")
    wanted = quoting.wanted(situation, rng.choice(list(Side)))
    step = quoting.next_step(wanted, snapshot, settings)
    if isinstance(step, (Cancel, Wait)):
        return step
    if waiting := _too_soon(snapshot, settings) or _too_much(situation):
        return waiting
    if isinstance(step, quoting.Take):
        return _take(step.side, wanted.reason, situation, movable, rng, allocation)
    return _place_quote(step, wanted, situation, ours, rng, allocation)


def _take(
    side: Side, reason: str, situation: Situation, movable: tuple[OpenOrder, ...], rng: random.Random,
    allocation: Allocation,
) -> Decision:  # fmt: skip
    """Cross the spread with one order; what is reserved for a quote is set free for it where nothing else is left."""
    headroom = min(situation.progress.headroom_quote, allocation.headroom_quote)
    taking = replace(situation, settings=situation.settings.model_copy(update={"order_type": ExecutionStyle.MARKET}))
    if movable and headroom < situation.snapshot.rules.min_order_notional(situation.snapshot.mid_price):
        return Cancel(movable, reason)
    if headroom <= 0 and not futures_position.is_to_be_closed(situation.snapshot, situation.settings):
        return Wait(quoting.LOOK_S, allocation.reason or "all of the target is on its way", is_pace=True)
    sides, why, is_unfunded = _sides(taking, rng, allocation)
    if not sides:
        return Cancel(movable, why) if movable else Wait(allocation.look_s, why, is_unfunded)
    if side in sides and (in_the_way := pricing.crossing_side(side, taking.snapshot.open_orders)):
        return pricing.clear_the_way(side, in_the_way)
    chosen = [side, *(one for one in sides if one is not side)] if side in sides else sides
    return _first_order(_order_on(one, taking, rng, allocation.look_s, allocation) for one in chosen)


def _place_quote(
    step: quoting.Quotes, wanted: quoting.Wanted, situation: Situation, ours: tuple[OpenOrder, ...],
    rng: random.Random, allocation: Allocation,
) -> Decision:  # fmt: skip
    """Place the first of the missing quotes that may be placed; else look again after a while."""
    resting = Wait(allocation.look_s, wanted.missed, is_pace=not wanted.missed)
    if not step.missing:
        return resting
    if min(situation.progress.headroom_quote, allocation.headroom_quote) <= 0:
        return resting if ours else Wait(IDLE_S, allocation.reason, yields_to_other_markets=True)
    sides, why, is_unfunded = _sides(situation, rng, allocation)
    able = [(side, price) for side, price in step.missing if side in sides]
    if not able:
        return resting if ours else Wait(allocation.look_s, why, is_unfunded, releases_share=is_unfunded)
    first = _first_order(_order_on(side, situation, rng, 0.0, allocation, price) for side, price in able)
    return resting if ours and isinstance(first, Wait) else first


def _next_order(situation: Situation, rng: random.Random, allocation: Allocation) -> Decision:
    settings = situation.settings
    sides, reason, is_unfunded = _sides(situation, rng, allocation)
    delay_s = pacing.next_delay(settings.trade_frequency_min, settings.trade_frequency_max, rng) * allocation.pace
    if not sides:
        return Wait(delay_s, reason, is_unfunded, releases_share=is_unfunded)
    first = _order_on(sides[0], situation, rng, delay_s, allocation)
    others = (_order_on(side, situation, rng, delay_s, allocation) for side in sides[1:])
    if isinstance(first, Halt) and flattening.is_reserved(situation):
        # one that makes the inventory smaller frees what is kept for trading it back
        return next((decision for decision in others if isinstance(decision, Place)), first)
    if not isinstance(first, Wait):
        return first
    return next((decision for decision in others if not isinstance(decision, Wait)), first)


def _first_order(decisions: Iterable[Decision]) -> Decision:
    """The first of these, made one after the other, that is no wait; where all are, the first."""
    first: Decision | None = None
    for decision in decisions:
        if not isinstance(decision, Wait):
            return decision
        first = first or decision
    assert first is not None, "there is a side"
    return first


def _sides(situation: Situation, rng: random.Random, allocation: Allocation) -> tuple[list[Side], str, bool]:
    """The sides that the next order may have; else why neither, and whether that is for want of funds."""
    snapshot, settings, progress = situation.snapshot, situation.settings, situation.progress
    if snapshot.futures is not None:
        headroom = min(progress.headroom_quote, allocation.headroom_quote)
        sides, reason = futures_position.choose_sides(situation, headroom, rng, allocation.side)
        return sides, reason, futures_position.is_unfunded(snapshot, settings)
    fundable = {
        side: sizing.fundable_notional(side, snapshot.mid_price, snapshot.rules, snapshot.balances, settings)
        for side in Side
    }
    spends = order_fitting.spending_of(Side.BUY, snapshot.mid_price, snapshot, settings)
    min_order = snapshot.rules.min_order_notional(snapshot.mid_price) if spends is None else spends.smallest
    equity = snapshot.risk_inputs.equity
    sides, reason = choose_sides(
        fundable, min_order, settings, progress, equity, rng, allocation.side, snapshot.rules.quote
    )
    is_unfunded = min_order > max(fundable.values()) or is_any_allowed(settings, progress, equity)
    if flattening.is_drained(situation) and sides:
        return _draining_sides(sides, situation, min(progress.headroom_quote, allocation.headroom_quote))
    return sides, reason, is_unfunded


def _draining_sides(sides: list[Side], situation: Situation, headroom: Decimal) -> tuple[list[Side], str, bool]:
    """Those of the sides after which the inventory can still be brought back within what is left of the target.

    Where that leaves none, it is the side that makes the inventory larger, as the other one can't be had.
    """
    rooms = {side: flattening.draining_room(side, situation, headroom) for side in sides}
    if left := [side for side in sides if rooms[side] != 0]:
        return left, "", False
    if not situation.progress.open_orders:
        return sides, "", False
    return [], "what is left of the target brings the inventory back: the open orders do that, or time out first", False


def _order_on(
    side: Side, situation: Situation, rng: random.Random, delay_s: float, allocation: Allocation,
    quote: Decimal | None = None,
) -> Decision:  # fmt: skip
    """:param quote: the price of a post-only order; None for an order of the settings' kind."""
    snapshot, settings, progress = situation.snapshot, situation.settings, situation.progress
    drawn = sizing.draw_notional(side, settings, rng)
    if order_fitting.takes(settings) and (in_the_way := pricing.crossing_side(side, snapshot.open_orders)):
        return pricing.clear_the_way(side, in_the_way)
    price = pricing.price_for(side, snapshot, settings) if quote is None else quote
    if price is None:
        return Wait(delay_s, f"no {side.value} price is left that does not cross an own order")
    headroom = min(progress.headroom_quote, allocation.headroom_quote)
    room = flattening.draining_room(side, situation, headroom) if flattening.is_drained(situation) else None
    headroom, may_reach = (min(headroom, room), False) if room else (headroom, not allocation.is_a_cap)
    notional, intent = order_fitting.fitted(side, drawn, price, headroom, situation, may_reach)
    if intent is None:
        return Wait(delay_s, order_fitting.does_not_fit(side, notional, snapshot, settings), releases_share=True)
    if quote is not None:
        intent = replace(intent, post_only=True)
    if halt := order_halt(intent, situation):
        # what is open keeps a part of the budget until it has filled or is cancelled
        return Wait(IDLE_S, halt.reason) if progress.open_orders else halt
    passes_by = (
        None
        if order_fitting.closes(intent, snapshot, settings)
        else order_fitting.smallest(side, price, snapshot, settings)
    )
    pause_s = 0.0 if quote is not None else order_fitting.participation_delay(intent, situation)
    return Place(intent, max(delay_s, pause_s), passes_by)
