"""A run as a person sees it while it goes on, and its summary."""

from __future__ import annotations

import typing

import rich.console
import rich.progress
import rich.table

from .. import report as reports
from ..report import CampaignReport, shown

LINE_EVERY_S = 5.0


class LiveView:
    """Shows a run: redrawn in place on a terminal, else a plain line every five seconds when something is new."""

    def __init__(self, console: rich.console.Console, *, is_quiet: bool) -> None:
        self._console = console
        self._is_quiet = is_quiet
        self._bar: rich.progress.Progress | None = None
        self._task: rich.progress.TaskID | None = None
        self._line_at, self._line = 0.0, ""

    def __enter__(self) -> LiveView:
        if self._console.is_terminal and not self._is_quiet:
            self._bar = rich.progress.Progress(
                rich.progress.TextColumn("[bold]{task.fields[filled]}[/] of {task.fields[target]}"),
                rich.progress.BarColumn(bar_width=None),
                rich.progress.TextColumn("{task.percentage:>5.1f} %  {task.fields[eta]}\n{task.fields[detail]}"),
                console=self._console,
                transient=True,
                expand=True,
            )
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, text: str) -> None:
        """One line that stays."""
        if not self._is_quiet:
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def show(self, report: CampaignReport | None, now: float) -> None:
        """The campaign as it stands."""
        if self._is_quiet or report is None:
            return
        if self._bar is not None:
            self._draw(report, now)
        elif now - self._line_at >= LINE_EVERY_S:
            line = f"{reports.sentence(report.progress)}; {_eta(report, now)}"
            if line != self._line:
                self.say(line)
            self._line_at, self._line = now, line

    def _draw(self, report: CampaignReport, now: float) -> None:
        assert self._bar is not None
        progress = report.progress
        fields: dict[str, typing.Any] = {
            "filled": shown(progress.filled_quote),
            "target": shown(progress.target_quote),
            "eta": _eta(report, now),
            "detail": _detail(report),
        }
        if self._task is None:
            self._task = self._bar.add_task("", total=float(progress.target_quote), **fields)
        self._bar.update(
            self._task, completed=float(progress.filled_quote), total=float(progress.target_quote), **fields
        )


def _eta(report: CampaignReport, now: float) -> str:
    eta_s = report.progress.eta_s(now)
    return "ETA --:--" if eta_s is None else f"ETA {int(eta_s) // 60:02d}:{int(eta_s) % 60:02d}"


def _detail(report: CampaignReport) -> str:
    progress = report.progress
    parts = [f"{progress.orders} orders", f"{progress.fills} fills", f"fees {shown(progress.fees_quote)}"]
    if report.last_fill is not None:
        parts.append(f"last: {reports.fill_line(*report.last_fill)}")
    if report.reason:
        parts.append(report.reason)
    return " · ".join(parts)


def summary_table(report: CampaignReport, now: float) -> rich.table.Table:
    """The result of a campaign, for a person."""
    progress, quote = report.progress, report.quote
    market = ", ".join(f"{symbol} on {exchange}" for exchange, symbol in report.markets) or "no order yet"
    rows = [
        ("State", report.state + (f": {report.reason}" if report.reason else "")),
        ("Trading", f"{report.trading}, OctoBot {report.octobot_version}"),
        ("Market", market),
        ("Volume", f"{shown(progress.filled_quote)} of {shown(progress.target_quote)} {quote}"),
        ("Orders", f"{progress.orders} sent, {progress.cancelled} cancelled, {progress.rejected} rejected"),
        ("Fills", f"{progress.fills}"),
        ("Sides", f"{progress.buys} buys, {progress.sells} sells, imbalance {progress.imbalance:.1%}"),
        ("Maker share", f"{progress.maker_share:.1%}"),
        ("Fees", f"{shown(progress.fees_quote)} {quote}"),
        ("Slippage", f"{shown(progress.slippage_quote)} {quote}"),
        ("Cost", f"{shown(progress.cost_quote)} {quote}, {progress.cost_bps:.2f} bps of the volume"),
        ("Time", f"{report.runtime_s(now):.0f} s, seed {report.seed}, restarts {report.restarts}"),
    ]
    if report.trading == "simulation":
        rows.append(("Note", "OctoBot's simulator fills without spread: real costs are higher"))
    table = rich.table.Table(title="Volume booster", show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
