"""A book whose levels stand for a while: a function of market, seed, moment and touch, at any moment at the same cost.

Prices lie on a grid of a twentieth of the spread, at least a tick. A price of it has orders with a probability that
puts half a spread between two levels, the touch always. What stands there is drawn anew after some tens of seconds,
each price at a time of its own; in between orders are cancelled in proportion.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from decimal import ROUND_CEILING

import numpy as np
import numpy.typing as npt

from .tape import SECOND_MS, Integers, Level, LiquidMarket

GRID = 20
"""Prices of the grid in a spread, where ticks are fine enough."""
_Hashes = npt.NDArray[np.uint64]
_LARGEST_STEPS = 10**15  # what a drawn size is cut to, far below what 64 bits hold
_LARGEST_WORD = 2**63 - 1
_WORD = 2**64 - 1
_HAS_ORDERS, _LIFE, _PHASE, _SIZE, _ANGLE = range(5)
"""What is drawn of a price: a new use gets a new number, so that it does not move the draws of the others."""


def sizes_in_steps(market: LiquidMarket, notional_quote: npt.NDArray[np.float64], price_ticks: Integers) -> Integers:
    """Sizes in steps, none with a notional below the market's minimum."""
    tick_step_quote = market.notional(1)
    steps = np.ceil(notional_quote / float(tick_step_quote) / price_ticks)
    minimum = int((market.minimum_notional_quote / tick_step_quote).to_integral_value(ROUND_CEILING))
    return np.maximum(np.minimum(steps, _LARGEST_STEPS).astype(np.int64), _least_steps(minimum, price_ticks))


def _least_steps(minimum: int, price_ticks: Integers) -> Integers:
    """The fewest steps at each price whose notional is so many ticks x steps, or what 64 bits hold of them."""
    if minimum <= _LARGEST_WORD:
        return -(-minimum // price_ticks)
    counts = (-(-minimum // ticks) for ticks in price_ticks.tolist())
    return np.array([min(count, _LARGEST_WORD) for count in counts], np.int64)


def grid_ticks(spread_ticks: float) -> int:
    """Ticks between two prices of the grid."""
    return max(1, round(spread_ticks / GRID))


@dataclass(frozen=True, slots=True)
class BookSideDraw:
    """One side of the book of one market and seed."""

    market: LiquidMarket
    seed: int
    is_bid: bool
    grid: int  # ticks between two prices
    density: float  # share of the prices that have orders

    @staticmethod
    def of(market: LiquidMarket, seed: int, spread_ticks: float, *, is_bid: bool) -> BookSideDraw:
        grid = grid_ticks(spread_ticks)
        return BookSideDraw(market, seed, is_bid, grid, min(1.0, 2 * grid / max(spread_ticks, 1)))

    def levels(self, now_ms: int, best_ticks: int, limit: int) -> tuple[Level, ...]:
        """At most ``limit`` levels, best first; fewer are a prefix."""
        market, found = self.market, np.array([best_ticks], np.int64)
        count = int(limit / self.density * 1.5) + 40
        while limit > 1:
            ticks = self.prices_behind(best_ticks, count)
            found = np.concatenate([found[:1], ticks[self.has_orders(now_ms, ticks)]])[:limit]
            if found.size == limit or ticks.size < count:
                break
            count *= 2
        steps = self.steps(now_ms, found)
        return tuple(
            Level(market.price(price), market.quantity(size))
            for price, size in zip(found.tolist(), steps.tolist(), strict=True)
        )

    def prices_behind(self, best_ticks: int, count: int) -> Integers:
        """The next prices of the grid behind the touch, at most ``count``, none below one tick."""
        if self.is_bid:
            ticks = (best_ticks - 1) // self.grid * self.grid - self.grid * np.arange(count, dtype=np.int64)
            return ticks[ticks > 0]
        return (best_ticks // self.grid + 1) * self.grid + self.grid * np.arange(count, dtype=np.int64)

    def is_level(self, now_ms: int, best_ticks: int, ticks: int, most_levels: int) -> bool:
        """Whether a price is one of so many best levels."""
        behind = best_ticks - ticks if self.is_bid else ticks - best_ticks
        if behind <= 0 or ticks % self.grid:
            return behind == 0
        between = self.prices_behind(best_ticks, -(-behind // self.grid))
        standing = self.has_orders(now_ms, between)
        return bool(standing[-1]) and 1 + int(standing.sum()) <= most_levels

    def has_orders(self, now_ms: int | Integers, ticks: Integers) -> npt.NDArray[np.bool_]:
        """Whether something stands at these prices behind the touch."""
        if self.density >= 1:
            return np.ones(ticks.shape, np.bool_)
        life, _ = self._life(now_ms, ticks)
        return _uniform(_mixed(self._key(ticks) ^ life, _HAS_ORDERS)) < self.density

    def steps(self, now_ms: int | Integers, ticks: Integers) -> Integers:
        """What stands at these prices, if something does: log-normal sizes, less what has been cancelled since."""
        market, (life, age) = self.market, self._life(now_ms, ticks)
        drawn = self._key(ticks) ^ life
        radius = np.sqrt(-2 * np.log(_uniform(_mixed(drawn, _SIZE))))
        normal = radius * np.cos(2 * np.pi * _uniform(_mixed(drawn, _ANGLE)))
        notional = market.level_median_quote * np.exp(market.size_log_deviation * normal + 0.5 - age)
        return sizes_in_steps(market, notional, np.maximum(ticks, 1))

    def _life(self, now_ms: int | Integers, ticks: Integers) -> tuple[_Hashes, npt.NDArray[np.float64]]:
        """The number of what stands at a price now, and its age in mean lives."""
        key, mean_ms = self._key(ticks), self.market.level_seconds * SECOND_MS
        lasts_ms = np.maximum(mean_ms * (0.5 + _uniform(_mixed(key, _LIFE))), 1).astype(np.int64)
        at_ms = now_ms + (_uniform(_mixed(key, _PHASE)) * lasts_ms).astype(np.int64)
        return (at_ms // lasts_ms).astype(np.uint64) << np.uint64(32), at_ms % lasts_ms / mean_ms

    def _key(self, ticks: Integers) -> _Hashes:
        return _mixed(ticks.astype(np.uint64) ^ np.uint64(_side_key(self.market.id, self.seed, self.is_bid)), 0)


def _mixed(words: _Hashes, use: int) -> _Hashes:
    """SplitMix64's finalizer (Steele, Lea and Flood 2014), after a step for each use."""
    words = words + np.uint64((use + 1) * 0x9E3779B97F4A7C15 & _WORD)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: _Hashes = words ^ (words >> np.uint64(31))
    return mixed


@functools.cache
def _side_key(market_id: str, seed: int, is_bid: bool) -> int:
    side = int.from_bytes(market_id.encode(), "big") * 2 + is_bid
    return _scalar_mixed(seed ^ _scalar_mixed(side))


def _scalar_mixed(word: int) -> int:
    return int(_mixed(np.array([word & _WORD], np.uint64), 0)[0])


def _uniform(words: _Hashes) -> npt.NDArray[np.float64]:
    """Above 0 and at most 1."""
    uniform: npt.NDArray[np.float64] = ((words >> np.uint64(11)).astype(np.float64) + 1) * 2.0**-53
    return uniform
