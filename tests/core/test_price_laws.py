"""Laws of the price: on the tick, away from the touch, and the nearest one that crosses no own order."""

from __future__ import annotations

import decimal
import random
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import LAW, Situation, a_snapshot, an_order, multiples, placed, ready_situations

from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision.policy import Place, decide
from octobot_volume_booster.core.decision.pricing import crossing_side, market_price, price_for
from octobot_volume_booster.core.model.basics import Side
from octobot_volume_booster.core.model.snapshot import MarketSnapshot
from octobot_volume_booster.core.settings.schema import Settings, parse_settings

LIMIT = parse_settings({"order_type": "limit"})
PARTS_OF_TICKS = multiples(Decimal("0.25"), -12, 12)
"""How far own orders are from the price: on the tick and between two."""


def beyond(side: Side, price: Decimal, tick: Decimal) -> Decimal:
    """The first price on the tick that does not touch an order of the other side."""
    steps = (price / tick).to_integral_value(decimal.ROUND_CEILING if side is Side.BUY else decimal.ROUND_FLOOR)
    return (steps - 1 if side is Side.BUY else steps + 1) * tick


def free_price(side: Side, snapshot: MarketSnapshot, settings: Settings) -> Decimal:
    price = price_for(side, replace(snapshot, open_orders=()), settings)
    assume(price is not None)
    assert price is not None
    return price


@LAW
@given(ready_situations(order_type="limit"), st.sampled_from(Side), st.lists(PARTS_OF_TICKS, min_size=1, max_size=3))
def test_own_orders_on_the_other_side_move_a_price_to_the_next_tick_that_is_free(
    situation: Situation, side: Side, parts: list[Decimal]
) -> None:
    snapshot, tick = situation.snapshot, situation.snapshot.rules.price_tick
    free = free_price(side, snapshot, situation.settings)
    assume(free > 5 * tick)
    prices = [free + part * tick for part in parts]
    taken = replace(snapshot, open_orders=tuple(an_order(side.opposite, str(price)) for price in prices))
    nearest = (min if side is Side.BUY else max)(prices)
    allowed = beyond(side, nearest, tick)
    expected = min(free, allowed) if side is Side.BUY else max(free, allowed)
    assert price_for(side, taken, situation.settings) == expected


@LAW
@given(ready_situations(order_type="limit"), st.sampled_from(Side), PARTS_OF_TICKS)
def test_own_orders_on_the_same_side_do_not_move_it(situation: Situation, side: Side, part: Decimal) -> None:
    snapshot, tick = situation.snapshot, situation.snapshot.rules.price_tick
    free = free_price(side, snapshot, situation.settings)
    assume(free + part * tick > 0)
    beside = replace(snapshot, open_orders=(an_order(side, str(free + part * tick)),))
    assert price_for(side, beside, situation.settings) == free


@LAW
@given(ready_situations(order_type="limit"))
def test_a_price_is_the_nearest_tick_that_is_the_offset_away(situation: Situation) -> None:
    intent = placed(situation.decide()).intent
    offset = situation.snapshot.mid_price * situation.settings.price_offset_percent / 100
    away = situation.snapshot.mid_price - intent.price
    tick = situation.snapshot.rules.price_tick
    assert 0 <= (away if intent.side is Side.BUY else -away) - offset < tick


@pytest.mark.parametrize(
    ("side", "own", "price"),
    [(Side.BUY, "1000", "999"), (Side.BUY, "1001.5", "1001"), (Side.BUY, "1000.00", "999"),
     (Side.SELL, "999.9", "1000"), (Side.SELL, "999.95", "1000"), (Side.SELL, "1000.5", "1001")],
)  # fmt: skip
def test_where_significant_digits_count_the_next_price_is_one_that_may_be_written(
    side: Side, own: str, price: str
) -> None:
    """Four digits: ticks are 0.1 below 1,000 and 1 above; that of the own order's price is taken for both."""
    mid = Decimal(1_005) if side is Side.BUY else Decimal(995)
    rules = replace(a_snapshot().rules, price_tick=Decimal("0.0001"), price_digits=4)
    snapshot = a_snapshot(rules=rules, mid_price=mid, open_orders=(an_order(side.opposite, own),))
    told = price_for(side, snapshot, parse_settings({"order_type": "limit", "price_offset_percent": "0"}))
    assert told is not None
    crosses = told >= Decimal(own) if side is Side.BUY else told <= Decimal(own)
    assert not crosses
    assert told == Decimal(price)


def test_only_orders_of_the_other_side_can_be_crossed() -> None:
    buy, sell = an_order(Side.BUY, "29000"), an_order(Side.SELL, "31000", is_ours=False)
    assert crossing_side(Side.BUY, (buy, sell)) == [sell]
    assert crossing_side(Side.SELL, (buy, sell)) == [buy]


@pytest.mark.parametrize(
    ("side", "touch", "price"),
    [(Side.BUY, "30000.004", "30000.00"), (Side.BUY, "30000.006", "30000.01"), (Side.SELL, "29999.994", "29999.99"),
     (Side.SELL, "29999.996", "30000.00")],
)  # fmt: skip
def test_a_market_order_has_the_tick_that_is_nearest_to_the_touch(side: Side, touch: str, price: str) -> None:
    other = {"best_bid": Decimal(29_000), "best_ask": Decimal(31_000)}
    mine = {"best_ask" if side is Side.BUY else "best_bid": Decimal(touch)}
    snapshot = a_snapshot(**(other | mine))
    assert market_price(side, snapshot) == Decimal(price)
    assert price_for(side, snapshot, parse_settings({})) == Decimal(price)


def test_where_no_price_is_left_on_one_side_the_other_one_goes_on() -> None:
    """An own sell at the first tick leaves no price for a buy."""
    snapshot = a_snapshot(open_orders=(an_order(Side.SELL, "0.01", is_ours=False),))
    assert price_for(Side.BUY, snapshot, LIMIT) is None
    settings = parse_settings({"order_type": "limit", "side_policy": "alternate"})
    decision = decide(Situation(snapshot, settings, Progress(target_quote=Decimal(2_000))), random.Random(1))
    assert isinstance(decision, Place)
    assert decision.intent.side is Side.SELL
