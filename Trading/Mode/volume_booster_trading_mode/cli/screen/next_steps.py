"""What a person may want to do next, in one line, by the state of a campaign."""

from __future__ import annotations

import pathlib

from ...core.decision.control import TRADER_OFF
from ...core.model.basics import Trading
from ...reporting.report import CampaignReport
from ..files.home import DEFAULT_HOME

_ENABLE = "enabling OctoBot's trader again"
_START = {
    Trading.SIMULATION.value: "simulate",
    Trading.SANDBOX.value: "sandbox",
    Trading.BACKTEST.value: "backtest",
}


def next_step(report: CampaignReport, home: pathlib.Path) -> str:
    """The line; empty for a campaign that runs.

    :param home: as it was named on the command line.
    """
    start = _command(_START[report.trading], home) if report.trading in _START else "starting OctoBot"
    resume = _command("resume", home)
    of_backtest = " --backtest" if report.trading == Trading.BACKTEST.value else ""
    whole = f"{_command(f'report{of_backtest}', home, ' --html report.html')} shows all of it"
    if report.is_finished:
        return f"Next: {whole}; {start} begins a new campaign."
    if report.end.is_trading_back:
        return f"Next: {start} brings the inventory back to its start; {whole}."
    if report.state == "done":
        return f"Next: {whole}; it continues with the day's target at 00:00 UTC."
    if report.state == "halted":
        return f"Next: {whole}; {resume} lets it continue, once you know why it was halted."
    if report.state == "paused":
        return f"Next: {_ENABLE if TRADER_OFF in (report.reason or '') else resume} lets it continue."
    if report.state == "stopped":
        return f"Next: {start} continues it; {whole}."
    return ""


def _command(name: str, home: pathlib.Path, more: str = "") -> str:
    of_home = "" if home == DEFAULT_HOME else f" --home {home}"
    return f"`volume-booster {name}{of_home}{more}`"
