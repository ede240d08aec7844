"""Round trips: which ones are losses, and how many in a row."""

from __future__ import annotations

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.core.market import Side
from octobot_volume_booster.core.round_trips import RoundTrips

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
