"""Laws of the plan of quotes, and of the comparison of the ways to the target."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.snapshot import Balances
from octobot_volume_booster.core.planning.market_conditions import (
    USUAL_ADVERSE_SELECTION,
    USUAL_ADVERSE_SELECTION_ERROR,
    Conditions,
)
from octobot_volume_booster.core.planning.planner import estimate
from octobot_volume_booster.core.planning.styles import Comparison, compare
from octobot_volume_booster.core.settings.schema import parse_settings

STEP = Decimal("0.00001")
PLAIN: dict[str, Any] = {"volume_target": 5_000, "order_type": "passive", "deadline": 600}


def conditions(spread_bps: float = 1.0, maker: str = "0.0002", taker: str = "0.0005", **changes: Any) -> Conditions:
    rules = MarketRules(
        "BTC", "USDT", Decimal("0.01"), STEP, STEP, Decimal(5), None, None, Decimal(maker), Decimal(taker)
    )
    balances = Balances(Decimal(1), Decimal(60_000))
    met = Conditions(rules, Decimal(60_000), balances, spread_bps, 60.0, depth_quote=5_000.0)
    return replace(met, **changes)


def compared(met: Conditions, **changes: Any) -> Comparison:
    return compare(parse_settings(PLAIN | changes), met)


def test_the_styles_are_those_of_the_contract_and_the_same_each_time() -> None:
    told = compared(conditions()).to_json()
    assert list(told["styles"]) == ["market", "limit", "passive", "pair"]
    assert set(told) == {"styles", "recommended", "because"}
    for style in told["styles"].values():
        assert {"cost_bps", "duration_s", "chance_of_deadline"} <= set(style)
    assert told == compared(conditions()).to_json()


@pytest.mark.parametrize(
    ("met", "recommended"),
    [
        (conditions(1.0, "0.001", "0.001"), "market"),
        (conditions(1.0, "0.0002", "0.0005"), "passive"),
        (conditions(20.0, "0.001", "0.001"), "passive"),
        (conditions(0.1, "0.0005", "0.0005", volatility_percent=200.0), "market"),
    ],
)
def test_it_recommends_resting_only_where_that_is_cheaper_and_in_time(met: Conditions, recommended: str) -> None:
    told = compared(met)
    assert told.recommended == recommended
    assert "half the spread" in told.because
    best, market = told.styles[recommended], told.styles["market"]
    assert best.cost_bps <= market.cost_bps
    assert best.chance_of_deadline == 1


def test_a_passive_plan_keeps_its_deadline_and_takes_what_a_thin_market_does_not_fill() -> None:
    thin = conditions(prints_per_second=0.02)
    plan = estimate(parse_settings(PLAIN), thin)
    assert plan.is_feasible
    assert 500 < plan.duration_s.expected <= 612
    assert 0.05 < plan.maker_share < 0.9
    busy = estimate(parse_settings(PLAIN), conditions(prints_per_second=5.0))
    assert busy.duration_s.expected < plan.duration_s.expected
    assert busy.maker_share > 0.99


@pytest.mark.parametrize(
    ("changes", "met", "nearest"),
    [
        ({"max_taker_percent": 0}, conditions(prints_per_second=0.02), "max_taker_percent"),
        ({"max_slippage_bps": 2}, conditions(20.0, prints_per_second=0.02), "max_slippage_bps"),
    ],
)
def test_a_deadline_that_can_not_be_kept_is_refused_with_what_would_keep_it(
    changes: dict[str, Any], met: Conditions, nearest: str
) -> None:
    plan = estimate(parse_settings(PLAIN | changes), met)
    assert any("the deadline of 600 s" in problem.sentence for problem in plan.problems)
    assert any(nearest in problem.nearest for problem in plan.problems)


def test_a_deadline_that_is_asked_for_is_the_schedule_of_a_passive_plan() -> None:
    settings = parse_settings(PLAIN | {"deadline": None})
    slow = conditions(prints_per_second=0.01)
    assert estimate(settings, slow, deadline_s=300).duration_s.expected <= 306
    assert estimate(settings, slow, deadline_s=900).duration_s.expected > 600


@pytest.mark.parametrize("order_type", ["limit", "passive", "pair"])
@pytest.mark.parametrize("spread_bps", [1.0, 20.0])
def test_no_plan_promises_a_gain_that_the_market_does_not_give(order_type: str, spread_bps: float) -> None:
    """What rests costs what `Conditions` assumes of it, whichever the style."""
    met = conditions(spread_bps, maker="0", prints_per_second=5.0)
    chosen = PLAIN | {"order_type": order_type, "price_offset_percent": spread_bps / 200, "deadline": 3_600}
    plan = estimate(parse_settings(chosen | {"volume_target": 2_000, "max_taker_percent": 0}), met)
    assert plan.maker_share == 1
    expected, volume = float(plan.spread_quote.expected), 2_000
    assumed = met.resting_cost(USUAL_ADVERSE_SELECTION) * volume
    one_error = USUAL_ADVERSE_SELECTION_ERROR * (2 * met.half_spread + met.step_beyond) * volume
    assert expected == pytest.approx(assumed, abs=max(one_error / 4, 0.01))
    assert float(plan.spread_quote.low) >= -met.half_spread * volume - 3 * met.deviation_per_root_second * volume
    assert plan.assumptions == (met.assumption,)


@pytest.mark.parametrize("order_type", ["limit", "passive", "pair"])
def test_whatever_is_assumed_no_plan_promises_more_than_half_the_spread(order_type: str) -> None:
    met = conditions(20.0, prints_per_second=5.0, adverse_selection=-5.0)
    chosen = {"volume_target": 2_000, "order_type": order_type, "price_offset_percent": 0.1}
    plan = estimate(parse_settings(chosen), met)
    assert float(plan.spread_quote.expected) >= -met.half_spread * 2_000 * 1.02


def test_what_is_recommended_costs_what_its_plan_says() -> None:
    """One measure: fees, and fills against the mid at the fill."""
    met = conditions(5.0, prints_per_second=0.3)
    told = compared(met).styles
    for name in ("market", "passive"):
        plan = estimate(parse_settings(PLAIN | {"order_type": name}), met)
        assert told[name].cost_bps == pytest.approx(float(plan.cost_bps.expected), abs=0.1)
