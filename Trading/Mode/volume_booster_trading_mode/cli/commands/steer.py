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
from ...core.model.redact import text_of
from ...core.settings.schema import parse_settings
from ...journal.bot_channel import BotChannel
from ...journal.bot_lock import running_bot
from ...journal.journal import TARGET, Journal, JournalError
from ..files.home import Home, HomeError
from ..process.watchdog import ExitCode
from ..screen import lines
from .status import CampaignStatus, campaign_status, show

TAKEN_UP_WITHIN_S = 5.0
ENDED_WITHIN_S = 30.0
POLL_INTERVAL_S = 0.05

EMERGENCY_WORD = "EMERGENCY_STOP"
CANCELLED_WITHIN_S = 60.0
NOTICED_WITHIN_S = 2.0
"""A bot whose files were removed says so within this."""

_DONE = {
    PAUSE: "Paused: no new order is placed until `volume-booster resume`.",
    RESUME: "Resumed. Guard counters were reset if a guard had halted it. It has cost {spent} in all so far.",
    EMERGENCY: "Emergency stop: all open orders are cancelled and confirmed, and the mode is switched off.",
    STOP: "Stopped: OctoBot has ended; started again, the campaign continues.",
    TARGET: "The target is {target} now.",
}
_WHILE_DOWN = {
    PAUSE: "OctoBot is not running: it will be paused when it is started.",
    RESUME: "OctoBot is not running: it will not be paused or halted when it is started. It has cost {spent} in all.",
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
    """A target that is filled already ends the campaign, so on a terminal that is asked first.

    :raises SettingsError: when it is no target.
    """
    settings = parse_settings({"volume_target": arguments.quote})
    report = campaign_status(Home(arguments.home.absolute())).report
    if settings.volume_target <= report.progress.filled_quote:
        asked, filled = (shown(value, report.quote) for value in (settings.volume_target, report.progress.filled_quote))
        lines.complain(
            f"{asked} is no more than the {filled} {report.quote} that are filled: the campaign ends with it"
        )
        if sys.stdin.isatty() and not arguments.yes and not lines.agrees("Set it?"):
            lines.complain("nothing was done: the target stays")
            return ExitCode.UNUSABLE
    return _steer(arguments, TARGET, f"{settings.volume_target:f}")


def emergency_stop(arguments: argparse.Namespace) -> int:
    """No further order from this moment. A word must be typed first, unless `--yes` was given."""
    if not arguments.yes and not _is_confirmed():
        lines.complain(f"nothing was done: {EMERGENCY_WORD} was not typed")
        return ExitCode.UNUSABLE
    home = Home(arguments.home.absolute())
    process = _running_process(home)
    if process is None:
        return _steer(arguments, EMERGENCY)
    asked = _ask_beside_the_journal(home)
    try:
        return _steer(arguments, EMERGENCY)
    except (JournalError, HomeError) as error:
        if not asked:
            raise
        return _stop_without_journal(home, process, error)


def _running_process(home: Home) -> int | None:
    """The OctoBot of a home: by its lock, or by its notice where somebody has removed the lock with the journal."""
    channel = BotChannel(home.campaign)

    def told() -> int | None:
        notice = channel.notice(time.time())
        return running_bot(home.campaign) or (notice.process if notice else None)

    if told() is None and home.config.is_file() and not home.campaign.exists():
        _is_soon(lambda: told() is not None, NOTICED_WITHIN_S)
    return told()


def _ask_beside_the_journal(home: Home) -> bool:
    """Ask the bot without its journal: it obeys within a second, also where neither of us can write that."""
    try:
        BotChannel(home.campaign).request()
    except OSError as error:
        lines.complain(f"the request beside the journal can't be written: {text_of(error)}")
        return False
    return True


def _stop_without_journal(home: Home, process: int, error: Exception) -> int:
    """Wait for what the bot says beside its journal, as that can't be used."""
    channel, told = BotChannel(home.campaign), text_of(error)
    if not _is_soon(lambda: not channel.is_requested, TAKEN_UP_WITHIN_S):
        problem = _end_by_force(process)
    elif not _is_soon(lambda: _is_cancelled(channel), CANCELLED_WITHIN_S):
        problem = _not_confirmed(process)
    else:
        lines.say(f"{_DONE[EMERGENCY]} The journal could not be used: {told}")
        return ExitCode.DONE
    lines.complain(f"{problem}")
    return ExitCode.FAILED


def _not_confirmed(process: int | None) -> str:
    return (
        f"OctoBot (process {process}) places no more orders, but has not confirmed in {CANCELLED_WITHIN_S:g} s "
        "that all are cancelled: it keeps trying; look at the exchange's own list of open orders"
    )


def _is_cancelled(channel: BotChannel) -> bool:
    notice = channel.notice(time.time())
    return notice is not None and notice.is_cancelled


def _is_confirmed() -> bool:
    prompt = f"This cancels every open order of the campaign and switches the mode off. Type {EMERGENCY_WORD}: "
    try:
        return lines.ask(prompt) == EMERGENCY_WORD
    except EOFError:
        lines.say("")
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
        lines.complain(problem)
    if arguments.json:
        show(after, as_json=True, home=arguments.home)
    elif problem is None:
        lines.say(sentence.format(target=_amount(after, value), spent=_spent(after)))
    return ExitCode.DONE if problem is None else ExitCode.FAILED


def _send(home: Home, kind: str, value: str, process: int | None) -> str | None:
    """Why the command is not carried out yet, None when it is or will be at the next start."""
    channel = BotChannel(home.campaign)
    with contextlib.closing(Journal.create_or_open(home.campaign)) as journal:
        command_id = journal.add_command(time.time(), kind, value)
        if kind == RESUME:
            _withdraw_request(channel)
        if process is None:
            return None

        def is_taken() -> bool:
            return journal.is_handled(command_id) or (kind == EMERGENCY and not channel.is_requested)

        if not _is_soon(is_taken, TAKEN_UP_WITHIN_S):
            if kind == EMERGENCY:
                return _end_by_force(process)
            within = f"in {TAKEN_UP_WITHIN_S:g} s; it will when it can"
            return f"OctoBot (process {process}) has not taken the command up {within}"
    if kind == STOP and not _is_soon(lambda: running_bot(home.campaign) is None, ENDED_WITHIN_S):
        return f"OctoBot (process {process}) places no more orders, but has not ended in {ENDED_WITHIN_S:g} s"
    if kind == EMERGENCY and not _is_soon(lambda: _is_cancelled(channel) or _is_carried_out(home), CANCELLED_WITHIN_S):
        return _not_confirmed(process)
    return None


def _withdraw_request(channel: BotChannel) -> None:
    """A person resumes: an emergency stop that could not be written into the journal ends, too."""
    try:
        channel.clear()
    except OSError as error:
        lines.complain(f"the request beside the journal can't be cleared: {text_of(error)}")


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


def _spent(status: CampaignStatus) -> str:
    """What the campaign has cost over every resume, pair and day."""
    quote = status.report.quote
    return f"{shown(status.report.progress.total_cost_quote, quote)} {quote}".strip()


def _amount(status: CampaignStatus, value: str) -> str:
    quote = status.report.quote
    return f"{shown(status.report.progress.target_quote, quote)} {quote}".strip() if value else ""
