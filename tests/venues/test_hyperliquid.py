"""What is only so on Hyperliquid: what ccxt would do with the account, a market order's worst price, wrapped coins."""

from __future__ import annotations

import json
import typing
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from octobot_volume_booster.adapters import order_submission
from octobot_volume_booster.adapters.order_submission import SubmissionStatus
from octobot_volume_booster.adapters.venues.hyperliquid import VENUE
from octobot_volume_booster.adapters.venues.wire import Request, UnreadableRequestError
from octobot_volume_booster.core.model.basics import OrderType, Side
from octobot_volume_booster.core.model.orders import OrderIntent

from .contract import Contract, charged, contract, sources
from .exchanges.hyperliquid import MOST_FILLS, FakeHyperliquid
from .fake_venue import PRICES
from .wire import Answer

SYMBOL = "BTC/USDC"


@pytest.fixture(params=sources())
async def hyperliquid(request: pytest.FixtureRequest) -> AsyncIterator[Contract]:
    async with contract(FakeHyperliquid, request.param) as found:
        yield found


def _fake(hyperliquid: Contract) -> FakeHyperliquid:
    return typing.cast(FakeHyperliquid, hyperliquid.fake)


def _market(hyperliquid: Contract, side: Side = Side.BUY, price: str = "60000") -> OrderIntent:
    return hyperliquid.intent(side, OrderType.MARKET, "0.001", price)


async def test_a_cancel_before_any_order_does_not_change_the_account(hyperliquid: Contract) -> None:
    """As after a restart: ccxt would approve a fee for its maker and set a referrer with the first cancel."""
    order_submission.prepare(hyperliquid.manager)
    fake = _fake(hyperliquid)
    fake.take(client_id=None, base="BTC", side="buy", kind="limit", quantity=Decimal("0.001"), price=Decimal(60_000))
    await hyperliquid.client.cancel_order(fake.orders[0].order_id, SYMBOL)
    assert fake.actions == ["cancel"]


async def test_the_check_keeps_them_back_too_and_the_order_leaves(
    hyperliquid: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the options of ccxt's client have no say any more."""
    monkeypatch.setattr(order_submission, "_keep_from_own_requests", lambda *_: None)
    submission = await hyperliquid.send(SYMBOL, _market(hyperliquid))
    assert submission.status is SubmissionStatus.ACCEPTED
    assert _fake(hyperliquid).actions == ["order"]


async def test_an_order_with_a_fee_for_a_builder_does_not_leave(hyperliquid: Contract) -> None:
    hyperliquid.client.options["approvedBuilderFee"] = True
    submission = await hyperliquid.send(SYMBOL, _market(hyperliquid))
    assert submission.status is SubmissionStatus.MISMATCH and "'builder'" in submission.reason
    assert _fake(hyperliquid).actions == []


@pytest.mark.parametrize(("side", "worst"), [(Side.BUY, "61200"), (Side.SELL, "58800")])
async def test_a_market_order_has_a_worst_price(hyperliquid: Contract, side: Side, worst: str) -> None:
    await hyperliquid.send(SYMBOL, _market(hyperliquid, side))
    assert _fake(hyperliquid).worst_price == Decimal(worst)


@pytest.mark.parametrize("price", ["9876.9", "9999", "99999", "1.23456", "0.98765"])
async def test_the_worst_price_may_be_rounded_to_other_digits_than_the_market_has(
    price: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PRICES, "BTC", Decimal(price))
    async with contract(FakeHyperliquid, "stand-in") as hyperliquid:
        submission = await hyperliquid.send(SYMBOL, _market(hyperliquid, price=price))
        assert submission.status is SubmissionStatus.ACCEPTED, submission.reason


@pytest.mark.parametrize("by", [Decimal("1.01"), Decimal("0.99")])
async def test_a_market_order_with_another_worst_price_does_not_leave(hyperliquid: Contract, by: Decimal) -> None:
    create = hyperliquid.client.create_order
    hyperliquid.client.create_order = lambda symbol, kind, side, amount, price, params: create(
        symbol, kind, side, amount, price * float(by), params
    )
    submission = await hyperliquid.send(SYMBOL, _market(hyperliquid))
    assert submission.status is SubmissionStatus.MISMATCH and "price" in submission.reason
    assert _fake(hyperliquid).actions == []


async def test_a_fee_in_a_wrapped_coin_is_one_in_the_coin(hyperliquid: Contract) -> None:
    hyperliquid.fake.fee_in = "base"
    submission = await hyperliquid.send(SYMBOL, _market(hyperliquid))
    (trade,) = await hyperliquid.trades(submission, await hyperliquid.find(submission))
    assert charged(trade) == (Decimal("0.000001"), "BTC")


async def test_fills_are_found_behind_pages_that_have_only_those_of_other_markets(hyperliquid: Contract) -> None:
    await hyperliquid.send("DOGE/USDC", hyperliquid.intent(Side.BUY, OrderType.LIMIT, "100", "0.2"))
    hyperliquid.fake.fill(hyperliquid.fake.orders[0], parts=MOST_FILLS + 1)
    submission = await hyperliquid.send(SYMBOL, _market(hyperliquid))
    hyperliquid.fake.orders[-1].trades[0].time_ms += 1_000
    trades = await hyperliquid.trades(submission, await hyperliquid.find(submission))
    assert [trade.trade_id for trade in trades] == [trade.trade_id for trade in hyperliquid.fake.orders[-1].trades]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer({"status": "err", "response": "Too many cumulative requests sent"}), SubmissionStatus.REFUSED),
        (Answer("Failed to deserialize the JSON body into the target type", 422), SubmissionStatus.UNKNOWN),
        (Answer("upstream connect error", 502), SubmissionStatus.UNKNOWN),
    ],
)
async def test_an_error_is_a_refusal_only_when_it_says_so(
    hyperliquid: Contract, answer: Answer, status: SubmissionStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hyperliquid.fake, "refusal", lambda: answer)
    hyperliquid.fake.refuses = True
    assert (await hyperliquid.send(SYMBOL, _market(hyperliquid))).status is status


ORDER = {"a": 10142, "b": True, "p": "60000", "s": "0.001", "r": False, "t": {"limit": {"tif": "Gtc"}}, "c": "0x1"}
ACTION: dict[str, typing.Any] = {"type": "order", "orders": [ORDER], "grouping": "na"}
CALL: dict[str, typing.Any] = {"action": ACTION, "nonce": 1, "signature": {}}


@pytest.mark.parametrize(
    "call",
    [
        CALL | {"vaultAddress": "0x1"},
        CALL | {"action": ACTION | {"orders": [ORDER, ORDER]}},
        CALL | {"action": ACTION | {"orders": []}},
        CALL | {"action": ACTION | {"orders": ["order"]}},
        CALL | {"action": ACTION | {"grouping": "normalTpsl"}},
        CALL | {"action": ACTION | {"builder": {"b": "0x1", "f": 10}}},
        CALL | {"action": ACTION | {"orders": [ORDER | {"t": {"limit": {"tif": "FrontendMarket"}}}]}},
        CALL | {"action": ACTION | {"orders": [ORDER | {"t": {"trigger": {"tpsl": "sl"}}}]}},
        CALL | {"action": ACTION | {"orders": [ORDER | {"t": {"limit": "Gtc"}}]}},
        CALL | {"action": ACTION | {"orders": [ORDER | {"b": "true"}]}},
        CALL | {"action": ACTION | {"orders": [ORDER | {"x": 1}]}},
        {"action": "order"},
        [],
    ],
)
def test_an_action_of_another_form_is_an_order_that_can_not_be_read(call: typing.Any) -> None:
    request = Request("POST", "https://api.hyperliquid.xyz/exchange", json.dumps(call))
    assert VENUE.is_order(request)
    with pytest.raises(UnreadableRequestError):
        VENUE.read_order(request)


def test_other_actions_are_neither_orders_nor_reads() -> None:
    for kind in ("approveBuilderFee", "setReferrer", "usdSend", "cancel"):
        body = json.dumps({"action": {"type": kind}, "nonce": 1, "signature": {}})
        request = Request("POST", "https://api.hyperliquid.xyz/exchange", body)
        assert not VENUE.is_order(request) and not VENUE.is_read(request)
    VENUE.read_order(Request("POST", "https://api.hyperliquid.xyz/exchange", json.dumps(CALL)))
