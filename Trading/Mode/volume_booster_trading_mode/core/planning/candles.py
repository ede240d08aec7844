"""Candles of a backtest: read from CSV, every doubt named with its line. Pure."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..model.escape import quoted

COLUMNS = ("timestamp", "open", "high", "low", "close", "volume")
TIME_FRAMES = {
    60: "1m", 180: "3m", 300: "5m", 900: "15m", 1_800: "30m", 3_600: "1h", 7_200: "2h", 10_800: "3h", 14_400: "4h",
    21_600: "6h", 28_800: "8h", 43_200: "12h", 86_400: "1d", 259_200: "3d", 604_800: "1w",
}  # fmt: skip
"""The lengths that OctoBot knows, in seconds."""
_UNITS = ((1e14, 1e6), (1e11, 1e3))
"""A timestamp from so large on counts so many to the second; a smaller one counts seconds."""
_LEAST_CANDLES = 2


class CandleError(ValueError):
    """The candles can't be used; one sentence names the line and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Candle:
    """Prices in quote and volume in base from `opened_at` on, in seconds since the epoch."""

    opened_at: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True)
class CandleSeries:
    """Candles of one length, in seconds, oldest first; gaps between them are left as they are."""

    candles: Sequence[Candle]
    length_s: int

    @property
    def time_frame(self) -> str:
        return TIME_FRAMES[self.length_s]

    @property
    def ends_at(self) -> int:
        return self.candles[-1].opened_at + self.length_s


def read_csv(lines: Iterable[str]) -> CandleSeries:
    """Candles from lines of `timestamp,open,high,low,close,volume`, in this order or in that of a header.

    Timestamps are those of the opening, in seconds, milliseconds or microseconds. Columns with other names are passed
    over.

    :raises CandleError: naming the first line that is not a candle after the one before it.
    """
    rows = csv.reader(lines, skipinitialspace=True)
    order, candles, numbers = list(range(len(COLUMNS))), list[Candle](), list[int]()
    filled = (row for row in rows if "".join(row).strip())
    for number, row in enumerate(filled):
        if number == 0 and _is_header(row):
            order = _order_of(row, rows.line_num)
            continue
        candles.append(_candle(row, order, rows.line_num))
        numbers.append(rows.line_num)
    return _series(candles, numbers)


def _is_header(row: list[str]) -> bool:
    """Only the first row can be one: it names columns, and a row without one number in it is no candle."""
    return any(cell.strip().lower() in COLUMNS for cell in row) or not any(map(_is_number, row))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _order_of(header: list[str], line: int) -> list[int]:
    names = [name.strip().lower() for name in header]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise CandleError(f"line {line}: there is no column {', '.join(missing)}; needed are {', '.join(COLUMNS)}")
    return [names.index(name) for name in COLUMNS]


def _candle(row: list[str], order: list[int], line: int) -> Candle:
    if len(row) <= max(order):
        raise CandleError(f"line {line}: {len(row)} columns, needed are {', '.join(COLUMNS)}")
    timestamp, *amounts = (_number(row[index], name, line) for index, name in zip(order, COLUMNS, strict=True))
    candle = Candle(_seconds(timestamp, line), *amounts)
    if problem := _problem(candle):
        raise CandleError(f"line {line}: {problem}")
    return candle


def _number(text: str, name: str, line: int) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise CandleError(f"line {line}: the {name} {quoted(text.strip())} is not a number")
    return number


def _seconds(timestamp: float, line: int) -> int:
    per_second = next((unit for least, unit in _UNITS if timestamp >= least), 1)
    seconds = timestamp / per_second
    if seconds <= 0 or not seconds.is_integer():
        raise CandleError(f"line {line}: the timestamp {timestamp:.0f} is not a whole second after 1970")
    return int(seconds)


def _problem(candle: Candle) -> str | None:
    prices = (candle.open, candle.high, candle.low, candle.close)
    if min(prices) <= 0:
        return f"the price {min(prices):g} is not above 0"
    if candle.high < max(prices):
        return f"the high {candle.high:g} is below another price of the candle"
    if candle.low > min(prices):
        return f"the low {candle.low:g} is above another price of the candle"
    if candle.volume < 0:
        return f"the volume {candle.volume:g} is below 0"
    return None


def _series(candles: list[Candle], numbers: list[int]) -> CandleSeries:
    if len(candles) < _LEAST_CANDLES:
        raise CandleError(f"there are {len(candles)} candles; a backtest needs at least {_LEAST_CANDLES}")
    gaps = [after.opened_at - before.opened_at for before, after in itertools.pairwise(candles)]
    length_s = min(gaps)
    for gap, line in zip(gaps, numbers[1:], strict=True):
        if gap <= 0:
            raise CandleError(f"line {line}: it does not come after the line before it; candles go from old to new")
        if length_s > 0 and gap % length_s:
            raise CandleError(f"line {line}: it opens {gap} s after the one before it, others {length_s} s")
    if length_s not in TIME_FRAMES:
        raise CandleError(f"candles of {length_s} s are none that OctoBot knows: {', '.join(TIME_FRAMES.values())}")
    return CandleSeries(candles, length_s)
