"""What thousands of simulated campaigns start from, and where each of them is: arrays, one row a campaign. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..decision.guards import participation_an_hour
from ..decision.side import KEPT_SHARE_OF_EXPOSURE
from ..decision.timing.pacing import HOUR_S
from ..model.basics import Side
from ..settings.schema import Settings
from .market_conditions import Conditions

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Terms:
    """Settings and conditions as plain numbers."""

    target: float
    low: dict[Side, float]
    high: dict[Side, float]
    step: float
    tick: float
    min_quantity: float
    min_notional: float
    max_quantity: float
    max_notional: float
    maker_rate: float
    taker_rate: float
    worst_rate: float
    kept: float
    cap: float
    offset: float
    largest_share: float
    """Of the equity: the largest order."""
    exposure_share: float
    """Of the equity: how far the inventory may drift."""
    shortest_pause_s: float
    hour_allowance: float
    """What may be filled in one hour of the clock."""

    @classmethod
    def of(cls, settings: Settings, conditions: Conditions) -> Terms:
        rules = conditions.rules
        ranges = {side: settings.amount_range(side) for side in Side}
        target = float(settings.volume_target) / conditions.pairs
        return cls(
            target=target,
            low={side: float(ends[0]) for side, ends in ranges.items()},
            high={side: float(ends[1]) for side, ends in ranges.items()},
            step=float(rules.quantity_step),
            tick=float(rules.tick_at(conditions.price)),
            min_quantity=float(rules.min_quantity),
            min_notional=float(rules.min_notional),
            max_quantity=math.inf if rules.max_quantity is None else float(rules.max_quantity),
            max_notional=math.inf if rules.max_notional is None else float(rules.max_notional),
            maker_rate=float(rules.maker_fee_rate),
            taker_rate=float(rules.taker_fee_rate),
            worst_rate=float(rules.worst_fee_rate),
            kept=1 - float(settings.fee_buffer_percent) / 100,
            cap=float(settings.max_position_imbalance) * target,
            offset=float(settings.price_offset_percent) / 100,
            largest_share=float(settings.max_position_percent) / 100,
            exposure_share=float(settings.max_exposure_percent / 100 * KEPT_SHARE_OF_EXPOSURE),
            shortest_pause_s=_shortest_pause_s(settings, conditions),
            hour_allowance=_hour_allowance(settings, conditions),
        )

    def smallest_quantity(self, price: Floats) -> Floats:
        """The exchange's smallest order, in base."""
        steps = np.maximum(np.ceil(self.min_notional / price / self.step - 1e-9), 1.0)
        return np.asarray(np.maximum(steps, math.ceil(self.min_quantity / self.step - 1e-9)) * self.step)

    def quantity(self, notional: Floats, price: Floats, affordable: Floats, reach: Flags) -> Floats:
        """As `sizing.fit_quantity`; 0 where nothing fits."""
        steps = notional / price / self.step
        quantity = np.where(reach, np.ceil(steps - 1e-9), np.floor(steps + 1e-9)) * self.step
        smallest = self.smallest_quantity(price)
        most = np.minimum(affordable, self.max_notional) / price
        quantity = np.minimum(np.maximum(quantity, smallest), np.floor(most / self.step + 1e-9) * self.step)
        quantity = np.minimum(quantity, self.max_quantity)
        return np.where(quantity >= smallest * (1 - 1e-9), quantity, 0.0)


def _shortest_pause_s(settings: Settings, conditions: Conditions) -> float:
    """After the answer to an order: by the limits of pace, and by the client's throttle, which has begun before it."""
    throttled_s = conditions.pairs * conditions.order_interval_s - conditions.order_latency_s
    return max(conditions.pairs / _orders_per_second(settings, conditions), throttled_s)


def _orders_per_second(settings: Settings, conditions: Conditions) -> float:
    allowed = conditions.orders_per_second
    own = settings.max_orders_per_second
    return own if allowed is None else min(own, allowed * float(settings.rate_limit_margin))


def _hour_allowance(settings: Settings, conditions: Conditions) -> float:
    volume = conditions.market_quote_per_hour
    return math.inf if volume is None else float(participation_an_hour(volume * 24, settings))


@dataclass(slots=True)
class Outcomes:
    """What became of each campaign, one number each; quote currency where not named otherwise."""

    filled: Floats
    duration_s: Floats
    """From the first order to the last fill."""
    orders: Floats
    fees: Floats
    slippage: Floats
    maker: Floats
    """Filled as maker."""
    lowest_inventory: Floats
    highest_inventory: Floats
    base_used: Floats
    """The most that was taken out of the base balance at any moment, in base."""
    quote_used: Floats
    is_stuck: Flags
    """No side could fund or was allowed an order, and nothing rested that could change that."""


@dataclass(slots=True)
class State:
    """All campaigns at one moment."""

    rng: np.random.Generator
    count: int
    start_base: float
    start_quote: float
    start_price: float
    price: Floats = field(init=False)
    base: Floats = field(init=False)
    quote: Floats = field(init=False)
    bought: Floats = field(init=False)
    sold: Floats = field(init=False)
    buys: Floats = field(init=False)
    sells: Floats = field(init=False)
    time_s: Floats = field(init=False)
    net_base: Floats = field(init=False)
    hour_used: Floats = field(init=False)
    """What was ordered in the present hour of the clock."""
    began_in_hour_s: Floats = field(init=False)
    adverse_error: Floats = field(init=False)
    """How far the adverse selection of each campaign is from the mean one, in standard deviations."""
    depth_error: Floats = field(init=False)
    """How wrong the median of the book is in each campaign, in standard errors."""
    book_second: Floats = field(init=False)
    asks_drawn: Floats = field(init=False)
    bids_drawn: Floats = field(init=False)
    taken_asks: Floats = field(init=False)
    taken_bids: Floats = field(init=False)
    """What our market orders took out of the book and has not come back yet."""
    ended: Flags = field(init=False)
    out: Outcomes = field(init=False)

    def __post_init__(self) -> None:
        self.price = np.full(self.count, self.start_price)
        self.base = np.full(self.count, self.start_base)
        self.quote = np.full(self.count, self.start_quote)
        for name in ("bought", "sold", "buys", "sells", "time_s", "net_base", "taken_asks", "taken_bids", "hour_used"):
            setattr(self, name, np.zeros(self.count))
        self.depth_error = self.normal()
        self.book_second = np.full(self.count, -1.0)
        self.asks_drawn, self.bids_drawn = self.normal(), self.normal()
        self.adverse_error = self.normal()
        self.began_in_hour_s = self.rng.random(self.count) * HOUR_S
        self.ended = np.zeros(self.count, dtype=bool)
        sums = {name: np.zeros(self.count) for name in Outcomes.__slots__[:-1]}
        self.out = Outcomes(**sums, is_stuck=np.zeros(self.count, dtype=bool))

    @property
    def equity(self) -> Floats:
        return self.base * self.price + self.quote

    def uniform(self) -> Floats:
        return self.rng.random(self.count)

    def normal(self) -> Floats:
        return self.rng.standard_normal(self.count)

    def best_levels(self) -> tuple[Floats, Floats]:
        """How large the best levels of others are, asks and bids, in standard deviations: others' every second."""
        second = np.floor(self.began_in_hour_s + self.time_s)
        is_new = second != self.book_second
        self.asks_drawn = np.where(is_new, self.normal(), self.asks_drawn)
        self.bids_drawn = np.where(is_new, self.normal(), self.bids_drawn)
        self.book_second = second
        return self.asks_drawn, self.bids_drawn

    def trade(self, signed: Floats, price: Floats, fee_rate: float, mid: Floats) -> None:
        """Book trades: base quantities, bought above zero and sold below; 0 where there is none."""
        notional = np.abs(signed) * price
        is_buy = signed > 0
        self.bought += np.where(is_buy, notional, 0.0)
        self.sold += np.where(is_buy, 0.0, notional)
        self.base += signed
        self.net_base += signed
        self.quote -= signed * price + notional * fee_rate
        out = self.out
        out.filled += notional
        out.fees += notional * fee_rate
        out.slippage += signed * (price - mid)
        worth = self.net_base * price
        np.minimum(out.lowest_inventory, worth, out=out.lowest_inventory)
        np.maximum(out.highest_inventory, worth, out=out.highest_inventory)
        np.maximum(out.base_used, self.start_base - self.base, out=out.base_used)
        np.maximum(out.quote_used, self.start_quote - self.quote, out=out.quote_used)
