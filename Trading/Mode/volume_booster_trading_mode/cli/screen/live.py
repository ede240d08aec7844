"""The display of a run in progress, and its summary."""

from __future__ import annotations

import logging

import rich.console
import rich.live
import rich.table

from ...core.model.formats import duration, shown
from ...core.model.instrument import base_of
from ...core.notify.progress_lines import sentence
from ...reporting import measured
from ...reporting.history import Watcher
from ...reporting.report import CampaignReport
from .dashboard import cost_of_plan, dashboard, eta

_log = logging.getLogger(__name__)
LINE_EVERY_S = 5.0
_HALTED = ", halted"
_NOTES = {
    "simulation": "OctoBot's simulator fills without spread: real costs are higher",
    "backtest": "OctoBot's simulator fills without spread: real costs are higher",
    "sandbox": "play money on the exchange of this computer: its spread and depth are drawn, not a real market's",
}


class LiveView:
    """Shows a run: redrawn in place on a terminal, else a plain line every five seconds when something is new."""

    def __init__(self, console: rich.console.Console, *, is_quiet: bool, watcher: Watcher) -> None:
        self._console = console
        self._watcher = watcher
        self._is_quiet = is_quiet
        self._live: rich.live.Live | None = None
        self._line_at, self._line = 0.0, ""

    def __enter__(self) -> LiveView:
        if self._console.is_terminal and not self._is_quiet:
            self._live = rich.live.Live(console=self._console, transient=True, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, text: str) -> None:
        """Print one line that stays on the screen."""
        _log.info("%s", text)
        if not self._is_quiet:
            self._console.print(text, soft_wrap=True)

    def show(self, report: CampaignReport | None, now: float) -> None:
        """Update the display."""
        if self._is_quiet or report is None:
            return
        if self._live is not None:
            self._live.update(dashboard(self._watcher.live_status(report), now), refresh=True)
        elif now - self._line_at >= LINE_EVERY_S:
            plan = self._watcher.live_status(report).plan
            progress, quote = report.progress, report.quote
            line = f"{sentence(progress, quote)}{cost_of_plan(plan, progress, quote)} {eta(report, plan, now)}"
            if line != self._line:
                self.say(line)
            self._line_at, self._line = now, line


def _inventory(report: CampaignReport) -> str:
    """What was bought beyond what was sold, a minus for the opposite, market by market."""
    held = (
        f"{holding.base.normalize():+f} {base_of(holding.symbol)} ({shown(holding.value_quote, report.quote)})"
        for holding in report.progress.holdings
        if holding.base
    )
    return ", ".join(held) or "as at the start"


def _shares(report: CampaignReport) -> str:
    """What each market has done, a line for each."""
    parts = sorted(report.parts, key=lambda part: part.name)
    return "\n".join(
        f"{part.name}: {shown(part.progress.filled_quote, report.quote)}, {part.share_of(report.progress):.1%}, "
        f"{part.progress.cost_bps:.2f} bps{_HALTED if part.state == 'halted' else ''}"
        for part in parts
    )


def summary_table(report: CampaignReport, now: float) -> rich.table.Table:
    """The result of a campaign, for a person."""
    progress, quote = report.progress, report.quote
    pace = shown(progress.quote_per_hour(report.until(now)), quote)
    rows = [
        ("State", report.state_text),
        ("Trading", f"{report.trading}, OctoBot {report.octobot_version}"),
        ("Market", report.markets_text),
        ("Volume", f"{shown(progress.filled_quote, quote)} of {shown(progress.target_quote, quote)} {quote}"),
        ("Orders", f"{progress.orders:,} sent, {progress.cancelled:,} cancelled, {progress.rejected:,} rejected"),
        ("Fills", f"{progress.fills:,}"),
        ("Sides", f"{progress.buys:,} buys, {progress.sells:,} sells, imbalance {progress.imbalance:.1%}"),
        ("Maker share", f"{progress.maker_share:.1%}"),
        ("Fees", f"{shown(progress.fees_quote, quote)} {quote}"),
        ("Slippage", f"{shown(progress.slippage_quote, quote)} {quote}"),
        ("Cost", f"{shown(progress.cost_quote, quote)} {quote}, {progress.cost_bps:.2f} bps of the volume"),
        *measured.rows(progress, quote),
        ("Inventory", _inventory(report)),
        *report.end.rows(),
        ("Realised", f"{shown(progress.realised_pnl_quote, quote)} {quote} by round trips, fees not counted"),
        ("Pace", f"{pace} {quote} an hour, {progress.success_rate:.1%} filled"),
        ("Time", f"{duration(report.runtime_s(now))}, seed {report.seed}, restarts {report.restarts}"),
    ]
    if progress.estimated_fees_quote:
        place = next(number for number, (name, _) in enumerate(rows) if name == "Fees") + 1
        rows.insert(place, ("Estimated", f"{shown(progress.estimated_fees_quote, quote)} {quote} of the fees"))
    if before := report.spent_before_resumes_quote:
        place = next(number for number, (name, _) in enumerate(rows) if name == "Cost") + 1
        rows.insert(place, ("Resumed", f"{shown(before, quote)} {quote} of it were spent before the last resume"))
    if len(report.parts) > 1:
        rows.insert(4, ("Shares", _shares(report)))
    if report.pending_commands:
        rows.insert(1, ("Waiting", f"{', '.join(report.pending_commands)}: taken up by OctoBot when it can"))
    if note := _NOTES.get(report.trading):
        rows.append(("Note", note))
    table = rich.table.Table(title="Volume booster", show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
