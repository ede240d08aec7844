"""Saves the state file while the exchange runs, without slowing it down."""

from __future__ import annotations

import asyncio
import logging
import pathlib
import time

from .assembly import Assembled
from .state import StateError, StateText, write_state

LEAST_PAUSE_SECONDS = 1.0
LARGEST_SHARE_OF_TIME = 0.05
_log = logging.getLogger(__name__)


class StateSaver:
    """Writes the file after changes, about once a second, less often when writing is slow."""

    def __init__(self, path: pathlib.Path, assembled: Assembled) -> None:
        self._path = path
        self._exchange = assembled.exchange
        self._scenario = assembled.scenario
        self._text = StateText()
        self._saved_changes = -1
        self._due_at = 0.0

    def save_now(self) -> None:
        """Write the file if something has changed. Raises StateError."""
        if self._saved_changes != self._exchange.changes:
            changes, text = self._exchange.changes, self._written()
            write_state(self._path, text)
            self._saved_changes = changes

    async def save_if_due(self) -> None:
        """Write the file if something has changed and a save is due; a failure is logged and retried later."""
        started_at = time.monotonic()
        if started_at < self._due_at or self._saved_changes == self._exchange.changes:
            return
        changes, text = self._exchange.changes, self._written()
        try:
            await asyncio.to_thread(write_state, self._path, text)
            self._saved_changes = changes
        except StateError as error:
            _log.warning("%s", error)
        ended_at = time.monotonic()
        self._due_at = ended_at + max(LEAST_PAUSE_SECONDS, (ended_at - started_at) / LARGEST_SHARE_OF_TIME)

    def _written(self) -> str:
        return self._text.of(self._exchange, self._scenario, self._exchange.clock.now_ms())
