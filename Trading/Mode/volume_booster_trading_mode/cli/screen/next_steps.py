"""What a person may want to do next, in one line, by the state of a campaign."""

from __future__ import annotations

from ...core.decision.control import TRADER_OFF
from ...core.model.basics import Trading
from ...reporting.report import CampaignReport

_START = {
    Trading.SIMULATION.value: "`volume-booster simulate`",
    Trading.SANDBOX.value: "`volume-booster sandbox`",
    Trading.BACKTEST.value: "`volume-booster backtest`",
}
_ENABLE = "enabling OctoBot's trader again"
_REPORT = "`volume-booster report{} --html report.html` shows all of it"


def next_step(report: CampaignReport) -> str:
    """The line; empty for a campaign that runs."""
    start = _START.get(report.trading, "starting OctoBot")
    whole = _REPORT.format(" --backtest" if report.trading == Trading.BACKTEST.value else "")
    if report.is_finished:
        return f"Next: {whole}; {start} begins a new campaign."
    if report.state == "done":
        return f"Next: {whole}; it continues with the day's target at 00:00 UTC."
    if report.state == "halted":
        return f"Next: {whole}; `volume-booster resume` lets it continue, once you know why it was halted."
    if report.state == "paused":
        is_by_octobot = TRADER_OFF in (report.reason or "")
        return f"Next: {_ENABLE if is_by_octobot else '`volume-booster resume`'} lets it continue."
    if report.state == "stopped":
        return f"Next: {start} continues it; {whole}."
    return ""
