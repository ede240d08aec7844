"""Random worlds for the laws: market rules, settings, a view and a progress that fit together, as wide as may be."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st

from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision import situation
from octobot_volume_booster.core.decision.allocation import Allocation
from octobot_volume_booster.core.decision.policy import Decision, Place, decide
from octobot_volume_booster.core.model.basics import OrderType, Side, Trading
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.orders import OpenOrder
from octobot_volume_booster.core.model.snapshot import Balances, Equity, MarketSnapshot, RiskInputs
from octobot_volume_booster.core.settings.schema import Settings, SidePolicy, parse_settings

EXAMPLES = int(os.environ.get("LAW_EXAMPLES", "250"))
"""`make check`, which is for every few minutes, tries fewer."""
LAW = settings(deadline=None, derandomize=True, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
"""Every law is tried on the same examples each time: a failure is a bug and not bad luck."""
RARE = settings(LAW, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
"""For a law about what few examples bring about: the others are passed over, and a law without any fails."""

NOW = 1_700_000_000.0
PLAY_MONEY = (Trading.SIMULATION, Trading.BACKTEST, Trading.SANDBOX)
TICKS = st.sampled_from([Decimal(tick) for tick in "0.00000001 0.0001 0.01 0.05 0.25 0.5 1 5 10 25 1000".split()])
STEPS = st.sampled_from(
    [Decimal(step) for step in "0.00000001 0.00001 0.001 0.03 0.25 0.5 1 5 10 25 1000 10000".split()]
)
NOTIONALS = st.sampled_from((0, 1, 5, 10))
ORDER_AGES = st.sampled_from((0, 5, 30, 60, 90, 119, 120, 600))
PRICE_AGES = st.sampled_from((0.0, 0.5, 1.5, 5.0, 30.0, 31.0))
SIDES, ORDER_TYPES, SIDE_POLICIES = st.sampled_from(Side), st.sampled_from(OrderType), st.sampled_from(SidePolicy)
YES_OR_NO = st.booleans()
LARGEST_AMOUNT = Decimal("1e12")


def calm(worth: Decimal, **changes: Any) -> RiskInputs:
    """Nothing that a guard would mind, of an account that is worth so much."""
    return RiskInputs(equity=Equity(worth, worth, worth), **changes)


@dataclass(frozen=True)
class Situation(situation.Situation):
    """All that a decision is made of."""

    seed: int = 0

    def decide(self, allocation: Allocation | None = None) -> Decision:
        return decide(self, random.Random(self.seed), allocation=allocation)


def multiples(unit: Decimal, low: int, high: int) -> st.SearchStrategy[Decimal]:
    """low x unit to high x unit."""
    return st.integers(low, high).map(lambda count: count * unit)


def some(draw: st.DrawFn, unit: Decimal, low: int, high: int) -> Decimal:
    """One of `multiples`, drawn at once, which is three times as fast."""
    return draw(st.integers(low, high)) * unit


@st.composite
def markets(draw: st.DrawFn) -> tuple[MarketRules, Decimal]:
    """The rules of an exchange, and a market price of at least a tick, on it or not."""
    tick, step = draw(TICKS), draw(STEPS)
    mid = some(draw, tick / 100, 100, 10**9)
    rules = MarketRules(
        base="BTC",
        quote="USDT",
        price_tick=tick,
        quantity_step=step,
        min_quantity=some(draw, step / 2, 0, 14),
        min_notional=Decimal(draw(NOTIONALS)),
        maker_fee_rate=some(draw, Decimal("0.0001"), -1, 50),
        taker_fee_rate=some(draw, Decimal("0.0001"), 0, 50),
    )
    smallest = rules.min_order_notional(mid)
    most_quantity = some(draw, smallest / mid / 10, 8, 500) if draw(YES_OR_NO) else None
    most_notional = some(draw, smallest / 10, 8, 500) if draw(YES_OR_NO) else None
    return replace(rules, max_quantity=most_quantity, max_notional=most_notional), mid


def settings_around(draw: st.DrawFn, order_notional: Decimal, fixed: dict[str, Any]) -> Settings:
    """Settings whose amounts are in the reach of an exchange's smallest order."""
    amounts = [min(some(draw, order_notional / 100, 1, 3_000), LARGEST_AMOUNT) for _ in range(4)]
    buys, sells = sorted(amounts[:2]), sorted(amounts[2:])
    values: dict[str, Any] = {
        "volume_target": min(some(draw, max(amounts), 1, 50), LARGEST_AMOUNT),
        "order_type": draw(ORDER_TYPES).value,
        "min_buy_amount": buys[0],
        "max_buy_amount": buys[1],
        "min_sell_amount": sells[0],
        "max_sell_amount": sells[1],
        "price_offset_percent": some(draw, Decimal("0.01"), 0, 300),
        "side_policy": draw(SIDE_POLICIES).value,
        "max_position_imbalance": some(draw, Decimal("0.01"), 1, 100),
        "fee_buffer_percent": some(draw, Decimal("0.1"), 0, 50),
        "max_cost_bps": 10_000,
    }
    return parse_settings(values | fixed)


def open_order(draw: st.DrawFn, mid: Decimal, size: Decimal) -> OpenOrder:
    side, price = draw(SIDES), some(draw, mid / 1_000, 900, 1_100)
    return OpenOrder(
        order_id=f"{side.value} at {price}",
        side=side,
        price=price,
        remaining_quantity=some(draw, size, 1, 5),
        placed_at=NOW - draw(ORDER_AGES),
        is_ours=draw(YES_OR_NO),
        is_cancelling=draw(YES_OR_NO),
    )


@st.composite
def situations(draw: st.DrawFn, /, trading: tuple[Trading, ...] = PLAY_MONEY, **fixed: Any) -> Situation:
    """Anything that may come before a decision; `fixed` are settings that are not left to chance."""
    rules, mid = draw(markets())
    smallest = rules.min_order_notional(mid)
    chosen = settings_around(draw, smallest, fixed)
    resting = tuple(open_order(draw, mid, smallest / mid) for _ in range(draw(st.integers(0, 3))))
    half_spread = draw(st.sampled_from((None, 0, 1, 50)))
    touch = None if half_spread is None else mid * half_spread / 10_000
    snapshot = MarketSnapshot(
        exchange="binance",
        symbol="BTC/USDT",
        trading=draw(st.sampled_from(trading)),
        now=NOW,
        mid_price=mid,
        price_age_s=draw(PRICE_AGES),
        rules=rules,
        balances=Balances(
            base_free=some(draw, smallest / 10, 0, 1_000) / mid, quote_free=some(draw, smallest / 10, 0, 1_000)
        ),
        risk_inputs=calm(smallest * 1_000_000),
        open_orders=resting,
        best_bid=None if touch is None else mid - touch,
        best_ask=None if touch is None else mid + touch,
    )
    return Situation(snapshot, chosen, progress_of(draw, chosen, resting), draw(st.integers(0, 2**32)))


@st.composite
def ready_situations(draw: st.DrawFn, /, trading: tuple[Trading, ...] = PLAY_MONEY, **fixed: Any) -> Situation:
    """Nothing stands in the way of an order: funds, price and caps allow it, and something is left of the target."""
    situation = draw(situations(trading=trading, **({"max_position_imbalance": 1} | fixed)))
    snapshot, chosen = situation.snapshot, situation.settings
    plenty = chosen.volume_target * 1_000 + snapshot.rules.min_order_notional(snapshot.mid_price) * 1_000
    return replace(
        situation,
        snapshot=replace(
            snapshot,
            rules=replace(snapshot.rules, max_quantity=None, max_notional=None),
            balances=Balances(plenty / snapshot.mid_price, plenty),
            price_age_s=0.0,
            open_orders=(),
        ),
        progress=Progress(
            target_quote=chosen.volume_target,
            bought_quote=some(draw, chosen.volume_target / 1_000, 0, 495),
            sold_quote=some(draw, chosen.volume_target / 1_000, 0, 495),
            buys=draw(st.integers(0, 3)),
            sells=draw(st.integers(0, 3)),
        ),
    )


def placed(decision: Decision) -> Place:
    """The order that is decided on; an example with another decision is not counted, and a law without any fails."""
    assume(isinstance(decision, Place))
    assert isinstance(decision, Place)
    return decision


def progress_of(draw: st.DrawFn, chosen: Settings, resting: tuple[OpenOrder, ...]) -> Progress:
    """Somewhere between the start and a little beyond the target."""
    open_quote = {
        side: sum((order.remaining_quantity * order.price for order in resting if order.side is side), Decimal(0))
        for side in Side
    }
    return Progress(
        target_quote=chosen.volume_target,
        bought_quote=some(draw, chosen.volume_target / 1_000, 0, 560),
        sold_quote=some(draw, chosen.volume_target / 1_000, 0, 560),
        open_buy_quote=open_quote[Side.BUY],
        open_sell_quote=open_quote[Side.SELL],
        buys=draw(st.integers(0, 20)),
        sells=draw(st.integers(0, 20)),
        failures_in_a_row=draw(st.integers(0, 4)),
    )


def a_snapshot(**changes: Any) -> MarketSnapshot:
    """A plain market for examples: BTC/USDT at 30,000, fees of 0.1 %, 1 BTC and 30,000 USDT free."""
    rules = MarketRules(
        base="BTC",
        quote="USDT",
        price_tick=Decimal("0.01"),
        quantity_step=Decimal("0.00001"),
        min_quantity=Decimal("0.00001"),
        min_notional=Decimal(5),
        maker_fee_rate=Decimal("0.001"),
        taker_fee_rate=Decimal("0.001"),
    )
    snapshot = MarketSnapshot(
        exchange="binance",
        symbol="BTC/USDT",
        trading=Trading.SIMULATION,
        now=NOW,
        mid_price=Decimal(30_000),
        price_age_s=0.5,
        rules=rules,
        balances=Balances(base_free=Decimal(1), quote_free=Decimal(30_000)),
        risk_inputs=calm(Decimal(60_000)),
    )
    return replace(snapshot, **changes)


def an_order(side: Side, price: str, **changes: Any) -> OpenOrder:
    order = OpenOrder(f"{side.value} at {price}", side, Decimal(price), Decimal("0.001"), placed_at=NOW)
    return replace(order, **changes)
