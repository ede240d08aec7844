"""Laws of the three ends of a campaign: the inventory stays, the last orders bring it back, or it goes back at once."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from fake_market import EXCHANGE, MARKETS, SYMBOL, FakeMarket
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import LAW, NOW, Situation, a_snapshot, an_order, calm

from octobot_volume_booster.core.accounting.ledger import Holding, Progress
from octobot_volume_booster.core.accounting.progress import Whole
from octobot_volume_booster.core.decision import flattening, policy
from octobot_volume_booster.core.decision.policy import Decision, Done, Halt, Place, Wait, decide
from octobot_volume_booster.core.model.basics import ExecutionStyle, OrderType, Side
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.snapshot import Balances, Equity, Level
from octobot_volume_booster.core.settings.schema import parse_settings

CAMPAIGN = settings(LAW, max_examples=max(LAW.max_examples // 8, 10))
TARGET = Decimal(1_000)
MID = Decimal(30_000)
MARKET = "binance", "BTC/USDT"
STEP = Decimal("0.00001")


@dataclass
class EndingMarket(FakeMarket):
    """A campaign to its end, on a market whose price may stand."""

    moves: bool = True

    @property
    def progress(self) -> Progress:
        return self.ledger.progress(self.settings.volume_target, seen_from=(EXCHANGE, SYMBOL))

    @property
    def held(self) -> Decimal:
        return self.ledger.drift((EXCHANGE, SYMBOL))[0]

    def equity(self, at_start: Decimal) -> Equity:
        return Equity(at_start, at_start, at_start, self.held * self.price)

    def place(self, decision: Place) -> None:
        self.ledger.place(f"order {len(self.placed)}", decision.intent, self.now, EXCHANGE, SYMBOL)
        super().place(decision)

    def move_on(self) -> None:
        stood = self.price
        super().move_on()
        self.price = self.price if self.moves else stood

    def play(self) -> Done:
        last = [decision for decision in self.looks() if isinstance(decision, (Done, Halt))][-1]
        assert isinstance(last, Done) and not self.resting
        return last


@st.composite
def campaigns(draw: st.DrawFn, end: str, *, moves: bool = True) -> EndingMarket:
    """Of any kind, size and market."""
    price, tick, step, smallest, smallest_notional = map(Decimal, draw(st.sampled_from(MARKETS)))
    rules = MarketRules("BTC", "USDT", tick, step, smallest, smallest_notional, taker_fee_rate=Decimal("0.001"))
    low, high = sorted(draw(st.tuples(*[st.integers(1, 120)] * 2)))
    values: dict[str, Any] = {
        "volume_target": draw(st.integers(200, 2_000)),
        "order_type": draw(st.sampled_from(("market", "limit", "passive"))),
        **dict.fromkeys(("min_buy_amount", "min_sell_amount"), low),
        **dict.fromkeys(("max_buy_amount", "max_sell_amount"), high + draw(st.integers(0, 20))),
        "limit_order_timeout": 15,
        "deadline": 600,
        "max_position_imbalance": draw(st.sampled_from(("0.1", "0.3", "1"))),
        "max_cost_bps": 10_000,
        "max_consecutive_losses": 200,
        "end_of_campaign": end,
    }
    return EndingMarket(parse_settings(values), rules, price, draw(st.integers(0, 2**32)), moves=moves)


def most_of_one(market: EndingMarket) -> Decimal:
    """One of the exchange's smallest orders, with what the step makes of it."""
    return market.largest_minimum + market.rules.quantity_step * market.price


@CAMPAIGN
@given(campaigns("flatten"))
def test_flattened_nothing_is_left_that_could_be_traded_and_the_rest_is_named(market: EndingMarket) -> None:
    done = market.play()
    assert abs(market.held) * market.price < most_of_one(market)
    assert bool(done.rest) == (market.held != 0)
    assert not done.rest or f"{market.held:+f} BTC away from its start and stays so" in done.rest
    back = [place.intent for place in market.placed if place.intent.is_flattening]
    assert all(intent.order_type is OrderType.MARKET for intent in back)


@CAMPAIGN
@given(campaigns("drain", moves=False))
def test_drained_the_target_is_reached_and_the_inventory_back_together(market: EndingMarket) -> None:
    """While the price stands: hardly an order after the target, which is passed by less than two smallest orders.

    Where nothing is rounded to a coarse step, and what rests fills at the mid, by less than one: the test after this.
    """
    done = market.play()
    assert abs(market.held) * market.price <= most_of_one(market)
    assert market.progress.filled_quote - market.progress.target_quote < 2 * most_of_one(market)
    assert len([place for place in market.placed if place.intent.is_flattening]) <= 1
    assert bool(done.rest) == (market.held != 0)


@CAMPAIGN
@given(campaigns("drain", moves=False))
def test_drained_by_market_orders_in_fine_steps_nothing_is_left_to_do_after_the_target(market: EndingMarket) -> None:
    fine = replace(market.rules, quantity_step=market.rules.quantity_step / 1_000)
    chosen = market.settings.model_copy(update={"order_type": ExecutionStyle.MARKET})
    market = replace(market, rules=fine, settings=chosen)
    market.play()
    assert abs(market.held) * market.price <= most_of_one(market)
    assert market.progress.filled_quote - market.progress.target_quote < most_of_one(market)
    assert not [place for place in market.placed if place.intent.is_flattening]


@CAMPAIGN
@given(campaigns("drain"))
def test_drained_what_the_price_has_added_goes_back_after_the_target(market: EndingMarket) -> None:
    market.play()
    assert abs(market.held) * market.price <= most_of_one(market)


def test_kept_the_inventory_stays_and_nothing_is_said_of_it() -> None:
    chosen = parse_settings({"volume_target": 300, "max_position_imbalance": 1})
    rules = MarketRules("BTC", "USDT", *map(Decimal, ("0.01", "0.00001", "0", "5")))
    market = EndingMarket(chosen, rules, MID, 3)
    assert market.play() == Done() and market.held != 0


# the room while the inventory is drained


@st.composite
def drains(draw: st.DrawFn) -> tuple[Situation, Decimal]:
    """An inventory, open orders, and what is left to the target, around the exchange's smallest order."""
    snapshot = a_snapshot()
    held, bought, sold, headroom = (draw(st.integers(low, 150)) * STEP * MID for low in (-150, 0, 0, 1))
    progress = reached(
        held / MID, bought_quote=Decimal(0), sold_quote=Decimal(0), open_buy_quote=bought, open_sell_quote=sold
    )
    return Situation(snapshot, parse_settings({"end_of_campaign": "drain"}), progress), headroom


def reached(held: Decimal, **changes: Any) -> Progress:
    """A campaign at its target that holds so much base."""
    holding = Holding(*MARKET, held, MID, MID, Decimal(0))
    sums = {"bought_quote": TARGET / 2, "sold_quote": TARGET / 2, "last_fill_at": NOW - 1} | changes
    return Progress(target_quote=TARGET, holdings=(holding,), **sums)


@LAW
@given(drains(), st.sampled_from(Side))
def test_after_the_largest_order_what_is_left_brings_the_inventory_back(
    drain: tuple[Situation, Decimal], side: Side
) -> None:
    situation, headroom = drain
    progress, smallest = situation.progress, situation.snapshot.rules.min_order_notional(MID)
    drift = progress.holdings[0].base * MID + progress.open_buy_quote - progress.open_sell_quote
    seen = drift if side is Side.BUY else -drift
    room = flattening.draining_room(side, situation, headroom)
    if room is None:
        assert seen <= 0 and headroom + seen < smallest, "it takes all that is left, and comes so near"
    elif room > smallest:
        assert abs(seen + room) <= headroom - room
        assert abs(seen + room + STEP) > headroom - room - STEP, "it could be larger"
    else:
        assert room in (0, smallest) and (seen > 0 or room)


@LAW
@given(drains())
def test_there_is_always_a_side_that_may_trade(drain: tuple[Situation, Decimal]) -> None:
    situation, headroom = drain
    assert any(flattening.draining_room(side, situation, headroom) != 0 for side in Side)


def test_while_open_orders_bring_it_back_no_other_is_sent_on_the_other_side() -> None:
    """Sells cover nearly all that was bought, and keep the base: what is left to the target is not for a buy."""
    progress = reached(Decimal("0.01"), bought_quote=Decimal(400), sold_quote=Decimal(300), open_orders=1)
    progress = replace(progress, target_quote=progress.filled_quote + 310, open_sell_quote=Decimal(290))
    resting = an_order(Side.SELL, "30100", remaining_quantity=Decimal("0.0097"))
    snapshot = a_snapshot(open_orders=(resting,), balances=Balances(Decimal(0), Decimal(30_000)))
    chosen = parse_settings({"end_of_campaign": "drain", "order_type": "limit", "max_position_imbalance": 1})
    decision = decide(Situation(snapshot, chosen, progress), random.Random(1))
    assert isinstance(decision, Wait) and "brings the inventory back" in decision.reason


# the order after the target


def at_the_end(
    held: str, progress: dict[str, Any] | None = None, snapshot: dict[str, Any] | None = None, **values: Any
) -> Situation:
    chosen = parse_settings({"end_of_campaign": "flatten", "max_cost_quote": 1_000_000} | values)
    return Situation(a_snapshot(**snapshot or {}), chosen, reached(Decimal(held), **progress or {}))


def decided(situation: Situation, **changes: Any) -> Decision:
    return decide(situation, random.Random(1), **changes)


@LAW
@given(
    st.integers(-5_000, 5_000), st.integers(0, 400), st.integers(0, 3_000), st.sampled_from((None, "0.5", "4", "40"))
)
def test_the_order_after_the_target_is_no_larger_than_what_is_held_and_than_book_balance_and_budget_allow(
    steps: int, book_steps: int, base_steps: int, budget: str | None
) -> None:
    levels = tuple(Level(MID * (1 + sign * Decimal("0.001")), book_steps * STEP) for sign in (-1, 1))
    situation = at_the_end(
        str(steps * STEP),
        snapshot={
            "bids": levels[:1], "asks": levels[1:], "best_bid": levels[0].price, "best_ask": levels[1].price,
            "balances": Balances(base_steps * STEP, base_steps * STEP * MID),
        },
        max_cost_quote=budget, max_cost_bps=10_000, max_position_percent=100,
    )  # fmt: skip
    decision = decided(situation)
    if not isinstance(decision, Place):
        return
    intent = decision.intent
    assert decision.min_order_quote is None, "it may pass the target"
    assert intent.is_flattening and intent.order_type is OrderType.MARKET
    assert intent.side is (Side.SELL if steps > 0 else Side.BUY)
    assert intent.quantity <= min(abs(steps), book_steps, base_steps) * STEP
    assert budget is None or intent.notional * Decimal("0.0025") <= Decimal(budget)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"held": "0.0001"}, "less than the exchange's smallest order"),
        ({"max_cost_quote": "0.001"}, "max_cost_quote does not pay"),
        ({"snapshot": {"balances": Balances(Decimal(0), Decimal(0)), "now": NOW + 60}}, "the balance does not pay"),
    ],
    ids=["too small", "budget", "balance"],
)
def test_what_can_not_be_traded_is_named_and_the_campaign_is_done(changes: dict[str, Any], reason: str) -> None:
    situation = at_the_end(**({"held": "0.01"} | changes))
    done = decided(situation)
    held = situation.progress.holdings[0].base
    assert isinstance(done, Done) and not done.leftovers
    assert done.rest.startswith(f"the inventory of BTC/USDT is {held:+f} BTC away from its start and stays so: ")
    assert reason in done.rest


THIN = {"bids": (Level(MID, Decimal("0.0001")),), "best_bid": MID, "best_ask": MID + 1}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"snapshot": {"balances": Balances(Decimal(0), Decimal(0))}}, "the balance does not pay for it"),
        ({"snapshot": THIN}, "the order book has too little within max_slippage_bps"),
        ({"snapshot": {"price_age_s": 60.0}}, "older than max_price_age"),
        ({"enable_volume_booster": False}, "enable_volume_booster is off"),
        ({"snapshot": {"open_orders": (an_order(Side.BUY, "29000", is_ours=False),)}}, "another buy order of this bot"),
    ],
    ids=["balances are behind", "thin book", "old price", "switched off", "another order"],
)
def test_what_may_pass_is_waited_for(changes: dict[str, Any], said: str) -> None:
    decision = decided(at_the_end("0.01", **changes))
    assert isinstance(decision, Wait) and said in decision.reason


def test_own_orders_go_first_and_a_guard_or_a_person_holds_it_up() -> None:
    resting = an_order(Side.BUY, "29000")
    assert decided(at_the_end("0.01", snapshot={"open_orders": (resting,)})) == Done(leftovers=(resting,))
    assert decided(at_the_end("0.01"), standing=Halt("stands", "drawdown", is_lasting=True)) == Halt(
        "stands", "drawdown", is_lasting=True
    )
    assert isinstance(decided(at_the_end("0.01", {"failures_in_a_row": 9})), Halt)
    assert decided(at_the_end("0.01"), hold="paused") == Wait(policy.IDLE_S, "paused")
    assert isinstance(decided(at_the_end("0")), Done)
    assert decided(at_the_end("0"), standing=Halt("stands", "drawdown", is_lasting=True)) == Done()


def test_what_other_markets_hold_does_not_hold_up_the_order_that_brings_this_one_back() -> None:
    """Of 300 here it costs 0.30 at worst; the 300 elsewhere are kept free for by every order but this one."""
    progress = {"whole": Whole(inventory_quote=Decimal(600))}
    place = decided(at_the_end("0.01", progress, max_cost_quote="0.4"))
    assert isinstance(place, Place) and place.intent.quantity == Decimal("0.01")


def test_more_than_one_order_may_be_is_traded_back_in_parts() -> None:
    situation = at_the_end("0.5", max_position_percent=5)
    place = decided(situation)
    assert isinstance(place, Place)
    assert place.intent.notional <= 3_000 < place.intent.notional + Decimal("0.3")


@LAW
@given(st.integers(1, 400), st.integers(1, 400))
def test_an_order_is_sent_only_where_flattening_fits_the_budget_after_it(steps: int, quote: int) -> None:
    """With the worst of trading all back, at 25 bps, on top of the order's own worst."""
    held = steps * STEP
    progress = reached(held, bought_quote=Decimal(10), sold_quote=Decimal(10))
    chosen = parse_settings(
        {"end_of_campaign": "flatten", "max_cost_quote": Decimal(quote) / 100, "max_position_imbalance": 1}
    )
    snapshot = a_snapshot(risk_inputs=calm(Decimal(60_000)))
    equity = replace(snapshot.risk_inputs.equity, drift_quote=held * MID)
    snapshot = replace(snapshot, risk_inputs=replace(snapshot.risk_inputs, equity=equity))
    decision = decided(Situation(snapshot, chosen, progress))
    if not isinstance(decision, Place):
        return
    after = held * MID + (1 if decision.intent.side is Side.BUY else -1) * decision.intent.notional
    assert decision.intent.notional * Decimal("0.001") + abs(after) * Decimal("0.001") <= Decimal(quote) / 100


def test_on_futures_the_position_is_closed_by_whichever_setting_says_so() -> None:
    from octobot_volume_booster.core.decision import futures_position

    for close, end, closes in (
        (True, "keep", True),
        (False, "keep", False),
        (False, "drain", True),
        (False, "flatten", True),
    ):
        chosen = parse_settings({"close_position_at_end": close, "end_of_campaign": end})
        assert futures_position.closes_at_end(chosen) is closes
