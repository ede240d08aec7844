"""Laws of an order on futures: what may be opened and closed, on which side, and how much of it is wanted."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import LAW, Situation, a_snapshot, an_order, calm, multiples

from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision import futures_position
from octobot_volume_booster.core.decision.allocation import Allocation
from octobot_volume_booster.core.decision.futures_position import Room
from octobot_volume_booster.core.decision.policy import Place, Wait, decide
from octobot_volume_booster.core.model.basics import Side, Trading
from octobot_volume_booster.core.model.instrument import SPOT, Valuation
from octobot_volume_booster.core.model.orders import OpenOrder
from octobot_volume_booster.core.model.snapshot import FuturesAccount, Level, MarketSnapshot
from octobot_volume_booster.core.settings.schema import parse_settings

WORTH = Decimal(60_000)
MID = Decimal(30_000)
CAP = Decimal(27_000)
"""By default half of the equity, and nine tenths of that."""
START, DEFAULTS = Progress(target_quote=Decimal(2_000)), parse_settings({})
STAYS = parse_settings({"close_position_at_end": False})
BUY, SELL = Side.BUY, Side.SELL


def holding(own: str, net: str | None = None, orders: tuple[OpenOrder, ...] = (), **changes: Any) -> MarketSnapshot:
    """An account at 30,000 with a fee of 0.1 % and a margin that is no matter."""
    account = FuturesAccount(Decimal(own if net is None else net), Decimal(own), Decimal("1e6"))
    return a_snapshot(futures=replace(account, **changes), risk_inputs=calm(WORTH), open_orders=orders)


def resting(side: Side, quantity: str = "0.001") -> OpenOrder:
    return an_order(side, "29000", order_id=f"{side} {quantity}", remaining_quantity=Decimal(quantity))


@pytest.mark.parametrize(("net", "side"), [("0.1", SELL), ("-0.1", BUY), ("0", None)])
def test_what_takes_something_off_a_position_is_on_its_other_side(net: str, side: Side | None) -> None:
    account = FuturesAccount(Decimal(net), Decimal(net), WORTH)
    assert [one for one in Side if futures_position.reduces(one, account)] == ([] if side is None else [side])
    assert (futures_position.signed(BUY, Decimal(net)), futures_position.signed(SELL, Decimal(net))) == (
        Decimal(net),
        -Decimal(net),
    )


@LAW
@given(
    multiples(Decimal("0.01"), 0, 10**6),
    st.integers(1, 125),
    multiples(Decimal("0.0001"), -1, 50),
    st.permutations(("maker", "taker")),
)
@example(Decimal(1_000), 10, Decimal("-0.0001"), ["maker", "taker"])
def test_what_is_opened_pays_its_margin_and_the_dearer_fee_at_both_ends(
    free: Decimal, leverage: int, fee: Decimal, roles: list[str]
) -> None:
    dearer, cheaper = roles
    rules = replace(a_snapshot().rules, **{f"{dearer}_fee_rate": fee, f"{cheaper}_fee_rate": fee / 2})
    account = FuturesAccount(Decimal(0), Decimal(0), free, Decimal(leverage))
    power = futures_position.opening_power(account, rules, DEFAULTS)
    paid = max(fee, fee / 2, Decimal(0))
    cost = power / leverage + power * paid + power * paid * (1 + 1 / Decimal(leverage))
    assert abs(cost - free * Decimal("0.99")) < Decimal("1e-15")


@pytest.mark.parametrize(
    ("own", "orders", "buying", "selling"),
    [
        ("0", (), 27_000, 27_000),
        ("0.1", (), 24_000, 30_000),
        ("-0.1", (), 30_000, 24_000),
        ("0.1", (resting(BUY, "0.01"),), 23_700, 30_000),
        ("0.1", (resting(SELL, "0.02"),), 24_000, 29_400),
        ("1", (), -3_000, 57_000),
    ],
)
def test_what_is_left_of_the_cap_counts_the_position_and_what_is_open_on_the_side(
    own: str, orders: tuple[OpenOrder, ...], buying: int, selling: int
) -> None:
    snapshot = holding(own, orders=orders)
    assert futures_position.exposure_cap(snapshot, DEFAULTS) == CAP
    assert [futures_position.exposure_room(side, snapshot, DEFAULTS) for side in (BUY, SELL)] == [buying, selling]


def test_without_equity_there_is_no_cap_to_use() -> None:
    snapshot = replace(holding("0"), risk_inputs=calm(Decimal(-5)))
    assert futures_position.exposure_cap(snapshot, DEFAULTS) == 0
    assert (
        futures_position.choose_sides(Situation(snapshot, DEFAULTS, START), Decimal(2_000), random.Random(1))[0] == []
    )


@pytest.mark.parametrize(
    ("own", "net", "orders", "buying", "selling"),
    [
        ("0.1", "0.1", (), Room(CAP - 3_000), Room(CAP + 3_000, Decimal("0.1"))),
        ("0.05", "0.1", (), Room(CAP - 1_500), Room(CAP + 1_500, Decimal("0.05"))),
        ("0.1", "0.05", (), Room(CAP - 3_000), Room(CAP + 3_000, Decimal("0.05"))),
        ("0.1", "0.1", (resting(SELL, "0.04"),), Room(CAP - 3_000), Room(CAP + 1_800, Decimal("0.06"))),
        ("0.1", "0.1", (resting(SELL, "0.2"),), Room(CAP - 3_000), Room(CAP - 3_000, Decimal(0))),
        ("-0.1", "-0.1", (), Room(CAP + 3_000, Decimal("0.1")), Room(CAP - 3_000)),
        ("0.1", "-0.05", (), Room(CAP - 3_000, Decimal("0.05")), Room(CAP + 3_000, Decimal("0.1"))),
        ("0", "0", (resting(SELL),), Room(Decimal(0)), Room(CAP - 30)),
        ("0.000105", "1", (), Room(CAP - Decimal("3.15")), Room(CAP + Decimal("3.15"), Decimal("0.0001"))),
    ],
)
def test_room_is_the_cap_and_the_way_to_zero_of_the_account_and_of_its_own(
    own: str, net: str, orders: tuple[OpenOrder, ...], buying: Room, selling: Room
) -> None:
    snapshot = holding(own, net, orders)
    assert futures_position.room(BUY, MID, snapshot, DEFAULTS) == buying
    assert futures_position.room(SELL, MID, snapshot, DEFAULTS) == selling


def test_margin_bounds_what_opens_and_not_what_closes() -> None:
    snapshot = holding("0.1", margin_free_quote=Decimal(100))
    power = futures_position.opening_power(
        FuturesAccount(Decimal(0), Decimal(0), Decimal(100)), snapshot.rules, DEFAULTS
    )
    assert futures_position.room(BUY, MID, snapshot, DEFAULTS) == Room(power)
    assert futures_position.room(SELL, MID, snapshot, DEFAULTS).quote == CAP + 3_000


def test_of_a_room_the_smaller_bound_counts_and_none_is_below_zero() -> None:
    rules = a_snapshot().rules
    assert Room(Decimal(100)).notional(MID, rules) == 100
    assert Room(Decimal(100), Decimal("0.001")).notional(MID, rules) == 30
    assert Room(Decimal(20), Decimal("0.001")).notional(MID, rules) == 20
    assert Room(Decimal(-1)).notional(MID, rules) == 0


MARGIN = Decimal("1.005")


@pytest.mark.parametrize(
    ("own", "orders", "headroom", "most"),
    [
        ("0", (), "100", 50 * MARGIN),
        ("0.001", (), "100", 35 * MARGIN),  # 30 of it have to be closed
        ("0.001", (resting(BUY),), "100", 20 * MARGIN),
        ("0.001", (resting(SELL),), "100", 50 * MARGIN),
        ("0.001", (resting(SELL, "0.005"),), "100", 50 * MARGIN),  # what is closed gives nothing to open
        ("0", (), "10.14925373134328358208955224", 5 * MARGIN * Decimal("1.014925373134328358208955224")),
        ("0", (), "10", "5.1"),  # nothing is there that could be closed instead
        ("0", (resting(BUY, "0.00001"),), "10", 0),
        ("0", (resting(BUY), resting(SELL)), "10", 0),
        ("0.00001", (), "10", 0),
        ("0.001", (), "-50", 0),
    ],
)
def test_opening_leaves_enough_of_the_target_to_close_all_of_it(
    own: str, orders: tuple[OpenOrder, ...], headroom: str, most: Any
) -> None:
    snapshot = holding(own, orders=orders)
    told = futures_position.opening_room(BUY, snapshot, DEFAULTS, Decimal(headroom))
    assert told is not None
    assert abs(told - Decimal(most)) < Decimal("1e-20")


def test_what_is_left_for_just_a_smallest_order_is_opened() -> None:
    """0.03 is held; half of the other 12 and its margin are 6.03, which is the smallest order."""
    snapshot = holding("0.000001")
    rules = replace(
        snapshot.rules, quantity_step=Decimal("0.000001"), min_quantity=Decimal("0.000201"), min_notional=Decimal(0)
    )
    snapshot = replace(snapshot, rules=rules)
    assert futures_position.opening_room(BUY, snapshot, DEFAULTS, Decimal("12.03")) == Decimal("6.03")
    assert futures_position.opening_room(BUY, snapshot, DEFAULTS, Decimal("12.02")) == 0


def test_what_takes_something_off_or_need_not_be_closed_is_not_bound_by_its_closing() -> None:
    assert futures_position.opening_room(SELL, holding("0.001"), DEFAULTS, Decimal(100)) is None
    assert futures_position.opening_room(BUY, holding("-0.001"), DEFAULTS, Decimal(100)) is None
    assert futures_position.opening_room(BUY, holding("0"), STAYS, Decimal(100)) is None
    snapshot = holding("0.1")
    assert futures_position.most_notional(BUY, MID, snapshot, DEFAULTS, Decimal(3_100)) == 50 * MARGIN
    assert futures_position.most_notional(BUY, MID, snapshot, STAYS, Decimal(3_100)) == CAP - 3_000
    assert futures_position.most_notional(SELL, MID, snapshot, DEFAULTS, Decimal(100)) == 3_000


def test_only_what_reduces_is_free_of_the_smallest_notional() -> None:
    snapshot = holding("0.1")
    assert futures_position.smallest_rules(SELL, snapshot) == replace(snapshot.rules, min_notional=Decimal(0))
    assert futures_position.smallest_rules(BUY, snapshot) == snapshot.rules


@pytest.mark.parametrize(
    ("side", "drawn", "headroom", "settings", "told"),
    [
        (BUY, 40, 100, DEFAULTS, (40, False)),
        (BUY, "45.15", 100, DEFAULTS, (Decimal("45.15"), False)),  # just a smallest order
        (BUY, 46, 100, DEFAULTS, (50 * MARGIN, True)),  # less than a smallest order would be left to open
        (BUY, 80, 100, DEFAULTS, (50 * MARGIN, True)),
        (BUY, 80, 9, DEFAULTS, (Decimal("5.1"), False)),
        (BUY, 80, 100, STAYS, (80, False)),
        (BUY, 96, 100, STAYS, (100, True)),
        (BUY, 120, 100, STAYS, (100, True)),
    ],
)
def test_what_is_opened_leaves_nothing_to_open_or_enough_for_another_order(
    side: Side, drawn: Any, headroom: int, settings: Any, told: tuple[Any, bool]
) -> None:
    smallest = Decimal("5.1")
    assert futures_position.wanted(side, Decimal(drawn), Decimal(headroom), smallest, holding("0"), settings) == told


def test_what_closes_is_as_much_as_was_drawn() -> None:
    told = futures_position.wanted(SELL, Decimal(80), Decimal(30), Decimal("5.1"), holding("0.1"), DEFAULTS)
    assert told == (80, False)


@pytest.mark.parametrize(
    ("notional", "most", "quantity"),
    [
        ("15", None, "0.0005"),
        ("29.9", None, "0.001"),  # what would be left of it is less than the smallest order
        ("29.7", None, "0.001"),
        ("29.4", None, "0.00098"),
        ("90", None, "0.001"),
        ("29.7", "0.00099", "0.00098"),
        ("29.7", "0.001", "0.001"),
        ("15", "0.0002", "0.0002"),
        ("0.3", None, "0.00002"),
        ("15", "0.00001", None),
    ],
)
def test_what_closes_leaves_nothing_or_enough_for_one_more_order(
    notional: str, most: str | None, quantity: Any
) -> None:
    """0.001 are held, and 0.00002 is the smallest quantity."""
    snapshot = holding("0.001")
    snapshot = replace(snapshot, rules=replace(snapshot.rules, min_quantity=Decimal("0.00002")))
    told = futures_position.fit(SELL, Decimal(notional), MID, snapshot, DEFAULTS, most_quantity=most and Decimal(most))
    assert told == (quantity and Decimal(quantity))


@pytest.mark.parametrize(("own", "most", "quantity"), [("0.00003", "0.00002", None), ("0.00004", "0.00003", "0.00002")])
def test_what_can_not_be_closed_without_dust_is_left(own: str, most: str, quantity: str | None) -> None:
    """0.00002 is the smallest quantity, and no larger order may be."""
    snapshot = holding(own)
    snapshot = replace(snapshot, rules=replace(snapshot.rules, min_quantity=Decimal("0.00002")))
    told = futures_position.fit(SELL, Decimal(90), MID, snapshot, DEFAULTS, most_quantity=Decimal(most))
    assert told == (quantity and Decimal(quantity))


@pytest.mark.parametrize(
    ("drawn", "is_a_cap", "notional"), [(100, False, "100.2"), (100, True, "99.9"), (90, False, "90")]
)
def test_only_the_last_order_that_is_no_cap_is_rounded_up(drawn: int, is_a_cap: bool, notional: str) -> None:
    settings = STAYS.model_copy(
        update={f"{end}_{side.value}_amount": Decimal(drawn) for end in ("min", "max") for side in Side}
        | {"max_position_imbalance": Decimal(1)}
    )
    allocation = Allocation(Decimal(100), is_a_cap=is_a_cap)
    decision = decide(Situation(holding("0"), settings, START), random.Random(1), allocation=allocation)
    assert isinstance(decision, Place)
    assert decision.intent.notional == Decimal(notional)
    more = decide(
        Situation(holding("0"), settings, START),
        random.Random(1),
        allocation=Allocation(Decimal(1_000), is_a_cap=is_a_cap),
    )
    assert isinstance(more, Place)
    assert more.intent.notional <= drawn
    assert futures_position.fit(BUY, Decimal(100), MID, holding("0"), DEFAULTS) == Decimal("0.00333")


def test_an_exchanges_largest_order_leaves_no_dust_either() -> None:
    snapshot = holding("0.001")
    rules = replace(snapshot.rules, min_quantity=Decimal("0.00002"), max_quantity=Decimal("0.00099"))
    assert futures_position.fit(SELL, Decimal(90), MID, replace(snapshot, rules=rules), DEFAULTS) == Decimal("0.00098")


def sides(
    snapshot: MarketSnapshot, progress: Progress = START, preferred: Side | None = None, **chosen: Any
) -> list[list[Side]]:
    settings = parse_settings(chosen)
    headroom = progress.headroom_quote
    return [
        futures_position.choose_sides(
            Situation(snapshot, settings, progress), headroom, random.Random(seed), preferred
        )[0]
        for seed in range(400)
    ]


def test_flat_both_sides_are_as_likely() -> None:
    firsts = Counter(first for first, _ in sides(holding("0")))
    assert 160 < firsts[BUY] < 240


@pytest.mark.parametrize(
    ("own", "low", "high"), [("0.45", 0.30, 0.37), ("0.88", 0.02, 0.08), ("-0.45", 0.63, 0.70), ("0.001", 0.44, 0.56)]
)
def test_a_position_is_made_larger_less_and_less_often_the_nearer_it_is_to_its_cap(
    own: str, low: float, high: float
) -> None:
    """Of 0.9 at the cap; at half of it the weights are 1 to 2."""
    firsts = Counter(first for first, _ in sides(holding(own), close_position_at_end=False))
    assert low <= firsts[BUY] / 400 <= high


def test_the_side_that_is_preferred_or_due_comes_first() -> None:
    assert {tuple(told) for told in sides(holding("0"), preferred=SELL)} == {(SELL, BUY)}
    assert {tuple(told) for told in sides(holding("0"), side_policy="alternate")} == {(BUY, SELL)}
    bought = replace(START, buys=1)
    assert {tuple(told) for told in sides(holding("0"), bought, side_policy="alternate")} == {(SELL, BUY)}
    assert {tuple(told) for told in sides(holding("0"), bought, BUY, side_policy="alternate")} == {(BUY, SELL)}


def test_at_the_cap_it_is_not_made_larger_whatever_is_preferred() -> None:
    assert {tuple(told) for told in sides(holding("0.9"), preferred=BUY)} == {(SELL,)}


@pytest.mark.parametrize(("bought", "told"), [("700", {BUY, SELL}), ("700.01", {SELL})])
def test_bought_and_sold_differ_by_no_more_than_their_cap(bought: str, told: set[Side]) -> None:
    progress = replace(START, bought_quote=Decimal(bought), sold_quote=Decimal(300))
    assert {side for one in sides(holding("0"), progress) for side in one} == told
    resting_too = replace(
        START, bought_quote=Decimal(600), open_buy_quote=Decimal(bought) - 600, sold_quote=Decimal(300)
    )
    assert {side for one in sides(holding("0"), resting_too) for side in one} == told


def test_no_side_is_told_with_its_numbers() -> None:
    snapshot = holding("0", margin_free_quote=Decimal(3), leverage=Decimal(1))
    told, reason = futures_position.choose_sides(Situation(snapshot, DEFAULTS, START), Decimal(2_000), random.Random(1))
    power = Decimal(3) * Decimal("0.99") / Decimal("1.003")
    assert told == []
    assert "no order fits the position of +0 and the free margin of 3.00 at leverage 1" in reason
    assert f"a buy may be at most {power:.2f} and has to be 5.10, a sell {power:.2f} and 5.10" in reason


@pytest.mark.parametrize(
    ("net", "free", "unfunded"), [("0", "5.16", True), ("0", "5.17", False), ("0.1", "0", False), ("-0.1", "0", False)]
)
def test_funds_are_missing_only_where_nothing_can_be_opened_and_nothing_closed(
    net: str, free: str, unfunded: bool
) -> None:
    assert futures_position.is_unfunded(holding(net, margin_free_quote=Decimal(free)), DEFAULTS) == unfunded


@pytest.mark.parametrize(
    ("own", "net", "closes"),
    [("0.1", "0.1", True), ("-0.1", "-0.1", True), ("0", "0.1", False), ("0.1", "0", False), ("0.1", "-0.1", True)],
)
def test_something_is_to_be_closed_while_both_the_account_and_the_campaign_have_a_position(
    own: str, net: str, closes: bool
) -> None:
    assert futures_position.is_to_be_closed(holding(own, net), DEFAULTS) == closes
    assert not futures_position.is_to_be_closed(holding(own, net), STAYS)
    assert not futures_position.is_to_be_closed(a_snapshot(), DEFAULTS)


def test_a_plan_counts_in_base() -> None:
    rules = replace(a_snapshot().rules, quantity_step=Decimal(1), min_quantity=Decimal(3), max_quantity=Decimal(600))
    inverse = replace(rules, valuation=Valuation(contract_size=Decimal(100), is_inverse=True))
    planned = futures_position.planning_rules(inverse, MID)
    assert (planned.quantity_step, planned.min_quantity, planned.max_quantity) == (
        Decimal(100) / MID, Decimal(300) / MID, Decimal(2),
    )  # fmt: skip
    assert planned.valuation is SPOT
    assert futures_position.planning_rules(replace(inverse, max_quantity=None), MID).max_quantity is None
    linear = replace(rules, valuation=Valuation(quote_rate=Decimal("1.1")))
    assert futures_position.planning_rules(linear, MID) == replace(rules, valuation=SPOT)


@pytest.mark.parametrize(
    ("own", "side", "reduce_only", "passes_by"),
    [("0.1", SELL, True, None), ("-0.1", BUY, True, None), ("0.1", BUY, False, Decimal("5.1")),
     ("0", BUY, False, Decimal("5.1"))],
)  # fmt: skip
def test_an_order_that_closes_may_pass_the_target_and_one_that_opens_by_a_smallest_order(
    own: str, side: Side, reduce_only: bool, passes_by: Decimal | None
) -> None:
    progress = replace(START, buys=int(side is SELL), sells=int(side is BUY), target_quote=Decimal(50_000))
    decision = decide(Situation(holding(own), parse_settings({"side_policy": "alternate"}), progress), random.Random(1))
    assert isinstance(decision, Place)
    assert (decision.intent.side, decision.intent.reduce_only) == (side, reduce_only)
    assert decision.min_order_quote == passes_by


def test_an_order_is_cut_to_the_share_of_equity_and_to_the_margin() -> None:
    settings = parse_settings({"min_buy_amount": 149, "min_sell_amount": 149})
    poor = replace(holding("0"), risk_inputs=calm(Decimal(1_000)))
    decision = decide(Situation(poor, settings, START), random.Random(1))
    assert isinstance(decision, Place)
    assert Decimal("49.5") < decision.intent.notional <= 50
    decision = decide(Situation(holding("0", margin_free_quote=Decimal(40)), settings, START), random.Random(1))
    assert isinstance(decision, Place)
    assert Decimal(39) < decision.intent.notional <= Decimal(40) * Decimal("0.99") / Decimal("1.003")


def test_an_order_is_cut_to_what_the_book_holds() -> None:
    near, far = Level(MID, Decimal("0.0015")), Level(MID * 2, Decimal(5))
    settings = parse_settings({"min_buy_amount": 149, "min_sell_amount": 149})
    snapshot = replace(holding("0"), bids=(near, far), asks=(near, far), trading=Trading.SANDBOX)
    decision = decide(Situation(snapshot, settings, START), random.Random(1))
    assert isinstance(decision, Place)
    assert decision.intent.quantity == Decimal("0.0015")


def test_without_room_on_either_side_it_waits() -> None:
    lopsided = replace(START, bought_quote=Decimal(1_000), sold_quote=Decimal(300))
    snapshot = replace(holding("-0.9"), risk_inputs=calm(WORTH))
    decision = decide(Situation(snapshot, STAYS, lopsided), random.Random(1))
    assert isinstance(decision, Wait)
    assert not decision.is_unfunded
    assert "no order fits the position of -0.9" in decision.reason
