"""`volume-booster watch`: a running campaign, redrawn in place until it ends or its bot does."""

from __future__ import annotations

import argparse
import json
import time

import rich.console

from ...reporting.history import Watcher
from ..files import home
from ..process.watchdog import ExitCode
from ..screen.live import LiveView, summary_table
from .status import CampaignStatus, campaign_status, chosen_file

POLL_INTERVAL_S = 0.5


def main(arguments: argparse.Namespace) -> int:
    """Show the campaign until it ends; exit code 0 however it ends.

    :raises HomeError: when there is no campaign.
    :raises JournalError: when its journal can't be read.
    """
    octobot_home = home.Home(arguments.home.absolute())
    file = chosen_file(arguments, octobot_home)
    console = rich.console.Console(stderr=arguments.json)
    view = LiveView(console, is_quiet=False, watcher=Watcher(file or octobot_home.campaign))
    with view:
        status = campaign_status(octobot_home, file)
        while _is_watchable(status):
            view.show(status.report, status.now)
            time.sleep(POLL_INTERVAL_S)
            status = campaign_status(octobot_home, file)
    if arguments.json:
        print(json.dumps(status.to_json()))
    else:
        console.print(summary_table(status.report, status.now))
    return ExitCode.DONE


def _is_watchable(status: CampaignStatus) -> bool:
    """A halted campaign, or one with a daily target, is watched as long as an OctoBot runs it."""
    return status.process is not None and not (status.report.is_finished and status.report.is_wrapped_up)
