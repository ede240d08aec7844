"""Laws of the single order: what the exchange accepts, what the balance pays for, and never against an own order."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st
from strategies import (
    LAW,
    NOW,
    ORDER_AGES,
    YES_OR_NO,
    Situation,
    a_snapshot,
    an_order,
    multiples,
    placed,
    ready_situations,
    situations,
)

from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision.policy import Cancel, Decision, Place, Wait, decide
from octobot_volume_booster.core.decision.pricing import price_for
from octobot_volume_booster.core.decision.sizing import clip_to_headroom, draw_notional, fit_quantity
from octobot_volume_booster.core.model.basics import Side
from octobot_volume_booster.core.model.orders import OrderIntent
from octobot_volume_booster.core.model.snapshot import Balances, MarketSnapshot
from octobot_volume_booster.core.settings.schema import Settings, parse_settings

START = Progress(target_quote=Decimal(2_000))


def decide_on(snapshot: MarketSnapshot, progress: Progress = START, seed: int = 1, **settings: object) -> Decision:
    return decide(Situation(snapshot, parse_settings(settings), progress), random.Random(seed))


def check_exchange_accepts(intent: OrderIntent, snapshot: MarketSnapshot) -> None:
    rules = snapshot.rules
    assert intent.quantity % rules.quantity_step == 0
    assert intent.price % rules.price_tick == 0
    assert intent.price > 0
    assert intent.quantity >= max(rules.min_quantity, rules.quantity_step)
    assert intent.notional >= rules.min_notional
    assert rules.max_quantity is None or intent.quantity <= rules.max_quantity
    assert rules.max_notional is None or intent.notional <= rules.max_notional


def check_balance_pays(intent: OrderIntent, snapshot: MarketSnapshot, settings: Settings) -> None:
    spendable = 1 - settings.fee_buffer_percent / 100
    if intent.side is Side.BUY:
        fee_rate = max(snapshot.rules.maker_fee_rate, snapshot.rules.taker_fee_rate)
        assert intent.notional * (1 + fee_rate) <= snapshot.balances.quote_free * spendable
    else:
        assert intent.quantity <= snapshot.balances.base_free * spendable


@pytest.mark.long
@settings(LAW, max_examples=1_000)
@given(situations())
def test_an_order_is_one_that_the_exchange_accepts_and_the_balance_pays_for(situation: Situation) -> None:
    intent = placed(situation.decide()).intent
    event(intent.side.value)
    check_exchange_accepts(intent, situation.snapshot)
    check_balance_pays(intent, situation.snapshot, situation.settings)


@LAW
@given(situations(order_type="limit"))
def test_no_limit_order_crosses_or_touches_an_own_order_on_the_other_side(situation: Situation) -> None:
    snapshot = situation.snapshot
    assume(snapshot.open_orders)
    prices = {side: price_for(side, snapshot, situation.settings) for side in Side}
    for order in snapshot.open_orders:
        price = prices[order.side.opposite]
        event(f"a price is left: {price is not None}")
        assert price is None or (price > order.price if order.side is Side.BUY else price < order.price)


@LAW
@given(situations(order_type="limit"))
def test_a_limit_order_has_the_price_of_its_side(situation: Situation) -> None:
    intent = placed(situation.decide()).intent
    assert intent.price == price_for(intent.side, situation.snapshot, situation.settings)


@LAW
@given(situations(order_type="limit"), st.sampled_from(Side))
def test_an_own_order_exactly_at_the_price_moves_it_by_one_tick(situation: Situation, side: Side) -> None:
    free = replace(situation.snapshot, open_orders=())
    price, tick = price_for(side, free, situation.settings), free.rules.price_tick
    assume(price is not None and price > tick)
    assert price is not None
    taken = replace(free, open_orders=(an_order(side.opposite, str(price)),))
    assert price_for(side, taken, situation.settings) == (price - tick if side is Side.BUY else price + tick)


@LAW
@given(ready_situations(order_type="market"), st.lists(st.sampled_from(Side), min_size=1, max_size=3))
def test_a_market_order_never_meets_an_own_order_on_the_other_side(situation: Situation, sides: list[Side]) -> None:
    """Not even one that it may not cancel: with one on either side it waits."""
    orders = tuple(an_order(side, str(situation.snapshot.mid_price), is_ours=False) for side in sides)
    decision = replace(situation, snapshot=replace(situation.snapshot, open_orders=orders)).decide()
    if len(set(sides)) == 1:
        assert placed(decision).intent.side is sides[0]
    else:
        assert isinstance(decision, Wait)


@LAW
@given(ready_situations(), st.lists(st.tuples(st.sampled_from(Side), ORDER_AGES, YES_OR_NO), max_size=4))
def test_only_orders_of_its_own_are_cancelled(situation: Situation, others: list[tuple[Side, int, bool]]) -> None:
    orders = [an_order(Side.BUY, str(situation.snapshot.mid_price), placed_at=NOW - 86_400)]
    orders += [
        an_order(side, str(number + 1), placed_at=NOW - age_s, is_ours=is_ours)
        for number, (side, age_s, is_ours) in enumerate(others)
    ]
    decision = replace(situation, snapshot=replace(situation.snapshot, open_orders=tuple(orders))).decide()
    assert isinstance(decision, Cancel)
    timeout = situation.settings.limit_order_timeout
    assert list(decision.orders) == [order for order in orders if order.is_ours and order.placed_at <= NOW - timeout]


@LAW
@given(situations(order_type="limit"))
def test_a_limit_order_rests_at_least_its_offset_away_from_the_market_price(situation: Situation) -> None:
    intent = placed(situation.decide()).intent
    offset = situation.snapshot.mid_price * situation.settings.price_offset_percent / 100
    away = situation.snapshot.mid_price - intent.price
    assert (away if intent.side is Side.BUY else -away) >= offset


@LAW
@given(multiples(Decimal("0.0001"), 1, 20_000), multiples(Decimal("0.0001"), 0, 20_000), st.integers(0, 2**32))
@example(Decimal("0.002"), Decimal("0.003"), 1)  # a pair that is quoted in BTC
@example(Decimal("25.005"), Decimal(100), 1)
def test_a_drawn_notional_is_within_the_range_of_its_side(low: Decimal, width: Decimal, seed: int) -> None:
    settings = parse_settings({"min_sell_amount": low, "max_sell_amount": low + width})
    assert low <= draw_notional(Side.SELL, settings, random.Random(seed)) <= low + width


@LAW
@given(*[multiples(Decimal("0.01"), 1, 100_000)] * 3)
def test_an_order_leaves_nothing_of_the_headroom_or_room_for_another_order(
    notional: Decimal, headroom: Decimal, smallest: Decimal
) -> None:
    clipped = clip_to_headroom(notional, headroom, smallest)
    assert headroom - clipped >= smallest or clipped == max(headroom, smallest)


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "29940.00"), (Side.SELL, "30060.00")])
def test_a_limit_order_rests_two_tenths_of_a_percent_away(side: Side, price: str) -> None:
    """The default offset: a buy below the market price, a sell above it."""
    due = Progress(target_quote=Decimal(2_000), buys=int(side is Side.SELL), sells=int(side is Side.BUY))
    decision = decide_on(a_snapshot(), due, side_policy="alternate", order_type="limit")
    assert isinstance(decision, Place)
    assert (decision.intent.side, decision.intent.price) == (side, Decimal(price))
    assert Decimal(25) - Decimal("0.3") <= decision.intent.notional <= 150
    assert 2.0 <= decision.delay_s <= 8.0


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "30003.00"), (Side.SELL, "29998.00")])
def test_a_market_order_is_expected_to_fill_at_the_touch_and_measured_against_the_mid(side: Side, price: str) -> None:
    snapshot = a_snapshot(best_bid=Decimal(29_998), best_ask=Decimal(30_003), mid_price=Decimal("30000.5"))
    due = replace(START, sells=1) if side is Side.BUY else replace(START, buys=1)
    decision = decide_on(snapshot, due, side_policy="alternate")
    assert isinstance(decision, Place)
    assert (decision.intent.side, decision.intent.price) == (side, Decimal(price))
    assert decision.intent.mid_price == Decimal("30000.5")


def test_a_limit_buy_gives_way_to_an_own_sell_by_one_tick() -> None:
    snapshot = a_snapshot(open_orders=(an_order(Side.SELL, "29900.005"),))
    decision = decide_on(snapshot, side_policy="alternate", order_type="limit")
    assert isinstance(decision, Place)
    assert decision.intent.price == Decimal("29900.00")


def test_a_market_order_first_cancels_our_own_order_on_the_other_side() -> None:
    in_the_way = an_order(Side.SELL, "31000")
    snapshot = a_snapshot(open_orders=(in_the_way, an_order(Side.BUY, "29000")))
    decision = decide_on(snapshot, side_policy="alternate", order_type="market")
    assert isinstance(decision, Cancel)
    assert decision.orders == (in_the_way,)


def test_a_market_order_waits_for_an_order_of_the_bot_that_is_not_ours() -> None:
    sell, buy = an_order(Side.SELL, "31000", is_ours=False), an_order(Side.BUY, "29000", is_ours=False)
    decision = decide_on(a_snapshot(open_orders=(sell, buy)), side_policy="alternate", order_type="market")
    assert isinstance(decision, Wait)
    assert "another sell order of this bot" in decision.reason


def test_while_one_side_is_in_the_way_the_other_one_goes_on() -> None:
    sell = an_order(Side.SELL, "31000", is_ours=False)
    decision = decide_on(a_snapshot(open_orders=(sell,)), side_policy="alternate", order_type="market")
    assert isinstance(decision, Place)
    assert decision.intent.side is Side.SELL


def test_an_order_open_for_too_long_is_cancelled() -> None:
    stale, fresh = an_order(Side.BUY, "29000", placed_at=1_699_999_880.0), an_order(Side.BUY, "29100")
    decision = decide_on(a_snapshot(open_orders=(stale, fresh)))
    assert isinstance(decision, Cancel)
    assert decision.orders == (stale,)


@pytest.mark.parametrize(("choice", "decision_type"), [("adopt", Place), ("cancel", Cancel)])
def test_an_order_that_rests_since_before_the_start_stays_or_goes_as_it_was_asked_for(
    choice: str, decision_type: type[Decision]
) -> None:
    before = an_order(Side.BUY, "29940", placed_at=NOW - 20)
    since = an_order(Side.BUY, "29950", placed_at=NOW - 5)
    snapshot = a_snapshot(open_orders=(before, since), running_since=NOW - 10)
    decision = decide_on(snapshot, order_type="limit", open_orders_at_start=choice)
    assert isinstance(decision, decision_type)
    if isinstance(decision, Cancel):
        assert decision.orders == (before,)
        assert "before this start" in decision.reason


def test_an_old_price_is_waited_out() -> None:
    decision = decide_on(a_snapshot(price_age_s=31.0))
    assert isinstance(decision, Wait)
    assert "31 s old" in decision.reason


@pytest.mark.parametrize("mid", ["0.001", "0.005"])
@pytest.mark.parametrize("order_type", ["limit", "market"])
def test_no_order_gets_a_price_of_nothing_below_half_a_tick(mid: str, order_type: str) -> None:
    """Rounded to the tick a buy's price is nothing, and so is a market order's; a limit sell has the first tick."""
    balances = Balances(base_free=Decimal("1e9"), quote_free=Decimal(30_000))
    snapshot = a_snapshot(mid_price=Decimal(mid), balances=balances)
    decision = decide_on(snapshot, side_policy="alternate", order_type=order_type)
    if order_type == "market":
        assert isinstance(decision, Wait)
    else:
        assert isinstance(decision, Place)
        assert (decision.intent.side, decision.intent.price) == (Side.SELL, Decimal("0.01"))


def test_the_last_order_takes_the_remainder_along_and_reaches_the_target() -> None:
    almost = Progress(target_quote=Decimal(2_000), bought_quote=Decimal(1_000), sold_quote=Decimal("997.99"))
    decision = decide_on(a_snapshot(), almost, order_type="market")
    assert isinstance(decision, Place)
    assert Decimal("2.01") < decision.intent.notional <= Decimal("5.3")  # the exchange's smallest order


def test_what_the_balance_cannot_pay_is_cut_off_or_refused() -> None:
    rules, price = a_snapshot().rules, Decimal(30_000)
    assert fit_quantity(Decimal(100), price, Decimal(1_000), rules) == Decimal("0.00333")
    assert fit_quantity(Decimal(100), price, Decimal(1_000), rules, reach=True) == Decimal("0.00334")
    assert fit_quantity(Decimal(100), price, Decimal(50), rules, reach=True) == Decimal("0.00166")
    assert fit_quantity(Decimal(100), price, Decimal("4.99"), rules) is None
