"""What a plan assumes of a resting order's fills is what the local exchange does."""

from __future__ import annotations

import pytest

from octobot_volume_booster.core.planning.market_conditions import (
    USUAL_ADVERSE_SELECTION,
    USUAL_ADVERSE_SELECTION_ERROR,
)
from octobot_volume_booster.offline_exchange.server.market.character import DEFAULT
from octobot_volume_booster.offline_exchange.server.market.spec import MARKETS
from tests.bench.adverse_selection import conditions, measure, spec_of


@pytest.mark.long
@pytest.mark.once
@pytest.mark.parametrize("kind", ["limit, at the touch", "passive", "pair"])
def test_the_adverse_selection_that_a_plan_assumes_is_that_of_the_local_exchange(kind: str) -> None:
    """Where it is not any more: `python tests/bench/adverse_selection.py` fits it again."""
    cell = measure(DEFAULT, kind, seeds=1, seconds=300)
    assert len(cell.costs_bps) > 50
    assert abs(cell.adverse_selection - USUAL_ADVERSE_SELECTION) < 3 * USUAL_ADVERSE_SELECTION_ERROR


def test_the_market_that_it_is_fitted_to_is_the_default_of_the_local_exchange() -> None:
    fitted, default = spec_of(DEFAULT), MARKETS[0]
    assert fitted == default


def test_a_resting_order_earns_half_the_spread_at_the_most_and_a_price_that_stands_still_gives_no_more() -> None:
    met = conditions(spec_of("wide"))
    assert met.resting_cost(0.0) == -met.half_spread
    assert met.resting_cost(0.0) < met.resting_cost(0.5) < met.resting_cost(1.0)
    assert "10.00 bps in its favour" not in met.assumption
    assert f"adverse selection {USUAL_ADVERSE_SELECTION:g}" in met.assumption
