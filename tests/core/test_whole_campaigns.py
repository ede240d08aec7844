"""Laws of whole campaigns, played to their end on a fake market."""

from __future__ import annotations

from decimal import Decimal
from itertools import islice

import pytest
from fake_market import FakeMarket, random_campaign

from octobot_volume_booster.core.decision.policy import Done, Place, Wait
from octobot_volume_booster.core.model.basics import Side
from octobot_volume_booster.core.settings.schema import parse_settings

pytestmark = pytest.mark.long

ORDER_TYPES = pytest.mark.parametrize("order_type", ["limit", "market"])


def check_volume_is_within_target(market: FakeMarket) -> None:
    progress = market.progress
    committed = progress.committed_quote(Side.BUY) + progress.committed_quote(Side.SELL)
    assert committed <= progress.target_quote + market.largest_minimum


def check_imbalance(market: FakeMarket) -> None:
    """What is bought more than sold, or sold more than bought: the cap and one order, with a remainder merged in."""
    progress, settings = market.progress, market.settings
    one_order = max(settings.max_buy_amount, settings.max_sell_amount) + market.largest_minimum
    cap = settings.max_position_imbalance * settings.volume_target
    assert abs(progress.bought_quote - progress.sold_quote) <= cap + one_order


@ORDER_TYPES
@pytest.mark.parametrize("seed", range(50))
def test_a_campaign_reaches_its_target_and_passes_it_by_less_than_the_smallest_order(
    seed: int, order_type: str
) -> None:
    market = random_campaign(seed, order_type)
    is_done = False
    for decision in market.looks():
        check_volume_is_within_target(market)
        is_done = isinstance(decision, Done)
    assert is_done, f"not done: {market.progress}"
    assert market.progress.filled_quote >= market.settings.volume_target
    assert not market.resting
    assert market.progress.open_orders == 0


@ORDER_TYPES
@pytest.mark.parametrize("seed", range(20))
def test_the_imbalance_never_passes_its_cap_by_more_than_one_order(seed: int, order_type: str) -> None:
    market = random_campaign(seed, order_type)
    for _ in market.looks():
        check_imbalance(market)


@pytest.mark.parametrize("rarely", Side)
@pytest.mark.parametrize("seed", range(5))
def test_nor_does_it_when_one_side_hardly_ever_fills(seed: int, rarely: Side) -> None:
    """A market that goes one way: what rests on the wrong side is cancelled in the end and evens nothing out."""
    market = random_campaign(seed, "limit", max_open_orders=12, limit_order_timeout=60)
    market.fill_chance = {rarely: 0.01, rarely.opposite: 0.9}
    for _ in islice(market.looks(), 500):
        check_imbalance(market)


def test_settings_below_the_exchanges_minimum_still_reach_the_target() -> None:
    market = random_campaign(3, "market", min_buy_amount="0.01", max_buy_amount="0.02", volume_target=50)
    decisions = list(market.looks())
    assert isinstance(decisions[-1], Done)
    assert all(place.intent.notional >= market.rules.min_notional for place in market.placed)


def test_a_target_below_the_exchanges_minimum_is_one_smallest_order() -> None:
    market = random_campaign(0, "market", volume_target=Decimal("0.5"))
    kinds = [type(decision) for decision in market.looks()]
    assert kinds == [Place, Done]
    assert market.progress.filled_quote <= market.progress.target_quote + market.largest_minimum


def test_while_open_orders_cover_the_target_no_more_are_placed() -> None:
    market = random_campaign(1, "limit", max_open_orders=200, limit_order_timeout=86_400, max_position_imbalance=1)
    market.fill_chance = {Side.BUY: 0.0, Side.SELL: 0.0}
    *_, last = islice(market.looks(), 500)
    assert isinstance(last, Wait)
    assert "cover the rest of the target" in last.reason
    check_volume_is_within_target(market)


def test_a_campaign_that_is_switched_off_places_nothing() -> None:
    market = random_campaign(1, "market")
    market.settings = parse_settings({"enable_volume_booster": False})
    decision = next(market.looks())
    assert isinstance(decision, Wait)
    assert "enable_volume_booster" in decision.reason
