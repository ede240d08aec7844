"""A running campaign on one screen, for a terminal of 80 columns or more."""

from __future__ import annotations

import typing
from decimal import Decimal

import rich.console
import rich.progress_bar
import rich.table

from ...core.accounting.ledger import Outcome, Progress
from ...core.decision.guards import Gauge
from ...core.model.basics import Side
from ...core.model.formats import clock_duration, clock_time, price, quantity, shown
from ...core.model.instrument import base_of, quote_of
from ...journal.journal import HALT, SentRow
from ...reporting.history import LiveStatus
from ...reporting.report import CampaignReport
from . import terminal

if typing.TYPE_CHECKING:
    from ...core.planning.planner import Plan

Lines = list[tuple[str, rich.console.RenderableType]]
_STATE_STYLES = {"running": "bold blue", "done": "bold green", "halted": "bold red", "paused": "bold yellow"}
_RIGHT = ("quantity", "price", "quote")
_SIDE_STYLES = {Side.BUY: "green", Side.SELL: "red"}


def dashboard(status: LiveStatus, now: float) -> rich.console.RenderableType:
    """The whole display of a running campaign."""
    grid = rich.table.Table.grid(padding=(0, 1), expand=True)
    grid.add_column(style="bold", no_wrap=True, width=8)
    grid.add_column(ratio=1)
    top: Lines = [("Campaign", _state(status.report)), ("Market", _market(status.report))]
    lines = [*top, ("Volume", _volume(status, now)), *_figures(status, now)]
    for name, content in lines:
        grid.add_row(name, content)
    parts: list[rich.console.RenderableType] = [grid]
    if status.last_orders:
        parts.append(_orders(status))
    for event in status.warnings:
        style = "red" if event.kind == HALT else "yellow"
        parts.append(terminal.line(f"{clock_time(event.at)} {event.kind}: {event.reason}", style))
    return rich.console.Group(*parts)


def _state(report: CampaignReport) -> rich.console.RenderableType:
    return terminal.line(report.state_text, _STATE_STYLES.get(report.state, "bold"))


def _market(report: CampaignReport) -> rich.console.RenderableType:
    return terminal.line(f"{report.markets_text}, {report.trading}, OctoBot {report.octobot_version}")


def _volume(status: LiveStatus, now: float) -> rich.console.RenderableType:
    progress = status.report.progress
    share = float(progress.filled_quote / progress.target_quote)
    bar = rich.progress_bar.ProgressBar(total=1.0, completed=min(share, 1.0), width=None)
    row = rich.table.Table.grid(expand=True, padding=(0, 1))
    row.add_column(no_wrap=True)
    row.add_column(ratio=1)
    row.add_column(no_wrap=True)
    amount = _amount(status.report)
    row.add_row(amount, bar, f"{share:.1%} {eta(status.report, status.plan, now)}")
    return row


def _amount(report: CampaignReport) -> str:
    progress, quote = report.progress, report.quote
    return f"{shown(progress.filled_quote, quote)} of {shown(progress.target_quote, quote)} {quote}"


def _figures(status: LiveStatus, now: float) -> Lines:
    report, progress = status.report, status.report.progress
    orders = (
        f"{progress.orders:,} sent, {progress.fills:,} fills, {progress.open_orders} open, "
        f"{progress.cancelled:,} cancelled, {progress.rejected:,} rejected, maker {progress.maker_share:.1%}"
    )
    pace = f"{shown(progress.quote_per_hour(report.until(now)), report.quote)} {report.quote} an hour"
    lines = [
        ("Orders", orders),
        ("Cost", f"{cost(progress, report.quote)}{cost_of_plan(status.plan, progress, report.quote)}"),
        ("Sides", _sides(status, progress)),
        ("Pace", f"{pace}, {progress.success_rate:.1%} of ended orders filled, seed {report.seed}"),
    ]
    if status.gauges:
        lines.append(("Guards", guards(status)))
    lines.append(("Rate", _rate(status)))
    if status.balances is not None:
        base = base_of(report.markets[0][1]) if report.markets else ""
        quote_held = f"{shown(status.balances.quote_free, report.quote)} {report.quote}"
        held = f"{quantity(status.balances.base_free)} {base}, {quote_held}"
        lines.append(("Balances", f"{held} (at the start, and traded since)"))
    return [(name, terminal.styled(line) if name == "Guards" else terminal.line(line)) for name, line in lines]


def guards(status: LiveStatus) -> str:
    """How near each guard is to its limit, the nearest first."""
    nearest = sorted(status.gauges, key=lambda gauge: -gauge.value / (gauge.limit or 1))
    return ", ".join(
        f"{gauge.guard.replace('_', ' ')} {gauge.value:.3g}/{gauge.limit:g}{_unit(gauge)}" for gauge in nearest
    )


def _unit(gauge: Gauge) -> str:
    return {"%": " %", "bps": " bps"}.get(gauge.unit, "")


def _rate(status: LiveStatus) -> str:
    allowed = status.settings.get("max_orders_per_second")
    return f"{status.orders_per_second:.1f} orders a second" + (f" of at most {allowed:g}" if allowed else "")


def _sides(status: LiveStatus, progress: Progress) -> str:
    cap = status.settings.get("max_position_imbalance")
    forced = f"; above {float(cap):.0%} the other side is next" if cap is not None else ""
    return f"{progress.buys:,} buys, {progress.sells:,} sells, imbalance {progress.imbalance:.1%}{forced}"


def cost(progress: Progress, quote: str) -> str:
    """The cost so far."""
    fees = shown(progress.fees_quote, quote)
    return f"{shown(progress.cost_quote, quote)} {quote}, {progress.cost_bps:.2f} bps, fees {fees}"


def cost_of_plan(plan: Plan | None, progress: Progress, quote: str) -> str:
    """What the plan expected for as much volume, with its band."""
    if plan is None or not plan.cost_bps.is_finite:
        return ""
    bps = plan.cost_bps
    expected = bps.expected * progress.filled_quote / 10_000
    return f"; plan {shown(expected, quote)}, {bps.low:.2f} to {bps.high:.2f} bps"


def eta(report: CampaignReport, plan: Plan | None, now: float) -> str:
    """When the target is reached at the pace so far, within a band as wide, for its part, as that of the plan."""
    progress = report.progress
    if report.ended_at is not None:
        return ""
    at_pace = progress.eta_s(now)
    text = "ETA --:--" if at_pace is None else f"ETA {clock_duration(at_pace)}"
    if plan is None or not plan.duration_s.is_finite:
        return text
    low, expected, high = plan.elapsed_s(float(min(progress.remaining_quote / plan.target_quote, Decimal(1))))
    if at_pace is not None and expected > 0:  # the band is as wide as that of the plan, around the pace so far
        low, high = (end * at_pace / expected for end in (low, high))
    return f"{text} ({clock_duration(low)}-{clock_duration(high)})"


def _orders(status: LiveStatus) -> rich.table.Table:
    table = rich.table.Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("last orders", "", "quantity", "price", "quote", ""):
        table.add_column(name, justify="right" if name in _RIGHT else "left", no_wrap=True)
    for row, filled in reversed(status.last_orders):
        intent = row.order.intent
        kind = terminal.styled(f"{intent.order_type.value} {intent.side.value}", _SIDE_STYLES[intent.side])
        figures = f"{intent.quantity.normalize():f}", price(intent.price)
        worth = shown(intent.notional, quote_of(row.order.symbol))
        table.add_row(clock_time(row.order.at), kind, *figures, worth, _outcome(row, filled))
    return table


def _outcome(row: SentRow, filled: Decimal) -> str:
    state = row.state(filled)
    is_part = filled and state != Outcome.FILLED.value
    return f"{state} {float(filled / row.order.intent.quantity):.0%}" if is_part else state
