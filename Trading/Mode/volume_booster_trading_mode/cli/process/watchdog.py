"""When a run is over, and how: pure, so that every way in which a run can end is a row in a test."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ...core.decision.control import STOPPED_REASON
from ...core.model.formats import duration
from ...reporting.report import CampaignReport

WRAP_UP_S = 10.0
"""How long a bot that has reached its target may take to cancel what still rests."""


class ExitCode(enum.IntEnum):
    """The exit codes of the command line's contract."""

    DONE = 0
    FAILED = 1
    UNUSABLE = 2
    HALTED = 3
    TIMED_OUT = 4
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class RunStatus:
    """What is known of a run at one moment. Times are seconds; `report` is None until the mode has started."""

    elapsed_s: float
    since_news_s: float
    report: CampaignReport | None
    octobot_exit_code: int | None = None
    exchange_exit_code: int | None = None
    is_interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The run is over."""

    exit_code: ExitCode
    reason: str


def judge(status: RunStatus, timeout_s: float | None, patience_s: float) -> Verdict | None:
    """The verdict, or None while the run continues.

    `patience_s` is how long nothing new may happen: no start, no order, no fill. A paused campaign is waited for.
    """
    if status.is_interrupted:
        return Verdict(ExitCode.INTERRUPTED, "interrupted")
    return _by_campaign(status) or _by_process(status) or _by_time(status, timeout_s, patience_s)


def _by_campaign(status: RunStatus) -> Verdict | None:
    report = status.report
    if report is not None and report.state == "done" and _is_wrapped_up(report, status):
        return Verdict(ExitCode.DONE, "the target is reached")
    if report is not None and report.state == "halted":
        return Verdict(ExitCode.HALTED, f"halted: {report.reason}")
    if report is not None and (halted := [part.reason for part in report.held_up if part.state == "halted"]):
        return Verdict(ExitCode.HALTED, f"halted: {halted[0]}")
    return None


def _is_wrapped_up(report: CampaignReport, status: RunStatus) -> bool:
    """Orders that still rest when the target is reached are cancelled and settled before anything is ended.

    So is the inventory, where it goes back to its start, however long that takes.
    """
    has_ended = status.octobot_exit_code is not None or status.exchange_exit_code is not None
    is_late = status.since_news_s >= WRAP_UP_S and not report.end.is_trading_back
    return report.is_wrapped_up or has_ended or is_late


def _by_process(status: RunStatus) -> Verdict | None:
    if status.exchange_exit_code is not None:
        return Verdict(ExitCode.FAILED, f"the local exchange ended (exit code {status.exchange_exit_code})")
    if status.octobot_exit_code is None:
        return None
    if status.report is not None and status.report.reason == STOPPED_REASON:
        return Verdict(ExitCode.INTERRUPTED, STOPPED_REASON)
    return Verdict(ExitCode.FAILED, f"OctoBot ended before the target (exit code {status.octobot_exit_code})")


def _by_time(status: RunStatus, timeout_s: float | None, patience_s: float) -> Verdict | None:
    if timeout_s is not None and status.elapsed_s >= timeout_s:
        return Verdict(ExitCode.TIMED_OUT, f"the target was not reached in {duration(timeout_s)}")
    is_paused = status.report is not None and status.report.state == "paused"
    if status.since_news_s >= patience_s and not is_paused:
        return Verdict(ExitCode.FAILED, _why_nothing_happens(status.report, patience_s))
    return None


def _why_nothing_happens(report: CampaignReport | None, patience_s: float) -> str:
    if report is None:
        return (
            f"OctoBot runs, but the trading mode did not start in {duration(patience_s)}: either the exchange could "
            "not be reached or VolumeBoosterTradingMode is not active in the profile"
        )
    reason = report.reason or "; ".join(part.reason for part in report.held_up)
    last = f"; last reason: {reason}" if reason else ""
    return f"no order and no fill in {duration(patience_s)}{last}"
