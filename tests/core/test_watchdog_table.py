"""Every way in which a run ends, one row each."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from octobot_volume_booster.cli.process.watchdog import ExitCode, RunStatus, judge
from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision.control import PAUSED_REASON, STOPPED_REASON
from octobot_volume_booster.core.settings.schema import parse_settings
from octobot_volume_booster.journal.journal import HALT, WAIT
from octobot_volume_booster.reporting.report import CampaignReport, Part

TIMEOUT_S, PATIENCE_S = 60.0, 20.0


def a_report(state: str, reason: str | None = None) -> CampaignReport:
    return CampaignReport(
        progress=Progress(target_quote=Decimal(100)),
        state=state,
        reason=reason,
        trading="simulation",
        octobot_version="2.1.1",
        markets=(("binance", "BTC/USDT"),),
        seed=7,
        restarts=0,
        started_at=0.0,
        last_start_at=0.0,
        ended_at=None,
        last_fill=None,
        has_noted_done=state == "done",
    )


RUNNING, WAITING = a_report("running"), a_report("running", "no price yet")
DONE, HALTED, STOPPED = a_report("done"), a_report("halted", "loss limit"), a_report("stopped", "OctoBot stopped")

REACHED = replace(DONE, has_noted_done=False)
BRINGS_BACK = replace(REACHED, settings=parse_settings({"end_of_campaign": "flatten"}))
PART = Part("binance", "BTC/USDT", BRINGS_BACK.progress, WAIT, "thin book")
THIN_BOOK = replace(BRINGS_BACK, parts=(PART,))
GUARDED = replace(BRINGS_BACK, parts=(replace(PART, kind=HALT, reason="loss limit"),))
PAUSED, ASKED_TO_STOP = a_report("paused", PAUSED_REASON), a_report("stopped", STOPPED_REASON)

ENDS: list[tuple[str, dict[str, Any], ExitCode | None, str]] = [
    ("it continues", {"report": RUNNING}, None, ""),
    ("it has not begun yet", {"report": None}, None, ""),
    ("it stopped and OctoBot is still there", {"report": STOPPED}, None, ""),
    ("just before the time-out", {"report": RUNNING, "elapsed_s": 59.9}, None, ""),
    ("just before patience ends", {"report": RUNNING, "since_news_s": 19.9}, None, ""),
    ("target reached", {"report": DONE}, ExitCode.DONE, "the target is reached"),
    ("target reached, OctoBot gone", {"report": DONE, "octobot_exit_code": 0}, ExitCode.DONE, "target is reached"),
    ("target reached at the last moment", {"report": DONE, "elapsed_s": 60.0}, ExitCode.DONE, "target is reached"),
    ("target reached, orders to cancel", {"report": REACHED}, None, ""),
    ("target reached, orders that won't go", {"report": REACHED, "since_news_s": 10.0}, ExitCode.DONE, "is reached"),
    ("target reached, OctoBot gone with orders", {"report": REACHED, "octobot_exit_code": 0}, ExitCode.DONE, "reached"),
    ("target reached, inventory on its way back", {"report": BRINGS_BACK, "since_news_s": 19.0}, None, ""),
    (
        "an inventory that does not come back",
        {"report": BRINGS_BACK, "since_news_s": 20.0},
        ExitCode.FAILED,
        "no order",
    ),
    ("an inventory that waits", {"report": THIN_BOOK, "since_news_s": 20.0}, ExitCode.FAILED, "reason: thin book"),
    ("an inventory that a guard holds", {"report": GUARDED}, ExitCode.HALTED, "halted: loss limit"),
    ("inventory on its way back, OctoBot gone", {"report": BRINGS_BACK, "octobot_exit_code": 1}, ExitCode.DONE, ""),
    ("halted by a guard", {"report": HALTED}, ExitCode.HALTED, "halted: loss limit"),
    ("halted, OctoBot gone", {"report": HALTED, "octobot_exit_code": 1}, ExitCode.HALTED, "loss limit"),
    ("the exchange died", {"report": RUNNING, "exchange_exit_code": -9}, ExitCode.FAILED, "local exchange ended"),
    ("both died", {"exchange_exit_code": 1, "octobot_exit_code": 1}, ExitCode.FAILED, "local exchange ended"),
    ("OctoBot died", {"report": RUNNING, "octobot_exit_code": -9}, ExitCode.FAILED, "(exit code -9)"),
    ("OctoBot left politely", {"report": STOPPED, "octobot_exit_code": 0}, ExitCode.FAILED, "before the target"),
    ("OctoBot died at the start", {"octobot_exit_code": 1}, ExitCode.FAILED, "OctoBot ended before the target"),
    ("time is up", {"report": RUNNING, "elapsed_s": 60.0}, ExitCode.TIMED_OUT, "not reached in 1 min"),
    ("time is up before it began", {"elapsed_s": 61.0}, ExitCode.TIMED_OUT, "not reached in 1 min"),
    ("nothing happens", {"report": RUNNING, "since_news_s": 20.0}, ExitCode.FAILED, "no order and no fill in 20 s"),
    ("nothing happens, and why", {"report": WAITING, "since_news_s": 21.0}, ExitCode.FAILED, "reason: no price yet"),
    ("the mode never starts", {"since_news_s": 20.0}, ExitCode.FAILED, "the trading mode did not start in 20 s"),
    ("paused for as long as a person likes", {"report": PAUSED, "since_news_s": 1e6}, None, ""),
    ("stopped by command, OctoBot still there", {"report": ASKED_TO_STOP}, None, ""),
    (
        "stopped by command",
        {"report": ASKED_TO_STOP, "octobot_exit_code": 0},
        ExitCode.INTERRUPTED,
        "stopped from the command line",
    ),
    ("interrupted", {"report": RUNNING, "is_interrupted": True}, ExitCode.INTERRUPTED, "interrupted"),
    ("interrupted before it began", {"is_interrupted": True}, ExitCode.INTERRUPTED, "interrupted"),
    (
        "interrupted, which ends the children too",
        {"report": STOPPED, "is_interrupted": True, "octobot_exit_code": -2, "exchange_exit_code": -2},
        ExitCode.INTERRUPTED,
        "interrupted",
    ),
]


@pytest.mark.parametrize(("status", "exit_code", "reason"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_a_run_ends_with(status: dict[str, Any], exit_code: ExitCode | None, reason: str) -> None:
    run_status = RunStatus(**{"elapsed_s": 1.0, "since_news_s": 1.0, "report": None} | status)
    verdict = judge(run_status, TIMEOUT_S, PATIENCE_S)
    if exit_code is None:
        assert verdict is None
    else:
        assert verdict is not None
        assert verdict.exit_code is exit_code
        assert reason in verdict.reason


def test_without_a_time_out_a_run_may_take_forever() -> None:
    assert judge(RunStatus(elapsed_s=1e9, since_news_s=1.0, report=RUNNING), None, PATIENCE_S) is None


def test_the_exit_codes_are_those_of_the_contract() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0, "FAILED": 1, "UNUSABLE": 2, "HALTED": 3, "TIMED_OUT": 4, "INTERRUPTED": 130,
    }  # fmt: skip
