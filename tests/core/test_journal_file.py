"""Laws of the journal's file: it survives, or it is refused with a reason and left as it is, to the byte."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal

import damaged
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.accounting.ledger import Outcome, Progress
from octobot_volume_booster.core.model.basics import OrderType, Role, Side, Trading
from octobot_volume_booster.core.model.orders import Fill, OrderIntent
from octobot_volume_booster.core.settings.schema import parse_settings
from octobot_volume_booster.journal import file as journal_file
from octobot_volume_booster.journal import journal as journals
from octobot_volume_booster.journal.journal import (
    SCHEMA_VERSION,
    EventRow,
    Journal,
    JournalError,
    NoCampaignError,
    set_aside,
)
from octobot_volume_booster.reporting.report import read_report

TARGET = Decimal(10_000)
MARKET = ("binance", "BTC/USDT")
SOURCE = " ".join(MARKET)
NOBODY = 65534
A_BUY = OrderIntent(Side.BUY, OrderType.LIMIT, Decimal("0.5"), Decimal(100), Decimal("99.5"))
VERSION_1 = """
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
INSERT INTO campaign VALUES (1, 100.0, 'simulation', 7, '2.1.1');
INSERT INTO settings VALUES (100.0, '2000', '{"volume_target": 2000, "seed": 7}');
INSERT INTO orders VALUES (1, 'a', 101.0, 'binance', 'BTC/USDT', 'buy', 'limit', '0.5', '100', '99.5');
INSERT INTO fills VALUES (2, 'a:1', 'a', 102.0, 'maker', '0.2', '100', '0.02');
INSERT INTO orders VALUES (4, 'b', 103.0, 'binance', 'BTC/USDT', 'sell', 'market', '0.1', '101', '101');
INSERT INTO fills VALUES (5, 'b:1', 'b', 103.5, 'taker', '0.1', '101', '0.0101');
INSERT INTO outcomes VALUES (6, 'a', 104.0, 'cancelled', 'too old');
INSERT INTO events VALUES (100.0, 'start', 'binance BTC/USDT', 'OctoBot 2.1.1, seed 7');
PRAGMA user_version = 1;
"""


def a_fill(order_id: str, number: int, quantity: str = "0.1") -> Fill:
    amounts = Decimal(quantity), Decimal(100), Decimal("0.01"), A_BUY.mid_price
    return Fill(f"{order_id}:{number}", order_id, 10.0 + number, Side.BUY, Role.MAKER, *amounts, Decimal("1E-5"), "BNB")


def write_campaign(path: pathlib.Path, orders: int = 3) -> list[Progress]:
    """A campaign, and where it stood after each thing that was written down."""
    campaign = Campaign.open(path)
    stood = [campaign.progress(TARGET)]
    campaign.begin(1.0, Trading.SIMULATION, 7, "2.1.1", SOURCE)
    campaign.use(parse_settings({}), 1.0, SOURCE)
    for number in range(orders):
        order_id = f"order {number}"
        campaign.reserve(order_id, *MARKET, A_BUY, 2.0)
        stood.append(campaign.progress(TARGET))
        campaign.accept(order_id, f"exchange's {order_id}", 2.5)
        campaign.fill(a_fill(order_id, 1))
        stood.append(campaign.progress(TARGET))
        campaign.close(order_id, Outcome.CANCELLED, "too old", 3.0)
        stood.append(campaign.progress(TARGET))
    campaign.close_journal()
    return stood


def replayed(path: pathlib.Path) -> Progress:
    journal = Journal.open_to_read(path)
    with contextlib.closing(journal):
        return journal.replay().progress(TARGET)


def a_version_1_file(path: pathlib.Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Progress]]:
    """The bytes of a campaign's file, and where it stood at each of its moments."""
    path = tmp_path_factory.mktemp("whole") / "campaign.sqlite"
    stood = write_campaign(path)
    return path.read_bytes(), stood


def opened(path: pathlib.Path) -> Progress:
    campaign = Campaign.open(path)
    progress = campaign.progress(TARGET)
    campaign.close_journal()
    return progress


def check_is_refused_untouched_or_a_moment(path: pathlib.Path, content: bytes, stood: list[Progress]) -> None:
    path.write_bytes(content)
    try:
        progress = opened(path)
    except JournalError as error:
        assert str(path) in str(error)
        assert "start" in str(error) or "use the newer one" in str(error), error
        assert path.read_bytes() == content
        log = path.with_name(path.name + "-wal")
        assert not log.exists() or log.read_bytes() == b""
        assert list(path.parent.glob("campaign-*")) == []
    else:
        assert progress in stood


@settings(LAW, max_examples=100)
@given(st.data())
def test_a_truncated_file_is_refused_and_left_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, whole: tuple[bytes, list[Progress]], data: st.DataObject
) -> None:
    content, stood = whole
    cut = content[: data.draw(st.integers(0, len(content) - 1))]
    check_is_refused_untouched_or_a_moment(tmp_path_factory.mktemp("cut") / "campaign.sqlite", cut, stood)


@pytest.mark.long
@settings(LAW, max_examples=200)
@given(st.data())
def test_flipped_bytes_are_found_or_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, whole: tuple[bytes, list[Progress]], data: st.DataObject
) -> None:
    content, stood = bytearray(whole[0]), whole[1]
    used = [place for place, byte in enumerate(content) if byte]
    places = st.lists(st.sampled_from(used) | st.integers(0, len(content) - 1), min_size=1, max_size=3)
    for place in data.draw(places):
        content[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("flipped") / "campaign.sqlite"
    check_is_refused_untouched_or_a_moment(path, bytes(content), stood)


@settings(LAW, max_examples=40)
@given(st.data())
def test_a_torn_log_is_the_campaign_at_an_earlier_moment(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """After a power cut the end of the write-ahead log may be missing or never have reached the disk."""
    folder = tmp_path_factory.mktemp("torn")
    path, log = folder / "campaign.sqlite", folder / "campaign.sqlite-wal"
    campaign, stood = Campaign.open(path), []
    for number in range(3):
        stood.append(campaign.progress(TARGET))
        campaign.reserve(f"order {number}", *MARKET, A_BUY, 2.0)
        stood.append(campaign.progress(TARGET))
        campaign.fill(a_fill(f"order {number}", 1))
    stood.append(campaign.progress(TARGET))
    file, whole_log = path.read_bytes(), log.read_bytes()
    campaign.close_journal()
    torn = bytearray(whole_log[: data.draw(st.integers(0, len(whole_log)))])
    if torn and data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(torn) - 1))
        torn[place:] = bytes(len(torn) - place)
    path.write_bytes(file)
    log.write_bytes(bytes(torn))
    assert opened(path) in stood


def test_a_row_that_is_missing_between_others_is_damage(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    write_campaign(path)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM fills WHERE fill_id = 'order 1:1'")
    with pytest.raises(JournalError, match="damaged"):
        Campaign.open(path)


def test_another_programs_database_is_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE recipes (name TEXT); PRAGMA user_version = 2;")
    before = path.read_bytes()
    with pytest.raises(JournalError, match=r"not a journal of the volume booster.*--fresh"):
        Campaign.open(path)
    assert path.read_bytes() == before


def test_a_file_of_a_newer_version_is_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    write_campaign(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(JournalError, match=rf"version {SCHEMA_VERSION + 1}.*newer version of the volume booster"):
        Campaign.open(path)
    assert path.read_bytes() == before


def test_a_file_of_version_1_is_migrated_to_the_same_ledger(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    a_version_1_file(path)
    before = path.read_bytes()
    read = replayed(path)
    assert path.read_bytes() == before, "reading does not change a file"
    assert (read.orders, read.fills, read.cancelled, read.open_orders) == (2, 2, 1, 0)
    assert (read.bought_quote, read.sold_quote, read.fees_quote) == (Decimal(20), Decimal("10.1"), Decimal("0.0301"))
    campaign = Campaign.open(path)
    assert campaign.progress(TARGET) == read
    assert campaign.record("a").intent == A_BUY
    assert campaign.fill(a_fill("a", 1)) is False
    assert campaign.fill(a_fill("a", 2)) is True
    after = campaign.progress(TARGET)
    campaign.close_journal()
    assert replayed(path) == after
    report = read_report(path)
    assert report is not None
    assert (report.seed, report.started_at, report.progress.target_quote) == (7, 100.0, 2_000)


def test_a_file_of_version_6_is_the_same_ledger_and_takes_what_is_new(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    stood = write_campaign(path)[-1]
    damaged.make_version_6(path)
    before = path.read_bytes()
    assert stood.whole is not None
    cost_quote = stood.fees_quote + stood.arrival_slippage_quote
    spent = {"spent_quote": cost_quote, "cost_quote": cost_quote}
    whole = dataclasses.replace(stood.whole, **spent, unmeasured_quote=Decimal(0), ever_unmeasured_quote=Decimal(0))
    stood = dataclasses.replace(
        stood,
        slippage_quote=stood.arrival_slippage_quote,
        whole=whole,
        unmeasured_quote=Decimal(0),
        old_kind_quote=stood.filled_quote,
    )
    assert replayed(path) == stood, "measured as it was then, and marked"
    assert path.read_bytes() == before, "reading does not change a file"
    campaign = Campaign.open(path)
    assert campaign.progress(TARGET) == stood
    assert campaign.record("order 0").intent.quote_quantity is None
    campaign.place("new", *MARKET, dataclasses.replace(A_BUY, quote_quantity=Decimal(50)), 4.0)
    estimate = dataclasses.replace(a_fill("new", 1), estimated_fee_quote=Decimal("0.01"), fee_told="not told")
    assert campaign.fill(estimate) is True
    after = campaign.progress(TARGET)
    assert (after.open_buy_quote, after.estimated_fees_quote) == (40, Decimal("0.01"))
    campaign.close_journal()
    assert replayed(path) == after


def test_a_note_of_a_fee_that_cannot_be_written_leaves_no_fill_without_it(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    campaign = Campaign.open(path)
    campaign.place("order 0", *MARKET, A_BUY, 2.0)
    before = campaign.progress(TARGET)
    estimate = dataclasses.replace(a_fill("order 0", 1), estimated_fee_quote=Decimal("0.01"), fee_told="not told")
    with on(campaign) as connection:
        connection.execute(
            "CREATE TRIGGER refused BEFORE INSERT ON fee_notes BEGIN SELECT RAISE(ABORT, 'not now'); END"
        )
        with pytest.raises(JournalError):
            campaign.fill(estimate)
        assert campaign.progress(TARGET) == replayed(path) == before
        connection.execute("DROP TRIGGER refused")
    assert campaign.fill(estimate) is True
    after = campaign.progress(TARGET)
    assert after.estimated_fees_quote == Decimal("0.01")
    campaign.close_journal()
    assert opened(path) == after


def test_a_migration_that_fails_leaves_the_file_in_its_version(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    a_version_1_file(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE days (in_the_way TEXT)")
    with pytest.raises(JournalError, match="days"):
        Campaign.open(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert journal_file.version_of(connection) == 1
        columns = [row[1] for row in connection.execute("PRAGMA table_info(fills)")]
    assert "fee_asset" not in columns


def test_the_fee_is_kept_as_it_was_charged(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    write_campaign(path, orders=1)
    with contextlib.closing(Journal.open_to_read(path)) as journal:
        assert journal.last_fill() == (a_fill("order 0", 1), "BTC/USDT")


@contextlib.contextmanager
def on(campaign: Campaign) -> Iterator[sqlite3.Connection]:
    """The campaign's own connection, for what the operating system does to it."""
    yield campaign._journal._connection


def check_nothing_is_written_nor_believed(campaign: Campaign, why: str) -> None:
    before = campaign.progress(TARGET)
    with pytest.raises(JournalError, match=why):
        campaign.fill(a_fill("order 0", 2))
    with pytest.raises(JournalError, match=why):
        campaign.reserve("new", *MARKET, A_BUY, 9.0)
    assert campaign.progress(TARGET) == before


def test_on_a_full_disk_nothing_is_believed_that_is_not_written_and_it_goes_on_when_there_is_space(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / "campaign.sqlite"
    write_campaign(path)
    campaign = Campaign.open(path)
    with on(campaign) as connection:
        full = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {full}")
        written = 1
        with pytest.raises(JournalError, match="disk is full; free some space"):
            while campaign.fill(a_fill("order 0", written := written + 1, quantity="0.0000001")):
                pass
        before = campaign.progress(TARGET)
        assert replayed(path) == before
        connection.execute("PRAGMA max_page_count = 100000")
    assert campaign.fill(a_fill("order 0", written, quantity="0.0000001")) is True
    after = campaign.progress(TARGET)
    campaign.close_journal()
    assert opened(path) == after


def test_a_file_that_may_not_be_written_is_told(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    write_campaign(path)
    campaign = Campaign.open(path)
    with on(campaign) as connection:
        connection.execute("PRAGMA query_only = ON")
    check_nothing_is_written_nor_believed(campaign, "readonly.*make it and its folder writable")
    campaign.close_journal()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no permissions of this kind")
def test_a_folder_that_may_not_be_written_is_told() -> None:
    with tempfile.TemporaryDirectory() as folder, _as_nobody(pathlib.Path(folder)):
        path = pathlib.Path(folder) / "locked" / "campaign.sqlite"
        path.parent.mkdir(mode=0o500)
        with pytest.raises(JournalError, match=r"campaign\.sqlite can't .*; make its folder readable and writ"):
            Campaign.open(path)
        assert list(path.parent.iterdir()) == []


@contextlib.contextmanager
def _as_nobody(folder: pathlib.Path) -> Iterator[None]:
    """The administrator may write anywhere: within it he is nobody, to whom the folder belongs."""
    user = os.geteuid()
    if user:
        yield
        return
    os.chown(folder, NOBODY, -1)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_folder_that_can_not_be_made_is_told(tmp_path: pathlib.Path) -> None:
    (tmp_path / "user").write_text("a file where a folder should be")
    with pytest.raises(JournalError, match=r"campaign\.sqlite can't be"):
        Campaign.open(tmp_path / "user" / "campaign.sqlite")


def test_a_file_that_another_program_holds_is_told(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    write_campaign(path)
    campaign = Campaign.open(path)
    with on(campaign) as connection, contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        connection.execute("PRAGMA busy_timeout = 10")
        other.execute("BEGIN IMMEDIATE")
        check_nothing_is_written_nor_believed(campaign, "locked; another program holds it")
    assert campaign.fill(a_fill("order 0", 2)) is True
    campaign.close_journal()


def test_a_new_file_is_there_whole_or_not_at_all(tmp_path: pathlib.Path) -> None:
    """A kill while the file is made leaves none, so an empty one was cut off and is no new campaign."""
    path = tmp_path / "campaign.sqlite"
    with pytest.raises(NoCampaignError):
        Journal.open_to_read(path)
    path.touch()
    with pytest.raises(JournalError, match=r"it is empty.*--fresh"):
        Campaign.open(path)
    assert path.read_bytes() == b""


def test_a_finished_file_is_set_aside_whole_and_a_second_one_in_the_same_second_beside_it(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / "campaign.sqlite"
    stood = write_campaign(path)
    campaign = Campaign.open(path)
    with pytest.raises(JournalError, match="stop it first"):
        set_aside(path, 0.0)
    campaign.fill(a_fill("order 0", 2))
    after = campaign.progress(TARGET)
    kept = {name: path.with_name(name).read_bytes() for name in ("campaign.sqlite", "campaign.sqlite-wal")}
    campaign.close_journal()
    for name, content in kept.items():
        path.with_name(name).write_bytes(content)  # as a kill leaves them
    first = set_aside(path, 0.0)
    assert first == tmp_path / "campaign-19700101T000000.sqlite"
    assert [file.name for file in tmp_path.glob("campaign*")] == [first.name], "one file is all of it"
    assert set_aside(path, 0.0) is None
    assert replayed(first) == after
    write_campaign(path)
    second = set_aside(path, 0.0)
    assert second == tmp_path / "campaign-19700101T000000-2.sqlite"
    assert replayed(second) == stood[-1]
    assert not path.exists()


def test_a_damaged_file_is_set_aside_as_it_is(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    path.write_bytes(b"no database " * 1_000)
    path.with_name("campaign.sqlite-wal").write_bytes(b"no log")
    aside = set_aside(path, 0.0)
    assert aside is not None
    assert aside.read_bytes() == b"no database " * 1_000
    assert aside.with_name(aside.name + "-wal").read_bytes() == b"no log"


def test_a_checkpoint_empties_the_log_and_loses_nothing(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    campaign = Campaign.open(path)
    campaign.reserve("order 0", *MARKET, A_BUY, 2.0)
    assert not campaign.needs_checkpoint
    for number in range(journals.CHECKPOINT_EVERY):
        campaign.fill(a_fill("order 0", number, quantity="0.0001"))
    assert campaign.needs_checkpoint
    log = path.with_name(path.name + "-wal")
    large, begun_as = log.stat().st_size, log.read_bytes()[:32]
    campaign.checkpoint()
    assert log.read_bytes()[:32] != begun_as, "begun anew here, where it may wait for the disk, and not by the bot"
    assert not campaign.needs_checkpoint
    for number in range(20):
        campaign.fill(a_fill("order 0", 10_000 + number, quantity="0.0001"))
    assert log.stat().st_size == large, "it grows no more"
    after = campaign.progress(TARGET)
    assert replayed(path) == after
    campaign.close_journal()
    assert opened(path) == after


def test_sums_that_are_damaged_are_not_used(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    write_campaign(path)
    campaign = Campaign.open(path)
    campaign._journal.add_sums(campaign.ledger)
    campaign.fill(a_fill("order 0", 2))
    after = campaign.progress(TARGET)
    campaign.close_journal()
    assert opened(path) == after
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        (sums,) = connection.execute("SELECT sums FROM sums").fetchone()
        assert '"30.0"' in sums
        connection.execute("UPDATE sums SET sums = ?", (sums.replace('"30.0"', '"90.0"'),))
    assert opened(path) == after


def test_damage_where_nothing_is_read_at_the_start_is_found_too(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    write_campaign(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'acceptances_by_exchange_order_id'"
        page, size = connection.execute(query).fetchone()[0], connection.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray(path.read_bytes())
    content[(page - 1) * size] = 0
    path.write_bytes(bytes(content))
    with pytest.raises(JournalError, match="damaged"):
        Campaign.open(path)
    assert path.read_bytes() == bytes(content)


@LAW
@given(st.lists(st.integers(0, 3), max_size=12))
def test_the_ledger_is_the_same_from_sums_as_from_the_first_row(writes: list[int]) -> None:
    """Sums are written at any moment between orders, fills and ends."""
    campaign = Campaign.open(None)
    for number, write in enumerate(writes):
        order_id = f"order {number}"
        if write == 3:
            campaign._journal.add_sums(campaign.ledger)
            continue
        campaign.place(order_id, *MARKET, A_BUY, 2.0)
        if write >= 1:
            campaign.fill(a_fill(order_id, 1))
        if write == 2:
            campaign.close(order_id, Outcome.CANCELLED, "too old", 3.0)
    expected = campaign.progress(TARGET)
    assert campaign._journal.replay().progress(TARGET) == expected
    assert campaign._journal.replay(from_the_first_row=True).progress(TARGET) == expected
    campaign.close_journal()


WRITE_AND_DIE = """
import pathlib, sys
sys.path.insert(0, sys.argv[2])
import test_journal_file as tests
campaign = tests.Campaign.open(pathlib.Path(sys.argv[1]))
number = 0
while True:
    campaign.place(f"order {number}", *tests.MARKET, tests.A_BUY, 2.0)
    campaign.fill(tests.a_fill(f"order {number}", 1))
    print(number, flush=True)
    number += 1
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="a kill without a goodbye is a POSIX one")
def test_an_acknowledged_fill_survives_a_kill_and_so_does_the_right_to_open_the_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", WRITE_AND_DIE, str(path), str(pathlib.Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout is not None
        for _ in range(50):
            process.stdout.readline()
        with pytest.raises(JournalError, match=f"another OctoBot \\(process {process.pid}\\)"):
            Campaign.open(path)
        process.kill()
        acknowledged = 50 + len(process.stdout.read().splitlines())
    progress = opened(path)
    assert acknowledged <= progress.fills <= acknowledged + 1


def test_an_event_that_was_written_is_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    with contextlib.closing(Journal.create_or_open(path)) as journal:
        journal.add_event(EventRow(1.0, journals.WAIT, SOURCE, "no price"))
    with contextlib.closing(Journal.open_to_read(path)) as journal:
        assert journal.events() == [EventRow(1.0, journals.WAIT, SOURCE, "no price")]
