"""The data of a backtest as OctoBot reads them: its own `.data` files, candles from CSV, or drawn from a seed."""

from __future__ import annotations

import contextlib
import importlib
import json
import pathlib
import sqlite3
import typing
from collections.abc import Iterator

from ...core.model.instrument import base_of, quote_of
from ...core.planning import candles
from ...core.planning.candles import Candle, CandleSeries
from ...storage import private_files
from .assumptions import EXCHANGE_PACKAGE
from .home import HomeError

DATA_FOLDER = pathlib.PurePath("backtesting", "data")
"""Where OctoBot looks for data, under its home."""
DRAWN_FROM = 1_700_006_400
"""The first candle that is drawn from a seed opens at this moment, 2023-11-15 00:00 UTC."""
MINUTE_S = 60
_VERSION = "1.1"
"""Both lines of OctoBot read this version of its files."""
_TABLES = """
CREATE TABLE description (timestamp DATETIME, version TEXT, exchange TEXT, symbols TEXT, time_frames TEXT,
    start_timestamp INTEGER, end_timestamp INTEGER);
CREATE TABLE ohlcv (timestamp DATETIME, exchange_name TEXT, cryptocurrency TEXT, symbol TEXT, time_frame TEXT,
    candle TEXT);
CREATE INDEX index_ohlcv ON ohlcv (timestamp, exchange_name, symbol, time_frame);
"""


def draw(seed: int, symbol: str, minutes: int) -> CandleSeries:
    """One-minute candles of the local exchange's own price path: those that it would show with the same seed.

    :param symbol: a pair, or a contract on one.
    :raises HomeError: when the local exchange has no such market.
    """
    price_path: typing.Any = importlib.import_module(f"{EXCHANGE_PACKAGE}.market.price_path")
    path = price_path.PricePath(seed, DRAWN_FROM, history_seconds=MINUTE_S)
    market = f"{base_of(symbol)}{quote_of(symbol)}"
    if market not in path.markets:
        known = ", ".join(f"{spec.base}/{spec.quote}" for spec in path.markets.values())
        raise HomeError(f"there are no prices of {symbol} to draw, only of {known}: name a file with --data")
    since_ms, until_ms = DRAWN_FROM * 1000, (DRAWN_FROM + minutes * MINUTE_S) * 1000 - 1
    drawn = path.candles(market, "1m", until_ms, minutes, since_ms)
    return CandleSeries([_of(candle) for candle in drawn], MINUTE_S)


def _of(drawn: typing.Any) -> Candle:
    return Candle(
        drawn.open_time_ms // 1000,
        float(drawn.open_quote),
        float(drawn.high_quote),
        float(drawn.low_quote),
        float(drawn.close_quote),
        float(drawn.volume_base),
    )


def read_csv(path: pathlib.Path) -> CandleSeries:
    """:raises HomeError: when the file can't be read, naming the line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return candles.read_csv(lines)
    except (OSError, UnicodeError, candles.CandleError) as error:
        raise HomeError(f"{path} can't be used as candles: {_os_reason(error)}") from error


def check_data_file(path: pathlib.Path) -> None:
    """:raises HomeError: when a file is none of OctoBot's backtesting files, or holds no candles."""
    try:
        if not path.is_file():
            raise FileNotFoundError(2, "there is no such file")
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            has_candles = connection.execute("SELECT 1 FROM ohlcv LIMIT 1").fetchone()
            is_described = connection.execute("SELECT 1 FROM description LIMIT 1").fetchone()
    except (OSError, sqlite3.Error) as error:
        raise HomeError(f"{path} is not a backtesting file of OctoBot: {_os_reason(error)}") from error
    if not has_candles or not is_described:
        raise HomeError(f"{path} is a backtesting file of OctoBot without candles")


def write_data_file(path: pathlib.Path, series: dict[str, CandleSeries], exchange: str) -> None:
    """A backtesting file of OctoBot with the candles of each symbol of one exchange, there whole or not at all.

    :raises HomeError: when it can't be written.
    """
    try:
        with (
            private_files.replacing(path) as part,
            contextlib.closing(sqlite3.connect(part)) as connection,
            connection,
        ):
            connection.executescript(_TABLES)
            for symbol, one in series.items():
                connection.executemany("INSERT INTO ohlcv VALUES (?, ?, ?, ?, ?, ?)", _rows(exchange, symbol, one))
            first = min(one.candles[0].opened_at for one in series.values())
            ends_at = max(one.ends_at for one in series.values())
            frames = list(dict.fromkeys(one.time_frame for one in series.values()))
            described = (first, _VERSION, exchange, json.dumps(list(series)), json.dumps(frames), first, ends_at)
            connection.execute("INSERT INTO description VALUES (?, ?, ?, ?, ?, ?, ?)", described)
    except (OSError, sqlite3.Error) as error:
        raise HomeError(f"{path} can't be written: {_os_reason(error)}") from error


def _rows(exchange: str, symbol: str, series: CandleSeries) -> Iterator[tuple[typing.Any, ...]]:
    base = base_of(symbol)
    for candle in series.candles:
        yield candle.opened_at + series.length_s, exchange, base, symbol, series.time_frame, _row(candle)


def _row(candle: Candle) -> str:
    return json.dumps([candle.opened_at, candle.open, candle.high, candle.low, candle.close, candle.volume])


def _os_reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
