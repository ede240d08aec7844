"""Laws of market buys that are placed by the quote to spend: what they buy, what they cost, and how they reach."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import pytest
from fake_market import MARKETS, FakeMarket
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from strategies import LAW, Situation, a_snapshot, calm, multiples, placed, situations, some

from octobot_volume_booster.core.accounting.ledger import Outcome, Progress
from octobot_volume_booster.core.decision import guards, spending
from octobot_volume_booster.core.decision.policy import Done, Halt, Place, Wait, decide
from octobot_volume_booster.core.model.basics import OrderType, Role, Side, Trading, round_to_step
from octobot_volume_booster.core.model.instrument import SPOT, MarketRules, Valuation
from octobot_volume_booster.core.model.orders import Fill, OrderIntent
from octobot_volume_booster.core.model.snapshot import Balances, FuturesAccount, Level, MarketSnapshot
from octobot_volume_booster.core.notify import progress_lines
from octobot_volume_booster.core.settings.schema import parse_settings

CENT = Decimal("0.01")


def bought(spent: Decimal, asks: tuple[Level, ...], step: Decimal) -> list[Level]:
    """What an exchange makes of it: level by level as much as the rest pays for, cut off to the step."""
    trades, left = [], spent
    for level in asks:
        affordable = round_to_step(left / level.price, step, ROUND_FLOOR)
        quantity = min(level.quantity, affordable)
        if quantity:
            trades.append(Level(level.price, quantity))
            left -= quantity * level.price
        if affordable < level.quantity:
            break
    return trades


def worth(trades: list[Level]) -> Decimal:
    return sum((trade.price * trade.quantity for trade in trades), Decimal(0))


@st.composite
def books(draw: st.DrawFn, mid: Decimal, rules: MarketRules, order: Decimal) -> tuple[Level, ...]:
    """Asks, the best one first: from a part of an order to many of them."""
    price, asks = mid, []
    for _ in range(draw(st.integers(1, 5))):
        price = round_to_step(price, rules.price_tick, "ROUND_CEILING") + some(draw, rules.price_tick, 0, 3)
        price = price if price > mid else price + rules.price_tick
        asks.append(
            Level(
                price,
                max(
                    round_to_step(some(draw, order / 4, 1, 80) / price, rules.quantity_step, ROUND_FLOOR),
                    rules.quantity_step,
                ),
            )
        )
        price += rules.price_tick
    return tuple(asks)


@st.composite
def spending_situations(draw: st.DrawFn, **fixed: Any) -> Situation:
    """A market on which buys are by quote, and a book."""
    situation = draw(situations(trading=(Trading.SANDBOX,), order_type="market", **fixed))
    snapshot, smallest = situation.snapshot, situation.snapshot.rules.min_order_notional(situation.snapshot.mid_price)
    quote_step = draw(st.sampled_from([Decimal(step) for step in "0.00000001 0.0001 0.01 0.05 1 10".split()]))
    assume(quote_step <= smallest * 10)
    rules = replace(snapshot.rules, quote_step=quote_step)
    asks = draw(books(snapshot.mid_price, rules, smallest))
    bids = (
        (Level(2 * snapshot.mid_price - asks[0].price, asks[0].quantity),)
        if asks[0].price < 2 * snapshot.mid_price
        else ()
    )
    best_bid = bids[0].price if bids else None
    is_rich = draw(st.booleans())
    balances = Balances(Decimal(0), smallest * 100_000) if is_rich else replace(snapshot.balances, base_free=Decimal(0))
    snapshot = replace(
        snapshot, rules=rules, asks=asks, bids=bids, best_ask=asks[0].price, best_bid=best_bid, open_orders=(),
        price_age_s=0.0, balances=balances,
    )  # fmt: skip
    slippage_bps = Decimal(draw(st.sampled_from((10, 100, 1_000))))
    chosen = situation.settings.model_copy(
        update={"max_slippage_bps": slippage_bps, "max_position_imbalance": Decimal(1)}
    )
    return replace(
        situation,
        snapshot=snapshot,
        settings=chosen,
        progress=replace(
            situation.progress, open_sell_quote=Decimal(0), open_buy_quote=Decimal(0), failures_in_a_row=0
        ),
    )


def placed_buy(situation: Situation) -> OrderIntent:
    """The market buy that is decided on; other decisions are another law's."""
    decision = situation.decide()
    event(type(decision).__name__ if not isinstance(decision, Place) else decision.intent.side.value)
    assume(isinstance(decision, Place) and decision.intent.side is Side.BUY)
    assert isinstance(decision, Place)
    return decision.intent


@pytest.mark.long
@settings(LAW, max_examples=1_000)
@given(spending_situations())
def test_a_market_buy_spends_what_the_exchange_accepts_and_the_balance_pays_for(situation: Situation) -> None:
    snapshot, rules, intent = situation.snapshot, situation.snapshot.rules, placed_buy(situation)
    spent, step = intent.quote_quantity, rules.quote_step
    assert spent is not None and step is not None
    assert spent % step == 0
    assert spent >= rules.min_notional and spent >= rules.min_order_notional(intent.price)
    assert rules.max_notional is None or spent <= rules.max_notional
    assert rules.max_quantity is None or intent.quantity <= rules.max_quantity
    fee_rate, kept = max(rules.maker_fee_rate, rules.taker_fee_rate), 1 - situation.settings.fee_buffer_percent / 100
    assert spent * (1 + fee_rate) <= snapshot.balances.quote_free * kept
    assert spent <= guards.largest_order(situation.settings, snapshot.risk_inputs.equity.now_quote)
    assert (intent.notional, intent.volume) == (spent, spent)
    slippage = situation.settings.max_slippage_bps / 10_000
    assert guards.worst_cost(intent, snapshot, situation.settings) >= spent * (slippage + fee_rate)
    assert replace(intent, valuation=Valuation(quote_rate=Decimal(3))).volume == spent * 3


@LAW
@given(spending_situations())
def test_what_it_buys_is_within_the_amount_the_slippage_and_a_step_of_what_was_expected(situation: Situation) -> None:
    snapshot, intent = situation.snapshot, placed_buy(situation)
    assert intent.quote_quantity is not None
    trades = bought(intent.quote_quantity, snapshot.asks, snapshot.rules.quantity_step)
    worst = snapshot.mid_price * (1 + situation.settings.max_slippage_bps / 10_000)
    assert trades
    assert all(trade.price <= worst for trade in trades)
    unspent = intent.quote_quantity - worth(trades)
    assert 0 <= unspent < snapshot.rules.quantity_step * worst
    quantity = sum(trade.quantity for trade in trades)
    assert snapshot.rules.min_quantity <= quantity <= intent.quantity  # no price is better than the best
    assert intent.quantity % snapshot.rules.quantity_step == 0
    if len(trades) == 1:
        assert quantity == intent.quantity
    fee_rate = max(snapshot.rules.maker_fee_rate, snapshot.rules.taker_fee_rate)
    cost = worth(trades) * fee_rate + worth(trades) - quantity * snapshot.mid_price
    assert cost <= guards.worst_cost(intent, snapshot, situation.settings)


@dataclass(frozen=True)
class LastBuy:
    """A buy near the target on a market that is rich enough for it, and what it leaves to the target."""

    place: Place
    headroom: Decimal
    left: Decimal
    smallest: Decimal
    is_fine_enough: bool
    """A step is less than the smallest order."""
    is_cut_to_book: bool


def last_buy(situation: Situation, share: Decimal) -> LastBuy:
    smallest = situation.snapshot.rules.min_order_notional(situation.snapshot.mid_price)
    target = situation.settings.volume_target
    progress = Progress(target_quote=target, bought_quote=max(target - smallest * share, Decimal(0)))
    snapshot = replace(
        situation.snapshot,
        balances=Balances(Decimal(0), smallest * 10**9),
        rules=replace(situation.snapshot.rules, max_notional=None, max_quantity=None),
        asks=(*situation.snapshot.asks[:-1], replace(situation.snapshot.asks[-1], quantity=smallest * 10**9)),
        risk_inputs=calm(smallest * 10**9),
    )
    settings_given = situation.settings
    # amounts below the exchange's smallest are raised before anything is decided
    amounts = {name: max(getattr(settings_given, name), smallest) for name in ("min_buy_amount", "max_buy_amount")}
    chosen = settings_given.model_copy(
        update={"max_position_imbalance": Decimal(1), "max_exposure_percent": Decimal(100)} | amounts
    )
    place = placed(decide(Situation(snapshot, chosen, progress), random.Random(situation.seed)))
    assert place.intent.quote_quantity is not None and place.min_order_quote is not None
    filled = worth(bought(place.intent.quote_quantity, snapshot.asks, snapshot.rules.quantity_step))
    worst = snapshot.mid_price * (1 + chosen.max_slippage_bps / 10_000)
    step, quote_step = snapshot.rules.quantity_step * worst, snapshot.rules.quote_step
    assert quote_step is not None
    return LastBuy(
        place,
        progress.headroom_quote,
        progress.headroom_quote - filled,
        smallest,
        is_fine_enough=step + quote_step <= place.min_order_quote,
        is_cut_to_book=place.intent.quote_quantity > (spending.reachable_quote(snapshot, chosen) or 0) - quote_step,
    )


@LAW
@given(spending_situations(), multiples(Decimal("0.001"), 1, 3_000))
def test_the_last_buy_passes_the_target_by_less_than_the_smallest_order(situation: Situation, share: Decimal) -> None:
    last = last_buy(situation, share)
    assert last.place.min_order_quote is not None
    assert last.place.intent.volume < last.headroom + last.place.min_order_quote
    assert -last.left < last.place.min_order_quote


@LAW
@given(spending_situations(), multiples(Decimal("0.001"), 1, 3_000))
def test_the_last_buy_reaches_the_target_or_leaves_enough_for_another(situation: Situation, share: Decimal) -> None:
    last = last_buy(situation, share)
    assume(last.is_fine_enough and not last.is_cut_to_book)
    event(f"last: {last.left <= 0}")
    assert last.left <= 0 or last.left >= last.smallest


@dataclass
class QuoteMarket(FakeMarket):
    """An exchange that buys by quote, on a book of a few levels, at a price that has moved a little by then."""

    slippage_bps: int = 50

    def snapshot(self) -> MarketSnapshot:
        snapshot, tick = super().snapshot(), self.rules.price_tick
        mid = round_to_step(self.price, tick, ROUND_FLOOR) + tick / 2
        half = max(tick / 2, round_to_step(mid * self.slippage_bps / 40_000, tick, ROUND_FLOOR) + tick / 2)
        quantity = round_to_step(200 / mid, self.rules.quantity_step, "ROUND_CEILING")
        asks = tuple(Level(mid + half + tick * number, quantity) for number in range(4))
        bids = tuple(Level(mid - half - tick * number, quantity) for number in range(4))
        return replace(
            snapshot, trading=Trading.SANDBOX, mid_price=mid, asks=asks, bids=bids, best_ask=asks[0].price,
            best_bid=bids[0].price,
        )  # fmt: skip

    def place(self, decision: Place) -> None:
        intent = decision.intent
        if intent.quote_quantity is None:
            super().place(decision)
            return
        order_id = f"order {len(self.placed)}"
        self.placed.append(decision)
        self.ledger.place(order_id, intent, self.now)
        snapshot = self.snapshot()
        worst = spending.worst_price(snapshot, self.settings)
        later = min(Decimal(self.chance.randint(0, 3)) * self.rules.price_tick, worst - snapshot.asks[-1].price)
        asks = tuple(Level(level.price + max(later, Decimal(0)), level.quantity) for level in snapshot.asks)
        for trade in bought(intent.quote_quantity, asks, self.rules.quantity_step):
            self.fills += 1
            fee = trade.quantity * trade.price * self.rules.taker_fee_rate
            amounts = trade.quantity, trade.price, fee, intent.mid_price
            self.ledger.apply(Fill(f"fill {self.fills}", order_id, self.now, Side.BUY, Role.TAKER, *amounts))
        self.ledger.close(order_id, Outcome.FILLED)


def quote_campaign(seed: int, **changes: Any) -> QuoteMarket:
    chance = random.Random(f"by quote {seed}")
    price, tick, step, smallest, smallest_notional = map(Decimal, chance.choice(MARKETS))
    rules = MarketRules(
        "BTC", "USDT", tick, step, smallest, smallest_notional, taker_fee_rate=Decimal("0.001"),
        quote_step=Decimal(chance.choice(("0.000001", "0.01", "0.1", "1"))),
    )  # fmt: skip
    low = chance.randint(1, 60)
    values: dict[str, Any] = {
        "volume_target": chance.randint(300, 3_000), "order_type": "market", "min_buy_amount": low,
        "max_buy_amount": low + chance.randint(0, 90), "min_sell_amount": low, "max_sell_amount": low + 20,
        "max_position_imbalance": chance.choice(("0.1", "0.5", "1")), "max_cost_bps": 500, "max_slippage_bps": 200,
        "max_consecutive_losses": 200,
        "side_policy": chance.choice(("balanced", "alternate")),
    }  # fmt: skip
    return QuoteMarket(parse_settings(values | changes), rules, price, seed, slippage_bps=chance.randint(0, 100))


@pytest.mark.parametrize("seed", range(60))
def test_a_campaign_reaches_its_target_within_one_smallest_order_and_within_its_budget(seed: int) -> None:
    market = quote_campaign(seed)
    for decision in market.looks():
        assert not isinstance(decision, Halt), decision
        if isinstance(decision, Place) and decision.intent.quote_quantity is not None:
            assert decision.intent.quote_quantity >= market.rules.min_notional
    assert isinstance(decision, Done)
    progress = market.progress
    least = max(place.min_order_quote or Decimal(0) for place in market.placed)
    assert progress.target_quote <= progress.filled_quote < progress.target_quote + least
    assert progress.cost_quote <= market.settings.cost_budget(progress.target_quote)
    assert {place.intent.side for place in market.placed} == set(Side)


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=[pytest.mark.long] * (seed > 2)) for seed in range(20)])
def test_the_budget_is_never_passed(seed: int) -> None:
    market = quote_campaign(seed, max_cost_quote="5", volume_target=20_000)
    *_, last = market.looks()
    assert 0 < market.progress.cost_quote <= 5
    assert isinstance(last, Halt)
    assert last.guard == "cost_budget"


BY_CENTS = replace(a_snapshot().rules, quote_step=CENT)


@pytest.mark.parametrize(
    ("notional", "reach", "spent", "quantity"),
    [("100.004", False, "100.00", "0.00333"), ("100.004", True, "100.31", "0.00334"), ("3", False, "5.10", "0.00017"),
     ("1000", False, "500.00", "0.01666"), ("1000", True, "500.00", "0.01666")],
)  # fmt: skip
def test_an_amount_is_rounded_raised_and_cut_off(notional: str, reach: bool, spent: str, quantity: str) -> None:
    """At 30,000 a step is worth 0.30, and 17 of them are the smallest order."""
    spends = spending.spending(Side.BUY, OrderType.MARKET, Decimal(30_000), BY_CENTS)
    assert spends is not None
    assert spends.fit(Decimal(notional), (None, Decimal("500.009")), reach=reach) == Decimal(spent)
    assert spends.quantity(Decimal(spent)) == Decimal(quantity)


def test_what_is_below_the_smallest_is_not_spent() -> None:
    spends = spending.Spending(BY_CENTS, CENT, Decimal(30_000), Decimal(30_000))
    assert spends.smallest == Decimal("5.10")
    assert spends.fit(Decimal(100), (Decimal("5.09"),)) is None
    assert spends.fit(Decimal(100), (), most=Decimal("2.50")) == Decimal("5.10")  # a guard says that it is too large
    rules = replace(BY_CENTS, min_notional=Decimal(0), min_quantity=Decimal("0.00005"))
    dearer = spending.Spending(rules, CENT, Decimal(30_000), Decimal(31_000))
    assert dearer.smallest == Decimal("1.55"), "the smallest quantity at the worst price"


@pytest.mark.parametrize(
    ("side", "order_type", "rules"),
    [
        (Side.SELL, OrderType.MARKET, BY_CENTS),
        (Side.BUY, OrderType.LIMIT, BY_CENTS),
        (Side.BUY, OrderType.MARKET, a_snapshot().rules),
    ],
)
def test_only_market_buys_are_by_quote(side: Side, order_type: OrderType, rules: MarketRules) -> None:
    assert spending.spending(side, order_type, Decimal(30_000), rules) is None


def test_on_futures_a_market_buy_is_by_quantity() -> None:
    account = FuturesAccount(Decimal(0), Decimal(0), margin_free_quote=Decimal(30_000))
    snapshot = a_snapshot(rules=BY_CENTS, futures=account)
    buys = Progress(target_quote=Decimal(2_000), sells=1)
    decision = decide(
        Situation(snapshot, parse_settings({"order_type": "market", "side_policy": "alternate"}), buys),
        random.Random(1),
    )
    assert isinstance(decision, Place)
    assert (decision.intent.side, decision.intent.quote_quantity) == (Side.BUY, None)


@pytest.mark.parametrize(("quote_step", "by_quote"), [(CENT, True), (None, False)])
def test_a_market_without_funds_for_the_smallest_amount_waits_for_them(
    quote_step: Decimal | None, by_quote: bool
) -> None:
    rules = replace(
        a_snapshot().rules, quote_step=quote_step, min_notional=Decimal("5.09"), quantity_step=Decimal("1e-8")
    )
    snapshot = a_snapshot(rules=rules, balances=Balances(Decimal(0), Decimal("5.0958")))  # without fee and buffer 5.09
    decision = decide(
        Situation(
            snapshot, parse_settings({"order_type": "market", "fee_buffer_percent": 0}), Progress(Decimal(2_000))
        ),
        random.Random(1),
    )
    assert isinstance(decision, Wait) == by_quote
    assert not by_quote or decision.is_unfunded


def test_an_order_that_reaches_is_never_rounded_up_above_the_largest() -> None:
    """100.05 are wanted, 100.2 is the largest order, and the next step is at 100.5."""
    rules = replace(a_snapshot().rules, quantity_step=Decimal("0.00005"), min_quantity=Decimal(0))
    progress = Progress(target_quote=Decimal(2_000), bought_quote=Decimal(1_000), sold_quote=Decimal("899.95"))
    chosen = parse_settings(
        {
            "order_type": "market",
            "min_buy_amount": 100,
            "min_sell_amount": 100,
            "max_buy_amount": 100,
            "max_sell_amount": 100,
            "max_position_imbalance": 1,
        }
    )
    snapshot = a_snapshot(rules=rules, risk_inputs=calm(Decimal("100.2") * 20))
    deep = (Level(Decimal(30_000), Decimal(5)),)
    for seen in (snapshot, replace(snapshot, bids=deep, asks=deep, trading=Trading.SANDBOX)):
        decision = decide(Situation(seen, chosen, progress), random.Random(1))
        assert isinstance(decision, Place), decision
        assert decision.intent.notional == 99


def test_such_an_order_is_told_by_what_it_spends() -> None:
    order = OrderIntent(Side.BUY, OrderType.MARKET, Decimal("0.00200"), Decimal(30_000), Decimal(30_000))
    assert progress_lines.intent_line(order, "BTC/USDT") == "market buy 0.002 BTC at 30,000 = 60.00 USDT"
    spends = replace(order, quote_quantity=Decimal("60.05"))
    assert progress_lines.intent_line(spends, "BTC/USDT") == "market buy for 60.05 USDT, about 0.002 BTC at 30,000"


@pytest.mark.parametrize(
    ("base", "rules", "quantity", "spent"),
    [("0.01", BY_CENTS, "0.01", None), ("-0.01", BY_CENTS, "0.01", "300.00"),
     ("-0.01", a_snapshot().rules, "0.01", None),
     ("-0.0100049", BY_CENTS, "0.01", "300.14"), ("-0.00016", BY_CENTS, "0.00017", "5.10"),
     ("-0.00001", BY_CENTS, None, None)],
)  # fmt: skip
def test_an_inventory_is_traded_back_by_what_the_exchange_takes(
    base: str, rules: MarketRules, quantity: str | None, spent: str | None
) -> None:
    order = spending.flattening_order(Decimal(base), Decimal(30_000), Decimal(10_000), rules, SPOT)
    if quantity is None:
        assert order is None
        return
    assert order is not None
    assert order.side is (Side.SELL if Decimal(base) > 0 else Side.BUY)
    assert (order.quantity, order.quote_quantity) == (Decimal(quantity), spent and Decimal(spent))
    assert spending.flattening_order(Decimal(base), Decimal(30_000), Decimal(4), rules, SPOT) is None
