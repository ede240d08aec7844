"""The real policy on a market with a price that walks, balances that count, and fills as a plan assumes them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fake_market import EXCHANGE, SYMBOL, FakeMarket

from octobot_volume_booster.core.decision.policy import Done, Place
from octobot_volume_booster.core.model.basics import OrderType, Role, Side, Trading
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.orders import OpenOrder
from octobot_volume_booster.core.model.snapshot import Balances, Equity, MarketSnapshot, RiskInputs
from octobot_volume_booster.core.planning.market_conditions import Conditions
from octobot_volume_booster.core.settings.schema import Settings, parse_settings

RULES = MarketRules(
    "BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal("0.00001"), Decimal(5),
    maker_fee_rate=Decimal("0.001"), taker_fee_rate=Decimal("0.001"),
)  # fmt: skip
PRICE = Decimal(60_000)
BALANCES = Balances(Decimal(1), Decimal(10_000))


def conditions(**changes: Any) -> Conditions:
    values: dict[str, Any] = {"rules": RULES, "price": PRICE, "balances": BALANCES, "volatility_percent": 50.0}
    return Conditions(**(values | changes))


def settings(**values: Any) -> Settings:
    return parse_settings(values)


@dataclass
class PlayedMarket(FakeMarket):
    """One campaign, decided by the policy itself; what a plan draws as arrays happens here one by one.

    A limit order fills whole when the path, looked at every `path_step_s`, has passed it: no formula of the plan's.
    """

    base: Decimal = Decimal(1)
    quote: Decimal = Decimal(10_000)
    volatility_percent: float = 50.0
    spread_bps: float = 0.0
    path_step_s: float = 1.0
    moved_until: float = 0.0
    last_order_at: float | None = None

    @property
    def half_spread(self) -> Decimal:
        return Decimal(str(self.spread_bps)) / 20_000

    def snapshot(self) -> MarketSnapshot:
        locked_base = sum((o.remaining_quantity for o in self.resting.values() if o.side is Side.SELL), Decimal(0))
        locked_quote = sum(
            (o.remaining_quantity * o.price for o in self.resting.values() if o.side is Side.BUY), Decimal(0)
        )
        return MarketSnapshot(
            exchange=EXCHANGE,
            symbol=SYMBOL,
            trading=Trading.SIMULATION,
            now=self.now,
            mid_price=self.price,
            price_age_s=0.0,
            rules=self.rules,
            balances=Balances(self.base - locked_base, self.quote - locked_quote),
            risk_inputs=RiskInputs(self.worth(), last_order_at=self.last_order_at),
            open_orders=tuple(self.resting.values()),
            best_bid=self.price * (1 - self.half_spread),
            best_ask=self.price * (1 + self.half_spread),
        )

    def place(self, decision: Place) -> None:
        self.last_order_at = self.now
        super().place(decision)

    def worth(self) -> Equity:
        """As the campaign's own trades have made it; gains and losses of the price are another test's matter."""
        now = self.base * self.price + self.quote
        base, _ = self.ledger.drift(self.market)
        return Equity(now, now, now, base * self.price)

    @property
    def market(self) -> tuple[str, str]:
        return ("", "")

    def fill(self, order: OpenOrder, quantity: Decimal, role: Role) -> None:
        sign = 1 if order.side is Side.BUY else -1
        self.base += sign * quantity
        self.quote -= sign * quantity * order.price + quantity * order.price * self.rules.taker_fee_rate
        super().fill(order, quantity, role)

    def move_on(self) -> None:
        """The price walks until now, and what its path passes is filled."""
        is_market = self.settings.order_type.sends is OrderType.MARKET
        while self.moved_until < self.now - 1e-9:
            step_s = self.now - self.moved_until if is_market else min(self.path_step_s, self.now - self.moved_until)
            deviation = self.volatility_percent / 100 * math.sqrt(step_s / (365 * 86_400))
            self.price *= Decimal(repr(math.exp(self.chance.gauss(0, deviation) - deviation**2 / 2)))
            self.moved_until += step_s
            self._fill_what_is_passed()
            if self.progress.is_done:
                self.now = self.moved_until

    def _fill_what_is_passed(self) -> None:
        for order in list(self.resting.values()):
            buys = order.side is Side.BUY
            touch = self.price * (1 - self.half_spread if buys else 1 + self.half_spread)
            if touch <= order.price if buys else touch >= order.price:
                now, self.now = self.now, self.moved_until
                self.fill(order, order.remaining_quantity, Role.MAKER)
                self.now = now

    def play(self) -> PlayedMarket:
        """To the end; returns itself."""
        for decision in self.looks():
            if isinstance(decision, Done):
                return self
        raise AssertionError(f"not done: {self.progress}")

    @property
    def duration_s(self) -> float:
        """From the first order to the last fill."""
        progress = self.progress
        assert progress.first_order_at is not None and progress.last_fill_at is not None
        return progress.last_fill_at - progress.first_order_at


def played(seed: int, chosen: Settings, met: Conditions, **changes: Any) -> PlayedMarket:
    """A campaign of the policy itself under the conditions of a plan, to its end."""
    return PlayedMarket(
        chosen,
        met.rules,
        met.price,
        seed,
        base=met.balances.base_free,
        quote=met.balances.quote_free,
        volatility_percent=met.volatility_percent,
        spread_bps=met.spread_bps,
        **changes,
    ).play()
