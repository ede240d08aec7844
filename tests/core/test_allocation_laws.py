"""Laws of sharing a campaign out over its markets."""

from __future__ import annotations

import decimal
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import LAW, YES_OR_NO

from octobot_volume_booster.core.decision.allocation import Allocation, MarketState, allocation_of, weight_of
from octobot_volume_booster.core.model.basics import Side
from octobot_volume_booster.core.settings.schema import Settings, parse_settings

TARGET = Decimal(1_000)
CENT = Decimal("0.01")
PAIRS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT")
WEIGHTS = st.integers(0, 5).map(Decimal)
MINIMUMS = st.sampled_from([Decimal(one) for one in ("1", "5", "10", "25")])


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[MarketState], Settings]:
    """Some markets, somewhere on the way to the target."""
    exchanges = draw(st.sampled_from((("binance",), ("binance", "kraken"))))
    states = [
        MarketState(
            (exchange, pair),
            committed_quote=Decimal(draw(st.integers(0, 300))),
            min_order_quote=draw(MINIMUMS),
            is_able=draw(YES_OR_NO),
            cost_bps=draw(st.none() | st.integers(1, 30).map(Decimal)),
        )
        for exchange in exchanges
        for pair in PAIRS[: draw(st.integers(1, 4))]
    ]
    weights = {pair: draw(WEIGHTS) for pair in PAIRS}
    assume(any(weights[state.market[1]] for state in states))
    chosen: dict[str, Any] = {"share_by": draw(st.sampled_from(("even", "weights", "cost"))), "share_weights": weights}
    return states, parse_settings(chosen)


def headroom_of(states: list[MarketState]) -> Decimal:
    return max(TARGET - sum((state.committed_quote for state in states), Decimal(0)), Decimal(0))


def traded(state: MarketState, settings: Settings) -> bool:
    return dict(settings.share_weights)[state.market[1]] > 0


@LAW
@given(worlds())
def test_no_portion_is_more_than_the_headroom_and_none_is_below_zero(world: tuple[list[MarketState], Settings]) -> None:
    states, settings = world
    headroom = headroom_of(states)
    for state in states:
        allocation = allocation_of(state.market, states, headroom, settings)
        assert 0 <= allocation.headroom_quote <= headroom
        assert allocation.pace >= 1
        assert allocation.headroom_quote or allocation.reason or not headroom
        assert traded(state, settings) or not allocation.headroom_quote


@LAW
@given(worlds())
def test_the_portions_of_all_that_can_trade_are_the_headroom_where_they_have_quotas(
    world: tuple[list[MarketState], Settings],
) -> None:
    states, settings = world
    settings = settings.model_copy(update={"share_by": parse_settings({"share_by": "weights"}).share_by})
    headroom = headroom_of(states)
    able = [state for state in states if state.is_able and traded(state, settings)]
    assume(able)
    portions = {state.market: allocation_of(state.market, states, headroom, settings).headroom_quote for state in able}
    assert abs(sum(portions.values()) - headroom) < Decimal("1e-20")
    least = {state.market: state.min_order_quote for state in able}
    small = [market for market, allocation in portions.items() if 0 < allocation < least[market]]
    assert not small or (len(small) == 1 and portions[small[0]] == headroom), "only the last order may be a small one"


@LAW
@given(worlds())
def test_somebody_may_always_go_on(world: tuple[list[MarketState], Settings]) -> None:
    states, settings = world
    headroom = headroom_of(states)
    assume(headroom > 0)
    asked = [state for state in states if state.is_able and traded(state, settings)]
    asked = asked or [state for state in states if traded(state, settings)]
    assert any(allocation_of(state.market, states, headroom, settings).headroom_quote > 0 for state in asked)


@LAW
@given(worlds(), st.randoms(use_true_random=False))
def test_orders_of_any_size_within_the_portions_end_at_the_target_with_the_shares_that_are_set(
    world: tuple[list[MarketState], Settings], chance: Any
) -> None:
    """Played to the end: every market fills what it may, in any order and in any pieces."""
    states, settings = world
    settings = settings.model_copy(update={"share_by": parse_settings({"share_by": "weights"}).share_by})
    states = [replace(state, committed_quote=Decimal(0), is_able=True) for state in states if traded(state, settings)]
    for _ in range(1_000):
        headroom = headroom_of(states)
        if headroom <= 0:
            break
        number = chance.randrange(len(states))
        state = states[number]
        allocation = allocation_of(state.market, states, headroom, settings).headroom_quote
        if allocation <= 0:
            continue
        order = max(Decimal(chance.randint(20, 60)), state.min_order_quote)
        order = max(allocation, state.min_order_quote) if allocation - order < state.min_order_quote else order
        order = order.quantize(CENT, decimal.ROUND_CEILING)
        states[number] = replace(state, committed_quote=state.committed_quote + order)
    filled = sum(state.committed_quote for state in states)
    largest_minimum = max(state.min_order_quote for state in states)
    assert TARGET <= filled < TARGET + largest_minimum
    weights = {state.market: dict(settings.share_weights)[state.market[1]] for state in states}
    for state in states:
        share = TARGET * weights[state.market] / sum(weights.values())
        assert abs(state.committed_quote - share) <= largest_minimum * len(states)


def two(**settings: Any) -> tuple[list[MarketState], Settings]:
    states = [MarketState(("binance", "BTC/USDT")), MarketState(("kraken", "BTC/USDT"))]
    return states, parse_settings(settings)


def test_the_exchange_that_comes_first_is_used_while_it_can_take_orders() -> None:
    states, settings = two(exchange_priority="kraken")
    assert allocation_of(states[1].market, states, TARGET, settings).headroom_quote == TARGET
    other = allocation_of(states[0].market, states, TARGET, settings)
    assert other.headroom_quote == 0
    assert "kraken comes first by exchange_priority" in other.reason
    down = [states[0], replace(states[1], is_able=False)]
    assert allocation_of(states[0].market, down, TARGET, settings).headroom_quote == TARGET


def test_a_full_day_gives_the_rest_to_the_other_exchange() -> None:
    states, settings = two(max_daily_quote="binance = 100")
    states[0] = replace(states[0], committed_quote=Decimal(95), day_committed_quote=Decimal(95))
    states[0] = replace(states[0], min_order_quote=Decimal(10))
    full = allocation_of(states[0].market, states, TARGET - 95, settings)
    assert (full.headroom_quote, full.reason) == (0, "max_daily_quote of binance, 100, is reached until 00:00 UTC")
    assert allocation_of(states[1].market, states, TARGET - 95, settings).headroom_quote == TARGET - 95


def test_what_a_day_still_allows_is_a_cap() -> None:
    states, settings = two(max_daily_quote="binance = 100")
    allocation = allocation_of(states[0].market, states, TARGET, settings)
    assert (allocation.headroom_quote, allocation.is_a_cap) == (100, True)


def test_by_cost_the_cheapest_is_the_busiest_by_as_much_as_the_floor_leaves() -> None:
    states, settings = two(share_by="cost", min_share_percent=5)
    states = [replace(states[0], cost_bps=Decimal(10)), replace(states[1], cost_bps=Decimal(12))]
    paces = [allocation_of(state.market, states, TARGET, settings).pace for state in states]
    assert paces == [1, 19]


def test_the_weights_are_kept_on_the_way_by_longer_pauses() -> None:
    states, settings = two(share_by="weights", share_weights="binance = 3")
    paces = [allocation_of(state.market, states, TARGET, settings).pace for state in states]
    assert paces == [1, 3]


def priced(state: MarketState, buy: str, sell: str) -> MarketState:
    return replace(state, buy_price=Decimal(buy), sell_price=Decimal(sell))


def test_across_exchanges_it_buys_where_that_is_cheaper_and_sells_on_the_other() -> None:
    states, settings = two(match_across_exchanges=True)
    states = [priced(states[0], "100.1", "99.9"), priced(states[1], "100.3", "100.1")]
    sides = [allocation_of(state.market, states, TARGET, settings).side for state in states]
    assert sides == [Side.BUY, Side.SELL]
    off = [allocation_of(state.market, states, TARGET, parse_settings({})).side for state in states]
    assert off == [None, None]


def test_a_hair_is_no_reason_to_prefer_a_side() -> None:
    states, settings = two(match_across_exchanges=True)
    states = [priced(states[0], "100.100", "99.900"), priced(states[1], "100.101", "99.901")]
    assert allocation_of(states[0].market, states, TARGET, settings).side is None


def market(exchange: str, **changes: Any) -> MarketState:
    return MarketState((exchange, "BTC/USDT"), **{name: Decimal(value) for name, value in changes.items()})


def portions(states: list[MarketState], headroom: Any = TARGET, **chosen: Any) -> list[Any]:
    settings = parse_settings(chosen)
    return [allocation_of(state.market, states, Decimal(headroom), settings) for state in states]


@pytest.mark.parametrize(
    ("filled", "least", "left"), [(90, 10, 10), (91, 10, 0), (100, 0, 0), (99, 0, 1), (120, 10, 0), (0, 10, 100)]
)
def test_a_day_may_be_filled_with_its_last_smallest_order_and_no_further(filled: int, least: int, left: int) -> None:
    mine = market("binance", day_committed_quote=filled, min_order_quote=least)
    elsewhere = market("kraken", day_committed_quote=500)
    allocation, _ = portions([mine, elsewhere], max_daily_quote="binance = 100", target_scope="pair")
    assert (allocation.headroom_quote, allocation.is_a_cap) == (left, True)
    assert ("is reached until 00:00 UTC" in allocation.reason) == (left == 0)


def test_what_all_pairs_of_an_exchange_have_filled_counts_for_its_day() -> None:
    pairs = [replace(market("binance", day_committed_quote=40), market=("binance", pair)) for pair in PAIRS[:2]]
    first, _ = portions(pairs, max_daily_quote="binance = 100", target_scope="pair")
    assert first.headroom_quote == 20


@pytest.mark.parametrize(("target", "is_a_cap"), [(99, False), (100, False), (101, True)])
def test_only_a_day_that_allows_less_than_the_target_is_a_cap(target: int, is_a_cap: bool) -> None:
    """Where both are the same the last order may reach the target, as it may without a cap."""
    (allocation,) = portions([market("binance")], target, max_daily_quote="binance = 100")
    assert (allocation.headroom_quote, allocation.is_a_cap) == (min(target, 100), is_a_cap)


@pytest.mark.parametrize(
    ("day", "least", "first"), [(90, 10, "kraken"), (91, 10, "binance"), (99, 0, "kraken"), (100, 0, "binance")]
)
def test_an_exchange_that_comes_first_is_passed_over_once_its_day_holds_no_order(
    day: int, least: int, first: str
) -> None:
    states = [market("binance"), market("kraken", day_committed_quote=day, min_order_quote=least)]
    chosen = {"exchange_priority": "kraken", "max_daily_quote": "kraken = 100"}
    binance, kraken = portions(states, **chosen)
    assert (binance.headroom_quote > 0) == (first == "binance")
    assert (kraken.headroom_quote > 0) == (first == "kraken")


def test_each_pair_has_all_of_a_target_that_is_for_each_pair() -> None:
    states = [market("binance"), market("kraken")]
    assert [allocation.headroom_quote for allocation in portions(states, 70, target_scope="pair")] == [70, 70]


@pytest.mark.parametrize(("share_by", "weight"), [("weights", 3), ("even", 1), ("cost", 1)])
def test_weights_count_only_where_it_is_shared_by_them_and_nothing_is_nothing_everywhere(
    share_by: str, weight: int
) -> None:
    settings = parse_settings({"share_by": share_by, "share_weights": "binance = 3, kraken = 0"})
    assert weight_of(("binance", "BTC/USDT"), settings) == weight
    assert weight_of(("kraken", "BTC/USDT"), settings) == 0
    assert weight_of(("other", "BTC/USDT"), settings) == 1
    states = [market("binance"), market("kraken")]
    mine, nothing = portions(states, share_by=share_by, share_weights="binance = 3, kraken = 0")
    assert mine.headroom_quote == TARGET
    assert nothing.headroom_quote == 0
    assert "share_weights gives nothing to kraken BTC/USDT" in nothing.reason


def test_a_need_below_the_smallest_order_goes_to_the_market_that_needs_most() -> None:
    """20 each are needed: of equal needs the one with the smaller order has them all."""
    states = [market("binance", min_order_quote=25), market("kraken", min_order_quote=21)]
    binance, kraken = portions(states, 40)
    assert (binance.headroom_quote, kraken.headroom_quote) == (0, 40)
    assert kraken.pace == 1
    assert "binance BTC/USDT has its share" in binance.reason


@pytest.mark.parametrize(("least", "shares"), [(20, [20, 20]), (21, [40, 0])])
def test_a_need_of_just_the_smallest_order_is_kept(least: int, shares: list[int]) -> None:
    states = [market("binance", min_order_quote=5), market("kraken", min_order_quote=least)]
    assert [allocation.headroom_quote for allocation in portions(states, 40)] == shares


def test_who_has_more_than_the_quota_keeps_it_and_the_others_share_the_rest() -> None:
    states = [market("a", committed_quote=500), market("b", committed_quote=100), market("c")]
    assert [allocation.headroom_quote for allocation in portions(states, 300)] == [0, 100, 200]
    assert [allocation.pace for allocation in portions(states, 300)] == [1, 2, 1]


def test_also_who_has_hardly_more_than_the_quota_keeps_it() -> None:
    """51.5 of 152.5 are more than a third: the others have 50.5 each in the end."""
    states = [market("a", committed_quote="51.5"), market("b", committed_quote=50), market("c", committed_quote=50)]
    half = Decimal("0.5")
    assert [allocation.headroom_quote for allocation in portions(states, 1)] == [0, half, half]


def test_with_less_than_nothing_left_nobody_has_a_portion() -> None:
    for allocation in portions([market("a", committed_quote=50), market("b", committed_quote=60)], -5):
        assert allocation.headroom_quote == 0
        assert "has its share" in allocation.reason


def test_a_market_without_a_weight_is_neither_first_nor_the_cheapest() -> None:
    states = [market("a", cost_bps=2), market("b", cost_bps=1), market("c", cost_bps=3)]
    by_cost = portions(states, share_by="cost", share_weights="b = 0")
    assert [allocation.pace > 1 for allocation in by_cost] == [False, False, True]
    first = portions(states, exchange_priority="b, a", share_weights="b = 0")
    assert [allocation.headroom_quote for allocation in first] == [TARGET, 0, 0]


def test_what_is_not_known_of_a_market_is_nothing() -> None:
    state, allocation = MarketState(("a", "BTC/USDT")), Allocation(TARGET)
    amounts = state.committed_quote, state.day_committed_quote, state.min_order_quote, state.fee_rate
    assert (*amounts, allocation.highest_fee_rate) == (0, 0, 0, 0, 0)
    assert (allocation.pace, allocation.is_a_cap, allocation.side) == (1, False, None)


def test_pauses_are_at_most_fifty_times_longer() -> None:
    states = [market("a"), market("b", committed_quote=9_900)]
    few = portions(states, 10_000)
    assert [allocation.headroom_quote for allocation in few] == [9_950, 50]
    assert [allocation.pace for allocation in few] == [1, 50]
    states = [market("a", cost_bps=1), market("b", cost_bps=2)]
    assert [allocation.pace for allocation in portions(states, share_by="cost", min_share_percent=1)] == [1, 50]


def test_by_cost_each_of_the_others_has_the_floor_and_the_cheapest_the_rest() -> None:
    states = [market("a", cost_bps=3), market("b", cost_bps=2), market("c", cost_bps=4)]
    told = portions(states, share_by="cost", min_share_percent=20)
    assert [allocation.pace for allocation in told] == pytest.approx([3, 1, 3])  # 20 % each, and 60 %
    assert {allocation.headroom_quote for allocation in told} == {TARGET}
    told = portions(states, share_by="cost", min_share_percent=90)  # no more than a third each
    assert [allocation.pace for allocation in told] == pytest.approx([1, 1, 1])


def test_by_cost_one_that_is_not_known_yet_is_found_out_about_first_and_of_equal_ones_the_first_by_name() -> None:
    states = [market("b", cost_bps=1), MarketState(("c", "BTC/USDT")), market("a", cost_bps=1)]
    paces = [allocation.pace > 1 for allocation in portions(states, share_by="cost")]
    assert paces == [True, False, True]
    equal = [market("b", cost_bps=1), market("a", cost_bps=1)]
    assert [allocation.pace > 1 for allocation in portions(equal, share_by="cost")] == [True, False]


def test_the_highest_fee_of_all_markets_is_told_to_each() -> None:
    states = [market("a", fee_rate="0.001"), market("b", fee_rate="0.003"), market("c", fee_rate="0.002")]
    assert {allocation.highest_fee_rate for allocation in portions(states)} == {Decimal("0.003")}


@pytest.mark.parametrize(
    ("missing", "of"),
    [("buy_price", 0), ("sell_price", 0), ("buy_price", 1), ("sell_price", 1), ("is_able", 1), ("market", 1)],
)
def test_without_a_price_on_both_exchanges_no_side_is_better(missing: str, of: int) -> None:
    states = [priced(market("a"), "100.1", "99.9"), priced(market("b"), "100.3", "100.1")]
    assert [allocation.side for allocation in portions(states, match_across_exchanges=True)] == [Side.BUY, Side.SELL]
    absent = {"is_able": False, "market": ("b", "ETH/USDT")}.get(missing)
    states[of] = replace(states[of], **{missing: absent})
    assert portions(states, match_across_exchanges=True)[0].side is None


@pytest.mark.parametrize(("buy", "side"), [("100.01", Side.BUY), ("100.0099", None)])
def test_a_side_is_better_from_one_basis_point_on(buy: str, side: Side | None) -> None:
    states = [priced(market("a"), "100", "99"), priced(market("b"), buy, "99.5")]
    assert portions(states, match_across_exchanges=True)[0].side is side


def test_of_several_exchanges_the_best_one_is_what_has_to_be_beaten() -> None:
    states = [priced(market("a"), "100", "99"), priced(market("b"), "101", "98"), priced(market("c"), "99", "98.5")]
    sides = [allocation.side for allocation in portions(states, match_across_exchanges=True)]
    assert sides == [Side.SELL, None, Side.BUY]
    states[1] = priced(market("b"), "101", "99.5")
    assert portions(states, match_across_exchanges=True)[0].side is None
    states[1] = market("b")  # no book of it is read
    sides = [allocation.side for allocation in portions(states, match_across_exchanges=True)]
    assert sides == [Side.SELL, None, Side.BUY]
