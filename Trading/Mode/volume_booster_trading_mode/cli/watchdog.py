"""When a run is over, and how: pure, so that every way in which a run can end is a row in a test."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ..report import CampaignReport


class ExitCode(enum.IntEnum):
    """The exit codes of the command line's contract."""

    DONE = 0
    FAILED = 1
    UNUSABLE = 2
    HALTED = 3
    TIMED_OUT = 4
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Sight:
    """What the launcher sees. Times are seconds; `report` is None until the mode has begun in this run."""

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


def judge(sight: Sight, timeout_s: float | None, patience_s: float) -> Verdict | None:
    """The verdict, or None while the run may go on.

    `patience_s` is how long nothing new may happen: no start, no order, no fill.
    """
    report = sight.report
    if sight.is_interrupted:
        return Verdict(ExitCode.INTERRUPTED, "interrupted")
    if report is not None and report.state == "done":
        return Verdict(ExitCode.DONE, "the target is reached")
    if report is not None and report.state == "halted":
        return Verdict(ExitCode.HALTED, f"halted: {report.reason}")
    if sight.exchange_exit_code is not None:
        return Verdict(ExitCode.FAILED, f"the local exchange ended (exit code {sight.exchange_exit_code})")
    if sight.octobot_exit_code is not None:
        return Verdict(ExitCode.FAILED, f"OctoBot ended before the target (exit code {sight.octobot_exit_code})")
    if timeout_s is not None and sight.elapsed_s >= timeout_s:
        return Verdict(ExitCode.TIMED_OUT, f"the target was not reached in {timeout_s:g} s")
    if sight.since_news_s >= patience_s:
        return Verdict(ExitCode.FAILED, _why_nothing_happens(report, patience_s))
    return None


def _why_nothing_happens(report: CampaignReport | None, patience_s: float) -> str:
    if report is None:
        return (
            f"OctoBot runs, but the trading mode did not start in {patience_s:g} s: either the exchange could not be "
            "reached or VolumeBoosterTradingMode is not active in the profile"
        )
    last = f"; last reason: {report.reason}" if report.reason else ""
    return f"no order and no fill in {patience_s:g} s{last}"
