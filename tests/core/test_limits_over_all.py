"""Laws of the limits that a person reads as one: over all pairs, restarts, resumes and changes, however interleaved."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import LAW, NOW, a_snapshot, calm

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.campaign.equity_marks import EquityMarks
from octobot_volume_booster.core.accounting.ledger import Outcome, Progress
from octobot_volume_booster.core.accounting.progress import Whole
from octobot_volume_booster.core.decision import flattening, guards, policy, spending
from octobot_volume_booster.core.decision.control import RESUME
from octobot_volume_booster.core.decision.guards import Halt
from octobot_volume_booster.core.decision.situation import Situation
from octobot_volume_booster.core.model.basics import OrderType, Side, Trading
from octobot_volume_booster.core.model.instrument import SPOT
from octobot_volume_booster.core.model.orders import Fill, OrderIntent
from octobot_volume_booster.core.model.snapshot import Balances, Equity, MarketSnapshot
from octobot_volume_booster.core.settings.schema import Settings, parse_settings
from octobot_volume_booster.journal.journal import Journal

MARKETS = (("binance", "BTC/USDT"), ("binance", "ETH/USDT"), ("kraken", "BTC/USDT"))
FEE = Decimal("0.001")
FEW = settings(LAW, max_examples=25)


@dataclass
class Bot:
    """Loops of several markets, each look and each answer of the exchange in any order, on one campaign."""

    values: dict[str, Any]
    prices: dict[tuple[str, str], Decimal] = field(default_factory=lambda: dict.fromkeys(MARKETS, Decimal(30_000)))
    now: float = NOW
    cancelling: set[str] = field(default_factory=set)
    sent_at: list[float] = field(default_factory=list)
    fills: int = 0

    def __post_init__(self) -> None:
        self.campaign = Campaign(Journal.open_and_replay(None)[0])
        self.settings = parse_settings(self.values)
        self.rng = random.Random(3)
        self.begin()

    def begin(self) -> None:
        self.campaign.begin(self.now, Trading.SANDBOX, 7, "2.0.15", "a loop", self.settings)
        for market in MARKETS:
            self.campaign.use(self.settings, self.now, " ".join(market))

    def restart(self) -> None:
        """The same journal, read again by another process."""
        self.campaign = Campaign(self.campaign._journal)
        self.begin()

    def change(self, **values: Any) -> None:
        self.values |= values
        self.settings = parse_settings(self.values)
        for market in MARKETS:
            self.campaign.use(self.settings, self.now, " ".join(market))

    def progress(self, market: tuple[str, str]) -> Progress:
        return self.campaign.progress_for(self.settings, *market, self.now)

    def snapshot(self, market: tuple[str, str]) -> MarketSnapshot:
        price, ledger = self.prices[market], self.campaign.ledger
        orders = tuple(
            replace(ledger.record(order_id).as_open_order(order_id), is_cancelling=order_id in self.cancelling)
            for order_id in self.campaign.open_order_ids(*market)
        )
        worth, plenty = Decimal(10**7), Decimal(10**6)
        equity = Equity(worth, worth, worth, ledger.drift(market)[0] * price)
        inputs = replace(calm(worth), equity=equity, last_order_at=self.campaign.last_order_at)
        return a_snapshot(
            exchange=market[0], symbol=market[1], trading=Trading.SANDBOX, now=self.now, mid_price=price,
            balances=Balances(plenty, plenty * price), risk_inputs=inputs, open_orders=orders,
        )  # fmt: skip

    def look(self, market: tuple[str, str]) -> policy.Decision:
        situation = Situation(self.snapshot(market), self.settings, self.progress(market))
        standing = self.campaign.halt_of(" ".join(market))
        decision = policy.decide(situation, random.Random(self.rng.random()), standing=standing)
        match decision:
            case policy.Place():
                self.send(market, decision.intent, decision.min_order_quote)
            case policy.Cancel():
                self.cancelling |= {order.order_id for order in decision.orders}
            case Halt(is_lasting=True):
                self.campaign.halt(self.now, " ".join(market), decision)
        return decision

    def send(self, market: tuple[str, str], intent: OrderIntent, least: Decimal | None) -> None:
        order_id = f"order {len(self.sent_at)}"
        if self.campaign.reserve(order_id, *market, intent, self.now, least):
            self.sent_at.append(self.now)
            if intent.order_type is OrderType.MARKET:
                self.fill(order_id)

    def fill(self, order_id: str) -> None:
        """As badly as it may."""
        self.fills += 1
        intent = self.campaign.record(order_id).intent
        slippage = self.settings.max_slippage_bps / 10_000 if intent.order_type is OrderType.MARKET else Decimal(0)
        worst = intent.mid_price * (1 + slippage if intent.side is Side.BUY else 1 - slippage)
        price = worst if slippage else intent.price
        fee, role = intent.quantity * price * FEE, intent.order_type.role
        amounts = intent.quantity, price, fee, intent.mid_price, fee, "USDT"
        told = Fill(f"fill {self.fills}", order_id, self.now, intent.side, role, *amounts, mid_at_fill=intent.mid_price)
        self.campaign.fill(told)

    def confirm(self) -> None:
        for order_id in self.cancelling & set(self.campaign.ledger.open_order_ids):
            self.campaign.close(order_id, Outcome.CANCELLED, "cancelled", self.now)
        self.cancelling.clear()

    @property
    def resting(self) -> list[str]:
        return [order for order in self.campaign.ledger.open_order_ids if order not in self.cancelling]

    def step(self, kind: str, number: int) -> None:
        opened = self.campaign.ledger.open_order_ids
        match kind:
            case "look":
                if isinstance(self.look(MARKETS[number]), policy.Place):
                    assert len(opened) < self.settings.max_open_orders
            case "wait":
                self.now += number / 1_000
            case "fill" if opened:
                self.fill(opened[number % len(opened)])
            case "most":
                self.change(max_open_orders=number)
            case "confirm":
                self.confirm()
            case "restart":
                self.restart()

    def resume(self) -> None:
        self.campaign.command(RESUME, self.now)

    def flatten(self, market: tuple[str, str]) -> None:
        """What the emergency stop does on one market."""
        price, (held, _) = self.prices[market], self.campaign.ledger.drift(market)
        if held:
            most, _ = flattening.affordable(self.settings, self.progress(market), FEE, is_simulated=False)
            rules = a_snapshot().rules
            if intent := spending.flattening_order(held, price, most, rules, SPOT):
                self.send(market, intent, None)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("look"), st.integers(0, 2)),
        st.tuples(st.just("look"), st.integers(0, 2)),
        st.tuples(st.just("wait"), st.integers(0, 400)),
        st.tuples(st.just("fill"), st.integers(0, 9)),
        st.tuples(st.just("most"), st.integers(1, 6)),
        st.tuples(st.just("confirm"), st.just(0)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    min_size=20,
    max_size=60,
)
RESTING = {
    "order_type": "limit", "price_offset_percent": "0.2", "max_open_orders": 3, "trade_frequency_min": 0.05,
    "trade_frequency_max": 0.05, "volume_target": 10**8, "max_orders_per_second": 4, "max_position_imbalance": 1,
}  # fmt: skip


@FEW
@given(STEPS, st.sampled_from(("total", "pair")))
def test_no_more_orders_rest_or_leave_than_one_limit_allows(steps: list[tuple[str, int]], scope: str) -> None:
    bot = Bot(RESTING | {"target_scope": scope})
    for kind, number in steps:
        bot.step(kind, number)
    gaps = [after - before for before, after in zip(bot.sent_at, bot.sent_at[1:], strict=False)]
    assert all(gap >= 1 / 4 - 2e-3 for gap in gaps)


@FEW
@given(st.integers(1, 6), st.permutations(range(3)))
def test_when_the_limit_is_lowered_the_oldest_of_all_pairs_are_cancelled(most: int, order: list[int]) -> None:
    bot = Bot(RESTING | {"max_open_orders": 9})
    for number in range(9):
        bot.now += 1
        bot.look(MARKETS[number % 3])
    placed = list(bot.campaign.ledger.open_order_ids)
    assert len(placed) == 9
    bot.change(max_open_orders=most)
    for number in order:
        bot.look(MARKETS[number])
    assert bot.resting == placed[9 - most :]
    bot.confirm()
    assert not any(isinstance(bot.look(market), policy.Place | policy.Cancel) for market in MARKETS)


COSTLY = {
    "max_cost_quote": 3, "emergency_flatten": True, "trade_frequency_min": 0.05, "trade_frequency_max": 0.05,
    "volume_target": 10**6, "min_buy_amount": 20, "max_buy_amount": 200, "min_sell_amount": 20, "max_sell_amount": 200,
    "max_orders_per_second": 20, "max_position_imbalance": 1, "max_slippage_bps": 15,
}  # fmt: skip
LOOKS = st.lists(st.integers(0, 2), min_size=5, max_size=40)


@FEW
@given(LOOKS, st.integers(0, 1_000), st.permutations(range(3)), st.sampled_from(("total", "pair")))
def test_flattening_passes_no_budget_and_takes_all_where_prices_stand(
    looks: list[int], seed: int, order: list[int], scope: str
) -> None:
    bot = Bot(COSTLY | {"target_scope": scope})
    bot.rng = random.Random(seed)
    for number in looks:
        bot.now += 1
        bot.look(MARKETS[number])
    for number in order:
        bot.flatten(MARKETS[number])
    assert bot.campaign.ledger.progress(Decimal(1)).cost_quote <= 3
    smallest = Decimal("5.1")
    assert all(abs(bot.campaign.ledger.drift(market)[0]) * 30_000 < smallest for market in MARKETS)


@FEW
@given(LOOKS, st.integers(0, 1_000), st.lists(st.sampled_from(("0.5", "0.9", "1.1", "3")), min_size=3, max_size=3))
def test_flattening_passes_no_budget_wherever_prices_go(looks: list[int], seed: int, moves: list[str]) -> None:
    bot = Bot(COSTLY.copy())
    bot.rng = random.Random(seed)
    for number in looks:
        bot.now += 1
        bot.look(MARKETS[number])
    for market, move in zip(MARKETS, moves, strict=True):
        bot.prices[market] *= Decimal(move)
        bot.flatten(market)
    assert bot.campaign.ledger.progress(Decimal(1)).cost_quote <= 3


@FEW
@given(st.lists(st.integers(0, 3), min_size=20, max_size=60), st.booleans(), st.booleans())
def test_no_resume_and_no_day_passes_the_bound_of_all_costs(
    steps: list[int], is_daily: bool, is_restarted: bool
) -> None:
    period = "daily" if is_daily else "total"
    bot = Bot(COSTLY | {"max_cost_quote": 1, "max_total_cost_quote": "2.5", "target_period": period})
    for step in steps:
        bot.now += 40_000 if is_daily else 1
        if step < 3:
            bot.look(MARKETS[step])
            continue
        bot.resume()
        if is_restarted:
            bot.restart()
    for market in MARKETS:
        bot.flatten(market)
    whole = bot.progress(MARKETS[0]).whole
    assert whole is not None
    assert whole.cost_quote == bot.campaign.ledger.progress(Decimal(1)).cost_quote <= Decimal("2.5")
    assert 0 <= whole.before_resumes_quote <= whole.cost_quote


def test_the_side_that_makes_the_inventory_smaller_goes_on_where_the_other_one_passes_the_budget() -> None:
    """The more is held, the more of the budget is kept for trading it back: it is used up by both, not by one side."""
    bot = Bot(COSTLY | {"min_buy_amount": 300, "max_buy_amount": 400, "max_exposure_percent": 100})
    for _ in range(400):
        bot.now += 1
        bot.look(MARKETS[0])
    spent = bot.campaign.ledger.progress(Decimal(1)).cost_quote
    assert 2 < spent <= 3
    bot.flatten(MARKETS[0])
    assert bot.campaign.ledger.progress(Decimal(1)).cost_quote <= 3


def test_what_was_spent_before_resumes_is_known() -> None:
    bot = Bot(COSTLY | {"max_cost_quote": 1})
    while bot.campaign.halt_of(" ".join(MARKETS[0])) is None:
        bot.now += 1
        bot.look(MARKETS[0])
    spent = bot.campaign.ledger.progress(Decimal(1)).cost_quote
    bot.resume()
    bot.restart()
    whole = bot.progress(MARKETS[0]).whole
    assert whole is not None and spent > 0
    assert (whole.before_resumes_quote, whole.cost_quote, whole.spent_quote) == (spent, spent, 0)


def total_halt(**changes: Any) -> Halt | None:
    whole = Whole(spent_quote=Decimal(1), cost_quote=Decimal("6.9"), open_quote=Decimal(100))
    progress = replace(Progress(target_quote=Decimal(50_000)), whole=whole)
    intent = OrderIntent(Side.BUY, OrderType.LIMIT, Decimal("0.1"), Decimal(29_000), Decimal(30_000))
    chosen: Settings = parse_settings({"order_type": "limit", "max_total_cost_quote": 10} | changes)
    chosen = chosen.model_copy(update={"max_slippage_bps": Decimal(0)})
    return guards.total_cost_budget(intent, Situation(a_snapshot(trading=Trading.SANDBOX), chosen, progress))


def test_the_bound_of_all_costs_is_used_to_its_last_cent_and_no_further() -> None:
    """Without slippage an order of 3,000 may cost 3, what is open on all pairs 0.1, and 6.9 of 10 are spent."""
    assert total_halt() is None
    assert total_halt(max_total_cost_quote="") is None
    halt = total_halt(max_total_cost_quote="9.99")
    assert halt is not None and halt.is_lasting and halt.guard == "total_cost_budget"
    assert "has cost 6.90 in all" in halt.reason and "max_total_cost_quote is 9.99" in halt.reason


def seen(**markets: tuple[str, str]) -> Equity:
    """Each with what it holds at the start, in base and quote, and what it has bought; a price of 100."""
    marks = EquityMarks(Journal.open_and_replay(None)[0], 0)
    for market, (base, bought) in markets.items():
        name = tuple(market.split("_"))
        drift = Decimal(bought), -Decimal(bought) * 100
        equity = marks.at(
            (name[0], f"{name[1]}/USDT"), NOW, Decimal(100), (Decimal(base) + drift[0], 1_000 + drift[1]), drift
        )
    return equity


def test_the_exposure_of_all_pairs_counts_a_shared_balance_once() -> None:
    """Two pairs that share 1,000 of quote and drift by 600 each are 1,200 of 1,000 away; each alone is 600 of 1,000."""
    one, both = seen(a_BTC=("0", "6")), seen(a_BTC=("0", "6"), a_ETH=("0", "-6"))
    assert (one.of_all_quote, one.drift_of_all_quote) == (0, 0)
    assert (both.of_all_quote, both.drift_of_all_quote) == (1_000, 1_200)
    apart = seen(a_BTC=("10", "1"), b_BTC=("10", "1"))
    assert (apart.of_all_quote, apart.drift_of_all_quote) == (4_000, 200)


@pytest.mark.parametrize(("drift", "is_halted"), [(500, False), (501, True)])
def test_the_exposure_of_all_pairs_halts(drift: int, is_halted: bool) -> None:
    worth = Decimal(1_000)
    equity = Equity(worth, worth, worth, Decimal(10), worth, Decimal(drift))
    inputs = replace(calm(worth), equity=equity)
    situation = Situation(a_snapshot(risk_inputs=inputs), parse_settings({}), Progress(target_quote=Decimal(1_000)))
    halt = guards.exposure(situation)
    assert (halt is not None) == is_halted
    assert halt is None or "of all pairs together is 501.00 away from its start, 50.10 %" in halt.reason
