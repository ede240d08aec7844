"""Laws of the share of the market: what an hour may hold, in the size of an order and in the pause after it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import LAW, NOW, Situation, a_snapshot, calm, multiples, placed, ready_situations, some

from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision.guards import participation_an_hour
from octobot_volume_booster.core.decision.policy import Place, Wait
from octobot_volume_booster.core.decision.timing import pacing
from octobot_volume_booster.core.model.basics import Side
from octobot_volume_booster.core.model.snapshot import FuturesAccount
from octobot_volume_booster.core.settings.schema import parse_settings

HOUR_S = 3_600
SHARES = multiples(Decimal("0.01"), 0, 100)
WORTH = Decimal(60_000)


@st.composite
def hours(draw: st.DrawFn) -> tuple[Situation, Decimal]:
    """A market whose volume is known, somewhere in its hour, and what that hour still allows."""
    situation = draw(ready_situations())
    snapshot, chosen = situation.snapshot, situation.settings
    smallest = snapshot.rules.min_order_notional(snapshot.mid_price)
    allowance = some(draw, smallest / 10, 10, 400)
    filled = allowance * draw(SHARES)
    open_here = [allowance * draw(SHARES) / 10 for _ in Side]
    day_volume = allowance * 25 * 100 / chosen.max_participation_percent
    target = allowance * 24
    progress = replace(
        situation.progress,
        target_quote=target,
        bought_quote=Decimal(0),
        sold_quote=Decimal(0),
        # what is open on other markets is no matter of this one
        open_buy_quote=target / 8 + open_here[0],
        open_sell_quote=target / 8 + open_here[1],
        open_buy_here_quote=open_here[0],
        open_sell_here_quote=open_here[1],
    )
    risk_inputs = replace(snapshot.risk_inputs, day_volume_quote=day_volume, hour_filled_quote=filled)
    now = NOW + draw(st.integers(0, HOUR_S))
    situation = replace(situation, snapshot=replace(snapshot, risk_inputs=risk_inputs, now=now), progress=progress)
    return situation, allowance - filled - sum(open_here, Decimal(0))


@LAW
@given(hours())
def test_no_order_is_more_than_what_the_hour_still_allows(hour: tuple[Situation, Decimal]) -> None:
    situation, left = hour
    place = placed(situation.decide())
    assert place.min_order_quote is not None
    # rates are rounded at 28 digits
    assert place.intent.notional <= max(left, place.min_order_quote) * (1 + Decimal("1e-20"))


@LAW
@given(hours())
def test_with_less_left_than_the_smallest_order_it_gives_way_until_the_next_hour(
    hour: tuple[Situation, Decimal],
) -> None:
    situation, left = hour
    assume(left < situation.snapshot.rules.min_order_notional(situation.snapshot.mid_price) * Decimal("0.999"))
    decision = situation.decide()
    assert isinstance(decision, Wait)
    assert "is reached for this hour" in decision.reason
    assert decision.releases_share
    assert decision.delay_s == min(HOUR_S - situation.snapshot.now % HOUR_S, 60)


@LAW
@given(hours())
def test_after_an_order_it_waits_for_as_long_as_its_part_of_the_rest_of_the_hour(
    hour: tuple[Situation, Decimal],
) -> None:
    situation, left = hour
    place = placed(situation.decide())
    usual = placed(replace(situation, snapshot=without_volume(situation)).decide())
    allowance = participation_an_hour(situation.snapshot.risk_inputs.day_volume_quote or Decimal(0), situation.settings)
    used, notional = allowance - left, place.intent.notional
    rest_s = HOUR_S - situation.snapshot.now % HOUR_S
    is_first_half = used + notional <= allowance / 2
    least_s = 0.0 if is_first_half else min(float(notional / left), 1.0) * rest_s
    assert place.delay_s == pytest.approx(max(usual.delay_s, least_s))


def without_volume(situation: Situation):  # type: ignore[no-untyped-def]
    return replace(situation.snapshot, risk_inputs=replace(situation.snapshot.risk_inputs, day_volume_quote=None))


@pytest.mark.parametrize(("filled", "goes_on"), [("394.9", True), ("394.91", False)])
def test_the_last_smallest_order_of_an_hour_is_sent(filled: str, goes_on: bool) -> None:
    """Of 400 an hour; the smallest order is 5.10. Ten seconds before the next hour it waits for those only."""
    risk_inputs = calm(WORTH, day_volume_quote=Decimal("1e5"), hour_filled_quote=Decimal(filled))
    view = a_snapshot(risk_inputs=risk_inputs, now=HOUR_S * 500_000 - 10.0)
    decision = Situation(view, parse_settings({}), Progress(Decimal(2_000)), 1).decide()
    assert isinstance(decision, Place if goes_on else Wait)
    assert decision.delay_s == 10.0


def test_what_a_day_holds_is_never_more_than_the_share_of_its_volume() -> None:
    """24 hours touch 25 hours of the clock."""
    settings = parse_settings({"max_participation_percent": 10})
    assert participation_an_hour(Decimal(25_000), settings) == 100


@pytest.mark.parametrize(
    ("notional", "used", "delay_s"),
    [(10, 40, 0.0), (11, 40, 11 / 60 * 600), (30, 60, 30 / 40 * 600), (50, 60, 600), (1, 100, 600), (1, 120, 600)],
)
def test_half_of_an_hours_share_may_go_at_any_pace(notional: int, used: int, delay_s: float) -> None:
    """At ten minutes to the hour, with a share of 100."""
    now = HOUR_S * 50 - 600.0
    told = pacing.participation_delay(Decimal(notional), now, Decimal(used), Decimal(100))
    assert told == pytest.approx(delay_s)


def test_on_futures_the_hour_bounds_an_order_too() -> None:
    risk_inputs = calm(WORTH, day_volume_quote=Decimal("1e5"), hour_filled_quote=Decimal(350))
    snapshot = a_snapshot(risk_inputs=risk_inputs, futures=FuturesAccount(Decimal(0), Decimal(0), WORTH))
    settings = parse_settings({"min_buy_amount": 140, "min_sell_amount": 140})
    decision = Situation(snapshot, settings, Progress(Decimal(2_000)), 1).decide()
    assert isinstance(decision, Place)
    assert Decimal("49.5") < decision.intent.notional <= 50
