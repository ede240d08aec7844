"""`volume-booster watch`: a running campaign, redrawn in place until it ends or its bot does."""

from __future__ import annotations

import argparse
import pathlib
import time
import typing

from ...reporting.history import Watcher
from ..files import home
from ..process.watchdog import ExitCode
from ..screen import lines, terminal
from ..screen.live import LiveView
from .status import CampaignStatus, campaign_status, chosen_file, show

POLL_INTERVAL_S = 0.5
_ALWAYS_NEW = ("runtime_s", "eta_s", "rate_quote_per_hour")
"""Fields that change with the time alone."""
PAUSE_PER_LOOK = 4
"""A look at a large journal takes longer: it leaves the bot most of the time of a processor."""


def main(arguments: argparse.Namespace) -> int:
    """Show the campaign until it ends; exit code 0 however it ends.

    :raises HomeError: when there is no campaign.
    :raises JournalError: when its journal can't be read.
    """
    octobot_home = home.Home(arguments.home.absolute())
    file = chosen_file(arguments, octobot_home)
    if arguments.json:
        return _stream(octobot_home, file)
    console = terminal.Console()
    view = LiveView(console, is_quiet=False, watcher=Watcher(file or octobot_home.campaign))
    look_s = 0.0
    with view:
        status = campaign_status(octobot_home, file)
        while _is_watchable(status):
            view.show(status.report, status.now)
            time.sleep(max(POLL_INTERVAL_S, PAUSE_PER_LOOK * look_s))
            began_at = time.monotonic()
            status = campaign_status(octobot_home, file)
            look_s = time.monotonic() - began_at
    show(status, as_json=False, home=arguments.home)
    return ExitCode.DONE


def _stream(octobot_home: home.Home, file: pathlib.Path | None) -> int:
    """One JSON object a line, each time that something is new, and one at the end."""
    last: dict[str, typing.Any] = {}
    status = campaign_status(octobot_home, file)
    while _is_watchable(status):
        fields = status.to_json()
        if any(fields[key] != last.get(key) for key in fields if key not in _ALWAYS_NEW):
            lines.as_json(fields)
            last = fields
        time.sleep(POLL_INTERVAL_S)
        status = campaign_status(octobot_home, file)
    lines.as_json(status.to_json())
    return ExitCode.DONE


def _is_watchable(status: CampaignStatus) -> bool:
    """A halted campaign, or one with a daily target, is watched as long as an OctoBot runs it."""
    return status.process is not None and not (status.report.is_finished and status.report.is_wrapped_up)
