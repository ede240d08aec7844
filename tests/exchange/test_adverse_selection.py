"""What a plan assumes of a resting order's fills is what the local exchange does."""

from __future__ import annotations

import pytest

from octobot_volume_booster.core.planning.market_conditions import (
    USUAL_ADVERSE_SELECTION,
    USUAL_ADVERSE_SELECTION_ERROR,
)
from tests.bench.adverse_selection import DEFAULT_SPREAD_BPS, conditions, measure


@pytest.mark.long
@pytest.mark.parametrize("offset_percent", ["0", "0.02"])
def test_the_adverse_selection_that_a_plan_assumes_is_that_of_the_local_exchange(offset_percent: str) -> None:
    """Where it is not any more: `python tests/bench/adverse_selection.py` fits it again."""
    cell = measure(DEFAULT_SPREAD_BPS, offset_percent, seeds=1, minutes=20)
    assert len(cell.costs_bps) > 50
    assert abs(cell.adverse_selection - USUAL_ADVERSE_SELECTION) < 3 * USUAL_ADVERSE_SELECTION_ERROR


def test_a_resting_order_earns_half_the_spread_at_the_most_and_a_price_that_stands_still_gives_no_more() -> None:
    met = conditions(20.0)
    assert met.resting_cost(0.0) == -met.half_spread
    assert met.resting_cost(0.0) < met.resting_cost(0.5) < met.resting_cost(1.0)
    assert "10.00 bps in its favour" not in met.assumption and "adverse selection 0.45" in met.assumption
