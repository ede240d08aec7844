"""One backtest as a process of its own, and the result of its campaign.

A job is plain data and its result depends on it alone, so any pool or scheduler may run it.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import pathlib
import subprocess
import sys
import threading
import time
import typing
from collections.abc import Callable
from dataclasses import asdict, dataclass
from decimal import Decimal

from ...core.model.basics import Trading
from ...core.model.redact import text_of
from ...core.settings.schema import TargetPeriod
from ...journal.journal import HALT, Journal, NoCampaignError, remove
from ...reporting.report import CampaignReport, read_report
from .launch import LaunchError, last_line
from .octobot_process import offline_environment, start_piped

ENGINE_MODULE = f"{__package__.rsplit('.', 2)[0]}.backtest_engine"
END_TIMEOUT_S = 25.0
POLL_INTERVAL_S = 0.2
DATA_ENDED = "the data ended before the target was reached"


@dataclass(frozen=True, slots=True)
class Job:
    """A backtest whose arguments have been checked."""

    config: dict[str, typing.Any]
    """OctoBot's, with exchanges, portfolio and fees."""
    data_files: list[str]
    """One for each exchange."""
    settings: dict[str, typing.Any]
    journal: str
    log: str


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """The report of a backtest, and the seconds that it took on the wall clock."""

    report: CampaignReport
    wall_s: float
    halts: int
    """How often a guard halted it."""


class BacktestProcess:
    """A running backtest. It replaces the campaign of the previous one in the same place.

    :raises LaunchError: when it can't be started.
    :raises JournalError: when another one runs in the same place.
    """

    def __init__(self, job: Job, on_progress: Callable[[float], None] = lambda share: None) -> None:
        self._job = job
        self._started_at = time.monotonic()
        self._is_interrupted = False
        remove(pathlib.Path(job.journal))
        log = pathlib.Path(job.log)
        try:
            command = [sys.executable, "-m", ENGINE_MODULE]
            self._process = start_piped(command, log.parent, offline_environment(), log)
        except OSError as error:
            raise LaunchError(f"OctoBot's backtesting could not be started: {text_of(error)}") from error
        self._send()
        self._reader = threading.Thread(target=self._read, args=(on_progress,), name="backtest", daemon=True)
        self._reader.start()

    def wait(self, timeout_s: float) -> bool:
        """Whether it has ended within this time."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def interrupt(self) -> None:
        """End it cleanly where it is; its result so far counts."""
        self._is_interrupted = True
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it is about to end by itself
            self._process.stdin.close()
        if not self.wait(END_TIMEOUT_S):
            self._process.kill()
            self._process.wait()

    def result(self) -> BacktestResult:
        """The result; to be called when it has ended.

        :raises LaunchError: when OctoBot failed.
        """
        self._reader.join()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        wall_s = time.monotonic() - self._started_at
        if self._process.returncode != 0:
            raise LaunchError(
                f"OctoBot's backtesting failed: {last_line(pathlib.Path(self._job.log))} Log: {self._job.log}"
            )
        report = self._report()
        return BacktestResult(report, wall_s, _halts(pathlib.Path(self._job.journal)))

    def _report(self) -> CampaignReport:
        try:
            report = read_report(pathlib.Path(self._job.journal))
        except NoCampaignError:
            report = None
        if report is None and self._is_interrupted:
            target_quote = Decimal(str(self._job.settings["volume_target"]))
            version = importlib.metadata.version("octobot")
            return CampaignReport.not_started(target_quote, Trading.BACKTEST, version, "interrupted", time.time())
        if report is None:
            why = last_line(pathlib.Path(self._job.log))
            raise LaunchError(f"OctoBot's backtesting ended without a campaign: {why} Log: {self._job.log}")
        if report.is_live or report.state == "stopped":
            return report.stopped("interrupted" if self._is_interrupted else DATA_ENDED, report.last_seen_at)
        return report

    def _send(self) -> None:
        request = asdict(self._job)
        del request["log"]
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended already: its log says why
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()

    def _read(self, on_progress: Callable[[float], None]) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):  # OctoBot may print too
                on_progress(min(max(float(line), 0.0), 1.0))


def _halts(path: pathlib.Path) -> int:
    if not path.is_file():
        return 0  # it was cut off before its campaign began
    with contextlib.closing(Journal.open_to_read(path, in_depth=False)) as journal:
        return sum(event.kind == HALT for event in journal.events())


def run(job: Job, is_cancelled: Callable[[], bool] = lambda: False) -> BacktestResult:
    """Run one backtest to its end, or until it is cancelled.

    :raises LaunchError: when OctoBot failed.
    """
    process = BacktestProcess(job)
    try:
        while not process.wait(POLL_INTERVAL_S):
            if is_cancelled():
                process.interrupt()
    except BaseException:
        process.interrupt()
        raise
    return process.result()


def is_reached(report: CampaignReport) -> bool:
    """Whether the campaign did what was asked: its target, or with a daily one that of every day of the data."""
    if report.target_period != TargetPeriod.DAILY.value:
        return report.state == "done"
    return bool(report.days) and all(day.progress.is_done for day in report.days)
