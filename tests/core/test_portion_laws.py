"""Laws of a market's portion in the decision: how much, how often, on which side, and when its share goes to others."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import (
    LAW,
    NOW,
    YES_OR_NO,
    Situation,
    a_snapshot,
    an_order,
    calm,
    multiples,
    placed,
    ready_situations,
    situations,
)

from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision.allocation import Allocation
from octobot_volume_booster.core.decision.policy import Cancel, Place, Wait, decide
from octobot_volume_booster.core.model.basics import Side, Trading
from octobot_volume_booster.core.model.snapshot import Balances, FuturesAccount, Level
from octobot_volume_booster.core.settings.schema import parse_settings

START = Progress(target_quote=Decimal(2_000))
WORTH = Decimal(60_000)
ORDERS = multiples(Decimal("0.01"), 1, 3_000)
"""Of the exchange's smallest order: from a hundredth to thirty."""


def smallest(situation: Situation) -> Decimal:
    return situation.snapshot.rules.min_order_notional(situation.snapshot.mid_price)


@LAW
@given(situations())
def test_a_market_alone_has_all_of_the_headroom(situation: Situation) -> None:
    assert situation.decide() == situation.decide(Allocation(situation.progress.headroom_quote))


@LAW
@given(ready_situations(), ORDERS)
def test_an_order_passes_the_portion_by_less_than_the_smallest_order(situation: Situation, share: Decimal) -> None:
    allocation = Allocation(smallest(situation) * share)
    place = placed(situation.decide(allocation))
    assert place.min_order_quote is not None
    assert place.intent.notional < allocation.headroom_quote + place.min_order_quote


@LAW
@given(ready_situations(), ORDERS)
def test_of_a_portion_nothing_is_left_or_enough_for_one_more_order(situation: Situation, share: Decimal) -> None:
    headroom = min(smallest(situation) * share, situation.progress.headroom_quote)
    place = placed(situation.decide(Allocation(headroom)))
    left = headroom - place.intent.notional
    assert place.min_order_quote is not None
    assert left <= 0 or left >= place.min_order_quote


@LAW
@given(ready_situations(order_type="market"), ORDERS)
def test_a_portion_that_is_a_cap_is_not_passed_at_all(situation: Situation, share: Decimal) -> None:
    snapshot = replace(situation.snapshot, best_bid=None, best_ask=None)
    headroom = smallest(situation) * (share + 1)
    place = placed(replace(situation, snapshot=snapshot).decide(Allocation(headroom, is_a_cap=True)))
    assert place.min_order_quote is not None
    # a market order's price is on the tick, so that its smallest order may be worth a little more than at the mid
    assert place.intent.notional <= max(headroom, place.min_order_quote)


@pytest.mark.parametrize(("is_a_cap", "notional"), [(False, "100.2"), (True, "99.9")])
def test_only_a_cap_keeps_an_order_from_being_rounded_up_to_the_portion(is_a_cap: bool, notional: str) -> None:
    """A step is worth 0.30: 100 are not a multiple of it."""
    settings = parse_settings({"min_buy_amount": 100, "min_sell_amount": 100, "max_position_imbalance": 1})
    decision = decide(
        Situation(a_snapshot(), settings, START),
        random.Random(1),
        allocation=Allocation(Decimal(100), is_a_cap=is_a_cap),
    )
    assert isinstance(decision, Place)
    assert decision.intent.notional == Decimal(notional)


@LAW
@given(ready_situations(), ORDERS, ORDERS)
def test_a_portion_above_the_headroom_of_the_campaign_is_as_good_as_that(
    situation: Situation, left: Decimal, more: Decimal
) -> None:
    headroom = smallest(situation) * left
    progress = Progress(
        target_quote=situation.progress.target_quote + headroom, bought_quote=situation.progress.target_quote
    )
    near = replace(situation, progress=progress)
    place = placed(near.decide(Allocation(headroom + smallest(situation) * more)))
    assert place == near.decide(Allocation(headroom))
    assert place.min_order_quote is not None
    assert place.intent.notional < headroom + place.min_order_quote


@LAW
@given(ready_situations(trade_frequency_min=2, trade_frequency_max=60), st.integers(1, 50))
def test_the_pauses_are_as_many_times_longer_as_the_pace_says(situation: Situation, pace: int) -> None:
    headroom = situation.progress.headroom_quote
    usual, slower = (
        placed(situation.decide(Allocation(headroom))),
        placed(situation.decide(Allocation(headroom, float(pace)))),
    )
    assert slower == replace(usual, delay_s=slower.delay_s)
    assert slower.delay_s == pytest.approx(usual.delay_s * pace)


@LAW
@given(ready_situations(order_type="market"), st.sampled_from(Side))
def test_the_side_on_which_the_exchange_is_better_comes_first(situation: Situation, side: Side) -> None:
    allocation = Allocation(situation.progress.headroom_quote, side=side)
    assert placed(situation.decide(allocation)).intent.side is side


@LAW
@given(ready_situations(), st.sampled_from(Side))
def test_a_better_side_that_can_not_pay_is_not_waited_for(situation: Situation, side: Side) -> None:
    free = situation.snapshot.balances
    rest = Balances(Decimal(0), free.quote_free) if side is Side.SELL else Balances(free.base_free, Decimal(0))
    poor = replace(situation, snapshot=replace(situation.snapshot, balances=rest))
    allocation = Allocation(situation.progress.headroom_quote, side=side)
    assert placed(poor.decide(allocation)).intent.side is side.opposite


@LAW
@given(situations(), YES_OR_NO)
def test_with_nothing_left_of_its_portion_a_market_places_nothing(situation: Situation, is_below: bool) -> None:
    assert not isinstance(situation.decide(Allocation(Decimal(-is_below))), Place)


@LAW
@given(ready_situations())
def test_a_market_without_a_portion_leaves_the_rest_to_others_and_says_why(situation: Situation) -> None:
    decision = situation.decide(Allocation(Decimal(0), reason="the rest is for others"))
    assert decision == Wait(1.0, "the rest is for others", yields_to_other_markets=True)


def test_a_market_without_a_portion_still_cancels_what_is_too_old() -> None:
    snapshot = a_snapshot(open_orders=(an_order(Side.BUY, "29000", placed_at=0.0),))
    assert isinstance(
        decide(Situation(snapshot, parse_settings({}), START), random.Random(1), allocation=Allocation(Decimal(0))),
        Cancel,
    )


def a_contract(own: str, **changes: Any) -> Any:
    return a_snapshot(futures=FuturesAccount(Decimal(own), Decimal(own), WORTH), risk_inputs=calm(WORTH), **changes)


@pytest.mark.parametrize(("own", "side"), [("0.01", Side.SELL), ("-0.01", Side.BUY)])
def test_on_futures_a_market_without_a_portion_still_closes_its_position(own: str, side: Side) -> None:
    nothing = Allocation(Decimal(0), reason="the rest is for others")
    decision = decide(Situation(a_contract(own), parse_settings({}), START), random.Random(1), allocation=nothing)
    assert isinstance(decision, Place)
    assert (decision.intent.side, decision.intent.reduce_only, decision.min_order_quote) == (side, True, None)
    stays = parse_settings({"close_position_at_end": False})
    waits = decide(Situation(a_contract(own), stays, START), random.Random(1), allocation=nothing)
    assert waits == Wait(1.0, "the rest is for others", yields_to_other_markets=True)


def test_on_futures_a_position_is_opened_for_half_of_the_portion() -> None:
    """Its closing is volume, too."""
    settings = parse_settings({"min_buy_amount": 140, "min_sell_amount": 140})
    for seed in range(10):
        decision = decide(
            Situation(a_contract("0"), settings, START), random.Random(seed), allocation=Allocation(Decimal(100))
        )
        assert isinstance(decision, Place)
        assert Decimal(50) <= decision.intent.notional < Decimal("50.6")


def test_on_futures_a_portion_above_the_headroom_of_the_campaign_opens_no_more() -> None:
    settings = parse_settings({"min_buy_amount": 140, "min_sell_amount": 140, "max_position_imbalance": 1})
    near = Progress(target_quote=Decimal(2_000), bought_quote=Decimal(950), sold_quote=Decimal(950))
    decision = decide(Situation(a_contract("0"), settings, near), random.Random(1), allocation=Allocation(Decimal(500)))
    assert isinstance(decision, Place)
    assert Decimal(50) <= decision.intent.notional < Decimal("50.6")
    almost = replace(near, sold_quote=Decimal(1_049))
    decision = decide(
        Situation(a_contract("0.001"), settings, almost), random.Random(1), allocation=Allocation(Decimal(500))
    )
    assert isinstance(decision, Place)
    assert decision.intent.side is Side.SELL, "one is left of the target, and 30 of the position"


def test_on_futures_the_better_side_comes_first_too() -> None:
    for side in Side:
        allocation = Allocation(Decimal(1_000), side=side)
        decision = decide(
            Situation(a_contract("0"), parse_settings({}), START), random.Random(1), allocation=allocation
        )
        assert isinstance(decision, Place)
        assert decision.intent.side is side


POOR = Balances(Decimal(0), Decimal(3))
FAR = (Level(Decimal(31_000), Decimal(5)),)
NO_FUNDS = {"is_unfunded": True, "releases_share": True}
WAITS: list[tuple[str, dict[str, Any], Progress, dict[str, bool]]] = [
    ("a person", {}, START, {}),
    ("old", {"price_age_s": 31.0}, START, {}),
    ("rate_limit_margin", {"risk_inputs": calm(WORTH, rate_limit_used=0.9)}, START, {}),
    ("orders a second", {"risk_inputs": calm(WORTH, last_order_at=NOW)}, START, {"is_pace": True}),
    ("cover the rest", {}, replace(START, open_buy_quote=Decimal(2_000)), {}),
    (
        "for this hour",
        {"risk_inputs": calm(WORTH, day_volume_quote=Decimal("1e6"), hour_filled_quote=Decimal(4_000))},
        START,
        {"releases_share": True},
    ),
    ("order book", {"bids": FAR, "asks": FAR, "trading": Trading.SANDBOX}, START, {"releases_share": True}),
    ("neither side", {"balances": POOR}, START, NO_FUNDS),
    ("the sell side", {"balances": Balances(Decimal(0), WORTH)}, replace(START, bought_quote=Decimal(999)), NO_FUNDS),
    (
        "until then neither side",
        {},
        replace(START, open_buy_quote=Decimal(401), open_sell_quote=Decimal(401)),
        {},
    ),
]


@pytest.mark.parametrize(("words", "seen", "progress", "flags"), WAITS, ids=[row[0] for row in WAITS])
def test_only_a_wait_in_which_the_market_can_take_no_order_gives_its_share_away(
    words: str, seen: dict[str, Any], progress: Progress, flags: dict[str, bool]
) -> None:
    hold = "a person" if words == "a person" else ""
    decision = decide(Situation(a_snapshot(**seen), parse_settings({}), progress), random.Random(1), hold)
    assert isinstance(decision, Wait)
    assert words in decision.reason
    for flag in ("is_unfunded", "is_pace", "yields_to_other_markets", "releases_share"):
        assert getattr(decision, flag) is (flag in flags), flag


def test_without_margin_a_futures_market_gives_its_share_away() -> None:
    snapshot = a_snapshot(futures=FuturesAccount(Decimal(0), Decimal(0), Decimal(3)))
    decision = decide(Situation(snapshot, parse_settings({}), START), random.Random(1))
    assert isinstance(decision, Wait)
    assert decision == Wait(decision.delay_s, decision.reason, is_unfunded=True, releases_share=True)


def test_the_pause_of_a_wait_for_funds_is_as_long_as_the_pace_says() -> None:
    snapshot, settings = a_snapshot(balances=POOR), parse_settings({"trade_frequency_min": 4, "trade_frequency_max": 4})
    decision = decide(Situation(snapshot, settings, START), random.Random(1), allocation=Allocation(Decimal(100), 3.0))
    assert isinstance(decision, Wait)
    assert decision.delay_s == 12
