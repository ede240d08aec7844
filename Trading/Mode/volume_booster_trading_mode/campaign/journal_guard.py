"""Whether a running campaign is still written down where others read it, and what is asked of it when it is not."""

from __future__ import annotations

import contextlib
import os
import pathlib

from ..core.model.redact import text_of
from ..journal import file
from ..journal.bot_channel import BotChannel, BotNotice
from ..journal.file import JournalError
from ..journal.file_watch import FileWatch

LOOK_EVERY_S, TELL_EVERY_S = 0.5, 1.0


class JournalGuard:
    """Of the journal that a bot has open; of one that lives in memory, or of a backtest, nothing can be lost."""

    def __init__(self, path: pathlib.Path | None) -> None:
        self._watch = None if path is None else FileWatch(path)
        self._channel = None if path is None else BotChannel(path)
        self._path = path
        self._disk_problem = self._refused = self._for_good = ""
        self._looked_at: float | None = None
        self._told: BotNotice | None = None
        self.is_cancelled = False
        """Whether an emergency stop has come to its end."""
        if self._channel is not None:
            with contextlib.suppress(OSError):  # the disk is full: a request then makes the file itself
                self._channel.create()

    @property
    def problem(self) -> str:
        """Why no order may be sent, looked at now; empty when one may."""
        if self._watch is None:
            return ""
        return self._for_good or self._watch.problem() or self._disk_problem or self._refused

    def is_look_due(self, now: float) -> bool:
        """Whether the disk was not looked at for half a second; then it is said to be looked at now."""
        if self._watch is None or (self._looked_at is not None and abs(now - self._looked_at) < LOOK_EVERY_S):
            return False
        self._looked_at = now
        return True

    def look_at_disk(self) -> None:
        """See whether something can be written. For a thread: it may wait for the disk."""
        if self._watch is None or self._path is None or self._channel is None:
            return
        self._channel.read_again()
        self._disk_problem = self._watch.problem() or self._watch.disk_problem()
        if self._refused and not self._disk_problem:
            try:
                file.checkpoint(self._path)  # which writes, too
                self._refused = ""
            except JournalError as error:
                self._refused = text_of(error)

    def could_not_write(self, error: Exception) -> None:
        """The journal itself has refused a write: that holds until it takes one."""
        if self._watch is not None:
            self._refused = text_of(error)

    def give_up(self) -> None:
        """What happens is no longer written down by this process, whatever becomes of the disk."""
        self._for_good = "what the emergency stop did could not be written into the journal: restart OctoBot"

    def tell(self, now: float) -> None:
        """Say it in the notice beside the journal, each second as long as there is something to say."""
        problem = self.problem
        if self._channel is None or not (problem or self.is_cancelled or self._told):
            return
        told = BotNotice(os.getpid(), now, problem, self.is_cancelled)
        before = self._told
        is_news = before is None or (before.reason, before.is_cancelled) != (problem, self.is_cancelled)
        if before and not is_news and now - before.at < TELL_EVERY_S:
            return
        with contextlib.suppress(OSError):  # nothing beside the journal can be written: OctoBot's log says the same
            self._channel.tell(told)
        self._told = told if problem or self.is_cancelled else None

    @property
    def is_emergency_asked(self) -> bool:
        """Whether somebody asks for an emergency stop beside the journal, and it has not been taken up."""
        return self._channel is not None and self._channel.is_requested

    @property
    def is_emergency_in_force(self) -> bool:
        """The same, or whether one was taken up that could not be written down."""
        return self._channel is not None and self._channel.is_in_force

    def taken_up(self, *, is_written: bool) -> None:
        """The emergency stop is in force: in the journal, or where that was not possible only here."""
        if self._channel is not None:
            with contextlib.suppress(OSError):  # it is asked for again at the next look, which changes nothing
                if is_written:
                    self._channel.clear()
                else:
                    self._channel.take()

    def leave(self) -> None:
        """The bot ends."""
        if self._channel is not None:
            self._channel.remove()
