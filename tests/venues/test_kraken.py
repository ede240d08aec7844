"""What is only so on Kraken: one history for all markets, look-ups by our id only in lists, errors by their text."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from octobot_volume_booster.adapters.order_submission import SubmissionStatus
from octobot_volume_booster.adapters.venues.kraken import VENUE
from octobot_volume_booster.adapters.venues.wire import Request, UnreadableRequestError
from octobot_volume_booster.core.model.basics import OrderType, Side
from octobot_volume_booster.core.model.orders import OrderIntent

from .contract import Contract, contract, sources
from .exchanges.kraken import FakeKraken
from .wire import Answer


@pytest.fixture(params=sources())
async def kraken(request: pytest.FixtureRequest) -> AsyncIterator[Contract]:
    async with contract(FakeKraken, request.param) as found:
        yield found


def _limit(kraken: Contract) -> OrderIntent:
    return kraken.intent(Side.BUY, OrderType.LIMIT, "0.001", "60000")


async def test_trades_are_found_behind_pages_that_have_only_those_of_other_markets(kraken: Contract) -> None:
    submission = await kraken.send("BTC/USDT", kraken.intent(Side.BUY, OrderType.MARKET, "0.001", "60000"))
    await kraken.send("DOGE/USDT", kraken.intent(Side.BUY, OrderType.LIMIT, "100", "0.2"))
    kraken.fake.orders[-1].time_ms += 1000
    kraken.fake.fill(kraken.fake.orders[-1], parts=120)
    trades = await kraken.trades(submission, await kraken.find(submission))
    assert [trade.trade_id for trade in trades] == [trade.trade_id for trade in kraken.fake.orders[0].trades]


async def test_a_lost_order_is_found_behind_more_ended_orders_than_one_page_has(kraken: Contract) -> None:
    kraken.fake.loses_answer = "after"
    lost = await kraken.send("BTC/USDT", kraken.intent(Side.BUY, OrderType.MARKET, "0.001", "60000"))
    for _ in range(60):
        kraken.fake.take(
            client_id=None, base="BTC", side="buy", kind="market", quantity=kraken.rules("BTC/USDT").quantity_step
        )
    found = await kraken.find(lost)
    assert found.order is not None and found.order.exchange_order_id == kraken.fake.orders[0].order_id


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("EOrder:Post only order", SubmissionStatus.REFUSED),
        ("EOrder:Orders limit exceeded", SubmissionStatus.REFUSED),
        ("EService:Market in cancel_only mode", SubmissionStatus.REFUSED),
        ("EGeneral:Internal error", SubmissionStatus.UNKNOWN),
        ("EService:Timeout", SubmissionStatus.UNKNOWN),
    ],
)
async def test_an_error_is_a_refusal_only_when_it_says_so(
    kraken: Contract, text: str, status: SubmissionStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kraken.fake, "refusal", lambda: Answer({"error": [text]}))
    kraken.fake.refuses = True
    assert (await kraken.send("BTC/USDT", _limit(kraken))).status is status


@pytest.mark.parametrize("more", ["oflags=viqc", "leverage=2", "validate=true", "oflags=fcib", "timeinforce=IOC"])
def test_an_order_with_a_flag_that_changes_its_meaning_is_not_read(more: str) -> None:
    body = f"nonce=1&pair=XBTUSDT&type=buy&ordertype=market&volume=0.001&cl_ord_id=1&{more}"
    with pytest.raises(UnreadableRequestError):
        VENUE.read_order(Request("POST", "https://api.kraken.com/0/private/AddOrder", body))
