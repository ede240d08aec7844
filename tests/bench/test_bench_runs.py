"""The benchmarks in their short form: that they run, not what they measure."""

from __future__ import annotations

import math
import pathlib
import random
import subprocess
import sys

import pytest

from octobot_volume_booster.offline_exchange.server.engine.orders import Side
from tests.bench import cost_bench
from tests.bench.cost_desk import Desk, Drop, Outcome, Send, View
from tests.bench.cost_styles import RUNNERS, played

pytestmark = pytest.mark.once


def half_the_touch(view: View, rng: random.Random) -> list[Send | Drop]:
    """A style that is not in the table: it bids a tick below the ask, whatever rests already."""
    return [Send(Side.BUY, view.quantity(50, view.bids[0][0]), view.asks[0][0] - view.terms.spec.tick_quote)]


def test_a_style_is_a_function_and_its_costs_are_those_of_the_tape() -> None:
    terms = cost_bench.terms_of("ordinary", 0.02)
    outcomes = {name: run(terms, 3) for name, run in {**RUNNERS, "own": played(half_the_touch)}.items()}
    assert all(one.self_matches == one.prevented_matches == 0 for one in outcomes.values())
    for name in ("market", "twap"):
        assert outcomes[name].maker_quote == 0 < outcomes[name].taker_quote
        assert outcomes[name].all_in_bps(8, 10) == pytest.approx(12.5, abs=0.1)
    for name in ("limit", "peg", "own"):
        assert outcomes[name].taker_quote == 0
    assert outcomes["passive"].filled_quote >= terms.target_quote
    fees = [outcomes["peg"].all_in_bps(maker, 5) for maker in (0, 2)]
    assert math.isnan(fees[0]) or fees[1] - fees[0] == pytest.approx(2)


def test_the_rows_are_those_of_the_contract() -> None:
    outcome = Outcome(60.0, 40.0, 0.05, 0.1, True, 0, 0)
    found = {
        (market, style, fees): [outcome, outcome]
        for market in cost_bench.SIZES
        for style in RUNNERS
        for fees in cost_bench.FEES
    }
    row = next(one for one in cost_bench.rows(found) if one["fees"] == "2/5")
    wanted = {"market": "tight", "style": "market", "all_in_bps": 8.2, "of_market_percent": 100.0, "n": 2}
    assert wanted.items() <= row.items()
    assert (row["deadlines_met"], row["self_matches"], row["paired_se_bps"], row["after_10s_bps"]) == (2, 0, 0.0, 13.2)


def test_a_style_sees_the_book_without_its_own_orders() -> None:
    desk = Desk(cost_bench.terms_of("wide", 1), 1)
    before = desk.view()
    price = before.bids[0][0] + before.terms.spec.tick_quote
    desk._do(Send(Side.BUY, before.quantity(50, price), price))
    after = desk.view()
    assert after.own[0].price == price and after.bids[:10] == before.bids[:10]


@pytest.mark.long
def test_the_benchmarks_run() -> None:
    root = pathlib.Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.bench", "--short"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    for title in ("through the whole path", "A whole backtest", "last / first"):
        assert title in done.stdout
