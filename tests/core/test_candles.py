"""Candles from CSV: what is read is what was written, and every doubt names its line."""

from __future__ import annotations

import io
import json
import pathlib
import re
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octobot_volume_booster.cli.files import candle_files
from octobot_volume_booster.cli.files.home import HomeError
from octobot_volume_booster.core.planning.candles import (
    COLUMNS,
    TIME_FRAMES,
    Candle,
    CandleError,
    CandleSeries,
    read_csv,
)

ISO = "2025-01-01 00:00:00+00:00,10,12,9,11,5"
GOOD = ["1700006400,10,12,9,11,5", "1700006460,11,13,10,12,5", "1700006520,12,12,12,12,0"]


@st.composite
def series(draw: st.DrawFn) -> CandleSeries:
    length_s = draw(st.sampled_from(sorted(TIME_FRAMES)))
    # two neighbours tell the length, whatever gaps there are
    steps = [1, *draw(st.lists(st.integers(1, 5), max_size=8))]
    opened_at, candles = 1_600_000_000 - 1_600_000_000 % length_s, []
    for step in (0, *steps):
        opened_at += step * length_s
        prices = sorted(draw(st.lists(st.floats(1e-6, 1e9), min_size=4, max_size=4)))
        volume = draw(st.floats(0, 1e9))
        candles.append(Candle(opened_at, prices[1], prices[3], prices[0], prices[2], volume))
    return CandleSeries(candles, length_s)


def written(candles: CandleSeries, unit: int, order: list[str]) -> str:
    rows = [",".join(order)]
    for candle in candles.candles:
        values = dict(
            zip(COLUMNS, (candle.opened_at * unit, *(getattr(candle, name) for name in COLUMNS[1:])), strict=True)
        )
        rows.append(",".join(repr(values[name]) for name in order))
    return "\n".join(rows)


@given(series(), st.sampled_from([1, 10**3, 10**6]), st.permutations(COLUMNS))
def test_what_was_written_is_read_in_any_unit_of_time_and_order_of_columns(
    candles: CandleSeries, unit: int, order: list[str]
) -> None:
    assert read_csv(io.StringIO(written(candles, unit, order))) == candles


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "there are 0 candles"),
        (GOOD[:1], "there are 1 candles"),
        (["time,open,high,low,close,volume"], "line 1: there is no column timestamp"),
        ([GOOD[0], "1700006460,11,13,10"], "line 2: 4 columns"),
        ([",".join(COLUMNS), ISO], "line 2: the timestamp '2025-01-01 00:00:00+00:00' is not a number"),
        (["", ",".join(COLUMNS), "", ISO], "line 4: the timestamp '2025-01-01 00:00:00+00:00' is not a number"),
        ([ISO], "line 1: the timestamp '2025-01-01 00:00:00+00:00' is not a number"),
        ([GOOD[0], ",".join(COLUMNS)], "line 2: the timestamp 'timestamp' is not a number"),
        ([",".join(COLUMNS), ",".join(COLUMNS), *GOOD], "line 2: the timestamp 'timestamp' is not a number"),
        (["open,high,low,close,volume,1"], "line 1: there is no column timestamp; needed are"),
        ([GOOD[0], "1700006460,11,x,10,12,5"], "line 2: the high 'x' is not a number"),
        ([GOOD[0], "1700006460,11,nan,10,12,5"], "line 2: the high 'nan' is not a number"),
        ([GOOD[0], "1700006460,11,13,0,12,5"], "line 2: the price 0 is not above 0"),
        ([GOOD[0], "1700006460,11,11,10,12,5"], "line 2: the high 11 is below another price"),
        ([GOOD[0], "1700006460,11,13,12,12,5"], "line 2: the low 12 is above another price"),
        ([GOOD[0], "1700006460,11,13,10,12,-5"], "line 2: the volume -5 is below 0"),
        ([GOOD[0], "1700006460.5,11,13,10,12,5"], "line 2: the timestamp 1700006460 is not a whole second"),
        ([GOOD[1], GOOD[0]], "line 2: it does not come after the line before it"),
        ([*GOOD, "1700006599,12,12,12,12,0"], "line 4: it opens 79 s after the one before it, others 60 s"),
        ([GOOD[0], "1700006407,11,13,10,12,5"], "candles of 7 s are none that OctoBot knows"),
    ],
)
def test_what_is_no_candle_is_told_with_its_line(lines: list[str], told: str) -> None:
    with pytest.raises(CandleError, match="^" + re.escape(told)):
        read_csv(lines)


def test_a_data_file_tells_octobot_a_candle_when_it_closes(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "candles.data"
    candle_files.write_data_file(path, {"BTC/USDT": read_csv(GOOD)}, "binance")
    candle_files.check_data_file(path)
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT timestamp, candle FROM ohlcv ORDER BY timestamp").fetchall()
    connection.close()
    assert [at for at, _ in rows] == [1700006460, 1700006520, 1700006580]
    assert json.loads(rows[0][1]) == [1700006400, 10.0, 12.0, 9.0, 11.0, 5.0]


def test_the_same_seed_draws_the_same_candles_and_another_one_others() -> None:
    drawn = candle_files.draw(7, "BTC/USDT", minutes=60)
    assert drawn == candle_files.draw(7, "BTC/USDT", minutes=60)
    assert drawn != candle_files.draw(8, "BTC/USDT", minutes=60)
    assert len(drawn.candles) == 60 and drawn.candles[0].opened_at == candle_files.DRAWN_FROM
    assert candle_files.draw(7, "BTC/USDT", minutes=30).candles == drawn.candles[:30]
    assert candle_files.draw(7, "BTC/USDT:USDT", minutes=60) == drawn, "a contract is drawn as its pair is"


def test_a_market_without_drawn_prices_and_a_file_that_is_none_are_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(HomeError, match="no prices of DOGE/EUR to draw, only of BTC/USDT"):
        candle_files.draw(7, "DOGE/EUR", minutes=10)
    (tmp_path / "some.data").write_text("no database at all, however long it may be" * 40)
    with pytest.raises(HomeError, match="not a backtesting file of OctoBot"):
        candle_files.check_data_file(tmp_path / "some.data")
