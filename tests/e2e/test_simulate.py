"""`volume-booster simulate` from outside: the real OctoBot process on the local exchange."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import pathlib
import signal
import subprocess
import sys
import time
import typing
from collections.abc import Iterator
from decimal import Decimal

import psutil
import pytest

from .conftest import (
    QUICK,
    Finished,
    cost_of,
    descendants_of,
    octobots_own_trades,
    start_volume_booster,
    volume_booster,
)

pytestmark = pytest.mark.e2e

CONTRACT_FIELDS = set(
    "state reason trading octobot_version exchanges symbols seed restarts target_quote filled_quote remaining_quote "
    "orders fills cancelled rejected open_orders buys sells maker_share fees_quote slippage_quote cost_quote cost_bps "
    "imbalance started_at ended_at runtime_s".split()
)
LONG = ["--target", "1000000", "--seed", "7", "--json", *QUICK]
AUDIT = """
import os, sys
def _audit(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        address = arguments[1] if event != "socket.getaddrinfo" else arguments[0]
        with open(os.environ["AUDIT_FILE"], "a") as file:
            file.write(f"{event} {address[0] if isinstance(address, tuple) else address}\\n")
sys.addaudithook(_audit)
"""


@contextlib.contextmanager
def running(home: pathlib.Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A long run with at least three fills behind it; nothing of it is left afterwards."""
    launcher = start_volume_booster("simulate", "--home", str(home), *arguments, cwd=home.parent)
    try:
        wait_for_fills(home, 3, launcher)
        yield launcher
    finally:
        if launcher.poll() is None:
            launcher.terminate()
        launcher.communicate(timeout=180)


def wait_for_fills(home: pathlib.Path, fills: int, launcher: subprocess.Popen[str]) -> None:
    log = home / "logs" / "OctoBot.log"
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert launcher.poll() is None, launcher.communicate()
        if log.exists() and log.read_text("utf-8").count("Filled: ") >= fills:
            return
        time.sleep(0.1)
    raise AssertionError(f"fewer than {fills} fills in 300 s")


def finish(launcher: subprocess.Popen[str]) -> Finished:
    output, errors = launcher.communicate(timeout=180)
    return Finished(launcher.returncode, output, errors)


def octobot_of(launcher: subprocess.Popen[str]) -> psutil.Process:
    return next(child for child in descendants_of(launcher.pid) if "cli.lifeline" in " ".join(child.cmdline()))


def exchange_of(launcher: subprocess.Popen[str]) -> psutil.Process:
    return next(
        child for child in descendants_of(launcher.pid) if "offline_exchange.server" in " ".join(child.cmdline())
    )


def fee_quote(trade: dict[str, typing.Any]) -> Decimal:
    """OctoBot takes the fee of a buy in base."""
    price = 1 if trade["fee"]["currency"] == "USDT" else Decimal(str(trade["price"]))
    return Decimal(str(trade["fee"]["cost"])) * price


def assert_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=90)
    assert alive == []


def test_a_proxy_in_the_environment_stops_nothing(home: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    run = volume_booster(
        "simulate", "--home", str(home), "--target", "500", "--seed", "7", "--json", *QUICK, cwd=home.parent
    )
    assert run.exit_code == 0, run.errors


def test_it_reaches_the_target_as_octobots_own_record_shows_and_talks_to_loopback_only(
    new_home: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "sitecustomize.py").write_text(AUDIT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "audit"))
    monkeypatch.setenv("AUDIT_FILE", str(tmp_path / "addresses"))
    home = new_home
    done = volume_booster(
        "simulate", "--home", str(home), "--target", "6000", "--seed", "7", "--json", *QUICK, cwd=tmp_path
    )
    assert done.exit_code == 0, done.errors
    result = done.result
    assert set(result) >= CONTRACT_FIELDS
    assert (result["state"], result["trading"], result["seed"], result["restarts"]) == ("done", "simulation", 7, 0)
    assert Decimal(result["filled_quote"]) >= 6000
    trades = octobots_own_trades(home)
    assert len(trades) == result["fills"] == result["orders"]
    assert abs(cost_of(trades) - Decimal(result["filled_quote"])) < Decimal("0.005")
    fees = sum(fee_quote(trade) for trade in trades)
    assert abs(fees - Decimal(result["fees_quote"])) < Decimal("0.005")
    addresses = {line.split()[1] for line in (tmp_path / "addresses").read_text().splitlines()}
    assert "127.0.0.1" in addresses
    assert all(address == "localhost" or ipaddress.ip_address(address).is_loopback for address in addresses)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.second
def test_a_signal_stops_it_cleanly_and_the_summary_is_still_printed(home: pathlib.Path, number: signal.Signals) -> None:
    with running(home, *LONG) as launcher:
        children = descendants_of(launcher.pid)
        launcher.send_signal(number)
        done = finish(launcher)
    assert done.exit_code == 130
    assert done.result["state"] == "stopped"
    assert abs(cost_of(octobots_own_trades(home)) - Decimal(done.result["filled_quote"])) < Decimal("0.005")
    assert "Traceback" not in done.errors
    assert_gone(children)


@pytest.mark.second
def test_a_launcher_that_is_killed_leaves_no_process_behind_and_the_next_one_goes_on(home: pathlib.Path) -> None:
    with running(home, *LONG, "--set", "max_cost_quote=1077") as launcher:
        children = descendants_of(launcher.pid)
        launcher.kill()
        launcher.wait()
        assert_gone(children)
    before = cost_of(octobots_own_trades(home))
    target = str(int(before) + 5000)
    done = volume_booster("simulate", "--home", str(home), "--target", target, "--json", cwd=home.parent)
    assert done.exit_code == 0, done.errors
    assert (done.result["restarts"], done.result["seed"]) == (1, 7)
    assert "As in the run before: " in done.errors and "max_cost_quote=1077" in done.errors
    given = json.loads((home / "user" / "volume_booster" / "last_run.json").read_text("utf-8"))["given"]
    paces = dict(one.split("=") for one in QUICK[1::2])
    assert given == {**paces, "volume_target": target, "max_cost_quote": "1077"}
    assert abs(cost_of(octobots_own_trades(home)) - Decimal(done.result["filled_quote"])) < Decimal("0.005")


@pytest.mark.parametrize(
    ("victim", "sentence"),
    [(octobot_of, "OctoBot ended before the target"), (exchange_of, "the local exchange ended")],
    ids=["OctoBot", "exchange"],
)
@pytest.mark.second
def test_when_a_process_dies_the_run_ends_with_one_sentence_that_names_the_logs(
    home: pathlib.Path, victim: typing.Callable[[subprocess.Popen[str]], psutil.Process], sentence: str
) -> None:
    with running(home, *LONG) as launcher:
        children = descendants_of(launcher.pid)
        victim(launcher).kill()
        done = finish(launcher)
    assert done.exit_code == 1
    assert sentence in done.errors
    assert str(home / "logs") in done.errors
    assert "Traceback" not in done.errors
    assert_gone(children)


@pytest.mark.second
def test_when_the_mode_is_not_active_the_run_ends_and_says_so(home: pathlib.Path) -> None:
    activation = home / "user" / "profiles" / "volume_booster_offline" / "tentacles_config.json"
    config = json.loads(activation.read_text("utf-8"))
    config["tentacle_activation"]["Trading"]["VolumeBoosterTradingMode"] = False
    activation.write_text(json.dumps(config), "utf-8")
    done = volume_booster("simulate", "--home", str(home), "--patience", "12", cwd=home.parent)
    assert done.exit_code == 1
    assert "VolumeBoosterTradingMode is not active in the profile" in done.errors
    assert "Traceback" not in done.errors


@pytest.mark.second
def test_a_run_that_takes_too_long_ends_with_its_own_exit_code(home: pathlib.Path) -> None:
    done = volume_booster("simulate", "--home", str(home), *LONG, "--timeout", "8", cwd=home.parent)
    assert done.exit_code == 4
    assert done.result["state"] == "stopped"
    assert "was not reached in 8 s" in done.errors


def test_a_finished_campaign_is_kept_beside_the_next_one_and_settings_of_a_run_are_not_kept(
    home: pathlib.Path,
) -> None:
    run = ("simulate", "--home", str(home), "--target", "2000", "--json", "--quiet", *QUICK)
    first, second = (volume_booster(*run, cwd=home.parent) for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0), first.errors + second.errors
    assert second.errors == ""
    assert second.result["restarts"] == 0
    assert len(list((home / "user" / "volume_booster").glob("campaign-*.sqlite"))) == 1
    profile = home / "user" / "profiles" / "volume_booster_offline" / "specific_config"
    (settings,) = profile.iterdir()
    assert json.loads(settings.read_text("utf-8"))["volume_target"] == 50_000


def test_it_keeps_out_of_an_octobot_that_is_somebodys_own(new_home: pathlib.Path) -> None:
    home = new_home
    config = home / "user" / "config.json"
    config.parent.mkdir(parents=True)
    config.write_text('{"profile": "default"}', "utf-8")
    done = volume_booster("simulate", "--home", str(home), cwd=home.parent)
    assert done.exit_code == 2
    assert "volume-booster install --home" in done.errors
    assert [file.name for file in config.parent.iterdir()] == ["config.json"]
