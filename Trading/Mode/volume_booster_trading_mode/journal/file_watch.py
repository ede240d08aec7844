"""Whether the file of a running campaign is still the one that was opened, and can be written."""

from __future__ import annotations

import contextlib
import os
import pathlib

PROBE_FILE = "bot.probe"
PROBE = bytes(8192)
"""As much as a small write of the journal takes."""

Identity = tuple[int, int]


class FileWatch:
    """Of one journal that this process has open. Each look costs a few microseconds, a look at the disk some fifty."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._parts = (path, path.with_name(f"{path.name}-wal"))
        self._identities: dict[pathlib.Path, Identity] = {}
        self.problem()

    def problem(self) -> str:
        """Why what is written would be lost, in a sentence; empty when it would not."""
        for part in self._parts:
            try:
                now = _identity(part)
            except FileNotFoundError:
                if part in self._identities or part == self._path:
                    return f"the journal's file {part} is gone: put it back, or restart OctoBot for a new campaign"
                continue
            except OSError as error:
                return f"the journal's file {part} can't be reached: {error.strerror}"
            if self._identities.setdefault(part, now) != now:
                return (
                    f"the journal's file {part} was replaced: restart OctoBot, which reads the file that is there now"
                )
        return ""

    def disk_problem(self) -> str:
        """Why nothing can be written into its folder, in a sentence; empty when it can. May wait for the disk."""
        if self._path.is_file() and not os.access(self._path, os.W_OK):
            return f"the journal's file {self._path} can't be written: make it writable"
        probe = self._path.with_name(PROBE_FILE)
        try:
            with probe.open("wb") as file:
                file.write(PROBE)
        except OSError as error:
            return f"nothing can be written beside the journal {self._path}: {error.strerror}"
        finally:
            with contextlib.suppress(OSError):
                probe.unlink(missing_ok=True)
        return ""


def _identity(path: pathlib.Path) -> Identity:
    found = os.stat(path)  # noqa: PTH116 - asked before each order: it takes a third of the time
    return found.st_dev, found.st_ino
