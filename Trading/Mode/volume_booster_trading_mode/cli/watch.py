"""`volume-booster watch`: a campaign while it runs, redrawn in place, until it ends or is no longer run."""

from __future__ import annotations

import argparse
import json
import time

import rich.console

from ..history import Watcher
from . import home
from .live import LiveView, summary_table
from .status import Look, asked_file, look
from .watchdog import ExitCode

LOOK_EVERY_S = 0.5


def main(arguments: argparse.Namespace) -> int:
    """Show the campaign until it ends; exit code 0 however it ends.

    :raises HomeError: when there is no campaign.
    :raises JournalError: when its journal can't be read.
    """
    octobot_home = home.Home(arguments.home.absolute())
    file = asked_file(arguments, octobot_home)
    console = rich.console.Console(stderr=arguments.json)
    view = LiveView(console, is_quiet=False, watcher=Watcher(file or octobot_home.campaign))
    with view:
        seen = look(octobot_home, file)
        while _goes_on(seen):
            view.show(seen.report, seen.now)
            time.sleep(LOOK_EVERY_S)
            seen = look(octobot_home, file)
    if arguments.json:
        print(json.dumps(seen.to_json()))
    else:
        console.print(summary_table(seen.report, seen.now))
    return ExitCode.DONE


def _goes_on(seen: Look) -> bool:
    """A halted or a day's campaign is watched as long as an OctoBot runs it."""
    return seen.process is not None and not (seen.report.is_finished and seen.report.is_wrapped_up)
