"""`volume-booster backtest`: the same campaign in OctoBot's backtesting, on the clock of the data."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import random
import time
import typing
from dataclasses import dataclass, field

import rich.progress

from ...core.model.formats import duration
from ...core.planning.candles import CandleSeries
from ...core.settings.schema import Settings, SettingsError, without_octobot_keys
from ...journal.file import BACKTEST_FILE
from ..arguments.requested import requested_settings
from ..files import candle_files, home
from ..files.assumptions import small_target
from ..process import backtest_process
from ..process.backtest_process import BacktestProcess, BacktestResult, Job, is_reached
from ..process.watchdog import ExitCode, Verdict
from ..screen import lines, terminal
from ..screen.live import summary_table
from ..screen.next_steps import next_step
from . import run, sweep

POLL_INTERVAL_S = 0.1
LOG = "backtest.log"
MINUTES_A_DAY = 1_440
_DATA_SUFFIX = ".data"


@dataclass(frozen=True, slots=True)
class BacktestPlan:
    """Backtests whose arguments, profile and data have been checked."""

    home: home.Home
    config: dict[str, typing.Any]
    of_profile: dict[str, typing.Any]
    """The settings of the mode in the profile."""
    requested: dict[str, typing.Any]
    data: pathlib.Path | None
    markets: dict[str, list[str]]
    """The pairs of each exchange that need candles."""
    days: int
    drawn_seed: int
    """The seed of all runs without one of their own, so that they can be compared."""
    written: set[pathlib.Path] = field(default_factory=set)
    """Data files that have been written."""

    def settings(self, more: dict[str, str]) -> Settings:
        """The settings of one run, always with a seed.

        :raises SettingsError: when they can't be used.
        """
        settings = run.settings_of(self.of_profile, self.requested | more)
        if problems := small_target(settings, home.enabled_pairs(self.config)):
            raise SettingsError(problems)
        if settings.seed is None:
            settings = settings.model_copy(update={"seed": self.drawn_seed})
        return settings

    def job(self, settings: Settings, journal: pathlib.Path, log: pathlib.Path) -> Job:
        """The job for these settings; its data files are written first.

        :raises HomeError: when there are no data.
        """
        data_files = [str(path) for path in self._data_files(settings)]
        return Job(self.config, data_files, settings.to_config(), str(journal), str(log))

    def _data_files(self, settings: Settings) -> list[pathlib.Path]:
        """One for each exchange."""
        if self.data is not None and self.data.suffix == _DATA_SUFFIX:
            candle_files.check_data_file(self.data)
            return [self.data]
        markets = enumerate(self.markets.items())
        return [self._data_file(settings, exchange, symbols, number) for number, (exchange, symbols) in markets]

    def _data_file(self, settings: Settings, exchange: str, symbols: list[str], number: int) -> pathlib.Path:
        """Each exchange has prices of its own, as the local exchanges have."""
        assert settings.seed is not None
        seed = settings.seed + number
        name = self.data.stem if self.data is not None else f"seed-{seed}-{self.days}d"
        markets = "-".join(symbol.replace("/", "") for symbol in symbols)
        if number:
            markets = f"{exchange}-{markets}"
        path = self.home.path / candle_files.DATA_FOLDER / f"VolumeBoosterCandles_{markets}-{name}{_DATA_SUFFIX}"
        if path not in self.written:
            series = {symbol: self._candles(seed, symbol) for symbol in symbols}
            self.home.make()  # not before the candles are known to be usable
            candle_files.write_data_file(path, series, exchange)
            self.written.add(path)
        return path

    def _candles(self, seed: int, symbol: str) -> CandleSeries:
        if self.data is not None:
            return candle_files.read_csv(self.data)
        return candle_files.draw(seed, symbol, self.days * MINUTES_A_DAY)


def main(arguments: argparse.Namespace) -> int:
    """The exit code of the contract; 4 when the data end before the target is reached.

    :raises SettingsError, HomeError, BundleError, LaunchError: when it can't be run.
    """
    plan = _plan(arguments)
    if arguments.sweep:
        return sweep.main(arguments, plan)
    settings = plan.settings({})
    job = plan.job(settings, plan.home.path / "user" / BACKTEST_FILE, plan.home.logs / LOG)
    plan.home.make()
    verdict, result = _run(job, arguments)
    now = result.report.last_seen_at
    if arguments.json:
        lines.as_json(result.report.to_json(now) | {"wall_s": round(result.wall_s, 2)})
    else:
        terminal.show(summary_table(result.report, now))
        terminal.wrapped(next_step(result.report, arguments.home))
    if verdict.exit_code is not ExitCode.DONE:
        lines.complain(verdict.reason)
    return verdict.exit_code


def _plan(arguments: argparse.Namespace) -> BacktestPlan:
    octobot_home = home.Home(arguments.home.absolute())
    profile = run.find_profile(octobot_home, arguments.profile)
    config = home.profile_config(profile) | {"backtesting": {"files": []}}
    if arguments.data is not None and not arguments.data.is_file():
        raise home.HomeError(f"there is no file {arguments.data}")
    return BacktestPlan(
        home=octobot_home,
        config=config,
        of_profile=without_octobot_keys(home.mode_settings(profile)),
        requested=requested_settings(arguments),
        data=arguments.data and arguments.data.absolute(),
        markets=_markets(config, arguments),
        days=arguments.days,
        drawn_seed=random.SystemRandom().randrange(2**32),
    )


def _markets(config: dict[str, typing.Any], arguments: argparse.Namespace) -> dict[str, list[str]]:
    """All that the profile has enabled; of a CSV, and of a pair that was named, one on the first exchange."""
    exchanges = [name for name, one in config["exchanges"].items() if one.get("enabled", True)]
    pairs = [arguments.symbol] if arguments.symbol else home.enabled_pairs(config)
    if not pairs:
        raise home.HomeError("the profile trades no pair: name one with --symbol")
    if not exchanges:
        raise home.HomeError("the profile trades on no exchange: choose another --profile, or name a .data file")
    if arguments.symbol or arguments.data is not None:
        return {exchanges[0]: pairs[:1]}
    return dict.fromkeys(exchanges, pairs)


def _run(job: Job, arguments: argparse.Namespace) -> tuple[Verdict, BacktestResult]:
    console = terminal.Console(stderr=True)
    columns = (rich.progress.TextColumn("Backtest"), rich.progress.BarColumn(None), rich.progress.TaskProgressColumn())
    is_shown = console.is_terminal and not arguments.quiet
    with (
        rich.progress.Progress(*columns, console=console, transient=True, disable=not is_shown) as bar,
        run.interruption() as is_interrupted,
    ):
        task = bar.add_task("", total=1.0)
        process = BacktestProcess(job, lambda share: bar.update(task, completed=share))
        cut_short = _watch(process, arguments.timeout, is_interrupted)
    result = process.result()
    if cut_short is not None:
        report = dataclasses.replace(result.report, reason=result.report.reason and cut_short.reason)
        return cut_short, dataclasses.replace(result, report=report)
    return judge(result), result


def _watch(
    process: BacktestProcess, timeout_s: float | None, is_interrupted: typing.Callable[[], bool]
) -> Verdict | None:
    """Wait for the end; the reason of an early end, None when it ended by itself."""
    started_at, verdict = time.monotonic(), None
    while verdict is None and not process.wait(POLL_INTERVAL_S):
        if is_interrupted():
            verdict = Verdict(ExitCode.INTERRUPTED, "interrupted")
        elif timeout_s is not None and time.monotonic() - started_at >= timeout_s:
            verdict = Verdict(ExitCode.TIMED_OUT, f"the target was not reached in {duration(timeout_s)}")
    if verdict is not None:
        process.interrupt()
    return verdict


def judge(result: BacktestResult) -> Verdict:
    """The verdict on a backtest that ran to its end."""
    report = result.report
    if report.state == "halted":
        return Verdict(ExitCode.HALTED, f"halted: {report.reason}")
    if is_reached(report):
        return Verdict(ExitCode.DONE, "the target is reached")
    return Verdict(ExitCode.TIMED_OUT, f"{backtest_process.DATA_ENDED}; it takes more of them, or quicker settings")
