"""The report as one page: everything in it, nothing fetched, no script; for light and dark, and for the printer."""

from __future__ import annotations

import json
import pathlib
import platform
import typing
from collections.abc import Callable

import jinja2

from ..core.accounting.performance import DEFINITIONS, NOT_THE_GOAL
from ..core.decision.campaign_state import DONE, ERROR, GO, HALT, START, WAIT
from ..core.decision.control import STOP
from ..core.model.formats import duration, moment, number, shown
from ..core.planning.planner import BAND_PERCENT, Band, Plan
from .charts import draw_all
from .history import History
from .report import CampaignReport

SHOWN_EVENTS = 60
TEMPLATE = pathlib.Path(__file__).parents[1] / "resources" / "report.html"
Row = tuple[str, ...]
_EVENT_NAMES = {START: "start", STOP: "stop", HALT: "halt", DONE: "done", ERROR: "error", WAIT: "wait", GO: "goes on"}


def render(history: History, now: float, bundle_version: str) -> str:
    """The whole page as HTML."""
    report, plan = history.report, history.plan
    filled, target = shown(report.progress.filled_quote), shown(report.progress.target_quote)
    events = [event for event in history.events if event.kind in _EVENT_NAMES]
    return _template().render(
        title=f"Volume booster: {filled} of {target} {report.quote}",
        report=report,
        now=now,
        cards=_cards(report, now),
        charts=draw_all(history),
        band_percent=BAND_PERCENT,
        plan_rows=None if plan is None else plan_against_actual(plan, report, now),
        events=_events(history),
        events_left_out=len(events) - SHOWN_EVENTS,
        not_the_goal=NOT_THE_GOAL.capitalize(),
        metrics=metrics_rows(history),
        repeat=_repeat(history, bundle_version),
        settings=[(key, json.dumps(value).strip('"')) for key, value in history.settings.items()],
    )


def _template() -> jinja2.Template:
    """Every value is escaped; one that is missing is an error."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    environment.filters["moment"] = moment
    return environment.from_string(TEMPLATE.read_text("utf-8"))


def _cards(report: CampaignReport, now: float) -> list[Row]:
    """Name, figure and what belongs to it."""
    progress, quote = report.progress, report.quote
    share = float(progress.filled_quote / progress.target_quote)
    return [
        ("Volume", f"{shown(progress.filled_quote)} {quote}", f"{share:.1%} of {shown(progress.target_quote)}"),
        ("Cost", f"{shown(progress.cost_quote)} {quote}", f"{progress.cost_bps:.2f} bps of the volume"),
        ("Fees", f"{shown(progress.fees_quote)} {quote}", f"slippage {shown(progress.slippage_quote)}"),
        ("Orders", f"{progress.orders:,}", f"{progress.fills:,} fills, {progress.rejected} rejected"),
        ("Time", duration(_traded_s(report, now)), f"{shown(progress.quote_per_hour(report.until(now)))} an hour"),
        ("Sides", f"{progress.buys} / {progress.sells}", f"buys and sells, imbalance {progress.imbalance:.1%}"),
    ]


def plan_against_actual(plan: Plan, report: CampaignReport, now: float) -> list[Row]:
    """Name, low, expected, high, actual, and whether the actual lies within the band."""
    progress, quote = report.progress, report.quote
    time_s, taken_s = plan.duration_s, _traded_s(report, now)
    rows: list[tuple[str, Band, typing.Any, Callable[[typing.Any], str]]] = [
        ("Orders", plan.orders, progress.orders, lambda value: f"{value:,.0f}"),
        ("Duration", time_s, round(taken_s, 1), lambda value: duration(float(value))),
        (f"Fees ({quote})", plan.fees_quote, progress.fees_quote, shown),
        (f"Spread, slippage ({quote})", plan.spread_quote, progress.slippage_quote, shown),
        (f"Cost ({quote})", plan.cost_quote, progress.cost_quote, shown),
        ("Cost (bps)", plan.cost_bps, round(progress.cost_bps, 8), lambda value: f"{value:.2f}"),
    ]
    return [_plan_row(*row) for row in rows]


def _plan_row(name: str, band: Band, actual: typing.Any, show: Callable[[typing.Any], str]) -> Row:
    ends = (show(end) if end.is_finite() else "endless" for end in (band.low, band.expected, band.high))
    return (name, *ends, show(actual), "yes" if band.contains(actual) else "no")


def _traded_s(report: CampaignReport, now: float) -> float:
    """From the first order to the last fill, or till now while it runs."""
    first, last = report.progress.first_order_at, report.progress.last_fill_at
    if first is None:
        return 0.0
    is_running = report.ended_at is None
    return max((now if is_running or last is None else last) - first, 0.0)


def _events(history: History) -> list[Row]:
    """The last events, and every command, in the order of time."""
    events = [event for event in history.events if event.kind in _EVENT_NAMES][-SHOWN_EVENTS:]
    rows = [(moment(event.at), _EVENT_NAMES[event.kind], event.source, event.reason) for event in events]
    rows += [
        (moment(command.at), "command", "a person", f"{command.kind} {command.value}".strip())
        for command in history.commands
    ]
    return sorted(rows)


def metrics_rows(history: History) -> list[Row]:
    """Name, value and definition of what traders expect to be shown."""
    values = history.metrics().to_json()
    return [
        (name.removesuffix("_quote").replace("_", " "), number(values[name]), definition)
        for name, definition in DEFINITIONS.items()
    ]


def _repeat(history: History, bundle_version: str) -> list[Row]:
    report = history.report
    return [
        ("seed", str(report.seed)),
        ("bundle", bundle_version),
        ("OctoBot", report.octobot_version),
        ("Python", platform.python_version()),
        ("restarts", str(report.restarts)),
        ("settings and seed (SHA-256)", history.settings_hash()),
        ("decisions (SHA-256)", history.decisions_hash()),
    ]
