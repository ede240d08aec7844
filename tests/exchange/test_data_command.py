"""`volume-booster data`: candles from an exchange that speaks Binance's API, in files that a backtest takes."""

from __future__ import annotations

import io
import json
import pathlib
import socket
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from octobot_volume_booster.checks import candles as engine
from octobot_volume_booster.cli.files import candle_files
from octobot_volume_booster.cli.main import main
from octobot_volume_booster.cli.process import launch
from octobot_volume_booster.cli.setup import data

HOUR_MS, MINUTE_MS = 3_600_000, 60_000
UNTIL_MS = 1_790_000_000_000 // MINUTE_MS * MINUTE_MS


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A local exchange in a process of its own, with an hour that has passed."""
    log = tmp_path_factory.mktemp("exchange") / "exchange.log"
    child, port = launch.start_exchange(0, log, "--seed", "7")
    yield port
    child.stop()


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **request: Any) -> list[dict[str, Any]]:
    """What the process of the candles says, in this process."""
    fields = {"exchange": "offline_exchange", "symbol": "BTC/USDT", "time_frame": "1m"} | request
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(fields) + "\n"))
    assert engine.main() == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def now_ms(port: int) -> int:
    """The exchange's present, at a whole minute."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v3/time", timeout=60) as answer:
        return int(json.load(answer)["serverTime"]) // MINUTE_MS * MINUTE_MS


def test_pages_come_in_order_and_none_twice(
    port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "PAGE", 7)
    until_ms = now_ms(port)
    said = asked(monkeypatch, capsys, since_ms=until_ms - HOUR_MS, until_ms=until_ms, port=port)
    assert said[-1] == {"end": True}
    opened = [row[0] for page in said[:-1] for row in page["candles"]]
    assert opened == list(range(until_ms - HOUR_MS, until_ms, MINUTE_MS))
    assert max(len(page["candles"]) for page in said[:-1]) == 7


@pytest.mark.parametrize(
    ("wrong", "kind", "sentence"),
    [
        ({"symbol": "BTX/USDT"}, "market", "has no market BTX/USDT; did you mean BTC/USDT?"),
        ({"time_frame": "7m"}, "market", "has no candles of 7m, only of 1s, 1m"),
        ({"exchange": "hollaex_autofilled", "port": 0}, "market", "ccxt does not know hollaex_autofilled"),
        ({"port": 1}, "network", "could not be reached: start it with `volume-booster exchange`"),
    ],
)
def test_what_it_can_not_have_is_one_sentence(
    wrong: dict[str, Any],
    kind: str,
    sentence: str,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    request = {"since_ms": UNTIL_MS - HOUR_MS, "until_ms": UNTIL_MS, "port": port} | wrong
    (said,) = asked(monkeypatch, capsys, **request)
    assert said["kind"] == kind and sentence in said["error"]


@pytest.mark.long
@pytest.mark.parametrize("name", ["candles.csv", "candles.data"])
def test_the_command_writes_a_file_that_a_backtest_takes(
    name: str, port: int, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(launch.PORT_VARIABLES["offline_exchange"], str(port))
    options = ["--exchange", "offline_exchange", "--time-frame", "5m", "--out", name, "--json"]
    assert main(["data", "BTC/USDT", *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["symbol"], told["time_frame"]) == ("BTC/USDT", "5m") and told["candles"] > 10
    if name.endswith(".csv"):
        series = candle_files.read_csv(folder / name)
        assert (len(series.candles), series.length_s) == (told["candles"], 300)
    else:
        candle_files.check_data_file(folder / name)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "sentence"),
    [
        (["--exchange", "binanc", "--out", "x.csv"], 2, "did you mean binance"),
        (["--exchange", "binance", "--out", "x.txt"], 2, "x.txt: name a file that ends with .csv or .data"),
        (["--exchange", "binance", "--out", "nowhere/x.csv"], 2, "name a file in a directory that exists"),
        (["--exchange", "offline_exchange", "--out", "x.csv"], 1, "could not be reached: start it with"),
    ],
)
def test_a_problem_writes_no_file(
    arguments: list[str],
    exit_code: int,
    sentence: str,
    folder: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setattr(data, "LOCAL_PORT", free.getsockname()[1])
        assert main(["data", "BTC/USDT", *arguments]) == exit_code
    told = capsys.readouterr()
    assert sentence in told.err and len(told.err.splitlines()) == 1 and told.out == ""
    assert list(folder.iterdir()) == []
