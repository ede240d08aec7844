"""Stylised facts of a tape with its book: the same code for a generated market and a recorded one. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .spec import SECONDS_PER_YEAR
from .tape import SECOND_MS, Integers, Tape, TapeSource

Floats = npt.NDArray[np.float64]

HORIZONS_S = (1, 10, 60)
LAGS = (1, 2, 5, 10, 20, 50)
WINDOWS_S = (1, 10, 60)
_DEPTH_SAMPLES = 50
_DEPTH_LEVELS = 10


@dataclass(frozen=True, slots=True)
class TapeFacts:
    """What a span of a market was like. NaN where it was too short to say."""

    prints: int
    seconds: float
    spread_bps: float  # at the prints
    tick_bps: float
    depth_quote: float  # median notional of the ten best levels of each side
    print_quote: float  # median notional
    prints_per_second: float
    volatility_percent: float  # of a year, from the mids of each minute
    spread_ratio: float  # spread over volatility per trade
    markout: dict[int, float]  # by seconds: how far the mid has followed a print, as a share of the half spread
    sign_correlation: dict[int, float]  # by lag, in prints
    dispersion: dict[int, float]  # by window in seconds: variance of the number of prints over its mean
    kurtosis: dict[int, float]  # by seconds, of the mid's log return; 3 for a normal distribution


@dataclass(frozen=True, slots=True)
class Quotes:
    """The touch of a market from each of its changes on."""

    change_ms: Integers
    bid: Floats  # quote
    ask: Floats

    @staticmethod
    def of(source: TapeSource, market_id: str, from_ms: int, until_ms: int) -> Quotes:
        """Those of a span; where a side of the book was empty there is none."""
        rows = [
            (change_ms, float(bid), float(ask))
            for change_ms, bid, ask in source.touches(market_id, from_ms, until_ms)
            if bid is not None and ask is not None
        ]
        times, bids, asks = zip(*rows, strict=True) if rows else ((), (), ())
        return Quotes(np.array(times, np.int64), np.array(bids, np.float64), np.array(asks, np.float64))

    def index(self, at_ms: Integers) -> Integers:
        """The change that was the newest at each moment; -1 before the first one."""
        return np.searchsorted(self.change_ms, at_ms, "right") - 1

    @property
    def mid(self) -> Floats:
        middle: Floats = (self.bid + self.ask) / 2
        return middle


def tape_facts(source: TapeSource, market_id: str, from_ms: int, until_ms: int) -> TapeFacts:
    """The facts of a span. Raises ValueError when it has fewer than ten prints with a book."""
    quotes, market = Quotes.of(source, market_id, from_ms, until_ms), source.markets[market_id]
    tape = source.tape(market_id, until_ms)
    tape = _cut(tape, tape.index_since(from_ms + 1))
    at = quotes.index(tape.time_ms - 1)
    first = int(np.searchsorted(at, 0))
    tape, at = _cut(tape, first), at[first:]
    if len(tape) < 10:
        raise ValueError(f"{market_id}: {len(tape)} prints with a book are too few to measure; at least 10 are needed")
    seconds = (until_ms - max(from_ms, int(quotes.change_ms[0]))) / SECOND_MS
    signs = np.where(tape.buyer_is_maker, -1.0, 1.0)
    spread = (quotes.ask - quotes.bid) / quotes.mid
    volatility = _second_volatility(quotes, until_ms)
    rate = len(tape) / seconds
    mean_spread = float(spread[at].mean())
    per_trade = volatility / math.sqrt(rate)
    notional = tape.price_ticks * float(market.notional(1)) * tape.quantity_steps
    return TapeFacts(
        len(tape), seconds, mean_spread * 10_000, float(market.tick_quote) / float(quotes.mid.mean()) * 10_000,
        _depth_quote(source, market_id, from_ms, until_ms), float(np.median(notional)), rate,
        volatility * math.sqrt(SECONDS_PER_YEAR) * 100, mean_spread / per_trade if per_trade else math.inf,
        {one: _markout(quotes, tape, signs, at, one, until_ms) for one in HORIZONS_S},
        {lag: _correlation(signs, lag) for lag in LAGS},
        {window: _dispersion(tape.time_ms, window, from_ms, until_ms) for window in WINDOWS_S},
        {one: _kurtosis(_returns(quotes, one, until_ms)) for one in (10, 60)},
    )  # fmt: skip


def _cut(tape: Tape, first: int) -> Tape:
    after = slice(first, None)
    columns = tape.time_ms[after], tape.price_ticks[after], tape.quantity_steps[after]
    return Tape(tape.market, *columns, tape.buyer_is_maker[after])


def _markout(quotes: Quotes, tape: Tape, signs: Floats, at: Integers, seconds: int, until_ms: int) -> float:
    later_ms = tape.time_ms + seconds * SECOND_MS
    known = later_ms <= until_ms
    if not known.any():
        return math.nan
    mid, before = quotes.mid, at[known]
    moved = signs[known] * (mid[quotes.index(later_ms[known])] - mid[before])
    return float(moved.sum() / ((quotes.ask - quotes.bid)[before] / 2).sum())


def _correlation(signs: Floats, lag: int) -> float:
    if signs.size < 10 * lag or not signs.std():
        return math.nan
    centred = signs - signs.mean()
    return float((centred[lag:] * centred[:-lag]).mean() / signs.var())


def _dispersion(times_ms: Integers, window_s: int, from_ms: int, until_ms: int) -> float:
    windows = (until_ms - from_ms) // (window_s * SECOND_MS)
    if windows < 10:
        return math.nan
    counts = np.histogram(times_ms, windows, (from_ms, from_ms + windows * window_s * SECOND_MS))[0]
    return float(counts.var() / counts.mean()) if counts.any() else math.nan


def _returns(quotes: Quotes, seconds: int, until_ms: int) -> Floats:
    at_ms = np.arange(int(quotes.change_ms[0]), until_ms + 1, seconds * SECOND_MS, dtype=np.int64)
    returns: Floats = np.diff(np.log(quotes.mid[quotes.index(at_ms)]))
    return returns


def _second_volatility(quotes: Quotes, until_ms: int) -> float:
    returns = _returns(quotes, 60, until_ms)
    return float(np.sqrt((returns**2).mean() / 60)) if returns.size else math.nan


def _kurtosis(returns: Floats) -> float:
    if returns.size < 30 or not returns.std():
        return math.nan
    return float(((returns - returns.mean()) ** 4).mean() / returns.var() ** 2)


def _depth_quote(source: TapeSource, market_id: str, from_ms: int, until_ms: int) -> float:
    moments = np.linspace(from_ms + 1, until_ms, _DEPTH_SAMPLES).astype(np.int64).tolist()
    books = [source.book(market_id, max(moment, source.origin_ms), _DEPTH_LEVELS) for moment in moments]
    sizes = [float(level.price_quote * level.quantity_base) for book in books for level in (*book.bids, *book.asks)]
    return float(np.median(sizes)) if sizes else math.nan
