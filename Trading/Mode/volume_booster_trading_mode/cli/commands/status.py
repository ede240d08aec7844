"""`volume-booster status`: the campaign of a home at this moment, whether a bot runs it or not."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import time
import typing
from dataclasses import dataclass

from ...journal.bot_channel import BotChannel
from ...journal.bot_lock import running_bot
from ...journal.file import BACKTEST_FILE
from ...journal.journal import JournalError, NoCampaignError
from ...reporting.report import CampaignReport, read_report
from ..files.home import Home, HomeError
from ..process.watchdog import ExitCode
from ..screen import lines, terminal
from ..screen.live import summary_table
from ..screen.next_steps import next_step

NOT_RUNNING = "OctoBot is not running; started again, the campaign continues"


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """A campaign at one moment; `process` is the process id of the OctoBot that runs it, None when none does."""

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
    show(campaign_status(home, chosen_file(arguments, home)), as_json=arguments.json, home=arguments.home)
    return ExitCode.DONE


def chosen_file(arguments: argparse.Namespace, home: Home) -> pathlib.Path | None:
    """The file named on the command line; None for the home's own campaign."""
    file: pathlib.Path | None = arguments.campaign
    return home.path / "user" / BACKTEST_FILE if file is None and arguments.backtest else file


def show(status: CampaignStatus, *, as_json: bool, home: pathlib.Path) -> None:
    """Print the status: a table, or one JSON object."""
    if as_json:
        lines.as_json(status.to_json())
    else:
        terminal.show(summary_table(status.report, status.now))
        if line := next_step(status.report, home):
            terminal.wrapped(line)


def campaign_status(home: Home, file: pathlib.Path | None = None) -> CampaignStatus:
    """The campaign of a home, or of a file, now; running or paused only while an OctoBot runs it.

    :raises HomeError: when there is no campaign.
    :raises JournalError: when its journal can't be read.
    """
    now, path = time.time(), file or home.campaign
    try:
        report = read_report(path, now)
    except NoCampaignError:
        report = None
    return status_of(report, home, file, now)


def status_of(report: CampaignReport | None, home: Home, file: pathlib.Path | None, now: float) -> CampaignStatus:
    """What a report that was just read says together with the bot; errors as above."""
    path = file or home.campaign
    # nobody runs a campaign that was set aside
    is_in_place = path.name == home.campaign.name
    notice = BotChannel(path).notice(now) if is_in_place else None
    process = running_bot(path) if is_in_place else None
    if process is None and notice is not None:
        process = notice.process
    if report is None and process is not None and not path.exists():
        if notice is None or not notice.reason:  # it looks at its journal twice a second
            raise HomeError(f"OctoBot (process {process}) has no campaign in {path} yet: ask again in a moment")
        raise JournalError(
            f"OctoBot (process {process}) runs a campaign here that can't be shown: {notice.reason}; it sends no "
            "order, and an emergency stop still reaches it"
        )
    if report is None:
        where = file or f"{home.path}: a run begins one, or name its home with --home"
        raise HomeError(f"there is no campaign in {where}")
    if notice and notice.reason and report.is_live:
        report = dataclasses.replace(report, state="halted", reason=notice.reason)
    if process is None and report.is_live:
        why = NOT_RUNNING if report.state == "running" else f"{NOT_RUNNING} paused"
        report = report.stopped(why, report.last_seen_at)
    return CampaignStatus(report, process, now)
