"""Thousands of campaigns with quotes at once: `quoting` on arrays, one row a campaign. Pure, float, seeded.

It is a model of the policy, not the policy itself. What it assumes:

- Trades of others come as a Poisson process, half of them on each side; `REACHED` of them meet a quote at the touch,
  the rest come while it is being made anew or behind somebody. A quote is filled by no more than one mean order a look.
- A quote of a pair away from the touch is reached as often as the mid passes it: a Brownian motion needs d^2 / s^2
  seconds to leave an interval of half-width d (Karatzas and Shreve, Brownian Motion and Stochastic Calculus, 2.8).
- What the schedule needs is taken at the touch, one mean order at a time.
- What a quote costs when it fills is what any resting order costs then: `Conditions.resting_cost`, with the error that
  it has from campaign to campaign. It never earns more than its distance to the mid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..decision.quoting import INVENTORY_CHUNKS, LEAD_FROM_TICKS, LOOK_S
from ..decision.timing.schedule import chunk_quote, length_of
from ..model.basics import ExecutionStyle
from ..settings.schema import Settings
from .market_conditions import Conditions
from .simulation import MEASURED_AFTER_S
from .simulation_state import Flags, Floats, Outcomes

REACHED = 0.5
STEPS = 600
"""So many steps has the time that the schedule leaves."""
MOST_STEPS = 2_400
QUOTES_A_FILL = 2.0
"""Orders that are sent for each mean order that fills: the others are cancelled first, as measured in the sandbox."""


@dataclass(frozen=True, slots=True)
class _Terms:
    """What stays the same in all campaigns. Amounts in quote, rates a second."""

    target: float
    chunk: float
    length_s: float | None
    slack: float
    flow: float
    """What reaches a quote on one side in a second."""
    most_earned: float
    """As a ratio: how far a quote is from the mid when the touch has come to it."""
    half: float
    look_s: float
    """From one quote on a side to the next, at the quickest."""
    most_taken: float
    rests: bool
    takes: bool


def play_quotes(settings: Settings, conditions: Conditions, seed: int, campaigns: int) -> Outcomes:
    """So many campaigns from their start to the target; the same arguments, the same outcomes."""
    terms = _terms(settings, conditions)
    state = _State(terms, conditions, np.random.Generator(np.random.PCG64(seed)), campaigns)
    expected_s = terms.length_s or terms.target / max(2 * terms.flow, 1e-12)
    step_s = max(expected_s / STEPS, terms.look_s)
    for _ in range(MOST_STEPS):
        state.step(step_s)
        if state.ended.all():
            break
    return state.outcomes(conditions)


def rests(settings: Settings, conditions: Conditions) -> bool:
    """Whether resting pays under these conditions: see `quoting.pays_to_rest`."""
    if settings.order_type is ExecutionStyle.PAIR:
        return True
    rules = conditions.rules
    saved = float(rules.taker_fee_rate - rules.maker_fee_rate)
    return conditions.half_spread + saved >= conditions.deviation_per_root_second * math.sqrt(LOOK_S)


def schedule_s(settings: Settings, conditions: Conditions) -> float | None:
    """The seconds that the settings leave; None where they leave any."""
    per_hour = conditions.market_quote_per_hour
    day_volume = None if per_hour is None else per_hour * 24
    return length_of(settings, settings.volume_target / conditions.pairs, day_volume)


def _terms(settings: Settings, conditions: Conditions) -> _Terms:
    per_hour = conditions.market_quote_per_hour
    flow = conditions.prints_per_second * conditions.print_quote if per_hour is None else float(per_hour) / 3_600
    chunk, half = float(chunk_quote(settings)), conditions.half_spread
    tick = float(conditions.rules.tick_at(conditions.price) / conditions.price)
    distance = half - (tick if 2 * half >= LEAD_FROM_TICKS * tick else 0.0)
    reached = flow / 2 * REACHED
    if settings.order_type is ExecutionStyle.PAIR:
        distance = float(settings.pair_spacing_bps) / 1e4
        beyond = distance - half
        if beyond > 0:
            reached = min(reached, chunk * conditions.deviation_per_root_second**2 / (2 * beyond**2))
    target = float(settings.volume_target) / conditions.pairs
    return _Terms(
        target=target,
        chunk=chunk,
        length_s=schedule_s(settings, conditions),
        slack=float(settings.schedule_slack_percent) / 100,
        flow=reached,
        most_earned=min(distance, half),
        half=half,
        look_s=max(LOOK_S + 2 * conditions.order_latency_s, 2 * conditions.pairs * conditions.order_interval_s),
        most_taken=float(settings.max_taker_percent) / 100 * target,
        rests=rests(settings, conditions),
        takes=half * 1e4 <= float(settings.max_slippage_bps),
    )


class _State:
    """All campaigns at one moment."""

    def __init__(self, terms: _Terms, conditions: Conditions, rng: np.random.Generator, campaigns: int) -> None:
        self._terms, self._rng = terms, rng
        self._print = min(conditions.print_quote, terms.chunk)
        self._time_s = 0.0
        self.made, self.taken, self.net = (np.zeros(campaigns) for _ in range(3))
        self.low, self.high, self.takes = (np.zeros(campaigns) for _ in range(3))
        self.duration_s = np.full(campaigns, math.inf)

    @property
    def ended(self) -> Flags:
        return np.asarray(np.isfinite(self.duration_s))

    def step(self, seconds: float) -> None:
        """The market fills quotes for so many seconds, and the schedule takes what it lacks."""
        terms, before = self._terms, self.made + self.taken
        self._time_s += seconds
        if terms.rests:
            for sign in (1.0, -1.0):
                self._fill(sign, seconds)
        if terms.length_s is not None and terms.takes:
            self._take(seconds, terms.length_s)
        filled = self.made + self.taken
        is_done = ~self.ended & (filled >= terms.target * (1 - 1e-12))
        share = (terms.target - before) / np.maximum(filled - before, 1e-300)
        at = self._time_s - seconds * (1 - np.clip(share, 0.0, 1.0))
        self.duration_s = np.where(is_done, at, self.duration_s)
        np.minimum(self.low, self.net, out=self.low)
        np.maximum(self.high, self.net, out=self.high)

    def _left(self) -> Floats:
        return np.where(self.ended, 0.0, np.maximum(self._terms.target - self.made - self.taken, 0.0))

    def _fill(self, sign: float, seconds: float) -> None:
        terms = self._terms
        hits = self._rng.poisson(terms.flow / self._print * seconds, self.net.size)
        size = np.where(hits > 0, self._rng.gamma(np.maximum(hits, 1)) * self._print, 0.0)
        room = np.maximum(INVENTORY_CHUNKS * terms.chunk - sign * self.net, 0.0)
        size = np.minimum(
            np.minimum(size, terms.chunk * max(seconds / terms.look_s, 1.0)), np.minimum(room, self._left())
        )
        self.made += size
        self.net += sign * size

    def _take(self, seconds: float, length_s: float) -> None:
        terms = self._terms
        passed = min(self._time_s / length_s, 1.0)
        slack = terms.slack * (1 - passed) if terms.rests else 0.0
        gap = terms.target * (passed - slack) - self.made - self.taken
        count = np.minimum(np.ceil(np.maximum(gap, 0.0) / terms.chunk), max(seconds / terms.look_s, 1.0))
        size = np.minimum(np.minimum(count * terms.chunk, self._left()), np.maximum(terms.most_taken - self.taken, 0.0))
        self.takes += np.where(size > 0, np.ceil(count), 0.0)
        self.taken += size
        self.net += np.where(self.net > 0, -size, size)

    def _resting_cost(self, conditions: Conditions) -> Floats:
        """Of each campaign's quotes, as a ratio: the mean of its fills, and how far their looks were off it."""
        adverse = conditions.adverse_selection_of(self._rng.standard_normal(self.net.size))
        mean = np.maximum(conditions.resting_cost(adverse), -self._terms.most_earned)
        look = conditions.deviation_per_root_second * math.sqrt(MEASURED_AFTER_S)
        fills = np.maximum(self.made / self._print, 1.0)
        return np.asarray(mean + look * self._rng.standard_normal(self.net.size) / np.sqrt(fills))

    def outcomes(self, conditions: Conditions) -> Outcomes:
        """What became of each; what a campaign has not reached at the end it never does."""
        terms, rules, price = self._terms, conditions.rules, float(conditions.price)
        fees = self.made * float(rules.maker_fee_rate) + self.taken * float(rules.taker_fee_rate)
        resting = self.made * self._resting_cost(conditions)
        return Outcomes(
            filled=self.made + self.taken,
            duration_s=self.duration_s,
            orders=np.rint(self.made / terms.chunk * QUOTES_A_FILL + self.takes),
            fees=fees,
            slippage=self.taken * terms.half + resting,
            maker=self.made,
            lowest_inventory=self.low,
            highest_inventory=self.high,
            base_used=-self.low / price + terms.chunk / price,
            quote_used=self.high + fees + terms.chunk,
            is_stuck=np.zeros(self.net.size, dtype=bool),
        )
