"""The journal: what happened in a campaign, in one SQLite file, written before it is believed.

Append-only: a row is never changed or removed. Money is text, so that it stays exact. Replaying the rows gives the
ledger; the bot and the command line read the same file, the command line also while the bot runs. All tables but
`commands` are written by the bot alone; `commands` is written by the command line.
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import sqlite3
import typing
from collections.abc import Iterator
from decimal import Decimal

from ..core.accounting.ledger import Ledger, OrderRecord, Outcome
from ..core.decision.campaign_state import DONE as DONE
from ..core.decision.campaign_state import ERROR as ERROR
from ..core.decision.campaign_state import GO as GO
from ..core.decision.campaign_state import HALT as HALT
from ..core.decision.campaign_state import START as START
from ..core.decision.campaign_state import WAIT as WAIT
from ..core.model.basics import OrderType, Role, Side
from ..core.model.instrument import SPOT
from ..core.model.orders import Fill, OrderIntent
from . import bot_lock, file
from .file import KINDS, OF_AN_ORDER, SEQUENCED, Row, corruption_error, translate_errors
from .file import SCHEMA_VERSION as SCHEMA_VERSION
from .file import JournalError as JournalError
from .file import NoCampaignError as NoCampaignError
from .queries import JournalQueries
from .rows import OPEN as OPEN
from .rows import Baseline as Baseline
from .rows import CampaignRow as CampaignRow
from .rows import Command as Command
from .rows import EventRow as EventRow
from .rows import HaltRow as HaltRow
from .rows import MarkRow as MarkRow
from .rows import OrderRow as OrderRow
from .rows import SentRow as SentRow
from .rows import valuation_of, values_of

CHECKPOINT_EVERY = 1_000
"""So many writes make a checkpoint due: some 8 MB of log."""
SUMS_EVERY = 2_000
"""So many rows of the ledger make it worth writing down what they add up to."""
_NO_END = 2**62

TARGET = "target"
"""A kind of command beside those of `core.control`: reach this volume, in quote."""
DAY, PEAK = "day", "peak"
"""The kinds of mark of equity: at the start of a day, and the highest so far."""
CONDITIONS = "conditions"
"""A kind of event that needs no notice: what the plan of a market starts from, as JSON."""


class Journal(JournalQueries):
    """One campaign's file. Every write is committed when the call returns, and costs the same however long the file is.

    :raises JournalError: when the file can't be opened, read or written, or is not a journal that this version reads.
    """

    def __init__(self, connection: sqlite3.Connection, path: pathlib.Path | None, *, is_batched: bool = False) -> None:
        super().__init__(connection, path)
        self._is_batched = is_batched
        self._pending: dict[str, list[Row]] = {table: [] for table in SEQUENCED}
        """Rows of a batched journal that SQLite has not got yet."""
        self._last: tuple[int, int] | None = None
        self._writes = 0
        self._rows_since_sums = 0
        self._data_version = -1

    @classmethod
    def create_or_open(cls, path: pathlib.Path | None, *, is_batched: bool = False) -> Journal:
        """The journal at `path`, made with its folder when it is missing; None is a journal in memory.

        Of one that `is_batched` everything is written when it is closed or read, and committed when it is closed: for
        what can be had again.
        """
        connection = file.open_to_write(path)
        if is_batched:
            with translate_errors(path, "written"):
                connection.execute("BEGIN IMMEDIATE")
        return cls(connection, path, is_batched=is_batched)

    @classmethod
    def open_to_read(cls, path: pathlib.Path, *, in_depth: bool = True) -> Journal:
        """An existing journal, for reading only, also while a bot writes to it; every read sees the same moment.

        The whole file is looked through for damage `in_depth`, else only what is read.

        :raises NoCampaignError: when there is none.
        """
        return cls(file.open_to_read(path, in_depth=in_depth), path)

    @classmethod
    def open_and_replay(cls, path: pathlib.Path | None) -> tuple[Journal, Ledger]:
        """The journal at `path` and its ledger: an existing file is read through before anything may change it."""
        if path is None or not path.exists():
            journal = cls.create_or_open(path)
            return journal, journal.replay()
        reader = cls.open_to_read(path)
        try:
            ledger = reader.replay()
        finally:
            reader.close()
        journal = cls(file.open_to_write(path, is_checked=True), path)
        journal._last, journal._rows_since_sums = reader._last, reader._rows_since_sums
        return journal, ledger

    def close(self) -> None:
        """:raises JournalError: when what was to be written at the end could not be."""
        try:
            if self._is_batched:
                self._flush()
                with translate_errors(self.path, "written"):
                    self._connection.execute("COMMIT")
        finally:
            self._connection.close()

    def begin_campaign(self, campaign: CampaignRow) -> None:
        self._write("INSERT INTO campaign VALUES (1, ?, ?, ?, ?)", values_of(campaign))

    def add_settings(self, at: float, target_quote: Decimal, settings: dict[str, typing.Any]) -> None:
        values = (float(at), str(target_quote), json.dumps(settings))
        self._write("INSERT INTO settings VALUES (?, ?, ?, ?)", (*values, file.seal(values, 0)))

    def add_order(self, row: OrderRow) -> None:
        intent = row.intent
        side, order_type = intent.side.value, intent.order_type.value
        amounts = str(intent.quantity), str(intent.price), str(intent.mid_price)
        values = (row.order_id, float(row.at), row.exchange, row.symbol, side, order_type, *amounts)
        beside = self._beside(row)
        if not beside:
            self._add("orders", values)
            return
        with self._together():
            self._add("orders", values)
            for table, more in beside:
                self._add(table, more)

    def _beside(self, row: OrderRow) -> list[tuple[str, Row]]:
        """The further rows of an order that is not one on spot, in the campaign's currency, by quantity."""
        worth, quote_quantity = row.intent.valuation, row.intent.quote_quantity
        beside: list[tuple[str, Row]] = []
        if worth != SPOT:
            sizes = str(worth.quote_rate), str(worth.contract_size), int(worth.is_inverse)
            beside.append(("valuations", (row.order_id, *sizes)))
        if quote_quantity is not None:
            beside.append(("spendings", (row.order_id, str(quote_quantity))))
        return beside

    def add_currency(self, at: float, currency: str) -> None:
        """What the amounts of this campaign are in."""
        self._write("INSERT INTO currencies VALUES (?, ?)", (at, currency))

    def add_acceptance(self, order_id: str, at: float, exchange_order_id: str) -> bool:
        """The exchange's own id of an order of ours; False when one is known already."""
        return self._add("acceptances", (order_id, float(at), exchange_order_id))

    def add_outcome(self, order_id: str, at: float, outcome: Outcome, reason: str) -> bool:
        """How an order ended; False when that is known already."""
        return self._add("outcomes", (order_id, float(at), outcome.value, reason))

    def add_fill(self, fill: Fill) -> bool:
        """A trade; False when one of its id is known already."""
        amounts = str(fill.quantity), str(fill.price), str(fill.fee_quote), str(fill.fee)
        values = (fill.fill_id, fill.order_id, float(fill.at), fill.role.value, *amounts, fill.fee_asset)
        if not fill.fee_told:
            return self._add("fills", values)
        note = (fill.order_id, fill.fill_id, float(fill.at), str(fill.estimated_fee_quote), fill.fee_told)
        with self._together():
            return self._add("fills", values) and self._add("fee_notes", note)

    def add_event(self, event: EventRow) -> None:
        self._write("INSERT INTO events VALUES (?, ?, ?, ?)", values_of(event))

    def add_command(self, at: float, kind: str, value: str = "") -> int:
        """A command for the bot, and its id."""
        return int(
            self._write("INSERT INTO commands (at, kind, value) VALUES (?, ?, ?)", (at, kind, value)).lastrowid or 0
        )

    def add_handled(self, command_id: int, at: float) -> None:
        """The bot has taken a command up."""
        self._write("INSERT INTO handled VALUES (?, ?) ON CONFLICT DO NOTHING", (command_id, at))

    def add_day(self, day: int, at: float, target_quote: Decimal) -> None:
        """A day has begun, with this target."""
        self._write("INSERT INTO days VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (day, at, str(target_quote)))

    def add_resume(self, command_id: int, at: float) -> bool:
        """A person has ended all halts, which resets the guard counters."""
        return self._add("resumes", (command_id, float(at)))

    def add_halt(self, halt: HaltRow) -> None:
        columns = "at, source, guard, reason, resumes"
        self._write(f"INSERT INTO halts ({columns}) VALUES (?, ?, ?, ?, ?)", values_of(halt))

    def lift_halt(self, source: str, guard: str, at: float) -> None:
        """A halt that needed a person is over without one: its reason is gone."""
        self._write(
            "INSERT INTO lifted SELECT id, ? FROM halts WHERE source = ? AND guard = ? ON CONFLICT DO NOTHING",
            (at, source, guard),
        )

    def add_question(self, order_id: str, at: float, resumes: int) -> None:
        """A person is asked what became of an order; `resumes` as in HaltRow."""
        self._write("INSERT INTO questions VALUES (?, ?, ?)", (order_id, at, resumes))

    def withdraw_question(self, order_id: str, resumes: int) -> None:
        """It is known what became of an order that a person was asked for and has not answered."""
        self._write("DELETE FROM questions WHERE order_id = ? AND resumes = ?", (order_id, resumes))

    def add_baseline(self, row: Baseline) -> None:
        values = (row.exchange, row.symbol, row.at, str(row.base), str(row.quote))
        self._write("INSERT INTO baselines VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values)

    def add_mark(self, row: MarkRow) -> None:
        values = (row.at, row.exchange, row.symbol, row.kind, row.day, str(row.equity_quote), row.resumes)
        self._write("INSERT INTO marks VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def _add(self, table: str, values: Row) -> bool:
        """A row with the next number, sealed; False when it is known already."""
        last_seq, last_seal = self._last or self._read_last()
        own_seal = file.seal(values, last_seal)
        row = (last_seq + 1, *values, own_seal)
        if self._is_batched:
            self._pending[table].append(row)
            if len(self._pending[table]) >= CHECKPOINT_EVERY:
                self._flush()
        elif self._write(_INSERTS[table], row).rowcount != 1:
            return False
        self._last = last_seq + 1, own_seal
        self._rows_since_sums += 1
        return True

    @contextlib.contextmanager
    def _together(self) -> Iterator[None]:
        """Within it everything is written or nothing is; a batched journal is one whole anyway."""
        last, rows_since_sums = self._last, self._rows_since_sums
        if self._is_batched:
            yield
            return
        self._write("BEGIN IMMEDIATE", ())
        try:
            yield
            self._write("COMMIT", ())
        except BaseException:
            self._last, self._rows_since_sums = last, rows_since_sums
            with contextlib.suppress(sqlite3.Error):  # what went wrong before is what is told
                self._connection.execute("ROLLBACK")
            raise

    def _flush(self) -> None:
        """Hand over what a batched journal has kept back; nothing in it is there twice."""
        if not self._is_batched:
            return
        with translate_errors(self.path, "written"):
            for table, rows in self._pending.items():
                self._connection.executemany(_INSERTS_ONCE[table], rows)
                rows.clear()

    def _read_last(self) -> tuple[int, int]:
        """The number and the seal of the last row, 0 and 0 before the first."""
        lasts = " UNION ALL ".join(
            f"SELECT * FROM (SELECT seq, seal FROM {table} ORDER BY seq DESC LIMIT 1)" for table in SEQUENCED
        )
        rows = self._read(f"{lasts} ORDER BY seq DESC LIMIT 1")
        self._last = (rows[0][0], rows[0][1]) if rows else (0, 0)
        return self._last

    def recall(self, order_id: str, until_seq: int = _NO_END) -> OrderRecord | None:
        """One order as the rows up to a number tell it; None when it is none of ours."""
        first = self._read("SELECT seq FROM orders WHERE order_id = ?", order_id)
        if not first:
            return None
        ledger, where = Ledger(), "WHERE order_id = ? AND seq >= ? AND seq < ?"
        for row in self._rows(where, (order_id, first[0][0], until_seq) * len(OF_AN_ORDER), OF_AN_ORDER):
            self._replay_row(ledger, row)
        return ledger.record(order_id)

    def replay(self, *, from_the_first_row: bool = False) -> Ledger:
        """The ledger that the rows of this file add up to; from the sums that were written down last, or from nothing.

        :raises JournalError: when a row is not what was written, or one between others is missing.
        """
        ledger, seq, last_seal = (Ledger(), 0, 0) if from_the_first_row else self._last_sums()
        first_seq = seq
        with self._decoding():
            for row in self._rows("WHERE seq > ?", (seq,) * len(SEQUENCED)):
                last_seal = file.seal(row[3 : 3 + _WIDTHS[row[1]]], last_seal)
                if row[2] != last_seal or row[0] <= seq:
                    raise corruption_error(self.path, f"row {row[0]} is not what was written")
                seq = row[0]
                self._replay_row(ledger, row)
        self._last = seq, last_seal
        self._rows_since_sums = seq - first_seq
        return ledger

    @property
    def are_sums_due(self) -> bool:
        """Whether the next start would have many rows to add up."""
        return self._rows_since_sums >= SUMS_EVERY

    def add_sums(self, ledger: Ledger) -> None:
        """What the rows up to now add up to, for a quick start. The rows remain what counts."""
        seq, last_seal = self._last or self._read_last()
        sums = json.dumps(ledger.dump(), separators=(",", ":"))
        own_seal = file.seal((seq, sums), last_seal)
        self._write("INSERT INTO sums VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", (seq, last_seal, sums, own_seal))
        self._rows_since_sums = 0

    def _last_sums(self) -> tuple[Ledger, int, int]:
        """The ledger of the last sums that are whole, the number of its last row and that row's seal."""
        for seq, last_seal, sums, own_seal in self._read("SELECT * FROM sums ORDER BY seq DESC LIMIT 1"):
            values = json.loads(sums) if file.seal((seq, sums), last_seal) == own_seal else {}
            if values.get("version") == Ledger.VERSION:
                return Ledger.load(values), seq, last_seal
        return Ledger(), 0, 0

    def _replay_row(self, ledger: Ledger, row: Row) -> None:
        seq, kind, _, first, second, *rest = row
        if kind == _ORDERS:
            exchange, symbol, side, order_type, quantity, price, mid_price = rest
            amounts = Decimal(quantity), Decimal(price), Decimal(mid_price)
            ledger.place(first, OrderIntent(_SIDES[side], _TYPES[order_type], *amounts), second, exchange, symbol)
        elif kind == _FILLS:
            at, role, quantity, price, fee_quote, _, _ = rest
            self._bring_back(ledger, second, seq)
            ledger.count(second, first, at, _ROLES[role], Decimal(quantity), Decimal(price), Decimal(fee_quote))
        elif kind == _OUTCOMES_KIND:
            self._bring_back(ledger, first, seq)
            ledger.close(first, _OUTCOMES[rest[0]])
        elif kind == _RESUMES:
            ledger.reset_guard_counters()
        elif kind == _VALUATIONS:
            ledger.revalue(first, valuation_of(second, *rest[:2]))
        elif kind == _SPENDINGS:
            ledger.spend(first, Decimal(second))
        elif kind == _FEE_NOTES:
            ledger.mark_estimated(first, rest[0], Decimal(rest[1]))

    def _bring_back(self, ledger: Ledger, order_id: str, seq: int) -> None:
        if not ledger.knows(order_id) and (record := self.recall(order_id, seq)):
            ledger.recall(order_id, record)

    @property
    def is_checkpoint_due(self) -> bool:
        return self.path is not None and not self._is_batched and self._writes >= CHECKPOINT_EVERY

    def checkpoint(self) -> None:
        """Bring all onto the disk. To be called in a thread: it waits for the disk, and this object's calls do not.

        :raises JournalError: when it could not be done; nothing is lost by that.
        """
        self._writes = 0
        if self.path is not None:
            file.checkpoint(self.path)

    def has_changed(self) -> bool:
        """Whether anybody else has written since this was asked last; nobody may to a batched one."""
        if self._is_batched:
            return False
        before, self._data_version = self._data_version, int(self._read("PRAGMA data_version")[0][0])
        return before != self._data_version

    def _write(self, statement: str, values: Row) -> sqlite3.Cursor:
        self._writes += 1
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise file.sentence_of(error, self.path, "written") from error


_ONCE = {"acceptances": "order_id", "outcomes": "order_id", "fills": "fill_id", "resumes": "command_id"}
"""What arrives twice is written once; an order that is sent twice would be an error."""
_INSERTS = {
    table: f"INSERT INTO {table} (seq, {columns}, seal) VALUES ({', '.join('?' * (columns.count(',') + 3))})"
    + (f" ON CONFLICT ({_ONCE[table]}) DO NOTHING" if table in _ONCE else "")
    for table, columns in SEQUENCED.items()
}
_INSERTS_ONCE = {table: statement.partition(" ON CONFLICT")[0] for table, statement in _INSERTS.items()}
_ORDERS, _FILLS, _OUTCOMES_KIND = KINDS["orders"], KINDS["fills"], KINDS["outcomes"]
_RESUMES, _VALUATIONS = KINDS["resumes"], KINDS["valuations"]
_SPENDINGS, _FEE_NOTES = KINDS["spendings"], KINDS["fee_notes"]
_WIDTHS = {KINDS[table]: columns.count(",") + 1 for table, columns in SEQUENCED.items()}
_SIDES = {side.value: side for side in Side}
_TYPES = {order_type.value: order_type for order_type in OrderType}
_ROLES = {role.value: role for role in Role}
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}


def set_aside(path: pathlib.Path, now: float) -> pathlib.Path | None:
    """Move a campaign's file beside itself, where it is kept; its new place, None when there is none.

    :raises JournalError: when a bot runs the campaign, or the file can't be moved.
    """
    if (process := bot_lock.running_bot(path)) is not None:
        raise JournalError(f"an OctoBot (process {process}) runs the campaign in {path}: stop it first")
    return file.move_aside(path, now)


def remove(path: pathlib.Path) -> None:
    """Remove the file of a campaign that can be had again.

    :raises JournalError: when a bot runs the campaign, or the file can't be removed.
    """
    if (process := bot_lock.running_bot(path)) is not None:
        raise JournalError(f"an OctoBot (process {process}) writes to {path}: wait until it has ended, or stop it")
    file.remove(path)
