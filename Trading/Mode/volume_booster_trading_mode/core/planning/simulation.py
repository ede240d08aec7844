"""Thousands of campaigns at once: the policy's rules on arrays, one row a campaign. Pure, float, seeded.

It is a model of `policy.decide`, not the policy itself: sizes, sides, pauses, rounding and caps follow the same rules,
and the market is a geometric Brownian motion with a constant spread. What it assumes of fills:

- A market order fills at the touch, moved by what the price does while the order is on its way, and half a spread
  further on for each level that it uses up; levels are log-normal, and come back with time, as on the local exchange.
- A limit order fills whole, at its own price, when trades reach it: when the bid (for a buy) or the ask (for a sell)
  passes it. Between two looks the path is a Brownian bridge, whose extremes are drawn exactly from
  P(min < b | x0, x1) = exp(-2 (x0 - b)(x1 - b) / (s^2 t)), which is the reflection principle (Karatzas and Shreve,
  Brownian Motion and Stochastic Calculus, 2.8). An order that rests at the best price already waits for others' trades
  to use it up. Queues in front of it are not modelled. What it costs is its distance to the mid at its fill, not at
  its decision: orders fill when the market comes to them, so that they earn less than half the spread, or lose. How
  much is `Conditions.adverse_selection`, fitted to the local exchange, with its error from campaign to campaign.
- No order fails, no guard halts the campaign, and nobody else uses the balances.

A campaign that is too long to be played is played for a stretch, and the rest of it is drawn from the mean and the
covariance of the second half of that stretch (central limit theorem for renewal-reward processes).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..decision.policy import IDLE_S
from ..decision.side import FULLY_FUNDED_ORDERS
from ..decision.timing.pacing import HOUR_S
from ..model.basics import OrderType, Side
from ..settings.schema import Settings, SidePolicy
from .market_conditions import STEPPED, Conditions
from .simulation_state import Flags, Floats, Outcomes, State, Terms

GO_ON = 4
"""Where only some campaigns have ended, all continue for so many times the steps: drawing the rest of the slow ones
from what the slow ones did would be unfair."""
LEVEL_LOG_DEVIATION = 1.1
LOOKED_BEFORE = 2.0
"""So many times the latency of an order lie between the look at the price that it was decided on and its fill."""
MEASURED_AFTER_S = 1.0
"""So long after the fill of a resting order comes the look that it is measured at: half of the time between two."""
LOOKS_IN_A_TIMEOUT = 24
"""While it only waits, a campaign of the model looks so often during one time-out, and not more than once a second."""
SUMS = ("filled", "duration_s", "orders", "fees", "slippage", "maker")


def play(settings: Settings, conditions: Conditions, seed: int, campaigns: int, most_steps: int) -> Outcomes:
    """So many campaigns from their start to the target; the same arguments, the same outcomes.

    :param most_steps: where every campaign takes more decisions they are played that far, and the rest is drawn.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    balances = conditions.balances
    state = State(rng, campaigns, float(balances.base_free), float(balances.quote_free), float(conditions.price))
    terms = Terms.of(settings, conditions)
    is_market = settings.order_type.sends is OrderType.MARKET
    book = None if is_market else _Book(campaigns, settings.max_open_orders)
    half: dict[str, Floats] = {}
    for step in range(GO_ON * most_steps):
        if step == most_steps and not state.ended.any():
            break
        if step == most_steps // 2:
            half = {name: getattr(state.out, name).copy() for name in SUMS}
        if book is None:
            _market_step(state, terms, settings, conditions)
        else:
            _limit_step(state, book, terms, settings, conditions)
        if state.ended.all():
            return state.out
    _draw_the_rest(state, terms, half)
    return state.out


def _sides(
    state: State, terms: Terms, settings: Settings, free: dict[Side, Floats], open_: dict[Side, Floats]
) -> Floats:
    """As `direction.choose_sides`: +1 for a buy, -1 for a sell, 0 where neither will do."""
    min_order = terms.smallest_quantity(state.price) * state.price
    skew = state.bought - state.sold
    is_exposed = {side: _is_exposed(state, terms, side, open_[side]) for side in Side}
    can_buy = (free[Side.BUY] >= min_order) & (skew + open_[Side.BUY] <= terms.cap) & ~is_exposed[Side.BUY]
    can_sell = (free[Side.SELL] >= min_order) & (open_[Side.SELL] - skew <= terms.cap) & ~is_exposed[Side.SELL]
    if settings.side_policy is SidePolicy.ALTERNATE:
        wants_buy = state.buys <= state.sells
    else:
        weights = {side: np.clip(free[side] / (terms.high[side] * FULLY_FUNDED_ORDERS), 1e-12, 1.0) for side in Side}
        wants_buy = state.uniform() * (weights[Side.BUY] + weights[Side.SELL]) < weights[Side.BUY]
    is_buy = can_buy & (wants_buy | ~can_sell)
    return np.where(is_buy, 1.0, np.where(can_sell, -1.0, 0.0))


def _is_exposed(state: State, terms: Terms, side: Side, open_quote: Floats) -> Flags:
    """As `direction` keeps the inventory away from `max_exposure_percent`."""
    drift = state.net_base * state.price * (1 if side is Side.BUY else -1)
    largest = np.minimum(terms.high[side], state.equity * terms.largest_share)
    return np.asarray((drift > 0) & (drift + open_quote + largest > state.equity * terms.exposure_share))


def _order(
    state: State, terms: Terms, side: Floats, price: Floats, free: dict[Side, Floats], headroom: Floats
) -> Floats:
    """The quantity of the next order on a side, in base, signed."""
    is_buy = side > 0
    low = np.where(is_buy, terms.low[Side.BUY], terms.low[Side.SELL])
    high = np.where(is_buy, terms.high[Side.BUY], terms.high[Side.SELL])
    drawn = low + (high - low) * state.uniform()
    min_order = terms.smallest_quantity(price) * price
    notional = np.where(headroom - drawn < min_order, np.maximum(headroom, min_order), drawn)
    largest = state.equity * terms.largest_share
    notional = np.minimum(np.minimum(notional, largest), terms.hour_allowance - state.hour_used)
    affordable = np.where(is_buy, free[Side.BUY], free[Side.SELL] * price / state.price)
    quantity = terms.quantity(notional, price, affordable, notional >= headroom)
    has_room = (largest >= min_order * (1 - 1e-9)) & (terms.hour_allowance - state.hour_used >= min_order)
    return np.where(has_room, side * quantity, 0.0)


def _pause(state: State, terms: Terms, settings: Settings, notional: Floats) -> Floats:
    """Until the next order: as the settings say, but not quicker than the limits of pace and of participation allow."""
    low, high = settings.trade_frequency_min, settings.trade_frequency_max
    pause = np.maximum(low + (high - low) * state.uniform(), terms.shortest_pause_s)
    if math.isinf(terms.hour_allowance):
        return pause
    left_s = HOUR_S - (state.began_in_hour_s + state.time_s) % HOUR_S
    left = terms.hour_allowance - state.hour_used
    spread = np.where(left > notional, np.minimum(notional / np.maximum(left, 1e-300), 1.0), 1.0) * left_s
    is_early = state.hour_used + notional <= terms.hour_allowance / 2
    pause = np.maximum(pause, np.where(is_early, 0.0, spread))
    state.hour_used = np.where(pause >= left_s, 0.0, state.hour_used + notional)
    return pause


def _free(state: State, terms: Terms, base: Floats, quote: Floats) -> dict[Side, Floats]:
    return {Side.BUY: quote * (terms.kept / (1 + terms.worst_rate)), Side.SELL: base * terms.kept * state.price}


def _market_step(state: State, terms: Terms, settings: Settings, conditions: Conditions) -> None:
    free, nothing = _free(state, terms, state.base, state.quote), np.zeros(state.count)
    side = _sides(state, terms, settings, free, {Side.BUY: nothing, Side.SELL: nothing})
    side[state.ended] = 0.0
    ticks = np.rint(state.price * (1 + side * conditions.half_spread) / terms.tick)
    touch = np.maximum(ticks, 1.0) * terms.tick
    signed = _order(state, terms, side, touch, free, terms.target - state.out.filled)
    placed = signed != 0.0
    has_hour = terms.hour_allowance - state.hour_used >= terms.smallest_quantity(touch) * touch
    state.out.is_stuck |= ~state.ended & ~placed & has_hour
    paid = touch * _worse(state, signed, touch, side, conditions)
    state.trade(signed, paid, terms.taker_rate, state.price)
    state.buys += placed & (side > 0)
    state.sells += placed & (side < 0)
    state.out.orders += placed
    is_done = state.out.filled >= terms.target * (1 - 1e-12)
    latency = conditions.order_latency_s
    state.time_s += np.where(state.ended, 0.0, latency)
    state.out.duration_s = np.where(state.ended, state.out.duration_s, state.time_s)
    state.ended |= is_done | state.out.is_stuck
    pause = _pause(state, terms, settings, np.abs(signed) * touch)
    state.time_s += np.where(state.ended, 0.0, pause)
    if conditions.depth_quote is not None:
        kept = (1 - conditions.refill_per_second) ** (pause + latency)
        state.taken_asks *= kept
        state.taken_bids *= kept
    if conditions.volatility_percent:
        deviation = conditions.deviation_per_root_second * np.sqrt(pause + latency)
        state.price = state.price * np.exp(deviation * state.normal() - deviation**2 / 2)


def _worse(state: State, signed: Floats, touch: Floats, side: Floats, conditions: Conditions) -> Floats:
    """The mean price of a market order by the touch of a whole book.

    The price moves while the order is on its way, and what others and our own orders took out of the book may not have
    come back: then the order begins further down, from a mid that has moved by half of that, and walks on from there.
    """
    if conditions.depth_quote is None:
        return np.ones(state.count)
    size, is_buy = np.abs(signed) * touch, side > 0
    crowd = (
        conditions.prints_per_second
        / 2
        * conditions.print_quote
        / -math.log1p(-min(conditions.refill_per_second, 0.999))
    )
    own = np.where(is_buy, state.taken_asks, state.taken_bids) + crowd
    other = np.where(is_buy, state.taken_bids, state.taken_asks) + crowd
    state.taken_asks += np.where(is_buy, size, 0.0)
    state.taken_bids += np.where(is_buy, 0.0, size)
    median_quote = conditions.depth_quote * np.exp(conditions.depth_log_error * state.depth_error)
    asks, bids = state.best_levels()
    book = _Levels(median_quote, np.where(is_buy, asks, bids))
    opposite = _Levels(median_quote, np.where(is_buy, bids, asks))
    walked = (book.sum_of_levels(own + size) - book.sum_of_levels(own)) / np.maximum(size, 1e-300)
    further = walked - (book.levels(own) - opposite.levels(other)) / 2
    on_its_way_s = LOOKED_BEFORE * conditions.order_latency_s
    moved = conditions.deviation_per_root_second * math.sqrt(on_its_way_s) * state.normal()
    return np.asarray(1 + moved + side * further * conditions.half_spread)


class _Levels:
    """One side of a book: a log-normal best level, then levels of the mean size, each half a spread further on."""

    def __init__(self, median_quote: Floats, normal: Floats) -> None:
        self._best = median_quote * np.exp(LEVEL_LOG_DEVIATION * normal)
        self._mean = median_quote * math.exp(LEVEL_LOG_DEVIATION**2 / 2)

    def levels(self, depth: Floats) -> Floats:
        """How many levels an order has used up that takes so much."""
        beyond = depth - self._best
        return np.where(beyond > 0, 1 + beyond / self._mean, 0.0)

    def sum_of_levels(self, depth: Floats) -> Floats:
        """The same, summed up over all that it takes."""
        beyond = np.maximum(depth - self._best, 0.0)
        return np.asarray(beyond + beyond**2 / (2 * self._mean))


@dataclass(slots=True)
class _Book:
    """Our own resting orders: one row a campaign, one column a place for an order; a side of 0 is a free place."""

    campaigns: int
    places: int
    side: Floats = field(init=False)
    quantity: Floats = field(init=False)
    price: Floats = field(init=False)
    mid: Floats = field(init=False)
    placed_at: Floats = field(init=False)

    def __post_init__(self) -> None:
        for name in ("side", "quantity", "price", "mid", "placed_at"):
            setattr(self, name, np.zeros((self.campaigns, self.places)))

    def open_quote(self, sign: float) -> Floats:
        return np.asarray(np.where(self.side == sign, self.quantity * self.price, 0.0).sum(axis=1))

    def locked_base(self) -> Floats:
        return np.asarray(np.where(self.side < 0, self.quantity, 0.0).sum(axis=1))

    def add(self, rows: npt.NDArray[np.int64], signed: Floats, price: Floats, mid: Floats, at: Floats) -> None:
        column = np.argmin(np.abs(self.side[rows]), axis=1)
        self.side[rows, column] = np.sign(signed)
        self.quantity[rows, column] = np.abs(signed)
        self.price[rows, column] = price
        self.mid[rows, column] = mid
        self.placed_at[rows, column] = at


def _limit_step(state: State, book: _Book, terms: Terms, settings: Settings, conditions: Conditions) -> None:
    timeout_s = settings.limit_order_timeout
    stale = (state.time_s[:, None] - book.placed_at >= timeout_s - 1e-9) & (book.side != 0)
    state.buys -= (stale & (book.side > 0)).sum(axis=1)
    state.sells -= (stale & (book.side < 0)).sum(axis=1)
    book.side[stale] = 0.0
    open_ = {Side.BUY: book.open_quote(1.0), Side.SELL: book.open_quote(-1.0)}
    headroom = terms.target - state.out.filled - open_[Side.BUY] - open_[Side.SELL]
    resting = (book.side != 0).sum(axis=1)
    waits = state.ended | (headroom <= 0) | (resting >= settings.max_open_orders)
    free = _free(state, terms, state.base - book.locked_base(), state.quote - open_[Side.BUY] * (1 + terms.maker_rate))
    side = np.where(waits, 0.0, _sides(state, terms, settings, free, open_))
    price = _limit_price(state, book, terms, side)
    signed = _order(state, terms, side, price, free, headroom)
    (rows,) = np.nonzero(signed)
    book.add(rows, signed[rows], price[rows], state.price[rows], state.time_s[rows])
    state.buys += signed > 0
    state.sells += signed < 0
    state.out.orders += signed != 0
    has_hour = terms.hour_allowance - state.hour_used >= terms.smallest_quantity(price) * price
    state.out.is_stuck |= ~waits & (signed == 0.0) & (resting == 0) & has_hour
    state.ended |= state.out.is_stuck
    pause = _pause(state, terms, settings, np.abs(signed) * price)
    oldest = np.where(book.side != 0, book.placed_at, np.inf).min(axis=1) + timeout_s - state.time_s
    idle = np.clip(oldest, IDLE_S, max(IDLE_S, timeout_s / LOOKS_IN_A_TIMEOUT))
    _pass_time(state, book, terms, conditions, np.where(waits, idle, pause + conditions.order_latency_s))


def _limit_price(state: State, book: _Book, terms: Terms, side: Floats) -> Floats:
    """As `pricing.price_for`: away from the market, on the tick, never through an own order."""
    buy = np.floor(state.price * (1 - terms.offset) / terms.tick + 1e-9) * terms.tick
    sell = np.ceil(state.price * (1 + terms.offset) / terms.tick - 1e-9) * terms.tick
    lowest_sell = np.where(book.side < 0, book.price, np.inf).min(axis=1)
    highest_buy = np.where(book.side > 0, book.price, -np.inf).max(axis=1)
    buy = np.minimum(buy, lowest_sell - terms.tick)
    sell = np.maximum(sell, highest_buy + terms.tick)
    price: Floats = np.maximum(np.where(side > 0, buy, sell), terms.tick)
    return price


def _pass_time(state: State, book: _Book, terms: Terms, conditions: Conditions, seconds: Floats) -> None:
    """The price moves on for so many seconds, and what trades reach is filled."""
    variance = conditions.deviation_per_root_second**2 * seconds
    start = np.log(state.price)
    end = start + np.sqrt(variance) * state.normal() - variance / 2
    low, high = (np.exp(_extreme(start, end, variance, state.uniform(), sign)) for sign in (-1.0, 1.0))
    missed = np.exp(
        STEPPED * conditions.deviation_per_root_second * np.sqrt(np.minimum(seconds, conditions.price_step_s))
    )
    reached = _is_reached(book, low * missed, high / missed, conditions.half_spread)
    at_best = _is_reached(book, state.price, state.price, conditions.half_spread)
    share = np.minimum(conditions.print_quote / np.maximum(book.quantity * book.price, 1e-300), 1.0)
    hits = conditions.prints_per_second / 2 * share * seconds[:, None]
    is_hit = state.rng.random(book.side.shape) < -np.expm1(-hits)
    filled = reached & (~at_best | is_hit) & ~state.ended[:, None]
    if filled.any():
        _fill(state, book, terms, conditions, filled, seconds)
    state.price = np.exp(end)
    state.time_s += np.where(state.ended, 0.0, seconds)
    state.out.duration_s = np.where(state.ended, state.out.duration_s, state.time_s)


def _is_reached(book: _Book, low: Floats, high: Floats, half_spread: float) -> Flags:
    """Which orders the bid or the ask has passed, while the mid went from `low` to `high`."""
    bid, ask = (low * (1 - half_spread))[:, None], (high * (1 + half_spread))[:, None]
    return np.asarray(((book.side > 0) & (bid <= book.price)) | ((book.side < 0) & (ask >= book.price)))


def _extreme(start: Floats, end: Floats, variance: Floats, uniform: Floats, sign: float) -> Floats:
    """The lowest (sign -1) or highest (+1) point of a Brownian bridge, drawn by inverting its distribution."""
    reach = np.sqrt((end - start) ** 2 - 2 * variance * np.log(np.maximum(uniform, 1e-300)))
    return np.asarray((start + end + sign * reach) / 2)


def _fill(state: State, book: _Book, terms: Terms, conditions: Conditions, filled: Flags, seconds: Floats) -> None:
    """Fill these orders, one place after the other; a campaign that reaches its target ends somewhere in between."""
    mean = conditions.resting_cost(conditions.adverse_selection_of(state.adverse_error))
    look = conditions.deviation_per_root_second * math.sqrt(MEASURED_AFTER_S)
    for place in np.nonzero(filled.any(axis=0))[0]:
        signed = np.where(filled[:, place], book.side[:, place] * book.quantity[:, place], 0.0)
        off = mean + look * state.normal()
        mid = book.price[:, place] * (1 - np.sign(signed) * off)
        state.trade(signed, book.price[:, place], terms.maker_rate, mid)
    state.out.maker = state.out.filled.copy()
    book.side[filled] = 0.0
    is_done = ~state.ended & (state.out.filled >= terms.target * (1 - 1e-12))
    state.time_s += np.where(is_done, seconds * state.uniform(), 0.0)
    state.out.duration_s = np.where(is_done, state.time_s, state.out.duration_s)
    state.ended |= is_done


def _draw_the_rest(state: State, terms: Terms, half: dict[str, Floats]) -> None:
    """Bring the campaigns that have not ended to their target: see the module's docstring."""
    out, still = state.out, ~state.ended
    late = np.stack([getattr(out, name)[still] - half[name][still] for name in SUMS])
    mean_filled = late[0].mean()
    if mean_filled <= 0:
        out.duration_s[still] = out.orders[still] = math.inf
        return
    per_filled = late.mean(axis=1) / mean_filled
    overshoot = state.uniform()[still] * terms.step * state.price[still]
    missing = np.maximum(terms.target + overshoot - out.filled[still], 0.0)
    noise = _like(late[1:] - per_filled[1:, None] * late[0], missing.size, state.rng)
    for row, name in enumerate(SUMS):
        part = noise[row - 1] * np.sqrt(missing / mean_filled) if row else 0.0
        getattr(out, name)[still] += per_filled[row] * missing + part
    out.orders[still] = np.rint(out.orders[still])


def _like(residual: Floats, count: int, rng: np.random.Generator) -> Floats:
    """So many draws from the normal distribution with the covariance of these rows."""
    if residual.shape[1] < 2:
        return np.zeros((len(residual), count))
    values, vectors = np.linalg.eigh(np.cov(residual))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(root @ rng.standard_normal((len(residual), count)))
