"""How a campaign was executed, as its report has it: every figure counted again from the rows of the journal."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from decimal import Decimal

import pytest
from recorded import recorded

from octobot_volume_booster.cli.main import main
from octobot_volume_booster.core.accounting.ledger import Outcome
from octobot_volume_booster.core.model.basics import OrderType, Role
from octobot_volume_booster.journal.file import CAMPAIGN_FILE
from octobot_volume_booster.reporting.execution import Execution, Resting
from octobot_volume_booster.reporting.history import History, read_history

LIMITS = {
    "order_type": "limit",
    "price_offset_percent": 0.01,
    "limit_order_timeout": 20,
    "max_open_orders": 4,
    "volume_target": 8_000,
}


def history_of(home: pathlib.Path, **settings: object) -> History:
    recorded(home, **settings).close_journal()
    history = read_history(home / "user" / CAMPAIGN_FILE)
    assert history is not None
    return history


@pytest.mark.parametrize("settings", [{}, LIMITS], ids=["market", "limit"])
def test_roles_orders_and_round_trips_add_up_to_the_campaign(
    tmp_path: pathlib.Path, settings: dict[str, object]
) -> None:
    history = history_of(tmp_path, **settings)
    execution, progress = history.execution(), history.report.progress
    maker, taker = execution.roles
    assert (maker.role, taker.role) == (Role.MAKER, Role.TAKER)
    assert maker.volume_quote + taker.volume_quote == progress.filled_quote
    assert maker.volume_quote == progress.maker_quote
    assert maker.fees_quote + taker.fees_quote == progress.fees_quote
    assert maker.slippage_quote + taker.slippage_quote == progress.slippage_quote
    assert maker.fills + taker.fills == progress.fills
    limits = [row for row in history.orders if row.order.intent.order_type is OrderType.LIMIT]
    assert execution.resting.placed == len(limits)
    assert execution.resting.cancelled == (progress.cancelled if limits else 0)
    assert bool(limits) == bool(settings)
    (trips,) = execution.trips
    fees = progress.fees_quote
    assert trips.holding.realised_quote - fees <= trips.result_quote < trips.holding.realised_quote
    assert trips.count == history.metrics().round_trips > 0


def test_what_a_fill_needed_is_counted_from_the_orders_that_rested(tmp_path: pathlib.Path) -> None:
    history = history_of(tmp_path, **LIMITS)
    resting = history.execution().resting
    assert resting.cancelled > 0 and resting.fills > 0 and not resting.not_taken
    told = resting.to_json()
    assert told["placed_per_fill"] == round(resting.placed / resting.fills, 4)
    assert told["cancelled_per_fill"] == round(resting.cancelled / resting.fills, 4)
    assert told["time_at_touch_s"] is None
    last = {fill.order_id: fill.at for fill in history.fills}
    stood = [(row.ended_at or last[row.order.order_id]) - row.order.at for row in history.orders]
    assert told["stood_s"] == round(sum(stood) / len(stood), 3)


def test_an_order_that_the_exchange_did_not_take_never_rested_and_one_that_is_open_has_not_ended(
    tmp_path: pathlib.Path,
) -> None:
    history = history_of(tmp_path, **LIMITS)
    filled = {fill.order_id for fill in history.fills}
    unfilled = next(row for row in history.orders if row.order.order_id not in filled)
    refused = dataclasses.replace(unfilled, accepted_at=None, outcome=Outcome.CANCELLED)
    still_open = dataclasses.replace(unfilled, outcome=None, ended_at=None)
    assert Resting.of([refused], [], is_simulated=False) == Resting(0, 0, 1, 0, None)
    assert Resting.of([still_open], [], is_simulated=False) == Resting(1, 0, 0, 0, None)
    assert Resting.of([still_open], [], is_simulated=False).to_json()["placed_per_fill"] is None


def test_the_simulator_accepts_nothing_in_so_many_words_and_takes_what_it_does_not_refuse(
    tmp_path: pathlib.Path,
) -> None:
    history = history_of(tmp_path, **LIMITS)
    simulated = [dataclasses.replace(row, accepted_at=None) for row in history.orders]
    assert Resting.of(simulated, history.fills, is_simulated=True) == history.execution().resting
    refused = dataclasses.replace(simulated[0], outcome=Outcome.REJECTED)
    assert Resting.of([refused], [], is_simulated=True).not_taken == 1


def test_it_is_in_the_text_the_json_and_the_page(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = history_of(tmp_path, **LIMITS)
    told, page = history.execution().to_json(), tmp_path / "report.html"
    assert main(["report", "--home", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["execution"] == told
    assert main(["report", "--home", str(tmp_path), "--html", str(page)]) == 0
    text = capsys.readouterr().out
    for words in ("How it was executed", "Resting orders", "Round trips", "Maker"):
        assert words in text and words in page.read_text("utf-8")
    assert Decimal(told["maker"]["fees_quote"]) > 0
    assert Execution.of([], [], [], {}, is_simulated=True).rows("USDT") == []
