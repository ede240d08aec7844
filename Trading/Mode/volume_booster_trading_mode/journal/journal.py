"""The journal: what happened in a campaign, in one SQLite file, written before it is believed.

Append-only: a row is never changed or removed, and each is sealed. Money is text, so that it stays exact. Replaying the
rows gives the ledger; the bot and the command line read the same file, the command line also while the bot runs. All
tables but `commands` are written by the bot alone; `commands` is written by the command line, too.
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import sqlite3
import typing
from collections.abc import Iterable, Iterator
from decimal import Decimal

from ..core.accounting.fill_marks import AT_FILL
from ..core.accounting.ledger import Ledger, OrderRecord, Outcome
from ..core.decision.campaign_state import DONE as DONE
from ..core.decision.campaign_state import ERROR as ERROR
from ..core.decision.campaign_state import GO as GO
from ..core.decision.campaign_state import HALT as HALT
from ..core.decision.campaign_state import START as START
from ..core.decision.campaign_state import WAIT as WAIT
from ..core.model.instrument import SPOT
from ..core.model.orders import Fill
from . import bot_lock, file, seals
from .file import SCHEMA_VERSION as SCHEMA_VERSION
from .file import JournalError as JournalError
from .file import NoCampaignError as NoCampaignError
from .file import Row, corruption_error, translate_errors
from .queries import NOT_INDEXED, JournalQueries
from .replay import replay_row
from .rows import OPEN as OPEN
from .rows import Baseline as Baseline
from .rows import CampaignRow as CampaignRow
from .rows import Command as Command
from .rows import EventRow as EventRow
from .rows import HaltRow as HaltRow
from .rows import MarkRow as MarkRow
from .rows import OrderRow as OrderRow
from .rows import SentRow as SentRow
from .schema import LEDGER, OF_AN_ORDER, OWN_NUMBERING, SEQUENCED

CHECKPOINT_EVERY, LOOK_AT_LOG_EVERY = 1_000, 100
"""So many writes make a checkpoint due, or a long log from so many on."""
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
        self._pending: dict[str, list[Row]] = {table: [] for table in LEDGER}
        """Rows of a batched journal that SQLite has not got yet."""
        self._last: int | None = None
        """The number of the row that was written last."""
        self._is_detached = False
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
    def open_to_read(
        cls, path: pathlib.Path, *, in_depth: bool = True, is_read_whole: bool = False, after: int = 0
    ) -> Journal:
        """An existing journal, for reading only, also while a bot writes to it; every read sees the same moment.

        What is read of it is what was once written, see `file.open_to_read`.

        :raises NoCampaignError: when there is none.
        """
        journal = cls(file.open_to_read(path, in_depth=in_depth, is_read_whole=is_read_whole, after=after), path)
        journal._hint = "" if in_depth else NOT_INDEXED
        return journal

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
        started_at = float(campaign.started_at)
        self._add("campaign", (1, started_at, campaign.trading, campaign.seed, campaign.octobot_version))

    def add_settings(self, at: float, target_quote: Decimal, settings: dict[str, typing.Any]) -> None:
        self._add("settings", (float(at), str(target_quote), json.dumps(settings)))

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
        if row.intent.is_flattening:
            beside.append(("flattenings", (row.order_id, float(row.at))))
        return beside

    def add_currency(self, at: float, currency: str) -> None:
        """What the amounts of this campaign are in."""
        self._add("currencies", (float(at), currency))

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
        beside: list[tuple[str, Row]] = []
        if fill.fee_told:
            note = (fill.order_id, fill.fill_id, float(fill.at), str(fill.estimated_fee_quote), fill.fee_told)
            beside.append(("fee_notes", note))
        if fill.mid_at_fill is not None:
            beside.append(("fill_marks", (fill.fill_id, AT_FILL, float(fill.at), str(fill.mid_at_fill))))
        if not beside:
            return self._add("fills", values)
        with self._together():
            return self._add("fills", values) and all(self._add(table, more) for table, more in beside)

    def add_fill_marks(self, rows: Iterable[tuple[str, int, float, Decimal]]) -> None:
        """The mids at which fills are measured, of one look at the market: fill, seconds after it, moment, mid."""
        with self._together():
            for fill_id, after_s, at, mid_price in rows:
                self._add("fill_marks", (fill_id, after_s, float(at), str(mid_price)))

    def add_event(self, event: EventRow) -> None:
        self._add("events", (float(event.at), event.kind, event.source, event.reason))

    def add_command(self, at: float, kind: str, value: str = "") -> int:
        """A command for the bot, and its id."""
        with self._together():
            # others write commands, too: the next number is known for certain only while nobody else can
            command_id = int(self._read("SELECT coalesce(max(seq), 0) + 1 FROM commands")[0][0])
            self._insert("commands", command_id, (float(at), kind, value))
        return command_id

    def add_handled(self, command_id: int, at: float) -> None:
        """The bot has taken a command up."""
        self._add("handled", (command_id, float(at)))

    def add_day(self, day: int, at: float, target_quote: Decimal) -> None:
        """A day has begun, with this target."""
        self._add("days", (day, float(at), str(target_quote)))

    def add_resume(self, command_id: int, at: float) -> bool:
        """A person has ended all halts, which resets the guard counters."""
        return self._add("resumes", (command_id, float(at)))

    def add_halt(self, halt: HaltRow) -> None:
        self._add("halts", (float(halt.at), halt.source, halt.guard, halt.reason, halt.resumes))

    def lift_halt(self, source: str, guard: str, at: float) -> None:
        """A halt that needed a person is over without one: its reason is gone."""
        for (halt_id,) in self._read("SELECT seq FROM halts WHERE source = ? AND guard = ?", source, guard):
            self._add("lifted", (halt_id, float(at)))

    def add_question(self, order_id: str, at: float, resumes: int) -> None:
        """A person is asked what became of an order; `resumes` as in HaltRow."""
        self._add("questions", (order_id, float(at), resumes))

    def withdraw_question(self, order_id: str, resumes: int) -> None:
        """It is known what became of an order that a person was asked for and has not answered."""
        query = "SELECT seq FROM questions WHERE order_id = ? AND resumes = ?"
        for (question_id,) in self._read(query, order_id, resumes):
            self._add("answers", (question_id,))

    def add_baseline(self, row: Baseline) -> None:
        self._add("baselines", (row.exchange, row.symbol, float(row.at), str(row.base), str(row.quote)))

    def add_mark(self, row: MarkRow) -> None:
        equity = str(row.equity_quote)
        self._add("marks", (float(row.at), row.exchange, row.symbol, row.kind, row.day, equity, row.resumes))

    def _add(self, table: str, values: Row) -> bool:
        """A row with the next number, sealed; False when it is known already."""
        seq = (self._read_last() if self._last is None else self._last) + 1
        if self._is_batched and table in self._pending:
            self._pending[table].append((seq, *values, seals.seal(table, seq, values)))
            if len(self._pending[table]) >= CHECKPOINT_EVERY:
                self._flush()
        elif not self._insert(table, seq, values):
            return False
        self._last = seq
        self._rows_since_sums += 1
        return True

    def _insert(self, table: str, seq: int, values: Row) -> bool:
        return self._write(_INSERTS[table], (seq, *values, seals.seal(table, seq, values))).rowcount == 1

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

    def _read_last(self) -> int:
        """The number of the last row, 0 before the first."""
        tables = (table for table in SEQUENCED if table != OWN_NUMBERING)
        lasts = ", ".join(f"(SELECT coalesce(max(seq), 0) FROM {table})" for table in tables)
        return int(self._read(f"SELECT max({lasts})")[0][0])

    def recall(self, order_id: str, until_seq: int = _NO_END) -> OrderRecord | None:
        """One order as the rows up to a number tell it; None when it is none of ours."""
        first = self._read(f"SELECT seq FROM orders {self._hint} WHERE order_id = ?", order_id)
        if not first:
            return None
        ledger, where = Ledger(), f"{self._hint} WHERE order_id = ? AND seq >= ? AND seq < ?"
        with self._decoding():
            for row in self._rows(where, (order_id, first[0][0], until_seq) * len(OF_AN_ORDER), OF_AN_ORDER):
                self._replay_row(ledger, row)
            return ledger.record(order_id)

    def replay(self, *, from_the_first_row: bool = False) -> Ledger:
        """The ledger that the rows of this file add up to; from the sums that were written down last, or from nothing.

        :raises JournalError: when a row can't be read.
        """
        ledger, first_seq = (Ledger(), 0) if from_the_first_row else self._last_sums()
        rows = 0
        with self._decoding():
            for row in self._rows("WHERE seq > ?", (first_seq,) * len(LEDGER)):
                self._replay_row(ledger, row)
                rows += 1
        self._last = self._read_last()
        self._rows_since_sums = rows
        return ledger

    @property
    def are_sums_due(self) -> bool:
        """Whether the next start would have many rows to add up."""
        return self._rows_since_sums >= SUMS_EVERY

    def add_sums(self, ledger: Ledger) -> None:
        """What the rows up to now add up to, for a quick start, with the digest of the new ones, for a quick look.

        The rows remain what counts.

        :raises JournalError: also when a row since the last sums is not what was written.
        """
        seq = self._read_last() if self._last is None else self._last
        (before,) = self._read("SELECT coalesce(max(seq), 0) FROM sums")[0]
        with translate_errors(self.path, "read"):
            if found := seals.first_damaged(self._connection, LEDGER, before, seq):
                raise corruption_error(self.path, found)
            block = seals.digest(self._connection, LEDGER, before, seq)
        sums = json.dumps(ledger.dump(), separators=(",", ":"))
        row = (seq, block, sums, seals.sums_seal(seq, block, sums))
        self._write("INSERT INTO sums VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row)
        self._rows_since_sums = 0

    def _last_sums(self) -> tuple[Ledger, int]:
        """The ledger of the last sums that are whole, and the number of their last row."""
        for seq, block, sums, own in self._read("SELECT seq, digest, sums, seal FROM sums ORDER BY seq DESC LIMIT 1"):
            values = json.loads(sums) if seals.sums_seal(seq, block, sums) == own else {}
            if values.get("version") == Ledger.VERSION:
                return Ledger.load(values), seq
        return Ledger(), 0

    def _replay_row(self, ledger: Ledger, row: Row) -> None:
        replay_row(ledger, row, self.measured_since, self.recall)

    def detach(self) -> None:
        """Leave the file as it is, and continue on a copy in memory, which ends with this process.

        :raises JournalError: when the file can't be read any more.
        """
        if self._is_detached:
            return
        with translate_errors(self.path, "read"):
            copy = sqlite3.connect(":memory:", isolation_level=None)
            self._connection.backup(copy)
        self._connection.close()
        self._connection, self._is_detached = copy, True

    @property
    def is_checkpoint_due(self) -> bool:
        if self.path is None or self._is_batched or self._is_detached or self._writes < LOOK_AT_LOG_EVERY:
            return False
        return self._writes >= CHECKPOINT_EVERY or file.is_log_long(self.path)

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


_ONCE = {
    "acceptances": "order_id",
    "outcomes": "order_id",
    "fills": "fill_id",
    "resumes": "command_id",
    "fill_marks": "fill_id, after_s",
    "handled": "command_id",
    "days": "day",
    "baselines": "exchange, symbol",
    "lifted": "halt_id",
    "answers": "question_id",
}
"""What arrives twice is written once; an order that is sent twice would be an error."""
_INSERTS = {
    table: f"INSERT INTO {table} (seq, {columns}, seal) VALUES ({', '.join('?' * (columns.count(',') + 3))})"
    + (f" ON CONFLICT ({_ONCE[table]}) DO NOTHING" if table in _ONCE else "")
    for table, columns in SEQUENCED.items()
}
_INSERTS_ONCE = {table: _INSERTS[table].partition(" ON CONFLICT")[0] for table in LEDGER}


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
