"""The file of a journal: made whole, looked at before it is trusted, moved only when a person asks for it.

A file that can't be used is left as it is, to the byte: it may be all that is left of a campaign.
"""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
import time
import typing
from collections.abc import Iterator

from ..storage import private_files
from . import schema, seals
from .schema import SCHEMA_VERSION as SCHEMA_VERSION
from .schema import TABLES_OF_VERSION_1, version_of

CAMPAIGN_FILE = pathlib.PurePath("volume_booster", "campaign.sqlite")
"""Where a campaign lives, under OctoBot's user folder."""
BACKTEST_FILE = pathlib.PurePath("volume_booster", "backtest", "campaign.sqlite")
"""Where the campaign of the last backtest lives, under OctoBot's user folder."""

LOCK_TIMEOUT_S = 1.0
"""How long a write waits for somebody else's; the bot's event loop waits with it."""
LOG_LIMIT = 8_000_000
"""The write-ahead log is kept below this, in bytes; above three quarters of it a checkpoint is due."""
BACKSTOP_PAGES = LOG_LIMIT // 4_096
"""So many pages in the log are brought down by the writer itself, should nobody call `checkpoint`."""

Row = tuple[typing.Any, ...]

LONGEST_REASON = 100
_START_ANEW = "move it aside for a new campaign, or start with --fresh, which does that"
_ADVICE = {
    "disk is full": "free some space, then start again: nothing that was written before is lost",
    "is locked": "another program holds it: close that, then start again",
    "readonly": "make it and its folder writable, then start again",
    "unable to open": "make its folder readable and writable, then start again",
    "disk I/O error": "look after the disk, then start again",
    "not a database": f"it is damaged or something else: {_START_ANEW}",
    "malformed": f"it is damaged: {_START_ANEW}",
}


class JournalError(Exception):
    """The file can't be used; one sentence says why and how to continue."""


class NoCampaignError(JournalError):
    """There is no campaign in this place, or none yet."""


@contextlib.contextmanager
def translate_errors(path: pathlib.Path | None, what: str) -> Iterator[None]:
    """Translate SQLite and OS errors into JournalError.

    :raises JournalError: "the journal PATH can't be WHAT: why; how to continue".
    """
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeError) as error:
        raise sentence_of(error, path, what) from error


def sentence_of(error: Exception, path: pathlib.Path | None, what: str) -> JournalError:
    """The error of a database in one sentence: see `told`."""
    why = (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0][:LONGEST_REASON]
    if "UTF-8" in why:
        why = "what should be text is none"
    return JournalError(f"the journal {path} can't be {what}: {why}{_advice(error, why)}")


def _advice(error: Exception, why: str) -> str:
    """How to continue after an error; an error of a database that can't be explained otherwise is damage."""
    known = next((advice for part, advice in _ADVICE.items() if part in why), None)
    if known is None and isinstance(error, (OSError, sqlite3.IntegrityError)):
        return ""
    return f"; {known or _ADVICE['malformed']}"


def corruption_error(path: pathlib.Path | None, what: str) -> JournalError:
    """The error of a file that does not say what was once written to it."""
    return JournalError(f"the journal {path} is damaged ({what}): {_START_ANEW}")


def open_to_write(path: pathlib.Path | None, *, is_checked: bool = False) -> sqlite3.Connection:
    """The file at `path`, made with its folder when it is missing, in the present schema; None is one in memory.

    `is_checked`: `open_to_read` has just found nothing wrong with it.

    WAL with synchronous NORMAL: a commit is handed to the operating system, so that it survives a kill of the process,
    and is not waited for on the disk, which would stall the bot's event loop for as long as the disk takes. A power cut
    can lose the commits of the last moments, never an earlier one and never half of one; what was lost is in the
    exchange's own record and is read again from there. Checkpoints, which do wait for the disk, are made by
    `checkpoint` in a thread.

    :raises JournalError: when it can't be used; an existing file is then as it was, to the byte.
    """
    if path is not None:
        with translate_errors(path, "made"):
            private_files.make_folder(path.parent)
            if not path.exists():
                _make(path)
        if not is_checked:
            open_to_read(path).close()
    with translate_errors(path, "opened for writing"):
        connection = sqlite3.connect(path or ":memory:", timeout=LOCK_TIMEOUT_S, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {BACKSTOP_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_LIMIT}")
        connection.execute("PRAGMA cache_size = -16000")
        _migrate(connection, path)
    return connection


def open_to_read(
    path: pathlib.Path, *, in_depth: bool = True, is_read_whole: bool = False, after: int = 0
) -> sqlite3.Connection:
    """An existing file, for reading only, also while a bot writes to it; every read sees the same moment.

    Whatever is read of it was found to be what was written: see `seals.damage` for `is_read_whole` and `after`.

    :param in_depth: whether its indexes are looked through, too: for who looks rows up by them.
    :raises NoCampaignError: when there is none.
    :raises JournalError: when it is damaged, foreign, or of a newer version.
    """
    if not path.is_file():
        raise NoCampaignError(f"there is no campaign in {path}")
    with translate_errors(path, "read"):
        uri = f"{path.resolve().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, timeout=LOCK_TIMEOUT_S, isolation_level=None)
        try:
            connection.execute("BEGIN")
            _check(connection, path)
            if in_depth:
                _look_through(connection, path)
            if version_of(connection) != SCHEMA_VERSION:
                return _migrated_copy(connection, path)
            tables = schema.SEQUENCED, schema.LEDGER
            if found := seals.damage(connection, *tables, is_read_whole=is_read_whole, after=after):
                raise corruption_error(path, found)
            return connection
        except BaseException:
            connection.close()
            raise


def _check(connection: sqlite3.Connection, path: pathlib.Path) -> None:
    """:raises JournalError: when the file is not a whole journal of a version that can be read."""
    version = version_of(connection)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if version > SCHEMA_VERSION and tables >= TABLES_OF_VERSION_1:
        raise JournalError(
            f"{path} is a journal of version {version}, made by a newer version of the volume booster; this one reads "
            f"up to version {SCHEMA_VERSION}: use the newer one, or {_START_ANEW}"
        )
    if not tables and not version:
        raise corruption_error(path, "it is empty")
    if not tables >= TABLES_OF_VERSION_1 or version < 1:
        raise JournalError(f"{path} is not a journal of the volume booster: {_START_ANEW}")


def _look_through(connection: sqlite3.Connection, path: pathlib.Path) -> None:
    """:raises JournalError: when SQLite finds damage anywhere in the file."""
    problems = [text for (text,) in connection.execute("PRAGMA integrity_check(1)")]
    if problems != ["ok"]:
        raise corruption_error(path, problems[0].splitlines()[-1])


def _make(path: pathlib.Path) -> None:
    """A new file, there whole or not at all: one without a schema is always a damaged one. Its log has its rights."""
    with (
        private_files.replacing(path) as part,
        contextlib.closing(sqlite3.connect(part, isolation_level=None)) as connection,
    ):
        _migrate(connection, path)


def _migrate(connection: sqlite3.Connection, path: pathlib.Path | None) -> None:
    """:raises JournalError: when a row of it is not what was written; it is then as it was."""
    try:
        schema.migrate(connection)
    except seals.DamageError as error:
        raise corruption_error(path, str(error)) from error


def _migrated_copy(connection: sqlite3.Connection, path: pathlib.Path) -> sqlite3.Connection:
    """An older file as the present version would have it, in memory: reading does not change a file."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    connection.backup(copy)
    connection.close()
    _migrate(copy, path)
    return copy


def checkpoint(path: pathlib.Path) -> None:
    """Bring what stands in the write-ahead log into the file and onto the disk. For a thread: it waits for the disk.

    The writer that first comes after a checkpoint waits for the disk too, as it begins the log anew; so that this is
    not the bot, one small write is made here.

    :raises JournalError: when it could not be done; nothing is lost by that.
    """
    with translate_errors(path, "brought onto the disk"), contextlib.closing(_connect_existing(path)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_LIMIT}")
        for _ in range(2):  # the second brings down what was written during the first, and waits for little
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        connection.execute(f"PRAGMA user_version = {version_of(connection)}")


def is_log_long(path: pathlib.Path) -> bool:
    """Whether the write-ahead log has grown so much that it should be brought into the file."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size >= LOG_LIMIT * 3 // 4
    except OSError:
        return False


def _connect_existing(path: pathlib.Path) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=LOCK_TIMEOUT_S, isolation_level=None)


def move_aside(path: pathlib.Path, now: float) -> pathlib.Path | None:
    """Move a file that no bot uses beside itself, where it is kept; its new place, None when there is none.

    :raises JournalError: when it can't be moved.
    """
    if not path.exists():
        return None
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now))
    names = (f"{path.stem}-{stamp}{number}{path.suffix}" for number in ("", *(f"-{n}" for n in range(2, 1_000))))
    aside = next(place for name in names if not (place := path.with_name(name)).exists())
    _fold_log_in(path)
    with translate_errors(path, f"moved to {aside}"):
        # the file itself comes last: as long as it is in its place, so is all of the campaign or nothing is decided
        for suffix in ("-wal", "-shm", ""):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.replace(aside.with_name(aside.name + suffix))
    return aside


def remove(path: pathlib.Path) -> None:
    """Remove a file that no bot uses, with its log.

    :raises JournalError: when it can't be removed.
    """
    with translate_errors(path, "removed"):
        for suffix in ("-wal", "-shm", ""):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _fold_log_in(path: pathlib.Path) -> None:
    """Leave nothing in the write-ahead log, so that one rename moves all; a damaged file is not touched."""
    try:
        open_to_read(path).close()
    except JournalError:
        return
    with translate_errors(path, "moved"), contextlib.closing(_connect_existing(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
