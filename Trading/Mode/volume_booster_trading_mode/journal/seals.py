"""The seals of a journal: whether every row of every table is what was once written, and none is missing.

A row carries a checksum of its table, its number and its values; the table `head` holds for each table how many rows it
has and what their seals add up to, kept by a trigger within the same write. So an edited, a removed, an added and a
reordered row are each found, whichever process wrote them, and each table can be checked alone.

A checksum a row takes Python 2 us. The large tables are therefore also covered block by block by a digest, which SQLite
makes in C, some eight times as fast; where one does not fit, the rows decide.
"""

from __future__ import annotations

import math
import sqlite3
import typing
import zlib
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation

Row = tuple[typing.Any, ...]

SCHEMA = """
CREATE TABLE head (name TEXT PRIMARY KEY, rows INTEGER NOT NULL, total INTEGER NOT NULL) WITHOUT ROWID;
"""
NO_END = 2**62
LATEST = 1e11
"""No moment is later, in seconds since 1970: it is the year 5138."""
_TICKS = "4194304.0"
"""A moment of our days is a whole number of these parts of a second, 2 ** -22: SQLite's own text of one is rounded."""
_NUMBERS = {"quantity", "price", "mid_price", "fee_quote", "fee", "target_quote", "base", "quote", "equity_quote"} | {
    *("quote_rate", "contract_size", "quote_quantity", "estimated_quote")
}
"""The columns that hold a decimal number as text."""
_STORED: dict[str, type] = {"REAL": float, "INTEGER": int, "TEXT": str}


class DamageError(Exception):
    """A row is not what was written; the message says which."""


def seal(table: str, seq: int, values: Sequence[typing.Any]) -> int:
    """The checksum of a row, which depends on the types of its values as they are read: 1 is not 1.0."""
    return zlib.crc32(f"{table}\x1f{seq}\x1f{chr(31).join(map(str, values))}".encode("utf-8", "surrogatepass"))


def seal_all(connection: sqlite3.Connection, tables: Iterable[str]) -> None:
    """Seal every row as it is now, and let every row to come be counted: for a file whose rows were checked before."""
    connection.execute("DELETE FROM head")
    for table in tables:
        total = 0
        for seq, *values in connection.execute(f"SELECT seq, {_names(connection, table)} FROM {table}").fetchall():
            own = seal(table, seq, values)
            total += own
            connection.execute(f"UPDATE {table} SET seal = ? WHERE seq = ?", (own, seq))
        connection.execute(f"INSERT INTO head SELECT ?, count(*), ? FROM {table}", (table, total))
        connection.execute(f"DROP TRIGGER IF EXISTS count_{table}")
        connection.execute(
            f"CREATE TRIGGER count_{table} AFTER INSERT ON {table} BEGIN"
            f" UPDATE head SET rows = rows + 1, total = total + NEW.seal WHERE name = '{table}'; END"
        )


def damage(
    connection: sqlite3.Connection,
    tables: Iterable[str],
    digested: Sequence[str] = (),
    *,
    is_read_whole: bool = False,
    after: int = 0,
) -> str | None:
    """What of these tables is not what was written, in words; None when all is.

    :param digested: those of them that have digests; without, every row is checked by its seal.
    :param is_read_whole: their old rows are read, too, and not only counted: a digest does not depend on their types.
    :param after: rows of digested tables up to this number were looked at before.
    """
    tables, heads = list(tables), dict(_heads(connection))
    short = [table for table in tables if heads.get(table) != _counted(connection, table)]
    if short or (is_read_whole and any(_has_odd_type(connection, table) for table in digested)):
        after = 0
    elif not after:
        after = _proven(connection, digested)
    for table in tables:
        if (seq := _first_damaged(connection, table, after if table in digested else 0)) is not None:
            return f"row {seq} of {table} is not what was written"
    for table in short:
        there, written = _counted(connection, table)[0], heads.get(table, ("unknown",))[0]
        if there == written:
            return f"the sum of the seals of {table} is not what was written"
        return f"{table} has {there} rows, written were {written}: rows are missing or were added"
    return None


def _heads(connection: sqlite3.Connection) -> Iterator[tuple[str, tuple[int, int]]]:
    for name, rows, total in connection.execute("SELECT name, rows, total FROM head"):
        yield name, (rows, total)


def _has_odd_type(connection: sqlite3.Connection, table: str) -> bool:
    """Whether any value of a table has another type than its column."""
    columns = _columns(connection, table)
    odd = " OR ".join(f"typeof({name}) NOT IN ('{kind.lower()}', 'null')" for name, kind in columns)
    return connection.execute(f"SELECT 1 FROM {table} WHERE {odd} LIMIT 1").fetchone() is not None


def digest(connection: sqlite3.Connection, tables: Iterable[str], after: int, until: int) -> int:
    """The checksum of all rows of these tables whose numbers are above `after` and up to `until`."""
    return _digest(connection, [_digest_query(connection, table) for table in tables], after, until)


def sums_seal(seq: int, block: int, sums: str) -> int:
    """The seal of sums: of the number of the last row in them, of the digest of their block, and of what they say."""
    return seal("sums", seq, (block, sums))


def first_damaged(connection: sqlite3.Connection, tables: Iterable[str], after: int, until: int) -> str | None:
    """The first row in this range of numbers that is not what was written, in words."""
    for table in tables:
        if (seq := _first_damaged(connection, table, after, until)) is not None:
            return f"row {seq} of {table} is not what was written"
    return None


def odd_value(connection: sqlite3.Connection, table: str) -> str | None:
    """The first value of a table that nobody can have meant, in words: for rows that were never sealed."""
    columns = _columns(connection, table)
    for seq, *values in connection.execute(f"SELECT seq, {_names(connection, table)} FROM {table} ORDER BY seq"):
        for (name, kind), value in zip(columns, values, strict=True):
            if not _is_plausible(name, kind, value):
                return f"row {seq} of {table} has {str(value)[:40]!r} as its {name}"
    return None


def _is_plausible(name: str, kind: str, value: typing.Any) -> bool:
    if kind in _STORED and type(value) is not _STORED[kind]:
        return False
    if kind == "REAL":
        return math.isfinite(value) and abs(value) < LATEST
    return name not in _NUMBERS or is_number(value)


def is_number(text: str) -> bool:
    """Whether a text is a decimal number, and no infinite one."""
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _digest(connection: sqlite3.Connection, queries: Iterable[str], after: int, until: int) -> int:
    found = 0
    for query in queries:
        found = zlib.crc32("\x1e".join(map(str, connection.execute(query, (after, until)).fetchone())).encode(), found)
    return found


def _proven(connection: sqlite3.Connection, tables: Sequence[str]) -> int:
    """Up to which number the digests prove the rows; the last block is left to the rows, as it is read."""
    proven, until = 0, 0
    queries = [_digest_query(connection, table) for table in tables]
    for seq, block, sums, own in connection.execute("SELECT seq, digest, sums, seal FROM sums ORDER BY seq"):
        if own != sums_seal(seq, block, sums) or _digest(connection, queries, until, seq) != block:
            break
        proven, until = until, seq
    return proven


def _first_damaged(connection: sqlite3.Connection, table: str, after: int, until: int = NO_END) -> int | None:
    query = f"SELECT seq, seal, {_names(connection, table)} FROM {table} WHERE seq > ? AND seq <= ? ORDER BY seq"
    for seq, own, *values in connection.execute(query, (after, until)):
        if seal(table, seq, values) != own:
            return int(seq)
    return None


def _counted(connection: sqlite3.Connection, table: str) -> tuple[int, int]:
    """How many rows a table has, and what their seals add up to."""
    rows, total = connection.execute(f"SELECT count(*), coalesce(sum(seal), 0) FROM {table}").fetchone()
    return rows, total


def _digest_query(connection: sqlite3.Connection, table: str) -> str:
    """Every column of a range of rows as one text each."""
    texts = [
        f"CAST({name} * {_TICKS} AS INTEGER)" if kind == "REAL" else name for name, kind in _columns(connection, table)
    ]
    columns = ", ".join(f"group_concat({text}, '\x1f')" for text in ("seq", *texts))
    return f"SELECT {columns} FROM {table} WHERE seq > ? AND seq <= ?"


def _names(connection: sqlite3.Connection, table: str) -> str:
    return ", ".join(name for name, _ in _columns(connection, table))


def _columns(connection: sqlite3.Connection, table: str) -> list[tuple[str, str]]:
    """The names and declared types of what the seal of a row covers, in the order in which it does."""
    found = connection.execute(f"PRAGMA table_info({table})").fetchall()
    return [(row[1], row[2]) for row in found if row[1] not in ("seq", "seal")]
