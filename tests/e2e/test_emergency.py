"""Halts and emergency stops of the real OctoBot: from another terminal, over restarts, and where it hangs."""

from __future__ import annotations

import os
import pathlib
import signal
import sys
import time
import typing
from decimal import Decimal

import pytest

from .conftest import QUICK, Finished, start_volume_booster, volume_booster
from .test_sandbox import ACCOUNT, state_of

pytestmark = [pytest.mark.e2e, pytest.mark.once]

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
RESTING = [
    *("--set", "order_type=limit", "--set", "price_offset_percent=1", "--set", "limit_order_timeout=600"),
    *("--target", "50000", "--seed", "7", "--json", *QUICK),
]


def sandbox(home: pathlib.Path, *options: str) -> Finished:
    return volume_booster("sandbox", "--home", str(home), "--json", *options, cwd=home.parent)


def say(home: pathlib.Path, *arguments: str) -> Finished:
    return volume_booster(*arguments, "--home", str(home), cwd=home.parent)


def until_resting(home: pathlib.Path) -> dict[str, typing.Any]:
    """The campaign once it has ten open orders."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        seen = say(home, "status", "--json")
        if seen.exit_code == 0 and seen.result["open_orders"] >= 10:
            return seen.result
    raise AssertionError("no ten open orders within 300 s")


def open_on_exchange(home: pathlib.Path) -> list[typing.Any]:
    orders = state_of(home)["orders"]
    return [order for order in orders if order[1] == ACCOUNT and ("NEW" in order or "PARTIALLY_FILLED" in order)]


def test_a_guard_halts_the_run_a_restart_does_not_help_and_a_resume_does(home: pathlib.Path) -> None:
    options = ("--target", "50000", "--seed", "7", "--set", "max_cost_quote=4", *QUICK)
    halted = sandbox(home, *options)
    assert (halted.exit_code, halted.result["state"]) == (3, "halted"), halted.errors
    assert "of the cost budget of 4.00 (max_cost_quote) are spent" in halted.errors
    assert 1 < Decimal(halted.result["cost_quote"]) <= 4

    again = sandbox(home, *options)
    assert again.exit_code == 3
    assert again.result["orders"] == halted.result["orders"]
    assert again.result["reason"] == halted.result["reason"]

    assert say(home, "resume").exit_code == 0
    resumed = sandbox(home, *options)
    assert resumed.exit_code == 3
    assert resumed.result["orders"] > halted.result["orders"]
    assert Decimal(halted.result["cost_quote"]) < Decimal(resumed.result["cost_quote"]) <= 8


def test_an_emergency_stop_from_another_terminal(home: pathlib.Path) -> None:
    launcher = start_volume_booster("sandbox", "--home", str(home), *RESTING, cwd=home.parent)
    try:
        until_resting(home)
        unconfirmed = say(home, "emergency-stop")
        assert unconfirmed.exit_code == 2
        assert "EMERGENCY_STOP was not typed" in unconfirmed.errors
        stopped = say(home, "emergency-stop", "--yes")
        assert stopped.exit_code == 0, stopped.errors
        assert "cancelled and confirmed" in stopped.output
        _, errors = launcher.communicate(timeout=180)
    finally:
        if launcher.poll() is None:
            launcher.kill()
    assert launcher.returncode == 3, errors
    assert "Emergency stop" in errors
    assert open_on_exchange(home) == []
    (report,) = (home / "user" / "volume_booster").glob("emergency-*.txt")
    assert "10 open orders are cancelled and confirmed" in report.read_text("utf-8")
    sent = say(home, "status", "--json").result["orders"]
    assert sandbox(home, *RESTING).exit_code == 3
    assert say(home, "status", "--json").result["orders"] == sent


@POSIX
def test_an_octobot_that_hangs_is_ended_and_cancels_at_its_next_start(home: pathlib.Path) -> None:
    launcher = start_volume_booster("sandbox", "--home", str(home), *RESTING, cwd=home.parent)
    try:
        process = until_resting(home)["process"]
        os.kill(process, signal.SIGSTOP)
        stopped = say(home, "emergency-stop", "--yes")
        launcher.communicate(timeout=180)
    finally:
        if launcher.poll() is None:
            launcher.kill()
    assert stopped.exit_code == 1
    assert "was ended by force" in stopped.errors
    assert len(open_on_exchange(home)) == 10
    again = sandbox(home, *RESTING)
    assert again.exit_code == 3
    assert again.result["open_orders"] == 0
    assert open_on_exchange(home) == []
