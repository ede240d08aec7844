"""The server as its launcher sees it: a real process on loopback."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from control_client import controlled

from octobot_volume_booster.offline_exchange.server.__main__ import main

SERVER = [sys.executable, "-m", "octobot_volume_booster.offline_exchange.server"]
PATIENCE_SECONDS = 90
KILLS = int(os.environ.get("VOLUME_BOOSTER_EXCHANGE_KILLS", "2"))


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A server that listens, with the event it announced; killed if the test left it alive."""
    process = subprocess.Popen(
        [*SERVER, "--port", "0", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def signed(port: int, method: str, route: str, query: str = "", secret: str = "offline-secret") -> Any:
    """The answer to a signed call of the account that there is without a file."""
    text = f"{query}&timestamp={int(time.time() * 1_000)}"
    sent = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v3/{route}?{text}&signature={sent}", method=method,
        headers={"X-MBX-APIKEY": "offline-key"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    code = main(options)
    printed = capsys.readouterr()
    assert printed.out == ""
    return code, printed.err


def test_it_announces_where_it_listens_and_what_it_plays() -> None:
    start_time = int(time.time()) - 60
    with running("--seed", "11", "--start-time", str(start_time)) as (_, event):
        assert event == {
            "event": "listening", "host": "127.0.0.1", "port": event["port"], "seed": 11, "start_time": start_time,
            "accounts": [{"name": "trader", "api_key": "offline-key", "api_secret": "offline-secret"}],
        }  # fmt: skip
        with urllib.request.urlopen(f"http://127.0.0.1:{event['port']}/api/v3/time", timeout=60) as answer:
            assert abs(json.load(answer)["serverTime"] / 1_000 - time.time()) < 5


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal that asks a process to stop")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_quietly(number) -> None:
    with running() as (process, _):
        process.send_signal(number)
        assert process.communicate(timeout=PATIENCE_SECONDS) == ("", "")
        assert process.returncode == 0


def test_it_does_not_outlive_the_launcher_that_held_its_standard_input() -> None:
    with running("--parent-lifeline") as (process, _):
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE_SECONDS) == 0


def test_without_a_lifeline_the_end_of_standard_input_means_nothing() -> None:
    with running() as (process, event):
        assert process.stdin is not None
        process.stdin.close()
        with urllib.request.urlopen(f"http://127.0.0.1:{event['port']}/api/v3/ping", timeout=60) as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{event['port']}/control/clock", timeout=60)
        assert process.poll() is None


def test_a_port_in_use_is_reported_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = subprocess.run(
            [*SERVER, "--port", port], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"volume-booster exchange: error: cannot listen on port {port} of 127.0.0.1: it is already in use.\n"
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org"])
def test_it_refuses_any_address_but_loopback(capsys, host) -> None:
    code, told = refused(capsys, "--host", host)
    assert code == 2
    assert f"the offline exchange only listens on 127.0.0.1, not on {host}" in told


@pytest.mark.parametrize(
    ("option", "value", "name"),
    [("--port", "65536", "port"), ("--port", "http", "port"), ("--seed", "-1", "seed"),
     ("--start-time", "12", "start time"), ("--start-time", "9999999999", "start time"),
     ("--orders-per-10s", "0", "orders per 10 s")],
)  # fmt: skip
def test_it_refuses_arguments_out_of_range(capsys, option, value, name) -> None:
    code, told = refused(capsys, f"{option}={value}")
    assert code == 2
    assert f"{name} must be a whole number from " in told


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [("--volatility", "-1", "volatility must be a number from 0 to 1000, not -1"),
     ("--drift", "much", "drift must be a number from -1000 to 1000, not much"),
     ("--spread-bps", "5001", "spread must be a number from 0 to 5000, not 5001"),
     ("--depth-quote", "0", "depth must be a number from 1 to 1000000000, not 0"),
     ("--prints-per-second", "0", "prints per second must be a number from 0.001 to 100, not 0"),
     ("--toxicity", "1.1", "toxicity must be a number from 0 to 1, not 1.1"),
     ("--tick", "0", "tick must be above 0, such as 0.01, and have at most 18 decimals, not '0'"),
     ("--tick", "5000", "ETHUSDT: a tick of 5000 must be below the start price of 3000"),
     ("--competitor", "maybe", "competitor must be on or off, not maybe"),
     ("--market", "odd", "market must be tight, ordinary, wide, thin or a file that ends in .json, not odd"),
     ("--maker-fee-percent", "11", "fee must be a number from -1 to 10, not 11"),
     ("--refill-per-second", "nan", "refill per second must be a number from 0.001 to 1, not nan"),
     ("--replay-skip", "3", "--replay-skip needs --replay")],
)  # fmt: skip
def test_an_invalid_market_is_refused(capsys, option, value, told) -> None:
    code, printed = refused(capsys, f"{option}={value}")
    assert code == 2 and told in printed


def test_a_recording_brings_its_own_markets(capsys, tmp_path) -> None:
    code, told = refused(capsys, "--replay", str(tmp_path), "--volatility", "3", "--depth-quote", "9")
    assert code == 2 and "--replay brings its own markets: leave out --volatility, --depth-quote" in told
    code, told = refused(capsys, "--replay", str(tmp_path))
    assert code == 2 and told.count("\n") == 1 and "markets.json" in told


def test_the_market_is_the_one_that_was_asked_for() -> None:
    with running("--spread-bps", "50", "--depth-quote", "1000000") as (_, event):
        url = f"http://127.0.0.1:{event['port']}/api/v3/depth?symbol=BTCUSDT&limit=50"
        with urllib.request.urlopen(url, timeout=60) as answer:
            book = json.load(answer)
    bid, ask = float(book["bids"][0][0]), float(book["asks"][0][0])
    assert 48 < (ask / bid - 1) * 10_000 < 52
    notionals = sorted(float(price) * float(quantity) for price, quantity in book["bids"])
    assert 300_000 < notionals[25] < 3_000_000


def test_a_market_that_is_too_kind_is_served_with_a_warning_in_one_line() -> None:
    with running("--market", "wide", "--volatility", "10", "--taker-fee-percent", "0.05") as (process, event):
        assert signed(event["port"], "GET", "account/commission", "symbol=BTCUSDT")["standardCommission"] == {
            "maker": "0.00100000", "taker": "0.00050000", "buyer": "0.00000000", "seller": "0.00000000"
        }  # fmt: skip
        process.terminate()
        _, told = process.communicate(timeout=PATIENCE_SECONDS)
    assert "warning: the spread of BTCUSDT is 25.1 times its volatility" in told and told.count("\n") == 1


def test_another_market_than_that_of_the_state_is_refused_by_its_name(capsys, tmp_path) -> None:
    state = tmp_path / "state.json"
    with running("--state", str(state), "--market", "thin", "--competitor", "off") as (process, _):
        process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)
    code, told = refused(capsys, "--state", str(state), "--market", "wide")
    assert code == 2 and f"--market wide contradicts {state}, which has thin; leave it out" in told
    code, told = refused(capsys, "--state", str(state), "--competitor", "on")
    assert code == 2 and "--competitor on contradicts" in told and "which has off" in told
    code, told = refused(capsys, "--state", str(state), "--maker-fee-percent", "0.05")
    assert code == 2 and "which has other accounts, keys or fees" in told


def accounts_file(folder: pathlib.Path, **changes: Any) -> pathlib.Path:
    account = {
        "name": "sandbox", "api_key": "sandbox-key", "api_secret": "very-hidden", "balances": {"USDT": "12.5"},
        "maker_fee_percent": "0.05", "fee_asset": "quote", **changes,
    }  # fmt: skip
    path = folder / "accounts.json"
    path.write_text(json.dumps({"accounts": [account]}), "utf-8")
    return path


def test_accounts_come_from_a_file_and_their_secrets_are_not_shown(tmp_path) -> None:
    with running("--accounts", str(accounts_file(tmp_path))) as (_, event):
        assert event["accounts"] == [{"name": "sandbox", "api_key": "sandbox-key"}]


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"name": "a b"}, "accounts[0].name must be 1 to 40 letters"),
     ({"name": "crowd"}, "accounts[0].name is the market's own"),
     ({"api_key": ""}, "accounts[0].api_key must be"), ({"api_secret": 5}, "accounts[0].api_secret must be"),
     ({"maker_fee_percent": "20"}, "accounts[0].maker_fee_percent must be from -1 to 10"),
     ({"taker_fee_percent": "cheap"}, "accounts[0].taker_fee_percent must be a decimal"),
     ({"fee_asset": "BNB"}, "accounts[0].fee_asset must be one of received, quote, base"),
     ({"balances": {"USDT": "-1"}}, "accounts[0].balances.USDT must be from 0 to"),
     ({"balances": {"USDT": True}}, "accounts[0].balances.USDT must be a decimal such as"),
     ({"balances": ["USDT"]}, "accounts[0].balances must be an object such as"),
     ({"balances": {"usdt": "1"}}, "accounts[0].balances.usdt must be named by capital letters"),
     ({"balance": {}}, "accounts[0].balance is not a key of an account")],
)  # fmt: skip
def test_invalid_accounts_are_refused_by_key_and_without_their_secrets(capsys, tmp_path, changes, told) -> None:
    path = accounts_file(tmp_path, **changes)
    code, printed = refused(capsys, "--accounts", str(path))
    assert code == 2 and f"{path} cannot be used: {told}" in printed
    assert printed.count("\n") == 1 and "very-hidden" not in printed


@pytest.mark.parametrize("text", ["", "[]", '{"accounts": []}', '{"accounts": [1]}', "\x00"])
def test_a_file_without_accounts_is_refused(capsys, tmp_path, text) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(text, "utf-8")
    code, told = refused(capsys, "--accounts", str(path))
    assert code == 2 and str(path) in told and told.count("\n") == 1


def test_a_restart_with_the_same_state_continues_even_after_a_kill(tmp_path) -> None:
    state = tmp_path / "state.json"
    order = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=30000"
    with running("--state", str(state), "--seed", "5") as (process, event):
        signed(event["port"], "POST", "order", f"{order}&newClientOrderId=kept")
        bought = signed(event["port"], "POST", "order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001")
        account = signed(event["port"], "GET", "account")
        process.kill()
        process.wait()
    with running("--state", str(state)) as (_, again):
        assert (again["seed"], again["start_time"]) == (5, event["start_time"])
        assert [row["clientOrderId"] for row in signed(again["port"], "GET", "openOrders")] == ["kept"]
        assert signed(again["port"], "GET", "account")["balances"] == account["balances"]
        (trade,) = signed(again["port"], "GET", "myTrades", "symbol=BTCUSDT")
        assert trade["orderId"] == bought["orderId"] and trade["id"] == bought["fills"][0]["tradeId"]


@pytest.mark.long
@pytest.mark.parametrize("durability", ["fast", "disk"])
def test_a_kill_forgets_nothing_that_was_answered_or_reported(tmp_path, durability) -> None:
    """As often as KILLS says, in the middle of orders; the tape of the next life begins with what clients saw."""
    state, token, seen = tmp_path / "state.json", tmp_path / "state.token", Seen()
    options = ("--state", str(state), "--durability", durability, "--control", "--prints-per-second", "20")
    rng = random.Random(durability)
    for _ in range(KILLS):
        with running(*options, "--orders-per-10s", "100000") as (process, event):
            seen.check(event["port"], token)
            killer = threading.Thread(target=_kill_after, args=(process, seen, len(seen.answers) + 8, rng.random()))
            killer.start()
            _trade_until_killed(seen, event["port"])
            killer.join()
    with running(*options) as (_, event):
        seen.check(event["port"], token)
    assert len(seen.answers) >= 8 * KILLS and len(seen.trades) >= 4 * KILLS


def _trade_until_killed(seen: Seen, port: int) -> None:
    try:
        while True:
            seen.trade(port)
    except urllib.error.HTTPError:
        raise  # an answer, and a refusal
    except (urllib.error.URLError, ConnectionError, http.client.HTTPException):
        return


def _kill_after(process: subprocess.Popen[str], seen: Seen, orders: int, share: float) -> None:
    """In the middle of something, as soon as there are so many orders; never without end."""
    deadline = time.monotonic() + 3 * PATIENCE_SECONDS
    while len(seen.answers) < orders and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(share * 0.1)
    process.kill()


class Seen:
    """What a client was told: its orders by their ids as they were answered, and the trades that were listed."""

    def __init__(self) -> None:
        self.answers: dict[int, dict[str, Any]] = {}
        self.trades: dict[int, dict[str, Any]] = {}
        self.cancelled: set[int] = set()

    def trade(self, port: int) -> None:
        """A market order, an order that rests, perhaps its cancellation, and a look at the trades."""
        side = ("BUY", "SELL")[len(self.answers) % 2]
        self._ordered(port, f"side={side}&type=MARKET&quantity=0.001")
        book = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v3/depth?symbol=BTCUSDT", timeout=5))
        resting = self._ordered(port, f"side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price={book['bids'][0][0]}")
        if resting % 3 == 0:
            with contextlib.suppress(urllib.error.HTTPError):
                signed(port, "DELETE", "order", f"symbol=BTCUSDT&orderId={resting}")
                self.cancelled.add(resting)  # else it was filled before
        newest = signed(port, "GET", "myTrades", "symbol=BTCUSDT&limit=50")
        self.trades |= {row["id"]: row for row in newest}

    def _ordered(self, port: int, query: str) -> int:
        answer = signed(port, "POST", "order", f"symbol=BTCUSDT&{query}")
        self.answers[answer["orderId"]] = answer
        return int(answer["orderId"])

    def check(self, port: int, token: pathlib.Path) -> None:
        """Everything seen is there, with the same amounts."""
        orders = {row["order_id"]: row for row in controlled(port, token, "orders")["orders"]}
        tape = {row["id"]: row for row in controlled(port, token, "tape")["trades"]}
        for order_id, answer in self.answers.items():
            order = orders[order_id]
            assert order["client_order_id"] == answer["clientOrderId"]
            assert Decimal(order["executed_base"]) >= Decimal(answer["executedQty"])
            if answer["status"] == "FILLED":
                assert order["status"] == "FILLED"
                assert Decimal(order["executed_quote"]) == Decimal(answer["cummulativeQuoteQty"])
        assert all(orders[order_id]["status"] == "CANCELED" for order_id in self.cancelled)
        for trade_id, row in self.trades.items():
            trade = tape[trade_id]
            party = trade["buyer" if row["isBuyer"] else "seller"]
            assert (party["order_id"], trade["time_ms"]) == (row["orderId"], row["time"])
            told = row["price"], row["qty"], row["quoteQty"], row["commission"]
            kept = trade["price_quote"], trade["quantity_base"], trade["notional_quote"], party["fee"]
            assert list(map(Decimal, told)) == list(map(Decimal, kept))


def test_a_clean_stop_writes_the_state(tmp_path) -> None:
    state = tmp_path / "state.json"
    with running("--state", str(state), "--parent-lifeline") as (process, event):
        order = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=30000"
        signed(event["port"], "POST", "order", f"{order}&newClientOrderId=last")
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE_SECONDS) == 0
    assert "last" in state.read_text("utf-8")
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("text", ["", "{}", '{"format": "volume booster exchange", "version": 99}'])
def test_an_unusable_state_is_reported_and_left_alone(capsys, tmp_path, text) -> None:
    state = tmp_path / "state.json"
    state.write_text(text, "utf-8")
    code, told = refused(capsys, "--state", str(state))
    assert code == 1 and str(state) in told and told.count("\n") == 1
    assert state.read_text("utf-8") == text


def test_what_contradicts_the_state_is_refused(capsys, tmp_path) -> None:
    state, start_time = tmp_path / "state.json", int(time.time()) - 60
    with running("--state", str(state), "--seed", "5", "--start-time", str(start_time), "--drift", "3"):
        pass
    written = state.read_bytes()
    for option, value, held in (
        ("--seed", "6", "5"), ("--start-time", str(start_time - 1), str(start_time)), ("--drift", "4", "3.0"),
        ("--volatility", "9", "no such value"),
    ):  # fmt: skip
        code, told = refused(capsys, "--state", str(state), option, value)
        assert code == 2 and told.startswith(f"volume-booster exchange: error: {option} ") and held in told
    code, told = refused(capsys, "--state", str(state), "--accounts", str(accounts_file(tmp_path)))
    assert code == 2 and "other accounts, keys or fees" in told and "hidden" not in told
    assert state.read_bytes() == written


def test_a_control_interface_needs_a_place_for_its_token(capsys) -> None:
    code, told = refused(capsys, "--control")
    assert code == 2 and "--control needs --token-file FILE or --state FILE: its token is written there" in told


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permissions of this kind")
def test_the_token_is_its_owners_alone_new_each_time_and_gone_with_the_exchange(tmp_path) -> None:
    token, tokens = tmp_path / "state.token", set()
    token.write_text("", "utf-8")
    token.chmod(0o644)
    for _ in range(2):
        with running("--state", str(tmp_path / "state.json"), "--control", "--parent-lifeline") as (process, _):
            assert stat.S_IMODE(token.stat().st_mode) == 0o600
            tokens.add(token.read_text("ascii"))
            process.stdin.close()
            process.wait(PATIENCE_SECONDS)
        assert not token.exists()
    assert {len(one) for one in tokens} == {64} and len(tokens) == 2
    code = main(["--port", "0", "--control", "--token-file", str(tmp_path / "nowhere" / "token")])
    assert code == 1


def test_the_control_interface_and_its_faults_are_there_when_asked_for(tmp_path) -> None:
    token = tmp_path / "exchange.token"
    with running("--control", "--token-file", str(token)) as (_, event):
        assert event["token_file"] == str(token)
        for route in ("clock", "faults"):
            controlled(event["port"], token, route)
