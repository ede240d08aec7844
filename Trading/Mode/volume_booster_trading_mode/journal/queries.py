"""What the journal of a campaign answers: its rows, read as values."""

from __future__ import annotations

import contextlib
import json
import pathlib
import sqlite3
import typing
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from ..core.accounting.ledger import Outcome
from ..core.accounting.trade_ids import KnownFill
from ..core.model.basics import ZERO
from ..core.model.orders import Fill
from ..core.model.redact import named
from .file import Row, corruption_error, translate_errors
from .rows import (
    SENT_COLUMNS,
    WHAT_BECAME,
    Baseline,
    Beside,
    CampaignRow,
    Command,
    EventRow,
    HaltRow,
    MarkRow,
    Marks,
    SentRow,
    fill_row,
    joined_sent_row,
    sent_row,
)
from .schema import LEDGER, SEQUENCED, sequenced_rows

NOT_INDEXED = "NOT INDEXED"
_FEW = 100
"""Of so many fills the orders are looked up one by one."""

LAST_OUTCOMES = 1_000
"""No more orders than this are cancelled within a minute."""


class JournalQueries:
    """The questions that a journal answers.

    :raises JournalError: from every method, when the file can't be read or is damaged.
    """

    def __init__(self, connection: sqlite3.Connection, path: pathlib.Path | None) -> None:
        self.path = path
        self._connection = connection
        self._hint = ""
        """NOT_INDEXED where the indexes were not looked through, and so are not to be trusted."""
        self._measured_since: int | None = None

    @property
    def measured_since(self) -> int:
        """The number of the last row in which an older version wrote down a fill, without its mid; 0 where none did."""
        if self._measured_since is None:
            rows = self._read("SELECT coalesce(max(last_seq), 0) FROM measured_since")
            self._measured_since = int(rows[0][0])
        return self._measured_since

    def _marks_after(self, seq: int) -> dict[str, Marks]:
        """The mids of the rows with a higher number, at which fills are measured, the earliest first."""
        found: dict[str, list[tuple[int, Decimal]]] = {}
        query = "SELECT fill_id, after_s, mid_price FROM fill_marks NOT INDEXED WHERE seq > ?"
        for fill_id, after_s, mid_price in self._read(query, seq):
            found.setdefault(fill_id, []).append((after_s, Decimal(mid_price)))
        return {fill_id: tuple(sorted(marks)) for fill_id, marks in found.items()}

    def last_number(self) -> int:
        """The number of the last row that tells of an order, 0 before the first."""
        lasts = ", ".join(f"(SELECT coalesce(max(seq), 0) FROM {table})" for table in LEDGER)
        return int(self._read(f"SELECT max({lasts})")[0][0])

    def currency(self) -> str | None:
        """What the amounts of this campaign are in; None while that was not written down."""
        rows = self._read("SELECT currency FROM currencies ORDER BY seq LIMIT 1")
        return str(rows[0][0]) if rows else None

    def questions(self) -> dict[str, int]:
        """The orders that a person was asked for, and how often one had resumed before that."""
        answered = {question_id for (question_id,) in self._read("SELECT question_id FROM answers")}
        asked = self._read("SELECT seq, order_id, resumes FROM questions ORDER BY seq")
        return {order_id: resumes for seq, order_id, resumes in asked if seq not in answered}

    def fills_of(self, order_id: str) -> list[KnownFill]:
        """What is written down of the fills of one order."""
        rows = self._read(
            "SELECT fill_id, at, quantity, price FROM fills WHERE order_id = ?"
            " AND seq > (SELECT seq FROM orders WHERE order_id = ?) ORDER BY seq",
            order_id,
            order_id,
        )
        with self._decoding():
            return [KnownFill(fill_id, at, Decimal(quantity), Decimal(price)) for fill_id, at, quantity, price in rows]

    def order_of_fill(self, fill_id: str) -> str | None:
        """The order that a fill of this id is written down for; None when none is."""
        rows = self._read("SELECT order_id FROM fills WHERE fill_id = ?", fill_id)
        return str(rows[0][0]) if rows else None

    def campaign(self) -> CampaignRow | None:
        """The campaign of this file, None while none has begun."""
        rows = self._read("SELECT started_at, trading, seed, octobot_version FROM campaign")
        return CampaignRow(*rows[0]) if rows else None

    def target_quote(self) -> Decimal | None:
        """The target that was set last, in quote."""
        row = self._last_settings()
        with self._decoding():
            return Decimal(row[1]) if row else None

    def settings(self) -> dict[str, typing.Any]:
        """The settings that were used last, as a configuration holds them; empty while none were."""
        row = self._last_settings()
        with self._decoding():
            return dict(json.loads(row[2])) if row else {}

    def _last_settings(self) -> Row | None:
        rows = self._read("SELECT at, target_quote, settings FROM settings ORDER BY seq DESC LIMIT 1")
        return rows[0] if rows else None

    def last_fill(self) -> tuple[Fill, str] | None:
        """The fill that was written down last, and its symbol; None while there is none."""
        for fill, symbol in self._fills_after(self._last_seq("fills", 1) - 1):
            return fill, symbol
        return None

    def sent_orders(self) -> list[SentRow]:
        """Every order in the order in which they were sent, with what became of it."""
        return self._sent_after(0)

    def fills(self) -> list[Fill]:
        """Every fill in the order in which they were written down."""
        return [fill for fill, _ in self._fills_after(0)]

    def last_orders(self, count: int) -> list[tuple[SentRow, Decimal]]:
        """The orders that were sent last, the newest last, and what is filled of each, in base."""
        first, filled = self._last_seq("orders", count), dict[str, Decimal]()
        with self._decoding():
            for order_id, quantity in self._read("SELECT order_id, quantity FROM fills WHERE seq > ?", first):
                filled[order_id] = filled.get(order_id, ZERO) + Decimal(quantity)
        return [(row, filled.get(row.order.order_id, ZERO)) for row in self._sent_after(first - 1)]

    def _last_seq(self, table: str, count: int) -> int:
        """The number of the last row but so many; 1 where there are less."""
        rows = self._read(f"SELECT seq FROM {table} ORDER BY seq DESC LIMIT 1 OFFSET ?", count - 1)
        return int(rows[0][0]) if rows else 1

    def _sent_after(self, seq: int) -> list[SentRow]:
        """The orders with a higher number. What became of an order was written down after it; nothing is looked up by
        an index, which no seal covers."""
        tables = "valuations", "spendings", "acceptances", "outcomes"
        worth, spends, accepted, ended = (self._by_order(table, seq).get for table in tables)
        columns = SEQUENCED["orders"]
        with self._decoding():
            return [
                sent_row(row, worth(row[0]), spends(row[0]), accepted(row[0]), ended(row[0]))
                for row in self._read(f"SELECT {columns} FROM orders WHERE seq > ? ORDER BY seq", seq)
            ]

    def _by_order(self, table: str, seq: int) -> dict[str, Row]:
        """The rows of a table with a higher number, by their order, which is their first column."""
        rows = self._read(f"SELECT {SEQUENCED[table]} FROM {table} WHERE seq > ?", seq)
        return {row[0]: row[1:] for row in rows}

    def _fills_after(self, seq: int) -> list[tuple[Fill, str]]:
        """The fills with a higher number, and their symbols; looked up as in `_sent_after`."""
        rows = self._read(f"SELECT seq, {SEQUENCED['fills']} FROM fills WHERE seq > ? ORDER BY seq", seq)
        wanted = {row[2] for row in rows} if len(rows) < _FEW else None
        orders = self._orders_of(wanted)
        worth = self._by_order("valuations", 0)
        with self._decoding():
            beside = self._beside_fills(seq)
            return [
                (fill_row(row, orders[row[1]], worth.get(row[1]), beside(number, *row[:2])), orders[row[1]][2])
                for number, *row in rows
            ]

    def _beside_fills(self, seq: int) -> Callable[[int, str, str], Beside]:
        """What else is known of a fill, by its number, its id and its order; of fills with a higher number than this.

        Notes and mids of a fill were written down after it.
        """
        query = "SELECT fill_id, estimated_quote, told FROM fee_notes WHERE seq > ?"
        notes = {fill_id: note for fill_id, *note in self._read(query, seq)}
        marks, flattenings, since = self._marks_after(seq), self._by_order("flattenings", 0), self.measured_since

        def of_fill(number: int, fill_id: str, order_id: str) -> Beside:
            is_flattening, is_old = order_id in flattenings, number <= since
            return Beside(notes.get(fill_id), marks.get(fill_id, ()), is_flattening, is_old)

        return of_fill

    def _orders_of(self, wanted: set[str] | None) -> dict[str, tuple[str, str, str]]:
        """Side, mid price and symbol of these orders; None is all of them."""
        query = "SELECT order_id, side, mid_price, symbol FROM orders NOT INDEXED"
        if wanted is None:
            return {row[0]: row[1:] for row in self._read(query)}
        marks = ", ".join("?" * len(wanted))
        return {row[0]: row[1:] for row in self._read(f"{query} WHERE order_id IN ({marks})", *wanted)}

    def last_order_at(self) -> float | None:
        """When the last order was sent, on whatever market; None while there is none."""
        rows = self._read("SELECT at FROM orders ORDER BY seq DESC LIMIT 1")
        with self._decoding():
            return float(rows[0][0]) if rows else None

    def last_orders_of(self, exchange: str, symbol: str, count: int, lost_since: float) -> list[SentRow]:
        """The last orders of one market, the newest last: so many, and all that were lost since a moment."""
        newest = "SELECT seq FROM orders WHERE exchange = ? AND symbol = ? ORDER BY seq DESC LIMIT ?"
        lost = "u.outcome = ? AND u.at >= ? AND o.exchange = ? AND o.symbol = ?"
        rows = self._read(
            f"SELECT {SENT_COLUMNS} FROM orders o {WHAT_BECAME} WHERE o.seq IN ({newest}) OR ({lost}) ORDER BY o.seq",
            *(exchange, symbol, count),
            *(Outcome.LOST.value, lost_since, exchange, symbol),
        )
        with self._decoding():
            return [joined_sent_row(row) for row in rows]

    def cancelled_since(self, exchange: str, at: float) -> int:
        """How many of the last orders of an exchange were cancelled since a moment."""
        rows = self._read(
            "SELECT COUNT(*) FROM (SELECT order_id, at, outcome FROM outcomes ORDER BY seq DESC LIMIT ?) AS ended"
            " JOIN orders USING (order_id) WHERE ended.outcome = ? AND ended.at >= ? AND exchange = ?",
            *(LAST_OUTCOMES, Outcome.CANCELLED.value, at, exchange),
        )
        return int(rows[0][0])

    def filled_of(self, order_ids: list[str]) -> dict[str, Decimal]:
        """What is filled of each of these orders, in base; those without a fill are left out."""
        marks = ", ".join("?" * len(order_ids))
        rows = self._read(f"SELECT order_id, quantity FROM fills WHERE order_id IN ({marks})", *order_ids)
        filled: dict[str, Decimal] = {}
        with self._decoding():
            for order_id, quantity in rows:
                filled[order_id] = filled.get(order_id, Decimal(0)) + Decimal(quantity)
        return filled

    def events(self) -> list[EventRow]:
        return [EventRow(*row) for row in self._read("SELECT at, kind, source, reason FROM events ORDER BY seq")]

    def commands(self) -> list[tuple[Command, bool]]:
        """Every command in the order in which they were given, and whether the bot has taken it up."""
        handled = {command_id for (command_id,) in self._read("SELECT command_id FROM handled")}
        rows = self._read("SELECT seq, at, kind, value FROM commands ORDER BY seq")
        return [(Command(*row), row[0] in handled) for row in rows]

    def is_handled(self, command_id: int) -> bool:
        """Whether the bot has taken a command up."""
        return bool(self._read("SELECT 1 FROM handled WHERE command_id = ?", command_id))

    def commands_after(self, command_id: int) -> list[Command]:
        """The commands that were given after this one."""
        rows = self._read("SELECT seq, at, kind, value FROM commands WHERE seq > ? ORDER BY seq", command_id)
        return [Command(*row) for row in rows]

    def days(self) -> dict[int, Decimal]:
        """The target in quote of every day that has begun."""
        rows = self._read("SELECT day, target_quote FROM days ORDER BY day")
        with self._decoding():
            return {day: Decimal(target) for day, target in rows}

    def resumes(self) -> int:
        """How often a person has ended halts."""
        return int(self._read("SELECT count(*) FROM resumes")[0][0])

    def halts_in_force(self) -> list[HaltRow]:
        """The halts that need a person: nobody has ended them yet, nor has their reason gone; oldest first."""
        lifted = {halt_id for (halt_id,) in self._read("SELECT halt_id FROM lifted")}
        query = "SELECT seq, at, source, guard, reason, resumes FROM halts WHERE resumes = ? ORDER BY seq"
        return [HaltRow(*row[1:]) for row in self._read(query, self.resumes()) if row[0] not in lifted]

    def baselines(self) -> list[Baseline]:
        """What the account of each market began with."""
        rows = self._read("SELECT exchange, symbol, at, base, quote FROM baselines")
        with self._decoding():
            return [Baseline(row[0], row[1], row[2], Decimal(row[3]), Decimal(row[4])) for row in rows]

    def marks(self) -> list[MarkRow]:
        """The marks of equity since a person last ended a halt, oldest first."""
        columns = "at, exchange, symbol, kind, day, equity_quote, resumes"
        rows = self._read(f"SELECT {columns} FROM marks WHERE resumes = ? ORDER BY seq", self.resumes())
        with self._decoding():
            return [
                MarkRow(at, exchange, symbol, kind, day, Decimal(equity_quote), resumes)
                for at, exchange, symbol, kind, day, equity_quote, resumes in rows
            ]

    def exchange_order_id(self, order_id: str) -> str | None:
        """The exchange's own id of an order of ours; None when it is not known."""
        rows = self._read("SELECT exchange_order_id FROM acceptances WHERE order_id = ?", order_id)
        return str(rows[0][0]) if rows else None

    def order_of(self, exchange_order_id: str, exchange: str | None, symbol: str | None) -> str | None:
        """Our order that an exchange calls so; None when it is none of ours. An exchange or symbol of None is any."""
        rows = self._read(
            "SELECT order_id FROM acceptances a JOIN orders o USING (order_id) WHERE exchange_order_id = ?"
            " AND exchange = coalesce(?, exchange) AND symbol = coalesce(?, symbol) ORDER BY a.seq DESC LIMIT 1",
            exchange_order_id,
            exchange,
            symbol,
        )
        return str(rows[0][0]) if rows else None

    def _rows(self, where: str, values: Row, tables: Iterable[str] = LEDGER) -> Iterator[Row]:
        self._flush()
        with translate_errors(self.path, "read"):
            yield from self._connection.execute(sequenced_rows(where, tables), values)

    @contextlib.contextmanager
    def _decoding(self) -> Iterator[None]:
        """Translate the errors of decoding a row into JournalError."""
        try:
            yield
        except (ValueError, ArithmeticError, LookupError, TypeError) as error:
            raise corruption_error(self.path, named(error)) from error

    def _read(self, query: str, *values: typing.Any) -> list[Row]:
        self._flush()
        with translate_errors(self.path, "read"):
            return self._connection.execute(query, values).fetchall()

    def _flush(self) -> None:
        """Hand over to SQLite what is kept back, before anything is read."""
