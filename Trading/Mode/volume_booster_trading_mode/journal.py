"""The journal: what happened in a campaign, in one SQLite file, written before it is believed.

Append-only: a row is never changed or removed. Money is text, so that it stays exact. Replaying the rows gives the
ledger; the bot and the command line read the same file, the command line also while the bot runs.
"""

from __future__ import annotations

import heapq
import json
import operator
import pathlib
import sqlite3
import typing
from dataclasses import dataclass
from decimal import Decimal

from .core.ledger import Ledger, Outcome
from .core.market import Fill, OrderIntent, OrderType, Role, Side

SCHEMA_VERSION = 1
LOCK_TIMEOUT_S = 5.0

_SCHEMA = """
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

# one numbering over orders, fills and outcomes: it tells in which order they were written down
_LAST_SEQ = "SELECT max((SELECT {} FROM orders), (SELECT {} FROM fills), (SELECT {} FROM outcomes))".replace(
    "{}", "coalesce(max(seq), 0)"
)

_FILL_COLUMNS = (
    "f.seq, f.fill_id, f.order_id, f.at, o.side, f.role, f.quantity, f.price, f.fee_quote, o.mid_price, o.symbol"
    " FROM fills f JOIN orders o USING (order_id)"
)

_OUTCOME_COLUMNS = 3

START, WAIT, GO, DONE, HALT, STOP, ERROR = "start", "wait", "go", "done", "halt", "stop", "error"
"""The kinds of event: the bot came up, waits, goes on after a wait, reached the target, was halted, ended, failed."""


class JournalError(Exception):
    """The file can't be used; one sentence says why."""


class NoCampaignError(JournalError):
    """There is no campaign in this place, or none yet."""


@dataclass(frozen=True, slots=True)
class CampaignRow:
    started_at: float
    trading: str
    seed: int
    octobot_version: str


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as it was sent."""

    order_id: str
    at: float
    exchange: str
    symbol: str
    intent: OrderIntent


@dataclass(frozen=True, slots=True)
class EventRow:
    at: float
    kind: str
    source: str
    reason: str


class Journal:
    """One campaign's file. Every write is committed when the call returns.

    :raises JournalError: when the file can't be opened, read or written, or is not a journal of this version.
    """

    def __init__(self, connection: sqlite3.Connection, path: pathlib.Path | None) -> None:
        self.path = path
        self._connection = connection
        self._seq: int | None = None

    @classmethod
    def create_or_open(cls, path: pathlib.Path | None) -> Journal:
        """The journal at `path`, made with its folder when it is missing; None is a journal in memory."""
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path or ":memory:", timeout=LOCK_TIMEOUT_S, isolation_level=None)
            is_new = _is_empty(connection)
            journal = cls(connection, path)
            if not is_new:
                journal._check_version()
            connection.execute("PRAGMA journal_mode = WAL")
            # WAL with NORMAL: a commit survives a kill of the process, though perhaps not a power cut
            connection.execute("PRAGMA synchronous = NORMAL")
            if is_new:
                connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        except (sqlite3.Error, OSError) as error:
            raise JournalError(f"the journal {path} can't be opened for writing: {error}") from error
        return journal

    @classmethod
    def open_to_read(cls, path: pathlib.Path) -> Journal:
        """An existing journal, for reading only, also while a bot writes to it."""
        if not path.is_file():
            raise NoCampaignError(f"there is no campaign in {path}")
        try:
            uri = f"{path.resolve().as_uri()}?mode=ro"
            connection = sqlite3.connect(uri, uri=True, timeout=LOCK_TIMEOUT_S, isolation_level=None)
            connection.execute("BEGIN")  # every read sees the same moment, also while a bot writes
            if _is_empty(connection):
                connection.close()
                raise NoCampaignError(f"there is no campaign in {path} yet")
            journal = cls(connection, path)
            journal._check_version()
        except sqlite3.Error as error:
            raise JournalError(f"the journal {path} can't be read: {error}") from error
        return journal

    def _check_version(self) -> None:
        version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
        if version != SCHEMA_VERSION:
            self._connection.close()
            raise JournalError(f"{self.path} is not a journal of version {SCHEMA_VERSION} (it says {version})")

    def close(self) -> None:
        self._connection.close()

    def _next_seq(self) -> int:
        if self._seq is None:
            self._seq = int(self._read(_LAST_SEQ)[0][0])
        self._seq += 1
        return self._seq

    def begin_campaign(self, campaign: CampaignRow) -> None:
        self._write("INSERT INTO campaign VALUES (1, ?, ?, ?, ?)", _values(campaign))

    def add_settings(self, at: float, target_quote: Decimal, settings: dict[str, typing.Any]) -> None:
        self._write("INSERT INTO settings VALUES (?, ?, ?)", (at, str(target_quote), json.dumps(settings)))

    def add_order(self, row: OrderRow) -> None:
        intent = row.intent
        self._write(
            "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(
                    self._next_seq(),
                    row.order_id,
                    row.at,
                    row.exchange,
                    row.symbol,
                    intent.side.value,
                    intent.order_type.value,
                ),
                *(str(intent.quantity), str(intent.price), str(intent.mid_price)),
            ),
        )

    def add_outcome(self, order_id: str, at: float, outcome: Outcome, reason: str) -> None:
        values = (self._next_seq(), order_id, at, outcome.value, reason)
        self._write("INSERT OR IGNORE INTO outcomes VALUES (?, ?, ?, ?, ?)", values)

    def add_fill(self, fill: Fill) -> None:
        self._write(
            "INSERT OR IGNORE INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(self._next_seq(), fill.fill_id, fill.order_id, fill.at, fill.role.value),
                *(str(fill.quantity), str(fill.price), str(fill.fee_quote)),
            ),
        )

    def add_event(self, event: EventRow) -> None:
        self._write("INSERT INTO events VALUES (?, ?, ?, ?)", _values(event))

    def campaign(self) -> CampaignRow | None:
        """The campaign of this file, None while none has begun."""
        rows = self._read("SELECT started_at, trading, seed, octobot_version FROM campaign")
        return CampaignRow(*rows[0]) if rows else None

    def target_quote(self) -> Decimal | None:
        """The target that was set last, in quote."""
        rows = self._read("SELECT target_quote FROM settings ORDER BY rowid DESC LIMIT 1")
        return Decimal(rows[0][0]) if rows else None

    def orders(self) -> list[OrderRow]:
        """Every order, in the order in which they were sent."""
        columns = "order_id, at, exchange, symbol, side, order_type, quantity, price, mid_price"
        return [_order(row) for row in self._read(f"SELECT {columns} FROM orders ORDER BY seq")]

    def last_fill(self) -> tuple[Fill, str] | None:
        """The fill that was written down last, and its symbol; None while there is none."""
        rows = self._read(f"SELECT {_FILL_COLUMNS} ORDER BY f.seq DESC LIMIT 1")
        return (_fill(rows[0]), rows[0][-1]) if rows else None

    def events(self) -> list[EventRow]:
        return [EventRow(*row) for row in self._read("SELECT at, kind, source, reason FROM events ORDER BY rowid")]

    def markets(self) -> list[tuple[str, str]]:
        """The (exchange, symbol) pairs of all orders, in the order of their first one."""
        rows = self._read("SELECT exchange, symbol FROM orders GROUP BY exchange, symbol ORDER BY min(seq)")
        return [(exchange, symbol) for exchange, symbol in rows]

    def replay(self) -> Ledger:
        """The ledger that the rows of this file add up to."""
        ledger = Ledger()
        for order in self.orders():
            ledger.place(order.order_id, order.intent, order.at)
        fills = self._read(f"SELECT {_FILL_COLUMNS} ORDER BY f.seq")
        outcomes = self._read("SELECT seq, order_id, outcome FROM outcomes ORDER BY seq")
        for row in heapq.merge(fills, outcomes, key=operator.itemgetter(0)):
            if len(row) == _OUTCOME_COLUMNS:
                ledger.close(row[1], Outcome(row[2]))
            else:
                ledger.apply(_fill(row))
        return ledger

    def _write(self, statement: str, values: tuple[typing.Any, ...]) -> None:
        try:
            self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise JournalError(f"the journal {self.path} can't be written: {error}") from error

    def _read(self, query: str) -> list[tuple[typing.Any, ...]]:
        try:
            return self._connection.execute(query).fetchall()
        except sqlite3.Error as error:
            raise JournalError(f"the journal {self.path} can't be read: {error}") from error


def _is_empty(connection: sqlite3.Connection) -> bool:
    return int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]) == 0


def _order(row: tuple[typing.Any, ...]) -> OrderRow:
    order_id, at, exchange, symbol, side, order_type, quantity, price, mid_price = row
    intent = OrderIntent(Side(side), OrderType(order_type), Decimal(quantity), Decimal(price), Decimal(mid_price))
    return OrderRow(order_id, at, exchange, symbol, intent)


def _fill(row: tuple[typing.Any, ...]) -> Fill:
    _, fill_id, order_id, at, side, role, quantity, price, fee_quote, mid_price, _ = row
    amounts = Decimal(quantity), Decimal(price), Decimal(fee_quote), Decimal(mid_price)
    return Fill(fill_id, order_id, at, Side(side), Role(role), *amounts)


def _values(row: CampaignRow | EventRow) -> tuple[typing.Any, ...]:
    return tuple(getattr(row, name) for name in row.__slots__)
