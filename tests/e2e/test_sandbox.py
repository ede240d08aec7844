"""`volume-booster sandbox` from outside: OctoBot's real trader on the local exchange, and the exchange's own tape."""

from __future__ import annotations

import ipaddress
import json
import pathlib
import signal
import sys
import time
import typing
from dataclasses import dataclass
from decimal import Decimal

import pytest

from .conftest import QUICK, Finished, start_volume_booster, volume_booster
from .test_simulate import AUDIT, CONTRACT_FIELDS

pytestmark = pytest.mark.e2e

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
ACCOUNT = "sandbox"
FOLDER = pathlib.PurePath("user", "volume_booster")
STATE, ACCOUNTS = FOLDER / "sandbox" / "exchange.json", FOLDER / "sandbox" / "accounts.json"


@dataclass(frozen=True)
class OwnTrade:
    """A trade of the account as the exchange's state file has it."""

    trade_id: int
    price: Decimal
    quantity: Decimal
    order_id: int
    client_order_id: str
    fee: Decimal
    fee_asset: str

    @property
    def notional_quote(self) -> Decimal:
        return self.price * self.quantity

    @property
    def fee_quote(self) -> Decimal:
        return self.fee if self.fee_asset == "USDT" else self.fee * self.price


def state_of(home: pathlib.Path) -> dict[str, typing.Any]:
    return typing.cast(dict[str, typing.Any], json.loads((home / STATE).read_text("utf-8")))


def tape_of(state: dict[str, typing.Any]) -> list[OwnTrade]:
    """The trades of the account, oldest first."""
    return [
        OwnTrade(trade_id, Decimal(price), Decimal(quantity), order_id, client_id, Decimal(fee), asset)
        for trade_id, _, _, price, quantity, *parties, _ in state["trades"]
        for account, order_id, client_id, fee, asset in parties
        if account == ACCOUNT
    ]


def client_ids_of(state: dict[str, typing.Any]) -> list[str]:
    """The client order ids of every order that the exchange has accepted from the account."""
    return [order[9] for order in state["orders"] if order[1] == ACCOUNT]


def assert_is_the_tape(result: dict[str, typing.Any], home: pathlib.Path) -> None:
    """What was told of the campaign is what the exchange wrote down, to the last digit that is told."""
    state = state_of(home)
    tape, ids = tape_of(state), client_ids_of(state)
    assert Decimal(result["filled_quote"]) == sum(trade.notional_quote for trade in tape)
    assert Decimal(result["fees_quote"]) == sum(trade.fee_quote for trade in tape)
    assert result["fills"] == len(tape)
    assert result["orders"] == len(ids) == len(set(ids))
    assert (state["engine"]["self_matches"], state["engine"]["prevented_matches"]) == (0, 0)


def sandbox(home: pathlib.Path, *arguments: str) -> Finished:
    return volume_booster("sandbox", "--home", str(home), "--json", *arguments, *QUICK, cwd=home.parent)


def secret_of(home: pathlib.Path) -> str:
    (account,) = json.loads((home / ACCOUNTS).read_text("utf-8"))["accounts"]
    return typing.cast(str, account["api_secret"])


def assert_is_told_nowhere(secret: str, home: pathlib.Path, done: Finished) -> None:
    """Only the exchange's own two files may hold it; OctoBot's configuration has it encrypted."""
    assert secret not in done.output + done.errors
    own = {home / STATE, home / ACCOUNTS}
    files = [file for file in home.rglob("*") if file.is_file() and file not in own]
    assert files
    assert [file for file in files if secret.encode() in file.read_bytes()] == []


def test_it_reaches_the_target_as_the_exchanges_tape_shows_and_talks_to_loopback_only(
    new_home: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "sitecustomize.py").write_text(AUDIT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "audit"))
    monkeypatch.setenv("AUDIT_FILE", str(tmp_path / "addresses"))
    done = sandbox(new_home, "--target", "5000", "--seed", "7")
    assert done.exit_code == 0, done.errors
    result = done.result
    assert set(result) >= CONTRACT_FIELDS
    assert (result["state"], result["trading"], result["seed"], result["restarts"]) == ("done", "sandbox", 7, 0)
    assert Decimal(result["filled_quote"]) >= 5000
    assert_is_the_tape(result, new_home)
    assert_is_told_nowhere(secret_of(new_home), new_home, done)
    addresses = {line.split()[1] for line in (tmp_path / "addresses").read_text().splitlines()}
    assert "127.0.0.1" in addresses
    assert all(address == "localhost" or ipaddress.ip_address(address).is_loopback for address in addresses)


def interrupted(home: pathlib.Path) -> Finished:
    """A long run that is stopped by Ctrl-C when the account has a few trades."""
    run = ["sandbox", "--home", str(home), "--target", "1000000", "--seed", "7", "--json", *QUICK]
    launcher = start_volume_booster(*run, cwd=home.parent)
    try:
        _wait_for_trades(home, 5)
        launcher.send_signal(signal.SIGINT)
        output, errors = launcher.communicate(timeout=180)
    finally:
        launcher.kill()
    return Finished(launcher.returncode, output, errors)


@POSIX
@pytest.mark.second
def test_interrupted_and_started_again_it_goes_on_with_the_same_account_and_is_the_tape(home: pathlib.Path) -> None:
    stopped = interrupted(home)
    assert stopped.exit_code == 130, stopped.errors
    assert stopped.result["state"] == "stopped"
    assert_is_the_tape(stopped.result, home)
    secret, before = secret_of(home), tape_of(state_of(home))
    target = str(int(Decimal(stopped.result["filled_quote"])) + 2_000)
    done = sandbox(home, "--target", target)
    assert done.exit_code == 0, done.errors
    assert (done.result["state"], done.result["restarts"], done.result["seed"]) == ("done", 1, 7)
    assert secret_of(home) == secret
    assert tape_of(state_of(home))[: len(before)] == before
    assert_is_the_tape(done.result, home)


def _wait_for_trades(home: pathlib.Path, trades: int) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if (home / STATE).exists() and len(tape_of(state_of(home))) >= trades:
            return
        time.sleep(0.1)
    raise AssertionError(f"fewer than {trades} trades in 300 s")


def test_a_profile_that_only_simulates_is_refused_in_one_sentence(home: pathlib.Path) -> None:
    done = sandbox(home, "--profile", "volume_booster_offline")
    assert done.exit_code == 2
    (sentence,) = done.errors.splitlines()
    assert "only simulates" in sentence
    assert not (home / FOLDER / "sandbox").exists()


@pytest.mark.second
def test_a_finished_campaign_and_its_exchange_are_kept_beside_the_next_one_which_has_new_keys(
    home: pathlib.Path,
) -> None:
    first = sandbox(home, "--target", "2000", "--seed", "7")
    secret, tape = secret_of(home), tape_of(state_of(home))
    second = sandbox(home, "--target", "2000", "--seed", "7")
    assert (first.exit_code, second.exit_code) == (0, 0), first.errors + second.errors
    assert second.result["restarts"] == 0
    assert_is_the_tape(second.result, home)
    assert secret_of(home) != secret
    (kept,) = (home / STATE).parent.glob("exchange-*.json")
    assert tape_of(json.loads(kept.read_text("utf-8"))) == tape
    assert len(list((home / FOLDER).glob("campaign-*.sqlite"))) == 1


@POSIX
@pytest.mark.second
def test_a_fresh_one_leaves_an_unfinished_campaign_beside_it(home: pathlib.Path) -> None:
    assert interrupted(home).exit_code == 130
    fresh = sandbox(home, "--target", "1000", "--fresh")
    assert fresh.exit_code == 0, fresh.errors
    assert fresh.result["restarts"] == 0
    assert_is_the_tape(fresh.result, home)
    assert len(list((home / FOLDER).glob("campaign-*.sqlite"))) == 1
