"""The log of a child process: it never outgrows its budget, and whatever happens to it stops nobody.

The file is opened anew for each piece, so that it may be moved, removed or put on a full disk at any moment.
"""

from __future__ import annotations

import pathlib
import threading

from . import private_files

LARGEST_BYTES = 4_000_000
"""Of the file; the one before is kept beside it as NAME.1, so that both together are twice as large at most."""
OLD_SUFFIX = ".1"


class BoundedLog:
    """A file that lines are added to, from several threads."""

    def __init__(self, path: pathlib.Path, largest_bytes: int = LARGEST_BYTES) -> None:
        self.path = path
        self._largest_bytes = largest_bytes
        self._lock = threading.Lock()
        self._lost = 0
        """Bytes that could not be written."""

    def add(self, line: bytes) -> None:
        """Add a line, shortened to what the budget allows; what can't be written is left out, and counted."""
        line = line[: self._largest_bytes // 2]
        with self._lock:
            try:
                self._write(line)
            except (
                OSError
            ):  # a full disk, or a folder that is gone: the run continues, and OctoBot has a log of its own
                self._lost += len(line)

    def _write(self, line: bytes) -> None:
        # the disk may have taken half of a line
        note = f"\n[{self._lost} bytes could not be written here]\n".encode() if self._lost else b""
        size = self._size()
        if size > self._largest_bytes:  # it was written before there was a budget
            self.path.unlink()
        elif size + len(note) + len(line) > self._largest_bytes:
            self.path.replace(self.path.with_name(self.path.name + OLD_SUFFIX))
        with open(self.path, "ab", opener=private_files.opener) as file:
            file.write(note + line)
        self._lost = 0

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0
