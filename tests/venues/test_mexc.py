"""What MEXC does its own way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from octobot_volume_booster.adapters.order_submission import SubmissionStatus

from .contract import Contract, contract, sources
from .exchanges.mexc import FakeMexc
from .test_contract import BUY, MARKET, SELL, last, send


@pytest.fixture(params=sources())
async def mexc(request: pytest.FixtureRequest) -> AsyncIterator[Contract]:
    async with contract(FakeMexc, request.param) as found:
        yield found


@pytest.mark.parametrize("newest_first", [False, True])
async def test_all_trades_are_read_whichever_of_them_a_full_page_shows(mexc: Contract, newest_first: bool) -> None:
    """The documentation does not say which, and more than one page of one order is read by time."""
    mexc.fake.newest_first = newest_first
    before = await send(mexc, SELL, MARKET)
    submission = await send(mexc)
    mexc.fake.fill(last(mexc), parts=450)
    trades = await mexc.trades(submission, await mexc.find(submission))
    assert sorted(t.trade_id for t in trades) == sorted(t.trade_id for t in last(mexc).trades)
    assert len(await mexc.trades(before, await mexc.find(before))) == 1


async def test_an_order_may_be_on_its_way_for_no_longer_than_the_record_says(mexc: Contract) -> None:
    await send(mexc)
    (request,) = mexc.order_requests()
    assert mexc.venue.arrival.within_s is not None
    assert int(request.query["recvWindow"]) <= mexc.venue.arrival.within_s * 1000


async def test_an_order_that_may_be_on_its_way_for_longer_does_not_leave(mexc: Contract) -> None:
    mexc.client.options["recvWindow"] = 120_000
    submission = await send(mexc)
    assert submission.status is SubmissionStatus.MISMATCH and "recvWindow" in submission.reason


async def test_what_a_market_buy_spends_arrives_to_the_price_tick(mexc: Contract) -> None:
    submission = await send(mexc, BUY, MARKET, ("BTC/USDT", "0.001", "61230"))
    assert submission.status is SubmissionStatus.ACCEPTED, submission.reason
    assert last(mexc).quote_quantity == Decimal("61.23")


async def test_one_request_cancels_all_of_a_symbol(mexc: Contract) -> None:
    await send(mexc)
    await send(mexc, SELL)
    await mexc.client.cancel_all_orders("BTC/USDT")
    assert [order.status for order in mexc.fake.orders] == ["canceled", "canceled"]
    assert not await mexc.record("BTC/USDT").open_orders()
