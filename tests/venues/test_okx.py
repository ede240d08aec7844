"""What only OKX does."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from octobot_volume_booster.adapters.order_submission import SubmissionStatus
from octobot_volume_booster.core.model.basics import OrderType, Side

from .contract import Contract, charged, contract, sources
from .exchanges.okx import FakeOkx
from .wire import Answer


@pytest.fixture(params=sources())
async def okx(request: pytest.FixtureRequest) -> AsyncIterator[Contract]:
    async with contract(FakeOkx, request.param) as found:
        yield found


async def test_a_market_buy_is_refused_rather_than_made_smaller(okx: Contract) -> None:
    """Without `banAmend` OKX trades what the balance is good for."""
    await okx.send("BTC/USDT", okx.intent(Side.BUY, OrderType.MARKET, "0.001", "60000"))
    (request,) = okx.order_requests()
    assert request.json[0]["banAmend"] is True and request.json[0]["tgtCcy"] == "base_ccy"


async def test_a_rebate_is_a_fee_below_zero(okx: Contract) -> None:
    submission = await okx.send("BTC/USDT", okx.intent(Side.SELL, OrderType.LIMIT, "0.001", "60000"))
    order = okx.fake.orders[-1]
    okx.fake.fill(order)
    order.trades[0].fee = -order.trades[0].fee
    (trade,) = await okx.trades(submission, await okx.find(submission))
    assert charged(trade) == (order.trades[0].fee, "USDT") and order.trades[0].fee < 0


async def test_a_post_only_order_that_would_trade_at_once_is_taken_and_cancelled(okx: Contract) -> None:
    submission = await okx.send("BTC/USDT", okx.intent(Side.BUY, OrderType.LIMIT, "0.001", "60000", post_only=True))
    okx.fake.cancel(okx.fake.orders[-1])
    found = await okx.find(submission)
    assert submission.status is SubmissionStatus.ACCEPTED
    assert found.order is not None and not found.order.is_open and not found.order.is_filled


@pytest.mark.parametrize(
    ("code", "said", "status"),
    [
        ("51016", "Duplicated client order ID", SubmissionStatus.UNKNOWN),
        ("50102", "Timestamp request expired", SubmissionStatus.REFUSED),
        ("50011", "Rate limit reached", SubmissionStatus.REFUSED),
        ("50004", "API endpoint request timeout", SubmissionStatus.UNKNOWN),
        ("50026", "System error. Try again later", SubmissionStatus.UNKNOWN),
    ],
)
async def test_only_an_answer_that_says_so_is_a_refusal(
    okx: Contract, code: str, said: str, status: SubmissionStatus
) -> None:
    answer = okx.fake.answer

    async def refuse_orders(request: object) -> Answer:
        is_order = okx.venue.is_order(request)  # type: ignore[arg-type]
        return Answer({"code": code, "msg": said, "data": []}) if is_order else await answer(request)  # type: ignore[arg-type]

    okx.session._answer = refuse_orders
    submission = await okx.send("BTC/USDT", okx.intent(Side.BUY, OrderType.MARKET, "0.001", "60000"))
    assert submission.status is status, submission.error
