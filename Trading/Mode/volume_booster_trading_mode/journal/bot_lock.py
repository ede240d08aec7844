"""One bot for each home: a lock that its process holds as long as it lives, however it ends.

It is a lock of SQLite's on an empty database of its own, which the operating system takes away with the process on
every platform. The number of the process is the file's user_version, for the others to tell.
"""

from __future__ import annotations

import os
import pathlib
import sqlite3

from ..storage import private_files

LOCK_FILE = "bot.lock"
TIMEOUT_S = 1.0
_LARGEST_VERSION = 2**31 - 1


class BotLock:
    """The lock of the folder that a campaign's file is in."""

    def __init__(self, journal: pathlib.Path) -> None:
        self._path = journal.with_name(LOCK_FILE)
        self._connection: sqlite3.Connection | None = None

    def take(self) -> int | None:
        """Take the lock for this process: None when it is ours now, else the number of the process that has it.

        :raises sqlite3.Error, OSError: when it can't be told.
        """
        private_files.make_folder(self._path.parent)
        private_files.close_folder(self._path.parent)
        connection = sqlite3.connect(self._path, timeout=TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(f"PRAGMA user_version = {os.getpid() & _LARGEST_VERSION}")
            connection.execute("COMMIT")
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            holder = _process(connection)
            connection.close()
            if not _is_locked(error):
                raise
            return holder
        self._connection = connection
        return None

    def release(self) -> None:
        """Give the lock back; a lock that is not held stays so."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def running_bot(journal: pathlib.Path) -> int | None:
    """The number of the process of the bot that has a campaign open; None when none has."""
    path = journal.with_name(LOCK_FILE)
    if not path.is_file():
        return None
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        return None
    except sqlite3.Error as error:
        return _process(connection) if _is_locked(error) else None
    finally:
        connection.close()


def _process(connection: sqlite3.Connection) -> int:
    try:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.Error:
        return 0  # it is being written just now


def _is_locked(error: sqlite3.Error) -> bool:
    return "locked" in str(error)
