"""Round trips: which ones are losses, and how many in a row."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.core.accounting.ledger import Ledger
from octobot_volume_booster.core.accounting.round_trips import RoundTrips
from octobot_volume_booster.core.model.basics import OrderType, Role, Side
from octobot_volume_booster.core.model.instrument import SPOT, Valuation
from octobot_volume_booster.core.model.orders import Fill, OrderIntent

FILLS = st.lists(
    st.tuples(
        st.integers(0, 12), st.sampled_from(Side), st.integers(1, 50), st.integers(900, 1_100), st.integers(-3, 3)
    ),
    max_size=60,
)


def trade(trips: RoundTrips, order_id: str, side: Side, price: str, quantity: str = "1", at: float = 0.0) -> int:
    """A fill at a fee of 0.1 %, at the mid; how many losses in a row there are then."""
    amount, paid = Decimal(quantity), Decimal(price)
    trips.add(order_id, side, amount, paid, amount * paid / 1_000, Decimal(0), at)
    return trips.losses_in_a_row


def round_trip(trips: RoundTrips, number: int, price: str) -> int:
    """Bought at 1,000 and sold at a price."""
    trade(trips, f"buy {number}", Side.BUY, "1000")
    return trade(trips, f"sell {number}", Side.SELL, price)


def test_an_ordinary_round_trip_costs_its_fees_and_is_no_loss() -> None:
    trips = RoundTrips()
    assert [round_trip(trips, number, "1000") for number in range(10)] == [0] * 10


def test_one_that_lost_more_than_twice_its_planned_cost_is_a_loss() -> None:
    """Fees of 2 are planned: a price that is 2 lower loses 4, twice as much."""
    assert round_trip(RoundTrips(), 1, "998.01") == 0
    assert round_trip(RoundTrips(), 1, "997.9") == 1


def test_losses_in_a_row_end_with_a_round_trip_that_was_none() -> None:
    trips = RoundTrips()
    assert [round_trip(trips, number, "990") for number in range(4)] == [1, 2, 3, 4]
    assert round_trip(trips, 5, "1000") == 0
    assert round_trip(trips, 6, "990") == 1


def test_an_order_that_closes_in_parts_is_one_round_trip() -> None:
    trips = RoundTrips()
    trade(trips, "buy", Side.BUY, "1000", "4")
    assert [trade(trips, "sell", Side.SELL, "980") for _ in range(4)] == [1, 1, 1, 1]


def test_what_was_opened_last_is_closed_first() -> None:
    trips = RoundTrips()
    trade(trips, "early", Side.BUY, "1100")
    trade(trips, "late", Side.BUY, "1000")
    assert trade(trips, "sell", Side.SELL, "1000") == 0
    assert trade(trips, "sell again", Side.SELL, "1000") == 1


def test_what_was_opened_minutes_ago_is_inventory_and_no_round_trip() -> None:
    for later_s, losses in ((119.0, 1), (121.0, 0)):
        trips = RoundTrips()
        trade(trips, "buy", Side.BUY, "1000", at=1_000.0)
        assert trade(trips, "sell", Side.SELL, "980", at=1_000.0 + later_s) == losses


def test_where_nothing_is_charged_a_small_move_is_no_loss() -> None:
    trips = RoundTrips()
    for number in range(8):
        trips.add(f"b{number}", Side.BUY, Decimal(1), Decimal(1_000), Decimal(0), Decimal(0), 0.0)
        trips.add(f"s{number}", Side.SELL, Decimal(1), Decimal("999.5"), Decimal(0), Decimal(0), 0.0)
    assert trips.losses_in_a_row == 0


def test_forgiven_losses_are_counted_from_zero() -> None:
    trips = RoundTrips()
    for number in range(3):
        round_trip(trips, number, "990")
    trips.reset_guard_counters()
    assert trips.losses_in_a_row == 0
    assert round_trip(trips, 9, "990") == 1


@LAW
@given(FILLS, FILLS)
def test_dumped_and_loaded_it_goes_on_as_it_would_have(before: list[object], after: list[object]) -> None:
    def tell(trips: RoundTrips, fills: list[object]) -> int:
        for order, side, quantity, price, distance in fills:  # type: ignore[misc]
            fee = Decimal(quantity * price) / 1_000
            trips.add(f"order {order}", side, Decimal(quantity), Decimal(price), fee, Decimal(distance), float(order))
        return trips.losses_in_a_row

    kept, whole = RoundTrips(), RoundTrips()
    tell(kept, before)
    kept = RoundTrips.load(json.loads(json.dumps(kept.dump())))
    assert tell(kept, after) == tell(whole, [*before, *after])


@pytest.mark.parametrize(
    ("distance", "gain", "losses"), [("3", "-4", 0), ("3", "-4.1", 1), ("-3", "-1", 0), ("-3", "-1.1", 1)]
)
def test_the_distance_to_the_mid_is_planned_and_one_that_is_better_counts_as_none(
    distance: str, gain: str, losses: int
) -> None:
    """Fees of 1 are planned, and with the distance 4: one that loses as much again by its price is no loss yet."""
    trips, fee = RoundTrips(), Decimal("0.5")
    trips.add("buy", Side.BUY, Decimal(1), Decimal(1_000), fee, Decimal(distance), 0.0)
    trips.add("sell", Side.SELL, Decimal(1), 1_000 + Decimal(gain), fee, Decimal(0), 0.0)
    assert trips.losses_in_a_row == losses


@pytest.mark.parametrize(("first", "second"), [(Side.BUY, Side.SELL), (Side.SELL, Side.BUY)])
@pytest.mark.parametrize(("distance", "losses"), [("3", 0), ("-3", 1)])
@pytest.mark.parametrize("rate", ["1", "2"])
def test_in_the_ledger_a_market_order_plans_its_way_to_the_mid_and_a_resting_one_none(
    first: Side, second: Side, distance: str, losses: int, rate: str
) -> None:
    """Both orders are 3 off the mid and lose 6 together: planned by the market orders, and not by the resting ones,
    whose price was better than the mid, which then went away from them."""
    ledger, worth = Ledger(), SPOT if rate == "1" else Valuation(quote_rate=Decimal(rate))
    for side, price in ((first, 1_000), (second, 994 if first is Side.BUY else 1_006)):
        off = Decimal(distance) if side is Side.BUY else -Decimal(distance)
        intent = OrderIntent(side, OrderType.MARKET, Decimal(1), Decimal(price), price - off, worth)
        ledger.place(side.value, intent, 0.0)
        amounts = Decimal(1), Decimal(price), Decimal("0.5") * worth.quote_rate, intent.mid_price
        ledger.apply(Fill(side.value, side.value, 0.0, side, Role.TAKER, *amounts, valuation=worth))
    assert ledger.progress(Decimal(10_000)).losses_in_a_row == losses
