"""Laws of steps: what the core decides is what ccxt writes into an order, to the last digit."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from ccxt.base.decimal_to_precision import ROUND, TRUNCATE, decimal_to_precision
from hypothesis import event, given, settings
from hypothesis import strategies as st
from strategies import LAW, Situation, a_snapshot, placed, situations

from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision.policy import Place, decide
from octobot_volume_booster.core.decision.pricing import price_for
from octobot_volume_booster.core.model import precision
from octobot_volume_booster.core.model.basics import OrderType, Side
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.precision import DECIMAL_PLACES, SIGNIFICANT_DIGITS, TICK_SIZE, PriceSteps
from octobot_volume_booster.core.model.snapshot import Balances
from octobot_volume_booster.core.settings.schema import parse_settings

EXACT_DIGITS = 15
"""So many digits a float holds, as which OctoBot hands an order to ccxt."""
STATED = [10.0**power for power in range(-8, 5)] + [0.5, 0.25, 0.03, 0.05, 2.5, 5, 25, "0.001", 1]
PLACES = [8, 5, 2.0, 1, 0, -1, -3, "4"]


def writer(rounding: int, stated: Any, mode: int = TICK_SIZE) -> precision.Formatter:
    """ccxt's own, for a market of which this is stated."""

    def written(number: Decimal) -> Decimal | None:
        text = decimal_to_precision(float(number), rounding, int(stated) if mode != TICK_SIZE else stated, mode)
        return None if text == "0" else Decimal(text)

    return written


def as_bitfinex(number: Decimal) -> Decimal | None:
    """Five significant digits, and no more than eight decimals."""
    text = decimal_to_precision(float(number), ROUND, 5, SIGNIFICANT_DIGITS)
    return Decimal(decimal_to_precision(text, TRUNCATE, 8, DECIMAL_PLACES))


def as_hyperliquid(number: Decimal) -> Decimal | None:
    """The same with six decimals; but whole prices may have any number of digits."""
    whole_digits = len(f"{number:f}".split(".")[0])
    text = decimal_to_precision(float(number), ROUND, max(5, whole_digits), SIGNIFICANT_DIGITS)
    return Decimal(decimal_to_precision(text, ROUND, 6, DECIMAL_PLACES))


def is_exact(number: Decimal) -> bool:
    return len(number.normalize().as_tuple().digits) <= EXACT_DIGITS


@pytest.mark.long
@settings(LAW, max_examples=1_000)
@given(situations())
def test_quantity_and_price_of_an_order_are_what_ccxt_writes_into_it(situation: Situation) -> None:
    intent, rules = placed(situation.decide()).intent, situation.snapshot.rules
    for number, rounding, step in (
        (intent.quantity, TRUNCATE, rules.quantity_step), (intent.price, ROUND, rules.price_tick)
    ):  # fmt: skip
        event(f"exact: {is_exact(number)}")
        assert not is_exact(number) or writer(rounding, float(step))(number) == number


@LAW
@given(
    situations(order_type="limit"),
    st.sampled_from(((5, SIGNIFICANT_DIGITS, as_bitfinex), (0.000001, TICK_SIZE, as_hyperliquid))),
)
def test_where_significant_digits_count_a_limit_price_is_what_ccxt_writes(
    situation: Situation, market: tuple[Any, int, precision.Formatter]
) -> None:
    steps, written = precision.price_steps(*market), market[-1]
    rules = replace(
        situation.snapshot.rules, price_tick=steps.tick, price_digits=steps.digits, widest_tick=steps.widest_tick
    )
    snapshot = replace(situation.snapshot, rules=rules)
    for side in Side:
        price = price_for(side, snapshot, situation.settings)
        event(f"a price of about 1e{price.adjusted() if price else None}")
        assert price is None or written(price) == price


@pytest.mark.parametrize("rounding", [ROUND, TRUNCATE])
@pytest.mark.parametrize("stated", STATED)
def test_a_stated_step_is_that_step(stated: Any, rounding: int) -> None:
    step = Decimal(str(stated))
    assert precision.quantity_step(stated, TICK_SIZE, writer(rounding, stated)) == step
    assert precision.price_steps(stated, TICK_SIZE, writer(rounding, stated)) == PriceSteps(step)


@pytest.mark.parametrize("stated", PLACES)
def test_a_count_of_decimals_is_a_power_of_ten(stated: Any) -> None:
    written = writer(TRUNCATE, stated, DECIMAL_PLACES)
    assert precision.quantity_step(stated, DECIMAL_PLACES, written) == Decimal(10) ** -int(stated)


def test_significant_digits_are_found_by_what_is_left_as_it_is() -> None:
    bitfinex = precision.price_steps(5, SIGNIFICANT_DIGITS, as_bitfinex)
    assert bitfinex == PriceSteps(Decimal("1e-8"), digits=5)
    hyperliquid = precision.price_steps(0.01, TICK_SIZE, as_hyperliquid)
    assert hyperliquid == PriceSteps(Decimal("0.01"), digits=5, widest_tick=Decimal(1))
    assert precision.price_steps(1.0, TICK_SIZE, as_hyperliquid) == PriceSteps(Decimal(1))
    assert precision.quantity_step(8, SIGNIFICANT_DIGITS, writer(TRUNCATE, 8, DECIMAL_PLACES)) == Decimal("1e-8")


@pytest.mark.parametrize(
    ("price", "tick"),
    [("0.00001234", "1e-8"), ("1.2345", "0.0001"), ("9.99996", "0.0001"), ("10", "0.001"),
     ("60000", "1"), ("123456", "10")],
)  # fmt: skip
def test_the_tick_grows_with_the_price(price: str, tick: str) -> None:
    rules = replace(a_snapshot().rules, price_tick=Decimal("1e-8"), price_digits=5)
    assert rules.tick_at(Decimal(price)) == Decimal(tick)
    assert replace(rules, widest_tick=Decimal(1)).tick_at(Decimal(price)) == min(Decimal(tick), 1)
    assert replace(rules, price_digits=None).tick_at(Decimal(price)) == Decimal("1e-8")


@pytest.mark.parametrize("mode", [TICK_SIZE, DECIMAL_PLACES, SIGNIFICANT_DIGITS, 9])
@pytest.mark.parametrize("stated", [None, "x", float("nan"), float("inf"), 2.5, 0, -0.01, 8])
def test_a_precision_of_which_no_step_can_be_made_is_named(stated: Any, mode: int) -> None:
    """Never a TypeError, never a step that is made up."""

    def refused(number: Decimal) -> Decimal | None:
        return None

    with pytest.raises(precision.PrecisionError):
        precision.quantity_step(stated, mode, refused)
    with pytest.raises(precision.PrecisionError):
        precision.price_steps(stated, mode, refused)


def test_a_step_that_ccxt_writes_otherwise_is_refused() -> None:
    """1 for a tenth, as OctoBot states it, where ccxt takes it for a whole one."""
    with pytest.raises(precision.PrecisionError, match=r"a quantity with a step of 0\.1 would be changed on its way"):
        precision.quantity_step(1, DECIMAL_PLACES, writer(TRUNCATE, 1.0))
    with pytest.raises(precision.PrecisionError, match=r"a price with a step of 0\.1 would be changed on its way"):
        precision.price_steps(1, DECIMAL_PLACES, writer(ROUND, 1.0))


@pytest.mark.parametrize(
    ("least", "stated", "step"),
    [("5", 0.01, "0.01"), ("5", 1e-8, "0.01"), ("1", 0.05, "0.1"),
     ("1", 0.25, "1"), ("10", 1.0, "1"), ("0.0001", 1e-8, "1e-6"),
     ("0", 1e-6, "1e-6"), ("0", 1e-10, "1e-8"), ("5", 1000.0, "1000")],
)  # fmt: skip
def test_the_quote_to_spend_has_no_more_digits_than_it_needs(least: str, stated: float, step: str) -> None:
    written = writer(TRUNCATE, stated)
    found = precision.quote_step(Decimal(least), written)
    assert found == Decimal(step)
    assert all(written(found * count) == found * count for count in range(1, 500))


def test_a_quote_that_is_never_left_as_it_is_has_no_step() -> None:
    with pytest.raises(precision.PrecisionError):
        precision.quote_step(Decimal(5), lambda number: None)


@pytest.mark.parametrize("order_type", OrderType)
@pytest.mark.parametrize(
    ("pair", "price", "tick", "step", "least"),
    [("BTC/USDT", "60000", "0.01", "0.00001", "5"), ("DOGE/USDT", "0.2", "0.00001", "1", "1"),
     ("SHIB/USDT", "0.00001", "1e-8", "1", "1"), ("SHIB/USDT", "0.00001", "1e-8", "1000", "1"),
     ("PEPE/USDT", "0.2", "0.00001", "10", "1")],
)  # fmt: skip
def test_coins_of_every_price_are_traded_on_their_own_steps(
    pair: str, price: str, tick: str, step: str, least: str, order_type: OrderType
) -> None:
    base, quote = pair.split("/")
    rules = MarketRules(base, quote, Decimal(tick), Decimal(step), Decimal(step), Decimal(least))
    mid = Decimal(price)
    snapshot = a_snapshot(rules=rules, mid_price=mid, balances=Balances(Decimal(10_000) / mid, Decimal(10_000)))
    chosen = parse_settings({"order_type": order_type.value})
    for seed in range(50):
        decision = decide(Situation(snapshot, chosen, Progress(target_quote=Decimal(50_000))), random.Random(seed))
        assert isinstance(decision, Place)
        intent = decision.intent
        assert writer(TRUNCATE, float(step))(intent.quantity) == intent.quantity
        assert writer(ROUND, float(tick))(intent.price) == intent.price
        assert 24 < intent.notional <= 150
