"""What only Gate does."""

from __future__ import annotations

import json
import typing
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from octobot_volume_booster.adapters.order_submission import Submission, SubmissionStatus
from octobot_volume_booster.adapters.venues import venue_of
from octobot_volume_booster.adapters.venues.wire import Request, UnreadableRequestError
from octobot_volume_booster.core.model.basics import OrderType, Side

from .contract import Contract, contract, sources
from .exchanges.gateio import FakeGateio, FakeGateioUnified


@pytest.fixture(params=[(fake, source) for fake in (FakeGateio, FakeGateioUnified) for source in sources()])
async def gate(request: pytest.FixtureRequest) -> AsyncIterator[Contract]:
    fake, source = request.param
    async with contract(fake, source) as found:
        yield found


async def send(gate: Contract, order_type: OrderType = OrderType.MARKET) -> Submission:
    return await gate.send("BTC/USDT", gate.intent(Side.BUY, order_type, "0.001", "60000"))


async def test_what_a_market_buy_by_quote_has_filled_is_told_in_base(gate: Contract) -> None:
    """ccxt reads 60 of a unified account, the quote that was spent."""
    found = await gate.find(await send(gate))
    assert found.order is not None and found.order.filled_quantity == Decimal("0.001")


@pytest.mark.parametrize("why", ["stp", "depth_not_enough", "price_protect_cancelled", "poc"])
async def test_an_order_has_ended_whatever_it_ended_as(gate: Contract, why: str) -> None:
    fake = typing.cast(FakeGateio, gate.fake)
    fake.ends_as = why
    submission = await send(gate, OrderType.LIMIT)
    fake.cancel(fake.orders[-1])
    found = await gate.find(submission)
    assert found.order is not None and not found.order.is_open and not found.order.is_filled


async def test_an_order_that_was_lost_is_found_behind_pages_of_others(gate: Contract) -> None:
    gate.fake.loses_answer = "after"
    submission = await send(gate)
    for _ in range(230):
        gate.fake.take(client_id=None, base="BTC", side="buy", kind="market", quantity=Decimal("0.001"))
    found = await gate.find(submission)
    assert submission.status is SubmissionStatus.UNKNOWN
    assert found.order is not None and found.order.exchange_order_id == gate.fake.orders[0].order_id


async def test_a_full_list_of_open_orders_does_not_prove_that_there_is_none(gate: Contract) -> None:
    gate.fake.loses_answer = "before"
    submission = await send(gate)
    assert (await gate.find(submission)).is_conclusive
    for _ in range(100):
        gate.fake.take(
            client_id=None, base="BTC", side="buy", kind="limit", quantity=Decimal("0.001"), price=Decimal(50_000)
        )
    assert not (await gate.find(submission)).is_conclusive


async def test_trades_of_weeks_are_read_window_by_window(gate: Contract) -> None:
    submission = await send(gate, OrderType.LIMIT)
    order = gate.fake.orders[-1]
    gate.fake.fill(order, Decimal("0.5"), parts=2)
    order.trades[0].time_ms -= 20 * 24 * 3600 * 1000
    order.trades[1].time_ms -= 7 * 24 * 3600 * 1000
    found = await gate.find(submission)
    assert found.order is not None
    trades = await gate.record("BTC/USDT").trades_of(found.order, order.time_ms / 1000 - 21 * 24 * 3600)
    assert {trade.trade_id for trade in trades} == {trade.trade_id for trade in order.trades}


@pytest.mark.parametrize(("kind", "time_in_force"), [("limit", "ioc"), ("limit", "fok"), ("market", "gtc")])
def test_an_order_that_would_not_rest_is_not_known(kind: str, time_in_force: str) -> None:
    known = venue_of("gateio")
    assert known is not None
    order = {
        "text": "t-vb1", "currency_pair": "BTC_USDT", "type": kind, "account": "spot", "side": "buy", "amount": "1",
        "price": "1", "time_in_force": time_in_force,
    }  # fmt: skip
    with pytest.raises(UnreadableRequestError, match="time in force"):
        known.read_order(Request("POST", "https://api.gateio.ws/api/v4/spot/orders", json.dumps(order)))
