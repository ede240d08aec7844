"""What is waited for, for how long, and the last moment at which it is not: each rule at its border."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from strategies import NOW, Situation, a_snapshot, an_order, calm

from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision.guards import Halt
from octobot_volume_booster.core.decision.policy import Cancel, Decision, Done, Place, Wait, decide
from octobot_volume_booster.core.model.basics import Side, Trading
from octobot_volume_booster.core.model.snapshot import Balances, Level
from octobot_volume_booster.core.settings.schema import parse_settings

START = Progress(target_quote=Decimal(2_000))
WORTH = Decimal(60_000)
LIMIT = {"order_type": "limit"}


def decided(progress: Progress = START, settings: dict[str, Any] | None = None, **seen: Any) -> Decision:
    return decide(Situation(a_snapshot(**seen), parse_settings(settings or {}), progress), random.Random(1))


def risk_inputs(**changes: Any) -> dict[str, Any]:
    return {"risk_inputs": calm(WORTH, **changes)}


def resting(count: int, **changes: Any) -> dict[str, Any]:
    orders = (an_order(Side.BUY, f"{29_000 + number}", **changes) for number in range(count))
    return {"open_orders": tuple(orders)}


ROWS: list[tuple[str, dict[str, Any], dict[str, Any], float, str]] = [
    ("the price's age", {"price_age_s": 30.0}, {"price_age_s": 30.1}, 1.0, "the market price is 30 s old"),
    (
        "the clock",
        risk_inputs(clock_jump_s=30.0),
        risk_inputs(clock_jump_s=30.5),
        1.0,
        "the clock went on by 30 s at once",
    ),
    (
        "a rate limit, soon",
        risk_inputs(rate_limit_used=0.79),
        risk_inputs(rate_limit_used=0.8),
        1.0,
        "80% of a limit of binance is used, rate_limit_margin is 80%",
    ),
    (
        "a rate limit",
        risk_inputs(rate_limit_used=0.79, rate_limit_resets_in_s=12.0),
        risk_inputs(rate_limit_used=0.8, rate_limit_resets_in_s=12.0),
        12.0,
        "80% of a limit",
    ),
    (
        "our own pace",
        risk_inputs(last_order_at=NOW - 0.2),
        risk_inputs(last_order_at=NOW - 0.15),
        0.05,
        "no more than 5 orders a second",
    ),
    (
        "the exchange's pace",
        risk_inputs(last_order_at=NOW - 0.5, exchange_orders_per_second=2.5),
        risk_inputs(last_order_at=NOW - 0.4, exchange_orders_per_second=2.5),
        0.1,
        "no more than 2 orders a second",
    ),
    (
        "an exchange that is quicker than we are",
        risk_inputs(last_order_at=NOW - 0.2, exchange_orders_per_second=100.0),
        risk_inputs(last_order_at=NOW - 0.1, exchange_orders_per_second=100.0),
        0.1,
        "no more than 5 orders a second",
    ),
]


@pytest.mark.parametrize(("goes_on", "waits", "delay_s", "words"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_it_waits_from_the_border_on_and_not_before(
    goes_on: dict[str, Any], waits: dict[str, Any], delay_s: float, words: str
) -> None:
    assert isinstance(decided(**goes_on), Place)
    decision = decided(**waits)
    assert isinstance(decision, Wait)
    assert decision.delay_s == pytest.approx(delay_s, abs=1e-6)
    assert words in decision.reason


def test_the_margin_of_a_limit_is_that_of_its_exchange() -> None:
    margins = {"rate_limit_margins": {"binance": "0.5", "kraken": "0.9"}}
    assert isinstance(decided(settings=margins, **risk_inputs(rate_limit_used=0.49)), Place)
    assert isinstance(decided(settings=margins, **risk_inputs(rate_limit_used=0.5)), Wait)
    quick = risk_inputs(last_order_at=NOW - 0.5, exchange_orders_per_second=2.0)
    assert isinstance(decided(settings={"max_orders_per_second": 20}, **quick), Wait)
    assert isinstance(decided(settings=margins | {"rate_limit_margins": {}}, **quick), Wait)


def test_a_campaign_that_is_switched_off_waits_and_cancels_nothing() -> None:
    off = {"enable_volume_booster": False}
    for seen in ({}, resting(1, placed_at=0.0)):
        assert decided(settings=off, **seen) == Wait(1.0, "enable_volume_booster is off")


@pytest.mark.parametrize(("open_quote", "is_covered"), [("1499.99", False), ("1500", True), ("1510", True)])
def test_what_is_open_may_cover_the_rest_of_the_target(open_quote: str, is_covered: bool) -> None:
    settings = {"max_position_imbalance": 1}
    progress = replace(START, bought_quote=Decimal(500), open_sell_quote=Decimal(open_quote))
    decision = decided(progress, settings)
    assert isinstance(decision, Wait if is_covered else Place)
    if is_covered:
        assert decision == Wait(1.0, f"open orders of {Decimal(open_quote):,.2f} cover the rest of the target")


@pytest.mark.parametrize(("ours", "others", "is_full"), [(1, 5, False), (2, 0, True), (3, 0, True)])
def test_only_so_many_orders_of_its_own_rest_at_once(ours: int, others: int, is_full: bool) -> None:
    orders = resting(ours)["open_orders"] + resting(others, is_ours=False)["open_orders"]
    decision = decided(settings=LIMIT | {"max_open_orders": 2}, open_orders=orders)
    assert isinstance(decision, Wait if is_full else Place)
    assert not is_full or decision == Wait(1.0, f"{ours} orders are open, as many as max_open_orders allows")


@pytest.mark.parametrize(("age_s", "is_cancelled"), [(119.9, False), (120.0, True)])
@pytest.mark.parametrize("is_ours", [True, False])
def test_an_order_is_cancelled_when_its_time_is_over_and_only_one_of_its_own(
    age_s: float, is_cancelled: bool, is_ours: bool
) -> None:
    seen = resting(1, placed_at=NOW - age_s, is_ours=is_ours)
    decision = decided(settings=LIMIT, **seen)
    expected = Cancel(seen["open_orders"], "open for 120 s or longer")
    assert (decision == expected) == (is_cancelled and is_ours)
    assert isinstance(decision, Cancel) == (is_cancelled and is_ours)


def test_an_order_of_the_very_start_is_not_from_before_it() -> None:
    settings = LIMIT | {"open_orders_at_start": "cancel"}
    assert isinstance(decided(settings=settings, running_since=NOW, **resting(1, placed_at=NOW)), Place)
    before = decided(settings=settings, running_since=NOW, **resting(1, placed_at=NOW - 0.1))
    assert isinstance(before, Cancel)


def test_what_rests_at_the_end_is_told_and_nothing_else() -> None:
    reached = replace(START, bought_quote=Decimal(1_000), sold_quote=Decimal(1_000))
    ours, other = an_order(Side.BUY, "29000"), an_order(Side.BUY, "29001", is_ours=False)
    assert decided(reached, open_orders=(ours, other)) == Done((ours,))


def test_a_market_order_cancels_only_what_is_not_on_its_way_out_already() -> None:
    going, staying = (an_order(Side.SELL, price, is_cancelling=price == "31000") for price in ("31000", "31001"))
    first = {"side_policy": "alternate"}
    assert decided(settings=first, open_orders=(going, staying)) == Cancel(
        (staying,), "a market buy could trade with them"
    )
    wait = decided(settings=first | {"max_position_imbalance": "0.01"}, open_orders=(going,), balances=RICH_IN_QUOTE)
    assert wait == Wait(0.25, "a market buy waits until the sell orders are cancelled")


def test_what_is_on_its_way_out_is_waited_for_also_beside_an_order_of_somebody_else() -> None:
    orders = (an_order(Side.SELL, "31000", is_ours=False), an_order(Side.SELL, "31001", is_cancelling=True))
    wait = decided(settings={"side_policy": "alternate"}, open_orders=orders, balances=RICH_IN_QUOTE)
    assert wait == Wait(0.25, "a market buy waits until the sell orders are cancelled")


RICH_IN_QUOTE = Balances(Decimal(0), Decimal(30_000))


def test_of_an_order_that_fits_on_neither_side_the_first_reason_is_told() -> None:
    far = (Level(Decimal(31_000), Decimal(5)),)
    seen = {"bids": far, "asks": far, "trading": Trading.SANDBOX}
    for sells, side in ((1, "buy"), (0, "sell")):
        progress = replace(START, sells=sells, buys=1 - sells)
        decision = decided(progress, {"side_policy": "alternate"}, **seen)
        assert isinstance(decision, Wait)
        assert f"for a market {side} within max_slippage_bps 15 of the mid" in decision.reason


def test_a_book_that_is_too_thin_is_told_as_that_and_a_balance_as_that() -> None:
    thin = (Level(Decimal(30_001), Decimal("0.0001")),)
    told = decided(bids=thin, asks=thin, trading=Trading.SANDBOX)
    assert isinstance(told, Wait)
    assert "the order book has 0.0001 BTC for a market" in told.reason
    rules = replace(a_snapshot().rules, max_quantity=Decimal("0.0001"))
    deep = (Level(Decimal(30_001), Decimal(5)),)
    for seen in ({}, {"bids": deep, "asks": deep, "trading": Trading.SANDBOX}):
        told = decided(rules=rules, **seen)
        assert isinstance(told, Wait)
        assert "does not fit the balance and the exchange's limits" in told.reason
        assert told.releases_share


def test_of_what_a_balance_just_pays_for_nothing_is_missing() -> None:
    rules = replace(a_snapshot().rules, maker_fee_rate=Decimal(0), taker_fee_rate=Decimal(0))
    progress = replace(START, open_buy_quote=Decimal(401), open_sell_quote=Decimal(401))
    for quote, is_unfunded in (("5.10", False), ("5.09", True)):
        balances = Balances(Decimal(0), Decimal(quote))
        decision = decided(progress, {"fee_buffer_percent": 0}, rules=rules, balances=balances)
        assert isinstance(decision, Wait)
        assert decision.is_unfunded is is_unfunded


def test_no_pause_is_added_where_the_markets_volume_is_not_known() -> None:
    decision = decided(settings={"trade_frequency_min": 0.05, "trade_frequency_max": 0.05})
    assert isinstance(decision, Place)
    assert decision.delay_s == 0.05


def test_the_chances_of_a_decision_are_drawn_in_one_order() -> None:
    """The pause, then a notional for each side that is tried: a restart continues with the same orders."""
    rng = random.Random(1)
    pause_s, _, second = rng.uniform(2, 8), rng.random(), rng.random()
    wanted = 25 + 125 * Decimal(str(second))
    decision = decided(
        settings={"side_policy": "alternate"}, open_orders=(an_order(Side.SELL, "31000", is_ours=False),)
    )
    assert isinstance(decision, Place)
    assert (decision.intent.side, decision.delay_s) == (Side.SELL, pause_s)
    assert decision.intent.quantity == (wanted / 30_000).quantize(Decimal("0.00001"), "ROUND_FLOOR")


def test_a_budget_that_is_spent_halts_and_while_something_is_open_waits_a_second() -> None:
    spent = replace(START, bought_quote=Decimal(500), sold_quote=Decimal(500), fees_quote=Decimal(10))
    settings = {"max_cost_quote": 10}
    assert isinstance(decided(spent, settings), Halt)
    waits = decided(replace(spent, open_orders=1), settings)
    assert isinstance(waits, Wait)
    assert waits.delay_s == 1.0
