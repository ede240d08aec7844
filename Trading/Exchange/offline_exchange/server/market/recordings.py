"""Reads recorded data, which are played back as the other side of the market.

A recording is a folder whose ``markets.json`` names the rules and the files of each market::

    {"BTCUSDT": {"base": "BTC", "quote": "USDT", "tick_quote": "0.01", "step_base": "0.00001",
                 "minimum_notional_quote": "5", "trades": "btc-trades.csv", "depth": "btc-depth.parquet"}}

The other fields of LiquidMarket, such as ``maximum_price_quote``, may be given as well; limits that are not given leave
room for the recorded prices (``markets.usual_limits``). ``depth`` may be left out: then a book is drawn around the last
trade, once a second, with ``spread_bps`` and ``level_median_quote``.

Files are CSV (``.csv``, UTF-8, comma) or Parquet (``.parquet``, which needs the extra ``[replay]``). They have these
columns, in any order and no others, and their rows stand in the order of time:

- trades: ``time_ms,price,quantity,buyer_is_maker``; the last is true, false, 1 or 0. Binance's own CSV files of spot
  trades and aggTrades, which have no header, are read as they are; their microseconds are cut to milliseconds.
- depth: ``time_ms,kind,side,price,quantity``; kind is snapshot or diff, side is bid or ask. Neighbouring rows of one
  time and kind are one event. A snapshot is the whole book; a diff sets levels, and quantity 0 removes one.

Times are UTC epochs in milliseconds, prices are multiples of ``tick_quote``, quantities of ``step_base``.
"""

from __future__ import annotations

import csv
import importlib
import json
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from .markets import RULES, usual_limits
from .recorded_book import LiveBook, RecordedDepth
from .tape import MOST_TICKS, Integers, LiquidMarket, Tape

MANIFEST = "markets.json"
TRADE_COLUMNS = ("time_ms", "price", "quantity", "buyer_is_maker")
DEPTH_COLUMNS = ("time_ms", "kind", "side", "price", "quantity")
_TEXTS = ("base", "quote", "trades", "depth")
_FLOATS = ("spread_bps", "level_median_quote", "size_log_deviation", "refill_per_second")
_REQUIRED, _LIMITS = (*_TEXTS[:3], *RULES[:3]), RULES[3:]
_ASSET = re.compile(r"[A-Z0-9]{1,10}")
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,2})?")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,16}")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_LARGEST_RULE = Decimal(10**12)
_MOST_STEPS = 10**18  # of a quantity
_MICROSECONDS_FROM = 10**14  # as milliseconds, the year 5138


class ReplayError(Exception):
    """A recording that cannot be played. The message names the file, the row, what is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class RecordedMarket:
    """One market's recording, in the recording's own time: at least one trade, and the depth where there is one."""

    market: LiquidMarket
    trades: Tape
    depth: RecordedDepth | None = None

    @property
    def first_ms(self) -> int:
        """The first moment that has both a trade and a book."""
        return max(int(times_ms[0]) for times_ms in self._times_ms())

    @property
    def last_ms(self) -> int:
        """The last moment at which anything happens."""
        return max(int(times_ms[-1]) for times_ms in self._times_ms())

    def _times_ms(self) -> list[Integers]:
        return [self.trades.time_ms] if self.depth is None else [self.trades.time_ms, self.depth.time_ms]


def read_recording(folder: pathlib.Path) -> list[RecordedMarket]:
    """The markets of the recording in ``folder``.

    Raises ReplayError for anything in the folder that cannot be read as the module says.
    """
    manifest = _read_manifest(folder / MANIFEST)
    return [_load_market(folder, market_id, fields) for market_id, fields in manifest.items()]


def _read_manifest(path: pathlib.Path) -> dict[str, Any]:
    """The JSON object of markets, with numbers as text."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"), parse_int=str, parse_float=str, parse_constant=str)
    except OSError as error:
        raise ReplayError(f"{path}: cannot be read: {error.strerror}; a recording's folder needs it") from error
    except (ValueError, RecursionError) as error:
        raise ReplayError(f"{path}: is not JSON in UTF-8: {error}") from error
    if not isinstance(manifest, dict) or not manifest:
        raise ReplayError(f'{path}: must be an object of markets, such as {{"BTCUSDT": {{"base": "BTC", ...}}}}')
    return manifest


def _load_market(folder: pathlib.Path, market_id: str, fields: Any) -> RecordedMarket:
    try:
        market = _market(market_id, fields)
    except ValueError as error:
        raise ReplayError(f"{folder / MANIFEST}, {_quoted(market_id)}: {error}") from error
    trades = _read_trades(folder / fields["trades"], market)
    market = _with_limits(market, fields, trades)
    depth = _read_depth(folder / fields["depth"], market) if "depth" in fields else None
    return RecordedMarket(market, replace(trades, market=market), depth)


def _with_limits(market: LiquidMarket, fields: Mapping[str, Any], trades: Tape) -> LiquidMarket:
    """The same with limits that leave room for what was traded, where the manifest gives none."""
    lowest, highest = (market.price(int(ticks)) for ticks in (trades.price_ticks.min(), trades.price_ticks.max()))
    given = {key: getattr(market, key) for key in RULES if key in fields}
    return replace(market, **(usual_limits(market, lowest, highest) | given))


def _market(market_id: str, fields: Any) -> LiquidMarket:
    """The rules in one entry of the manifest; it has no limits but those that are given. Raises ValueError."""
    if not isinstance(fields, dict):
        raise ValueError(f"must be an object with the keys {', '.join(_REQUIRED)}")
    _check_keys(fields)
    numbers = {key: _rule(key, text) for key, text in fields.items() if key not in _TEXTS}
    rules: dict[str, Any] = dict.fromkeys(_LIMITS, _LARGEST_RULE)
    rules |= {key: float(value) if key in _FLOATS else value for key, value in numbers.items()}
    try:
        market = LiquidMarket(base=fields["base"], quote=fields["quote"], **rules)
    except ArithmeticError as error:
        raise ValueError("tick_quote and step_base are too far apart or too large") from error
    if market.id != market_id:
        raise ValueError(f"must be named {market.id}, after its base and quote")
    return market


def _check_keys(fields: dict[str, Any]) -> None:
    known = (*_TEXTS, *RULES, *_FLOATS)
    if unknown := [key for key in fields if key not in known]:
        raise ValueError(f"unknown key {_quoted(unknown[0])}; the known ones are {', '.join(known)}")
    if missing := [key for key in _REQUIRED if key not in fields]:
        raise ValueError(f"lacks {', '.join(missing)}")
    for key in _TEXTS:
        if not isinstance(fields.get(key, ""), str):
            raise ValueError(f"{key} must be a text, not {_quoted(fields[key])}")
    for key in ("base", "quote"):
        if not _ASSET.fullmatch(fields[key]):
            raise ValueError(f"{key} must be 1 to 10 letters from A to Z or digits, not {_quoted(fields[key])}")


def _rule(key: str, text: Any) -> Decimal:
    if not isinstance(text, str) or not _NUMBER.fullmatch(text) or not 0 <= Decimal(text) <= _LARGEST_RULE:
        raise ValueError(f"{key} must be a number from 0 to {_LARGEST_RULE}, such as 0.01, not {_quoted(text)}")
    return Decimal(text)


def _quoted(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


class _Table:
    """One CSV or Parquet file, and the current position in it."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.number = 0
        self._unit = "line"

    def error(self, problem: str, number: int | None = None) -> ReplayError:
        """The refusal of a row, by default of the one just read; without any, of the file."""
        number = self.number if number is None else number
        place = f", {self._unit} {number}" if number else ""
        return ReplayError(f"{self.path}{place}: {problem}")

    def rows(self) -> Iterator[list[str]]:
        """The cells of each row as text; the first row are the column names where the file has them."""
        suffix = self.path.suffix.lower()
        if suffix == ".csv":
            return self._csv_rows()
        if suffix == ".parquet":
            return self._parquet_rows()
        raise self.error("must be a CSV or Parquet file, with a name that ends in .csv or .parquet")

    def _csv_rows(self) -> Iterator[list[str]]:
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, strict=True)
                for cells in reader:
                    self.number = reader.line_num
                    if cells:
                        yield cells
        except OSError as error:
            raise self.error(f"cannot be read: {error.strerror}") from error
        except (ValueError, csv.Error) as error:
            raise self.error(f"after this it cannot be read as CSV in UTF-8: {error}") from error

    def _parquet_rows(self) -> Iterator[list[str]]:
        self._unit = "row"
        try:
            parquet = importlib.import_module("pyarrow.parquet")
            arrow_error = importlib.import_module("pyarrow").ArrowException
        except ModuleNotFoundError as error:
            needs = 'needs the extra: pip install "octobot-volume-booster[replay]"'
            raise ReplayError(f"reading {self.path.name} {needs}") from error
        except ImportError as error:
            raise ReplayError(f"reading {self.path.name} needs a pyarrow that can be loaded: {error}") from error
        try:
            with parquet.ParquetFile(self.path) as file:
                yield file.schema_arrow.names
                for batch in file.iter_batches():
                    for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                        self.number += 1
                        yield ["" if cell is None else str(cell) for cell in cells]
        except (arrow_error, OSError, ValueError, ArithmeticError, TypeError) as error:
            raise self.error(f"cannot be read as Parquet: {error}") from error


class _Layout(NamedTuple):
    """Where the wanted columns stand in a file."""

    positions: tuple[int, ...]
    width: int  # number of columns
    is_binance: bool = False


# Binance's own files: id, price, qty, quoteQty, time, isBuyerMaker, isBestMatch
# and aggId, price, qty, firstId, lastId, time, isBuyerMaker, isBestMatch.
_BINANCE_LAYOUTS = {7: _Layout((4, 1, 2, 5), 7, is_binance=True), 8: _Layout((5, 1, 2, 6), 8, is_binance=True)}


def _layout(table: _Table, header: Sequence[str], columns: Sequence[str]) -> _Layout:
    needed = f"the columns are {','.join(columns)}"
    if missing := [name for name in columns if name not in header]:
        raise table.error(f"lacks the column {missing[0]}: {needed}, and the first row names them")
    if len(header) > len(columns):
        further = next(name for name in header if name not in columns or header.count(name) > 1)
        raise table.error(f"has the column {_quoted(further)} too much: {needed}")
    return _Layout(tuple(map(header.index, columns)), len(columns))


def _header(table: _Table, rows: Iterator[list[str]]) -> list[str]:
    if header := next(rows, None):
        return header
    raise table.error("is empty; the first row must name the columns")


def _parsed(
    table: _Table, rows: Iterable[list[str]], layout: _Layout, parse: Callable[..., tuple[int, ...]]
) -> Iterator[tuple[int, ...]]:
    """Each row as ``parse`` reads its wanted cells: the time first, which must not go back."""
    before_ms = 0
    for cells in rows:
        try:
            if len(cells) != layout.width:
                raise ValueError(f"has {len(cells)} columns; it must have {layout.width}")
            row = parse(*(cells[position] for position in layout.positions))
            if row[0] < before_ms:
                raise ValueError(f"time {row[0]} ms is before {before_ms} ms of the row above; sort the rows by time")
        except ValueError as error:
            raise table.error(str(error)) from error
        before_ms = row[0]
        yield row


def _read_trades(path: pathlib.Path, market: LiquidMarket) -> Tape:
    table = _Table(path)
    rows = table.rows()
    header = _header(table, rows)
    if header[0].isdecimal() and len(header) in _BINANCE_LAYOUTS:
        layout, rows = _BINANCE_LAYOUTS[len(header)], chain([header], rows)
    else:
        layout = _layout(table, header, TRADE_COLUMNS)

    def parse(time: str, price: str, quantity: str, buyer_is_maker: str) -> tuple[int, ...]:
        time_ms, ticks = (
            _time_ms(time, layout.is_binance),
            _count("price", price, "tick_quote", market.tick_quote, MOST_TICKS),
        )
        if market.price(ticks) > market.maximum_price_quote:
            raise ValueError(f"price {price} is above the market's maximum_price_quote {market.maximum_price_quote}")
        return (
            time_ms,
            ticks,
            _count("quantity", quantity, "step_base", market.step_base, _MOST_STEPS),
            _flag(buyer_is_maker),
        )

    trades = list(_parsed(table, rows, layout, parse))
    if not trades:
        raise table.error("has no trades; it must have at least one")
    columns = np.array(trades, dtype=np.int64).T.copy()
    return Tape(market, columns[0], columns[1], columns[2], columns[3].astype(np.bool_))


def _read_depth(path: pathlib.Path, market: LiquidMarket) -> RecordedDepth:
    table = _Table(path)
    rows = table.rows()
    layout = _layout(table, _header(table, rows), DEPTH_COLUMNS)

    def parse(time: str, kind: str, side: str, price: str, quantity: str) -> tuple[int, ...]:
        is_snapshot, is_bid = _either("kind", kind, "snapshot", "diff"), _either("side", side, "bid", "ask")
        ticks = _count("price", price, "tick_quote", market.tick_quote, MOST_TICKS)
        steps = _count("quantity", quantity, "step_base", market.step_base, _MOST_STEPS, zero=not is_snapshot)
        return _time_ms(time), is_snapshot, is_bid, ticks, steps

    numbered = [(*row, table.number) for row in _parsed(table, rows, layout, parse)]
    if not numbered:
        raise table.error("has no rows; it must begin with a snapshot")
    columns = np.array(numbered, dtype=np.int64).T.copy()
    depth = _events(columns)
    _check_events(table, market, depth, columns[5])
    return depth


def _events(columns: Integers) -> RecordedDepth:
    """Groups neighbouring rows of one time and kind."""
    time_ms, is_snapshot, is_bid, ticks, steps, _ = columns
    changes = np.flatnonzero((np.diff(time_ms) != 0) | (np.diff(is_snapshot) != 0)) + 1
    first_row = np.concatenate([[0], changes, [time_ms.size]]).astype(np.int64)
    opening = first_row[:-1]
    return RecordedDepth(
        time_ms[opening], is_snapshot[opening].astype(np.bool_), first_row, is_bid.astype(np.bool_), ticks, steps
    )


def _check_events(table: _Table, market: LiquidMarket, depth: RecordedDepth, row_numbers: Integers) -> None:
    if not depth.is_snapshot[0]:
        raise table.error("a diff before any snapshot; the first event must be a snapshot", int(row_numbers[0]))
    book = LiveBook(market, depth)
    for event in range(depth.time_ms.size):
        book.go_to(event)
        if problem := book.problem():
            raise table.error(problem, int(row_numbers[depth.first_row[event + 1] - 1]))


def _time_ms(text: str, may_be_microseconds: bool = False) -> int:
    if not _WHOLE_NUMBER.fullmatch(text):
        raise ValueError(f"time {_quoted(text)} must be a whole number of milliseconds since 1970")
    time = int(text)
    if time < _MICROSECONDS_FROM:
        return time
    if may_be_microseconds:
        return time // 1_000
    raise ValueError(f"time {time} is too large; it must be in milliseconds since 1970")


def _count(name: str, text: str, unit_name: str, unit: Decimal, most: int, zero: bool = False) -> int:
    """How many units make the number, at most ``most``, at least one unless ``zero``. Raises ValueError."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{name} {_quoted(text)} must be a number such as {unit}")
    value = Decimal(text)
    if value < 0 or not (value or zero):
        raise ValueError(f"{name} {text} must be {'at least' if zero else 'above'} 0")
    if value > unit * most:
        raise ValueError(f"{name} {text} is too large; it must be at most {unit * most}")
    if value % unit:
        raise ValueError(f"{name} {text} must be a multiple of {unit_name} {unit}")
    return int(value / unit)


def _flag(text: str) -> bool:
    try:
        return _FLAGS[text.lower()]
    except KeyError:
        raise ValueError(f"buyer_is_maker {_quoted(text)} must be true, false, 1 or 0") from None


def _either(name: str, text: str, yes: str, no: str) -> bool:
    if text not in (yes, no):
        raise ValueError(f"{name} {_quoted(text)} must be {yes} or {no}")
    return text == yes
