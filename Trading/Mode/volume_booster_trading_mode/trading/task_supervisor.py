"""What goes wrong in the tasks of one loop: nothing ends one of them silently, or goes on failing silently."""

from __future__ import annotations

import asyncio
import contextlib
import random
import typing
from collections.abc import Coroutine, Iterator

from ..adapters.runtime.error_log import log_error
from ..core.decision.guards import Halt
from ..core.decision.timing import pacing
from ..core.model.redact import named, text_of
from ..journal.journal import ERROR, JournalError
from .session import Session


class TaskSupervisor:
    """Of one loop: told of errors, it says when to try again; what it keeps alive and ends all the same halts."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._errors_in_a_row = 0

    def succeeded(self) -> None:
        """The next error is the first one again."""
        self._errors_in_a_row = 0

    def failed(self, error: Exception) -> float:
        """Tell what went wrong, in the log and as the reason of this market; the seconds until the next try."""
        session = self._session
        self._errors_in_a_row += 1
        delay_s = pacing.backoff_delay(self._errors_in_a_row, random.Random(self._errors_in_a_row))
        why = text_of(error)
        log_error(session.logger, error, f"Volume booster of {session.source}: {why}; next try in {delay_s:.0f} s")
        with self._logged():
            session.release_share(due_in_s=delay_s)
            if session.campaign is not None and isinstance(error, JournalError):
                session.campaign.guard.could_not_write(error)
            if session.campaign is not None:
                session.campaign.note(session.now(), ERROR, session.source, why)
        return delay_s

    @contextlib.contextmanager
    def _logged(self) -> Iterator[None]:
        """Within it one more error does not end what tells of the first one."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - it is logged
            log_error(self._session.logger, error, f"Volume booster of {self._session.source}: {text_of(error)}")

    async def lasting(self, what: str, work: Coroutine[typing.Any, typing.Any, None]) -> None:
        """Do work that lasts until the loop is stopped. If it ends otherwise no order is sent, and a person is told."""
        try:
            await work
        except asyncio.CancelledError:
            self._end_of(what, "its task was cancelled")
            raise
        except Exception as error:  # noqa: BLE001 - it is told as a halt
            self._end_of(what, named(error))
            log_error(self._session.logger, error, f"The {what} of {self._session.source} has ended: {named(error)}")
        else:
            self._end_of(what, "it came to its end")

    def not_started(self, error: Exception) -> None:
        """The loop could not begin: no order is ever sent."""
        session = self._session
        session.problem = text_of(error)
        if session.campaign is not None and not isinstance(error, JournalError):
            with self._logged():
                session.halt(Halt(session.problem))
        log_error(session.logger, error, f"Volume booster not started: {session.problem}")

    def _end_of(self, what: str, why: str) -> None:
        """Nothing to tell where the loop was stopped."""
        session = self._session
        if session.campaign is None or session.is_stopping:
            return
        session.ended = f"the {what} of {session.source} has ended, so no order is sent: {why}; restart OctoBot"
        with self._logged():
            session.halt(Halt(session.ended))
