"""`volume-booster pause | resume | stop | target | emergency-stop`: commands to a campaign, through its journal."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable

from ...core.decision.control import EMERGENCY, PAUSE, RESUME, STOP
from ...core.model.formats import shown
from ...core.settings.schema import parse_settings
from ...journal.bot_lock import running_bot
from ...journal.journal import TARGET, Journal
from ..files.home import Home
from ..process.watchdog import ExitCode
from .status import CampaignStatus, campaign_status, show

TAKEN_UP_WITHIN_S = 5.0
ENDED_WITHIN_S = 30.0
POLL_INTERVAL_S = 0.05

EMERGENCY_WORD = "EMERGENCY_STOP"
CANCELLED_WITHIN_S = 60.0

_DONE = {
    PAUSE: "Paused: no new order is placed until `volume-booster resume`.",
    RESUME: "Resumed. Guard counters were reset if a guard had halted it.",
    EMERGENCY: "Emergency stop: all open orders are cancelled and confirmed, and the mode is switched off.",
    STOP: "Stopped: OctoBot has ended; started again, the campaign goes on.",
    TARGET: "The target is {target} now.",
}
_WHILE_DOWN = {
    PAUSE: "OctoBot is not running: it will be paused when it is started.",
    RESUME: "OctoBot is not running: it will not be paused or halted when it is started.",
    EMERGENCY: "OctoBot is not running: when it is started it cancels what it finds open, and trades nothing.",
    STOP: "OctoBot is not running.",
    TARGET: "OctoBot is not running: the target is {target} when it is started.",
}


def pause(arguments: argparse.Namespace) -> int:
    return _steer(arguments, PAUSE)


def resume(arguments: argparse.Namespace) -> int:
    return _steer(arguments, RESUME)


def stop(arguments: argparse.Namespace) -> int:
    return _steer(arguments, STOP)


def target(arguments: argparse.Namespace) -> int:
    """:raises SettingsError: when it is no target."""
    settings = parse_settings({"volume_target": arguments.quote})
    return _steer(arguments, TARGET, f"{settings.volume_target:f}")


def emergency_stop(arguments: argparse.Namespace) -> int:
    """No further order from this moment. A word must be typed first, unless `--yes` was given."""
    if not arguments.yes and not _is_confirmed():
        print(f"volume-booster: nothing was done: {EMERGENCY_WORD} was not typed", file=sys.stderr)
        return ExitCode.UNUSABLE
    return _steer(arguments, EMERGENCY)


def _is_confirmed() -> bool:
    prompt = f"This cancels every open order of the campaign and switches the mode off. Type {EMERGENCY_WORD}: "
    try:
        return input(prompt).strip() == EMERGENCY_WORD
    except EOFError:
        print()
        return False


def _steer(arguments: argparse.Namespace, kind: str, value: str = "") -> int:
    """Write the command to the journal, wait until the bot has carried it out, and report the result.

    :raises HomeError: when there is no campaign.
    :raises JournalError: when its journal can't be used.
    """
    home = Home(arguments.home.absolute())
    before = campaign_status(home)
    sentence, problem = _DONE[kind], None
    if before.process is None:
        sentence = _WHILE_DOWN[kind]
    if before.process is not None or kind != STOP:
        problem = _send(home, kind, value, before.process)
    after = campaign_status(home)
    if problem is not None:
        print(f"volume-booster: {problem}", file=sys.stderr)
    if arguments.json:
        show(after, as_json=True)
    elif problem is None:
        print(sentence.format(target=_amount(after, value)))
    return ExitCode.DONE if problem is None else ExitCode.FAILED


def _send(home: Home, kind: str, value: str, process: int | None) -> str | None:
    """Why the command is not carried out yet, None when it is or will be at the next start."""
    with contextlib.closing(Journal.create_or_open(home.campaign)) as journal:
        command_id = journal.add_command(time.time(), kind, value)
        if process is None:
            return None
        if not _is_soon(lambda: journal.is_handled(command_id), TAKEN_UP_WITHIN_S):
            if kind == EMERGENCY:
                return _end_by_force(process)
            within = f"in {TAKEN_UP_WITHIN_S:g} s; it will when it can"
            return f"OctoBot (process {process}) has not taken the command up {within}"
    if kind == STOP and not _is_soon(lambda: running_bot(home.campaign) is None, ENDED_WITHIN_S):
        return f"OctoBot (process {process}) places no more orders, but has not ended in {ENDED_WITHIN_S:g} s"
    if kind == EMERGENCY and not _is_soon(lambda: _is_carried_out(home), CANCELLED_WITHIN_S):
        return (
            f"OctoBot (process {process}) places no more orders, but has not confirmed in {CANCELLED_WITHIN_S:g} s "
            "that all are cancelled: it goes on trying; look at the exchange's own list of open orders"
        )
    return None


def _is_carried_out(home: Home) -> bool:
    """Whether the bot has reported that no order is open any more."""
    report = campaign_status(home).report
    return report.state in ("halted", "done") and not report.progress.open_orders


def _end_by_force(process: int) -> str:
    """OctoBot does not react: ended, it can send nothing. What rests on the exchange is cancelled at its next start."""
    with contextlib.suppress(OSError):  # it has ended just now
        os.kill(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    return (
        f"OctoBot (process {process}) did not react in {TAKEN_UP_WITHIN_S:g} s and was ended by force, so that it "
        "sends no more orders. Orders of it may still rest on the exchange: cancel them there, or start OctoBot, which "
        "cancels them first and trades nothing"
    )


def _is_soon(is_so: Callable[[], bool], within_s: float) -> bool:
    until = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() >= until:
            return False
        time.sleep(POLL_INTERVAL_S)
    return True


def _amount(status: CampaignStatus, value: str) -> str:
    return f"{shown(status.report.progress.target_quote)} {status.report.quote}".strip() if value else ""
