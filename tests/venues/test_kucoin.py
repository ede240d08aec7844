"""What KuCoin does its own way, on a classic account and on an hf one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from octobot_volume_booster.adapters.order_submission import SubmissionStatus

from .contract import Contract, contract, sources
from .exchanges.kucoin import FakeKucoin, FakeKucoinHf
from .test_contract import BUY, MARKET, SELL, last, send
from .wire import Answer

DAY_S = 86_400.0


@pytest.fixture(params=[(fake, source) for fake in (FakeKucoin, FakeKucoinHf) for source in sources()])
async def kucoin(request: pytest.FixtureRequest) -> AsyncIterator[Contract]:
    async with contract(*request.param) as found:
        yield found


@pytest.fixture(params=sources())
async def classic(request: pytest.FixtureRequest) -> AsyncIterator[Contract]:
    async with contract(FakeKucoin, request.param) as found:
        yield found


async def test_the_account_is_asked_what_kind_it_is(kucoin: Contract) -> None:
    await send(kucoin)
    (request,) = kucoin.order_requests()
    assert request.path == ("/api/v1/hf/orders" if kucoin.fake.is_hf else "/api/v1/orders")


async def test_a_market_buy_is_by_quantity_and_prevents_trades_with_ourselves(kucoin: Contract) -> None:
    await send(kucoin, BUY, MARKET)
    (request,) = kucoin.order_requests()
    assert (request.json["size"], request.json["stp"]) == ("0.001", "CN") and "funds" not in request.json


async def test_an_order_that_the_exchange_is_too_busy_for_is_sent_once(kucoin: Contract) -> None:
    """OctoBot's class would send it five times. ccxt does not know this code: the order is looked for."""
    kucoin.fake.refuses = True
    kucoin.fake.refusal = lambda: Answer({"code": "429000", "msg": "Too many requests in a short period of time"}, 429)
    submission = await send(kucoin)
    assert submission.status is SubmissionStatus.UNKNOWN and len(kucoin.order_requests()) == 1
    found = await kucoin.find(submission)
    assert found.order is None and found.is_conclusive


async def test_more_open_orders_than_a_page_has_are_all_shown(kucoin: Contract) -> None:
    for _ in range(60):
        await send(kucoin, SELL)
    assert len(await kucoin.record("BTC/USDT").open_orders()) == 60


async def test_a_full_list_of_ended_orders_proves_nothing(classic: Contract) -> None:
    """By the client's id a classic account shows no order that has ended, and the list has the newest ones only."""
    classic.fake.loses_answer = "after"
    submission = await send(classic, BUY, MARKET)
    for _ in range(100):
        order = classic.fake.take(client_id="other", base="BTC", side="sell", kind="market", quantity=Decimal(1))
        assert order is not None
    found = await classic.find(submission)
    assert found.order is None and not found.is_conclusive


@pytest.mark.parametrize(("days", "is_conclusive"), [(2.0, True), (6.0, True), (8.0, False)])
async def test_the_exchange_shows_ended_orders_of_a_week(kucoin: Contract, days: float, is_conclusive: bool) -> None:
    now = kucoin.manager.exchange.get_exchange_current_time()
    found = await kucoin.record("BTC/USDT").find_order("vbneverarrived", None, now - days * DAY_S)
    assert found.order is None and found.is_conclusive is is_conclusive


async def test_an_old_order_that_has_ended_is_found_in_the_list(kucoin: Contract) -> None:
    kucoin.fake.loses_answer = "after"
    submission = await send(kucoin, BUY, MARKET)
    last(kucoin).time_ms -= int(5 * DAY_S * 1000)
    now = kucoin.manager.exchange.get_exchange_current_time()
    found = await kucoin.record("BTC/USDT").find_order(submission.order_id, None, now - 5 * DAY_S)
    assert found.order is not None and found.order.is_filled


async def test_one_request_cancels_all_of_a_symbol(kucoin: Contract) -> None:
    await send(kucoin)
    await send(kucoin, SELL)
    await kucoin.client.cancel_all_orders("BTC/USDT")
    assert [order.status for order in kucoin.fake.orders] == ["canceled", "canceled"]
    assert last(kucoin).side == "sell" and not await kucoin.record("BTC/USDT").open_orders()
