"""`volume-booster check` from outside: the real OctoBot class of the local exchange, a real account, real faults."""

from __future__ import annotations

import contextlib
import json
import pathlib
import signal
import subprocess
import sys
import time
import typing
from collections.abc import Iterator

import pytest

from ..exchange.control_client import controlled
from .conftest import COMMAND, QUICK, Finished, start_volume_booster, volume_booster

pytestmark = pytest.mark.e2e

KEY, SECRET = "offline-key-of-somebody", "offline-secret-of-somebody"
PORT_VARIABLE = "VOLUME_BOOSTER_EXCHANGE_PORT"
ORDER_ROWS = ("order placed", "found by our id", "found by its id", "in the open orders", "order cancelled")
ALL_ROWS = {
    *("support", "market buy", "lost answer", "order type", "pairs", "connection", "clock", "market BTC/USDT"),
    *("order book", "order size", "wire", "keys", "balances", "open orders", "unknown id", "own trades"),
}
ACCOUNT = {
    "accounts": [
        {"name": "somebody", "api_key": KEY, "api_secret": SECRET, "balances": {"BTC": "1", "USDT": "10000"}},
    ]
}


def rows_of(done: Finished) -> dict[str, dict[str, typing.Any]]:
    assert "Traceback" not in done.errors, done.errors
    assert set(done.result) >= {"exchange", "ok", "rows"}
    return {row["name"]: row for row in done.result["rows"]}


def oks(rows: dict[str, dict[str, typing.Any]]) -> dict[str, bool | None]:
    return {name: row["ok"] for name, row in rows.items()}


Address = tuple[int, pathlib.Path]
"""The port of an exchange, and the file with the token of its control interface."""


@contextlib.contextmanager
def exchange(
    folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, *faults: dict[str, typing.Any]
) -> Iterator[Address]:
    """A local exchange that the check finds by the environment, with an account and faults."""
    accounts, script = folder / "accounts.json", folder / "faults.json"
    accounts.write_text(json.dumps(ACCOUNT))
    script.write_text(json.dumps({"seed": 1, "faults": list(faults)}))
    options = ["--port", "0", "--seed", "7", "--accounts", str(accounts), "--faults", str(script), "--control"]
    options += ["--token-file", str(folder / "exchange.token")]
    with subprocess.Popen([*COMMAND, "exchange", *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        monkeypatch.setenv(PORT_VARIABLE, str(port))
        try:
            yield port, folder / "exchange.token"
        finally:
            process.kill()


def orders_at(address: Address) -> list[dict[str, typing.Any]]:
    """What the exchange itself has of the account's orders."""
    return typing.cast("list[dict[str, typing.Any]]", controlled(*address, "orders?account=somebody")["orders"])


def give_keys(home: pathlib.Path, key: str = KEY, secret: str = SECRET) -> None:
    """As a person may write them: in plain text."""
    file = home / "user" / "config.json"
    config = json.loads(file.read_text("utf-8"))
    config["exchanges"]["offline_exchange"] = {"api-key": key, "api-secret": secret}
    file.write_text(json.dumps(config), "utf-8")


def check(home: pathlib.Path, *arguments: str) -> Finished:
    return volume_booster(
        "check", "--exchange", "offline_exchange", "--home", str(home), "--json", *arguments, cwd=home.parent
    )


@pytest.mark.second
def test_after_a_rehearsal_everything_works_and_the_campaigns_exchange_stays_as_it_is(
    home: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    assert volume_booster("sandbox", "--home", str(home), "--target", "600", *QUICK, cwd=tmp_path).exit_code == 0
    state = home / "user" / "volume_booster" / "sandbox" / "exchange.json"
    before, config = state.read_bytes(), (home / "user" / "config.json").read_bytes()
    done = check(home, "--order", "--save", str(tmp_path / "saved"))
    assert done.exit_code == 0, done.output
    rows = rows_of(done)
    assert oks(rows) == dict.fromkeys([*ALL_ROWS, *ORDER_ROWS], True)
    assert done.result["ok"] is True and done.result["exchange"] == "offline_exchange"
    assert (state.read_bytes(), (home / "user" / "config.json").read_bytes()) == (before, config)
    (account,) = json.loads(state.with_name("accounts.json").read_text("utf-8"))["accounts"]
    saved = list((tmp_path / "saved").glob("*.json"))
    assert len(saved) >= 12
    told = [done.output, done.errors, (home / "logs" / "check.log").read_text("utf-8")]
    for text in [*told, *(file.read_text("utf-8") for file in saved)]:
        assert account["api_key"] not in text and account["api_secret"] not in text


@pytest.mark.second
def test_keys_in_plain_text_are_used_and_told_nowhere(
    home: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_keys(home)
    with exchange(tmp_path, monkeypatch) as address:
        done = check(home, "--save", str(tmp_path / "saved"))
        orders = orders_at(address)
    rows = rows_of(done)
    assert done.exit_code == 0, done.output
    assert oks(rows) == dict.fromkeys(ALL_ROWS, True) | {"own trades": None}
    assert not orders
    texts = [file.read_text("utf-8") for file in [*(tmp_path / "saved").iterdir(), home / "logs" / "check.log"]]
    assert not [text for text in [done.output, done.errors, *texts] if KEY in text or SECRET in text]


@pytest.mark.once
@pytest.mark.parametrize(
    ("fault", "name", "words"),
    [
        ({"kind": "clock_skew", "offset_ms": 60_000}, "clock", "the exchange's clock is 60."),
        (
            {"kind": "server_error", "requests": ["GET /api/v3/openOrders"], "times": None},
            *("open orders", "/api/v3/openOrders 500 Internal Server Error"),
        ),
    ],
)
def test_what_goes_wrong_is_told_in_its_row(
    home: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, fault: dict[str, typing.Any],
    name: str, words: str,
) -> None:  # fmt: skip
    give_keys(home)
    with exchange(tmp_path, monkeypatch, fault):
        done = check(home)
    rows = rows_of(done)
    assert done.exit_code == 1 and done.result["ok"] is False
    assert rows[name]["ok"] is False and words in rows[name]["text"], rows[name]
    assert [row["name"] for row in rows.values() if row["ok"] is False] == [name]
    assert "signature" not in done.output


def test_keys_that_the_exchange_does_not_know_are_told_as_that(
    home: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_keys(home, secret="another-secret-of-somebody")
    with exchange(tmp_path, monkeypatch):
        done = check(home, "--order")
    rows = rows_of(done)
    assert done.exit_code == 1
    assert rows["keys"]["ok"] is False and "refuses them" in rows["keys"]["text"]
    assert (rows["balances"]["ok"], rows["order placed"]["ok"]) == (None, None)
    assert "another-secret" not in done.output


def test_the_order_is_what_it_says_and_nothing_else_has_changed(
    home: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_keys(home)
    with exchange(tmp_path, monkeypatch) as address:
        assert orders_at(address) == []
        done = check(home, "--order")
        (order,) = orders_at(address)
    rows = rows_of(done)
    assert done.exit_code == 0 and oks(rows) == dict.fromkeys([*ALL_ROWS, *ORDER_ROWS], True) | {"own trades": None}
    assert (order["status"], order["side"], order["executed_base"]) == ("CANCELED", "BUY", "0")
    told = rows["order placed"]["text"]
    assert str(order["order_id"]) in told and order["price_quote"] in told and order["quantity_base"] in told


@pytest.mark.second
def test_an_order_whose_answer_is_lost_is_found_told_and_cancelled(
    home: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_keys(home)
    fault = {"kind": "answer_lost", "requests": ["POST /api/v3/order"]}
    with exchange(tmp_path, monkeypatch, fault) as address:
        done = check(home, "--order")
        (order,) = orders_at(address)
    assert done.exit_code == 1
    assert {name: ok for name, ok in oks(rows_of(done)).items() if name in ORDER_ROWS} == (
        dict.fromkeys(ORDER_ROWS, True) | {"order placed": False}
    )
    assert order["status"] == "CANCELED"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
@pytest.mark.second
def test_however_it_is_ended_its_order_is_cancelled(
    home: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    give_keys(home)
    fault = {"kind": "slow_answer", "delay_s": 15, "requests": ["POST /api/v3/order"]}
    with exchange(tmp_path, monkeypatch, fault) as address:
        asked = ["check", "--exchange", "offline_exchange", "--home", str(home), "--json", "--order"]
        process = start_volume_booster(*asked, cwd=tmp_path)
        until(lambda: [order["status"] for order in orders_at(address)] == ["NEW"])
        process.send_signal(number)
        output, errors = process.communicate(timeout=180)
        until(lambda: [order["status"] for order in orders_at(address)] == ["CANCELED"])
    if number == signal.SIGINT:
        assert process.returncode == 130, errors
        assert rows_of(Finished(130, output, errors))["order cancelled"]["ok"] is True


def until(is_so: typing.Callable[[], bool]) -> None:
    deadline = time.monotonic() + 240
    while not is_so():
        assert time.monotonic() < deadline, "waited for a minute"
        time.sleep(0.1)


def test_a_home_without_the_class_of_the_exchange_says_so(home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    file = home / "user" / "config.json"
    config = json.loads(file.read_text("utf-8"))
    config["exchanges"]["binance"] = {"api-key": KEY, "api-secret": SECRET}
    file.write_text(json.dumps(config), "utf-8")
    done = volume_booster("check", "--exchange", "binance", "--home", str(home), "--json", cwd=tmp_path)
    rows = rows_of(done)
    assert done.exit_code == 1
    assert "OctoBot's own class of binance is not installed here" in rows["class"]["text"]
    assert "connection" not in rows


def test_without_keys_it_tells_what_can_be_told_and_asks_nobody(tmp_path: pathlib.Path) -> None:
    done = volume_booster("check", "--exchange", "binance", "--json", cwd=tmp_path)
    assert done.exit_code == 0
    assert oks(rows_of(done)) == {
        "support": True, "market buy": True, "lost answer": True, "order type": True, "pairs": True, "account": None
    }  # fmt: skip
    assert not (tmp_path / ".octobot").exists()
    wanted = volume_booster("check", "--exchange", "binance", "--order", "--json", cwd=tmp_path)
    assert wanted.exit_code == 1 and rows_of(wanted)["order placed"]["ok"] is False


@pytest.mark.once
def test_without_an_exchange_it_tells_all_that_are_known_in_80_columns(tmp_path: pathlib.Path) -> None:
    done = volume_booster("check", cwd=tmp_path)
    assert done.exit_code == 0
    assert "Binance" in done.output and max(map(len, done.output.splitlines())) <= 80
    told = volume_booster("check", "--json", cwd=tmp_path).result
    assert told["exchange"] is None and told["ok"] is True and {"name", "ok", "text"} == set(told["rows"][0])


@pytest.mark.once
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--exchange", "Coinstore"], "neither ccxt nor OctoBot knows an exchange 'Coinstore'"),
        (["--exchange", "krakan"], "did you mean kraken?"),
        (["--exchange", "binance", "--pair", "BTCUSDT"], "'BTCUSDT' is not of the form BASE/QUOTE"),
        (["--exchange", "binance", "--home", "nowhere"], "there is no folder"),
        (["--exchange", "binance", "--profile", "nobody"], "there is no profile 'nobody'"),
        (["--exchange", "binance", "--save", "file/below"], "can't be made"),
        (["--order"], "name the exchange with --exchange"),
    ],
)
def test_what_can_not_be_used_is_told_in_one_sentence(
    tmp_path: pathlib.Path, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "file").write_text("a file")
    done = volume_booster("check", *arguments, cwd=tmp_path)
    assert done.exit_code == 2, done.errors
    assert sentence in done.errors and len(done.errors.splitlines()) == 1


@pytest.mark.once
@pytest.mark.parametrize("content", ["", "[]", '{"exchanges": null}', '{"exchanges": {"offline_exchange": []}}'])
def test_a_configuration_that_is_not_whole_is_no_traceback(home: pathlib.Path, content: str) -> None:
    (home / "user" / "config.json").write_text(content)
    done = check(home)
    assert done.exit_code in (0, 2) and "Traceback" not in done.errors
    assert done.exit_code == 0 or len(done.errors.splitlines()) == 1
