"""`volume-booster status`: one look at the campaign of a home, live or dead."""

from __future__ import annotations

import argparse
import json
import pathlib
import time
import typing
from dataclasses import dataclass

import rich.console

from ..bot_lock import running_bot
from ..campaign import BACKTEST_FILE
from ..journal import NoCampaignError
from ..report import CampaignReport, read_report
from .home import Home, HomeError
from .live import summary_table
from .watchdog import ExitCode

NOT_RUNNING = "OctoBot is not running; started again, the campaign goes on"


@dataclass(frozen=True, slots=True)
class Look:
    """A campaign at one moment; `process` is the number of the OctoBot that runs it, None when none does."""

    report: CampaignReport
    process: int | None
    now: float

    def to_json(self) -> dict[str, typing.Any]:
        """The fields of the contract, and the process."""
        return self.report.to_json(self.now) | {"process": self.process}


def main(arguments: argparse.Namespace) -> int:
    """Show the campaign; exit code 0 whatever its state.

    :raises HomeError: when there is no campaign.
    :raises JournalError: when its journal can't be read.
    """
    home = Home(arguments.home.absolute())
    show(look(home, asked_file(arguments, home)), as_json=arguments.json)
    return ExitCode.DONE


def asked_file(arguments: argparse.Namespace, home: Home) -> pathlib.Path | None:
    """The file of another campaign than the home's own, where one was asked for."""
    file: pathlib.Path | None = arguments.campaign
    return home.path / "user" / BACKTEST_FILE if file is None and arguments.backtest else file


def show(seen: Look, *, as_json: bool) -> None:
    """Print what was seen: a table, or one JSON object."""
    if as_json:
        print(json.dumps(seen.to_json()))
    else:
        rich.console.Console().print(summary_table(seen.report, seen.now))


def look(home: Home, file: pathlib.Path | None = None) -> Look:
    """The campaign of a home, or of a file, now. It is running or paused only when there is an OctoBot that runs it.

    :raises HomeError: when there is no campaign.
    :raises JournalError: when its journal can't be read.
    """
    now, path = time.time(), file or home.campaign
    try:
        report = read_report(path, now)
    except NoCampaignError:
        report = None
    if report is None:
        where = file or f"{home.path}: a run begins one, or name its home with --home"
        raise HomeError(f"there is no campaign in {where}")
    # one that is kept beside the campaign of a home is run by nobody
    process = running_bot(path) if path.name == home.campaign.name else None
    if process is None and report.is_live:
        why = NOT_RUNNING if report.state == "running" else f"{NOT_RUNNING} paused"
        report = report.stopped(why, report.last_seen_at)
    return Look(report, process, now)
