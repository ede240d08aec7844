"""The sums of one market: days and hours of the clock, late fills, and what a person's resume takes off."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.core.books import (
    DAY_S,
    HOUR_S,
    Book,
    Forgiven,
    Outcome,
    Tally,
    day_of,
    dump_book,
    hour_of,
    load_book,
    summed,
)
from octobot_volume_booster.core.inventory import Position
from octobot_volume_booster.core.market import Role, Side

NOON = 472_222 * HOUR_S
BUY, SELL = Side.BUY, Side.SELL


def amounts(*values: int) -> tuple[Decimal, Decimal, Decimal]:
    notional, fee, slippage = map(Decimal, values)
    return notional, fee, slippage


def a_tally(*fills: tuple[Side, Role, float, int]) -> Tally:
    tally = Tally()
    for side, role, at, notional in fills:
        tally.count_order(at)
        tally.count_fill(side, role, at, amounts(notional, 1, 2))
        tally.count_filled_order(side)
    return tally


def test_days_and_hours_begin_on_the_clock() -> None:
    assert [day_of(at) for at in (0.0, DAY_S - 1, float(DAY_S))] == [0, 0, 1]
    assert [hour_of(at) for at in (0.0, HOUR_S - 1, float(HOUR_S))] == [0, 0, 1]
    assert (DAY_S, HOUR_S) == (86_400, 3_600)


def test_a_tally_keeps_sides_roles_and_costs_apart() -> None:
    tally = a_tally((BUY, Role.MAKER, 5.0, 10), (SELL, Role.TAKER, 3.0, 20), (BUY, Role.TAKER, 4.0, 40))
    assert (tally.bought_quote, tally.sold_quote, tally.maker_quote) == (50, 20, 10)
    assert (tally.fees_quote, tally.slippage_quote) == (3, 6)
    assert (tally.orders, tally.fills, tally.buys, tally.sells) == (3, 3, 2, 1)
    assert (tally.first_order_at, tally.last_fill_at) == (3.0, 5.0)


@pytest.mark.parametrize(
    ("outcome", "cancelled", "rejected"),
    [(Outcome.FILLED, 0, 0), (Outcome.CANCELLED, 1, 0), (Outcome.LOST, 1, 0), (Outcome.REJECTED, 0, 1)],
)
def test_what_ended_without_filling_was_cancelled_unless_it_was_refused(
    outcome: Outcome, cancelled: int, rejected: int
) -> None:
    tally = Tally()
    tally.count_outcome(outcome)
    assert (tally.cancelled, tally.rejected) == (cancelled, rejected)
    tally.count_outcome(outcome, -1)
    assert (tally.cancelled, tally.rejected) == (0, 0)


def test_tallies_add_up() -> None:
    first, second = a_tally((BUY, Role.MAKER, 5.0, 10)), a_tally((SELL, Role.TAKER, 3.0, 20), (BUY, Role.MAKER, 9.0, 1))
    both = summed((first, Tally(), second))
    assert both == a_tally((BUY, Role.MAKER, 5.0, 10), (SELL, Role.TAKER, 3.0, 20), (BUY, Role.MAKER, 9.0, 1))
    assert summed(()) == summed((Tally(),)) == Tally()
    assert summed((Tally(), first)) is first
    only_sent = Tally()
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
    ],
)
def test_the_latest_two_hours_are_kept(hours: list[int], kept: dict[int, int]) -> None:
    book = Book()
    for hour in hours:
        book.count_hour(NOON + hour * HOUR_S + 1.0, Decimal(10))
    assert book.hours == {NOON // HOUR_S + hour: notional for hour, notional in kept.items()}


def fill(book: Book, day: int, notional: int, fee: int = 1) -> None:
    for tally in book.tallies(day):
        tally.count_fill(BUY, Role.TAKER, day * DAY_S, amounts(notional, fee, 2))


@LAW
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=8))
def test_days_add_up_whatever_is_told_late(fills: list[tuple[int, int]]) -> None:
    book = Book()
    for day, notional in fills:
        fill(book, day, notional)
    assert summed(book.sums(None)).bought_quote == sum(notional for _, notional in fills)
    for day in range(4):
        told = [notional for at, notional in fills if at == day]
        assert summed(book.sums(day)).bought_quote == sum(told)
        assert len(book.sums(day)) == bool(told)
    assert load_book(json.loads(json.dumps(dump_book(book)))) == book


def test_a_book_begins_empty() -> None:
    book = Book()
    assert (book.failures_in_a_row, book.net_quantity, book.latest_day) == (0, 0, -1)
    assert (book.before, book.days, book.hours, book.forgiven) == (Tally(), {}, {}, {})


def test_a_resume_takes_off_what_was_spent_until_then_altogether_and_on_that_day() -> None:
    book = Book(failures_in_a_row=3)
    fill(book, 1, 10)
    fill(book, 2, 20)
    book.forgive()
    assert book.failures_in_a_row == 0
    assert book.forgiven == {None: Forgiven(Decimal(6), Decimal(30)), 2: Forgiven(Decimal(3), Decimal(20))}
    assert Forgiven(Decimal(1), Decimal(2)).plus(Forgiven(Decimal(3), Decimal(5))) == Forgiven(Decimal(4), Decimal(7))


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
