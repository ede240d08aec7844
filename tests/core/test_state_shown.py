"""What a person sees of a campaign's state: commands that wait, OctoBot's own pause, the ETA, what to do next."""

from __future__ import annotations

import json
import pathlib
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from played_market import settings
from recorded import SOURCE, START, halted, recorded
from strategies import LAW

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.cli.main import main
from octobot_volume_booster.cli.screen.dashboard import eta
from octobot_volume_booster.core.decision import campaign_state
from octobot_volume_booster.core.decision.campaign_state import WAIT
from octobot_volume_booster.core.decision.control import TRADER_OFF, Control
from octobot_volume_booster.core.model.basics import Trading
from octobot_volume_booster.core.planning.planner import Plan
from octobot_volume_booster.journal.file import CAMPAIGN_FILE
from octobot_volume_booster.journal.rows import EventRow
from octobot_volume_booster.reporting.history import Watcher
from octobot_volume_booster.reporting.report import CampaignReport, read_report

PAUSED_BY_OCTOBOT = f"OctoBot's trader of binance {TRADER_OFF}"


def status(home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, object], str]:
    """As JSON and as text."""
    assert main(["status", "--home", str(home), "--json"]) == 0
    fields = json.loads(capsys.readouterr().out)
    assert main(["status", "--home", str(home)]) == 0
    return fields, " ".join(re.sub("[│┌┐└┘─┬┴]", " ", capsys.readouterr().out).split())


def test_commands_that_wait_for_octobot_are_shown_in_order(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(tmp_path, orders=3).close_journal()
    assert status(tmp_path, capsys)[0]["pending_commands"] == []
    for command in (["pause"], ["target", "30,000"], ["resume"], ["stop"]):
        assert main([*command, "--home", str(tmp_path)]) == 0
    capsys.readouterr()
    fields, text = status(tmp_path, capsys)
    assert fields["pending_commands"] == ["pause", "target 30000", "resume"]
    assert "pause, target 30000, resume: taken up by OctoBot when it can" in text


def test_what_the_bot_has_taken_up_waits_no_more(tmp_path: pathlib.Path) -> None:
    recorded(tmp_path, orders=3).close_journal()
    assert main(["emergency-stop", "--yes", "--home", str(tmp_path)]) == 0
    report = read_report(tmp_path / "user" / CAMPAIGN_FILE)
    assert report is not None and report.pending_commands == ("emergency-stop",)
    campaign = Campaign.open(tmp_path / "user" / CAMPAIGN_FILE)
    campaign.begin(START + 98, Trading.SIMULATION, 7, "2.0.15", SOURCE, settings())
    campaign.take_commands(START + 99)
    campaign.close_journal()
    report = read_report(tmp_path / "user" / CAMPAIGN_FILE)
    assert report is not None and report.pending_commands == ()


def event(source: str, reason: str) -> EventRow:
    return EventRow(START, WAIT, source, reason)


def test_octobots_own_pause_is_a_pause() -> None:
    def state(*events: EventRow) -> tuple[str, str | None]:
        found = campaign_state.campaign_state(events, Control(), is_done=False, last_fill_at=None)
        return found.name, found.reason

    assert TRADER_OFF in (pathlib.Path(campaign_state.__file__).parents[2] / "adapters/market_data.py").read_text(
        "utf-8"
    )
    assert state(event("a", PAUSED_BY_OCTOBOT)) == ("paused", PAUSED_BY_OCTOBOT)
    assert state(event("a", PAUSED_BY_OCTOBOT), event("b", PAUSED_BY_OCTOBOT))[0] == "paused"
    assert state(event("a", PAUSED_BY_OCTOBOT), event("b", "no price yet"))[0] == "running", "the other one waits"
    assert state(event("a", PAUSED_BY_OCTOBOT), EventRow(START, "go", "a", ""))[0] == "running"


def test_a_run_that_octobot_pauses_says_how_it_continues(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = recorded(tmp_path, orders=3)
    campaign.note(START + 60, WAIT, SOURCE, PAUSED_BY_OCTOBOT)
    fields, text = status(tmp_path, capsys)
    campaign.close_journal()
    assert (fields["state"], fields["reason"]) == ("paused", PAUSED_BY_OCTOBOT)
    assert "Next: enabling OctoBot's trader again lets it continue." in text


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("done", " --html report.html` shows all of it; `volume-booster simulate --home home` begins a new campaign."),
        ("halted", "`volume-booster resume --home home` lets it continue, once you know why"),
        ("stopped", "Next: `volume-booster simulate --home home` continues it"),
    ],
)
def test_the_end_says_what_to_do_next(
    kind: str, line: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    home = pathlib.Path("home")
    if kind == "halted":
        halted(home)
    else:
        recorded(home, orders=None if kind == "done" else 3).close_journal()
    assert line in status(home, capsys)[1]


def running(home: pathlib.Path) -> tuple[CampaignReport, Plan]:
    campaign = recorded(home, orders=6)
    report = read_report(home / "user" / CAMPAIGN_FILE)
    assert report is not None
    plan = Watcher(home / "user" / CAMPAIGN_FILE).live_status(report).plan
    campaign.close_journal()
    assert plan is not None
    return report, plan


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[CampaignReport, Plan]:
    return running(tmp_path_factory.mktemp("running"))


@LAW
@given(st.floats(1, 1e6))
def test_an_eta_lies_within_its_own_band(seen: tuple[CampaignReport, Plan], elapsed_s: float) -> None:
    text = eta(*seen, START + elapsed_s)
    at, low, high = (seconds(one) for one in re.findall(r"\d+:\d\d|\d+h\d\d", text))
    assert low <= at <= high, text


def seconds(clock: str) -> int:
    if ":" in clock:
        minutes, rest = clock.split(":")
        return int(minutes) * 60 + int(rest)
    hours, rest = clock.split("h")
    return int(hours) * 3_600 + int(rest) * 60


def test_amounts_of_pending_targets_are_what_was_typed(tmp_path: pathlib.Path) -> None:
    recorded(tmp_path, orders=3).close_journal()
    assert main(["target", "12,345.50", "--home", str(tmp_path)]) == 0
    report = read_report(tmp_path / "user" / CAMPAIGN_FILE)
    assert report is not None
    assert Decimal(report.pending_commands[0].removeprefix("target ")) == Decimal("12345.5")
