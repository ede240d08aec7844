"""The flow of a generated market: when others trade, on which side, and by how much the mid moves and when.

A model of what is known of real order flow, an hour at a time:

- Activity: a log-normal factor of each minute, correlated over some ten minutes, stretches and shrinks time, so that
  prints and volatility come in clusters (Clark 1973). Within it prints come in bursts.
- Signs: runs of one side, as somebody works off a large order; the probability of a run of n prints or more is n^-a
  (Lillo, Mike and Farmer 2005). The correlation of neighbouring signs is 1 - 1/(mean run), of distant ones a power law.
- Impact: a print moves the mid by its surprise, the sign less what was to be expected after those before it, so that
  the mid has no memory (Madhavan, Richardson and Roomans 1997). It arrives some seconds later, at a random moment.
- News: jumps at random moments, with fat tails, which bring the volatility to what was asked for.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .spec import SECONDS_PER_YEAR, MarketSpec
from .tape import SECOND_MS, Integers

Floats = npt.NDArray[np.float64]

BLOCK_SECONDS = 3_600
TOXIC_SECONDS = 10.0
"""When the mid has followed a print by the market's toxicity."""
IMPACT_SECONDS = 1.5  # mean time from a print to the move of the mid that it causes
NEWS_PER_SECOND = 1.0
_NEWS_FREEDOM = 4  # of Student's t; its variance is 2
_LARGEST_NEWS = 15.0  # standard deviations
_LEAST_NEWS = 0.1  # of the variance: what prints may not use up
_ACTIVITY_DEVIATION = 0.6  # of its logarithm
_ACTIVITY_MEMORY = 0.9  # from one minute to the next
_IN_BURST, _BURST_GAP = 0.6, 0.1  # share of the gaps between prints that are short, and how short, to the mean
_LONGEST_RUN = 2_000
_CALIBRATION_PRINTS = 20_000


@dataclass(frozen=True, slots=True)
class Flow:
    """One hour. Times are milliseconds since it began, never falling."""

    print_ms: Integers  # shape (prints,); the first is 0, so that every hour has a print
    print_signs: Integers  # shape (prints,): +1 where the aggressor bought
    jump_ms: Integers  # shape (jumps,); the first is 0, every other one later
    jumps: Floats  # shape (jumps,): log returns of the mid; the first is 0


@dataclass(frozen=True, slots=True)
class Impact:
    """By how much prints and news move the mid."""

    print_share: float  # log return for a surprise of 1
    news_share: float  # standard deviation of the log return of one piece of news
    toxicity: float  # the market's, or less where its volatility leaves no room for it


def impact_of(market: MarketSpec) -> Impact:
    """Prints have their toxicity, as long as nine tenths of the variance are enough for it; news have what is left."""
    surprise_variance, response = _response(market.prints_per_second, market.sign_persistence)
    half_spread, variance = market.spread_share / 2, market.second_volatility**2
    wanted = market.toxicity * half_spread / response
    most = math.sqrt((1 - _LEAST_NEWS) * variance / market.prints_per_second / surprise_variance)
    share = min(wanted, most)
    left = variance - share**2 * surprise_variance * market.prints_per_second
    return Impact(share, math.sqrt(max(left, 0.0) / NEWS_PER_SECOND), share * response / half_spread)


def draw_flow(
    market: MarketSpec, news: np.random.Generator, prints: np.random.Generator, activity: np.random.Generator
) -> Flow:
    """An hour of a market, from a random stream for each of its parts."""
    impact, clock = impact_of(market), _busy_clock(activity)
    print_at = np.concatenate([[0.0], _arrivals(prints, market.prints_per_second, clock[-1])])
    signs, surprises = draw_signs(prints, print_at.size, market.sign_persistence)
    lags = 1 / SECOND_MS + prints.exponential(IMPACT_SECONDS, print_at.size)
    news_at = np.sort(news.random(news.poisson(NEWS_PER_SECOND * clock[-1]))) * clock[-1]
    tails = np.clip(news.standard_t(_NEWS_FREEDOM, news_at.size) / math.sqrt(2), -_LARGEST_NEWS, _LARGEST_NEWS)
    print_s = _on_the_clock(print_at, clock)
    jump_s = np.concatenate([print_s + lags, _on_the_clock(news_at, clock)])
    jumps = np.concatenate([surprises * impact.print_share, tails * impact.news_share])
    jump_ms = np.clip(np.ceil(jump_s * SECOND_MS), 1, BLOCK_SECONDS * SECOND_MS - 1).astype(np.int64)
    order = np.argsort(jump_ms, kind="stable")
    return Flow((print_s * SECOND_MS).astype(np.int64), signs, *_summed(market, jump_ms[order], jumps[order]))


def _summed(market: MarketSpec, jump_ms: Integers, jumps: Floats) -> tuple[Integers, Floats]:
    """One jump a millisecond, the drift since the one before included, and none at 0.

    The mean of the log return is the drift less half the variance, which keeps the expected price.
    """
    first = np.flatnonzero(np.diff(jump_ms, prepend=-1))
    sums = np.add.reduceat(jumps, first) if jumps.size else jumps
    mean = market.annual_drift / SECONDS_PER_YEAR - market.second_volatility**2 / 2
    times_ms = np.concatenate([[0], jump_ms[first], [BLOCK_SECONDS * SECOND_MS]])
    sums = np.concatenate([sums, [0.0]]) + mean * np.diff(times_ms) / SECOND_MS
    return times_ms, np.concatenate([[0.0], sums])


def _busy_clock(rng: np.random.Generator) -> Floats:
    """How much has gone on at each minute's end of an hour, in seconds of average activity; the first is 0."""
    factors, log_factor = [], rng.standard_normal()
    for shock in (math.sqrt(1 - _ACTIVITY_MEMORY**2) * rng.standard_normal(BLOCK_SECONDS // 60)).tolist():
        factors.append(log_factor)
        log_factor = _ACTIVITY_MEMORY * log_factor + shock
    activity = np.exp(_ACTIVITY_DEVIATION * np.array(factors) - _ACTIVITY_DEVIATION**2 / 2)
    return np.concatenate([[0.0], np.cumsum(60 * activity)])


def _on_the_clock(busy_at: Floats, clock: Floats) -> Floats:
    """Seconds since the hour began."""
    seconds: Floats = np.interp(busy_at, clock, np.arange(clock.size) * 60.0)
    return seconds


def _arrivals(rng: np.random.Generator, per_second: float, until: float) -> Floats:
    """When prints come, before ``until``: gaps of which most are short and the others long."""
    size, arrived = int(1.2 * per_second * until) + 50, np.zeros(1)
    while arrived[-1] < until:
        arrived = np.concatenate([arrived, arrived[-1] + np.cumsum(_gaps(rng, size, per_second))])
    return arrived[1 : np.searchsorted(arrived, until)]


def _gaps(rng: np.random.Generator, size: int, per_second: float) -> Floats:
    long_gap = (1 - _IN_BURST * _BURST_GAP) / (1 - _IN_BURST)
    means = np.where(rng.random(size) < _IN_BURST, _BURST_GAP, long_gap)
    gaps: Floats = rng.exponential(1.0, size) * means / per_second
    return gaps


def draw_signs(rng: np.random.Generator, size: int, persistence: float) -> tuple[Integers, Floats]:
    """Signs of prints, +1 or -1, and their surprises: each less its mean after those before it."""
    exponent = _run_exponent(persistence)
    lengths = _run_lengths(rng, int(1.1 * size * (1 - persistence)) + 100, exponent)
    while lengths.sum() < size:
        lengths = np.concatenate([lengths, _run_lengths(rng, lengths.size, exponent)])
    ends = np.cumsum(lengths)
    runs = int(np.searchsorted(ends, size, "left")) + 1
    sides = 2 * rng.integers(0, 2, runs) - 1
    signs = np.repeat(sides, lengths[:runs])[:size]
    age = (1 + np.arange(size) - np.repeat(ends[:runs] - lengths[:runs], lengths[:runs])[:size]).astype(np.float64)
    expected = np.concatenate([[0.0], (signs * (age / (age + 1)) ** exponent)[:-1]])
    return signs, signs - expected


def _run_lengths(rng: np.random.Generator, runs: int, exponent: float) -> Integers:
    return np.minimum(rng.random(runs) ** (-1 / exponent), _LONGEST_RUN).astype(np.int64)


@functools.cache
def _run_exponent(persistence: float) -> float:
    """The exponent at which runs have the mean length 1 / (1 - persistence): by halving."""
    if persistence == 0:
        return math.inf
    low, high, lengths = 0.5, 64.0, np.arange(1.0, _LONGEST_RUN + 1)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (lengths**-middle).sum() > 1 / (1 - persistence) else (low, middle)
    return (low + high) / 2


@functools.cache
def _response(per_second: float, persistence: float) -> tuple[float, float]:
    """Variance of the surprise, and how far the mid has followed a print after ten seconds for an impact of 1.

    To follow is to move its way from the moment of the print on: by its own surprise, and by those before it that have
    not arrived yet. Later ones are zero on average. Measured on prints of a fixed seed.
    """
    rng = np.random.Generator(np.random.PCG64(0))
    gaps = _gaps(rng, _CALIBRATION_PRINTS, per_second)
    signs, surprises = draw_signs(rng, _CALIBRATION_PRINTS, persistence)
    pending, followed = 0.0, 0.0
    for gap, sign, surprise in zip(gaps.tolist(), signs.tolist(), surprises.tolist(), strict=True):
        pending = pending * math.exp(-gap / IMPACT_SECONDS) + surprise
        followed += sign * pending
    arrived = 1 - math.exp(-TOXIC_SECONDS / IMPACT_SECONDS)
    return float((surprises**2).mean()), followed / _CALIBRATION_PRINTS * arrived
