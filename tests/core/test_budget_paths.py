"""The budget on random paths: whatever the market does, what it cost by the mid at the fills is never above it.

Two pairs share the budget; limit or market orders; at the end, or in the middle, an emergency stop cancels what rests
and brings the inventory of both back to its start. Nothing here keeps the price from jumping.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from fake_market import SYMBOL
from played_market import RULES

from octobot_volume_booster.core.accounting.ledger import Ledger, Outcome, Progress
from octobot_volume_booster.core.decision import flattening, sizing, spending
from octobot_volume_booster.core.decision.guards import Halt
from octobot_volume_booster.core.decision.policy import Cancel, Done, Place, decide
from octobot_volume_booster.core.decision.situation import Situation
from octobot_volume_booster.core.model.basics import OrderType, Role, Side, Trading
from octobot_volume_booster.core.model.instrument import SPOT
from octobot_volume_booster.core.model.orders import Fill, OpenOrder, OrderIntent
from octobot_volume_booster.core.model.snapshot import Balances, Equity, Level, MarketSnapshot, RiskInputs
from octobot_volume_booster.core.settings.schema import Settings, parse_settings

PLENTY = Decimal(10**6)
LOOKS = 60
PATHS = 200


@dataclass
class Pair:
    """One market: its mid, a book of five levels a side, and what rests there of ours."""

    exchange: str
    mid: Decimal
    half_spread: Decimal
    level_base: Decimal
    resting: dict[str, OpenOrder] = field(default_factory=dict)

    def levels(self, side: Side) -> tuple[Level, ...]:
        """The asks for a buy, the bids for a sell: each half a spread further on."""
        sign = 1 if side is Side.BUY else -1
        steps = (self.mid * (1 + sign * self.half_spread * number) for number in range(1, 6))
        return tuple(Level(price.quantize(RULES.price_tick), self.level_base) for price in steps)

    @property
    def market(self) -> tuple[str, str]:
        return self.exchange, SYMBOL


class Path:
    """One campaign on two pairs, on a market that the seed chooses."""

    def __init__(self, seed: int, order_type: str) -> None:
        self.chance = chance = random.Random(f"{seed} {order_type}")
        self.ledger = Ledger()
        self.settings: Settings = parse_settings(
            {
                "order_type": order_type, "volume_target": 2_000,
                "price_offset_percent": chance.choice((0, 0.01, 0.05)),
                "limit_order_timeout": 20, "max_open_orders": 4, "emergency_flatten": True,
                "max_cost_quote": str(round(chance.uniform(0.5, 2.5), 2)), "max_consecutive_losses": 100,
                "max_position_imbalance": 1, "max_exposure_percent": 100,
            }
        )  # fmt: skip
        self.deviation_bps = chance.uniform(0.1, 5)
        spread = Decimal(str(chance.choice((0.5, 2, 5)))) / 10_000
        self.pairs = [Pair(name, Decimal(60_000), spread, Decimal("0.002")) for name in ("a", "b")]
        self.now, self.orders, self.fills, self.halts = 0.0, 0, 0, 0
        self.dearest = Decimal(0)

    def progress(self, pair: Pair | None = None) -> Progress:
        seen_from = None if pair is None else pair.market
        return self.ledger.progress(self.settings.volume_target, seen_from=seen_from)

    def play(self) -> None:
        ends_after = self.chance.randint(5, LOOKS)
        for _ in range(ends_after):
            for pair in self.pairs:
                self.step(pair)
            self.now += 1
        for pair in self.pairs:
            self.emergency(pair)

    def step(self, pair: Pair) -> None:
        pair.mid *= Decimal(repr(1 + self.chance.gauss(0, self.deviation_bps) / 10_000))
        for order in list(pair.resting.values()):
            passed = pair.mid <= order.price if order.side is Side.BUY else pair.mid >= order.price
            if passed:
                del pair.resting[order.order_id]
                self.fill(pair, order.order_id, order.side, Role.MAKER, order.remaining_quantity, order.price)
        situation = Situation(self.snapshot(pair), self.settings, self.progress(pair))
        match decide(situation, self.chance):
            case Place(intent):
                self.place(pair, intent)
            case Cancel(orders) | Done(orders):
                self.cancel(pair, orders)
            case Halt():
                self.halts += 1

    def snapshot(self, pair: Pair) -> MarketSnapshot:
        drift, _ = self.ledger.drift(pair.market)
        asks, bids = pair.levels(Side.BUY), pair.levels(Side.SELL)
        return MarketSnapshot(
            *pair.market, Trading.SANDBOX, self.now, pair.mid, 0.0, RULES, Balances(PLENTY / pair.mid, PLENTY),
            RiskInputs(Equity(PLENTY, PLENTY, PLENTY, drift * pair.mid)), tuple(pair.resting.values()),
            bids[0].price, asks[0].price, bids, asks,
        )  # fmt: skip

    def place(self, pair: Pair, intent: OrderIntent) -> None:
        self.orders += 1
        order_id = f"order {self.orders}"
        self.ledger.place(order_id, intent, self.now, *pair.market)
        if intent.order_type is OrderType.LIMIT:
            pair.resting[order_id] = OpenOrder(order_id, intent.side, intent.price, intent.quantity, self.now)
            return
        left = intent.quantity
        for level in pair.levels(intent.side):
            taken = min(left, level.quantity)
            if taken:
                self.fill(pair, order_id, intent.side, Role.TAKER, taken, level.price)
            left -= taken
        if left:
            self.ledger.close(order_id, Outcome.CANCELLED)

    def fill(self, pair: Pair, order_id: str, side: Side, role: Role, quantity: Decimal, price: Decimal) -> None:
        self.fills += 1
        intent = self.ledger.record(order_id).intent
        fee = quantity * price * RULES.taker_fee_rate
        amounts = quantity, price, fee, intent.mid_price
        told = Fill(f"fill {self.fills}", order_id, self.now, side, role, *amounts, mid_at_fill=pair.mid)
        self.ledger.apply(told)
        self.dearest = max(self.dearest, self.progress().cost_quote)

    def cancel(self, pair: Pair, orders: tuple[OpenOrder, ...]) -> None:
        for order in orders:
            del pair.resting[order.order_id]
            self.ledger.close(order.order_id, Outcome.CANCELLED)

    def emergency(self, pair: Pair) -> None:
        self.cancel(pair, tuple(pair.resting.values()))
        held, _ = self.ledger.drift(pair.market)
        side = Side.SELL if held > 0 else Side.BUY
        reachable = sizing.within_slippage(pair.levels(side), pair.mid, self.settings)
        fee_rate = RULES.worst_fee_rate
        paid_for, _ = flattening.affordable(self.settings, self.progress(pair), fee_rate, is_simulated=False)
        intent = spending.flattening_order(held, pair.mid, min(reachable * pair.mid, paid_for), RULES, SPOT)
        if held and intent is not None:
            assert intent.is_flattening
            self.place(pair, intent)


def play(seeds: range, order_type: str) -> list[Path]:
    paths = [Path(seed, order_type) for seed in seeds]
    for path in paths:
        path.play()
        assert path.settings.max_cost_quote is not None
        assert path.dearest <= path.settings.max_cost_quote, "the budget was passed"
    return paths


@pytest.mark.parametrize("order_type", ["limit", "market"])
def test_on_some_random_paths_the_budget_is_not_passed(order_type: str) -> None:
    paths = play(range(12), order_type)
    assert sum(path.halts > 0 for path in paths) >= 2, "it comes to its end on some"


@pytest.mark.long
@pytest.mark.parametrize("order_type", ["limit", "market"])
def test_on_200_random_paths_the_budget_is_never_passed(order_type: str) -> None:
    paths = play(range(PATHS // 2), order_type)
    assert sum(path.halts > 0 for path in paths) >= 20
    assert sum(path.fills for path in paths) > 500
    assert sum(path.progress().flattening_quote != 0 for path in paths) > 50, "inventories are brought back"
