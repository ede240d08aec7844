"""What BitMart does its own way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from octobot_volume_booster.adapters.venues.wire import Request

from .contract import Contract, contract, sources
from .exchanges.bitmart import FakeBitmart
from .test_contract import BUY, DOGE, MARKET, SELL, last, send


@pytest.fixture(params=sources())
async def bitmart(request: pytest.FixtureRequest) -> AsyncIterator[Contract]:
    async with contract(FakeBitmart, request.param) as found:
        yield found


@pytest.mark.parametrize("newest_first", [False, True])
async def test_all_trades_are_read_whichever_of_them_a_full_page_shows(bitmart: Contract, newest_first: bool) -> None:
    bitmart.fake.newest_first = newest_first
    submission = await send(bitmart)
    bitmart.fake.fill(last(bitmart), parts=900)
    trades = await bitmart.trades(submission, await bitmart.find(submission))
    assert sorted(t.trade_id for t in trades) == sorted(t.trade_id for t in last(bitmart).trades)


async def test_the_exchange_prevents_trades_between_our_own_orders(bitmart: Contract) -> None:
    await send(bitmart)
    await send(bitmart, BUY, MARKET)
    assert [request.json["stpMode"] for request in bitmart.order_requests()] == ["cancel_taker"] * 2


async def test_a_question_that_is_posted_is_no_change_of_the_account(bitmart: Contract) -> None:
    submission = await send(bitmart)
    await bitmart.find(submission)
    asked = bitmart.session.requests[-1]
    assert asked.method == "POST" and bitmart.venue.is_read(asked)
    await bitmart.client.cancel_order(submission.exchange_order_id, "BTC/USDT")
    assert not bitmart.venue.is_read(bitmart.session.requests[-1])
    assert not bitmart.venue.is_read(Request("POST", "https://api-cloud.bitmart.com/spot/v1/margin/isolated/borrow"))


async def test_a_market_buy_that_spent_less_than_it_might_have_is_over(bitmart: Contract) -> None:
    """What is left of the quote buys nothing more: the exchange says cancelled."""
    bitmart.fake.fills = 0
    submission = await send(bitmart, BUY, MARKET, DOGE)
    bitmart.fake.fill(last(bitmart), Decimal("0.99"))
    bitmart.fake.cancel(last(bitmart))
    found = await bitmart.find(submission)
    assert found.order is not None and not found.order.is_open
    assert found.order.filled_quantity == Decimal(99)
    assert sum(t.quantity for t in await bitmart.trades(submission, found)) == Decimal(99)


async def test_one_request_cancels_all_of_a_symbol(bitmart: Contract) -> None:
    await send(bitmart)
    await send(bitmart, SELL)
    await bitmart.client.cancel_all_orders("BTC/USDT")
    assert [order.status for order in bitmart.fake.orders] == ["canceled", "canceled"]
    assert not await bitmart.record("BTC/USDT").open_orders()
