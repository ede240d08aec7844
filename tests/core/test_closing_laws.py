"""Laws of the order that closes a futures position when the target is reached, and of what holds it back."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import LAW, NOW, Situation, a_snapshot, an_order, calm, placed, some

from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision import futures_position
from octobot_volume_booster.core.decision.policy import Decision, Done, Halt, Place, Wait, decide
from octobot_volume_booster.core.model.basics import OrderType, Side, Trading, round_to_step
from octobot_volume_booster.core.model.instrument import SPOT, Valuation
from octobot_volume_booster.core.model.orders import OrderIntent
from octobot_volume_booster.core.model.snapshot import FuturesAccount, Level, MarketSnapshot
from octobot_volume_booster.core.settings.schema import Settings, parse_settings

REACHED = Progress(target_quote=Decimal(100), bought_quote=Decimal(60), sold_quote=Decimal(50))
WORTH = Decimal(60_000)
CONTRACTS = (
    (SPOT, "0.001"),
    (Valuation(contract_size=Decimal("0.001")), "1"),
    (Valuation(contract_size=Decimal(10), is_inverse=True), "1"),
)


@dataclass(frozen=True)
class Closing:
    """A campaign at its target, with something of its position left."""

    snapshot: MarketSnapshot
    settings: Settings

    @property
    def futures(self) -> FuturesAccount:
        assert self.snapshot.futures is not None
        return self.snapshot.futures

    def decide(self) -> Decision:
        return decide(Situation(self.snapshot, self.settings, REACHED), random.Random(1))

    @property
    def to_zero(self) -> Decimal:
        """What may be closed at the most: the campaign's own, and never the account's position through zero."""
        own, net = self.futures.own_quantity, self.futures.net_quantity
        most = min(abs(own), abs(net)) if own * net > 0 else abs(own)
        return round_to_step(most, self.snapshot.rules.quantity_step, ROUND_FLOOR)

    @property
    def allowed(self) -> Decimal:
        """What the guard on an order's size, the book and the exchange allow of it."""
        rules = self.snapshot.rules
        most = self.snapshot.risk_inputs.equity.now_quote * self.settings.max_position_percent / 100
        limits = [rules.quantity(most, self.snapshot.mid_price)]
        if rules.max_quantity is not None:
            limits.append(rules.max_quantity)
        levels = self.snapshot.bids if self.futures.own_quantity > 0 else self.snapshot.asks
        if levels:
            worst = self.snapshot.mid_price * self.settings.max_slippage_bps / 10_000
            near = (level.quantity for level in levels if abs(level.price - self.snapshot.mid_price) <= worst)
            limits.append(sum(near, Decimal(0)))
        return round_to_step(min(limits), rules.quantity_step, ROUND_FLOOR)


@st.composite
def closings(draw: st.DrawFn, /, most_steps: int = 100) -> Closing:
    """With up to so many steps of the campaign's own."""
    valuation, size = draw(st.sampled_from(CONTRACTS))
    step, snapshot = Decimal(size), a_snapshot(trading=Trading.SANDBOX)
    rules = replace(
        snapshot.rules,
        quantity_step=step,
        min_quantity=step * draw(st.integers(1, 5)),
        max_quantity=some(draw, step, 5, 80) if draw(st.booleans()) else None,
        valuation=valuation,
    )
    own = some(draw, step / 2, 1, 2 * most_steps) * draw(st.sampled_from((1, -1)))
    net = draw(st.sampled_from((own, own / 2, own * 2, -own, -own / 2)))
    assume(net)
    levels: dict[str, Any] = {}
    if draw(st.booleans()):
        for name, sign in (("bids", -1), ("asks", 1)):
            prices = [snapshot.mid_price * (1 + sign * Decimal(bps) / 10_000) for bps in (5, 15, 16)]
            levels[name] = tuple(Level(price, some(draw, step, 0, 60)) for price in prices)
    worth = rules.notional(step, snapshot.mid_price) * 20 * draw(st.integers(1, 150))
    snapshot = replace(
        snapshot,
        rules=rules,
        futures=FuturesAccount(net, own, WORTH),
        risk_inputs=calm(max(worth, Decimal(1))),
        **levels,
    )
    order_type = draw(st.sampled_from(("limit", "market")))
    return Closing(snapshot, parse_settings({"order_type": order_type, "max_cost_quote": 1_000_000}))


@LAW
@given(closings())
def test_the_closing_order_takes_as_much_as_it_may_and_leaves_nothing_or_enough_for_another(closing: Closing) -> None:
    place, futures, rules = placed(closing.decide()), closing.futures, closing.snapshot.rules
    intent = place.intent
    assert intent.side is (Side.SELL if futures.own_quantity > 0 else Side.BUY)
    assert intent.order_type is OrderType.MARKET
    assert intent.reduce_only == (futures.own_quantity * futures.net_quantity > 0)
    assert intent.quantity % rules.quantity_step == 0
    assert rules.min_quantity <= intent.quantity <= min(closing.to_zero, closing.allowed)
    left = closing.to_zero - intent.quantity
    smallest = round_to_step(rules.min_quantity, rules.quantity_step, ROUND_FLOOR)
    if not intent.reduce_only:
        smallest = max(smallest, rules.quantity(rules.min_order_notional(intent.price), intent.price))
    assert left == 0 or left >= smallest
    assert left == 0 or intent.quantity >= min(closing.allowed, closing.to_zero - smallest)
    assert (place.min_order_quote, place.delay_s) == (None, closing.settings.trade_frequency_min)


@LAW
@given(closings(most_steps=3))
def test_it_waits_only_where_no_order_that_closes_fits(closing: Closing) -> None:
    decision = closing.decide()
    assume(not isinstance(decision, Place))
    assert isinstance(decision, Wait)
    assert "no order that the exchange and its book take closes the" in decision.reason
    rules = closing.snapshot.rules
    smallest = rules.quantity(rules.min_order_notional(closing.snapshot.mid_price), closing.snapshot.mid_price)
    if closing.futures.own_quantity * closing.futures.net_quantity > 0:
        smallest = rules.min_quantity
    # two of the smallest could not be told apart from one and a rest that is too small
    assert min(closing.to_zero, closing.allowed) < 2 * smallest


def closing_of(own: str, settings: dict[str, Any] | None = None, hold: str = "", **seen: Any) -> Decision:
    account = FuturesAccount(Decimal(own), Decimal(own), WORTH)
    snapshot = a_snapshot(**({"futures": account, "risk_inputs": calm(WORTH)} | seen))
    return decide(Situation(snapshot, parse_settings(settings or {}), REACHED), random.Random(1), hold)


def test_with_a_book_that_holds_nothing_near_the_mid_it_waits() -> None:
    far = (Level(Decimal(29_000), Decimal(5)),)
    decision = closing_of("0.01", bids=far, asks=far)
    assert isinstance(decision, Wait)
    assert "closes the +0.01 left on BTC/USDT" in decision.reason


@pytest.mark.parametrize(
    ("words", "settings", "seen"),
    [
        ("paused", {}, {}),
        ("enable_volume_booster is off", {"enable_volume_booster": False}, {}),
        ("31 s old", {}, {"price_age_s": 31.0}),
        ("the clock went on by 31 s", {}, {"risk_inputs": calm(WORTH, clock_jump_s=31.0)}),
        ("rate_limit_margin is 80%", {}, {"risk_inputs": calm(WORTH, rate_limit_used=0.8)}),
        ("orders a second", {}, {"risk_inputs": calm(WORTH, last_order_at=NOW)}),
        (
            "another buy order of this bot",
            {},
            {"open_orders": (an_order(Side.BUY, "29000", is_ours=False),)},
        ),
    ],
)
def test_what_holds_back_every_order_holds_back_the_closing_one(
    words: str, settings: dict[str, Any], seen: dict[str, Any]
) -> None:
    decision = closing_of("0.01", settings, "paused" if words == "paused" else "", **seen)
    assert isinstance(decision, Wait)
    assert words in decision.reason


@pytest.mark.parametrize(
    ("own", "net", "book", "quantity"),
    [
        ("0.01", "0.02", "5", "0.01"),
        ("0.02", "0.01", "5", "0.01"),
        ("0.01", "-0.005", "5", "0.01"),  # somebody else has turned the account over
        ("-0.01", "-0.02", "5", "0.01"),
        ("-0.02", "0.01", "5", "0.02"),
        ("0.02", "0.02", "0.0123456", "0.01234"),
        ("0.001", "0.001", "0.00099", "0.00098"),  # a step that is left could not be ordered
        ("0.001", "0.001", "0.001", "0.001"),
    ],
)
def test_as_much_is_closed_as_the_account_and_the_book_have(own: str, net: str, book: str, quantity: str) -> None:
    level = (Level(Decimal(30_000), Decimal(book)),)
    rules = replace(a_snapshot().rules, min_quantity=Decimal("0.00002"))
    account = FuturesAccount(Decimal(net), Decimal(own), WORTH)
    decision = closing_of(own, {"max_cost_quote": 100}, futures=account, rules=rules, bids=level, asks=level)
    assert isinstance(decision, Place)
    assert decision.intent.quantity == Decimal(quantity)


def test_before_it_closes_nothing_of_its_own_may_rest() -> None:
    resting = an_order(Side.SELL, "31000")
    assert closing_of("0.01", open_orders=(resting,)) == Done((resting,))


@pytest.mark.parametrize(
    ("settings", "own"), [({"close_position_at_end": False}, "0.01"), ({}, "0")], ids=["it stays", "nothing is left"]
)
def test_where_nothing_is_to_be_closed_it_is_done(settings: dict[str, Any], own: str) -> None:
    account = FuturesAccount(Decimal("0.01"), Decimal(own), WORTH)
    assert closing_of(own, settings, futures=account) == Done()


@pytest.mark.parametrize(("budget", "kind"), [("0.8", Place), ("0.3", Halt)])
def test_the_cost_budget_holds_for_the_closing_order(budget: str, kind: type[Decision]) -> None:
    """It is worth 300 and costs 0.30 in fees."""
    progress = replace(REACHED, fees_quote=Decimal("0.1"))
    snapshot = a_snapshot(futures=FuturesAccount(Decimal("0.01"), Decimal("0.01"), WORTH))
    decision = decide(Situation(snapshot, parse_settings({"max_cost_quote": budget}), progress), random.Random(1))
    assert isinstance(decision, kind)
    assert not isinstance(decision, Halt) or decision.guard == "cost_budget"


def test_a_guard_that_has_halted_a_campaign_does_not_hold_back_its_closing_order() -> None:
    """The target is reached: what stands against more volume stands against no closing order."""
    snapshot = a_snapshot(futures=FuturesAccount(Decimal("0.01"), Decimal("0.01"), WORTH), risk_inputs=calm(WORTH))
    standing = Halt("it lost too much", "drawdown", is_lasting=True)
    assert isinstance(decide(Situation(snapshot, parse_settings({}), REACHED), random.Random(1), "", standing), Place)


def test_a_lock_holds_back_the_closing_order_too() -> None:
    decision = closing_of("0.01", trading=Trading.LIVE)
    assert isinstance(decision, Halt)
    assert decision.guard == "real_funds_lock"


SMALL = Valuation(contract_size=Decimal("0.001"))


@pytest.mark.parametrize(
    ("own", "net", "most", "told"),
    [
        ("5", "5", None, (Side.SELL, 5, True)),
        ("-5", "-5", None, (Side.BUY, 5, True)),
        ("5.9", "5.9", None, (Side.SELL, 5, True)),
        ("5", "3", None, (Side.SELL, 3, True)),
        ("5", "-3", None, (Side.SELL, 5, False)),
        ("5", "9", None, (Side.SELL, 5, True)),
        ("5", "9", "4", (Side.SELL, 4, True)),
        ("5", "5", "9", (Side.SELL, 5, True)),
        ("5", "0", None, "the account has no position any more"),
        ("1", "1", None, "it is less than the exchange's smallest order"),
        ("2", "2", None, (Side.SELL, 2, True)),
    ],
)
def test_in_an_emergency_all_of_it_is_closed_that_the_account_still_has(
    own: str, net: str, most: str | None, told: Any
) -> None:
    rules = replace(
        a_snapshot().rules,
        quantity_step=Decimal(1),
        min_quantity=Decimal(2),
        max_quantity=most and Decimal(most),
        valuation=SMALL,
    )
    account = FuturesAccount(Decimal(net), Decimal(own), WORTH)
    order = futures_position.emergency_order(account, Decimal(30_000), rules, SMALL)
    if isinstance(told, str):
        assert order == told
        return
    side, quantity, reduces = told
    price = Decimal(30_000)
    amounts = Decimal(quantity), price, price
    assert order == OrderIntent(side, OrderType.MARKET, *amounts, SMALL, reduce_only=reduces, is_flattening=True)


def test_without_a_smallest_quantity_an_emergency_still_closes_whole_steps_only() -> None:
    rules = replace(a_snapshot().rules, quantity_step=Decimal(1), min_quantity=Decimal(0))
    account = FuturesAccount(Decimal("0.5"), Decimal("0.5"), WORTH)
    assert isinstance(futures_position.emergency_order(account, Decimal(30_000), rules, SPOT), str)
