"""What the exchange's record comes to: every trade once, an end only when everything is told, nothing sent twice."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.core import reconcile
from octobot_volume_booster.core.ledger import Ledger, OrderRecord, Outcome
from octobot_volume_booster.core.market import MarketRules, OrderIntent, OrderType, Role, Side
from octobot_volume_booster.core.reconcile import ExchangeOrder, ExchangeTrade, SentOrder
from octobot_volume_booster.core.sandbox import reaches_only_loopback

RULES = MarketRules("BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal(0), Decimal(5))
SENT_AT = 1_700_000_000.0
QUANTITY = Decimal("0.02")
INTENT = OrderIntent(Side.BUY, OrderType.LIMIT, QUANTITY, Decimal(60_000), Decimal(60_000))
OURS = "7"


def no_price(asset: str) -> Decimal | None:
    return None


def sent(filled: Decimal = Decimal(0)) -> SentOrder:
    return SentOrder("vb1", "offline", "BTC/USDT", OrderRecord(INTENT, SENT_AT, filled))


def trade(number: int, quantity: Decimal, order: str = OURS, asset: str = "BTC") -> ExchangeTrade:
    price, fee = Decimal(60_000) - number, quantity / 1000
    return ExchangeTrade(f"t{number}", order, SENT_AT + number, Role.TAKER, quantity, price, fee, asset)


@st.composite
def records(draw: st.DrawFn) -> tuple[ExchangeOrder, list[ExchangeTrade]]:
    """An order of ours with its trades: part of it filled, open or ended, among others' trades, some told twice."""
    parts = draw(st.lists(st.integers(1, 500), max_size=4).filter(lambda parts: sum(parts) <= 2_000))
    own = [trade(number, part * Decimal("0.00001")) for number, part in enumerate(parts)]
    others = [trade(number, Decimal(1), order="8") for number in draw(st.lists(st.integers(10, 20), max_size=3))]
    told = draw(
        st.permutations([*own, *draw(st.lists(st.sampled_from(own), max_size=3) if own else st.just([])), *others])
    )
    filled = sum((item.quantity for item in own), Decimal(0))
    return ExchangeOrder(OURS, "vb1", filled, draw(st.booleans())), told


@LAW
@given(records(), st.data())
def test_settled_in_any_number_of_looks_it_counts_every_trade_once(record, data) -> None:
    order, told = record
    ledger = Ledger()
    ledger.place("vb1", INTENT, SENT_AT)
    looks = data.draw(st.lists(st.integers(0, len(told)), max_size=3))
    for shown in (*looks, len(told)):
        settlement = reconcile.settle(
            SentOrder("vb1", "offline", "BTC/USDT", ledger.record("vb1")), order, told[:shown], RULES, no_price
        )
        for fill in settlement.fills:
            ledger.apply(fill)
        if settlement.outcome is not None:
            assert ledger.record("vb1").filled_quantity == order.filled_quantity, "ended before all was told"
            ledger.close("vb1", settlement.outcome)
    exact = {item.trade_id: item for item in told if item.exchange_order_id == OURS}.values()
    progress = ledger.progress(Decimal(50_000))
    assert progress.bought_quote == sum((item.quantity * item.price for item in exact), Decimal(0))
    assert progress.fees_quote == sum((item.fee * item.price for item in exact), Decimal(0))
    is_filled = order.filled_quantity == QUANTITY
    expected = Outcome.FILLED if is_filled else None if order.is_open else Outcome.CANCELLED
    assert ledger.record("vb1").outcome is expected


@LAW
@given(st.floats(0, 100))
def test_an_order_that_the_exchange_does_not_know_is_given_up_only_when_it_cannot_arrive_any_more(age_s) -> None:
    settlement = reconcile.settle_missing(sent(), SENT_AT + age_s)
    can_still_arrive = age_s < reconcile.NEVER_ARRIVES_AFTER_S
    assert settlement.is_pending == can_still_arrive
    assert settlement.outcome is (None if can_still_arrive else Outcome.REJECTED)


@LAW
@given(st.floats(0, 100))
def test_an_order_that_the_exchange_refused_and_does_not_know_is_given_up_at_once(age_s) -> None:
    settlement = reconcile.settle_missing(sent(), SENT_AT + age_s, "Filter failure: LOT_SIZE")
    assert (settlement.outcome, settlement.reason) == (Outcome.REJECTED, "Filter failure: LOT_SIZE")


def test_an_order_is_given_up_only_after_the_exchange_would_refuse_it_however_late_it_was_sent() -> None:
    a_clock_may_be_behind_by_s = 1.0
    latest_s = reconcile.SENT_WITHIN_S + reconcile.ARRIVES_WITHIN_S + a_clock_may_be_behind_by_s
    assert latest_s < reconcile.NEVER_ARRIVES_AFTER_S


def test_a_trade_that_is_missing_is_waited_for_and_told() -> None:
    order = ExchangeOrder(OURS, "vb1", Decimal("0.02"), is_open=False)
    settlement = reconcile.settle(sent(), order, [trade(1, Decimal("0.015"))], RULES, no_price)
    assert settlement.outcome is None and settlement.is_pending
    assert "trades of 0.005" in settlement.reason
    assert [fill.quantity for fill in settlement.fills] == [Decimal("0.015")]


def test_a_rejected_order_is_a_failure_unless_something_of_it_was_filled() -> None:
    rejected = ExchangeOrder(OURS, "vb1", Decimal(0), is_open=False, is_rejected=True)
    assert reconcile.settle(sent(), rejected, [], RULES, no_price).outcome is Outcome.REJECTED
    part = ExchangeOrder(OURS, "vb1", Decimal("0.01"), is_open=False, is_rejected=True)
    assert reconcile.settle(sent(), part, [trade(1, Decimal("0.01"))], RULES, no_price).outcome is Outcome.CANCELLED


@pytest.mark.parametrize(
    ("asset", "expected"), [("USDT", Decimal("0.5")), ("BTC", Decimal(30_000)), ("BNB", Decimal(300))]
)
def test_a_fee_is_told_in_quote_whatever_it_was_charged_in(asset, expected) -> None:
    prices = {"BNB": Decimal(600)}
    assert reconcile.fee_in_quote(Decimal("0.5"), asset, Decimal(60_000), RULES, prices.get) == expected


def test_a_fee_in_an_asset_without_a_price_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="price of BNB in USDT is not known"):
        reconcile.fee_in_quote(Decimal("0.5"), "BNB", Decimal(60_000), RULES, no_price)
    assert reconcile.fee_in_quote(Decimal(0), "", Decimal(60_000), RULES, no_price) == 0


def test_the_fill_of_a_trade_keeps_its_own_fee_and_a_name_that_no_other_market_has() -> None:
    order = ExchangeOrder(OURS, "vb1", Decimal("0.01"), is_open=True)
    (fill,) = reconcile.settle(sent(), order, [trade(3, Decimal("0.01"))], RULES, no_price).fills
    assert (fill.fill_id, fill.fee, fill.fee_asset) == ("offline BTC/USDT t3", Decimal("0.00001"), "BTC")


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8642/api/v3", "http://127.9.9.9", "https://[::1]:8642/api", "http://127.0.0.1"]
)
def test_a_loopback_address_makes_a_sandbox(address) -> None:
    assert reaches_only_loopback([address])


@pytest.mark.parametrize(
    "address",
    ["https://api.binance.com", "http://localhost:8642", "http://127.0.0.1.example.org", "http://127.0.0.1@evil.org",
     "http://10.0.0.1", "http://0.0.0.0:1", "127.0.0.1:8642", "", "http://[", "a proxy of the environment"],
)  # fmt: skip
def test_one_other_address_is_enough_to_make_it_real(address) -> None:
    assert not reaches_only_loopback(["http://127.0.0.1:8642", address])


def test_a_client_without_addresses_is_no_sandbox() -> None:
    assert not reaches_only_loopback([])
