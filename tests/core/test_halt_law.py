"""The law of real funds: whatever else is to be seen, none is traded."""

from __future__ import annotations

import random
from decimal import Decimal

from hypothesis import given
from strategies import LAW, PLAY_MONEY, Situation, a_snapshot, an_order, situations

from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision.guards import LOCKS, Halt, first_halt
from octobot_volume_booster.core.decision.policy import decide
from octobot_volume_booster.core.model.basics import Side, Trading
from octobot_volume_booster.core.settings.schema import parse_settings


@LAW
@given(situations(trading=(Trading.LIVE,)))
def test_with_real_funds_every_decision_is_to_halt(situation: Situation) -> None:
    decision = situation.decide()
    assert isinstance(decision, Halt)
    assert situation.snapshot.exchange in decision.reason


def test_nothing_goes_before_the_halt() -> None:
    """Not a reached target, not a campaign that is switched off, not an order that is due to be cancelled."""
    snapshot = a_snapshot(
        trading=Trading.LIVE, price_age_s=1e9, open_orders=(an_order(Side.BUY, "29000", placed_at=0.0),)
    )
    reached = Progress(target_quote=Decimal(100), bought_quote=Decimal(100))
    for enabled in (True, False):
        settings = parse_settings({"enable_volume_booster": enabled})
        assert isinstance(decide(Situation(snapshot, settings, reached), random.Random(1)), Halt)


@LAW
@given(situations(trading=PLAY_MONEY, max_cost_bps=10_000, max_slippage_bps=100))
def test_with_play_money_no_guard_halts(situation: Situation) -> None:
    assert first_halt(LOCKS, situation) is None
    assert not isinstance(situation.decide(), Halt)
