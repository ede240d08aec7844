"""What is only so on Crypto.com: a look-up past ccxt's, a call in the body, errors that ccxt has no class for."""

from __future__ import annotations

import json
import typing
from collections.abc import AsyncIterator

import ccxt
import pytest

from octobot_volume_booster.adapters.exchange_client import ExchangeUnreachableError
from octobot_volume_booster.adapters.order_submission import SubmissionStatus
from octobot_volume_booster.adapters.venues.cryptocom import VENUE
from octobot_volume_booster.adapters.venues.wire import Request, UnreadableRequestError
from octobot_volume_booster.core.model.basics import OrderType, Side

from .contract import Contract, contract, sources
from .exchanges.cryptocom import FakeCryptocom
from .wire import Answer


@pytest.fixture(params=sources())
async def cryptocom(request: pytest.FixtureRequest) -> AsyncIterator[Contract]:
    async with contract(FakeCryptocom, request.param) as found:
        yield found


@pytest.mark.parametrize(
    ("code", "message", "status"),
    [
        (224, "REJ_BY_MATCHING_ENGINE", SubmissionStatus.REFUSED),
        (309, "MARKET_IS_NOT_OPEN", SubmissionStatus.REFUSED),
        (318, "EXCEEDS_MAX_ALLOWED_ORDERS", SubmissionStatus.REFUSED),
        (43005, "POST_ONLY_REJ", SubmissionStatus.REFUSED),
        (204, "DUPLICATE_CLORDID", SubmissionStatus.UNKNOWN),
        (50001, "ERR_INTERNAL", SubmissionStatus.UNKNOWN),
        (40801, "REQUEST_TIMEOUT", SubmissionStatus.UNKNOWN),
    ],
)
async def test_an_error_is_a_refusal_only_when_it_says_so(
    cryptocom: Contract, code: int, message: str, status: SubmissionStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"id": 1, "method": "private/create-order", "code": code, "message": message}
    monkeypatch.setattr(cryptocom.fake, "refusal", lambda: Answer(told, 500))
    cryptocom.fake.refuses = True
    intent = cryptocom.intent(Side.BUY, OrderType.LIMIT, "0.001", "60000")
    assert (await cryptocom.send("BTC/USDT", intent)).status is status


async def test_what_ccxt_asks_without_an_exchange_id_is_not_understood(cryptocom: Contract) -> None:
    """Why the look-up by our id goes past ccxt's fetch_order."""
    await cryptocom.client.load_markets()
    with pytest.raises(ccxt.AuthenticationError):
        await cryptocom.client.fetch_order(None, "BTC/USDT", {"client_oid": "vb1"})


async def test_more_trades_in_one_millisecond_than_a_page_has_are_not_taken_for_all(cryptocom: Contract) -> None:
    submission = await cryptocom.send("BTC/USDT", cryptocom.intent(Side.BUY, OrderType.LIMIT, "0.001", "60000"))
    order = cryptocom.fake.orders[0]
    cryptocom.fake.fill(order, parts=cryptocom.venue.trades.page + 1)
    for trade in order.trades:
        trade.time_ms = order.time_ms
    with pytest.raises(ExchangeUnreachableError, match="do not end"):
        await cryptocom.trades(submission, await cryptocom.find(submission))


CALL: dict[str, typing.Any] = {"id": "1", "method": "private/create-order", "api_key": "k", "sig": "s", "nonce": "1"}
ORDER = {"instrument_name": "BTC_USDT", "side": "BUY", "type": "MARKET", "quantity": "1", "client_oid": "vb1"}


@pytest.mark.parametrize(
    ("call", "order"),
    [
        ({"method": "private/create-order-list"}, {}),
        ({"more": "1"}, {}),
        ({}, {"spot_margin": "MARGIN"}),
        ({}, {"exec_inst": ["SMART_POST_ONLY"]}),
        ({}, {"exec_inst": ["POST_ONLY", "REDUCE_ONLY"]}),
        ({}, {"time_in_force": "IMMEDIATE_OR_CANCEL"}),
        ({}, {"stp_inst": "M"}),
        ({}, {"fee_instrument_name": "CRO"}),
        ({}, {"type": "STOP_LIMIT"}),
    ],
)
def test_an_order_of_another_form_is_not_read(call: dict[str, typing.Any], order: dict[str, typing.Any]) -> None:
    def read(body: dict[str, typing.Any]) -> None:
        VENUE.read_order(Request("POST", "/exchange/v1/private/create-order", json.dumps(body)))

    read(CALL | {"params": ORDER})
    with pytest.raises(UnreadableRequestError):
        read(CALL | call | {"params": ORDER | order})
