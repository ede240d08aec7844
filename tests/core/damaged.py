"""A journal with rows in every table, and what can happen to its file: for laws, and by hand for more of them.

`python tests/core/damaged.py [COUNT]` damages the file of such a journal so often, and prints what became of it.
"""

from __future__ import annotations

import contextlib
import pathlib
import random
import shutil
import sqlite3
import sys
import tempfile
import typing
from dataclasses import replace
from decimal import Decimal

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.accounting.ledger import Outcome
from octobot_volume_booster.core.decision.control import PAUSE, RESUME
from octobot_volume_booster.core.decision.guards import Halt
from octobot_volume_booster.core.model.basics import OrderType, Role, Side, Trading
from octobot_volume_booster.core.model.instrument import Valuation
from octobot_volume_booster.core.model.orders import Fill, OrderIntent
from octobot_volume_booster.core.settings.schema import parse_settings
from octobot_volume_booster.journal.journal import Journal, JournalError
from octobot_volume_booster.journal.schema import SEQUENCED
from octobot_volume_booster.reporting.history import Watcher, fills_csv, orders_csv, read_history
from octobot_volume_booster.reporting.report import read_report

MARKET = ("binance", "BTC/USDT")
SOURCE = " ".join(MARKET)
T0 = 1_700_000_000.25
NOW = T0 + 86_400
SETTINGS = {"volume_target": 1_000_000, "target_period": "daily"}


def make_version_6(path: pathlib.Path) -> None:
    """Turn a journal in which no mid is written down into one of before mids were."""
    new = ("fill_marks", "flattenings", "measured_since")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for table in new:
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), "an older file has no such"
            connection.execute(f"DROP TABLE {table}")
            connection.execute("DELETE FROM head WHERE name = ?", (table,))
        connection.execute("PRAGMA user_version = 6")


def write_whole_journal(path: pathlib.Path, orders: int = 900) -> None:
    """A campaign with sums, digests, rows after them, and rows in every table, written by a bot and a command line."""
    settings, chance = parse_settings(SETTINGS), random.Random(3)
    campaign = Campaign.open(path)
    campaign.begin(T0, Trading.SANDBOX, 7, "2.1.1", SOURCE)
    campaign.use(settings, T0, SOURCE)
    campaign.currency(settings, ["USDT"], T0)
    campaign.equity(*MARKET, T0, Decimal(60_000), Decimal(1), Decimal(60_000))
    _trade(campaign, 0, chance)
    campaign.close_journal()
    make_version_6(path)
    campaign = Campaign.open(path)
    for number in range(1, orders):
        _trade(campaign, number, chance)
        if number == 100:
            _halt_and_resume(campaign, path)
    campaign.progress_for(settings, *MARKET, NOW)
    campaign.ask(NOW, SOURCE, ["order 5", "order 6"], Halt("an order is unknown", "unknown_order", is_lasting=True))
    campaign.answered("order 5")
    campaign.lift(NOW, SOURCE, "unknown_order", "it is known now")
    campaign.halt(NOW, SOURCE, Halt("the daily loss is 60 of 50", "daily_loss", is_lasting=True))
    campaign.close_journal()


def _trade(campaign: Campaign, number: int, chance: random.Random) -> None:
    at, order_id, side = T0 + number * 7.31, f"order {number}", chance.choice(list(Side))
    quantity, price = Decimal(chance.randint(100, 999)) / 100_000, Decimal(chance.randint(6_000_000, 6_100_000)) / 100
    intent = OrderIntent(side, OrderType.LIMIT, quantity, price, price + 1)
    if number % 50 == 1:
        intent = replace(intent, valuation=Valuation(Decimal("1.01")), quote_quantity=quantity * price)
    if number % 50 == 2:
        intent = replace(intent, is_flattening=True)
    campaign.reserve(order_id, *MARKET, intent, at)
    campaign.accept(order_id, f"{5_000_000 + number}", at + 0.1)
    if number % 10 == 3:
        campaign.close(order_id, Outcome.CANCELLED, "too old: 30 s", at + 4)
        campaign.note(at + 4, "wait", SOURCE, f"waits for a better price than {price}")
    elif number != orders_left_open(number):
        amounts = quantity, price, quantity * price / 1_000, price + 1, quantity * price / 1_000
        fill = Fill(f"trade {number}", order_id, at + 2.5, side, Role.MAKER, *amounts, "USDT", intent.valuation)
        told = "not told" if number % 100 == 7 else ""
        fill = replace(fill, estimated_fee_quote=fill.fee_quote if told else Decimal(0), fee_told=told)
        campaign.fill(replace(fill, mid_at_fill=price - 1 if number % 20 == 6 else None))


def orders_left_open(number: int) -> int:
    return number if number % 300 == 299 else -1


def _halt_and_resume(campaign: Campaign, path: pathlib.Path) -> None:
    campaign.halt(T0 + 800, SOURCE, Halt("the drawdown is 11 of 10 percent", "drawdown", is_lasting=True))
    with contextlib.closing(Journal.create_or_open(path)) as journal:  # as the command line does
        journal.add_command(T0 + 801, PAUSE)
        journal.add_command(T0 + 802, RESUME)
    campaign.take_commands(T0 + 803, at_once=True)
    campaign.equity(*MARKET, T0 + 804, Decimal(60_000), Decimal(1), Decimal(60_000))


def looks(path: pathlib.Path) -> dict[str, str]:
    """What each way to look at a journal shows: its figures, or the one sentence of what is wrong with it."""
    ways: dict[str, typing.Callable[[], typing.Any]] = {
        "status": lambda: read_report(path, NOW).to_json(NOW),  # type: ignore[union-attr]
        "report": lambda: _whole(path),
        "watch": lambda: Watcher(path).live_status(read_report(path, NOW)),  # type: ignore[arg-type]
        "bot": lambda: _opened(path),
    }
    return {name: _text_of(way) for name, way in ways.items()}


def _text_of(way: typing.Callable[[], typing.Any]) -> str:
    try:
        return str(way())
    except JournalError as error:
        return f"refused: {error}"


def _whole(path: pathlib.Path) -> str:
    history = read_history(path, NOW)
    assert history is not None
    return f"{orders_csv(history)}{fills_csv(history)}{history.metrics()}{history.cost_split()}{history.outcomes()}"


def _opened(path: pathlib.Path) -> str:
    campaign = Campaign.open(path)
    try:
        halt, questions = campaign.halt_of(SOURCE), campaign._journal.questions()
        return f"{campaign.progress(Decimal(10**6))} {halt} {questions} {campaign.resumes} {campaign._journal.marks()}"
    finally:
        campaign.close_journal()


def damage(path: pathlib.Path, chance: random.Random) -> str:
    """Change something in the file, by bytes or by SQL; in words."""
    return _flip(path, chance) if chance.random() < 0.6 else _edit(path, chance)


def _flip(path: pathlib.Path, chance: random.Random) -> str:
    content = bytearray(path.read_bytes())
    places = [chance.randrange(len(content)) for _ in range(chance.choice((1, 1, 1, 3, 30)))]
    for place in places:
        content[place] ^= 1 << chance.randrange(8) if chance.random() < 0.7 else chance.randint(1, 255)
    path.write_bytes(bytes(content))
    return f"bytes changed at {places}"


ODD: tuple[typing.Any, ...] = ("", "abc", "-1", "NaN", "Infinity", "1e400", b"\xff\x00", None, 2**62, -1, 1.5e300)
ODD += ("[red]", "\x1b[2J", "halt", "'", "0")


def _edit(path: pathlib.Path, chance: random.Random) -> str:
    table = chance.choice([*SEQUENCED, "sums", "head"])
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        keys = [key for (key,) in connection.execute(f"SELECT {columns[0]} FROM {table}")]
        key, column, odd = chance.choice(keys), chance.choice(columns), chance.choice(ODD)
        wheres = f"WHERE {columns[0]} = ?"
        statement, values = chance.choice(
            (
                (f"UPDATE {table} SET {column} = ? {wheres}", (odd, key)),
                (f"UPDATE {table} SET {column} = '9' || {column} {wheres}", (key,)),
                (f"DELETE FROM {table} {wheres}", (key,)),
                (f"DELETE FROM {table}", ()),
                (f"UPDATE {table} SET {column} = ?", (odd,)),
                (f"INSERT INTO {table} SELECT {columns[0]} || 9, {', '.join(columns[1:])} FROM {table} LIMIT 1", ()),
                (f"DROP TABLE {table}", ()),
            )
        )
        try:
            done = connection.execute(statement, values).rowcount
        except sqlite3.Error as error:
            return f"{statement} {values!r}: not done, {error}"
    return f"{statement} {values!r}: {done} rows"


def outcome(
    whole: pathlib.Path, expected: dict[str, str], folder: pathlib.Path, seed: int
) -> tuple[str, dict[str, str]]:
    """Damage a copy of a journal: what was done, and for each way to look "as before" or the sentence.

    :raises AssertionError: when a figure is another one, or an odd one is shown.
    """
    path = folder / "campaign.sqlite"
    shutil.copyfile(whole, path)
    done = damage(path, random.Random(seed))
    found = {}
    for name, shown in looks(path).items():
        assert shown == expected[name] or shown.startswith("refused: "), (seed, done, name, shown[:3_000])
        assert "\n" not in shown or shown == expected[name], (seed, done, name, shown)
        found[name] = "as before" if shown == expected[name] else shown
    return done, found


def main(count: int) -> None:
    harmless = refused = 0
    with tempfile.TemporaryDirectory() as name:
        whole = pathlib.Path(name) / "whole.sqlite"
        write_whole_journal(whole)
        expected = looks(whole)
        for seed in range(count):
            folder = pathlib.Path(name) / str(seed)
            folder.mkdir()
            done, found = outcome(whole, expected, folder, seed)
            shutil.rmtree(folder)
            harmless += set(found.values()) == {"as before"}
            refused += "as before" not in found.values()
            print(f"{seed}: {done[:110]}: {max(found.values()).replace(str(folder), '')[:150]}")
    some = count - harmless - refused
    print(f"{count} damaged: {harmless} as before in every look, {refused} refused by all, {some} refused by some")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
