"""Quoting: which post-only orders should stand in the book, and the one step from those that do to those.

`wanted` is the policy. It quotes both sides at the touch, a tick ahead of it where the spread has room for that, and
takes only what the schedule needs, or where resting does not pay. The action set is that of Guilbaud and Pham, Optimal
high-frequency trading with limit and market orders (2013): at the best price, one tick better, or a market order; what
is left of the deadline is the urgency of Almgren and Chriss. Prices are never skewed by the inventory.

`next_step` cancels first and places last, so that two own orders never can meet. Pure, and without chance.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from ..model.basics import TEN_THOUSAND, ZERO, ExecutionStyle, Role, Side, bps, round_to_step
from ..model.formats import duration
from ..model.orders import OpenOrder
from ..model.snapshot import MarketSnapshot
from ..settings.schema import Settings
from . import futures_position
from .outcomes.decisions import Cancel, Wait
from .situation import Situation
from .sizing import HUNDRED
from .timing.schedule import Schedule, chunk_quote, schedule_of

LOOK_S = 1.0
"""How often quotes are looked at."""
MARKETS_AT_LOOK_S = 3
"""On more markets than this they are looked at half as often: each look costs about 11 of an exchange's limit."""
LEAD_FROM_TICKS = 3
"""From so many ticks of spread on a quote stands one tick ahead of the others; else it joins them."""
AHEAD = Decimal("0.1")
"""A quote that the market came towards, by more than this share of the spread, is cancelled at once."""
LEFT_BEHIND = Decimal(1)
"""One that the market left behind stays until it is this share of the spread away; behind schedule only `AHEAD`."""
INVENTORY_CHUNKS = 4
"""At so many mean orders of inventory only the side that reduces it is quoted."""
KEPT_CHUNKS = Decimal("4.5")
"""A quote that stands already is kept up to here, so that a moving price does not make it come and go."""
STILL_PAYS = Decimal("0.8")
"""While quotes stand, resting has to be worse than this to be given up: it should not change with every look."""
BLIND_SPREAD_BPS = Decimal(2)
"""The spread that is taken where there is no order book, as in OctoBot's simulator."""
PAIR_TOLERANCE = Decimal("0.5")
"""A pair is made anew when the mid has moved by this share of its distance."""
NOT_WORTH_IT = "at this spread, volatility and fees a resting order costs more than taking"
KEPT_FOR_SAFETY = 2
"""So many cancels of a minute's budget are kept for what must not wait."""


@dataclass(frozen=True, slots=True)
class Touch:
    """The best prices of all others, in quote."""

    bid: Decimal
    ask: Decimal

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2

    @property
    def spread(self) -> Decimal:
        return self.ask - self.bid


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should stand: the price of a buy and of a sell, None for none; or a side to take on.

    A standing quote may be `ahead` of its price, towards the other side, and `behind` it by so much, in quote.
    """

    buy: Decimal | None = None
    sell: Decimal | None = None
    ahead: Decimal = ZERO
    behind: Decimal = ZERO
    take: Side | None = None
    reason: str = ""
    """Why a side is taken on, or why nothing is quoted; else empty."""
    missed: str = ""
    """Why the schedule is not kept; else empty."""
    is_pair: bool = False
    """The two belong together: after a fill of either the other one goes."""

    def price(self, side: Side) -> Decimal | None:
        return self.buy if side is Side.BUY else self.sell


@dataclass(frozen=True, slots=True)
class Quotes:
    """Nothing to cancel: these prices are missing, none of which can meet an own order. Empty where all stand."""

    missing: tuple[tuple[Side, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Take:
    """Cross the spread with one order on this side."""

    side: Side


Step = Cancel | Wait | Quotes | Take


def touch_of(snapshot: MarketSnapshot) -> Touch:
    """The others' touch; without an order book a nominal one around the market price."""
    if snapshot.best_bid is not None and snapshot.best_ask is not None and snapshot.best_bid < snapshot.best_ask:
        return Touch(snapshot.best_bid, snapshot.best_ask)
    half = max(snapshot.mid_price * BLIND_SPREAD_BPS / TEN_THOUSAND / 2, snapshot.rules.tick_at(snapshot.mid_price))
    bid = _on_tick(snapshot.mid_price - half, snapshot, decimal.ROUND_FLOOR)
    ask = _on_tick(snapshot.mid_price + half, snapshot, decimal.ROUND_CEILING)
    return Touch(bid, ask)


def wanted(situation: Situation, taking_side: Side) -> Wanted:
    """What should stand now.

    :param taking_side: on which to take where there is no inventory to reduce.
    """
    snapshot, settings, touch = situation.snapshot, situation.settings, touch_of(situation.snapshot)
    if settings.order_type is ExecutionStyle.PAIR:
        quotes = _pair(snapshot, settings, touch)
        has_schedule = schedule_of(snapshot, settings, situation.progress) is not None
        return _scheduled(quotes, situation, touch, taking_side, pays=True) if has_schedule else quotes
    pays = pays_to_rest(snapshot, touch)
    quotes = _at_touch(snapshot, settings, touch) if pays else Wanted(reason=NOT_WORTH_IT)
    return _scheduled(quotes, situation, touch, taking_side, pays=pays)


def pays_to_rest(snapshot: MarketSnapshot, touch: Touch) -> bool:
    """Whether half the spread and what maker fees are lower by outweigh what the mid moves from one look to the next.

    What a quote can lose before it is looked at again is the volatility of that time: Wyart et al., Relation between
    bid-ask spread, impact and volatility (2008). While the volatility is not known it counts as none.
    """
    volatility = snapshot.risk_inputs.volatility_bps
    if volatility is None:
        return True
    rules = snapshot.rules
    saved_bps = (rules.fee_rate(Role.TAKER) - rules.fee_rate(Role.MAKER)) * TEN_THOUSAND
    is_standing = any(order.is_ours for order in snapshot.open_orders)
    most = volatility * STILL_PAYS if is_standing else volatility
    return bps(touch.spread, touch.mid) / 2 + saved_bps >= most


def _at_touch(snapshot: MarketSnapshot, settings: Settings, touch: Touch) -> Wanted:
    """A quote on each side that the inventory allows: one tick ahead of the others, or beside them."""
    tick = snapshot.rules.tick_at(touch.ask)
    has_lead = snapshot.best_bid is not None and touch.spread >= LEAD_FROM_TICKS * tick
    lead = tick if has_lead else ZERO
    buy = _on_tick(touch.bid + lead, snapshot, decimal.ROUND_FLOOR)
    sell = _on_tick(touch.ask - lead, snapshot, decimal.ROUND_CEILING)
    return Wanted(
        buy if buy > 0 and _has_room(Side.BUY, snapshot, settings) else None,
        sell if _has_room(Side.SELL, snapshot, settings) else None,
        AHEAD * touch.spread,
        LEFT_BEHIND * touch.spread,
    )


def _has_room(side: Side, snapshot: MarketSnapshot, settings: Settings) -> bool:
    """Whether the inventory has room for another buy, or sell."""
    drift = inventory_quote(snapshot)
    added = drift if side is Side.BUY else -drift
    is_standing = any(order.side is side and order.is_ours for order in snapshot.open_orders)
    return added < chunk_quote(settings) * (KEPT_CHUNKS if is_standing else INVENTORY_CHUNKS)


def inventory_quote(snapshot: MarketSnapshot) -> Decimal:
    """What the campaign has bought on this market beyond what it sold, in quote; below zero for the opposite."""
    if snapshot.futures is not None:
        return futures_position.own_worth(snapshot)
    return snapshot.risk_inputs.equity.drift_quote


def _pair(snapshot: MarketSnapshot, settings: Settings, touch: Touch) -> Wanted:
    """A buy below and a sell above the mid by the same distance, never through the others' touch."""
    distance = touch.mid * settings.pair_spacing_bps / TEN_THOUSAND
    tick = snapshot.rules.tick_at(touch.ask)
    buy = min(_on_tick(touch.mid - distance, snapshot, decimal.ROUND_FLOOR), touch.ask - tick)
    sell = max(_on_tick(touch.mid + distance, snapshot, decimal.ROUND_CEILING), touch.bid + tick)
    tolerance = max(distance * PAIR_TOLERANCE, tick)
    return Wanted(buy if buy > 0 else None, sell, tolerance, tolerance, is_pair=True)


def _scheduled(quotes: Wanted, situation: Situation, touch: Touch, taking_side: Side, *, pays: bool) -> Wanted:
    """The quotes, or a side to take on where the campaign is behind its schedule or resting does not pay."""
    snapshot, settings, progress = situation.snapshot, situation.settings, situation.progress
    schedule = schedule_of(snapshot, settings, progress)
    if schedule is None or not schedule.is_behind(snapshot.now, progress.filled_quote, has_slack=pays):
        return quotes
    reason = _behind(schedule, snapshot.now, progress.filled_quote) if pays else NOT_WORTH_IT
    hurried = replace(quotes, behind=quotes.ahead)
    if refused := _must_not_take(situation, touch):
        return replace(hurried, missed=f"{reason}; {refused}")
    side = _taking_side(snapshot, taking_side)
    kept = {side: quotes.price(side), side.opposite: None}
    return replace(hurried, buy=kept[Side.BUY], sell=kept[Side.SELL], take=side, reason=reason, is_pair=False)


def _behind(schedule: Schedule, now: float, filled_quote: Decimal) -> str:
    gap, left_s = schedule.gap_quote(now, filled_quote), schedule.deadline_at - now
    when = f"{duration(left_s)} before the deadline" if left_s > 0 else "after the deadline"
    return f"{gap:.2f} behind schedule {when}"


def _must_not_take(situation: Situation, touch: Touch) -> str:
    """Why nothing is taken although the schedule needs it; empty where it may be."""
    settings, progress = situation.settings, situation.progress
    half_bps = bps(touch.spread, touch.mid) / 2
    if situation.snapshot.best_bid is not None and half_bps > settings.max_slippage_bps:
        return (
            f"half the spread is {half_bps:.2f} bps, more than max_slippage_bps {settings.max_slippage_bps:g}, so "
            "nothing is taken"
        )
    taken = progress.filled_quote - progress.maker_quote
    most_quote = progress.target_quote * settings.max_taker_percent / HUNDRED
    if taken >= most_quote and settings.max_taker_percent < HUNDRED:
        return f"{taken:.2f} are taken, as much as max_taker_percent {settings.max_taker_percent:g} allows"
    return ""


def _taking_side(snapshot: MarketSnapshot, without_inventory: Side) -> Side:
    """The side that brings the inventory back."""
    drift = inventory_quote(snapshot)
    if not drift:
        return without_inventory
    return Side.SELL if drift > 0 else Side.BUY


def next_step(wanted: Wanted, snapshot: MarketSnapshot, settings: Settings) -> Step:
    """What to do first: cancel what is in the way or out of place, take, or place what is missing."""
    ours = tuple(order for order in snapshot.open_orders if order.is_ours)
    standing = tuple(order for order in ours if not order.is_cancelling and not order.is_market)
    left = _cancels_left(snapshot, settings)
    now, later = _out_of_place(wanted, standing, snapshot.now, settings)
    spared = KEPT_FOR_SAFETY if left is not None and left > KEPT_FOR_SAFETY else 0
    if now and (left is None or left >= len(now)):
        return Cancel(now, _why(wanted, "the market came towards it"))
    if later and (left is None or left - spared >= len(later)):
        return Cancel(later, "the market has left it behind, or it has stood for limit_order_timeout")
    if now:
        return Wait(LOOK_S, f"max_cancels_per_minute {settings.max_cancels_per_minute} are used: quotes stay")
    if wanted.take is not None:
        return Take(wanted.take)
    if any(order.is_cancelling for order in ours):
        return Wait(LOOK_S, "a cancellation is not confirmed yet", is_pace=True)
    return Quotes(tuple(_missing(wanted, snapshot)))


def _cancels_left(snapshot: MarketSnapshot, settings: Settings) -> int | None:
    """How many orders may be cancelled in this minute; None where there is no limit."""
    if settings.max_cancels_per_minute is None:
        return None
    return max(settings.max_cancels_per_minute - snapshot.risk_inputs.cancels_last_minute, 0)


def _why(wanted: Wanted, otherwise: str) -> str:
    return wanted.reason or otherwise


def _out_of_place(
    wanted: Wanted, standing: tuple[OpenOrder, ...], now: float, settings: Settings
) -> tuple[tuple[OpenOrder, ...], tuple[OpenOrder, ...]]:
    """Which quotes have to go at once, and which ones when there is time."""
    at_once: list[OpenOrder] = []
    later: list[OpenOrder] = []
    is_broken = wanted.is_pair and any(order.fills_since != 0 for order in standing)
    seen: set[Side] = set()
    for order in standing:
        price = wanted.price(order.side)
        if price is None or order.side in seen or is_broken:
            at_once.append(order)
            continue
        seen.add(order.side)
        ahead = order.price - price if order.side is Side.BUY else price - order.price
        if ahead > wanted.ahead:
            at_once.append(order)
        elif -ahead > wanted.behind or now - order.placed_at >= settings.limit_order_timeout:
            later.append(order)
    if wanted.is_pair and (at_once or later):
        young = any(now - order.placed_at < settings.trade_frequency_min for order in standing)
        everything = standing if is_broken or not young else ()
        return everything, ()
    return tuple(at_once), tuple(later)


def _missing(wanted: Wanted, snapshot: MarketSnapshot) -> Iterable[tuple[Side, Decimal]]:
    """The quotes that do not stand yet, and that can meet no own order; first the one that reduces the inventory."""
    orders = snapshot.open_orders
    first = _taking_side(snapshot, Side.BUY)
    for side in (first, first.opposite):
        price = wanted.price(side)
        if price is None or any(order.side is side and order.is_ours for order in orders):
            continue
        if not any(_meets(side, price, order) for order in orders):
            yield side, price


def _meets(side: Side, price: Decimal, order: OpenOrder) -> bool:
    """Whether an order at this price could trade with another one of this bot."""
    if order.side is side:
        return False
    if order.is_market:
        return True
    return price >= order.price if side is Side.BUY else price <= order.price


def _on_tick(price: Decimal, snapshot: MarketSnapshot, rounding: str) -> Decimal:
    return round_to_step(price, snapshot.rules.tick_at(price), rounding)
