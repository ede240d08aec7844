"""What the journal of a campaign answers: its rows, read as values."""

from __future__ import annotations

import contextlib
import json
import pathlib
import sqlite3
import typing
from collections.abc import Iterable, Iterator
from decimal import Decimal

from ..core.accounting.ledger import Outcome
from ..core.accounting.trade_ids import KnownFill
from ..core.model.orders import Fill
from ..core.model.redact import named
from . import file
from .file import SEQUENCED, Row, corruption_error, translate_errors
from .rows import (
    FILL_COLUMNS,
    SENT_COLUMNS,
    WHAT_BECAME,
    Baseline,
    CampaignRow,
    Command,
    EventRow,
    HaltRow,
    MarkRow,
    SentRow,
    fill_row,
    sent_row,
)


class JournalQueries:
    """The questions that a journal answers.

    :raises JournalError: from every method, when the file can't be read or is damaged.
    """

    def __init__(self, connection: sqlite3.Connection, path: pathlib.Path | None) -> None:
        self.path = path
        self._connection = connection

    def currency(self) -> str | None:
        """What the amounts of this campaign are in; None while that was not written down."""
        rows = self._read("SELECT currency FROM currencies ORDER BY rowid LIMIT 1")
        return str(rows[0][0]) if rows else None

    def questions(self) -> dict[str, int]:
        """The orders that a person was asked for, and how often one had resumed before that."""
        return dict(self._read("SELECT order_id, resumes FROM questions ORDER BY rowid"))

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
        return Decimal(row[1]) if row else None

    def settings(self) -> dict[str, typing.Any]:
        """The settings that were used last, as a configuration holds them; empty while none were."""
        row = self._last_settings()
        return dict(json.loads(row[2])) if row else {}

    def _last_settings(self) -> Row | None:
        for *values, own_seal in self._read("SELECT * FROM settings ORDER BY rowid DESC LIMIT 1"):
            if file.seal(tuple(values), 0) != own_seal:
                raise corruption_error(self.path, "its settings are not what was written")
            return tuple(values)
        return None

    def last_fill(self) -> tuple[Fill, str] | None:
        """The fill that was written down last, and its symbol; None while there is none."""
        rows = self._read(f"SELECT {FILL_COLUMNS} ORDER BY f.seq DESC LIMIT 1")
        with self._decoding():
            return (fill_row(rows[0]), rows[0][-1]) if rows else None

    def sent_orders(self) -> list[SentRow]:
        """Every order in the order in which they were sent, with what became of it."""
        rows = self._read(f"SELECT {SENT_COLUMNS} FROM orders o {WHAT_BECAME} ORDER BY o.seq")
        with self._decoding():
            return [sent_row(row) for row in rows]

    def fills(self) -> list[Fill]:
        """Every fill in the order in which they were written down."""
        rows = self._read(f"SELECT {FILL_COLUMNS} ORDER BY f.seq")
        with self._decoding():
            return [fill_row(row) for row in rows]

    def last_orders(self, count: int) -> list[SentRow]:
        """The orders that were sent last, the newest last."""
        newest = "(SELECT * FROM orders ORDER BY seq DESC LIMIT ?)"
        rows = self._read(f"SELECT {SENT_COLUMNS} FROM {newest} o {WHAT_BECAME} ORDER BY o.seq", count)
        with self._decoding():
            return [sent_row(row) for row in rows]

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
            return [sent_row(row) for row in rows]

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
        return [EventRow(*row) for row in self._read("SELECT at, kind, source, reason FROM events ORDER BY rowid")]

    def commands(self) -> list[tuple[Command, bool]]:
        """Every command in the order in which they were given, and whether the bot has taken it up."""
        columns = "id, c.at, kind, value, h.command_id IS NOT NULL"
        rows = self._read(f"SELECT {columns} FROM commands c LEFT JOIN handled h ON h.command_id = c.id ORDER BY id")
        return [(Command(*row[:4]), bool(row[4])) for row in rows]

    def is_handled(self, command_id: int) -> bool:
        """Whether the bot has taken a command up."""
        return bool(self._read("SELECT 1 FROM handled WHERE command_id = ?", command_id))

    def commands_after(self, command_id: int) -> list[Command]:
        """The commands that were given after this one."""
        rows = self._read("SELECT id, at, kind, value FROM commands WHERE id > ? ORDER BY id", command_id)
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
        rows = self._read(
            "SELECT h.at, source, guard, reason, resumes FROM halts h LEFT JOIN lifted l ON l.halt_id = h.id"
            " WHERE l.at IS NULL AND resumes = (SELECT count(*) FROM resumes) ORDER BY h.id"
        )
        return [HaltRow(*row) for row in rows]

    def baselines(self) -> list[Baseline]:
        """What the account of each market began with."""
        rows = self._read("SELECT exchange, symbol, at, base, quote FROM baselines")
        with self._decoding():
            return [Baseline(row[0], row[1], row[2], Decimal(row[3]), Decimal(row[4])) for row in rows]

    def marks(self) -> list[MarkRow]:
        """The marks of equity since a person last ended a halt, oldest first."""
        rows = self._read("SELECT * FROM marks WHERE resumes = (SELECT count(*) FROM resumes) ORDER BY rowid")
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

    def _rows(self, where: str, values: Row, tables: Iterable[str] = SEQUENCED) -> Iterator[Row]:
        self._flush()
        with translate_errors(self.path, "read"):
            yield from self._connection.execute(file.sequenced_rows(where, tables), values)

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
