"""Laws of the size: what a balance pays for, what a book holds, what a step leaves, and which side may have it."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import LAW, Situation, a_snapshot, calm, markets, multiples, placed, ready_situations, some

from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision import side as direction
from octobot_volume_booster.core.decision import sizing, spending
from octobot_volume_booster.core.decision.allocation import Allocation
from octobot_volume_booster.core.decision.policy import Place, Wait, decide
from octobot_volume_booster.core.decision.timing.pacing import HOUR_S, next_delay, seconds_to_next_hour
from octobot_volume_booster.core.model.basics import OrderType, Side
from octobot_volume_booster.core.model.instrument import SPOT, MarketRules
from octobot_volume_booster.core.model.snapshot import Balances, Equity, Level, MarketSnapshot
from octobot_volume_booster.core.settings.schema import parse_settings

START, DEFAULTS = Progress(target_quote=Decimal(2_000)), parse_settings({})
WORTH, MID = Decimal(60_000), Decimal(30_000)
BUY, SELL = Side.BUY, Side.SELL


@pytest.mark.parametrize(
    ("maker", "taker", "buying"),
    [("0.001", "0.002", "990 / 1.002"), ("0.004", "0.002", "990 / 1.004"), ("-0.001", "-0.002", "990 / 1")],
)
def test_a_balance_pays_for_the_order_its_worst_fee_and_leaves_the_buffer(maker: str, taker: str, buying: str) -> None:
    rules = replace(a_snapshot().rules, maker_fee_rate=Decimal(maker), taker_fee_rate=Decimal(taker))
    free = Balances(Decimal("0.5"), Decimal(1_000))
    paid, fee = map(Decimal, buying.split(" / "))
    assert sizing.fundable_notional(BUY, MID, rules, free, DEFAULTS) == paid / fee
    assert sizing.fundable_notional(SELL, MID, rules, free, DEFAULTS) == Decimal("0.5") * Decimal("0.99") * MID


@pytest.mark.parametrize(("chance", "notional"), [(0.0, 25), (0.5, 50), (0.25, "37.5")])
@pytest.mark.parametrize("side", Side)
def test_a_notional_is_drawn_evenly_from_its_range(chance: float, notional: Any, side: Side) -> None:
    class Rng(random.Random):
        def random(self) -> float:
            return chance

    settings = parse_settings({f"min_{side.value}_amount": 25, f"max_{side.value}_amount": 75})
    assert sizing.draw_notional(side, settings, Rng()) == Decimal(notional)


@pytest.mark.parametrize(
    ("headroom", "clipped"), [("105", "100"), ("104.99", "104.99"), ("100", "100"), ("60", "60"), ("5", 5), ("4", 5)]
)
def test_a_rest_that_could_not_be_ordered_is_ordered_too(headroom: str, clipped: Any) -> None:
    assert sizing.clip_to_headroom(Decimal(100), Decimal(headroom), Decimal(5)) == Decimal(clipped)


def levels(*pairs: tuple[str, str]) -> tuple[Level, ...]:
    return tuple(Level(Decimal(price), Decimal(quantity)) for price, quantity in pairs)


BOOK = {
    "asks": levels(("30010", "1"), ("30045", "2"), ("30045.01", "4")),
    "bids": levels(("29990", "0.1"), ("29955", "0.2"), ("29954.99", "0.4")),
}


def test_a_book_holds_what_is_no_further_from_the_mid_than_the_slippage() -> None:
    """15 bps are 45."""
    snapshot = a_snapshot(**BOOK)
    assert sizing.reachable_quantity(BUY, snapshot, DEFAULTS) == 3
    assert sizing.reachable_quantity(SELL, snapshot, DEFAULTS) == Decimal("0.3")
    assert sizing.reachable_quantity(BUY, a_snapshot(), DEFAULTS) is None
    assert sizing.reachable_quantity(BUY, a_snapshot(bids=BOOK["bids"]), DEFAULTS) is None
    assert spending.worst_price(snapshot, DEFAULTS) == 30_045
    assert spending.reachable_quote(snapshot, DEFAULTS) == 30_010 + 2 * 30_045
    assert spending.reachable_quote(a_snapshot(), DEFAULTS) is None


@st.composite
def fittings(draw: st.DrawFn) -> tuple[Decimal, Decimal, Decimal, MarketRules, Decimal | None]:
    rules, mid = draw(markets())
    smallest = rules.min_order_notional(mid)
    notional, fundable = some(draw, smallest / 100, 1, 3_000), some(draw, smallest / 100, 50, 3_000)
    most = some(draw, smallest / mid / 10, 5, 300) if draw(st.booleans()) else None
    return notional, mid, fundable, rules, most


@LAW
@given(fittings(), st.booleans())
def test_a_quantity_is_the_nearest_step_to_what_is_wanted_within_all_limits(
    fitting: tuple[Decimal, Decimal, Decimal, MarketRules, Decimal | None], reach: bool
) -> None:
    notional, price, fundable, rules, most = fitting
    step, smallest = rules.quantity_step, sizing.smallest_quantity(price, rules)
    quantity = sizing.fit_quantity(notional, price, fundable, rules, reach=reach, most_quantity=most)
    limits = [fundable / price, rules.max_quantity, most, rules.max_notional and rules.max_notional / price]
    limit = min(bound for bound in limits if bound is not None)
    assert (quantity is None) == (limit // step * step < smallest)
    kept = smallest if quantity is None else quantity
    assert kept % step == 0 and kept >= smallest
    assert quantity is None or kept <= limit
    wanted = max(notional / price, smallest)
    reached, below = kept >= wanted or kept + step > limit, kept < wanted + step
    assert quantity is None or (reached and below if reach else below and (kept + step > min(wanted, limit)))
    assert quantity is None or reach or kept <= wanted


EQUITY = Equity(WORTH, WORTH, WORTH)
CAP = Decimal(27_000)
"""Half of the equity, and nine tenths of that."""


@pytest.mark.parametrize(
    ("side", "drift", "open_quote", "allowed"),
    [
        (BUY, "26850", "0", True),  # and the largest order of 150
        (BUY, "26850.01", "0", False),
        (BUY, "26750", "100", True),
        (BUY, "26750", "100.01", False),
        (BUY, "0", "99999", True),
        (BUY, "0.5", "99999", False),
        (BUY, "-90000", "0", True),
        (SELL, "-26850", "0", True),
        (SELL, "-26850.01", "0", False),
        (SELL, "-26750", "100.01", False),
        (SELL, "90000", "0", True),
    ],
)
def test_the_drift_leaves_room_for_one_more_largest_order(
    side: Side, drift: str, open_quote: str, allowed: bool
) -> None:
    progress = replace(
        START,
        target_quote=Decimal(10**9),
        **{f"open_{side.value}_here_quote": Decimal(open_quote), f"open_{side.value}_quote": Decimal(10**6)},
    )
    equity = replace(EQUITY, drift_quote=Decimal(drift))
    assert direction.is_allowed(side, DEFAULTS, progress, equity) == allowed


def test_the_largest_order_is_the_setting_or_the_share_of_equity() -> None:
    """Of an equity of 1,000 an order is 50 at most, and the cap is 450."""
    for drift, allowed in (("400", True), ("400.01", False)):
        equity = Equity(*map(Decimal, (1_000, 1_000, 1_000, drift)))
        assert direction.is_allowed(BUY, DEFAULTS, START, equity) == allowed


@pytest.mark.parametrize(("more", "side"), [("700", None), ("700.01", SELL)])
def test_what_is_open_counts_for_the_imbalance_on_its_own_side_only(more: str, side: Side | None) -> None:
    """A fifth of 2,000 is 400."""
    for progress in (
        replace(START, bought_quote=Decimal(more), sold_quote=Decimal(300)),
        replace(START, bought_quote=Decimal(500), open_buy_quote=Decimal(more) - 500, sold_quote=Decimal(300)),
        replace(START, bought_quote=Decimal(more), sold_quote=Decimal(300), open_sell_quote=Decimal(500)),
    ):
        allowed = [one for one in Side if direction.is_allowed(one, DEFAULTS, progress, EQUITY)]
        assert allowed == ([BUY, SELL] if side is None else [side])
    assert direction.is_any_allowed(DEFAULTS, progress, EQUITY)


@pytest.mark.parametrize(
    ("fundable", "firsts"), [("1500", 0.5), ("750", 1 / 3), ("150", 1 / 11), ("90000", 0.5), ("4.99", 0)]
)
def test_a_side_counts_by_how_many_of_ten_largest_orders_it_can_pay(fundable: str, firsts: float) -> None:
    funds = {BUY: Decimal(fundable), SELL: Decimal(9_999)}
    told = [
        direction.choose_sides(funds, Decimal(5), DEFAULTS, START, EQUITY, random.Random(seed))[0]
        for seed in range(1_000)
    ]
    counts = Counter(first for first, *_ in told)
    assert counts[BUY] / 1_000 == pytest.approx(firsts, abs=0.04)
    assert {len(sides) for sides in told} == {1 if firsts == 0 else 2}


def test_the_weights_are_exact_and_a_side_with_just_the_smallest_order_has_one() -> None:
    class Rng(random.Random):
        weights: Any = None

        def choices(self, population: Any, weights: Any = None, **_: Any) -> Any:  # type: ignore[override]
            self.weights = weights
            return [population[0]]

    for fundable, weights in (("5", [1 / 300, 1.0]), ("750", [0.5, 1.0]), ("1500", [1.0, 1.0]), ("9999", [1.0, 1.0])):
        rng = Rng()
        funds = {BUY: Decimal(fundable), SELL: Decimal(1_500)}
        direction.choose_sides(funds, Decimal(5), DEFAULTS, START, EQUITY, rng)
        assert rng.weights == pytest.approx(weights)


@LAW
@given(st.integers(1, 10**6), st.integers(1, 50))
@example(1, 7)
def test_the_smallest_quantity_is_not_lost_in_a_division(parts: int, steps: int) -> None:
    """Prices that no division by gives a whole number of steps."""
    price = Decimal(parts) / 7
    rules = replace(a_snapshot().rules, min_notional=Decimal(0), min_quantity=Decimal("0.00001") * steps)
    assert sizing.smallest_quantity(price, rules) == rules.min_quantity


def test_what_is_forbidden_is_told_apart_from_what_is_not_funded() -> None:
    both_open = replace(START, open_buy_quote=Decimal(401), open_sell_quote=Decimal(401))
    funds = {BUY: Decimal(100), SELL: Decimal(100)}
    args = Decimal(5), DEFAULTS, both_open, EQUITY, random.Random(1)
    assert direction.choose_sides(funds, *args)[1].startswith("open orders have to fill or time out first")
    assert direction.choose_sides({BUY: Decimal(4), SELL: Decimal(4)}, *args)[1].startswith("neither side can fund")
    assert not direction.is_any_allowed(DEFAULTS, both_open, EQUITY)
    lopsided = replace(START, bought_quote=Decimal(1_000))
    told = direction.choose_sides({BUY: Decimal(9), SELL: Decimal(4)}, Decimal(5), DEFAULTS, lopsided, *args[3:])
    assert told[0] == []
    assert told[1].startswith(
        "the sell side, which has to be next, can fund an order of the exchange's minimum of 5.00"
    )


@pytest.mark.parametrize(
    ("progress", "balances", "unfunded"),
    [
        (START, Balances(Decimal(0), Decimal(3)), True),
        (replace(START, bought_quote=Decimal(1_000)), Balances(Decimal(0), WORTH), True),
        (replace(START, open_buy_quote=Decimal(401), open_sell_quote=Decimal(401)), Balances(Decimal(1), WORTH), False),
        (
            replace(START, open_buy_quote=Decimal(401), open_sell_quote=Decimal(401)),
            Balances(Decimal(0), Decimal(3)),
            True,
        ),
    ],
)
def test_only_missing_funds_are_told_as_missing_funds(progress: Progress, balances: Balances, unfunded: bool) -> None:
    decision = decide(Situation(a_snapshot(balances=balances), DEFAULTS, progress), random.Random(1))
    assert isinstance(decision, Wait)
    assert (decision.is_unfunded, decision.releases_share) == (unfunded, unfunded)


@LAW
@given(ready_situations(order_type="market"), multiples(Decimal("0.01"), 110, 3_000))
def test_an_order_is_never_more_than_its_share_of_the_equity(situation: Situation, share: Decimal) -> None:
    most = situation.snapshot.rules.min_order_notional(situation.snapshot.mid_price) * share
    equity = most * 100 / situation.settings.max_position_percent
    situation = replace(
        situation, snapshot=replace(situation.snapshot, risk_inputs=calm(equity), best_bid=None, best_ask=None)
    )
    assert placed(situation.decide()).intent.notional <= most


def test_the_next_hour_of_the_clock_and_the_next_order() -> None:
    assert HOUR_S == 3_600
    assert [seconds_to_next_hour(now) for now in (7_200.0, 7_201.5, 10_799.0)] == [3_600, 3_598.5, 1]
    assert next_delay(3.0, 3.0, random.Random(1)) == 3.0
    delays = [next_delay(2.0, 8.0, random.Random(seed)) for seed in range(200)]
    assert 2 < min(delays) < 2.3 and 7.7 < max(delays) < 8


def test_a_market_buy_by_quote_is_expected_at_the_worst_price_where_the_book_is_read() -> None:
    rules = replace(a_snapshot().rules, quote_step=Decimal("0.01"))
    told = spending.spending(BUY, OrderType.MARKET, MID, rules, Decimal(29_000))
    assert told is not None and told.worst_price == MID, "never below the price itself"
    told = spending.spending(BUY, OrderType.MARKET, MID, rules)
    assert told is not None and told.worst_price == MID
    told = spending.spending(BUY, OrderType.MARKET, MID, rules, Decimal(31_000))
    assert told is not None and told.worst_price == 31_000


@pytest.mark.parametrize(("least", "smallest"), [("0", "0.31"), ("0.00001", "0.31"), ("0.000015", "0.62")])
def test_the_smallest_amount_buys_whole_steps_also_at_the_worst_price(least: str, smallest: str) -> None:
    rules = replace(
        a_snapshot().rules, quote_step=Decimal("0.01"), min_notional=Decimal(0), min_quantity=Decimal(least)
    )
    told = spending.spending(BUY, OrderType.MARKET, MID, rules, Decimal(31_000))
    assert told is not None and told.smallest == Decimal(smallest)


@pytest.mark.parametrize(
    ("is_read", "free", "is_funded"), [(True, "0.32", False), (True, "0.33", True), (False, "0.32", True)]
)
def test_a_smallest_amount_has_to_pay_the_worst_price_of_a_book(is_read: bool, free: str, is_funded: bool) -> None:
    """A step is worth 0.30, and 0.33 at ten percent more."""
    rules = replace(
        a_snapshot().rules, quote_step=Decimal("0.01"), min_notional=Decimal(0), taker_fee_rate=Decimal(0),
        maker_fee_rate=Decimal(0),
    )  # fmt: skip
    asks = levels(("30000", "5")) if is_read else ()
    snapshot = a_snapshot(rules=rules, asks=asks, balances=Balances(Decimal(0), Decimal(free)))
    decision = decide(
        Situation(snapshot, parse_settings({"fee_buffer_percent": 0, "max_slippage_bps": 1_000}), START),
        random.Random(1),
    )
    assert isinstance(decision, Place if is_funded else Wait)


def test_a_buy_that_reaches_passes_by_less_than_the_smallest_also_where_that_is_one_step() -> None:
    """A step is worth 30,000, which is the smallest order; amounts go by hundreds."""
    rules = replace(a_snapshot().rules, quantity_step=Decimal(1), quote_step=Decimal(100), min_quantity=Decimal(0))
    told = spending.spending(BUY, OrderType.MARKET, MID, rules)
    assert told is not None and told.smallest == 30_000
    assert told.fit(Decimal(50_000), (), reach=True) == 79_900


def test_what_is_bought_back_by_quote_is_what_the_amount_pays_for() -> None:
    rules = replace(a_snapshot().rules, quote_step=Decimal(10))
    order = spending.flattening_order(Decimal("-0.0103"), MID, Decimal(10_000), rules, SPOT)
    assert order is not None
    assert (order.quantity, order.quote_quantity) == (Decimal("0.01"), 300)


@pytest.mark.parametrize(("is_a_cap", "spent"), [(False, "100.31"), (True, "100.00")])
def test_a_cap_is_not_passed_by_a_buy_by_quote_either(is_a_cap: bool, spent: str) -> None:
    chosen = {"min_buy_amount": 120, "max_buy_amount": 120, "side_policy": "alternate"}
    allocation = Allocation(Decimal("100.004"), is_a_cap=is_a_cap)
    decision = decide(Situation(by_quote(), parse_settings(chosen), START), random.Random(1), allocation=allocation)
    assert isinstance(decision, Place)
    assert decision.intent.quote_quantity == Decimal(spent)


def test_a_buy_by_quote_that_reaches_is_not_above_the_largest_order() -> None:
    """100.05 are wanted and with a step 100.35, and 100.2 is the largest order."""
    chosen = {"min_buy_amount": 100, "max_buy_amount": 100, "side_policy": "alternate", "max_position_imbalance": 1}
    progress = Progress(target_quote=Decimal(2_000), bought_quote=Decimal("999.95"), sold_quote=Decimal(900))
    snapshot = replace(by_quote(), risk_inputs=calm(Decimal("100.2") * 20))
    decision = decide(Situation(snapshot, parse_settings(chosen), progress), random.Random(1))
    assert isinstance(decision, Place)
    assert decision.intent.quote_quantity == Decimal("100.20")


@pytest.mark.parametrize("order_type", ["limit", "market"])
def test_only_what_takes_is_cut_to_the_book(order_type: str) -> None:
    thin = levels(("30000", "0.001"))
    snapshot = a_snapshot(asks=thin, bids=thin)
    settings = parse_settings({"order_type": order_type, "min_buy_amount": 140, "min_sell_amount": 140})
    decision = decide(Situation(snapshot, settings, START), random.Random(1))
    assert isinstance(decision, Place)
    assert (decision.intent.quantity > Decimal("0.001")) == (order_type == "limit")
    small = a_snapshot(asks=thin, bids=thin, rules=replace(snapshot.rules, max_quantity=Decimal("0.0001")))
    tiny = levels(("30000", "0.0001"))
    told = decide(Situation(replace(small, asks=tiny, bids=tiny), settings, START), random.Random(1))
    assert isinstance(told, Wait)
    assert ("the order book has" in told.reason) == (order_type == "market")


def test_the_share_of_equity_bounds_an_order_also_where_the_hour_allows_more() -> None:
    risk_inputs = calm(Decimal(1_000), day_volume_quote=Decimal("1e6"))
    settings = parse_settings({"min_buy_amount": 140, "min_sell_amount": 140})
    decision = decide(Situation(a_snapshot(risk_inputs=risk_inputs), settings, START), random.Random(1))
    assert isinstance(decision, Place)
    assert Decimal("49.5") < decision.intent.notional <= 50


def by_quote(**changes: Any) -> MarketSnapshot:
    rules = replace(a_snapshot().rules, quote_step=Decimal("0.01"), **changes)
    return a_snapshot(rules=rules)


def test_an_exchanges_largest_order_bounds_what_is_spent() -> None:
    for changes, spent in (
        ({"max_notional": Decimal("50.005")}, "50.00"),
        ({"max_quantity": Decimal("0.001")}, "30.00"),
        ({"max_quantity": Decimal("0.0001")}, None),
    ):
        told = spending.spending(BUY, OrderType.MARKET, MID, by_quote(**changes).rules)
        assert told is not None
        assert told.fit(Decimal(100), ()) == (spent and Decimal(spent))


def test_what_a_market_buy_by_quote_spends_is_cut_to_the_equity_the_hour_and_the_book() -> None:
    settings = parse_settings({"min_buy_amount": 149, "max_buy_amount": 150, "side_policy": "alternate"})

    def spent(snapshot: MarketSnapshot) -> Decimal | None:
        decision = decide(Situation(snapshot, settings, START), random.Random(1))
        assert isinstance(decision, Place)
        return decision.intent.quote_quantity

    assert spent(replace(by_quote(), risk_inputs=calm(Decimal(2_000)))) == 100
    hour = calm(WORTH, day_volume_quote=Decimal("1e5"), hour_filled_quote=Decimal(350))
    assert spent(replace(by_quote(), risk_inputs=hour)) == 50
    thin = levels(("30010", "0.001"), ("30044", "0.001"), ("31000", "5"))
    assert spent(replace(by_quote(), asks=thin, best_ask=Decimal(30_010))) == Decimal("60.05")
    assert spent(replace(by_quote(), balances=Balances(Decimal(0), Decimal(60)))) == Decimal("59.34")
