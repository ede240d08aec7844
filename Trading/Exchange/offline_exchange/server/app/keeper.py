"""Keeps the exchange on the disk while it runs: a log of what is done, and now and then a file of it all."""

from __future__ import annotations

import asyncio
import logging
import pathlib
import time

from .assembly import Assembled
from .operation_log import OperationLog
from .state import StateError, StateText, write_state

LEAST_PAUSE_SECONDS = 5.0
LARGEST_SHARE_OF_TIME = 0.05
LARGEST_LOG_BYTES = 1_000_000
"""From there on the file is written although no account has done anything: questions draw the market, too."""
_log = logging.getLogger(__name__)


class StateSaver:
    """Logs every operation, and writes the file after changes, every few seconds, less often when writing is slow.

    With `is_on_disk` what was done is safe from a power cut before it is answered, else from the death of the process.
    """

    def __init__(self, path: pathlib.Path, assembled: Assembled, *, is_on_disk: bool = True) -> None:
        self._path = path
        self._exchange = assembled.exchange
        self._scenario = assembled.scenario
        self._text = StateText()
        self._saved_changes = -1
        self._due_at = 0.0
        self._log = OperationLog(path, is_on_disk, assembled.generation)
        self._exchange.record = self._log.append
        self.settle = self._log.settle

    def save_now(self) -> None:
        """Write the file, and begin its log. Raises StateError."""
        changes, text = self._next()
        write_state(self._path, text)
        self._log.drop_older_at_once()
        self._saved_changes = changes

    def close(self) -> None:
        """Write the file for the last time, and remove its log. Raises StateError."""
        self._exchange.record = None
        self.save_now()
        self._log.close()

    async def save_if_due(self) -> None:
        """Write the file if something has changed and a save is due; a failure is logged and retried later."""
        started_at = time.monotonic()
        if started_at < self._due_at or not self._has_changed():
            return
        try:
            changes, text = self._next()
            await asyncio.to_thread(write_state, self._path, text)
            await self._log.drop_older()
            self._saved_changes = changes
        except StateError as error:
            _log.warning("%s", error)
        ended_at = time.monotonic()
        self._due_at = ended_at + max(LEAST_PAUSE_SECONDS, (ended_at - started_at) / LARGEST_SHARE_OF_TIME)

    def _has_changed(self) -> bool:
        return self._saved_changes != self._exchange.changes or self._log.length > LARGEST_LOG_BYTES

    def _next(self) -> tuple[int, str]:
        """Changes and text of this moment, from which the next log goes on. Raises StateError."""
        try:
            self._log.begin()
        except OSError as error:
            raise StateError(f"cannot write the log of the state to {self._path}: {error.strerror}.") from error
        now_ms = self._exchange.clock.now_ms()
        return self._exchange.changes, self._text.of(self._exchange, self._scenario, now_ms, self._log.generation)
