"""The tables of a journal, version by version, and how a file of an older version is brought up to the present one."""

from __future__ import annotations

import functools
import json
import sqlite3
import typing
import zlib
from collections.abc import Iterable

from . import seals

SCHEMA_VERSION = 7

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
_SCHEMA_6 = """
DROP TABLE sums;
CREATE TABLE sums (seq INTEGER PRIMARY KEY, digest INTEGER NOT NULL, sums TEXT NOT NULL, seal INTEGER NOT NULL);
CREATE TABLE answers (seq INTEGER PRIMARY KEY, question_id INTEGER NOT NULL UNIQUE, seal INTEGER NOT NULL);
"""
_SEALED_IN_6 = {
    "campaign": "id INTEGER NOT NULL UNIQUE CHECK (id = 1), started_at REAL NOT NULL, trading TEXT NOT NULL,"
    " seed INTEGER NOT NULL, octobot_version TEXT NOT NULL",
    "settings": "at REAL NOT NULL, target_quote TEXT NOT NULL, settings TEXT NOT NULL",
    "events": "at REAL NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, reason TEXT NOT NULL",
    "commands": "at REAL NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL",
    "handled": "command_id INTEGER NOT NULL UNIQUE, at REAL NOT NULL",
    "days": "day INTEGER NOT NULL UNIQUE, at REAL NOT NULL, target_quote TEXT NOT NULL",
    "halts": "at REAL NOT NULL, source TEXT NOT NULL, guard TEXT NOT NULL, reason TEXT NOT NULL,"
    " resumes INTEGER NOT NULL",
    "lifted": "halt_id INTEGER NOT NULL UNIQUE, at REAL NOT NULL",
    "baselines": "exchange TEXT NOT NULL, symbol TEXT NOT NULL, at REAL NOT NULL, base TEXT NOT NULL,"
    " quote TEXT NOT NULL, UNIQUE (exchange, symbol)",
    "marks": "at REAL NOT NULL, exchange TEXT NOT NULL, symbol TEXT NOT NULL, kind TEXT NOT NULL, day INTEGER NOT NULL,"
    " equity_quote TEXT NOT NULL, resumes INTEGER NOT NULL",
    "currencies": "at REAL NOT NULL, currency TEXT NOT NULL",
    "questions": "order_id TEXT NOT NULL, at REAL NOT NULL, resumes INTEGER NOT NULL",
}
"""The tables that version 6 gave a number and a seal, with the columns that they had; their row number is the former
one, which other rows name."""
_SCHEMA_7 = """
CREATE TABLE fill_marks (
    seq INTEGER PRIMARY KEY, fill_id TEXT NOT NULL REFERENCES fills (fill_id), after_s INTEGER NOT NULL,
    at REAL NOT NULL, mid_price TEXT NOT NULL, seal INTEGER NOT NULL, UNIQUE (fill_id, after_s)
);
CREATE TABLE flattenings (
    seq INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE REFERENCES orders (order_id), at REAL NOT NULL,
    seal INTEGER NOT NULL
);
CREATE TABLE measured_since (seq INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, seal INTEGER NOT NULL);
INSERT INTO measured_since SELECT 1, seq, 0 FROM fills ORDER BY seq DESC LIMIT 1;
"""
_MIGRATIONS = (_SCHEMA_1, _SCHEMA_2, _SCHEMA_3, _SCHEMA_4, _SCHEMA_5, _SCHEMA_6, _SCHEMA_7)
_CHAINED, _SEALED = 2, 6
"""The versions since when the rows of a ledger were sealed in a chain, and since when every row of every table is."""
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
    "fill_marks": "fill_id, after_s, at, mid_price",
    "flattenings": "order_id, at",
    "campaign": "id, started_at, trading, seed, octobot_version",
    "settings": "at, target_quote, settings",
    "events": "at, kind, source, reason",
    "commands": "at, kind, value",
    "handled": "command_id, at",
    "days": "day, at, target_quote",
    "halts": "at, source, guard, reason, resumes",
    "lifted": "halt_id, at",
    "baselines": "exchange, symbol, at, base, quote",
    "marks": "at, exchange, symbol, kind, day, equity_quote, resumes",
    "currencies": "at, currency",
    "questions": "order_id, at, resumes",
    "answers": "question_id",
    "measured_since": "last_seq",
}
"""Every table with the columns that the `seal` of its rows covers, in the order in which the table has them. What is in
this list is sealed, checked, and counted in the head. One numbering over all of them, `seq`, says in which order things
were written down; `commands`, which others than the bot write too, have a numbering of their own."""
READ_WHOLE = frozenset(
    (
        *("campaign", "settings", "events", "commands", "handled", "days", "halts", "lifted", "baselines", "marks"),
        *("currencies", "questions", "answers", "measured_since"),
    )
)
"""Those that are read whole at each look, and so are checked row by row; a table that is not named here may be large,
and is checked by digests."""
LEDGER = tuple(table for table in SEQUENCED if table not in READ_WHOLE)
"""Those that tell of orders: a ledger is made of them."""
OWN_NUMBERING = "commands"
OF_AN_ORDER = tuple(table for table in LEDGER if "order_id" in SEQUENCED[table].split(", "))
"""Those that tell of one order each."""
KINDS = {table: kind for kind, table in enumerate(SEQUENCED)}
WIDTHS = {table: columns.count(",") + 1 for table, columns in SEQUENCED.items()}
_WIDEST = max(WIDTHS[table] for table in LEDGER)


def version_of(connection: sqlite3.Connection) -> int:
    """The schema version of a file, 0 when it is new."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to the present version, and seal every row, in one transaction.

    :raises DamageError: when a row is not what was written, or holds what nobody can have meant; nothing is changed.
    """
    version = version_of(connection)
    if version == SCHEMA_VERSION:
        return
    if version == 0:
        _new_file().backup(connection)
    else:
        _migrate(connection, version)


@functools.cache
def _new_file() -> sqlite3.Connection:
    """An empty journal in memory: to copy it is a hundred times as fast as to go through all versions."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _migrate(connection, 0)
    return connection


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        _check_before(connection, version)
        for number, script in enumerate(_MIGRATIONS[version:], start=version + 1):
            for statement in filter(str.strip, script.split(";")):
                connection.execute(statement)
            if number == _SEALED:
                _number_all(connection)
        if version < _SEALED:
            _check_values(connection)
        seals.seal_all(connection, SEQUENCED)
        connection.execute("DELETE FROM sums")  # their digests are of the rows as they were
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _check_before(connection: sqlite3.Connection, version: int) -> None:
    """Look at all that is sealed in a file of an older version."""
    if version >= _SEALED:
        there = {name for (name,) in connection.execute("SELECT name FROM head")}
        if found := seals.damage(connection, [table for table in SEQUENCED if table in there]):
            raise seals.DamageError(found)
    elif version >= _CHAINED:
        _check_chain(connection)


def _check_chain(connection: sqlite3.Connection) -> None:
    """Versions 2 to 5: one chain over the rows of the ledger, and settings that are sealed each for itself."""
    for *values, own in connection.execute("SELECT at, target_quote, settings, seal FROM settings"):
        if _chained(values, 0) != own:
            raise seals.DamageError("its settings are not what was written")
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    widths, last, before = list(WIDTHS.values()), 0, 0
    for seq, kind, own, *values in connection.execute(sequenced_rows("", [one for one in LEDGER if one in there])):
        last = _chained(values[: widths[kind]], last)
        if own != last or seq <= before:
            raise seals.DamageError(f"row {seq} is not what was written")
        before = seq


def _chained(values: list[typing.Any], before: int) -> int:
    return zlib.crc32("\x1f".join(map(str, values)).encode("utf-8", "surrogatepass"), before)


def _number_all(connection: sqlite3.Connection) -> None:
    """Give the tables that had neither a number nor a seal both, in the order in which their rows were written.

    The numbering of the bot goes on above all of them.
    """
    for table, columns in _SEALED_IN_6.items():
        names = SEQUENCED[table]
        connection.execute(
            f"CREATE TABLE new_{table} (seq INTEGER PRIMARY KEY, seal INTEGER NOT NULL DEFAULT 0, {columns})"
        )
        connection.execute(f"INSERT INTO new_{table} (seq, {names}) SELECT rowid, {names} FROM {table} ORDER BY rowid")
        connection.execute(f"DROP TABLE {table}")
        connection.execute(f"ALTER TABLE new_{table} RENAME TO {table}")
    connection.execute(seals.SCHEMA)


def _check_values(connection: sqlite3.Connection) -> None:
    """What was never sealed holds at least what can have been meant."""
    for table in SEQUENCED:
        if found := seals.odd_value(connection, table):
            raise seals.DamageError(found)
    for (target,) in connection.execute("SELECT value FROM commands WHERE kind = 'target'"):
        if not seals.is_number(target):
            raise seals.DamageError(f"a command has {str(target)[:40]!r} as its target")
    for (text,) in connection.execute("SELECT settings FROM settings"):
        if not _is_object(text):
            raise seals.DamageError("its settings are not what was written")


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def sequenced_rows(where: str = "", tables: Iterable[str] = LEDGER) -> str:
    """The query of all that makes a ledger, in the order in which it was written: seq, kind, seal, columns."""
    selects = []
    for table in tables:
        padding = ", NULL" * (_WIDEST - WIDTHS[table])
        selects.append(f"SELECT seq, {KINDS[table]}, seal, {SEQUENCED[table]}{padding} FROM {table} {where}")
    return " UNION ALL ".join(selects) + " ORDER BY seq"
