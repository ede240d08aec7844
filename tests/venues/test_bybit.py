"""What only Bybit does, and why no orders are placed there."""

from __future__ import annotations

import json
import typing
from collections.abc import AsyncIterator
from decimal import Decimal

import octobot_trading.errors
import pytest

from octobot_volume_booster.adapters import order_submission
from octobot_volume_booster.adapters.order_submission import SubmissionStatus
from octobot_volume_booster.adapters.venues import venue_of, working
from octobot_volume_booster.adapters.venues.wire import Request, UnreadableRequestError
from octobot_volume_booster.core.model.basics import OrderType, Side

from .contract import Contract, contract, sources
from .exchanges.bybit import FakeBybit
from .wire import Answer


@pytest.fixture(params=sources())
async def bybit(request: pytest.FixtureRequest) -> AsyncIterator[Contract]:
    async with contract(FakeBybit, request.param) as found:
        yield found


async def test_octobot_does_not_take_the_only_kind_of_account_that_there_is(bybit: Contract) -> None:
    """As soon as this fails, the refusal in the record can go."""
    with pytest.raises(octobot_trading.errors.NotSupported):
        await bybit.manager.exchange._check_unified_account()
    assert "classic accounts" in order_submission.refusal(bybit.manager)
    assert "Bybit" not in working()


async def test_a_market_buy_says_that_its_quantity_is_base(bybit: Contract) -> None:
    await bybit.send("BTC/USDT", bybit.intent(Side.BUY, OrderType.MARKET, "0.001", "60000"))
    (request,) = bybit.order_requests()
    assert (request.json["marketUnit"], request.json["qty"]) == ("baseCoin", "0.001")


@pytest.mark.parametrize("unit", [None, "quoteCoin"])
def test_a_market_buy_by_quote_is_not_taken_for_one_by_quantity(unit: str | None) -> None:
    known = venue_of("bybit")
    assert known is not None
    order = {"category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "0.001"}
    body = json.dumps(order | ({} if unit is None else {"marketUnit": unit}))
    with pytest.raises(UnreadableRequestError, match="unit of the quantity"):
        known.read_order(Request("POST", "https://api.bybit.com/v5/order/create", body))


async def test_a_cut_order_is_not_called_filled(bybit: Contract) -> None:
    submission = await bybit.send("BTC/USDT", bybit.intent(Side.BUY, OrderType.LIMIT, "0.001", "60000"))
    order = bybit.fake.orders[-1]
    bybit.fake.fill(order, Decimal("0.4"))
    bybit.fake.cancel(order)
    found = await bybit.find(submission)
    assert found.order is not None and not found.order.is_open and not found.order.is_filled


async def test_taxes_stand_beside_the_fee(bybit: Contract) -> None:
    fake = typing.cast(FakeBybit, bybit.fake)
    fake.taxes = json.dumps([{"feeCoin": "USDT", "feeType": "TAX", "subFeeType": "TAX_PNN", "fee": "0.0066"}])
    await bybit.send("BTC/USDT", bybit.intent(Side.SELL, OrderType.MARKET, "0.001", "60000"))
    (row,) = await bybit.client.fetch_my_trades("BTC/USDT")
    parts = bybit.venue.trade_row(row)["fees"]
    assert [(part["cost"], part["currency"]) for part in parts] == [(0.06, "USDT"), (0.0066, "USDT")]


async def test_a_taken_id_is_no_refusal(bybit: Contract) -> None:
    answer = bybit.fake.answer

    async def refuse_orders(request: Request) -> Answer:
        taken = Answer({"retCode": 170141, "retMsg": "Duplicate clientOrderId.", "result": {}})
        return taken if bybit.venue.is_order(request) else await answer(request)

    bybit.session._answer = refuse_orders
    submission = await bybit.send("BTC/USDT", bybit.intent(Side.BUY, OrderType.MARKET, "0.001", "60000"))
    assert submission.status is SubmissionStatus.UNKNOWN


async def test_an_order_that_the_exchange_may_have_forgotten_may_have_been_there(bybit: Contract) -> None:
    bybit.fake.loses_answer = "before"
    submission = await bybit.send("BTC/USDT", bybit.intent(Side.BUY, OrderType.MARKET, "0.001", "60000"))
    now, record = bybit.manager.exchange.get_exchange_current_time(), bybit.record("BTC/USDT")
    for age_s, is_conclusive in ((23 * 3600, True), (25 * 3600, False)):
        found = await record.find_order(submission.order_id, None, now - age_s)
        assert found.order is None and found.is_conclusive is is_conclusive
