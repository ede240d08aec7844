"""Looking at a campaign and steering it from outside, while the real OctoBot runs it and after."""

from __future__ import annotations

import pathlib
import subprocess
import time
import typing
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from .conftest import QUICK, Finished, start_volume_booster, volume_booster

pytestmark = [pytest.mark.e2e, pytest.mark.once]


class Campaign:
    """A campaign that runs, and the terminal beside it."""

    def __init__(self, home: pathlib.Path, launcher: subprocess.Popen[str]) -> None:
        self.home = home
        self.launcher = launcher

    def say(self, *arguments: str) -> Finished:
        return volume_booster(*arguments, "--home", str(self.home), cwd=self.home.parent)

    def status(self) -> dict[str, typing.Any]:
        done = self.say("status", "--json")
        return done.result if done.exit_code == 0 else {"state": None, "orders": 0, "fills": 0}

    def until(self, is_so: Callable[[dict[str, typing.Any]], bool]) -> dict[str, typing.Any]:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            seen = self.status()
            if is_so(seen):
                return seen
            assert self.launcher.poll() is None, self.launcher.communicate()
        raise AssertionError(f"not within 300 s, but {seen}")


@pytest.fixture
def campaign(home: pathlib.Path) -> Iterator[Campaign]:
    launcher = start_volume_booster(
        "sandbox", "--home", str(home), "--target", "1000000", "--seed", "7", "--json", *QUICK, cwd=home.parent
    )
    running = Campaign(home, launcher)
    try:
        running.until(lambda seen: seen["fills"] >= 3)
        yield running
    finally:
        if launcher.poll() is None:
            launcher.terminate()
        launcher.communicate(timeout=180)


def test_a_running_campaign_does_what_it_is_told_from_another_terminal(campaign: Campaign) -> None:
    assert campaign.say("pause").exit_code == 0
    paused = campaign.until(lambda seen: seen["state"] == "paused" and not seen["open_orders"])
    time.sleep(2)
    assert campaign.status()["orders"] == paused["orders"]

    assert campaign.say("target", "900000").exit_code == 0
    assert Decimal(campaign.status()["target_quote"]) == 900_000

    assert campaign.say("resume").exit_code == 0
    campaign.until(lambda seen: seen["state"] == "running" and seen["fills"] > paused["fills"])

    stopped = campaign.say("stop", "--json")
    assert (stopped.exit_code, stopped.result["state"], stopped.result["process"]) == (0, "stopped", None)
    output, errors = campaign.launcher.communicate(timeout=180)
    assert campaign.launcher.returncode == 130
    assert "stopped from the command line" in errors
    assert output


def test_a_second_octobot_on_the_same_home_is_refused_in_one_sentence(campaign: Campaign) -> None:
    second = campaign.say("sandbox", "--json", "--timeout", "60", *QUICK)
    assert second.exit_code in (1, 2)
    assert f"(process {campaign.launcher.pid}, since" in second.errors and "is using" in second.errors
    assert "Traceback" not in second.errors
    before = campaign.status()["fills"]
    campaign.until(lambda seen: seen["fills"] > before)


def test_a_target_that_is_lowered_below_what_is_filled_ends_the_campaign(campaign: Campaign) -> None:
    assert campaign.say("target", "1000").exit_code == 0
    output, errors = campaign.launcher.communicate(timeout=180)
    assert campaign.launcher.returncode == 0, errors
    assert '"state": "done"' in output


def test_where_there_is_no_campaign_one_sentence_says_so(tmp_path: pathlib.Path) -> None:
    for command in (["status"], ["pause"], ["resume"], ["stop"], ["target", "5"]):
        done = volume_booster(*command, "--home", str(tmp_path / "nobody"), cwd=tmp_path)
        assert done.exit_code == 2
        assert "there is no campaign" in done.errors
        assert len(done.errors.splitlines()) == 1
