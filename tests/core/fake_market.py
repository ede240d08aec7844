"""A market in a few lines: takes what the policy decides, moves its price, and fills what rests, in part or whole."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from octobot_volume_booster.core.accounting.ledger import Ledger, Outcome, Progress
from octobot_volume_booster.core.decision.policy import Cancel, Decision, Done, Place, decide
from octobot_volume_booster.core.decision.situation import Situation
from octobot_volume_booster.core.decision.timing.pacing import decision_rng
from octobot_volume_booster.core.model.basics import OrderType, Role, Side, Trading
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.orders import Fill, OpenOrder
from octobot_volume_booster.core.model.snapshot import Balances, Equity, MarketSnapshot, RiskInputs
from octobot_volume_booster.core.settings.schema import Settings, parse_settings

EXCHANGE, SYMBOL = "fake", "BTC/USDT"
MOST_LOOKS = 5_000
EVEN_CHANCE = {Side.BUY: 0.3, Side.SELL: 0.3}
MARKETS = (  # price, tick, step, smallest quantity, smallest notional
    ("30000", "0.01", "0.00001", "0.00001", "5"),
    ("30000", "0.01", "0.001", "0", "0"),
    ("2.5", "0.0001", "0.1", "0.1", "10"),
    ("0.00002345", "0.00000001", "1", "1", "1"),
    ("117", "0.05", "0.03", "0.1", "0"),
)


@dataclass
class FakeMarket:
    """One campaign on one symbol, with more than enough of both currencies."""

    settings: Settings
    rules: MarketRules
    price: Decimal
    seed: int
    fill_chance: dict[Side, float] = field(default_factory=lambda: dict(EVEN_CHANCE))
    now: float = 0.0
    ledger: Ledger = field(default_factory=Ledger)
    resting: dict[str, OpenOrder] = field(default_factory=dict)
    placed: list[Place] = field(default_factory=list)
    fills: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    @property
    def progress(self) -> Progress:
        return self.ledger.progress(self.settings.volume_target)

    @property
    def largest_minimum(self) -> Decimal:
        """The most that the exchange's smallest order was worth at the price of any of our orders."""
        return max(self.rules.min_order_notional(place.intent.price) for place in self.placed)

    def looks(self) -> Iterator[Decision]:
        """Every decision after it was carried out, until the target is reached or it takes too long."""
        for _ in range(MOST_LOOKS):
            rng = decision_rng(self.seed, EXCHANGE, SYMBOL, len(self.placed))
            decision = decide(Situation(self.snapshot(), self.settings, self.progress), rng)
            self.carry_out(decision)
            yield decision
            if isinstance(decision, Done) and not decision.leftovers:
                return
            self.move_on()

    def snapshot(self) -> MarketSnapshot:
        plenty = 10_000 + self.settings.volume_target * 10
        return MarketSnapshot(
            exchange=EXCHANGE,
            symbol=SYMBOL,
            trading=Trading.SIMULATION,
            now=self.now,
            mid_price=self.price,
            price_age_s=0.0,
            rules=self.rules,
            balances=Balances(base_free=plenty / self.price, quote_free=plenty),
            risk_inputs=RiskInputs(self.equity(plenty * 2)),
            open_orders=tuple(self.resting.values()),
        )

    def equity(self, at_start: Decimal) -> Equity:
        """Worth as much as at the start, whatever the price does: losses are another test's matter."""
        base, _ = self.ledger.drift(("", ""))
        return Equity(at_start, at_start, at_start, base * self.price)

    def carry_out(self, decision: Decision) -> None:
        match decision:
            case Place():
                self.place(decision)
            case Cancel(orders) | Done(orders):
                for order in orders:
                    del self.resting[order.order_id]
                    self.ledger.close(order.order_id, Outcome.CANCELLED)
        self.now += getattr(decision, "delay_s", 0.0)

    def place(self, decision: Place) -> None:
        intent, order_id = decision.intent, f"order {len(self.placed)}"
        self.placed.append(decision)
        self.ledger.place(order_id, intent, self.now)
        order = OpenOrder(order_id, intent.side, intent.price, intent.quantity, self.now)
        if intent.order_type is OrderType.MARKET:
            self.fill(order, intent.quantity, Role.TAKER)
        else:
            self.resting[order_id] = order

    def move_on(self) -> None:
        """The price moves, and some of what rests is filled: half of the times whole."""
        self.price = max(self.price * Decimal(str(self.chance.uniform(0.998, 1.002))), self.rules.price_tick)
        for order in list(self.resting.values()):
            if self.chance.random() < self.fill_chance[order.side]:
                steps = int(order.remaining_quantity / self.rules.quantity_step)
                filled = steps if self.chance.random() < 0.5 else self.chance.randint(1, steps)
                self.fill(order, filled * self.rules.quantity_step, Role.MAKER)

    def fill(self, order: OpenOrder, quantity: Decimal, role: Role) -> None:
        intent = self.ledger.record(order.order_id).intent
        fee = quantity * order.price * self.rules.taker_fee_rate
        self.fills += 1
        fill_id = f"fill {self.fills}"
        amounts = quantity, order.price, fee, intent.mid_price
        fill = Fill(fill_id, order.order_id, self.now, order.side, role, *amounts, mid_at_fill=self.price)
        self.ledger.apply(fill)
        self.resting.pop(order.order_id, None)
        if left := order.remaining_quantity - quantity:
            same = order.order_id, order.side, order.price
            self.resting[order.order_id] = OpenOrder(*same, left, order.placed_at)


def random_campaign(seed: int, order_type: str, **changes: Any) -> FakeMarket:
    """A campaign with settings and a market that the seed chooses."""
    chance = random.Random(f"campaign {seed}")
    price, tick, step, smallest, smallest_notional = map(Decimal, chance.choice(MARKETS))
    rules = MarketRules("BTC", "USDT", tick, step, smallest, smallest_notional, taker_fee_rate=Decimal("0.001"))
    low, high = sorted((chance.randint(1, 90), chance.randint(1, 90)))
    values: dict[str, Any] = {
        "volume_target": chance.randint(300, 3_000),
        "order_type": order_type,
        "min_buy_amount": low,
        "max_buy_amount": high,
        "min_sell_amount": low,
        "max_sell_amount": high + chance.randint(0, 20),
        "limit_order_timeout": chance.choice((15, 60)),
        "max_open_orders": chance.randint(1, 12),
        "side_policy": chance.choice(("balanced", "alternate")),
        "max_position_imbalance": chance.choice(("0.02", "0.1", "0.3")),
    }
    return FakeMarket(parse_settings(values | changes), rules, price, seed)
