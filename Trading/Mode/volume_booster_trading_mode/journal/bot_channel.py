"""Two small files beside a journal, for when the journal itself can't be used: a request to stop, and a bot's notice.

Both are made at their full size when a bot starts, and later written over in place, which also works on a full disk.
The request is obeyed like a command in the journal, within a second, also when the journal is gone or can't be written.
In the notice a bot says why it sends no order, for as long as that is so.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
from dataclasses import dataclass

from ..storage import private_files

REQUEST_FILE, NOTICE_FILE = "emergency.request", "bot.notice"
SIZE = 1024
FRESH_S = 5.0
"""A notice is written again each second: an older one is of a bot that has ended."""
NONE, REQUESTED, TAKEN = "none", "emergency-stop", "taken"


@dataclass(frozen=True, slots=True)
class BotNotice:
    """What a bot says of itself; times in seconds since 1970."""

    process: int
    at: float
    reason: str
    """Why it sends no order; empty when it may."""
    is_cancelled: bool
    """Whether an emergency stop has come to its end: every order is cancelled and confirmed."""


class BotChannel:
    """The files beside one journal."""

    def __init__(self, journal: pathlib.Path) -> None:
        self._request, self._notice = journal.with_name(REQUEST_FILE), journal.with_name(NOTICE_FILE)
        self._read: tuple[tuple[int, int, int], str] | None = None
        """What the request said when it was read last, and the file's state then."""

    def create(self) -> None:
        """A bot starts: both files are there at their full size, and a request that is waiting stays.

        :raises OSError: when they can't be written.
        """
        if self._state() is None:
            _write_over(self._request, NONE)
        _write_over(self._notice, "")

    def remove(self) -> None:
        """A bot ends; a request that is waiting stays."""
        with contextlib.suppress(OSError):
            self._notice.unlink(missing_ok=True)
            if self._state() == NONE:
                self._request.unlink()

    def request(self) -> None:
        """Ask for an emergency stop.

        :raises OSError: when it can't be written.
        """
        _write_over(self._request, REQUESTED)

    def clear(self) -> None:
        """No emergency stop is asked for any more.

        :raises OSError: when it can't be written.
        """
        if self._state() not in (None, NONE):
            _write_over(self._request, NONE)

    def take(self) -> None:
        """A bot has taken the request up, but can't write that into its journal: it holds for the next start, too.

        :raises OSError: when it can't be written.
        """
        _write_over(self._request, TAKEN)

    @property
    def is_requested(self) -> bool:
        """Whether an emergency stop is asked for that no bot has taken up. An empty file is one: there was no space."""
        return self._state() in (REQUESTED, "")

    @property
    def is_in_force(self) -> bool:
        """The same, or one that was taken up and could not be written down."""
        return self._state() in (REQUESTED, TAKEN, "")

    def tell(self, notice: BotNotice) -> None:
        """Let others know what this bot says of itself.

        :raises OSError: when it can't be written.
        """
        told = {"process": notice.process, "at": notice.at, "is_cancelled": notice.is_cancelled}
        _write_over(self._notice, json.dumps({**told, "reason": notice.reason[: SIZE // 2]}, ensure_ascii=False))

    def notice(self, now: float) -> BotNotice | None:
        """What a bot that runs says of itself; None when it has nothing to say, or none runs."""
        try:
            values = json.loads(self._notice.read_bytes())
            notice = BotNotice(
                int(values["process"]), float(values["at"]), str(values["reason"]), bool(values["is_cancelled"])
            )
        except (OSError, ValueError, TypeError, LookupError):
            return None
        return notice if abs(now - notice.at) <= FRESH_S else None

    def _state(self) -> str | None:
        """The first word of the request; None when there is no such file. It is read again only when it has changed."""
        try:
            found = os.stat(self._request)  # noqa: PTH116 - asked before each order: it takes a third of the time
            state = found.st_ino, found.st_size, found.st_mtime_ns
            if self._read is None or self._read[0] != state:
                text = self._request.read_bytes().decode("utf-8", "replace")
                self._read = state, next(iter(text.split()), "")
        except OSError:
            return None
        return self._read[1]

    def read_again(self) -> None:
        """Read the request the next time it is asked for: some file systems have times of two seconds."""
        self._read = None


def _write_over(path: pathlib.Path, text: str) -> None:
    """In place, without a moment in which the file is shorter; made with its folder when it is missing."""
    content = text.encode("utf-8")[:SIZE].ljust(SIZE)
    try:
        file = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        private_files.make_folder(path.parent)
        file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        os.write(file, content)
    finally:
        os.close(file)
