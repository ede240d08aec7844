"""The sums of one market: days and hours of the clock, late fills, and what a person's resume takes off."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.core.accounting.position import LATENESS, Inventory, Position
from octobot_volume_booster.core.accounting.tallies import (
    DAY_S,
    HOUR_S,
    DailyTotals,
    GuardBaseline,
    MarketAccount,
    Outcome,
    day_of,
    dump_account,
    exact_add,
    hour_of,
    load_account,
    summed,
)
from octobot_volume_booster.core.model.basics import Role, Side

NOON = 472_222 * HOUR_S
BUY, SELL = Side.BUY, Side.SELL


def amounts(*values: int) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    notional, fee, slippage = map(Decimal, values)
    return notional, fee, slippage, Decimal(1)


def a_tally(*fills: tuple[Side, Role, float, int]) -> DailyTotals:
    totals = DailyTotals()
    for side, role, at, notional in fills:
        totals.count_order(at)
        totals.count_fill(side, role, at, amounts(notional, 1, 2))
        totals.count_filled_order(side)
    return totals


def test_days_and_hours_begin_on_the_clock() -> None:
    assert [day_of(at) for at in (0.0, DAY_S - 1, float(DAY_S))] == [0, 0, 1]
    assert [hour_of(at) for at in (0.0, HOUR_S - 1, float(HOUR_S))] == [0, 0, 1]
    assert (DAY_S, HOUR_S) == (86_400, 3_600)


def test_a_tally_keeps_sides_roles_and_costs_apart() -> None:
    totals = a_tally((BUY, Role.MAKER, 5.0, 10), (SELL, Role.TAKER, 3.0, 20), (BUY, Role.TAKER, 4.0, 40))
    assert (totals.bought_quote, totals.sold_quote, totals.maker_quote) == (50, 20, 10)
    assert (totals.fees_quote, totals.arrival_slippage_quote, totals.exposure) == (3, 6, 3)
    assert (totals.orders, totals.fills, totals.buys, totals.sells) == (3, 3, 2, 1)
    assert (totals.first_order_at, totals.last_fill_at) == (3.0, 5.0)


@pytest.mark.parametrize(
    ("outcome", "cancelled", "rejected"),
    [(Outcome.FILLED, 0, 0), (Outcome.CANCELLED, 1, 0), (Outcome.LOST, 1, 0), (Outcome.REJECTED, 0, 1)],
)
def test_what_ended_without_filling_was_cancelled_unless_it_was_refused(
    outcome: Outcome, cancelled: int, rejected: int
) -> None:
    totals = DailyTotals()
    totals.count_outcome(outcome)
    assert (totals.cancelled, totals.rejected) == (cancelled, rejected)
    totals.count_outcome(outcome, -1)
    assert (totals.cancelled, totals.rejected) == (0, 0)


def test_tallies_add_up() -> None:
    first, second = a_tally((BUY, Role.MAKER, 5.0, 10)), a_tally((SELL, Role.TAKER, 3.0, 20), (BUY, Role.MAKER, 9.0, 1))
    both = summed((first, DailyTotals(), second))
    assert both == a_tally((BUY, Role.MAKER, 5.0, 10), (SELL, Role.TAKER, 3.0, 20), (BUY, Role.MAKER, 9.0, 1))
    assert summed(()) == summed((DailyTotals(),)) == DailyTotals()
    assert summed((DailyTotals(), first)) is first
    only_sent = DailyTotals()
    only_sent.count_order(1.0)
    assert summed((only_sent, first)).first_order_at == 1.0


@pytest.mark.parametrize(
    ("hours", "kept"),
    [
        ([0, 0], {0: 20}),
        ([0, 1], {0: 10, 1: 10}),
        ([0, 1, 2], {1: 10, 2: 10}),
        ([0, 5], {5: 10}),
        ([2, 1], {1: 10, 2: 10}),  # told late, and still in the memory
        ([2, 0], {2: 10}),  # told too late
        ([1, 2, 0], {1: 10, 2: 10}),
    ],
)
def test_the_latest_two_hours_are_kept(hours: list[int], kept: dict[int, int]) -> None:
    account = MarketAccount()
    for hour in hours:
        account.count_hour(NOON + hour * HOUR_S + 1.0, Decimal(10))
    assert account.hours == {NOON // HOUR_S + hour: notional for hour, notional in kept.items()}


def fill(account: MarketAccount, day: int, notional: int, fee: int = 1) -> None:
    for totals in account.all_totals(day):
        totals.count_fill(BUY, Role.TAKER, day * DAY_S, amounts(notional, fee, 2))
        totals.count_slippage(Decimal(0), Decimal(2), is_flattening=False)


@LAW
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=8))
def test_days_add_up_whatever_is_told_late(fills: list[tuple[int, int]]) -> None:
    account = MarketAccount()
    for day, notional in fills:
        fill(account, day, notional)
    assert summed(account.sums(None)).bought_quote == sum(notional for _, notional in fills)
    for day in range(4):
        told = [notional for at, notional in fills if at == day]
        assert summed(account.sums(day)).bought_quote == sum(told)
        assert len(account.sums(day)) == bool(told)
    assert load_account(json.loads(json.dumps(dump_account(account)))) == account


def test_a_book_is_written_down_whole() -> None:
    account = MarketAccount(counted_again={BUY: 1, SELL: 2}, net_quantity=Decimal("1.5"), failures_in_a_row=3)
    account.see(Decimal(100), 5.0, "f", is_mid=True)
    account.is_inverse = True
    fill(account, 1, 10)
    fill(account, 2, 20)
    account.count_hour(NOON, Decimal(7))
    account.inventory.add((1.0, "first", BUY, Decimal(2), Decimal(100)))
    account.trips.add("first", BUY, Decimal(2), Decimal(100), Decimal(1), Decimal(0), 1.0)
    account.guard_baseline = {None: GuardBaseline(Decimal(1), Decimal(2))}
    loaded = load_account(json.loads(json.dumps(dump_account(account))))
    for field in dataclasses.fields(MarketAccount):
        assert getattr(loaded, field.name) == getattr(account, field.name) != getattr(MarketAccount(), field.name), (
            field.name
        )


def test_nothing_is_rounded_away() -> None:
    assert exact_add(exact_add(Decimal("1e30"), Decimal("1e-30")), Decimal("-1e30")) == Decimal("1e-30")


def test_an_inventory_has_the_price_of_the_last_trade_and_keeps_the_latest_only() -> None:
    inventory, quantity = Inventory(), Decimal(1)
    for at in range(1_000):
        inventory.add((float(at), str(at), BUY, quantity, Decimal(at)))
        assert inventory.last_price == at
        assert len(inventory.dump()["recent"]) <= 2 * LATENESS
    inventory.add((998.5, "late", BUY, quantity, Decimal(7)))
    assert inventory.last_price == 999
    assert inventory.position.base == 1_001


def test_an_account_begins_empty() -> None:
    account = MarketAccount()
    assert account.counted_again == {BUY: 0, SELL: 0}
    assert (account.failures_in_a_row, account.net_quantity, account.latest_day) == (0, 0, -1)
    assert (account.before, account.days, account.hours, account.guard_baseline) == (DailyTotals(), {}, {}, {})


def test_a_resume_takes_off_what_was_spent_until_then_altogether_and_on_that_day() -> None:
    account = MarketAccount(failures_in_a_row=3)
    fill(account, 1, 10)
    fill(account, 2, 20)
    account.reset_guard_counters()
    assert account.failures_in_a_row == 0
    assert account.guard_baseline == {
        None: GuardBaseline(Decimal(6), Decimal(30)),
        2: GuardBaseline(Decimal(3), Decimal(20)),
    }
    assert GuardBaseline(Decimal(1), Decimal(2)).plus(GuardBaseline(Decimal(3), Decimal(5))) == GuardBaseline(
        Decimal(4), Decimal(7)
    )


@pytest.mark.parametrize(
    ("trades", "base", "average", "realised"),
    [
        (((BUY, 2, 100), (BUY, 2, 110)), 4, 105, 0),
        (((BUY, 2, 100), (SELL, 1, 110)), 1, 100, 10),
        (((BUY, 2, 100), (SELL, 2, 90)), 0, 0, -20),
        (((BUY, 2, 100), (SELL, 5, 90)), -3, 90, -20),
        (((SELL, 2, 100), (SELL, 2, 110)), -4, 105, 0),
        (((SELL, 2, 100), (BUY, 1, 110)), -1, 100, -10),
        (((SELL, 2, 100), (BUY, 5, 90)), 3, 90, 20),
        (((BUY, 0, 100),), 0, 0, 0),
    ],
)
def test_a_position_has_the_average_cost_and_realises_against_it(
    trades: tuple[tuple[Side, int, int], ...], base: int, average: int, realised: int
) -> None:
    position = Position()
    for side, quantity, price in trades:
        position.trade(side, Decimal(quantity), Decimal(price))
    assert position == Position(Decimal(base), Decimal(average), Decimal(realised))
