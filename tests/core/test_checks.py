"""The laws of a check's order, which must never trade, and how what an exchange tells is judged."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st
from strategies import LAW, NOTIONALS, STEPS, TICKS, some

from octobot_volume_booster.checks.secrets import HIDDEN, SHORTEST, Secrets
from octobot_volume_booster.core.accounting.trade_ids import Charge, ExchangeTrade
from octobot_volume_booster.core.model.basics import Side
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.planning.account_checks import (
    FARTHEST,
    NEAREST,
    FarOrder,
    Market,
    Row,
    all_work,
    judge_clock,
    judge_order_size,
    judge_trades,
    last_sentence,
    plan_far_order,
    rules_text,
    spread_bps,
)

RATIOS = st.decimals("0.01", "3", allow_nan=False, places=4)


@st.composite
def markets(draw: st.DrawFn) -> Market:
    tick, step = draw(TICKS), draw(STEPS)
    bid = tick * draw(st.integers(1, 10**6))
    ask = bid + tick * draw(st.integers(1, 100))
    rules = MarketRules(
        "BASE", "QUOTE", tick, step, min_quantity=step * draw(st.integers(0, 3)),
        min_notional=Decimal(draw(NOTIONALS)), taker_fee_rate=Decimal("0.001"),
        price_digits=draw(st.sampled_from([None, 5])), widest_tick=draw(st.sampled_from([None, Decimal(1)])),
    )  # fmt: skip
    lowest = draw(st.one_of(st.just(Decimal(0)), RATIOS.map(lambda ratio: bid * ratio)))
    highest = draw(st.one_of(st.none(), RATIOS.map(lambda ratio: ask * ratio)))
    # a part of the smallest order, or some of them
    smallest = rules.min_order_notional(ask)
    base, quote = some(draw, smallest / ask / 2, 0, 12), some(draw, smallest / 2, 0, 12)
    return Market(bid, ask, base, quote, rules, lowest, highest)


@LAW
@given(markets())
def test_a_far_order_keeps_away_from_the_market_fits_its_rules_and_is_paid_for(market: Market) -> None:
    plan, rules = plan_far_order(market), market.rules
    assume(not isinstance(plan, str))
    assert not isinstance(plan, str)
    event(plan.side.value)
    assert plan.price > 0 and plan.price % rules.price_tick == 0 and plan.price % rules.tick_at(plan.price) == 0
    assert plan.quantity > 0 and plan.quantity % rules.quantity_step == 0
    assert plan.quantity >= rules.min_quantity and plan.quantity * plan.price >= rules.min_notional
    assert NEAREST <= plan.distance <= FARTHEST
    if plan.side is Side.BUY:
        assert market.lowest_bid <= plan.price <= market.best_bid * (1 - NEAREST)
        assert plan.price >= market.best_bid * (1 - FARTHEST)
        assert plan.quantity * plan.price < market.quote_free
    else:
        assert plan.price >= market.best_ask * (1 + NEAREST)
        assert plan.price <= market.best_ask * (1 + FARTHEST)
        assert market.highest_ask is None or plan.price <= market.highest_ask
        assert plan.quantity <= market.base_free


def test_an_account_that_can_pay_for_it_buys_as_far_away_as_may_be() -> None:
    rules = MarketRules("BASE", "QUOTE", Decimal("0.0001"), Decimal("0.03"), Decimal(0), Decimal(5))
    rich = Market(Decimal(100), Decimal(101), Decimal(0), Decimal("1e12"), rules)
    plan = plan_far_order(rich)
    assert isinstance(plan, FarOrder) and (plan.side, plan.price) == (Side.BUY, Decimal(80))


def test_without_a_price_far_enough_none_is_placed() -> None:
    rules = MarketRules("BTC", "USDT", Decimal(1), Decimal("0.001"), Decimal(0), Decimal(5))
    narrow = Market(Decimal(100), Decimal(101), Decimal(9), Decimal(9_000), rules, Decimal(98), Decimal(103))
    assert plan_far_order(narrow) == (
        "the exchange lets no order rest 5% from the market price: its price limits are 98 and 103"
    )
    poor = Market(Decimal(100), Decimal(101), Decimal("0.001"), Decimal(1), rules)
    assert plan_far_order(poor) == (
        "the smallest order needs 5.040 USDT or 0.042 BTC free, and the account has 0.001 BTC and 1 USDT"
    )


USDT = Charge(Decimal("0.1"), "USDT")


def trade(trade_id: str = "1", order: str = "2", at: float | None = 3.0, charges: tuple[Charge, ...] = (USDT,)) -> Any:
    return ExchangeTrade(trade_id, order, at, None, Decimal(1), Decimal(4), charges)


@pytest.mark.parametrize(
    ("trades", "ok", "text"),
    [
        ([trade()], True, "the last trade: ids, order ids and fees (in USDT) are there"),
        ([trade(charges=(Charge(Decimal(1), "BNB"), Charge(Decimal(0), "BTC")))], True, "(in BNB, BTC)"),
        ([trade(), trade("2", charges=(Charge(Decimal(-1), "BNB"),))], True, "the last 2 trades"),
        ([trade(charges=())], False, "of the last trade: 1 without a fee"),
        ([trade(charges=(Charge(None, "USDT"),))], False, "1 without a fee"),
        ([trade(charges=(Charge(Decimal(1)),))], False, "1 with a fee in no currency"),
        ([trade(""), trade("")], False, "2 without an id"),
        ([trade(), trade(), trade()], False, "2 with the id of another one"),
        ([trade(order="")], False, "1 without the id of their order"),
        ([trade(at=None)], False, "1 without a time"),
        ([], None, "no trade of this account in BTC/USDT"),
    ],
)
def test_trades_are_judged_by_what_is_counted_by(trades: list[ExchangeTrade], ok: bool | None, text: str) -> None:
    row = judge_trades("own trades", trades, "BTC/USDT")
    assert row.ok is ok and text in row.text, row


@pytest.mark.parametrize(
    ("ahead_s", "uncertain_s", "ok", "text"),
    [
        (0.2, 0.1, True, "within 0.2 s"),
        (1.4, 0.5, True, "within 1.4 s"),
        (10.0, 0.1, False, "10.0 s ahead of this computer's"),
        (-10.0, 0.1, False, "10.0 s behind this computer's"),
    ],
)
def test_a_clock_is_judged_by_what_is_certain(ahead_s: float, uncertain_s: float, ok: bool, text: str) -> None:
    row = judge_clock("clock", ahead_s, uncertain_s)
    assert row.ok is ok and text in row.text


def test_the_smallest_order_is_compared_with_the_largest_of_the_settings() -> None:
    rules = MarketRules("BTC", "USDT", Decimal("0.01"), Decimal("0.001"), Decimal("0.001"), Decimal(5))
    assert judge_order_size("size", rules, Decimal(60_000), Decimal(59)).ok is False
    assert judge_order_size("size", rules, Decimal(60_000), Decimal(60)).ok is True
    assert judge_order_size("size", rules, Decimal(60_000), None).ok is True


def test_rules_and_spread_are_told_in_words() -> None:
    rules = MarketRules("BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal("0.00001"), Decimal(5),
                        maker_fee_rate=Decimal("0.0002"), taker_fee_rate=Decimal("0.0005"))  # fmt: skip
    assert rules_text(rules) == (
        "price step 0.01, quantity step 0.00001, at least 0.00001 BTC and 5 USDT; fees 0.02 % maker, 0.05 % taker"
    )
    bare = MarketRules("BTC", "USDT", Decimal(10), Decimal(1), Decimal(0), Decimal(0))
    assert "at least one step" in rules_text(bare)
    assert spread_bps(Decimal(9_999), Decimal(10_001)) == 2


def test_the_last_sentence_names_what_failed_and_what_was_not_tried() -> None:
    ok, failed, left = Row("a", True, ""), Row("b", False, ""), Row("c", None, "")
    assert all_work([ok, left]) and not all_work([ok, failed])
    assert last_sentence("Binance", [ok]) == "Binance: all that was tried is ok."
    assert last_sentence("Binance", [ok, left]) == "Binance: all that was tried is ok. Not tried: c."
    assert last_sentence("Binance", [ok, failed, left]) == "Binance: 1 of 3 not ok: b. Not tried: c."


SECRET = st.text(st.characters(codec="ascii", exclude_categories=("C", "Z")), min_size=SHORTEST, max_size=40)


@LAW
@given(st.text(), SECRET, SECRET, st.text())
def test_no_secret_is_left_in_a_text(before: str, one: str, other: str, after: str) -> None:
    cut = Secrets([one, other, None]).cut(f"{before}{one}{after}{other}")
    assert one not in cut.replace(HIDDEN, "") or one in HIDDEN
    assert other not in cut.replace(HIDDEN, "") or other in HIDDEN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("binance GET https://a.b/api/v3/order?x=1&signature=ff", "binance GET https://a.b/api/v3/order"),
        ('"https://a.b/c?d=e", and more', '"https://a.b/c", and more'),
        ("is this a question? yes", "is this a question? yes"),
        ("http://127.0.0.1:80/x?y=z then HTTPS://A.B?c", "http://127.0.0.1:80/x then HTTPS://A.B"),
    ],
)
def test_an_address_is_cut_at_its_query(text: str, expected: str) -> None:
    assert Secrets().cut(text) == expected
