"""`volume-booster backtest --sweep`: every combination of some settings, in parallel, in one table and one CSV file."""

from __future__ import annotations

import argparse
import concurrent.futures
import csv
import io
import itertools
import os
import pathlib
import tempfile
import threading
import typing
from collections.abc import Iterator
from dataclasses import dataclass

import rich.box
import rich.progress
import rich.table

from ...core.model.escape import csv_cell
from ...core.model.formats import shown
from ...core.model.redact import text_of
from ...core.settings.schema import Settings, SettingsError
from ...reporting.report import CampaignReport
from ..files.home import Home, write_whole
from ..process import backtest_process
from ..process.backtest_process import Job
from ..process.launch import LaunchError
from ..process.watchdog import ExitCode
from ..screen import lines, terminal

CSV_FILE = pathlib.PurePath("user", "volume_booster", "sweep.csv")
"""Where the results of the last sweep are, under the home, unless another file is named."""
FIELDS = (
    "seed", "state", "reason", "target_quote", "filled_quote", "runtime_s", "orders", "fills", "cancelled", "rejected",
    "fees_quote", "slippage_quote", "cost_quote", "cost_bps", "maker_share", "imbalance", "realised_pnl_quote",
    "halts",
)  # fmt: skip
"""The columns of the file after the swept settings: fields of the command line's contract, and the number of halts."""
MOST_RUNS = 10_000
Combination = dict[str, str]


class SweepPlan(typing.Protocol):
    """What all runs of a sweep share: the home, and how settings become a job."""

    @property
    def home(self) -> Home: ...

    def settings(self, more: Combination) -> Settings: ...

    def job(self, settings: Settings, journal: pathlib.Path, log: pathlib.Path) -> Job: ...


@dataclass(frozen=True, slots=True)
class Run:
    """One combination and its result; `problem` is the reason for a missing report."""

    combination: Combination
    report: CampaignReport | None = None
    halts: int = 0
    problem: str = ""

    def row(self) -> dict[str, typing.Any]:
        """Its row in the file and in the JSON."""
        if self.report is None:
            return self.combination | {"state": "failed", "reason": self.problem}
        fields = self.report.to_json(self.report.last_seen_at) | {"halts": self.halts}
        return self.combination | {field: fields[field] for field in FIELDS if field not in self.combination}


def main(arguments: argparse.Namespace, plan: SweepPlan) -> int:
    """Run every combination; 0 when each ran to its end, whatever the state of its campaign.

    :raises SettingsError: naming every combination that can't be used, before any runs.
    :raises HomeError: when there are no data, or the file of the results can't be written.
    """
    combinations = combine(arguments.sweep)
    settings = _settings(plan, combinations)
    path = arguments.csv or plan.home.path / CSV_FILE
    with tempfile.TemporaryDirectory(prefix="volume_booster_sweep_") as folder:
        places = [pathlib.Path(folder, str(number)) for number in range(len(settings))]
        jobs = [
            plan.job(of_run, place / "campaign.sqlite", place / "backtest.log")
            for of_run, place in zip(settings, places, strict=True)
        ]
        plan.home.make()
        runs = list(_run_all(combinations, jobs, is_quiet=arguments.quiet))
    write_csv(path, runs)
    if arguments.json:
        lines.as_json({"runs": [run.row() for run in runs], "csv": str(path)})
    else:
        terminal.show(table(runs))
        for run in runs:
            if run.report is not None and run.report.reason is not None:
                lines.say(f"{_named(run.combination)}: {run.report.reason}")
        lines.say(str(path))
    for run in runs:
        if run.problem:
            lines.complain(f"{_named(run.combination)}: {run.problem}")
    return ExitCode.FAILED if any(run.problem for run in runs) else ExitCode.DONE


def combine(sweeps: list[tuple[str, list[str]]]) -> list[Combination]:
    """Every combination, the last key quickest.

    :raises SettingsError: when a key is swept twice, or there are too many combinations.
    """
    keys = [key for key, _ in sweeps]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise SettingsError([f"{key}: swept twice; give all its values in one --sweep" for key in twice])
    combinations = [dict(zip(keys, values, strict=True)) for values in itertools.product(*(of for _, of in sweeps))]
    if len(combinations) > MOST_RUNS:
        raise SettingsError([f"{len(combinations)} combinations are more than the {MOST_RUNS} that one sweep runs"])
    return combinations


def _settings(plan: SweepPlan, combinations: list[Combination]) -> list[Settings]:
    checked = [_checked(plan, combination) for combination in combinations]
    if problems := [problem for _, problems in checked for problem in problems]:
        raise SettingsError(list(dict.fromkeys(problems)))
    return [settings for settings, _ in checked if settings is not None]


def _checked(plan: SweepPlan, combination: Combination) -> tuple[Settings | None, list[str]]:
    try:
        return plan.settings(combination), []
    except SettingsError as error:
        return None, error.problems


def _run_all(combinations: list[Combination], jobs: list[Job], *, is_quiet: bool) -> Iterator[Run]:
    """Each as a process of its own, as many at a time as there are cores; in the order of the combinations."""
    console = terminal.Console(stderr=True)
    is_shown, cancelled = console.is_terminal and not is_quiet, threading.Event()
    with rich.progress.Progress(console=console, transient=True, disable=not is_shown) as bar:
        task = bar.add_task("Backtests", total=len(jobs))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            futures = [pool.submit(_run, of, job, cancelled) for of, job in zip(combinations, jobs, strict=True)]
            try:
                for future in concurrent.futures.as_completed(futures):
                    future.result()
                    bar.advance(task)
            except BaseException:
                cancelled.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    yield from (future.result() for future in futures)


def _run(combination: Combination, job: Job, cancelled: threading.Event) -> Run:
    try:
        result = backtest_process.run(job, cancelled.is_set)
        return Run(combination, result.report, result.halts)
    except LaunchError as error:
        return Run(combination, problem=text_of(error))


def write_csv(path: pathlib.Path, runs: list[Run]) -> None:
    """:raises HomeError: when it can't be written."""
    columns = list(dict.fromkeys([*runs[0].combination, *FIELDS]))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows({key: csv_cell(cell) for key, cell in run.row().items()} for run in runs)
    write_whole(path, text.getvalue().encode())


def table(runs: list[Run]) -> rich.table.Table:
    """The runs side by side, for a person: made for 80 columns, so what is zero in every run is left out."""
    result = rich.table.Table(title="Backtests", title_justify="left", box=rich.box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for key in runs[0].combination:
        result.add_column(key, style="bold", overflow="fold")
    cells = [_cells(run) for run in runs]
    names = [name for name in _COLUMNS if name not in _OFTEN_ZERO or any(_says(row[name]) for row in cells)]
    for name in names:
        result.add_column(name, justify="left" if name == "state" else "right", no_wrap=True)
    for run, row in zip(runs, cells, strict=True):
        result.add_row(*run.combination.values(), *(row[name] for name in names))
    return result


_COLUMNS = ("volume", "time", "orders", "cost", "bps", "maker", "halts", "state")
_OFTEN_ZERO = ("maker", "halts")


def _says(cell: str) -> bool:
    return cell not in ("", "0", "0.0%")


def _cells(run: Run) -> dict[str, str]:
    report = run.report
    if report is None:
        return dict.fromkeys(_COLUMNS, "") | {"state": "failed"}
    progress = report.progress
    minutes = report.runtime_s(report.last_seen_at) / 60
    return {
        "volume": shown(progress.filled_quote, report.quote),
        "time": f"{minutes:,.1f} min",
        "orders": f"{progress.orders:,}",
        "cost": shown(progress.cost_quote, report.quote),
        "bps": f"{progress.cost_bps:.2f}",
        "maker": f"{progress.maker_share:.1%}",
        "halts": str(run.halts),
        "state": report.state,
    }


def _named(combination: Combination) -> str:
    return ", ".join(f"{key}={value}" for key, value in combination.items())
