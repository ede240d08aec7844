"""Laws of the plan of quotes, and of the comparison of the ways to the target."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.snapshot import Balances
from octobot_volume_booster.core.planning.market_conditions import Conditions
from octobot_volume_booster.core.planning.planner import estimate
from octobot_volume_booster.core.planning.styles import Comparison, compare
from octobot_volume_booster.core.settings.schema import parse_settings

STEP = Decimal("0.00001")
PLAIN: dict[str, Any] = {"volume_target": 5_000, "order_type": "passive", "deadline": 600}


def conditions(spread_bps: float = 1.0, maker: str = "0.0002", taker: str = "0.0005", **changes: Any) -> Conditions:
    rules = MarketRules(
        "BTC", "USDT", Decimal("0.01"), STEP, STEP, Decimal(5), None, None, Decimal(maker), Decimal(taker)
    )
    met = Conditions(rules, Decimal(60_000), Balances(Decimal(1), Decimal(60_000)), spread_bps, 60.0)
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
