"""What only Bitget does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from octobot_volume_booster.adapters.order_submission import SubmissionStatus
from octobot_volume_booster.core.model.basics import OrderType, Side

from .contract import Contract, contract, sources
from .exchanges.bitget import FakeBitget


@pytest.fixture(params=sources())
async def bitget(request: pytest.FixtureRequest) -> AsyncIterator[Contract]:
    async with contract(FakeBitget, request.param) as found:
        yield found


async def test_an_order_says_how_long_it_may_rest_and_what_becomes_of_self_trades(bitget: Contract) -> None:
    """The exchange's documentation calls `force` required."""
    await bitget.send("BTC/USDT", bitget.intent(Side.SELL, OrderType.LIMIT, "0.001", "60000"))
    (request,) = bitget.order_requests()
    assert request.json["force"].lower() == "gtc" and request.json["stpMode"] == "cancel_taker"


async def test_the_id_of_octobots_broker_code_gives_way_to_ours(bitget: Contract) -> None:
    submission = await bitget.send("BTC/USDT", bitget.intent(Side.BUY, OrderType.LIMIT, "0.001", "60000"))
    assert bitget.fake.orders[-1].client_id == submission.order_id
    assert "octobot" not in submission.order_id.lower()
    broker = bitget.manager.exchange_backend.get_orders_parameters(None)
    assert broker["clientOrderId"].lower().startswith("octobot#")


async def test_a_full_list_of_ended_orders_does_not_prove_that_there_is_none(bitget: Contract) -> None:
    bitget.fake.loses_answer = "after"
    submission = await bitget.send("BTC/USDT", bitget.intent(Side.BUY, OrderType.MARKET, "0.001", "60000"))
    for _ in range(100):
        bitget.fake.take(client_id=None, base="BTC", side="sell", kind="market", quantity=Decimal("0.001"))
    found = await bitget.find(submission)
    assert found.order is None and not found.is_conclusive


async def test_an_order_of_the_other_version_of_the_interface_does_not_leave(bitget: Contract) -> None:
    """ccxt's option for unified accounts: it writes the amount of quote as the quantity of base."""
    bitget.client.options["uta"] = True
    submission = await bitget.send("BTC/USDT", bitget.intent(Side.BUY, OrderType.MARKET, "0.001", "60000"))
    assert submission.status is SubmissionStatus.MISMATCH, submission.reason
    assert not bitget.order_requests() and not bitget.fake.orders
