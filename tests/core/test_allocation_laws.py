"""Laws of sharing a campaign out over its markets."""

from __future__ import annotations

import decimal
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import LAW, YES_OR_NO

from octobot_volume_booster.core.allocation import MarketState, allocation_of
from octobot_volume_booster.core.market import Side
from octobot_volume_booster.core.settings import Settings, parse_settings

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
