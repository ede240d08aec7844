"""Laws of a futures position: never through zero, within its cap, gone when the target is reached."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from fake_market import FakeMarket
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import LAW, Situation, a_snapshot, an_order, calm

from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision import futures_position
from octobot_volume_booster.core.decision.policy import Decision, Done, Place, Wait, decide
from octobot_volume_booster.core.model.basics import OrderType, Role, Side
from octobot_volume_booster.core.model.instrument import SPOT, MarketRules, Valuation
from octobot_volume_booster.core.model.orders import Fill, OpenOrder
from octobot_volume_booster.core.model.snapshot import FuturesAccount, MarketSnapshot
from octobot_volume_booster.core.settings.schema import parse_settings

INVERSE, CONTRACTS = Valuation(is_inverse=True), Valuation(contract_size=Decimal("0.001"))
MARKETS = (  # valuation, price, tick, step, smallest quantity, smallest notional
    (SPOT, "60000", "0.1", "0.001", "0.001", "100"),
    (SPOT, "0.25", "0.0001", "1", "1", "5"),
    (CONTRACTS, "60000", "0.1", "1", "1", "0"),
    (INVERSE, "60000", "0.1", "1", "1", "0"),
    (INVERSE, "60000", "0.1", "100", "100", "0"),
)
WORTH = Decimal(20_000)
PRICES = st.integers(1, 10**7).map(lambda ticks: Decimal(ticks) / 10)
QUANTITIES = st.integers(1, 10**6).map(lambda steps: Decimal(steps) / 1000)
VALUATIONS = st.sampled_from((SPOT, CONTRACTS, INVERSE, Valuation(Decimal("1.5"), Decimal(100), True)))


@dataclass
class FakeContract(FakeMarket):
    """The fake market with a position instead of two balances; every fill is checked against the laws."""

    start_quantity: Decimal = Decimal(0)
    largest_share: Decimal = field(default=Decimal(0))
    passed_zero: int = 0

    @property
    def own_quantity(self) -> Decimal:
        return self.ledger.net_quantity(("", ""))

    def snapshot(self) -> MarketSnapshot:
        worth = self.rules.notional(abs(self.own_quantity), self.price)
        drift = worth if self.own_quantity > 0 else -worth
        risk_inputs = calm(WORTH)
        return replace(
            super().snapshot(),
            risk_inputs=replace(risk_inputs, equity=replace(risk_inputs.equity, drift_quote=drift)),
            futures=FuturesAccount(
                self.start_quantity + self.own_quantity, self.own_quantity, WORTH - worth, max_leverage=Decimal(20)
            ),
        )

    def fill(self, order: OpenOrder, quantity: Decimal, role: Role) -> None:
        before = self.start_quantity + self.own_quantity
        intent = self.ledger.record(order.order_id).intent
        fee = intent.valuation.notional(quantity, order.price) * self.rules.taker_fee_rate
        self.fills += 1
        amounts = quantity, order.price, fee, intent.mid_price
        fill_id = f"fill {self.fills}"
        self.ledger.apply(
            Fill(fill_id, order.order_id, self.now, order.side, role, *amounts, valuation=intent.valuation)
        )
        self.resting.pop(order.order_id, None)
        if left := order.remaining_quantity - quantity:
            self.resting[order.order_id] = replace(order, remaining_quantity=left)
        after = self.start_quantity + self.own_quantity
        self.passed_zero += before * after < 0
        assert not intent.reduce_only or abs(after) < abs(before)
        share = self.rules.notional(abs(self.own_quantity), self.price) / WORTH
        self.largest_share = max(self.largest_share, share)


def campaign(seed: int, order_type: str, start: int = 0, **changes: Any) -> FakeContract:
    chance = random.Random(f"contract {seed}")
    worth, price, tick, step, smallest, smallest_notional = chance.choice(MARKETS)
    sizes = Decimal(tick), Decimal(step), Decimal(smallest), Decimal(smallest_notional)
    rules = MarketRules("BTC", "USDT", *sizes, taker_fee_rate=Decimal("0.0005"), valuation=worth)
    low, high = sorted((chance.randint(110, 900), chance.randint(110, 900)))
    values: dict[str, Any] = {
        "volume_target": chance.randint(5_000, 20_000),
        "order_type": order_type,
        "min_buy_amount": low,
        "max_buy_amount": high,
        "min_sell_amount": low,
        "max_sell_amount": high,
        "limit_order_timeout": chance.choice((15, 60)),
        "max_open_orders": chance.randint(1, 8),
        "side_policy": chance.choice(("balanced", "alternate")),
        "max_position_imbalance": chance.choice(("0.1", "0.5", "1")),
        "max_exposure_percent": chance.choice((10, 30)),
        "max_cost_bps": 10_000,
        "max_consecutive_losses": 200,
    }
    quantity = Decimal(step) * 500 * start
    return FakeContract(parse_settings(values | changes), rules, Decimal(price), seed, start_quantity=quantity)


def run(market: FakeContract) -> Iterator[Decision]:
    for decision in market.looks():
        assert market.passed_zero == 0
        assert market.largest_share <= market.settings.max_exposure_percent / 100
        yield decision


@pytest.mark.parametrize("order_type", ["market", "limit"])
@pytest.mark.parametrize("seed", range(25))
def test_a_campaign_ends_flat_and_on_target_and_never_turns_its_position_over(seed: int, order_type: str) -> None:
    market = campaign(seed, order_type)
    *_, last = run(market)
    assert isinstance(last, Done)
    assert market.own_quantity == 0
    assert market.progress.is_done
    passed = market.progress.filled_quote - market.settings.volume_target
    assert passed < 2 * market.largest_minimum + market.settings.max_buy_amount / 50


@pytest.mark.parametrize("start", [1, -1])
@pytest.mark.parametrize("seed", range(10))
def test_a_position_that_was_there_before_is_there_again_at_the_end(seed: int, start: int) -> None:
    market = campaign(seed, "market", start)
    *_, last = run(market)
    assert isinstance(last, Done)
    assert market.own_quantity == 0


@pytest.mark.parametrize("seed", range(10))
def test_without_the_wish_to_close_it_the_position_stays_and_the_target_is_passed_by_less_than_one_order(
    seed: int,
) -> None:
    market = campaign(seed, "market", close_position_at_end=False)
    *_, last = run(market)
    assert isinstance(last, Done)
    assert market.progress.filled_quote - market.settings.volume_target < market.largest_minimum


@LAW
@given(VALUATIONS, QUANTITIES, PRICES)
def test_a_quantity_is_worth_what_it_was_drawn_for(worth: Valuation, quantity: Decimal, price: Decimal) -> None:
    assert abs(worth.quantity(worth.notional(quantity, price), price) - quantity) < Decimal("1e-15") * quantity


@LAW
@given(QUANTITIES, PRICES, PRICES)
def test_a_round_trip_of_an_inverse_contract_gains_what_the_exchange_pays(
    quantity: Decimal, entry: Decimal, exit_price: Decimal
) -> None:
    """Contracts x size x (1 / entry - 1 / exit), in base."""
    gained_base = INVERSE.base(quantity, entry) - INVERSE.base(quantity, exit_price)
    assert abs(gained_base - quantity * (1 / entry - 1 / exit_price)) < Decimal("1e-20") * quantity
    slippage = INVERSE.slippage(Side.BUY, quantity, exit_price, entry)
    assert abs(slippage - gained_base * exit_price) < Decimal("1e-15") * quantity * (1 + exit_price / entry)


@LAW
@given(
    st.integers(-50, 50), st.integers(1, 125), st.integers(0, 3), st.sampled_from(Side), st.integers(1, 2_000),
    st.integers(0, 20_000),
)  # fmt: skip
def test_what_reduces_never_passes_zero_and_what_opens_is_paid_for(
    held: int, leverage: int, resting: int, side: Side, notional: int, free: int
) -> None:
    held_base = Decimal(held) / 100
    orders = tuple(an_order(side, "29000", order_id=str(i), remaining_quantity=Decimal("0.05")) for i in range(resting))
    futures = FuturesAccount(held_base, held_base, Decimal(free), Decimal(leverage))
    snapshot = a_snapshot(futures=futures, open_orders=orders, risk_inputs=calm(WORTH))
    settings = parse_settings({})
    quantity = futures_position.fit(side, Decimal(notional), snapshot.mid_price, snapshot, settings)
    assume(quantity is not None)
    assert quantity is not None
    open_base = Decimal("0.05") * resting
    if futures_position.reduces(side, futures):
        left = abs(held_base) - open_base - quantity
        assert left == 0 or left >= snapshot.rules.min_quantity
    else:
        worth = quantity * snapshot.mid_price
        assert worth / leverage + worth * snapshot.rules.taker_fee_rate * 2 <= free
        assert abs(held_base) * snapshot.mid_price + (open_base + quantity) * snapshot.mid_price <= WORTH / 2


def test_beside_a_flat_position_orders_rest_on_one_side_only() -> None:
    resting = (an_order(Side.SELL, "31000", is_ours=False),)
    snapshot = a_snapshot(futures=FuturesAccount(Decimal(0), Decimal(0), WORTH), open_orders=resting)
    settings = parse_settings({"order_type": "limit"})
    assert (
        futures_position.room(Side.BUY, snapshot.mid_price, snapshot, settings).notional(
            snapshot.mid_price, snapshot.rules
        )
        == 0
    )
    assert (
        futures_position.room(Side.SELL, snapshot.mid_price, snapshot, settings).notional(
            snapshot.mid_price, snapshot.rules
        )
        > 0
    )


def test_a_position_that_somebody_else_has_closed_is_not_opened_again() -> None:
    done = Progress(target_quote=Decimal(100), bought_quote=Decimal(60), sold_quote=Decimal(50))
    snapshot = a_snapshot(futures=FuturesAccount(Decimal(0), Decimal("0.01"), WORTH))
    assert decide(Situation(snapshot, parse_settings({}), done), random.Random(1)) == Done()


def test_the_closing_order_is_a_market_order_that_only_reduces() -> None:
    done = Progress(target_quote=Decimal(100), bought_quote=Decimal(60), sold_quote=Decimal(50))
    snapshot = a_snapshot(futures=FuturesAccount(Decimal("0.01"), Decimal("0.01"), WORTH))
    decision = decide(Situation(snapshot, parse_settings({"order_type": "limit"}), done), random.Random(1))
    assert isinstance(decision, Place)
    intent = decision.intent
    assert (intent.side, intent.order_type, intent.quantity) == (Side.SELL, OrderType.MARKET, Decimal("0.01"))
    assert intent.reduce_only
    assert decision.min_order_quote is None


def test_a_pause_also_holds_the_closing_order() -> None:
    done = Progress(target_quote=Decimal(100), bought_quote=Decimal(60), sold_quote=Decimal(50))
    snapshot = a_snapshot(futures=FuturesAccount(Decimal("0.01"), Decimal("0.01"), WORTH))
    assert decide(Situation(snapshot, parse_settings({}), done), random.Random(1), hold="paused") == Wait(1.0, "paused")


def test_without_margin_it_waits_for_funds() -> None:
    snapshot = a_snapshot(futures=FuturesAccount(Decimal(0), Decimal(0), Decimal(3)))
    decision = decide(Situation(snapshot, parse_settings({}), Progress(target_quote=Decimal(100))), random.Random(1))
    assert isinstance(decision, Wait)
    assert decision.is_unfunded
    assert "the free margin of 3.00 at leverage 1" in decision.reason
