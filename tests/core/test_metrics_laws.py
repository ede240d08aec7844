"""Traders' metrics: they add up with the ledger's own numbers, and do not depend on the unit of money."""

from __future__ import annotations

import statistics
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octobot_volume_booster.core.accounting.performance import DEFINITIONS, drawdown, metrics_of, pnl_path, round_trips
from octobot_volume_booster.core.accounting.position import Position
from octobot_volume_booster.core.model.basics import ZERO, Role, Side
from octobot_volume_booster.core.model.orders import Fill


def fill(number: int, side: Side, quantity: int, price: int, fee: str = "0") -> Fill:
    amounts = Decimal(quantity), Decimal(price), Decimal(fee)
    return Fill(f"fill {number}", f"order {number}", float(number), side, Role.TAKER, *amounts, Decimal(price))


@st.composite
def fills(draw: st.DrawFn) -> list[Fill]:
    rows = draw(st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 9), st.integers(1, 50), st.integers(0, 3))))
    return [fill(number, side, quantity, price, str(fee)) for number, (side, quantity, price, fee) in enumerate(rows)]


def test_an_example_by_hand() -> None:
    trades = [
        fill(1, Side.BUY, 2, 100, "1"),
        fill(2, Side.SELL, 1, 110, "1"),  # +10, less 0.5 of the first fee and 1 of its own
        fill(3, Side.SELL, 1, 95, "0"),  # -5, less 0.5
        fill(4, Side.SELL, 1, 90, "0"),  # opens a short
        fill(5, Side.BUY, 1, 80, "0"),  # +10
    ]
    assert round_trips(trades) == [Decimal("8.5"), Decimal("-5.5"), Decimal(10)]
    assert pnl_path(trades) == [-1, 18, 3, 3, 13]
    metrics = metrics_of([trades])
    assert (metrics.round_trips, metrics.win_rate) == (3, pytest.approx(2 / 3))
    assert metrics.profit_factor == pytest.approx(18.5 / 5.5)
    assert metrics.max_drawdown_quote == 15
    assert metrics.pnl_quote == 13


def test_without_a_fill_there_is_nothing_to_tell() -> None:
    metrics = metrics_of([[]])
    assert (metrics.round_trips, metrics.win_rate, metrics.profit_factor, metrics.sharpe_ratio) == (0, None, None, None)
    assert metrics.pnl_quote == metrics.max_drawdown_quote == 0


def test_every_number_has_its_definition() -> None:
    assert set(metrics_of([]).to_json()) == {*DEFINITIONS, "note"}


@given(fills())
def test_profit_is_realised_and_unrealised_less_the_fees(trades: list[Fill]) -> None:
    position = Position()
    for trade in trades:
        position.trade(trade.side, trade.quantity, trade.price)
    last = trades[-1].price if trades else ZERO
    unrealised = position.base * (last - position.average_price)
    fees = sum((trade.fee_quote for trade in trades), ZERO)
    expected = float(position.realised_quote + unrealised - fees)
    assert float(metrics_of([trades]).pnl_quote) == pytest.approx(expected, abs=1e-9)


@given(fills())
def test_flat_again_the_round_trips_are_all_the_profit(trades: list[Fill]) -> None:
    base = sum((trade.quantity if trade.side is Side.BUY else -trade.quantity for trade in trades), ZERO)
    if base:
        side = Side.SELL if base > 0 else Side.BUY
        trades = [*trades, fill(len(trades), side, int(abs(base)), 7)]
    assert float(sum(round_trips(trades), ZERO)) == pytest.approx(float(metrics_of([trades]).pnl_quote), abs=1e-9)


@given(fills(), st.integers(2, 9))
def test_the_unit_of_money_changes_amounts_and_no_ratio(trades: list[Fill], factor: int) -> None:
    scaled = [replace(trade, price=trade.price * factor, fee_quote=trade.fee_quote * factor) for trade in trades]
    one, other = metrics_of([trades]), metrics_of([scaled])
    assert other.pnl_quote == one.pnl_quote * factor
    assert other.max_drawdown_quote == one.max_drawdown_quote * factor
    assert other.round_trips == one.round_trips
    for name in ("win_rate", "profit_factor", "sharpe_ratio"):
        assert getattr(other, name) == pytest.approx(getattr(one, name))


@given(st.lists(st.integers(-50, 50).map(Decimal)))
def test_a_drawdown_is_the_deepest_of_all_falls(path: list[Decimal]) -> None:
    whole = [ZERO, *path]
    falls = [whole[i] - whole[j] for i in range(len(whole)) for j in range(i, len(whole))]
    assert drawdown(path) == max(falls)


@given(fills(), fills())
def test_two_markets_add_up(first: list[Fill], second: list[Fill]) -> None:
    both = metrics_of([first, second])
    alone = [metrics_of([trades]) for trades in (first, second)]
    assert both.pnl_quote == sum((metrics.pnl_quote for metrics in alone), ZERO)
    assert both.round_trips == sum(metrics.round_trips for metrics in alone)


def test_the_sharpe_ratio_is_of_the_changes_from_fill_to_fill() -> None:
    """After the first fill it is -1, then 18, 3, 3 and 13."""
    trades = [
        fill(1, Side.BUY, 2, 100, "1"),
        fill(2, Side.SELL, 1, 110, "1"),
        fill(3, Side.SELL, 1, 95, "0"),
        fill(4, Side.SELL, 1, 90, "0"),
        fill(5, Side.BUY, 1, 80, "0"),
    ]
    changes = [-1.0, 19.0, -15.0, 0.0, 10.0]
    ratio = metrics_of([trades]).sharpe_ratio
    assert ratio == pytest.approx(statistics.mean(changes) / statistics.stdev(changes) * 5**0.5)
    assert metrics_of([trades[:1]]).sharpe_ratio is None
    assert metrics_of([[fill(1, Side.BUY, 1, 100), fill(2, Side.SELL, 1, 100)]]).sharpe_ratio is None


def test_two_changes_are_enough_for_a_ratio() -> None:
    ratio = metrics_of([[fill(1, Side.BUY, 1, 100, "1"), fill(2, Side.SELL, 1, 110)]]).sharpe_ratio
    assert ratio == pytest.approx(statistics.mean((-1, 10)) / statistics.stdev((-1, 10)) * 2**0.5)


def test_also_small_gains_and_losses_of_small_quantities_count() -> None:
    """A half is won, a half is lost, and a quarter on half of the base."""
    trades = [
        fill(1, Side.BUY, 1, 100),
        fill(2, Side.SELL, 1, 101, "0.5"),
        fill(3, Side.BUY, 1, 100),
        fill(4, Side.SELL, 1, 100, "0.5"),
        replace(fill(5, Side.SELL, 1, 100), quantity=Decimal("0.5")),
        replace(fill(6, Side.BUY, 1, 100, "0.25"), quantity=Decimal("0.5")),
    ]
    assert round_trips(trades) == [Decimal("0.5"), Decimal("-0.5"), Decimal("-0.25")]
    metrics = metrics_of([trades])
    assert (metrics.win_rate, metrics.profit_factor) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    told = metrics.to_json()
    assert (told["win_rate"], told["profit_factor"]) == (0.3333, 0.6667)
    assert metrics.sharpe_ratio is not None
    assert told["sharpe_ratio"] == round(metrics.sharpe_ratio, 4) != round(metrics.sharpe_ratio, 3)
    assert (told["pnl_quote"], told["round_trips"]) == ("-0.25", 3)


def test_without_a_losing_round_trip_there_is_no_factor_and_one_of_nothing_is_not_won() -> None:
    won = metrics_of([[fill(1, Side.BUY, 1, 100), fill(2, Side.SELL, 1, 110)]])
    assert (won.profit_factor, won.win_rate) == (None, 1.0)
    even = metrics_of([[fill(1, Side.BUY, 1, 100), fill(2, Side.SELL, 1, 100)]])
    assert (even.profit_factor, even.win_rate) == (None, 0.0)
    lost = metrics_of([[fill(1, Side.BUY, 1, 100), fill(2, Side.SELL, 1, 90)]])
    assert (lost.profit_factor, lost.win_rate) == (0.0, 0.0)


def test_the_fee_of_what_is_opened_is_averaged_and_a_turn_over_zero_begins_anew() -> None:
    trades = [
        fill(1, Side.BUY, 1, 100, "1"),
        fill(2, Side.BUY, 3, 100, "1"),  # 0.5 each
        fill(3, Side.SELL, 6, 110, "3"),  # closes 4: +40, less 2 of theirs and 2 of its own
        fill(4, Side.BUY, 2, 105, "1"),  # closes 2: +10, less 1 of theirs and 1 of its own
    ]
    assert round_trips(trades) == [36, 8]


def test_markets_are_put_together_in_the_order_of_time() -> None:
    first = [fill(1, Side.BUY, 1, 100), fill(4, Side.SELL, 1, 90)]
    second = [fill(2, Side.BUY, 1, 50), fill(3, Side.SELL, 1, 70)]
    assert metrics_of([first, second]).max_drawdown_quote == 10
    assert metrics_of([first, second]).pnl_quote == 10
