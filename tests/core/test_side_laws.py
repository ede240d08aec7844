"""Laws of the side: what can't be funded is not chosen, and the imbalance comes back."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import LAW, Situation, a_snapshot, calm, multiples, placed, ready_situations

from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision.policy import Place, Wait, decide
from octobot_volume_booster.core.decision.side import choose_sides
from octobot_volume_booster.core.model.basics import Side
from octobot_volume_booster.core.model.snapshot import Balances
from octobot_volume_booster.core.settings.schema import parse_settings

START = Progress(target_quote=Decimal(2_000))
DEFAULTS = parse_settings({})
SMALLEST = Decimal(5)
FUNDS = multiples(Decimal(1), 0, 2_000)
SEEDS = st.integers(0, 2**32)


def chosen(buying: Decimal, selling: Decimal, seed: int) -> Side | None:
    funds = {Side.BUY: buying, Side.SELL: selling}
    equity = calm(Decimal(60_000)).equity
    sides, _ = choose_sides(funds, SMALLEST, DEFAULTS, START, equity, random.Random(seed))
    return sides[0] if sides else None


@LAW
@given(FUNDS, FUNDS, SEEDS)
def test_a_side_that_cannot_fund_the_smallest_order_is_never_chosen(
    buying: Decimal, selling: Decimal, seed: int
) -> None:
    side = chosen(buying, selling, seed)
    funds = {None: max(buying, selling), Side.BUY: buying, Side.SELL: selling}
    assert (funds[side] < SMALLEST) == (side is None)


@LAW
@given(FUNDS, FUNDS, FUNDS, SEEDS)
def test_with_less_funds_a_side_is_chosen_in_fewer_of_the_same_draws(
    buying: Decimal, less: Decimal, selling: Decimal, seed: int
) -> None:
    less, buying = sorted((less, buying))
    assume(chosen(less, selling, seed) is Side.BUY)
    assert chosen(buying, selling, seed) is Side.BUY


def test_a_side_with_a_quarter_of_the_funds_is_chosen_a_fifth_of_the_times() -> None:
    counts = Counter(chosen(Decimal(375), Decimal(1_500), seed) for seed in range(1_000))
    assert 150 < counts[Side.BUY] < 250


def test_two_rich_sides_are_chosen_equally_often() -> None:
    counts = Counter(chosen(Decimal(5_000), Decimal(90_000), seed) for seed in range(1_000))
    assert 450 < counts[Side.BUY] < 550


@LAW
@given(ready_situations(max_position_imbalance="0.2"), st.sampled_from(Side), multiples(Decimal("0.01"), 1, 29))
def test_above_the_cap_only_the_side_that_brings_the_imbalance_back_gets_an_order(
    situation: Situation, more: Side, above: Decimal
) -> None:
    target = situation.progress.target_quote
    amounts = {more: target * (Decimal("0.45") + above), more.opposite: target / 4}
    progress = replace(situation.progress, bought_quote=amounts[Side.BUY], sold_quote=amounts[Side.SELL])
    assert placed(replace(situation, progress=progress).decide()).intent.side is more.opposite


def test_above_the_cap_the_other_side_is_forced() -> None:
    lopsided = replace(START, bought_quote=Decimal(1_000), sold_quote=Decimal(599), buys=9, sells=1)
    for seed in range(20):
        decision = decide(Situation(a_snapshot(), DEFAULTS, lopsided), random.Random(seed))
        assert isinstance(decision, Place)
        assert decision.intent.side is Side.SELL


def test_at_the_cap_both_sides_are_allowed() -> None:
    at_the_cap = replace(START, bought_quote=Decimal(1_000), sold_quote=Decimal(600))
    decisions = [decide(Situation(a_snapshot(), DEFAULTS, at_the_cap), random.Random(seed)) for seed in range(20)]
    assert {decision.intent.side for decision in decisions if isinstance(decision, Place)} == set(Side)


def test_above_the_cap_with_nothing_to_sell_the_campaign_waits_and_says_why() -> None:
    lopsided = replace(START, bought_quote=Decimal(1_000))
    snapshot = a_snapshot(balances=Balances(base_free=Decimal(0), quote_free=Decimal(30_000)))
    decision = decide(Situation(snapshot, DEFAULTS, lopsided), random.Random(1))
    assert isinstance(decision, Wait)
    assert "the sell side, which has to be next," in decision.reason


@LAW
@given(multiples(Decimal("0.01"), 0, 504), multiples(Decimal("0.000001"), 0, 167), SEEDS)
def test_with_neither_side_funded_the_campaign_waits_with_the_numbers(quote: Decimal, base: Decimal, seed: int) -> None:
    snapshot = a_snapshot(balances=Balances(base_free=base, quote_free=quote))
    decision = decide(Situation(snapshot, DEFAULTS, START), random.Random(seed))
    assert isinstance(decision, Wait)
    buying, selling = quote * Decimal("0.99") / Decimal("1.001"), base * Decimal("0.99") * 30_000
    assert decision.delay_s > 0
    assert "minimum of 5.10" in decision.reason
    assert f"{buying:.2f} of buying and {selling:.2f} of selling" in decision.reason


@pytest.mark.parametrize(
    ("buys", "sells", "unfilled_buys", "due"),
    [(0, 0, 0, Side.BUY), (1, 0, 0, Side.SELL), (1, 1, 0, Side.BUY), (0, 0, 1, Side.SELL), (3, 4, 0, Side.BUY)],
)
def test_alternate_takes_turns_and_an_order_that_never_filled_was_none(
    buys: int, sells: int, unfilled_buys: int, due: Side
) -> None:
    progress = replace(START, buys=buys, sells=sells, unfilled_buys=unfilled_buys)
    decision = decide(Situation(a_snapshot(), parse_settings({"side_policy": "alternate"}), progress), random.Random(1))
    assert isinstance(decision, Place)
    assert decision.intent.side is due


def test_a_side_that_can_not_fund_its_turn_gives_it_away() -> None:
    snapshot = a_snapshot(balances=Balances(base_free=Decimal(1), quote_free=Decimal(0)))
    decision = decide(Situation(snapshot, parse_settings({"side_policy": "alternate"}), START), random.Random(1))
    assert isinstance(decision, Place)
    assert decision.intent.side is Side.SELL
