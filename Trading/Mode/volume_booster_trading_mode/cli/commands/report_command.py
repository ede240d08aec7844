"""`volume-booster report`: the result of a campaign, running or not, as text, JSON, a page and tables."""

from __future__ import annotations

import argparse
import gc
import pathlib
import time
import typing

import rich.table

from ...core.accounting.performance import NOT_THE_GOAL
from ...core.model.formats import money, shown
from ...journal.journal import NoCampaignError
from ...reporting import history as histories
from ...reporting import html_page
from ...reporting.history import History
from ..files import home
from ..process.watchdog import ExitCode
from ..screen import lines, terminal
from ..screen.live import summary_table
from . import bundle
from .status import CampaignStatus, chosen_file, status_of


def main(arguments: argparse.Namespace) -> int:
    """Print the report, and write the files that were requested; exit code 0 whatever the campaign's state.

    :raises HomeError: when there is no campaign, or a file can't be written.
    :raises JournalError: when its journal can't be read.
    """
    octobot_home = home.Home(arguments.home.absolute())
    file = chosen_file(arguments, octobot_home)
    gc.disable()  # a million small objects that all stay until the end
    now = time.time()
    try:
        history = histories.read_history(file or octobot_home.campaign, now)
    except NoCampaignError:
        history = None
    status = status_of(None if history is None else history.report, octobot_home, file, now)
    assert history is not None, "status_of() refuses where there is none"
    history = histories.with_report(history, status.report)
    written = _write(arguments, history, status.now)
    if arguments.json:
        lines.as_json(to_json(history, status))
    else:
        _print(history, status)
    for file in written:
        lines.complain(f"written to {file}")
    return ExitCode.DONE


def to_json(history: History, status: CampaignStatus) -> dict[str, typing.Any]:
    """The fields of the contract, and those that need the whole journal."""
    split = history.cost_split()
    return status.to_json() | {
        "plan": None if history.plan is None else history.plan.to_json(),
        "cost_split": {name: money(getattr(split, name)) for name in split.__slots__},
        "outcomes": history.outcomes(),
        "execution": history.execution().to_json(),
        "traders_metrics": history.metrics().to_json(),
        "bundle_version": bundle.own_version(),
        "settings": history.settings,
        "settings_sha256": history.settings_hash(),
        "decisions_sha256": history.decisions_hash(),
    }


def _write(arguments: argparse.Namespace, history: History, now: float) -> list[pathlib.Path]:
    written = []
    if arguments.html is not None:
        home.write_whole(arguments.html, html_page.render(history, now, bundle.own_version()).encode())
        written.append(arguments.html)
    if arguments.csv is not None:
        for name, text in (("orders", histories.orders_csv(history)), ("fills", histories.fills_csv(history))):
            file = arguments.csv / f"{name}.csv"
            home.write_whole(file, text.encode())
            written.append(file)
    return written


def _print(history: History, status: CampaignStatus) -> None:
    report = status.report
    terminal.show(summary_table(report, status.now))
    if history.plan is not None:
        table = _table("Plan against actual", ("", "low", "expected", "high", "actual", "within"))
        for row in html_page.plan_against_actual(history.plan, report, status.now):
            table.add_row(*row)
        terminal.show(table)
    split, quote = history.cost_split(), report.quote
    parts = (
        f"maker fees {shown(split.maker_fees_quote, quote)}, taker fees {shown(split.taker_fees_quote, quote)}, spread "
        f"{shown(split.spread_quote, quote)}, drift {shown(split.drift_quote, quote)} {quote}"
    )
    terminal.wrapped(f"Cost: {parts}")
    if rows := history.execution().rows(quote):
        table = rich.table.Table(title="How it was executed", title_justify="left", show_header=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for row in rows:
            table.add_row(*row)
        terminal.show(table)
    terminal.show(_metrics_table(history))
    hashes = f"settings {history.settings_hash()[:12]}, decisions {history.decisions_hash()[:12]}"
    terminal.wrapped(f"Seed {report.seed}, {hashes}")


def _metrics_table(history: History) -> rich.table.Table:
    table = _table(f"Traders' metrics: {NOT_THE_GOAL}", ("", "value", "definition"))
    for row in html_page.metrics_rows(history):
        table.add_row(*row)
    return table


def _table(title: str, columns: tuple[str, ...]) -> rich.table.Table:
    """Names and definitions are broken into lines where there is no place; figures never are."""
    table = rich.table.Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(name, style="bold" if not name else None, no_wrap=name not in ("", "definition"))
    return table
