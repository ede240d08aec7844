"""The file of a journal: made whole, looked at before it is trusted, moved only when a person asks for it.

A file that can't be used is left as it is, to the byte: it may be all that is left of a campaign.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import sqlite3
import time
import typing
import zlib
from collections.abc import Iterable, Iterator

CAMPAIGN_FILE = pathlib.PurePath("volume_booster", "campaign.sqlite")
"""Where a campaign lives, under OctoBot's user folder."""
BACKTEST_FILE = pathlib.PurePath("volume_booster", "backtest", "campaign.sqlite")
"""Where the campaign of the last backtest lives, under OctoBot's user folder."""

SCHEMA_VERSION = 5
LOCK_TIMEOUT_S = 1.0
"""How long a write waits for somebody else's; the bot's event loop waits with it."""
BACKSTOP_PAGES = 20_000
"""The write-ahead log grows no further than this, some 80 MB, should nobody call `checkpoint`."""

_SCHEMA_1 = """
CREATE TABLE campaign (
    id INTEGER PRIMARY KEY CHECK (id = 1), started_at REAL NOT NULL, trading TEXT NOT NULL, seed INTEGER NOT NULL,
    octobot_version TEXT NOT NULL
);
CREATE TABLE settings (at REAL NOT NULL, target_quote TEXT NOT NULL, settings TEXT NOT NULL);
CREATE TABLE orders (
    seq INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, at REAL NOT NULL, exchange TEXT NOT NULL,
    symbol TEXT NOT NULL, side TEXT NOT NULL, order_type TEXT NOT NULL, quantity TEXT NOT NULL,
    price TEXT NOT NULL, mid_price TEXT NOT NULL
);
CREATE TABLE outcomes (
    seq INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE REFERENCES orders (order_id), at REAL NOT NULL,
    outcome TEXT NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE fills (
    seq INTEGER PRIMARY KEY, fill_id TEXT NOT NULL UNIQUE, order_id TEXT NOT NULL REFERENCES orders (order_id),
    at REAL NOT NULL, role TEXT NOT NULL, quantity TEXT NOT NULL, price TEXT NOT NULL, fee_quote TEXT NOT NULL
);
CREATE TABLE events (at REAL NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, reason TEXT NOT NULL);
"""
_SCHEMA_2 = """
ALTER TABLE fills ADD COLUMN fee TEXT NOT NULL DEFAULT '0';
ALTER TABLE fills ADD COLUMN fee_asset TEXT NOT NULL DEFAULT '';
CREATE TABLE acceptances (
    seq INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE REFERENCES orders (order_id), at REAL NOT NULL,
    exchange_order_id TEXT NOT NULL
);
CREATE INDEX acceptances_by_exchange_order_id ON acceptances (exchange_order_id);
ALTER TABLE orders ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE acceptances ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE fills ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcomes ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE settings ADD COLUMN seal INTEGER NOT NULL DEFAULT 0;
CREATE TABLE sums (seq INTEGER PRIMARY KEY, seal INTEGER NOT NULL, sums TEXT NOT NULL, own_seal INTEGER NOT NULL);
CREATE TABLE commands (id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL);
CREATE TABLE handled (command_id INTEGER PRIMARY KEY REFERENCES commands (id), at REAL NOT NULL);
CREATE TABLE days (day INTEGER PRIMARY KEY, at REAL NOT NULL, target_quote TEXT NOT NULL);
"""
_SCHEMA_3 = """
CREATE TABLE resumes (
    seq INTEGER PRIMARY KEY, command_id INTEGER NOT NULL UNIQUE REFERENCES commands (id), at REAL NOT NULL,
    seal INTEGER NOT NULL
);
CREATE TABLE halts (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, source TEXT NOT NULL, guard TEXT NOT NULL, reason TEXT NOT NULL,
    resumes INTEGER NOT NULL
);
CREATE TABLE baselines (
    exchange TEXT NOT NULL, symbol TEXT NOT NULL, at REAL NOT NULL, base TEXT NOT NULL, quote TEXT NOT NULL,
    PRIMARY KEY (exchange, symbol)
);
CREATE TABLE marks (
    at REAL NOT NULL, exchange TEXT NOT NULL, symbol TEXT NOT NULL, kind TEXT NOT NULL, day INTEGER NOT NULL,
    equity_quote TEXT NOT NULL, resumes INTEGER NOT NULL
);
"""
_SCHEMA_4 = """
CREATE TABLE valuations (
    seq INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE REFERENCES orders (order_id), quote_rate TEXT NOT NULL,
    contract_size TEXT NOT NULL, is_inverse INTEGER NOT NULL, seal INTEGER NOT NULL
);
CREATE TABLE currencies (at REAL NOT NULL, currency TEXT NOT NULL);
"""
_SCHEMA_5 = """
CREATE TABLE spendings (
    seq INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE REFERENCES orders (order_id), quote_quantity TEXT NOT NULL,
    seal INTEGER NOT NULL
);
CREATE TABLE fee_notes (
    seq INTEGER PRIMARY KEY, order_id TEXT NOT NULL REFERENCES orders (order_id),
    fill_id TEXT NOT NULL UNIQUE REFERENCES fills (fill_id), at REAL NOT NULL, estimated_quote TEXT NOT NULL,
    told TEXT NOT NULL, seal INTEGER NOT NULL
);
CREATE TABLE questions (order_id TEXT NOT NULL, at REAL NOT NULL, resumes INTEGER NOT NULL);
CREATE TABLE lifted (halt_id INTEGER PRIMARY KEY REFERENCES halts (id), at REAL NOT NULL);
"""
_MIGRATIONS = (_SCHEMA_1, _SCHEMA_2, _SCHEMA_3, _SCHEMA_4, _SCHEMA_5)
_FIRST_SEALED_VERSION = 2
TABLES_OF_VERSION_1 = {"campaign", "settings", "orders", "outcomes", "fills", "events"}

SEQUENCED = {
    "orders": "order_id, at, exchange, symbol, side, order_type, quantity, price, mid_price",
    "acceptances": "order_id, at, exchange_order_id",
    "fills": "fill_id, order_id, at, role, quantity, price, fee_quote, fee, fee_asset",
    "outcomes": "order_id, at, outcome, reason",
    "resumes": "command_id, at",
    "valuations": "order_id, quote_rate, contract_size, is_inverse",
    "spendings": "order_id, quote_quantity",
    "fee_notes": "order_id, fill_id, at, estimated_quote, told",
}
"""The tables that a ledger is made of, with their columns. One numbering over all of them, `seq`, says in which order
things were written down; each row's `seal` is a checksum of itself and of the row before it in that order."""
OF_AN_ORDER = tuple(table for table, columns in SEQUENCED.items() if "order_id" in columns.split(", "))
"""Those that tell of one order each."""
KINDS = {table: kind for kind, table in enumerate(SEQUENCED)}
WIDTH = max(columns.count(",") + 1 for columns in SEQUENCED.values())

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


def seal(values: Row, before: int) -> int:
    """The checksum of a row and of the one before it."""
    return zlib.crc32("\x1f".join(map(str, values)).encode("utf-8", "surrogatepass"), before)


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
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                _make(path)
        if not is_checked:
            open_to_read(path).close()
    with translate_errors(path, "opened for writing"):
        connection = sqlite3.connect(path or ":memory:", timeout=LOCK_TIMEOUT_S, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {BACKSTOP_PAGES}")
        connection.execute("PRAGMA cache_size = -16000")
        _migrate(connection)
    return connection


def open_to_read(path: pathlib.Path, *, in_depth: bool = True) -> sqlite3.Connection:
    """An existing file, for reading only, also while a bot writes to it; every read sees the same moment.

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
            return connection if version_of(connection) == SCHEMA_VERSION else _migrated_copy(connection)
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
    problems = [text for (text,) in connection.execute("PRAGMA quick_check(1)")]
    if problems != ["ok"]:
        raise corruption_error(path, problems[0].splitlines()[-1])


def version_of(connection: sqlite3.Connection) -> int:
    """The schema version of a file, 0 when it is new."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _make(path: pathlib.Path) -> None:
    """A new file, there whole or not at all: one without a schema is always a damaged one."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    connection = sqlite3.connect(part, isolation_level=None)
    _migrate(connection)
    connection.close()
    part.replace(path)


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to the present version, in one transaction."""
    version = version_of(connection)
    if version == SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for script in _MIGRATIONS[version:]:
            for statement in filter(str.strip, script.split(";")):
                connection.execute(statement)
        if version < _FIRST_SEALED_VERSION:
            _seal_all(connection)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _seal_all(connection: sqlite3.Connection) -> None:
    for rowid, *values in connection.execute("SELECT rowid, at, target_quote, settings FROM settings").fetchall():
        connection.execute("UPDATE settings SET seal = ? WHERE rowid = ?", (seal(tuple(values), 0), rowid))
    tables, last = list(SEQUENCED), 0
    for seq, kind, _, *values in connection.execute(sequenced_rows()).fetchall():
        columns = SEQUENCED[tables[kind]].count(",") + 1
        last = seal(tuple(values[:columns]), last)
        connection.execute(f"UPDATE {tables[kind]} SET seal = ? WHERE seq = ?", (last, seq))


def sequenced_rows(where: str = "", tables: Iterable[str] = SEQUENCED) -> str:
    """The query of all that makes a ledger, in the order in which it was written: seq, kind, seal, columns."""
    selects = []
    for table in tables:
        columns = SEQUENCED[table]
        padding = ", NULL" * (WIDTH - columns.count(",") - 1)
        selects.append(f"SELECT seq, {KINDS[table]}, seal, {columns}{padding} FROM {table} {where}")
    return " UNION ALL ".join(selects) + " ORDER BY seq"


def _migrated_copy(connection: sqlite3.Connection) -> sqlite3.Connection:
    """An older file as the present version would have it, in memory: reading does not change a file."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    connection.backup(copy)
    connection.close()
    _migrate(copy)
    return copy


def checkpoint(path: pathlib.Path) -> None:
    """Bring what stands in the write-ahead log into the file and onto the disk. For a thread: it waits for the disk.

    The writer that first comes after a checkpoint waits for the disk too, as it begins the log anew; so that this is
    not the bot, one small write is made here.

    :raises JournalError: when it could not be done; nothing is lost by that.
    """
    with translate_errors(path, "brought onto the disk"), contextlib.closing(_connect_existing(path)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        connection.execute(f"PRAGMA user_version = {version_of(connection)}")


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
