"""Whole campaigns of the deciding core on the local exchange's matching engine, many seeds, on a virtual clock."""

from __future__ import annotations

import dataclasses
import random
from decimal import Decimal

import pytest
from engine_market import engine_campaign

from octobot_volume_booster.core.decision.guards import Halt
from octobot_volume_booster.core.decision.policy import Done
from octobot_volume_booster.offline_exchange.server.market.character import PRESETS
from octobot_volume_booster.offline_exchange.server.market.price_path import MARKETS

pytestmark = [pytest.mark.long, pytest.mark.once]

MOST_LOOKS = 45
GROUPS = 10
SEEDS_A_GROUP = 10
groups = pytest.mark.parametrize("group", range(GROUPS))
LARGE = {"min_buy_amount": 300, "max_buy_amount": 900, "min_sell_amount": 300, "max_sell_amount": 900}
RESTING = {
    **LARGE,
    "volume_target": 3_500,
    "order_type": "limit",
    "price_offset_percent": 0.003,
    "limit_order_timeout": 20,
    "trade_frequency_min": 0.5,
    "trade_frequency_max": 2,
}


def seeds(group: int) -> range:
    return range(group * SEEDS_A_GROUP, (group + 1) * SEEDS_A_GROUP)


@groups
def test_two_sided_campaigns_with_resting_orders_never_trade_with_themselves(group: int) -> None:
    for seed in seeds(group):
        market = engine_campaign(seed, **RESTING)
        decisions = list(market.looks(3_000))
        assert isinstance(decisions[-1], Done), f"seed {seed}: {decisions[-1]}"
        assert (market.engine.self_matches, market.engine.prevented_matches) == (0, 0)
        assert market.progress.filled_quote == _tape(market)


@pytest.mark.parametrize("seed", range(4))
def test_a_mix_of_resting_and_crossing_orders_never_trades_with_itself(seed: int) -> None:
    """The kind of order is changed while orders rest: a market order has to clear its way first."""
    chance = random.Random(seed)
    market = engine_campaign(seed, **RESTING)
    crossed = 0
    for _ in market.looks(3_000):
        kind = chance.choice(("limit", "limit", "market"))
        crossed += kind == "market"
        market.settings = market.settings.model_copy(update={"order_type": type(market.settings.order_type)(kind)})
    assert market.progress.is_done
    assert crossed
    assert (market.engine.self_matches, market.engine.prevented_matches) == (0, 0)


@pytest.mark.parametrize("preset", ["tight", "ordinary", "thin"])
@pytest.mark.parametrize("seed", range(2))
def test_the_defaults_reach_50_000_without_a_halt(seed: int, preset: str) -> None:
    market = engine_campaign(seed, PRESETS[preset].of(MARKETS[0]))
    decisions = list(market.looks(2_000))
    assert isinstance(decisions[-1], Done), decisions[-1]
    assert not [decision for decision in decisions if isinstance(decision, Halt)]
    assert 500 < market.placed < 650


@groups
def test_whatever_the_market_does_the_budget_is_never_passed(group: int) -> None:
    """Markets from quiet to wild, with spreads from one basis point to more than an order may pay."""
    halts = 0
    for seed in seeds(group):
        chance = random.Random(seed)
        spec = dataclasses.replace(
            MARKETS[0],
            annual_volatility=chance.choice((0.2, 1.0, 5.0)),
            spread_bps=chance.choice((1.0, 5.0, 20.0, 40.0)),
            level_median_quote=chance.choice((200.0, 2_000.0)),
        )
        kind = chance.choice(({"order_type": "market"}, RESTING))
        budget = Decimal(chance.randint(1, 6))
        market = engine_campaign(
            seed,
            spec,
            **{**LARGE, **kind, "volume_target": 6_000, "max_cost_quote": budget, "max_cost_bps": 10_000},
        )
        for decision in market.looks(MOST_LOOKS):
            assert market.progress.cost_quote <= budget
            halts += isinstance(decision, Halt)
            if isinstance(decision, Halt):
                break
        assert market.engine.self_matches == 0
    assert halts, "a budget that is never near is no test"


def _tape(market: object) -> Decimal:
    return sum((trade.notional_quote for trade in market.engine.trades), Decimal(0))  # type: ignore[attr-defined]
