"""Laws of funding and liquidation: who pays, how near it is, and on which side of zero."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW, Situation, a_snapshot, multiples

from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision.futures_guards import (
    funding_bps,
    funding_rate,
    futures_gauges,
    liquidation,
    liquidation_percent,
    position_sentence,
)
from octobot_volume_booster.core.model.snapshot import FuturesAccount, MarketSnapshot
from octobot_volume_booster.core.settings.schema import parse_settings

DEFAULTS, START = parse_settings({}), Progress(target_quote=Decimal(50_000))
WORTH = Decimal(30_000)
RATES = multiples(Decimal("0.00001"), -500, 500)
HELD = multiples(Decimal("0.01"), -500, 500)


def holding(net: Any, **changes: Any) -> MarketSnapshot:
    account = FuturesAccount(Decimal(net), Decimal(net), WORTH)
    return a_snapshot(futures=replace(account, **changes))


@LAW
@given(HELD, RATES)
def test_what_longs_pay_shorts_are_paid(net: Decimal, rate: Decimal) -> None:
    paid = funding_bps(holding(net, funding_rate=rate))
    assert paid is not None
    if net:
        assert paid * net / abs(net) == rate * 10_000
        assert funding_bps(holding(-net, funding_rate=rate)) == -paid
    else:
        assert paid == abs(rate) * 10_000


@pytest.mark.parametrize(
    ("net", "rate", "paid"),
    [("1", "0.001", 10), ("1", "-0.001", -10), ("-1", "0.001", -10), ("-1", "-0.001", 10), ("0", "-0.001", 10)],
)
def test_a_long_pays_a_rate_above_zero_and_a_short_one_below(net: str, rate: str, paid: int) -> None:
    assert funding_bps(holding(net, funding_rate=Decimal(rate))) == paid


@pytest.mark.parametrize(
    ("net", "rate", "halts"),
    [("1", "0.001", False), ("1", "0.00101", True), ("1", "-0.002", False), ("-1", "-0.00101", True),
     ("-1", "0.002", False), ("0", "0.00101", True), ("0", "-0.00101", True)],
)  # fmt: skip
def test_only_the_side_that_pays_too_much_halts(net: str, rate: str, halts: bool) -> None:
    halt = funding_rate(Situation(holding(net, funding_rate=Decimal(rate)), DEFAULTS, START))
    assert (halt is not None) == halts
    assert halt is None or halt.is_lasting


@LAW
@given(HELD.filter(bool), multiples(Decimal("0.1"), 1, 999))
def test_the_distance_to_the_liquidation_is_down_for_a_long_and_up_for_a_short(net: Decimal, percent: Decimal) -> None:
    snapshot = holding(net)
    away = snapshot.mid_price * percent / 100
    at = snapshot.mid_price - away if net > 0 else snapshot.mid_price + away
    beyond = snapshot.mid_price + away if net > 0 else snapshot.mid_price - away
    assert liquidation_percent(holding(net, liquidation_price=at)) == percent
    assert liquidation_percent(holding(net, liquidation_price=beyond)) == 0


@pytest.mark.parametrize(
    ("net", "price", "halts"),
    [("1", "28500", False), ("1", "28500.1", True), ("1", "31000", True), ("-1", "31500", False),
     ("-1", "31499.9", True), ("-1", "29000", True), ("0", "30000", False)],
)  # fmt: skip
def test_a_position_nearer_than_the_least_distance_halts(net: str, price: str, halts: bool) -> None:
    halt = liquidation(Situation(holding(net, liquidation_price=Decimal(price)), DEFAULTS, START))
    assert (halt is not None) == halts
    assert halt is None or halt.is_lasting


def test_where_nobody_tells_there_is_nothing_to_halt_for() -> None:
    for snapshot in (a_snapshot(), holding(1)):
        assert (funding_bps(snapshot), liquidation_percent(snapshot)) == (None, None)
        assert funding_rate(Situation(snapshot, DEFAULTS, START)) is None
        assert liquidation(Situation(snapshot, DEFAULTS, START)) is None
        assert futures_gauges(snapshot, DEFAULTS) == ()


def test_a_position_is_told_with_how_near_its_guards_are() -> None:
    snapshot = holding("-1.5", funding_rate=Decimal("-0.0002"), liquidation_price=Decimal(33_000), leverage=Decimal(3))
    funding, distance = futures_gauges(snapshot, DEFAULTS)
    assert (funding.guard, funding.value, funding.limit, funding.unit) == ("funding_rate", 2.0, 10.0, "bps")
    assert (distance.guard, distance.value, distance.limit, distance.unit) == ("liquidation", 10.0, 5.0, "% away")
    told = "Position -1.5 at leverage 3, funding rate 2/10 bps, liquidation 10/5 % away"
    assert position_sentence(snapshot, DEFAULTS) == told
    assert position_sentence(a_snapshot(), DEFAULTS) == ""


@LAW
@given(HELD, st.none() | RATES, st.none() | multiples(Decimal(1_000), 1, 60))
def test_a_guard_halts_exactly_when_its_gauge_is_past_its_limit(
    net: Decimal, rate: Decimal | None, price: Decimal | None
) -> None:
    snapshot = holding(net, funding_rate=rate, liquidation_price=price)
    gauges = {gauge.guard: gauge for gauge in futures_gauges(snapshot, DEFAULTS)}
    funding, distance = gauges.get("funding_rate"), gauges.get("liquidation")
    is_dear = funding is not None and funding.value > funding.limit
    is_near = distance is not None and distance.value < distance.limit
    assert (funding_rate(Situation(snapshot, DEFAULTS, START)) is not None) == is_dear
    assert (liquidation(Situation(snapshot, DEFAULTS, START)) is not None) == is_near
