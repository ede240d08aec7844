"""One decision: what to do now, from what is seen, what is wanted and what was reached. Pure."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from decimal import Decimal

from ..model.basics import ZERO, OrderType, Side, Trading
from ..model.orders import OpenOrder, OrderIntent
from ..model.snapshot import MarketSnapshot
from ..settings.schema import OpenOrdersAtStart, Settings
from . import futures_position, pacing, pricing, sizing, spending
from .allocation import Allocation
from .guards import GUARDS, LOCKS, Halt, first_halt, largest_order, order_halt, participation_an_hour
from .side import choose_sides, is_any_allowed
from .situation import Situation

CANCEL_LOOK_S = 0.25
"""How soon a cancellation that is on its way is looked at again."""
LONGEST_WAIT_S = 60.0
NO_DAY_VOLUME = "the exchange does not tell what the market trades in 24 h, which max_participation_percent needs"
IDLE_S = 1.0
"""How often a campaign that has nothing to do looks again whether that is still so."""


@dataclass(frozen=True, slots=True)
class Place:
    """Send this order, then decide again after `delay_s` seconds."""

    intent: OrderIntent
    delay_s: float
    min_order_quote: Decimal | None = ZERO
    """The smallest order of the exchange: by less than that the order may exceed the target. None for an order that
    closes a position, which has to be closed whatever it is worth by then."""


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
    is_pace: bool = False
    """Nothing stands in the way but the pause after an order: no news for a person."""
    yields_to_other_markets: bool = False
    """This market could trade, and the campaign leaves what there is to do to others."""
    releases_share: bool = False
    """This market can't take an order now: its share goes to others at once."""


@dataclass(frozen=True, slots=True)
class Done:
    """The target is reached; `leftovers` are orders of ours that still rest."""

    leftovers: tuple[OpenOrder, ...] = ()


Decision = Place | Cancel | Wait | Halt | Done


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
        return _end(situation, ours, hold)
    if halt := standing or first_halt(GUARDS, situation):
        return halt
    if off := _switched_off(settings):
        return off
    if cancel := _overdue(snapshot, settings, ours):
        return cancel
    if waiting := _reason_to_wait(situation, ours, hold):
        return waiting
    if allocation.headroom_quote <= 0 and not futures_position.is_to_be_closed(snapshot, settings):
        return Wait(IDLE_S, allocation.reason, yields_to_other_markets=True)
    return _next_order(situation, rng, allocation)


def _end(situation: Situation, ours: tuple[OpenOrder, ...], hold: str) -> Decision:
    """The target is reached: nothing may rest any more, and on futures the position goes back to where it began."""
    snapshot, settings = situation.snapshot, situation.settings
    if ours or not futures_position.is_to_be_closed(snapshot, settings):
        return Done(leftovers=ours)
    if waiting := _switched_off(settings) or _not_now(snapshot, settings, hold) or _too_soon(snapshot, settings):
        return waiting
    return _close(situation)


def _switched_off(settings: Settings) -> Wait | None:
    return None if settings.enable_volume_booster else Wait(IDLE_S, "enable_volume_booster is off")


def _close(situation: Situation) -> Decision:
    """A market order for as much of the position as one order may be."""
    snapshot, settings = situation.snapshot, situation.settings
    assert snapshot.futures is not None
    side = futures_position.closing_side(snapshot.futures)
    if in_the_way := pricing.crossing_side(side, snapshot.open_orders):
        return _clear_the_way(side, in_the_way)
    price = pricing.market_price(side, snapshot)
    most_quote = largest_order(settings, snapshot.risk_inputs.equity.now_quote)
    reachable = sizing.reachable_quantity(side, snapshot, settings)
    quantity = futures_position.closing_quantity(side, price, snapshot, most_quote, reachable)
    if quantity is None:
        held = snapshot.futures.own_quantity
        return Wait(
            IDLE_S, f"no order that the exchange and its book take closes the {held:+f} left on {snapshot.symbol}"
        )
    intent = _intent(side, OrderType.MARKET, quantity, price, snapshot)
    return order_halt(intent, situation) or Place(intent, settings.trade_frequency_min, None)


def _overdue(snapshot: MarketSnapshot, settings: Settings, ours: tuple[OpenOrder, ...]) -> Cancel | None:
    """Orders of ours that have rested long enough, or since before this start where that is not wanted."""
    if stale := tuple(order for order in ours if snapshot.now - order.placed_at >= settings.limit_order_timeout):
        return Cancel(stale, f"open for {settings.limit_order_timeout:g} s or longer")
    left = tuple(order for order in ours if order.placed_at < snapshot.running_since)
    if left and settings.open_orders_at_start is OpenOrdersAtStart.CANCEL:
        return Cancel(left, "left from before this start")
    return None


def _reason_to_wait(situation: Situation, ours: tuple[OpenOrder, ...], hold: str) -> Wait | None:
    """Why no order is sent at this moment, though nothing is wrong; it ends by itself."""
    snapshot, settings, progress = situation.snapshot, situation.settings, situation.progress
    if waiting := _not_now(snapshot, settings, hold):
        return waiting
    if progress.headroom_quote <= 0:
        open_quote = -progress.headroom_quote + progress.remaining_quote
        return Wait(IDLE_S, f"open orders of {open_quote:.2f} cover the rest of the target")
    if len(ours) >= settings.max_open_orders:
        return Wait(IDLE_S, f"{len(ours)} orders are open, as many as max_open_orders allows")
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
    if risk.last_order_at is not None and (left_s := risk.last_order_at + 1 / min(allowed) - snapshot.now) > 1e-3:
        return Wait(left_s, f"no more than {min(allowed):g} orders a second", is_pace=True)
    return None


def _too_much(situation: Situation) -> Wait | None:
    """The share of the market."""
    snapshot = situation.snapshot
    risk_inputs = snapshot.risk_inputs
    if risk_inputs.day_volume_quote is None:
        return Wait(IDLE_S, NO_DAY_VOLUME) if snapshot.trading is Trading.LIVE else None
    if _hour_left(situation) < snapshot.rules.min_order_notional(snapshot.mid_price):
        percent = f"max_participation_percent {situation.settings.max_participation_percent:g}"
        hour = f"{percent} of the market's volume is reached for this hour"
        return Wait(min(pacing.seconds_to_next_hour(snapshot.now), LONGEST_WAIT_S), hour, releases_share=True)
    return None


def _hour_left(situation: Situation) -> Decimal:
    """What may still be filled in this hour of the clock; only for a market whose volume is known."""
    snapshot, progress = situation.snapshot, situation.progress
    assert snapshot.risk_inputs.day_volume_quote is not None
    open_quote = progress.open_here_quote(Side.BUY) + progress.open_here_quote(Side.SELL)
    allowance = participation_an_hour(snapshot.risk_inputs.day_volume_quote, situation.settings)
    return allowance - snapshot.risk_inputs.hour_filled_quote - open_quote


def _next_order(situation: Situation, rng: random.Random, allocation: Allocation) -> Decision:
    settings = situation.settings
    sides, reason, is_unfunded = _sides(situation, rng, allocation)
    delay_s = pacing.next_delay(settings.trade_frequency_min, settings.trade_frequency_max, rng) * allocation.pace
    if not sides:
        return Wait(delay_s, reason, is_unfunded, releases_share=is_unfunded)
    first = _order_on(sides[0], situation, rng, delay_s, allocation)
    if not isinstance(first, Wait):
        return first
    others = (_order_on(side, situation, rng, delay_s, allocation) for side in sides[1:])
    return next((decision for decision in others if not isinstance(decision, Wait)), first)


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
    spends = _spending(Side.BUY, snapshot.mid_price, snapshot, settings)
    min_order = snapshot.rules.min_order_notional(snapshot.mid_price) if spends is None else spends.smallest
    equity = snapshot.risk_inputs.equity
    sides, reason = choose_sides(fundable, min_order, settings, progress, equity, rng, allocation.side)
    is_unfunded = min_order > max(fundable.values()) or is_any_allowed(settings, progress, equity)
    return sides, reason, is_unfunded


def _order_on(side: Side, situation: Situation, rng: random.Random, delay_s: float, allocation: Allocation) -> Decision:
    snapshot, settings, progress = situation.snapshot, situation.settings, situation.progress
    drawn = sizing.draw_notional(side, settings, rng)
    if settings.order_type is OrderType.MARKET and (in_the_way := pricing.crossing_side(side, snapshot.open_orders)):
        return _clear_the_way(side, in_the_way)
    price = pricing.price_for(side, snapshot, settings)
    if price is None:
        return Wait(delay_s, f"no {side.value} price is left that does not cross an own order")
    headroom = min(progress.headroom_quote, allocation.headroom_quote)
    notional, intent = _fitted(side, drawn, price, headroom, situation, not allocation.is_a_cap)
    if intent is None:
        return Wait(delay_s, _does_not_fit(side, notional, snapshot, settings), releases_share=True)
    if halt := order_halt(intent, situation):
        # what is open keeps a part of the budget until it has filled or is cancelled
        return Wait(IDLE_S, halt.reason) if progress.open_orders else halt
    passes_by = None if _closes(intent, snapshot, settings) else _smallest(side, price, snapshot, settings)
    return Place(intent, max(delay_s, _participation_delay(intent, situation)), passes_by)


def _intent(
    side: Side,
    order_type: OrderType,
    quantity: Decimal,
    price: Decimal,
    snapshot: MarketSnapshot,
    spent: Decimal | None = None,
) -> OrderIntent:
    reduce_only = snapshot.futures is not None and futures_position.reduces(side, snapshot.futures)
    return OrderIntent(
        side,
        order_type,
        quantity,
        price,
        snapshot.mid_price,
        snapshot.worth,
        reduce_only=reduce_only,
        quote_quantity=spent,
    )


def _closes(intent: OrderIntent, snapshot: MarketSnapshot, settings: Settings) -> bool:
    """Whether an order takes off what has to be gone at the end anyway."""
    return futures_position.is_to_be_closed(snapshot, settings) and (
        snapshot.futures is not None and intent.side is futures_position.closing_side(snapshot.futures)
    )


def _spending(side: Side, price: Decimal, snapshot: MarketSnapshot, settings: Settings) -> spending.Spending | None:
    """What bounds an order that is placed by the quote to spend; None where it is by quantity, as all futures are."""
    worst = spending.worst_price(snapshot, settings) if snapshot.asks else None
    found = spending.spending(side, settings.order_type, price, snapshot.rules, worst)
    return None if snapshot.futures is not None else found


def _smallest(side: Side, price: Decimal, snapshot: MarketSnapshot, settings: Settings) -> Decimal:
    """The exchange's smallest order, in quote."""
    spends = _spending(side, price, snapshot, settings)
    return snapshot.rules.min_order_notional(price) if spends is None else spends.smallest


def _fitted(
    side: Side, drawn: Decimal, price: Decimal, headroom: Decimal, situation: Situation, may_reach: bool
) -> tuple[Decimal, OrderIntent | None]:
    """The notional that is wanted, and the order that comes nearest to it."""
    snapshot, settings = situation.snapshot, situation.settings
    if spends := _spending(side, price, snapshot, settings):
        notional, spent = _spent(spends, drawn, headroom, situation, may_reach)
        quantity = None if spent is None else spends.quantity(spent)
    else:
        sized, spent = _sized if snapshot.futures is None else _sized_on_futures, None
        notional, quantity = sized(side, drawn, price, headroom, situation, may_reach)
    return notional, None if quantity is None else _intent(side, settings.order_type, quantity, price, snapshot, spent)


def _spent(
    spends: spending.Spending, drawn: Decimal, headroom: Decimal, situation: Situation, may_reach: bool
) -> tuple[Decimal, Decimal | None]:
    snapshot, settings = situation.snapshot, situation.settings
    most_quote = _most_quote(situation)
    notional = min(sizing.clip_to_headroom(drawn, headroom, spends.smallest), most_quote)
    fundable = sizing.fundable_notional(Side.BUY, spends.price, snapshot.rules, snapshot.balances, settings)
    limits = fundable, spending.reachable_quote(snapshot, settings)
    reach = notional >= headroom and may_reach
    return notional, spends.fit(headroom if reach else notional, limits, most=most_quote, reach=reach)


def _sized(
    side: Side, drawn: Decimal, price: Decimal, headroom: Decimal, situation: Situation, may_reach: bool
) -> tuple[Decimal, Decimal | None]:
    snapshot, settings = situation.snapshot, situation.settings
    rules, most_quote = snapshot.rules, _most_quote(situation)
    notional = min(sizing.clip_to_headroom(drawn, headroom, rules.min_order_notional(price)), most_quote)
    # an order that has to reach is rounded up, but not above the largest
    most = max(rules.quantity(most_quote, price), sizing.smallest_quantity(price, rules))
    quantity = sizing.fit_quantity(
        notional,
        price,
        sizing.fundable_notional(side, price, rules, snapshot.balances, settings),
        rules,
        reach=notional >= headroom and may_reach,
        most_quantity=_cut_to_book(most, side, snapshot, settings),
    )
    return notional, quantity


def _sized_on_futures(
    side: Side, drawn: Decimal, price: Decimal, headroom: Decimal, situation: Situation, may_reach: bool
) -> tuple[Decimal, Decimal | None]:
    snapshot, settings = situation.snapshot, situation.settings
    rules, most_quote = snapshot.rules, _most_quote(situation)
    most = _cut_to_book(rules.quantity(most_quote, price), side, snapshot, settings)
    wanted, is_last = futures_position.wanted(
        side, drawn, headroom, rules.min_order_notional(price), snapshot, settings
    )
    notional, reach = min(wanted, most_quote), is_last and may_reach
    return notional, futures_position.fit(side, notional, price, snapshot, settings, reach=reach, most_quantity=most)


def _cut_to_book(quantity: Decimal, side: Side, snapshot: MarketSnapshot, settings: Settings) -> Decimal:
    """As much of it as a market order may take from the book; all of it where it takes nothing or none was read."""
    reachable = sizing.reachable_quantity(side, snapshot, settings) if _takes(settings) else None
    return quantity if reachable is None else min(quantity, reachable)


def _takes(settings: Settings) -> bool:
    return settings.order_type is OrderType.MARKET


def _most_quote(situation: Situation) -> Decimal:
    """The largest order for the equity and for this hour's share of the market."""
    snapshot = situation.snapshot
    most = largest_order(situation.settings, snapshot.risk_inputs.equity.now_quote)
    return most if snapshot.risk_inputs.day_volume_quote is None else min(most, _hour_left(situation))


def _does_not_fit(side: Side, notional: Decimal, snapshot: MarketSnapshot, settings: Settings) -> str:
    reachable = sizing.reachable_quantity(side, snapshot, settings) if _takes(settings) else None
    if reachable is not None and snapshot.rules.notional(reachable, snapshot.mid_price) < notional:
        return (
            f"the order book has {reachable:f} {snapshot.rules.base} for a market {side.value} within max_slippage_bps "
            f"{settings.max_slippage_bps:g} of the mid, too little for an order"
        )
    return f"a {side.value} of {notional:.2f} does not fit the balance and the exchange's limits"


def _participation_delay(intent: OrderIntent, situation: Situation) -> float:
    snapshot = situation.snapshot
    volume = snapshot.risk_inputs.day_volume_quote
    if volume is None:
        return 0.0
    allowance = participation_an_hour(volume, situation.settings)
    used = allowance - _hour_left(situation)
    return pacing.participation_delay(intent.notional, snapshot.now, used, allowance)


def _clear_the_way(side: Side, in_the_way: list[OpenOrder]) -> Decision:
    """Nothing is sent until the cancellation of what could trade with it is confirmed."""
    ours = tuple(order for order in in_the_way if order.is_ours and not order.is_cancelling)
    if ours:
        return Cancel(ours, f"a market {side.value} could trade with them")
    if any(order.is_cancelling for order in in_the_way):
        return Wait(CANCEL_LOOK_S, f"a market {side.value} waits until the {side.opposite.value} orders are cancelled")
    return Wait(IDLE_S, f"a market {side.value} could trade with another {side.opposite.value} order of this bot")
