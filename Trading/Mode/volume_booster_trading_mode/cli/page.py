"""The report as one page: everything in it, nothing fetched, no script; for light and dark, and for the printer."""

from __future__ import annotations

import html
import json
import platform
import typing
from collections.abc import Iterable

from ..core.control import STOP
from ..core.formats import duration, moment, number, shown
from ..core.metrics import DEFINITIONS, NOT_THE_GOAL
from ..core.planner import BAND_PERCENT, Band, Plan
from ..history import History
from ..journal import DONE, ERROR, GO, HALT, START, WAIT
from ..report import CampaignReport
from .charts import Chart, draw_all

TOLD_EVENTS = 60
_EVENT_NAMES = {START: "start", STOP: "stop", HALT: "halt", DONE: "done", ERROR: "error", WAIT: "wait", GO: "goes on"}


def render(history: History, now: float, bundle_version: str) -> str:
    """The whole page as HTML."""
    report = history.report
    filled, target = shown(report.progress.filled_quote), shown(report.progress.target_quote)
    title = f"Volume booster: {filled} of {target} {report.quote}"
    body = "\n".join(
        [
            _header(report, now),
            _cards(history, now),
            f'<section class="charts">{"".join(map(_figure, draw_all(history)))}</section>',
            _section("Plan against actual", _plan_table(history, now)),
            _section("Halts, restarts and other events", _events_table(history)),
            _section("Traders' metrics", _metrics_table(history)),
            _section("To repeat this run", _repeat_table(history, bundle_version)),
            _section("Settings", _settings_table(history.settings)),
        ]
    )
    return _PAGE.format(title=html.escape(title), style=_STYLE, body=body)


def _header(report: CampaignReport, now: float) -> str:
    ended = f", ended {moment(report.ended_at)}" if report.ended_at is not None else f", as of {moment(now)}"
    return (
        f'<header><h1>Volume booster</h1><p class="state {_css_name(report.state)}">'
        f"{html.escape(report.state_text)}</p>"
        f"<p>{html.escape(report.markets_text)} &middot; {html.escape(report.trading)} &middot; OctoBot "
        f"{html.escape(report.octobot_version)} &middot; began {moment(report.started_at)}{ended}</p></header>"
    )


def _cards(history: History, now: float) -> str:
    report, progress, quote = history.report, history.report.progress, history.report.quote
    share = float(progress.filled_quote / progress.target_quote)
    cards = [
        ("Volume", f"{shown(progress.filled_quote)} {quote}", f"{share:.1%} of {shown(progress.target_quote)}"),
        ("Cost", f"{shown(progress.cost_quote)} {quote}", f"{progress.cost_bps:.2f} bps of the volume"),
        ("Fees", f"{shown(progress.fees_quote)} {quote}", f"slippage {shown(progress.slippage_quote)}"),
        ("Orders", f"{progress.orders:,}", f"{progress.fills:,} fills, {progress.rejected} rejected"),
        ("Time", duration(_traded_s(report, now)), f"{shown(progress.quote_per_hour(report.until(now)))} an hour"),
        ("Sides", f"{progress.buys} / {progress.sells}", f"buys and sells, imbalance {progress.imbalance:.1%}"),
    ]
    cells = "".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd><dd>{html.escape(more)}</dd></div>"
        for name, value, more in cards
    )
    return f'<dl class="cards">{cells}</dl>'


def _figure(chart: Chart) -> str:
    return (
        f"<figure><h2>{html.escape(chart.title)}</h2>{chart.svg}<figcaption>{html.escape(chart.caption)}</figcaption>"
        "</figure>"
    )


def _plan_table(history: History, now: float) -> str:
    if history.plan is None:
        return "<p>There is no plan: what the campaign met when it began was not written down.</p>"
    note = "" if history.report.state == "done" else " The campaign has not reached its target."
    rows = plan_against_actual(history.plan, history.report, now)
    head = ("", "low", "expected", "high", "actual", "within")
    return _table(head, rows) + f"<p>{BAND_PERCENT} of 100 campaigns lie between low and high, in each line.{note}</p>"


def plan_against_actual(plan: Plan, report: CampaignReport, now: float) -> list[tuple[str, ...]]:
    """Name, low, expected, high, actual, and whether the actual lies within the band."""
    progress, quote = report.progress, report.quote
    time_s, taken_s = plan.duration_s, _traded_s(report, now)
    rows: list[tuple[str, Band, typing.Any, typing.Callable[[typing.Any], str]]] = [
        ("Orders", plan.orders, progress.orders, lambda value: f"{value:,.0f}"),
        ("Duration", time_s, round(taken_s, 1), lambda value: duration(float(value))),
        (f"Fees ({quote})", plan.fees_quote, progress.fees_quote, shown),
        (f"Spread, slippage ({quote})", plan.spread_quote, progress.slippage_quote, shown),
        (f"Cost ({quote})", plan.cost_quote, progress.cost_quote, shown),
        ("Cost (bps)", plan.cost_bps, round(progress.cost_bps, 8), lambda value: f"{value:.2f}"),
    ]
    return [_row(*row) for row in rows]


def _row(name: str, band: Band, actual: typing.Any, told: typing.Callable[[typing.Any], str]) -> tuple[str, ...]:
    ends = (told(end) if end.is_finite() else "endless" for end in (band.low, band.expected, band.high))
    return (name, *ends, told(actual), "yes" if band.contains(actual) else "no")


def _traded_s(report: CampaignReport, now: float) -> float:
    """From the first order to the last fill, or till now while it goes on."""
    first, last = report.progress.first_order_at, report.progress.last_fill_at
    if first is None:
        return 0.0
    is_going_on = report.ended_at is None
    return max((now if is_going_on or last is None else last) - first, 0.0)


def _events_table(history: History) -> str:
    told = [event for event in history.events if event.kind in _EVENT_NAMES]
    rows = [(moment(event.at), _EVENT_NAMES[event.kind], event.source, event.reason) for event in told[-TOLD_EVENTS:]]
    rows += [
        (moment(command.at), "command", "a person", f"{command.kind} {command.value}".strip())
        for command in history.commands
    ]
    rows.sort()
    left_out = len(told) - TOLD_EVENTS
    note = f"<p>The {left_out} before these are left out.</p>" if left_out > 0 else ""
    return _table(("when", "what", "where", "why"), rows) + note


def _metrics_table(history: History) -> str:
    values = history.metrics().to_json()
    rows = [
        (name.removesuffix("_quote").replace("_", " "), number(values[name]), definition)
        for name, definition in DEFINITIONS.items()
    ]
    note = f"<p><em>{html.escape(NOT_THE_GOAL.capitalize())}</em>: with random sides they are chance, and costs.</p>"
    return note + _table(("", "value", "definition"), rows)


def _repeat_table(history: History, bundle_version: str) -> str:
    report = history.report
    rows = [
        ("seed", str(report.seed)),
        ("bundle", bundle_version),
        ("OctoBot", report.octobot_version),
        ("Python", platform.python_version()),
        ("restarts", str(report.restarts)),
        ("settings and seed (SHA-256)", history.settings_hash()),
        ("decisions (SHA-256)", history.decisions_hash()),
    ]
    note = "The same settings and seed decide the same; with the same prices the same orders come out."
    return _table(("", ""), rows) + f"<p>{note}</p>"


def _settings_table(settings: dict[str, typing.Any]) -> str:
    return _table(("setting", "value"), [(key, json.dumps(value).strip('"')) for key, value in settings.items()])


def _section(title: str, content: str) -> str:
    return f'<section class="table"><h2>{html.escape(title)}</h2>{content}</section>'


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    header = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    top = f"<thead><tr>{header}</tr></thead>" if any(head) else ""
    return f'<div class="scroll"><table>{top}<tbody>{lines}</tbody></table></div>'


def _css_name(state: str) -> str:
    return "".join(letter for letter in state if letter.isalpha())


_STYLE = """
:root { color-scheme: light dark; --page: #f6f7f9; --card: #ffffff; --text: #1b2430; --muted: #66717f; --grid: #e3e7ec;
  --base: #2f6fde; --buy: #12946b; --sell: #d2603a; --plan: #d99a1b; --bad: #c8324b; }
@media (prefers-color-scheme: dark) { :root { --page: #12161c; --card: #1a2029; --text: #e4e9ef; --muted: #93a0af;
  --grid: #2c3541; --base: #6ea2ff; --buy: #3ecf9c; --sell: #f08a63; --plan: #f0b84a; --bad: #ff6b81; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { margin: 0; font-size: 24px; } h2 { margin: 0 0 10px; font-size: 16px; }
header p { margin: 4px 0 0; color: var(--muted); }
header p.state { display: inline-block; margin: 8px 0 0; padding: 2px 12px; border-radius: 20px; font-weight: 600;
  color: var(--card); background: var(--muted); }
header p.state.done { background: var(--buy); } header p.state.halted { background: var(--bad); }
header p.state.running { background: var(--base); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(175px, 1fr)); gap: 12px; margin: 20px 0; }
.cards div, figure, section.table { background: var(--card); border: 1px solid var(--grid); border-radius: 10px; }
.cards div { padding: 12px 16px; }
dt { color: var(--muted); font-size: 13px; } dd { margin: 0; color: var(--muted); font-size: 13px; }
dt + dd { color: var(--text); font-size: 16px; font-weight: 600; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)); gap: 14px; }
figure { margin: 0; padding: 14px 16px; } figcaption { color: var(--muted); font-size: 13px; }
.chart { display: block; width: 100%; height: auto; }
section.table { margin-top: 14px; padding: 14px 16px; }
section.table p { margin: 8px 0 0; color: var(--muted); font-size: 13px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 5px 14px 5px 0; border-bottom: 1px solid var(--grid); vertical-align: top;
  font-variant-numeric: tabular-nums; }
th { color: var(--muted); font-weight: 500; } tr:last-child td { border-bottom: 0; }
td:first-child { white-space: nowrap; } td:last-child { overflow-wrap: anywhere; }
@media print { body { background: none; } figure, section.table { break-inside: avoid; } }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body><main>
{body}
</main></body>
</html>
"""
