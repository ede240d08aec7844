"""Laws of the seals: an edited, a removed, an added and a reordered row of any table is found by every look."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
import zlib
from decimal import Decimal

import damaged
import pytest

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.accounting.ledger import Ledger
from octobot_volume_booster.journal import file, schema, seals
from octobot_volume_booster.journal.journal import (
    Baseline,
    CampaignRow,
    EventRow,
    HaltRow,
    Journal,
    JournalError,
    MarkRow,
)

TABLES = list(schema.SEQUENCED)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("whole") / "campaign.sqlite"
    damaged.write_whole_journal(path)
    return path


@pytest.fixture(scope="module")
def expected(whole: pathlib.Path) -> dict[str, str]:
    return damaged.looks(whole)


@pytest.fixture
def copy(whole: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "campaign.sqlite"
    path.write_bytes(whole.read_bytes())
    return path


def change(path: pathlib.Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def refusal(path: pathlib.Path, **how: bool) -> str:
    with pytest.raises(JournalError) as refused:
        file.open_to_read(path, **how)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def check_is_found(path: pathlib.Path, what: str) -> None:
    for how in ({"in_depth": False}, {"in_depth": True}, {"in_depth": False, "is_read_whole": True}):
        assert f"is damaged ({what}" in refusal(path, **how)


def test_the_journal_of_these_laws_has_rows_in_every_table_and_digests(whole: pathlib.Path) -> None:
    with contextlib.closing(sqlite3.connect(whole)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert tables == {*TABLES, "head", "sums"}, "a table that is not in the list is not sealed"
        rows = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
        assert all(rows.values()), rows
        assert sum(rows.values()) > 2_000
        assert connection.execute("SELECT count(*) FROM sums").fetchone()[0] >= 1
        assert seals._proven(connection, schema.LEDGER) >= 0


@pytest.mark.parametrize("table", TABLES)
def test_the_seal_covers_the_columns_of_the_table_in_its_order(whole: pathlib.Path, table: str) -> None:
    with contextlib.closing(sqlite3.connect(whole)) as connection:
        assert seals._names(connection, table) == schema.SEQUENCED[table]


@pytest.mark.parametrize("table", TABLES)
def test_an_edited_row_is_found(copy: pathlib.Path, table: str) -> None:
    column = schema.SEQUENCED[table].split(", ")[-1]
    first = f"(SELECT min(seq) FROM {table})"
    change(copy, f"UPDATE {table} SET {column} = 9 || {column} WHERE seq = {first}")
    check_is_found(copy, "row ")


@pytest.mark.parametrize("table", TABLES)
def test_a_removed_row_is_found_the_last_one_too(copy: pathlib.Path, table: str) -> None:
    change(copy, f"DELETE FROM {table} WHERE seq = (SELECT max(seq) FROM {table})")
    check_is_found(copy, f"{table} has ")


@pytest.mark.parametrize("table", TABLES)
def test_an_added_row_is_found(copy: pathlib.Path, table: str) -> None:
    with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        indexes = [row[1] for row in connection.execute(f"PRAGMA index_list({table})") if row[2]]
        unique = {row[2] for index in indexes for row in connection.execute(f"PRAGMA index_info({index})")}
        if table == "campaign":
            return  # it can have no second row
        values = ["seq + 100000" if name == "seq" else f"{name} || 9" if name in unique else name for name in names]
        connection.execute(f"INSERT INTO {table} SELECT {', '.join(values)} FROM {table} ORDER BY seq DESC LIMIT 1")
    check_is_found(copy, "row ")


def test_two_rows_that_change_places_are_found(copy: pathlib.Path) -> None:
    move = "UPDATE events SET seq = {} WHERE seq = {}"
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        one, other = (row[0] for row in connection.execute("SELECT seq FROM events ORDER BY seq LIMIT 2"))
    change(copy, move.format(-1, one), move.format(one, other), move.format(other, -1))
    check_is_found(copy, "row ")


def test_a_row_before_the_sums_is_found_by_every_look_and_by_the_bot(copy: pathlib.Path) -> None:
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        (seq,) = connection.execute("SELECT min(seq) FROM fills WHERE seq > 17").fetchone()
    change(copy, f"UPDATE fills SET quantity = '9' || quantity WHERE seq = {seq}")
    told = f"refused: the journal {copy} is damaged (row {seq} of fills is not what was written): move it aside"
    assert [shown[: len(told)] for shown in damaged.looks(copy).values()] == [told] * 4


def test_a_digest_that_proves_saves_the_look_at_each_row(whole: pathlib.Path) -> None:
    path = whole.with_name("long.sqlite")
    damaged.write_whole_journal(path, orders=2_000)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (last,) = connection.execute("SELECT max(seq) FROM sums").fetchone()
        assert 0 < seals._proven(connection, schema.LEDGER) < last
        assert seals._proven(connection, schema.LEDGER[1:]) == 0
    change(path, "UPDATE orders SET quantity = CAST(quantity AS BLOB) WHERE seq = (SELECT min(seq) FROM orders)")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert seals.damage(connection, TABLES, schema.LEDGER) is None, "only counted: the text is the same"
        assert "of orders" in str(seals.damage(connection, TABLES, schema.LEDGER, is_read_whole=True))


@pytest.mark.parametrize("seeds", [range(first, first + 10) for first in range(0, 40, 10)], ids=str)
def test_random_damage_shows_the_same_or_one_sentence(
    whole: pathlib.Path, expected: dict[str, str], tmp_path: pathlib.Path, seeds: range
) -> None:
    for seed in seeds:
        damaged.outcome(whole, expected, tmp_path, seed)
        for part in tmp_path.iterdir():
            part.unlink()


def test_what_two_writers_write_in_turns_is_whole(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    with (
        contextlib.closing(Journal.create_or_open(path)) as bot,
        contextlib.closing(Journal.create_or_open(path)) as person,
    ):
        for number in range(3):
            bot.add_event(EventRow(number, "wait", "here", "no price"))
            assert person.add_command(number, "pause") == 2 * number + 1
            assert bot.add_command(number, "resume") == 2 * number + 2
            bot.add_handled(2 * number + 1, number)
    with contextlib.closing(Journal.open_to_read(path)) as journal:
        assert [is_handled for _, is_handled in journal.commands()] == [True, False] * 3


def test_a_moment_that_is_a_whole_number_is_sealed_as_it_is_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    with contextlib.closing(Journal.create_or_open(path)) as journal:
        journal.begin_campaign(CampaignRow(1, "simulation", 7, "2.1.1"))
        journal.add_settings(1, Decimal(5), {})
        journal.add_currency(1, "USDT")
        journal.add_event(EventRow(1, "wait", "here", "x"))
        journal.add_handled(journal.add_command(1, "pause"), 1)
        journal.add_day(1, 1, Decimal(5))
        journal.add_halt(HaltRow(1, "here", "guard", "x", 0))
        journal.lift_halt("here", "guard", 1)
        journal.add_question("a", 1, 0)
        journal.add_baseline(Baseline("e", "s", 1, Decimal(1), Decimal(2)))
        journal.add_mark(MarkRow(1, "e", "s", "day", 1, Decimal(3), 0))
        journal.add_resume(1, 1)
    file.open_to_read(path).close()


def test_a_question_that_is_asked_again_after_its_answer_is_open_again(tmp_path: pathlib.Path) -> None:
    with contextlib.closing(Journal.create_or_open(None)) as journal:
        journal.add_question("a", 1.0, 0)
        journal.withdraw_question("a", 0)
        assert journal.questions() == {}
        journal.add_question("a", 2.0, 0)
        assert journal.questions() == {"a": 0}


def test_sums_seal_nothing_that_was_changed_before(tmp_path: pathlib.Path) -> None:
    with contextlib.closing(Journal.create_or_open(None)) as journal:
        journal.add_outcome("a", 1.0, damaged.Outcome.CANCELLED, "too old")
        journal._connection.execute("UPDATE outcomes SET reason = 'filled'")
        with pytest.raises(JournalError, match="row 1 of outcomes is not what was written"):
            journal.add_sums(Ledger())


def an_old_journal(path: pathlib.Path, version: int = 5) -> None:
    """As version 5 wrote it: the rows of the ledger in one chain, settings sealed alone, the rest not at all."""
    rows: list[tuple[str, tuple[object, ...]]] = [
        ("orders", ("a", 101.0, "binance", "BTC/USDT", "buy", "limit", "0.5", "100", "99.5")),
        ("acceptances", ("a", 101.5, "77")),
        ("fills", ("a:1", "a", 102.0, "maker", "0.2", "100", "0.02", "0.02", "USDT")),
        ("outcomes", ("a", 104.0, "cancelled", "too old")),
        ("resumes", (2, 105.0)),
    ]
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for script in schema._MIGRATIONS[:version]:
            connection.executescript(script)
        last = 0
        for seq, (table, values) in enumerate(rows, start=1):
            last = zlib.crc32("\x1f".join(map(str, values)).encode(), last)
            columns, marks = schema.SEQUENCED[table], ", ".join("?" * (len(values) + 2))
            connection.execute(f"INSERT INTO {table} (seq, {columns}, seal) VALUES ({marks})", (seq, *values, last))
        settings = (100.0, "2000", '{"volume_target": 2000, "seed": 7}')
        own = zlib.crc32("\x1f".join(map(str, settings)).encode())
        connection.execute("INSERT INTO settings VALUES (?, ?, ?, ?)", (*settings, own))
        connection.executescript(
            "INSERT INTO campaign VALUES (1, 100.0, 'simulation', 7, '2.1.1');"
            "INSERT INTO events VALUES (100.0, 'start', 'binance BTC/USDT', 'seed 7');"
            "INSERT INTO commands VALUES (1, 103.0, 'pause', ''), (2, 104.0, 'resume', '');"
            "INSERT INTO commands VALUES (3, 105.0, 'target', '3000');"
            "INSERT INTO handled VALUES (1, 103.5), (2, 104.5);"
            "INSERT INTO halts VALUES (1, 104.0, 'binance BTC/USDT', 'drawdown', '11 of 10', 0),"
            " (2, 106.0, 'binance BTC/USDT', 'daily_loss', '6 of 5', 1);"
            "INSERT INTO days VALUES (0, 100.0, '2000');"
            "INSERT INTO baselines VALUES ('binance', 'BTC/USDT', 100.0, '1', '100');"
            "INSERT INTO marks VALUES (105.0, 'binance', 'BTC/USDT', 'day', 0, '200', 1);"
            f"PRAGMA user_version = {version};"
        )


def test_a_journal_of_version_5_is_the_same_and_sealed(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    an_old_journal(path)
    before, read = path.read_bytes(), damaged._whole(path)
    assert path.read_bytes() == before, "reading does not change a file"
    campaign = Campaign.open(path)
    assert campaign.halt_of("binance BTC/USDT") is not None
    assert (campaign.resumes, campaign.record("a").filled_quantity) == (1, Decimal("0.2"))
    assert [is_handled for _, is_handled in campaign._journal.commands()] == [True, True, False]
    assert campaign._journal.add_command(107.0, "pause") == 4
    campaign.note(107.0, "wait", "binance BTC/USDT", "no price")
    campaign.close_journal()
    assert damaged._whole(path) == read
    change(path, "DELETE FROM halts")
    check_is_found(path, "halts has 0 rows, written were 2")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE fills SET quantity = '9' || quantity",
        "UPDATE settings SET target_quote = '9'",
        "UPDATE halts SET at = 'abc'",
        "UPDATE events SET at = 1e300",
        "UPDATE marks SET equity_quote = 'NaN'",
        "UPDATE commands SET value = 'abc' WHERE kind = 'target'",
        "UPDATE days SET target_quote = ''",
        "UPDATE campaign SET started_at = -1e999",
        "UPDATE baselines SET base = x'00'",
    ],
)
def test_odd_values_of_an_older_version_are_one_sentence_and_not_sealed(tmp_path: pathlib.Path, statement: str) -> None:
    path = tmp_path / "campaign.sqlite"
    an_old_journal(path)
    change(path, statement)
    before = path.read_bytes()
    for shown in damaged.looks(path).values():
        assert shown.startswith(f"refused: the journal {path} is damaged (")
    assert path.read_bytes() == before
