"""`volume-booster data`: candles of a public market, in a file that `backtest --data` takes."""

from __future__ import annotations

import argparse
import csv
import io
import os
import pathlib
import time

import rich.progress

from ...adapters.venues import support
from ...core.model.escape import csv_cell
from ...core.model.formats import iso_time
from ...core.planning.candles import COLUMNS, TIME_FRAMES, Candle, CandleSeries
from ..files import candle_files, home
from ..process import candle_process, launch
from ..process.watchdog import ExitCode
from ..screen import lines, terminal

DAY_S = 86_400
LOCAL_PORT = 8642
"""Where `volume-booster exchange` listens, unless it is told another port."""
DATA_SUFFIX, CSV_SUFFIX = ".data", ".csv"


def main(arguments: argparse.Namespace) -> int:
    """Write the file; 0 when it holds candles.

    :raises HomeError: when there is no such exchange or market, or the file can't be written.
    :raises LaunchError: when the exchange can't be reached, or has no candles of that time.
    """
    exchange, out = _exchange(arguments.exchange), _checked(arguments.out)
    length_s = next(seconds for seconds, name in TIME_FRAMES.items() if name == arguments.time_frame)
    until_s = int(time.time())
    since_s = (until_s - arguments.days * DAY_S) // length_s * length_s
    request = {
        "exchange": exchange,
        "symbol": arguments.symbol,
        "time_frame": arguments.time_frame,
        "since_ms": since_s * 1_000,
        "until_ms": until_s * 1_000,
        "port": _local_port(exchange),
    }
    candles = _ask(request, since_s, until_s)
    if len(candles) < 2:
        raise launch.LaunchError(f"{exchange} has no candles of {arguments.symbol} for that time: ask for more --days")
    series = CandleSeries(candles, length_s)
    if out.suffix == DATA_SUFFIX:
        candle_files.write_data_file(out, {arguments.symbol: series}, exchange)
    else:
        home.write_whole(out, _csv(candles).encode())
    _report(arguments, exchange, series, since_s)
    return ExitCode.DONE


def _exchange(asked: str) -> str:
    try:
        return support.name_of(asked)
    except support.UnknownExchangeError as error:
        raise home.HomeError(str(error)) from error


def _checked(out: pathlib.Path) -> pathlib.Path:
    """:raises HomeError: when it can't become a file of candles."""
    if out.suffix not in (DATA_SUFFIX, CSV_SUFFIX):
        raise home.HomeError(f"{out}: name a file that ends with {CSV_SUFFIX} or {DATA_SUFFIX}")
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise home.HomeError(f"{out} can't be written: name a file in a directory that exists.")
    return out


def _local_port(exchange: str) -> int:
    """The port of an exchange of this computer, 0 for one on the internet."""
    variable = launch.PORT_VARIABLES.get(exchange)
    if variable is None:
        return 0
    named = os.environ.get(variable, "")
    return int(named) if named.isdecimal() else LOCAL_PORT


def _ask(request: dict[str, object], since_s: int, until_s: int) -> list[Candle]:
    console = terminal.Console(stderr=True)
    columns = (rich.progress.TextColumn("Candles"), rich.progress.BarColumn(None), rich.progress.TaskProgressColumn())
    with rich.progress.Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=until_s - since_s)
        return candle_process.ask(request, lambda at_ms: bar.update(task, completed=at_ms / 1_000 - since_s))


def _csv(candles: list[Candle]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in candles:
        writer.writerow(map(csv_cell, (one.opened_at, one.open, one.high, one.low, one.close, one.volume)))
    return text.getvalue()


def _report(arguments: argparse.Namespace, exchange: str, series: CandleSeries, since_s: int) -> None:
    first, count = series.candles[0].opened_at, len(series.candles)
    result = {"file": str(arguments.out), "exchange": exchange, "symbol": arguments.symbol, "candles": count}
    times = {"time_frame": series.time_frame, "from": iso_time(first), "until": iso_time(series.ends_at)}
    if arguments.json:
        lines.as_json(result | times)
        return
    told = [
        f"{count:,} candles of {arguments.symbol} on {exchange}, {times['from']} to {times['until']}: {arguments.out}"
    ]
    if first - since_s > series.length_s:
        told.append(f"{exchange} has none before that.")
    told.append(f"Next: volume-booster backtest --symbol {arguments.symbol} --data {arguments.out}")
    console = terminal.Console()
    for line in told:
        console.print(line, soft_wrap=True)
