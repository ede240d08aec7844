"""`volume-booster status | pause | resume | stop | target`, on a campaign that runs and on one that does not."""

from __future__ import annotations

import contextlib
import json
import pathlib
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from typing_person import Terminal

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.cli.commands import steer
from octobot_volume_booster.cli.main import main
from octobot_volume_booster.core.decision.control import STOP, ControlState
from octobot_volume_booster.core.model.basics import OrderType, Role, Side, Trading
from octobot_volume_booster.core.model.orders import Fill, OrderIntent
from octobot_volume_booster.core.settings.schema import parse_settings
from octobot_volume_booster.journal.journal import Journal

MARKET = ("binance", "BTC/USDT")
SOURCE = " ".join(MARKET)
SETTINGS = parse_settings({"volume_target": 2_000})


class Bot:
    """What the mode does of a campaign besides trading, in a thread: it takes commands up and ends when told to."""

    def __init__(self, path: pathlib.Path, *, is_deaf: bool = False) -> None:
        self._path = path
        self._is_deaf = is_deaf
        self._is_over = threading.Event()
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.control = ControlState.RUNNING
        self.target_quote = Decimal(0)

    def __enter__(self) -> Bot:
        self._thread.start()
        assert self._is_up.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        campaign = Campaign.open(self._path)
        campaign.begin(time.time(), Trading.SIMULATION, 7, "2.1.1", SOURCE, SETTINGS)
        campaign.use(SETTINGS, time.time(), SOURCE)
        campaign.take_commands(time.time())
        buy(campaign)
        self.control, self.target_quote = campaign.control.state, campaign.target_quote(SETTINGS)
        self._is_up.set()
        while not self._is_over.wait(0.02) and campaign.control.state is not ControlState.STOPPED:
            if not self._is_deaf:
                campaign.take_commands(time.time())
            self.control, self.target_quote = campaign.control.state, campaign.target_quote(SETTINGS)
        self.control = campaign.control.state
        campaign.note(time.time(), STOP, SOURCE, campaign.control.reason or "OctoBot stopped the mode")
        campaign.close_journal()


def buy(campaign: Campaign) -> None:
    number, price = campaign.orders_placed(*MARKET), Decimal(100)
    intent = OrderIntent(Side.BUY, OrderType.MARKET, Decimal(1), price, price)
    campaign.place(f"order {number}", *MARKET, intent, time.time())
    amounts = Decimal(1), price, Decimal("0.1"), price
    campaign.fill(Fill(f"fill {number}", f"order {number}", time.time(), Side.BUY, Role.TAKER, *amounts))


@pytest.fixture
def home(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "home"


@pytest.fixture
def path(home: pathlib.Path) -> pathlib.Path:
    return home / "user" / "volume_booster" / "campaign.sqlite"


@contextlib.contextmanager
def killed(path: pathlib.Path) -> Iterator[None]:
    """A bot that is gone without a word."""
    campaign = Campaign.open(path)
    campaign.begin(time.time(), Trading.SIMULATION, 7, "2.1.1", SOURCE, SETTINGS)
    campaign.use(SETTINGS, time.time(), SOURCE)
    buy(campaign)
    campaign.close_journal()
    yield


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    exit_code = main(list(arguments))
    output = capsys.readouterr()
    return exit_code, output.out, output.err


def told_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    exit_code, output, errors = told(capsys, *arguments, "--json")
    assert (exit_code, errors) == (0, "")
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


def test_a_running_campaign_is_steered_within_a_second(
    home: pathlib.Path, path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ("--home", str(home))
    with Bot(path) as bot:
        assert told_json(capsys, "status", *at)["state"] == "running"
        assert told(capsys, "pause", *at)[:2] == (
            0, "Paused: no new order is placed until `volume-booster resume`.\n",
        )  # fmt: skip
        assert bot.control is ControlState.PAUSED
        paused = told_json(capsys, "status", *at)
        assert (paused["state"], paused["filled_quote"]) == ("paused", "100.00")
        assert "volume-booster resume" in paused["reason"]
        assert told(capsys, "resume", *at)[:2] == (
            0,
            "Resumed. Guard counters were reset if a guard had halted it. It has cost 0.10 USDT in all so far.\n",
        )
        assert bot.control is ControlState.RUNNING
        assert told(capsys, "target", "2500", *at)[:2] == (0, "The target is 2,500.00 USDT now.\n")
        assert bot.target_quote == 2_500
        assert told_json(capsys, "target", "1500", *at)["target_quote"] == "1500.00"
        assert bot.target_quote == 1_500
        assert told(capsys, "stop", *at)[:2] == (
            0,
            "Stopped: OctoBot has ended; started again, the campaign continues.\n",
        )
        assert bot.control is ControlState.STOPPED
    stopped = told_json(capsys, "status", *at)
    assert (stopped["state"], stopped["process"]) == ("stopped", None)
    assert stopped["reason"] == "stopped from the command line"
    with Bot(path) as bot:
        assert bot.control is ControlState.RUNNING
        assert told_json(capsys, "status", *at)["target_quote"] == "1500.00"


@pytest.mark.parametrize(("answer", "left"), [("y", "50.00"), ("", "5000.00"), ("n", "5000.00")])
def test_a_target_that_is_filled_already_is_asked_about_on_a_terminal(
    answer: str,
    left: str,
    home: pathlib.Path,
    path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = ("--home", str(home))
    monkeypatch.setattr("sys.stdin", Terminal(f"{answer}\n"))
    with killed(path):
        assert told(capsys, "target", "5000", *at)[0] == 0, "what is not filled is not asked about"
        exit_code, _, errors = told(capsys, "target", "50", *at)
        assert exit_code == (0 if answer == "y" else 2)
        assert "50.00 is no more than the 100.00 USDT that are filled: the campaign ends with it" in errors
        assert f"target {left.partition('.')[0]}" in told_json(capsys, "status", *at)["pending_commands"][-1]
        assert told(capsys, "target", "40", "--yes", *at)[0] == 0


def test_a_campaign_whose_bot_was_killed_is_stopped_and_keeps_what_is_asked_of_it(
    home: pathlib.Path, path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ("--home", str(home))
    with killed(path):
        dead = told_json(capsys, "status", *at)
        assert (dead["state"], dead["process"], dead["filled_quote"]) == ("stopped", None, "100.00")
        assert "OctoBot is not running" in dead["reason"]
        assert told(capsys, "stop", *at)[:2] == (0, "OctoBot is not running.\n")
        with contextlib.closing(Journal.open_to_read(path)) as journal:
            assert journal.commands() == [], "a stop is for the bot that runs"
        assert told(capsys, "pause", *at)[:2] == (
            0, "OctoBot is not running: it will be paused when it is started.\n",
        )  # fmt: skip
        assert told(capsys, "target", "5000", *at)[:2] == (
            0, "OctoBot is not running: the target is 5,000.00 USDT when it is started.\n",
        )  # fmt: skip
        assert told_json(capsys, "status", *at)["reason"].endswith("continues paused")
    with Bot(path) as bot:
        assert told_json(capsys, "status", *at)["state"] == "paused"
        assert bot.control is ControlState.PAUSED
        assert bot.target_quote == 5_000


def test_a_bot_that_does_not_listen_is_told(
    home: pathlib.Path, path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steer, "TAKEN_UP_WITHIN_S", 0.1)
    with Bot(path, is_deaf=True):
        exit_code, output, errors = told(capsys, "pause", "--home", str(home))
    assert (exit_code, output) == (1, "")
    assert "has not taken the command up in 0.1 s" in errors


@pytest.mark.parametrize("command", ["status", "pause", "resume", "stop"])
def test_a_home_without_a_campaign_is_one_sentence(
    home: pathlib.Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, output, errors = told(capsys, command, "--home", str(home))
    assert (exit_code, output) == (2, "")
    assert errors.startswith(f"volume-booster: there is no campaign in {home}")
    assert len(errors.splitlines()) == 1
    assert not home.exists()


@pytest.mark.parametrize("quote", ["0", "-5", "much", "nan", "1e13"])
def test_a_target_that_is_none_is_refused_by_name(
    home: pathlib.Path, path: pathlib.Path, quote: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with killed(path):
        exit_code, output, errors = told(capsys, "target", "--home", str(home), "--", quote)
    assert (exit_code, output) == (2, "")
    assert errors.startswith("volume-booster: volume_target: ")
    with contextlib.closing(Journal.open_to_read(path)) as journal:
        assert journal.commands() == []


def test_a_damaged_campaign_is_one_sentence(
    home: pathlib.Path, path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database " * 100)
    exit_code, output, errors = told(capsys, "status", "--home", str(home))
    assert (exit_code, output) == (1, "")
    assert "--fresh" in errors
    assert len(errors.splitlines()) == 1


def test_the_status_is_a_table_of_80_columns(
    home: pathlib.Path, path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with killed(path):
        exit_code, output, _ = told(capsys, "status", "--home", str(home))
    assert exit_code == 0
    lines = output.splitlines()
    assert max(map(len, lines)) <= 80
    assert any("100.00 of 2,000.00 USDT" in line for line in lines)
    assert any("OctoBot is not running" in line for line in lines)
