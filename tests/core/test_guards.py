"""Each guard: the state that trips it, what it says, and the state just before, which does not."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from strategies import Situation, a_snapshot, an_order, calm

from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.accounting.tallies import GuardBaseline
from octobot_volume_booster.core.decision.guards import (
    GUARDS,
    LOCKS,
    ORDER_GUARDS,
    WASH_TRADING_NOTICE,
    Guard,
    Halt,
    OrderGuard,
    gauges,
    position_size,
    worst_cost,
)
from octobot_volume_booster.core.decision.policy import Cancel, Done, Place, Wait, decide
from octobot_volume_booster.core.model.basics import OrderType, Side, Trading
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.orders import OrderIntent
from octobot_volume_booster.core.model.snapshot import Equity, FuturesAccount, Level, MarketSnapshot, RiskInputs
from octobot_volume_booster.core.settings.schema import parse_settings

START = Progress(target_quote=Decimal(50_000))
WORTH = Decimal(60_000)
REAL = calm(WORTH, is_real_trading_allowed=True, day_volume_quote=Decimal("1e9"))


def equity(now: Any = WORTH, day: Any = WORTH, peak: Any = WORTH, drift: Any = 0) -> RiskInputs:
    return RiskInputs(Equity(Decimal(now), Decimal(day), Decimal(peak), Decimal(drift)))


def futures(**changes: Any) -> FuturesAccount:
    """Long 1 BTC of one's own, with margin for as much again."""
    return replace(FuturesAccount(Decimal(1), Decimal(1), Decimal(30_000)), **changes)


def filled(amount: Any, cost: Any = 0, **changes: Any) -> Progress:
    """So much bought and sold, half each, at so much of fees."""
    half = Decimal(amount) / 2
    return replace(START, bought_quote=half, sold_quote=half, fees_quote=Decimal(cost), fills=20, **changes)


@dataclass(frozen=True)
class Row:
    """A guard, what trips it, what just does not, and words of its reason."""

    guard: str
    trips: dict[str, Any]
    holds: dict[str, Any]
    reason: str
    settings: dict[str, Any] = field(default_factory=dict)

    def decide(self, case: dict[str, Any]) -> Any:
        snapshot = a_snapshot(risk_inputs=case.get("risk_inputs", calm(WORTH)), **case.get("snapshot", {}))
        settings = parse_settings(self.settings | case.get("settings", {}))
        return decide(Situation(snapshot, settings, case.get("progress", START)), random.Random(7))


TABLE = [
    Row(
        "real_funds_lock",
        {"snapshot": {"trading": Trading.LIVE}},
        {
            "snapshot": {"trading": Trading.LIVE},
            "settings": {"i_accept_real_trading": True},
            "risk_inputs": REAL,
        },
        "neither says so",
    ),
    Row(
        "participation_ceiling",
        {"snapshot": {"trading": Trading.LIVE}, "risk_inputs": REAL, "settings": {"max_participation_percent": 21}},
        {"snapshot": {"trading": Trading.LIVE}, "risk_inputs": REAL, "settings": {"max_participation_percent": 20}},
        "max_participation_percent 21 is above 20",
        {"i_accept_real_trading": True},
    ),
    Row(
        "leverage_limit",
        {"snapshot": {"futures": futures(max_leverage=Decimal(20))}, "settings": {"leverage": 21}},
        {"snapshot": {"futures": futures(max_leverage=Decimal(20))}, "settings": {"leverage": 20}},
        "leverage 21 is above the most that BTC/USDT on binance allows, 20",
    ),
    Row(
        "thin_market",
        {"risk_inputs": calm(WORTH, day_volume_quote=Decimal(1_274), own_target_quote=Decimal(100))},
        {"risk_inputs": calm(WORTH, day_volume_quote=Decimal(1_275), own_target_quote=Decimal(100))},
        "is 127.40, less than one of the exchange's smallest orders of 5.10 an hour",
    ),
    Row(
        "thin_market",
        {"risk_inputs": calm(WORTH, day_volume_quote=Decimal(16_000))},
        {"risk_inputs": calm(WORTH, day_volume_quote=Decimal(17_000))},
        "trades 16,000.00 in 24 h, of which max_participation_percent 10 is 1,600.00",
    ),
    Row(
        "thin_market",
        {"risk_inputs": calm(WORTH, day_volume_quote=Decimal(1_700), own_target_quote=Decimal(5_101))},
        {"risk_inputs": calm(WORTH, day_volume_quote=Decimal(1_700), own_target_quote=Decimal(5_100))},
        "or 5,100.00 in 30 days; the target is 5,101.00",
    ),
    Row(
        "thin_market",
        {"risk_inputs": calm(WORTH, day_volume_quote=Decimal(1_700), own_target_quote=Decimal("170.01"))},
        {"risk_inputs": calm(WORTH, day_volume_quote=Decimal(1_700), own_target_quote=Decimal(170))},
        "10 is 170.00, or 170.00 a day; the target is 170.01",
        {"target_period": "daily"},
    ),
    Row(
        "cost_rate",
        {"progress": filled(10_000, "31")},
        {"progress": filled(10_000, "30")},
        "costs are 31.00 bps of the volume (31.00 of 10,000.00), above max_cost_bps 30",
    ),
    Row(
        "daily_loss",
        {"risk_inputs": equity(now=54_000)},
        {"risk_inputs": equity(now="54000.01")},
        "fell from 60,000.00 to 54,000.00 today, by 10.00 %: max_daily_loss_percent is 10",
    ),
    Row(
        "drawdown",
        {"risk_inputs": equity(now=51_000, day=51_000)},
        {"risk_inputs": equity(now="51000.01", day=51_000)},
        "fell from 60,000.00 to 51,000.00 since its peak, by 15.00 %: max_drawdown_percent is 15",
    ),
    Row(
        "consecutive_failures",
        {"progress": replace(START, failures_in_a_row=5)},
        {"progress": replace(START, failures_in_a_row=4)},
        "5 orders in a row were refused",
    ),
    Row(
        "consecutive_losses",
        {"progress": replace(START, losses_in_a_row=5)},
        {"progress": replace(START, losses_in_a_row=4)},
        "5 round trips in a row each lost more than twice",
    ),
    Row(
        "exposure",
        {"risk_inputs": equity(drift=-30_001)},
        {"risk_inputs": equity(drift=-30_000)},
        "is -30,001.00 away from its start, 50.00 % of the equity of 60,000.00: max_exposure_percent is 50",
    ),
    Row(
        "outside_trades",
        {"risk_inputs": calm(WORTH, outside_base=Decimal("-0.02"), outside_quote=Decimal("300.01"))},
        {"risk_inputs": calm(WORTH, outside_base=Decimal("-0.02"), outside_quote=Decimal(300))},
        "on the account of binance: -0.02 BTC and +300.01 USDT are not from the campaign's own fills",
    ),
    Row(
        "price_jump",
        {"risk_inputs": calm(WORTH, last_mid_price=Decimal(28_571))},
        {"risk_inputs": calm(WORTH, last_mid_price=Decimal(28_572))},
        "jumped from 28,571 to 30,000, by 5.00 %",
    ),
    Row(
        "price_jump",
        {"risk_inputs": calm(WORTH, last_mid_price=Decimal(31_579))},
        {"risk_inputs": calm(WORTH, last_mid_price=Decimal(31_578))},
        "jumped from 31,579 to 30,000, by 5.00 %",
    ),
    Row(
        "price_jump",
        {"risk_inputs": calm(WORTH, last_mid_price=Decimal(30_000)), "snapshot": {"mid_price": Decimal("31500.01")}},
        {"risk_inputs": calm(WORTH, last_mid_price=Decimal(30_000)), "snapshot": {"mid_price": Decimal(31_500)}},
        "jumped from 30,000 to 31,500.01, by 5.00 %",
    ),
    Row(
        "clock_set_back",
        {"risk_inputs": calm(WORTH, clock_jump_s=-30.5)},
        {"risk_inputs": calm(WORTH, clock_jump_s=-30.0)},
        "the clock was set back by 30 s",
    ),
    Row(
        "funding_rate",
        {"snapshot": {"futures": futures(funding_rate=Decimal("0.00101"))}},
        {"snapshot": {"futures": futures(funding_rate=Decimal("-0.00101"))}},
        "the next funding on BTC/USDT costs 10.10 bps of a position: max_funding_rate_bps is 10",
    ),
    Row(
        "liquidation",
        {"snapshot": {"futures": futures(liquidation_price=Decimal(28501))}},
        {"snapshot": {"futures": futures(liquidation_price=Decimal(28500))}},
        "the position of +1 on BTC/USDT is liquidated at 28,501, 5.00 % away from the price of 30,000",
    ),
    Row(
        "cost_budget",
        {"progress": filled(49_000, "98.5"), "settings": {"max_cost_quote": "98.51"}},
        {"progress": filled(49_000, "98.5"), "settings": {"max_cost_quote": "98.66"}},
        "98.50 of the cost budget of 98.51 (max_cost_quote) are spent",
    ),
    Row(
        "total_cost_budget",
        {"progress": filled(49_000, "98.5"), "settings": {"max_total_cost_quote": "98.51"}},
        {"progress": filled(49_000, "98.5"), "settings": {"max_total_cost_quote": "98.66"}},
        "the campaign has cost 98.50 in all, and the next order",
    ),
    Row(
        "position_size",
        {"risk_inputs": calm(Decimal(100))},
        {"risk_inputs": calm(Decimal(102))},
        "5.10, is more than max_position_percent 5 of the equity of 100.00, which is 5.00",
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.guard)
def test_a_guard_trips_with_its_numbers_and_not_before(row: Row) -> None:
    halt = row.decide(row.trips)
    assert isinstance(halt, Halt)
    assert halt.guard == row.guard
    assert row.reason in halt.reason
    assert not isinstance(row.decide(row.holds), Halt)


def test_every_guard_is_in_the_table() -> None:
    guards: tuple[Guard | OrderGuard, ...] = (*LOCKS, *GUARDS, *ORDER_GUARDS)
    assert list(dict.fromkeys(row.guard for row in TABLE)) == [guard.__name__ for guard in guards]


def test_what_needs_a_person_lasts_and_what_a_setting_mends_does_not() -> None:
    lasting = {row.guard for row in TABLE if row.decide(row.trips).is_lasting}
    assert {row.guard for row in TABLE} - lasting == {
        *("real_funds_lock", "participation_ceiling", "leverage_limit", "thin_market")
    }


def test_a_halt_that_stands_is_the_decision_whatever_else_there_is_but_a_reached_target() -> None:
    standing = Halt("it lost too much", "drawdown", is_lasting=True)
    resting = a_snapshot(open_orders=(an_order(Side.BUY, "29000", placed_at=0.0),))
    assert decide(Situation(resting, parse_settings({}), START), random.Random(1), "paused", standing) is standing
    assert isinstance(
        decide(Situation(resting, parse_settings({}), filled(50_000)), random.Random(1), "", standing), Done
    )


@pytest.mark.parametrize(
    ("is_set", "is_told", "who"),
    [(False, False, "neither says so"), (True, False, "only the setting"), (False, True, "only the environment")],
)
def test_with_one_consent_missing_the_lock_names_both_and_tells_of_wash_trading(
    is_set: bool, is_told: bool, who: str
) -> None:
    risk_inputs = calm(WORTH, is_real_trading_allowed=is_told, day_volume_quote=Decimal("1e9"))
    settings = parse_settings({"i_accept_real_trading": is_set})
    halt = decide(
        Situation(a_snapshot(trading=Trading.LIVE, risk_inputs=risk_inputs), settings, START), random.Random(1)
    )
    assert isinstance(halt, Halt)
    for word in (who, "i_accept_real_trading", "VOLUME_BOOSTER_REAL_TRADING=yes", WASH_TRADING_NOTICE):
        assert word in halt.reason


def test_with_both_consents_and_no_volume_told_it_waits() -> None:
    risk_inputs = calm(WORTH, is_real_trading_allowed=True)
    settings = parse_settings({"i_accept_real_trading": True})
    decision = decide(
        Situation(a_snapshot(trading=Trading.LIVE, risk_inputs=risk_inputs), settings, START), random.Random(1)
    )
    assert isinstance(decision, Wait)
    assert "does not report what the market trades" in decision.reason


def test_what_was_spent_before_a_person_resumed_counts_no_more() -> None:
    spent = filled(10_000, "200", guard_baseline=GuardBaseline(Decimal(200), Decimal(10_000)))
    assert isinstance(decide(Situation(a_snapshot(), parse_settings({}), spent), random.Random(1)), Place)


@pytest.mark.parametrize(
    ("risk_inputs", "words"),
    [
        (calm(WORTH, rate_limit_used=0.8, rate_limit_resets_in_s=12.0), "80% of a limit of binance is used"),
        (calm(WORTH, last_order_at=1_700_000_000.0 - 0.1), "no more than 5 orders a second"),
        (calm(WORTH, last_order_at=1_700_000_000.0 - 0.5, exchange_orders_per_second=1.0), "no more than 0.8 orders"),
        (calm(WORTH, clock_jump_s=31.0), "the clock went on by 31 s at once"),
        (
            calm(WORTH, day_volume_quote=Decimal("1e6"), hour_filled_quote=Decimal(3_999)),
            "is reached for this hour",
        ),
    ],
    ids=["rate limit", "our pace", "the exchange's pace", "clock", "participation"],
)
def test_what_passes_by_itself_is_waited_for(risk_inputs: RiskInputs, words: str) -> None:
    decision = decide(Situation(a_snapshot(risk_inputs=risk_inputs), parse_settings({}), START), random.Random(1))
    assert isinstance(decision, Wait)
    assert words in decision.reason
    assert 0 < decision.delay_s <= 60


def test_the_pace_slows_down_in_the_second_half_of_an_hours_share_of_the_market() -> None:
    def delay(hour_filled: int) -> float:
        risk_inputs = calm(WORTH, day_volume_quote=Decimal("1e6"), hour_filled_quote=Decimal(hour_filled))
        decision = decide(Situation(a_snapshot(risk_inputs=risk_inputs), parse_settings({}), START), random.Random(1))
        assert isinstance(decision, Place)
        return decision.delay_s

    assert delay(0) == delay(1_800) <= 8
    assert 30 < delay(2_500) < delay(3_500)


@pytest.mark.parametrize("side", Side)
def test_an_order_is_cut_to_what_the_book_holds_near_the_mid(side: Side) -> None:
    """A level further than max_slippage_bps is not taken, however little there is before it."""
    near = Decimal("0.002")
    sign = 1 if side is Side.BUY else -1
    levels = (
        Level(Decimal(30_000 + sign * 30), near),
        Level(Decimal(30_000 + sign * 46), Decimal(5)),
    )
    snapshot = a_snapshot(
        best_bid=Decimal(29_970), best_ask=Decimal(30_030), bids=levels, asks=levels, trading=Trading.SANDBOX
    )
    settings = parse_settings({f"min_{one.value}_amount": 140 for one in Side})
    placed = [decide(Situation(snapshot, settings, START), random.Random(seed)) for seed in range(20)]
    ours = [place.intent for place in placed if isinstance(place, Place) and place.intent.side is side]
    assert ours
    assert {intent.quantity for intent in ours} == {near}


def test_where_the_book_holds_nothing_near_the_mid_it_waits_and_says_so() -> None:
    far = (Level(Decimal(31_000), Decimal(5)),)
    snapshot = a_snapshot(bids=far, asks=far, trading=Trading.SANDBOX)
    decision = decide(Situation(snapshot, parse_settings({}), START), random.Random(1))
    assert isinstance(decision, Wait)
    assert "the order book has 0 BTC" in decision.reason
    assert "max_slippage_bps 15" in decision.reason


def test_a_market_order_waits_for_a_cancellation_that_is_not_confirmed_yet() -> None:
    orders = tuple(an_order(side, price, is_cancelling=True) for side, price in ((Side.BUY, "1"), (Side.SELL, "90000")))
    decision = decide(Situation(a_snapshot(open_orders=orders), parse_settings({}), START), random.Random(1))
    assert isinstance(decision, Wait)
    assert "until the" in decision.reason
    asked = tuple(replace(order, is_cancelling=False) for order in orders)
    assert isinstance(
        decide(Situation(a_snapshot(open_orders=asked), parse_settings({}), START), random.Random(1)), Cancel
    )


def test_while_something_is_open_an_order_that_does_not_fit_the_budget_waits_for_it() -> None:
    progress = filled(49_000, "98.5", open_orders=1, open_buy_quote=Decimal(100))
    decision = decide(Situation(a_snapshot(), parse_settings({"max_cost_quote": "98.51"}), progress), random.Random(7))
    assert isinstance(decision, Wait)
    assert "of the cost budget" in decision.reason


@pytest.mark.parametrize("drift", [26_900, -26_900])
def test_near_the_cap_of_exposure_only_the_side_that_brings_it_back_gets_an_order(drift: int) -> None:
    for seed in range(20):
        decision = decide(
            Situation(a_snapshot(risk_inputs=equity(drift=drift)), parse_settings({}), START), random.Random(seed)
        )
        assert isinstance(decision, Place)
        assert decision.intent.side is (Side.SELL if drift > 0 else Side.BUY)


def test_the_worst_cost_of_a_market_order_is_its_fee_and_the_furthest_level_that_it_may_take() -> None:
    intent = OrderIntent(Side.SELL, OrderType.MARKET, Decimal("0.1"), Decimal(29_990), Decimal(30_000))
    snapshot: MarketSnapshot = a_snapshot(trading=Trading.SANDBOX)
    worst = worst_cost(intent, snapshot, parse_settings({"max_slippage_bps": 10}))
    assert worst == Decimal(3_000) * (Decimal("0.001") + Decimal("0.001") * Decimal("1.001"))
    resting = replace(intent, order_type=OrderType.LIMIT)
    assert worst_cost(resting, snapshot, parse_settings({"max_slippage_bps": 10})) == worst, "the mid may pass it"


def test_an_order_without_fees_still_has_a_smallest_order() -> None:
    rules: MarketRules = replace(a_snapshot().rules, maker_fee_rate=Decimal(0), taker_fee_rate=Decimal(0))
    assert isinstance(decide(Situation(a_snapshot(rules=rules), parse_settings({}), START), random.Random(1)), Place)


def test_the_rate_of_costs_counts_from_the_twentieth_fill_on() -> None:
    dear = filled(10_000, "31")
    assert isinstance(decide(Situation(a_snapshot(), parse_settings({}), dear), random.Random(1)), Halt)
    early = replace(dear, fills=19)
    assert isinstance(decide(Situation(a_snapshot(), parse_settings({}), early), random.Random(1)), Place)


def test_with_play_money_more_of_a_market_may_be_taken() -> None:
    risk_inputs = calm(WORTH, day_volume_quote=Decimal("1e9"))
    for trading in (Trading.SIMULATION, Trading.BACKTEST, Trading.SANDBOX):
        decision = decide(
            Situation(
                a_snapshot(trading=trading, risk_inputs=risk_inputs),
                parse_settings({"max_participation_percent": 21}),
                START,
            ),
            random.Random(1),
        )
        assert isinstance(decision, Place)


@pytest.mark.parametrize(("worth", "halts"), [("18.2", False), ("17.8", True)])
def test_also_an_order_of_less_than_one_may_be_too_large(worth: str, halts: bool) -> None:
    """The smallest order is 0.90, and 5 % of the equity are 0.91 or 0.89."""
    rules = replace(a_snapshot().rules, quantity_step=Decimal("0.00003"), min_notional=Decimal(0))
    intent = OrderIntent(Side.BUY, OrderType.MARKET, Decimal("0.00003"), Decimal(30_000), Decimal(30_000))
    snapshot = a_snapshot(rules=rules, risk_inputs=calm(Decimal(worth)))
    assert (position_size(intent, Situation(snapshot, parse_settings({}), START)) is not None) == halts


def test_also_a_small_account_may_lose_too_much() -> None:
    halt = decide(
        Situation(a_snapshot(risk_inputs=equity(now="0.5", day="0.5", peak=1)), parse_settings({}), START),
        random.Random(1),
    )
    assert isinstance(halt, Halt)
    assert halt.guard == "drawdown"


def test_a_gain_is_no_loss() -> None:
    near = gauges(equity(now=70_000).equity, parse_settings({}), START)
    assert [gauge.value for gauge in near if gauge.guard in ("daily_loss", "drawdown")] == [0, 0]


def test_nothing_is_no_share_of_nothing() -> None:
    """An account that is worth nothing, or has lost more than all, divides by none."""
    for worth in (0, -5):
        near = gauges(equity(now=worth, day=0, peak=0, drift=3).equity, parse_settings({}), START)
        assert {gauge.value for gauge in near} == {0}


def test_gauges_tell_how_near_each_guard_is() -> None:
    short = gauges(equity(now=57_000, drift=-3_000).equity, parse_settings({}), START)
    assert [round(gauge.value, 2) for gauge in short if gauge.guard == "exposure"] == [5.26]
    near = gauges(equity(now=57_000, drift=3_000).equity, parse_settings({}), filled(10_000, "15"))
    told = {gauge.guard: (round(gauge.value, 2), gauge.limit) for gauge in near}
    assert told["cost_rate"] == (15.0, 30.0)
    assert told["cost_budget"] == (15.0, 150.0)
    assert told["daily_loss"] == (5.0, 10.0)
    assert told["exposure"] == (5.26, 50.0)
    assert told["consecutive_failures"] == (0, 5)
