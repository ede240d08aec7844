"""kill -9 of OctoBot, again and again in one campaign: what an independent record says is what the campaign counted."""

from __future__ import annotations

import contextlib
import os
import pathlib
import random
import re
import secrets
import sqlite3
import subprocess
import sys
import time
import typing
from collections.abc import Iterator
from decimal import Decimal

import psutil
import pytest

from octobot_volume_booster.cli.files import home as homes
from octobot_volume_booster.cli.process import launch, octobot_process
from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.journal.journal import JournalError
from octobot_volume_booster.reporting import report

from ..exchange.control_client import controlled

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.long,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a start would take too long without a fork"),
]

KILLS = 20
LONGEST_LIFE_S = 2.0
"""OctoBot trades about 0.7 s after the fork: some lives end while it comes up, some in the middle of an order."""
LONGEST_DEATH_S = 1.0
LONGEST_REST_S = 30.0
"""How long an OctoBot whose order rests stays dead, until one was filled while it was."""
TARGET_QUOTE = Decimal(8_000)
EXCHANGE_MINIMUM_QUOTE = Decimal("5.5")
"""5 USDT, rounded up to the next step of a quantity."""
NURSERY = pathlib.Path(__file__).with_name("nursery.py")
# what Binance allows an address in a minute is soon used up by twenty starts
PACE = {"seed": 7, "volume_target": str(TARGET_QUOTE), "trade_frequency_min": 0.3, "trade_frequency_max": 0.6}
SMALL = {"min_buy_amount": 10, "max_buy_amount": 30, "min_sell_amount": 10, "max_sell_amount": 30}
LARGE = {"min_buy_amount": 500, "max_buy_amount": 900, "min_sell_amount": 500, "max_sell_amount": 900}
RESTING = {"order_type": "limit", "price_offset_percent": 0.002, "limit_order_timeout": 3, "max_open_orders": 5}
QUOTING = {"order_type": "passive", "deadline": 600}
KINDS: tuple[dict[str, typing.Any], ...] = ({}, QUOTING, RESTING, QUOTING)
"""What the lives of an OctoBot do, one after the other: every other one is in the middle of quoting."""
FILLED_LINE = re.compile(
    r"BTC/USDT \| (?:BUY|SELL)_MARKET \| Price : ([\d.]+) \| Quantity : ([\d.]+)(?: \([\d.]+ Filled\))?"
    r" \| State : filled .*\| id : (vb\w+)"
)


class World:
    """A home, a local exchange that lives on, and OctoBot after OctoBot in it."""

    def __init__(self, home: homes.Home, profile_id: str, port: int, nursery: subprocess.Popen[str]) -> None:
        self._home = home
        self._profile = home.profile(profile_id)
        self._port = port
        self._nursery = nursery

    @contextlib.contextmanager
    def octobot(self, **settings: typing.Any) -> Iterator[psutil.Process]:
        """An OctoBot that trades with these settings, and is killed in the end."""
        assert self._nursery.stdin is not None and self._nursery.stdout is not None
        self._home.restore_interrupted_writes()
        with homes.settings_of_this_run(self._profile, {**PACE, **settings}):
            self._nursery.stdin.write("\n")
            self._nursery.stdin.flush()
            process = psutil.Process(int(self._nursery.stdout.readline()))
            try:
                yield process
            finally:
                process.kill()
                while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    time.sleep(0.005)

    def progress(self) -> Progress:
        campaign = report.read_report(self._home.campaign)
        assert campaign is not None
        return campaign.progress

    def is_done(self) -> bool:
        campaign = report.read_report(self._home.campaign)
        return campaign is not None and campaign.state == "done"

    def wait_until(self, happens: typing.Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            with contextlib.suppress(JournalError):
                if happens():
                    return
            time.sleep(0.05)
        raise AssertionError(f"not in 240 s: {what}; {self.log()[-3_000:]}")

    def log(self) -> str:
        """OctoBot's log of its present life, or of its last."""
        file = self._home.logs / "OctoBot.log"
        return file.read_text("utf-8", "replace") if file.exists() else ""

    def rows(self, query: str) -> list[typing.Any]:
        """Of the journal."""
        with contextlib.closing(sqlite3.connect(self._home.campaign)) as journal:
            return journal.execute(query).fetchall()

    def tape(self) -> dict[str, typing.Any]:
        """The exchange's, of the account."""
        return typing.cast(dict[str, typing.Any], self._asked("tape?account=sandbox"))

    def wait_for_a_fill(self, trades: int) -> None:
        """Until there are more trades than so many, or what rests has not been filled for a while."""
        deadline = time.monotonic() + LONGEST_REST_S
        while len(self.tape()["trades"]) <= trades and time.monotonic() < deadline:
            time.sleep(0.05)

    def orders(self) -> list[dict[str, typing.Any]]:
        """All of the account that the exchange has accepted."""
        return typing.cast(list[dict[str, typing.Any]], self._asked("orders?account=sandbox")["orders"])

    def _asked(self, path: str) -> typing.Any:
        return controlled(self._port, token_file(self._home.path), path)


def token_file(home: pathlib.Path) -> pathlib.Path:
    """Where the exchange's token is, beside the home."""
    return home.with_name("exchange.token")


@contextlib.contextmanager
def world(folder: pathlib.Path, profile_id: str) -> Iterator[World]:
    home = homes.Home(folder)
    keys = {"api_key": secrets.token_hex(32), "api_secret": secrets.token_hex(32)}
    fees = {"maker_fee_percent": "0.1", "taker_fee_percent": "0.1"}
    account = {"name": "sandbox", **keys, "balances": {"BTC": "1", "USDT": "10000"}, **fees}
    accounts = folder.with_name("accounts.json")
    homes.write_json(accounts, {"accounts": [account]})
    options = ["--accounts", str(accounts), "--control", "--token-file", str(token_file(folder)), "--seed", "7"]
    options += ["--prints-per-second", "20"]
    exchange, port = launch.start_exchange(0, folder.with_name("exchange.log"), *options)
    environment = {**octobot_process.offline_environment(), launch.PORT_VARIABLES[homes.OFFLINE_EXCHANGE]: str(port)}
    try:
        home.select_profile(profile_id)
        home.use_keys(homes.OFFLINE_EXCHANGE, keys["api_key"], keys["api_secret"])
        with subprocess.Popen(
            [sys.executable, str(NURSERY)],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as nursery:
            assert nursery.stdout is not None and nursery.stdout.readline() == "ready\n"
            yield World(home, profile_id, port, nursery)
    finally:
        exchange.stop()


@pytest.mark.once
def test_in_the_sandbox_the_campaign_is_the_exchanges_tape_however_often_octobot_is_killed(home: pathlib.Path) -> None:
    rng = random.Random(20)
    while_down = 0
    with world(home, "volume_booster_sandbox") as here:
        for life in range(KILLS):
            with here.octobot(**SMALL, **KINDS[life % 4]):
                time.sleep(rng.uniform(0, LONGEST_LIFE_S))
                if life % 4 == 3:
                    here.wait_until(lambda: any(map(_is_open, here.orders())), "an order rests")
            trades = len(here.tape()["trades"])
            time.sleep(rng.uniform(0, LONGEST_DEATH_S))
            if not while_down and life % 4 == 3:
                here.wait_for_a_fill(trades)
            while_down += len(here.tape()["trades"]) - trades
        assert here.progress().filled_quote < TARGET_QUOTE, "the campaign ended before the kills"
        with here.octobot(**LARGE):
            here.wait_until(here.is_done, "the campaign is done")
        progress, tape, orders = here.progress(), here.tape(), here.orders()
    assert while_down > 0, "nothing was filled while OctoBot was down"
    assert progress.filled_quote == sum(Decimal(trade["notional_quote"]) for trade in tape["trades"])
    assert progress.fees_quote == sum(_fee_quote(trade) for trade in tape["trades"])
    assert progress.fills == len(tape["trades"])
    assert TARGET_QUOTE <= progress.filled_quote < TARGET_QUOTE + EXCHANGE_MINIMUM_QUOTE
    assert (tape["self_matches"], tape["prevented_matches"]) == (0, 0)
    assert len({order["client_order_id"] for order in orders}) == len(orders)
    assert progress.open_orders == sum(map(_is_open, orders)) == 0


def _is_open(order: dict[str, typing.Any]) -> bool:
    return order["status"] in ("NEW", "PARTIALLY_FILLED")


def _fee_quote(trade: dict[str, typing.Any]) -> Decimal:
    party = trade["buyer"] if trade["buyer"]["account"] == "sandbox" else trade["seller"]
    fee = Decimal(party["fee"])
    return fee if party["fee_asset"] == "USDT" else fee * Decimal(trade["price_quote"])


@pytest.mark.second
def test_in_simulation_the_campaign_is_what_octobots_own_log_says_however_often_it_is_killed(
    home: pathlib.Path,
) -> None:
    """OctoBot logs that it has filled an order some milliseconds before anybody can know.

    One that it logged in the moment of its death is lost with its simulator, and the journal says so by name.
    """
    rng = random.Random(21)
    logged: dict[str, Decimal] = {}
    last_words: list[str] = []
    with world(home, "volume_booster_offline") as here:
        for life in range(KILLS):
            with here.octobot(**SMALL, trade_frequency_min=0.05, trade_frequency_max=0.1):
                time.sleep(rng.uniform(0, LONGEST_LIFE_S))
                if life % 4 == 3:
                    known = set(logged)
                    here.wait_until(lambda: not known.issuperset(_logged_fills(here)), "an order is filled")  # noqa: B023
            fills = _logged_fills(here)
            last_words += list(fills)[-1:]
            logged |= fills
        assert here.progress().filled_quote < TARGET_QUOTE, "the campaign ended before the kills"
        with here.octobot(**LARGE):
            here.wait_until(here.is_done, "the campaign is done")
        progress = here.progress()
        logged |= _logged_fills(here)
        lost = {order_id for (order_id,) in here.rows("SELECT order_id FROM outcomes WHERE outcome = 'lost'")}
    unnoticed = lost & set(logged)
    assert unnoticed <= set(last_words)
    assert logged
    assert progress.filled_quote == sum(quote for order_id, quote in logged.items() if order_id not in unnoticed)
    assert progress.orders == len(logged) + len(lost - set(logged)) + progress.rejected
    assert TARGET_QUOTE <= progress.filled_quote < TARGET_QUOTE + EXCHANGE_MINIMUM_QUOTE


def _logged_fills(here: World) -> dict[str, Decimal]:
    """What OctoBot itself says that it has filled in its last life, in quote by order, in its order."""
    return {
        order_id: Decimal(price) * Decimal(quantity) for price, quantity, order_id in FILLED_LINE.findall(here.log())
    }
