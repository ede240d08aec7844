"""`volume-booster runs`: the present and past campaigns of a home; compares two, removes what is no longer wanted."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
import time
import typing

import rich.box
import rich.table

from ...core.model.formats import duration, moment, shown
from ...journal.bot_lock import running_bot
from ...journal.journal import Journal, remove
from ...reporting.report import CampaignReport
from ..commands.status import NOT_RUNNING
from ..files import home, kept_runs
from ..files.kept_runs import KeptRun
from ..process.watchdog import ExitCode
from ..screen import lines, terminal

COLUMNS = ("", "run", "state", "started", "filled", "bps", "time")
WHOLE = ("run", "state", "started", "bps")
"""Columns that are never broken into lines."""
FILLED_WIDTH = 14
NOT_COMPARED = ("started_at", "ended_at", "days", "markets", "inventory", "eta_s")
"""Fields that are lists, or differ between any two runs."""


def main(arguments: argparse.Namespace) -> int:
    """List the campaigns of a home, compare two, or remove some; exit code 0.

    :raises HomeError: when there is none, or not those that were named.
    :raises JournalError: when a journal can't be read or removed.
    """
    octobot_home, now = home.Home(arguments.home.absolute()), time.time()
    found = [_as_it_stands(one, octobot_home) for one in kept_runs.runs(octobot_home, now)]
    if not found:
        raise home.HomeError(f"there is no campaign in {octobot_home.path}: a run begins one")
    if arguments.remove:
        chosen = [_kept(found, asked) for asked in arguments.remove]
        _remove(list({run.file: run for run in chosen}.values()), arguments, now)
    elif arguments.compare:
        _compare(*(kept_runs.find(found, asked) for asked in arguments.compare), now=now, is_json=arguments.json)
    elif arguments.json:
        lines.as_json({"home": str(octobot_home.path), "runs": [_json(one, now) for one in found]})
    else:
        _print(found, now)
    return ExitCode.DONE


def _as_it_stands(run: KeptRun, octobot_home: home.Home) -> KeptRun:
    """A campaign is running or paused only while an OctoBot runs it."""
    report = run.report
    is_running = run.name == kept_runs.PRESENT and running_bot(octobot_home.campaign) is not None
    if report is None or not report.is_live or is_running:
        return run
    return dataclasses.replace(run, report=report.stopped(NOT_RUNNING, report.last_seen_at))


def _json(run: KeptRun, now: float) -> dict[str, typing.Any]:
    fields = {"state": "unreadable", "reason": run.problem} if run.report is None else run.report.to_json(now)
    return {"number": run.number, "name": run.name, "file": str(run.file)} | fields


def _print(found: list[KeptRun], now: float) -> None:
    console = terminal.Console()
    table = _table(COLUMNS)
    for one in found:
        table.add_row(*map(terminal.styled, _cells(one, now)))
    console.print(table)
    console.print("Compare two: `volume-booster runs --compare 1 2`; remove one: `volume-booster runs --remove 1`")


def _cells(run: KeptRun, now: float) -> tuple[str, ...]:
    report = run.report
    if report is None:
        return str(run.number), run.name, "unreadable", "", run.problem, "", ""
    progress = report.progress
    quote = report.quote
    filled = f"{shown(progress.filled_quote, quote)} of\n{shown(progress.target_quote, quote)} {quote}"
    name = f"{run.name}\n{report.trading}" if run.name != report.trading else run.name
    cost, took = f"{progress.cost_bps:.2f}", duration(report.runtime_s(now))
    return str(run.number), name, report.state, moment(report.started_at)[:16].replace(" ", "\n"), filled, cost, took


def _compare(first: KeptRun, second: KeptRun, *, now: float, is_json: bool) -> None:
    both = (first, second)
    figures = _differences(*(_figures(_report(one), now) for one in both))
    settings = _differences(*(_settings(one) for one in both))
    if is_json:
        found = {"a": _json(first, now), "b": _json(second, now)}
        lines.as_json(found | {"differences": _rows(figures), "settings": _rows(settings)})
        return
    console = terminal.Console()
    table = _table(("", *(f"{one.number}: {one.name}" for one in both)))
    for title, rows in (("Result", figures), ("Settings", settings)):
        table.add_row(terminal.styled(title, "bold"))
        for key, one, other in rows:
            table.add_row(*map(terminal.styled, (key, _text(one), _text(other))))
        if not rows:
            table.add_row("no difference")
    console.print(table)


def _kept(found: list[KeptRun], asked: str) -> KeptRun:
    """The run that is meant, which is not the present one."""
    run = kept_runs.find(found, asked, is_read=False)
    if run.name == kept_runs.PRESENT:
        raise home.HomeError("the present campaign is not removed: a run with --fresh sets it aside first")
    return run


def _remove(chosen: list[KeptRun], arguments: argparse.Namespace, now: float) -> None:
    """Remove the files of these runs, once that is confirmed."""
    if not arguments.yes:
        if not sys.stdin.isatty():
            raise home.HomeError("this can't be undone, and standard input is no terminal: confirm with --yes")
        console, table = terminal.Console(stderr=True), _table(COLUMNS)
        for run in chosen:
            table.add_row(*map(terminal.styled, _cells(run, now)))
        console.print(table)
        lines.complain("every order and fill of them is lost with the file; a report can't be made any more")
        if not lines.agrees("Remove?"):
            raise home.HomeError("nothing was removed")
    for run in chosen:
        remove(run.file)
    if arguments.json:
        lines.as_json({"removed": [{"name": run.name, "file": str(run.file)} for run in chosen]})
    else:
        for run in chosen:
            lines.say(f"removed: {run.name}")


def _figures(report: CampaignReport, now: float) -> dict[str, typing.Any]:
    return {key: value for key, value in report.to_json(now).items() if key not in NOT_COMPARED}


def _settings(run: KeptRun) -> dict[str, typing.Any]:
    with contextlib.closing(Journal.open_to_read(run.file, in_depth=False)) as journal:
        return journal.settings()


def _report(run: KeptRun) -> CampaignReport:
    assert run.report is not None, "find() has refused what can't be read"
    return run.report


def _differences(
    first: dict[str, typing.Any], second: dict[str, typing.Any]
) -> list[tuple[str, typing.Any, typing.Any]]:
    """What is not the same in both, in the order of the first."""
    keys = dict.fromkeys([*first, *second])
    return [(key, first.get(key), second.get(key)) for key in keys if first.get(key) != second.get(key)]


def _rows(differences: list[tuple[str, typing.Any, typing.Any]]) -> list[dict[str, typing.Any]]:
    return [{"name": name, "a": first, "b": second} for name, first, second in differences]


def _text(value: typing.Any) -> str:
    if value in (None, ""):
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _table(columns: tuple[str, ...]) -> rich.table.Table:
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False, padding=0)
    for name in columns:
        table.add_column(
            name, overflow="fold", no_wrap=name in WHOLE, min_width=FILLED_WIDTH if name == "filled" else None
        )
    return table
