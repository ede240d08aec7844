"""What a check tells that places an order: that it is found and cancelled, and what an exchange does wrong with it."""

from __future__ import annotations

import asyncio
import typing
from decimal import Decimal

import pytest

from octobot_volume_booster.checks import far_order
from octobot_volume_booster.checks.far_order import Trial
from octobot_volume_booster.core.model.basics import Side
from octobot_volume_booster.core.planning.account_checks import FarOrder

from .checked import TRIED, Checked, Turn, fails_at, knob


async def test_one_far_order_is_placed_found_in_every_way_and_cancelled(checked: Checked) -> None:
    assert await checked.read()
    await checked.try_order()
    assert {name: row.ok for name, row in checked.rows.items() if name in TRIED} == dict.fromkeys(TRIED, True)
    (order,) = checked.fake.orders
    assert (order.status, order.kind, order.side) == ("canceled", "post_only", "buy")
    assert order.price == Decimal("47999.20") and (order.quantity or 0) * order.price >= 5
    assert [request.method for request in checked.changes()] == ["POST", "DELETE"]


async def test_without_quote_the_order_is_a_sell_above_the_market(checked: Checked) -> None:
    checked.fake.balances = {"BTC": "0.001", "USDT": "1"}
    assert await checked.read()
    await checked.try_order()
    (order,) = checked.fake.orders
    assert (order.side, order.price, order.status) == ("sell", Decimal("72001.20"), "canceled")


def posts_twice(checked: Checked) -> None:
    create = checked.exchange.client.create_order

    async def twice(*order: typing.Any) -> typing.Any:
        await create(*order)
        return await create(*order)

    checked.exchange.client.create_order = twice


def lost_after(checked: Checked) -> None:
    checked.fake.loses_answer = "after"


ORDER: dict[str, tuple[Turn, str, str]] = {
    "it refuses the order": (knob(refuses=True), far_order.PLACED, "was not placed: the exchange refused it"),
    "its answer is lost": (lost_after, far_order.PLACED, "no answer gives its id"),
    "it shows the order under another id": (
        knob(replaces_id="x-another"), far_order.BY_EXCHANGE_ID, "under the id x-another instead of ours",
    ),
    "it does not find our id": (
        knob(hides_our_ids=True), far_order.BY_OUR_ID, "would be taken for one that never arrived",
    ),
    "it does not list it": (knob(lists_no_orders=True), far_order.IN_LIST, "and not this one"),
    "it does not find its own order": (
        knob(hides_orders=True), far_order.BY_EXCHANGE_ID, "does not find its own order",
    ),
    "it is sent twice": (posts_twice, far_order.PLACED, "an order is sent once: nothing was sent a second time"),
    "it does not cancel": (knob(cancels="no"), far_order.CANCELLED, "may still rest"),
    "a part fills": (knob(fills_at_once=True), far_order.CANCELLED, "had filled before"),
    "ccxt can't cancel": (fails_at("cancel_order", TypeError("no")), far_order.CANCELLED, "TypeError: no"),
    "nothing can be looked up afterwards": (
        fails_at("fetch_order", TypeError("no")), far_order.CANCELLED, "may still rest: cancel it on the exchange",
    ),
}  # fmt: skip


@pytest.mark.parametrize("misbehaviour", ORDER)
async def test_what_an_exchange_does_wrong_with_an_order_is_told(checked: Checked, misbehaviour: str) -> None:
    turn, name, words = ORDER[misbehaviour]
    assert await checked.read()
    turn(checked)
    await checked.try_order()
    assert checked.rows[name].ok is False and words in checked.rows[name].text, checked.rows[name]
    assert len(checked.exchange.order_requests()) == 1
    is_left = [order.status for order in checked.fake.orders if order.status == "open"]
    assert not is_left or checked.rows[far_order.CANCELLED].ok is False


async def test_an_order_whose_answer_was_lost_is_found_and_cancelled(checked: Checked) -> None:
    assert await checked.read()
    lost_after(checked)
    await checked.try_order()
    assert {name: checked.rows[name].ok for name in TRIED} == dict.fromkeys(TRIED, True) | {far_order.PLACED: False}
    assert [order.status for order in checked.fake.orders] == ["canceled"]


async def test_an_order_that_never_arrived_is_not_said_to_be_cancelled(checked: Checked) -> None:
    assert await checked.read()
    checked.fake.loses_answer = "before"
    await checked.try_order()
    assert not checked.fake.orders
    assert checked.rows[far_order.BY_OUR_ID].ok is None
    assert "look on the exchange's own page" in checked.rows[far_order.CANCELLED].text


async def test_an_order_that_is_shown_late_is_waited_for(checked: Checked) -> None:
    assert await checked.read()
    checked.fake.hides_for = 2
    await checked.try_order()
    assert all(checked.rows[name].ok for name in TRIED) and checked.paused_s == 2


async def test_an_order_that_is_hidden_everywhere_is_not_said_to_be_gone(checked: Checked) -> None:
    """It was never seen: that it is not there after the cancellation proves nothing."""
    assert await checked.read()
    checked.fake.hides_orders = checked.fake.lists_no_orders = True
    checked.fake.cancels = "it says so"
    await checked.try_order()
    assert checked.rows[far_order.CANCELLED].ok is False
    assert [order.status for order in checked.fake.orders] == ["open"]


async def test_that_a_cancellation_was_accepted_is_not_that_the_order_has_ended(checked: Checked) -> None:
    assert await checked.read()
    checked.fake.lists_no_orders, checked.fake.cancels = True, "it says so"
    await checked.try_order()
    assert "may still rest" in checked.rows[far_order.CANCELLED].text


async def test_an_order_that_may_not_leave_after_all_does_not(checked: Checked) -> None:
    assert await checked.read()
    await checked.try_order(may_leave=lambda: "a person has changed their mind")
    assert not checked.changes() and not checked.fake.orders
    assert "a person has changed their mind" in checked.rows[far_order.PLACED].text
    assert far_order.CANCELLED not in checked.rows


async def test_a_check_that_is_cut_short_cancels_what_it_has_placed(checked: Checked) -> None:
    assert await checked.read()
    stopped = asyncio.Event()

    async def hang(_: float) -> None:
        stopped.set()
        await asyncio.sleep(3_600)

    checked.fake.hides_for = 1
    trial = Trial(checked.questions, checked.guard, lambda: "", checked.emit, hang)
    plan = far_order.plan(checked.questions)
    assert isinstance(plan, FarOrder)
    task = asyncio.create_task(trial.run(plan))
    await stopped.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [order.status for order in checked.fake.orders] == ["canceled"]
    assert checked.rows[far_order.CANCELLED].ok


@pytest.mark.parametrize("side", Side)
async def test_on_every_exchange_a_far_order_is_found_and_cancelled(any_exchange: Checked, side: Side) -> None:
    price = Decimal(48_000) if side is Side.BUY else Decimal(72_000)
    await any_exchange.try_order(FarOrder(side, Decimal("0.001"), price, Decimal("0.2")))
    assert not [row for row in any_exchange.rows.values() if row.ok is False], any_exchange.rows
    assert any_exchange.rows[far_order.PLACED].ok and any_exchange.rows[far_order.CANCELLED].ok
    assert [order.status for order in any_exchange.exchange.fake.orders] == ["canceled"]
    assert len(any_exchange.exchange.order_requests()) == 1
