"""The report as one page: everything in it, nothing fetched, no script; for light and dark, and for the printer."""

from __future__ import annotations

import functools
import json
import pathlib
import platform
import typing
from collections.abc import Callable
from decimal import Decimal

from ..core.accounting.performance import DEFINITIONS, NOT_THE_GOAL
from ..core.decision.campaign_state import DONE, ERROR, GO, HALT, START, WAIT
from ..core.decision.control import STOP
from ..core.model.escape import printable_lines
from ..core.model.formats import duration, moment, number, shown, signed
from ..core.model.instrument import quote_of
from . import measured
from .history import History
from .report import CampaignReport

if typing.TYPE_CHECKING:
    import jinja2

    from ..core.planning.planner import Band, Plan

SHOWN_EVENTS = 60
TEMPLATE = pathlib.Path(__file__).parents[1] / "resources" / "report.html"
Row = tuple[str, ...]
_EVENT_NAMES = {START: "start", STOP: "stop", HALT: "halt", DONE: "done", ERROR: "error", WAIT: "wait", GO: "goes on"}


def render(history: History, now: float, bundle_version: str) -> str:
    """The whole page as HTML."""
    # half a second to import, which a report as text need not wait for
    from ..core.planning.planner import BAND_PERCENT
    from .charts import draw_all

    report, plan = history.report, history.plan
    quote = report.quote
    filled, target = shown(report.progress.filled_quote, quote), shown(report.progress.target_quote, quote)
    events = [event for event in history.events if event.kind in _EVENT_NAMES]
    return _template().render(
        title=f"Volume booster: {filled} of {target} {quote}",
        report=report,
        now=now,
        cards=_cards(report, now),
        charts=draw_all(history),
        markets=market_rows(history),
        band_percent=BAND_PERCENT,
        plan_rows=None if plan is None else plan_against_actual(plan, report, now),
        events=_events(history),
        events_left_out=len(events) - SHOWN_EVENTS,
        not_the_goal=NOT_THE_GOAL.capitalize(),
        measured=[*measured.rows(report.progress, report.quote), *report.end.rows()],
        execution=history.execution().rows(report.quote),
        metrics=metrics_rows(history),
        repeat=_repeat(history, bundle_version),
        settings=[(key, json.dumps(value).strip('"')) for key, value in history.settings.items()],
    )


def _template() -> jinja2.Template:
    """Every value is escaped; one that is missing is an error."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    environment.filters["moment"] = moment
    environment.finalize = _seen
    return environment.from_string(TEMPLATE.read_text("utf-8"))


def _seen(value: typing.Any) -> typing.Any:
    """What a template writes, its control characters made visible; it is escaped after that."""
    return printable_lines(value) if type(value) is str else value


def _cards(report: CampaignReport, now: float) -> list[Row]:
    """Name, figure and what belongs to it."""
    progress, quote = report.progress, report.quote
    share = float(progress.filled_quote / progress.target_quote)

    pace = shown(progress.quote_per_hour(report.until(now)), quote)
    fees, slippage = shown(progress.fees_quote, quote), shown(progress.slippage_quote, quote)

    def money(value: Decimal) -> str:
        return f"{shown(value, quote)} {quote}"

    return [
        ("Volume", money(progress.filled_quote), f"{share:.1%} of {shown(progress.target_quote, quote)}"),
        ("Cost", money(progress.cost_quote), f"{progress.cost_bps:.2f} bps: fees {fees}, slippage {slippage}"),
        ("Net result", f"{signed(measured.net_result(progress), quote)} {quote}", "the inventory at its last price"),
        ("Orders", f"{progress.orders:,}", f"{progress.fills:,} fills, {progress.rejected} rejected"),
        (
            "Time",
            duration(_traded_s(report, now)),
            f"{pace} an hour",
        ),
        ("Sides", f"{progress.buys} / {progress.sells}", f"buys and sells, imbalance {progress.imbalance:.1%}"),
    ]


def plan_against_actual(plan: Plan, report: CampaignReport, now: float) -> list[Row]:
    """Name, low, expected, high, actual, and whether the actual lies within the band."""
    progress, quote = report.progress, report.quote
    time_s, taken_s = plan.duration_s, _traded_s(report, now)
    money = functools.partial(shown, quote=quote)
    rows: list[tuple[str, Band, typing.Any, Callable[[typing.Any], str]]] = [
        ("Orders", plan.orders, progress.orders, lambda value: f"{value:,.0f}"),
        ("Duration", time_s, round(taken_s, 1), lambda value: duration(float(value))),
        (f"Fees ({quote})", plan.fees_quote, progress.fees_quote, money),
        (f"Spread, slippage ({quote})", plan.spread_quote, progress.slippage_quote, money),
        (f"Cost ({quote})", plan.cost_quote, progress.cost_quote, money),
        ("Cost (bps)", plan.cost_bps, round(progress.cost_bps, 8), lambda value: f"{value:.2f}"),
        (f"{quote} per million", plan.cost_per_million, round(progress.cost_per_million_quote, 6), money),
    ]
    return [_plan_row(*row, is_done=report.state == "done") for row in rows]


def market_rows(history: History) -> list[Row]:
    """Market, orders and fills, volume, shares of buys and of makers, fees, slippage, cost, cost of the volume."""
    return [
        (
            f"{one.symbol} on {one.exchange}",
            f"{one.orders:,} / {one.fills:,}",
            shown(one.volume_quote, quote_of(one.symbol)),
            f"{one.share(one.bought_quote):.0%}",
            f"{one.share(one.maker_quote):.0%}",
            shown(one.fees_quote, quote_of(one.symbol)),
            shown(one.slippage_quote, quote_of(one.symbol)),
            shown(one.cost_quote, quote_of(one.symbol)),
            f"{one.share(one.cost_quote) * 10_000:.2f}",
        )
        for one in history.markets()
    ]


def _plan_row(name: str, band: Band, actual: typing.Any, show: Callable[[typing.Any], str], *, is_done: bool) -> Row:
    ends = (show(end) if end.is_finite() else "endless" for end in (band.low, band.expected, band.high))
    text = show(actual)
    is_within = band.contains(actual) or text in (show(end) for end in (band.low, band.high) if end.is_finite())
    is_short = not is_done and actual < band.low  # a part against the whole
    return (name, *ends, text, "yes" if is_within else "not yet" if is_short else "no")


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
    values, quote = history.metrics().to_json(), history.report.quote
    return [
        (
            name.removesuffix("_quote").replace("_", " "),
            shown(Decimal(values[name]), quote) if name.endswith("_quote") else number(values[name]),
            definition,
        )
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
