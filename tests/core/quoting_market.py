"""A market that answers late: orders, cancellations, fills and what is learned of them are each up to 3 s on their way.

It is stricter than the mode, which waits for the answer to each order: here it continues deciding.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from decimal import Decimal

from strategies import NOW, calm

from octobot_volume_booster.core.accounting.ledger import Ledger, Outcome, Progress
from octobot_volume_booster.core.decision.outcomes.decisions import Cancel, Decision, Done, Place
from octobot_volume_booster.core.decision.policy import decide
from octobot_volume_booster.core.decision.situation import Situation
from octobot_volume_booster.core.decision.timing.pacing import decision_rng
from octobot_volume_booster.core.model.basics import OrderType, Role, Side, Trading
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.orders import Fill, OpenOrder, OrderIntent
from octobot_volume_booster.core.model.snapshot import Balances, Level, MarketSnapshot
from octobot_volume_booster.core.settings.schema import Settings

MARKET = ("fake", "BTC/USDT")
LATEST_S = 3.0
PLENTY = Decimal(1_000_000)


@dataclass
class _Live:
    """An own order as the exchange has it."""

    intent: OrderIntent
    arrives_at: float
    left: Decimal
    gone_at: float | None = None


@dataclass
class LateMarket:
    """One campaign with quotes; `latency_s` is the longest way of anything."""

    settings: Settings
    seed: int
    latency_s: float = LATEST_S
    tick: Decimal = Decimal("0.1")
    spread_ticks: int = 4
    fill_chance: float = 0.3
    move_ticks: int = 3
    fees: tuple[str, str] = ("0.0002", "0.0005")
    now: float = NOW
    ledger: Ledger = field(default_factory=Ledger)
    live: dict[str, _Live] = field(default_factory=dict)
    known: dict[str, OpenOrder] = field(default_factory=dict)
    placed: list[tuple[float, OrderIntent]] = field(default_factory=list)
    cancels: list[float] = field(default_factory=list)
    meetings: list[str] = field(default_factory=list)
    """Own orders that could have traded with each other at the exchange."""
    _news: list[tuple[float, str, str, Decimal, Decimal, Role]] = field(default_factory=list)
    _fills: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.bid = Decimal(30_000)
        maker, taker = map(Decimal, self.fees)
        step = Decimal("0.00001")
        self.rules = MarketRules("BTC", "USDT", self.tick, step, step, Decimal(5), None, None, maker, taker)

    @property
    def ask(self) -> Decimal:
        return self.bid + self.spread_ticks * self.tick

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2

    @property
    def progress(self) -> Progress:
        return self.ledger.progress(self.settings.volume_target, None, None, MARKET)

    def snapshot(self) -> MarketSnapshot:
        levels = [Decimal(1)]
        bids = tuple(Level(self.bid - index * self.tick, size) for index, size in enumerate(levels * 5))
        asks = tuple(Level(self.ask + index * self.tick, size) for index, size in enumerate(levels * 5))
        base, _ = self.ledger.drift(MARKET)
        inputs = calm(PLENTY)
        inputs = replace(
            inputs,
            equity=replace(inputs.equity, drift_quote=base * self.mid),
            cancels_last_minute=sum(at > self.now - 60 for at in self.cancels),
        )
        return MarketSnapshot(
            *MARKET, Trading.SANDBOX, self.now, self.mid, 0.0, self.rules,
            Balances(PLENTY / self.mid, PLENTY), inputs, self._seen(), self.bid, self.ask, bids, asks,
        )  # fmt: skip

    def _seen(self) -> tuple[OpenOrder, ...]:
        return tuple(replace(order, fills_since=self.ledger.fills_since(one)) for one, order in self.known.items())

    def decide(self, hold: str = "") -> Decision:
        rng = decision_rng(self.seed, *MARKET, len(self.placed))
        return decide(Situation(self.snapshot(), self.settings, self.progress), rng, hold)

    def look(self, hold: str = "") -> Decision:
        """Decide and carry out once."""
        decision = self.decide(hold)
        match decision:
            case Place(intent):
                self._place(intent)
            case Cancel(orders) | Done(orders):
                for order in orders:
                    self._cancel(order)
        return decision

    def _late(self) -> float:
        return self.now + self.chance.uniform(0, self.latency_s)

    def _place(self, intent: OrderIntent) -> None:
        order_id = f"order {len(self.placed)}"
        self.placed.append((self.now, intent))
        self.ledger.place(order_id, intent, self.now, *MARKET)
        self.known[order_id] = self.ledger.record(order_id).as_open_order(order_id)
        self.live[order_id] = _Live(intent, self._late(), intent.quantity)

    def _cancel(self, order: OpenOrder) -> None:
        if order.order_id not in self.known or self.known[order.order_id].is_cancelling:
            return
        self.cancels.append(self.now)
        self.known[order.order_id] = replace(order, is_cancelling=True)
        live = self.live.get(order.order_id)
        if live is not None:
            live.gone_at = max(self._late(), live.arrives_at)

    def pass_time(self, seconds: float) -> None:
        """The market moves, orders arrive and fill, cancellations take effect, and news of it comes in late."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(self.now + 0.25, until)
            if self.chance.random() < 0.3:
                self.bid += self.chance.randint(-self.move_ticks, self.move_ticks) * self.tick
            self._arrive()
            self._fill()
            self._end()
            self._learn()

    def _resting(self) -> dict[str, _Live]:
        return {one: live for one, live in self.live.items() if live.arrives_at <= self.now and live.intent.post_only}

    def _arrive(self) -> None:
        """What has just arrived meets own orders on the other side, where the policy has let it."""
        for order_id, live in list(self.live.items()):
            if not self.now - 0.25 < live.arrives_at <= self.now:
                continue
            for other in self._resting().values():
                if other.intent.side is live.intent.side:
                    continue
                is_buy = live.intent.side is Side.BUY
                through = live.intent.price - other.intent.price if is_buy else other.intent.price - live.intent.price
                if live.intent.order_type is OrderType.MARKET or through >= 0:
                    self.meetings.append(f"{order_id} at {live.intent.price} meets {other.intent.price}")
            if live.intent.order_type is OrderType.MARKET:
                self._report(order_id, live, live.left, Role.TAKER)
            elif live.intent.price >= self.ask if live.intent.side is Side.BUY else live.intent.price <= self.bid:
                del self.live[order_id]  # refused: post-only
                self._news.append((self._late(), "end", order_id, Decimal(0), Decimal(0), Role.MAKER))

    def _fill(self) -> None:
        for order_id, live in list(self._resting().items()):
            near = live.intent.price >= self.bid if live.intent.side is Side.BUY else live.intent.price <= self.ask
            if order_id in self.live and near and self.chance.random() < self.fill_chance / 4:
                steps = int(live.left / self.rules.quantity_step)
                part = steps if self.chance.random() < 0.5 else self.chance.randint(1, steps)
                self._report(order_id, live, part * self.rules.quantity_step, Role.MAKER)

    def _report(self, order_id: str, live: _Live, quantity: Decimal, role: Role) -> None:
        live.left -= quantity
        if not live.left:
            del self.live[order_id]
        self._news.append((self._late(), "fill", order_id, quantity, live.intent.price, role))

    def _end(self) -> None:
        for order_id, live in list(self.live.items()):
            if live.gone_at is not None and live.gone_at <= self.now:
                del self.live[order_id]
                self._news.append((self._late(), "end", order_id, Decimal(0), Decimal(0), Role.MAKER))

    def _learn(self) -> None:
        """In the order in which it happened: news of an end never overtake those of a fill."""
        due, self._news = self._news, []
        held: set[str] = set()
        for at, kind, order_id, quantity, price, role in due:
            if at > self.now or order_id in held:
                held.add(order_id)
                self._news.append((at, kind, order_id, quantity, price, role))
            elif kind == "end":
                self.ledger.close(order_id, Outcome.CANCELLED)
                self.known.pop(order_id, None)
            else:
                self._count(order_id, quantity, price, role)

    def _count(self, order_id: str, quantity: Decimal, price: Decimal, role: Role) -> None:
        self._fills += 1
        side, fee = self.known[order_id].side, quantity * price * self.rules.fee_rate(role)
        mid = self.ledger.record(order_id).intent.mid_price
        self.ledger.apply(Fill(f"fill {self._fills}", order_id, self.now, side, role, quantity, price, fee, mid))
        record = self.ledger.record(order_id)
        if record.outcome is None:
            self.known[order_id] = replace(self.known[order_id], remaining_quantity=record.open_quantity)
        else:
            del self.known[order_id]
