"""One order on its way through OctoBot: sent once, as decided, or withheld with a reason."""

from __future__ import annotations

import asyncio
import typing
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from octobot_volume_booster.adapters.order_submission import Submission, SubmissionStatus
from octobot_volume_booster.adapters.venues.wire import Request
from octobot_volume_booster.core.model.basics import OrderType, Side

from .contract import Contract, contract
from .exchanges.binance import FakeBinance
from .wire import Answer

BTC = "BTC/USDT"


@pytest.fixture
async def binance() -> AsyncIterator[Contract]:
    async with contract(FakeBinance, "stand-in") as found:
        yield found


def order(binance: Contract, quantity: str = "0.001", side: Side = Side.BUY) -> Submission:
    return binance.submission(BTC, binance.intent(side, OrderType.LIMIT, quantity, "60000"))


def answering(binance: Contract, answer: Answer) -> None:
    """The next order is taken by the exchange, which then answers this."""
    real = binance.fake.answer

    async def respond(request: Request) -> Answer:
        told = await real(request)
        return answer if binance.venue.is_order(request) else told

    binance.session._answer = respond


async def test_what_a_person_forbids_at_the_last_moment_does_not_leave(binance: Contract) -> None:
    submission = order(binance)
    submission.may_leave = lambda: "paused by a person"
    await binance.carry_out(submission)
    assert (submission.status, submission.reason) == (SubmissionStatus.WITHHELD, "paused by a person")
    assert not binance.order_requests()


async def test_it_is_asked_after_the_wait_for_its_turn(binance: Contract) -> None:
    """An order may wait in ccxt's queue: what is forbidden meanwhile does not leave."""
    submission, forbidden, throttle = order(binance), [""], binance.client.throttle
    submission.may_leave = lambda: forbidden[0]
    binance.client.enableRateLimit = True

    async def wait(*cost: typing.Any) -> None:
        forbidden[0] = "emergency stop"
        await throttle(*cost)

    binance.client.throttle = wait
    await binance.carry_out(submission)
    assert submission.status is SubmissionStatus.WITHHELD and not binance.order_requests()


async def test_nothing_but_the_order_changes_the_account(binance: Contract) -> None:
    create = binance.client.create_order

    async def with_another_request(*arguments: typing.Any) -> typing.Any:
        await binance.client.sapi_post_margin_loan({"asset": "BTC", "amount": 1})
        return await create(*arguments)

    binance.client.create_order = with_another_request
    submission = order(binance)
    await binance.carry_out(submission)
    assert submission.status is SubmissionStatus.MISMATCH
    assert "nothing else is sent, and this was POST /sapi/v1/margin/loan" in submission.reason
    assert [request for request in binance.session.requests if request.method == "POST"] == []


async def test_a_failure_after_the_order_was_taken_sends_nothing_again(binance: Contract) -> None:
    answering(binance, Answer("Internal Server Error", 500))
    submission = order(binance)
    await binance.carry_out(submission)
    assert submission.status is SubmissionStatus.UNKNOWN
    assert len(binance.fake.orders) == len(binance.order_requests()) == 1
    found = await binance.find(submission)
    assert found.order is not None and found.order.exchange_order_id == binance.fake.orders[0].order_id


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer({"code": -2010, "msg": "Account has insufficient balance."}, 400), SubmissionStatus.REFUSED),
        (Answer({"code": -1013, "msg": "Filter failure: LOT_SIZE"}, 400), SubmissionStatus.REFUSED),
        (
            Answer({"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}, 401),
            SubmissionStatus.REFUSED,
        ),
        (Answer({"code": -1003, "msg": "Too many requests."}, 429), SubmissionStatus.REFUSED),
        (Answer({"code": -1007, "msg": "Timeout waiting for response."}, 504), SubmissionStatus.UNKNOWN),
        (Answer({"code": -1006, "msg": "An unexpected response was received."}, 500), SubmissionStatus.UNKNOWN),
        (Answer("<html>Bad Gateway</html>", 502), SubmissionStatus.UNKNOWN),
        (Answer("", 200), SubmissionStatus.UNKNOWN),
        (Answer("not json", 200), SubmissionStatus.UNKNOWN),
        (Answer({}, 200), SubmissionStatus.UNKNOWN),
    ],
    ids=lambda one: str(one.content)[:40] if isinstance(one, Answer) else one.value,
)
async def test_only_a_clear_no_is_a_refusal(binance: Contract, answer: Answer, status: SubmissionStatus) -> None:
    answering(binance, answer)
    submission = order(binance)
    await binance.carry_out(submission)
    assert submission.status is status, submission.error


async def test_an_answer_that_octobot_cannot_read_is_still_an_order(binance: Contract) -> None:
    def broken(*_: typing.Any, **__: typing.Any) -> typing.Any:
        raise TypeError("'NoneType' object is not subscriptable")

    binance.manager.exchange.connector.adapter.adapt_order = broken
    submission = order(binance)
    assert await binance.carry_out(submission) is None
    assert submission.status is SubmissionStatus.ACCEPTED
    assert submission.exchange_order_id == binance.fake.orders[0].order_id
    assert "can't read" in submission.octobot_problem


async def test_two_orders_at_once_are_two_orders(binance: Contract) -> None:
    first, second = order(binance, "0.001"), order(binance, "0.002", Side.SELL)
    others = binance.client.create_order(BTC, "limit", "buy", 0.003, 59_000.0)
    await asyncio.gather(binance.carry_out(first), binance.carry_out(second), others)
    assert {one.status for one in (first, second)} == {SubmissionStatus.ACCEPTED}
    assert sorted(one.quantity or 0 for one in binance.fake.orders) == [Decimal(f"0.00{n}") for n in (1, 2, 3)]


async def test_octobots_broker_code_stays_but_for_the_id(binance: Contract) -> None:
    backend = binance.manager.exchange_backend
    backend.get_orders_parameters = lambda _: {"clientOrderId": "broker1", "newOrderRespType": "FULL"}
    submission = order(binance)
    await binance.carry_out(submission)
    assert submission.status is SubmissionStatus.ACCEPTED
    assert binance.fake.orders[0].client_id == submission.order_id
