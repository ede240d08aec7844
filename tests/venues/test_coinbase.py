"""What is only so on Coinbase: a nested order, lost ones found in lists, an error that looks like a 429."""

from __future__ import annotations

import json
import typing
from collections.abc import AsyncIterator

import pytest

from octobot_volume_booster.adapters.order_submission import SubmissionStatus
from octobot_volume_booster.adapters.venues.coinbase import VENUE
from octobot_volume_booster.adapters.venues.wire import Request, UnreadableRequestError
from octobot_volume_booster.core.model.basics import OrderType, Side
from octobot_volume_booster.core.model.orders import OrderIntent

from .contract import Contract, contract, sources
from .exchanges.coinbase import FakeCoinbase
from .wire import Answer

MARKET = {"market_market_ioc": {"base_size": "0.001"}}
LIMIT = {"base_size": "0.001", "limit_price": "60000", "post_only": False}


@pytest.fixture(params=sources())
async def coinbase(request: pytest.FixtureRequest) -> AsyncIterator[Contract]:
    async with contract(FakeCoinbase, request.param) as found:
        yield found


def _buy(coinbase: Contract) -> OrderIntent:
    return coinbase.intent(Side.BUY, OrderType.MARKET, "0.001", "60000")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer({"error": "unknown", "error_details": "429 Too Many Requests"}, 500), SubmissionStatus.UNKNOWN),
        (Answer({"error": "internal_server_error", "message": "429"}, 500), SubmissionStatus.UNKNOWN),
        (Answer({"success": False, "error_response": {"error": "X", "message": "429"}}), SubmissionStatus.REFUSED),
    ],
)
async def test_an_order_is_posted_once_whatever_the_error_says(
    coinbase: Contract, answer: Answer, status: SubmissionStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coinbase.fake, "take", lambda **_: None)
    monkeypatch.setattr(coinbase.fake, "refusal", lambda: answer)
    submission = await coinbase.send("BTC/USDT", _buy(coinbase))
    assert len(coinbase.order_requests()) == 1
    assert submission.status is status, submission.error


async def test_a_full_page_of_ended_orders_does_not_say_that_an_order_never_arrived(
    coinbase: Contract,
) -> None:
    coinbase.fake.loses_answer = "before"
    lost = await coinbase.send("BTC/USDT", _buy(coinbase))
    coinbase.fake.fills = 0
    for _ in range(coinbase.venue.lookup.ended_page - 1):
        coinbase.fake.take(client_id=None, base="BTC", side="buy", kind="market", quantity=lost.intent.quantity)
    assert (await coinbase.find(lost)).is_conclusive
    coinbase.fake.take(client_id=None, base="BTC", side="buy", kind="market", quantity=lost.intent.quantity)
    assert not (await coinbase.find(lost)).is_conclusive


async def test_orders_long_after_a_lost_one_are_not_asked_for(coinbase: Contract) -> None:
    coinbase.fake.loses_answer = "after"
    lost = await coinbase.send("BTC/USDT", _buy(coinbase))
    placed_at = coinbase.manager.exchange.get_exchange_current_time()
    for _ in range(coinbase.venue.lookup.ended_page):
        coinbase.fake.take(client_id=None, base="BTC", side="buy", kind="market", quantity=lost.intent.quantity)
        coinbase.fake.orders[-1].time_ms += 3_600_000
    found = await coinbase.record("BTC/USDT").find_order(lost.order_id, None, placed_at)
    assert found.order is not None and found.order.exchange_order_id == coinbase.fake.orders[0].order_id


@pytest.mark.parametrize(
    "changed",
    [
        {"order_configuration": {"limit_limit_gtd": {**LIMIT, "end_time": "2030-01-01T00:00:00Z"}}},
        {"order_configuration": {"sor_limit_ioc": LIMIT}},
        {"order_configuration": {**MARKET, "limit_limit_gtc": LIMIT}},
        {"order_configuration": {"limit_limit_gtc": {**LIMIT, "side": "SELL"}}},
        {"order_configuration": {}},
        {"order_configuration": "market"},
        {"leverage": "2"},
        {"retail_portfolio_id": "1"},
    ],
)
def test_an_order_of_another_form_is_not_read(changed: dict[str, typing.Any]) -> None:
    content = {"client_order_id": "1", "product_id": "BTC-USDT", "side": "BUY", "order_configuration": MARKET}
    with pytest.raises(UnreadableRequestError):
        VENUE.read_order(Request("POST", "/api/v3/brokerage/orders", json.dumps({**content, **changed})))
    VENUE.read_order(Request("POST", "/api/v3/brokerage/orders", json.dumps(content)))
