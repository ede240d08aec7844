"""What HTX does its own way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from octobot_volume_booster.adapters.order_submission import SubmissionStatus

from .contract import Contract, charged, contract, sources
from .exchanges.htx import FakeHtx, FakeHuobi
from .test_contract import BUY, MARKET, SELL, last, send

HOUR_S = 3600.0


@pytest.fixture(params=[(fake, source) for fake in (FakeHtx, FakeHuobi) for source in sources()])
async def htx(request: pytest.FixtureRequest) -> AsyncIterator[Contract]:
    async with contract(*request.param) as found:
        yield found


async def test_the_exchange_prevents_trades_between_our_own_orders(htx: Contract) -> None:
    await send(htx)
    (request,) = htx.order_requests()
    assert request.json["self-match-prevent"] == 1


async def test_what_a_market_buy_spends_is_cut_to_the_step_of_the_quantity(htx: Contract) -> None:
    """ccxt's doing, whoever asks it: SHIB has two digits, so that cents arrive and nothing smaller."""
    submission = await send(htx, BUY, MARKET, ("SHIB/USDT", "1055000", "0.00001"))
    assert submission.status is SubmissionStatus.ACCEPTED and last(htx).quote_quantity == Decimal("10.55")
    await htx.client.create_market_buy_order_with_cost("SHIB/USDT", 10.559, {})
    assert last(htx).quote_quantity == Decimal("10.55")


@pytest.mark.parametrize("hours", [1.0, 5.0, 100.0])
async def test_a_filled_order_is_found_by_our_id_and_then_in_the_list(htx: Contract, hours: float) -> None:
    htx.fake.loses_answer = "after"
    submission = await send(htx, BUY, MARKET)
    last(htx).time_ms -= int(hours * HOUR_S * 1000)
    now = htx.manager.exchange.get_exchange_current_time()
    found = await htx.record("BTC/USDT").find_order(submission.order_id, None, now - hours * HOUR_S)
    assert found.order is not None and found.order.is_filled


async def test_an_old_order_that_is_not_in_a_full_list_may_be_there(htx: Contract) -> None:
    for _ in range(100):
        htx.fake.take(client_id="other", base="BTC", side="sell", kind="market", quantity=Decimal(1))
    now = htx.manager.exchange.get_exchange_current_time()
    found = await htx.record("BTC/USDT").find_order("vbneverarrived", None, now - 3 * HOUR_S)
    assert found.order is None and not found.is_conclusive


async def test_a_fee_that_is_paid_with_points_is_told_as_points(htx: Contract) -> None:
    submission = await send(htx)
    htx.fake.fill(last(htx))
    (told,) = last(htx).trades
    told.fee, told.fee_asset = Decimal("0.06"), "HBPOINT"
    (trade,) = await htx.trades(submission, await htx.find(submission))
    assert charged(trade) == (Decimal("0.06"), "HBPOINT")


async def test_a_rebate_is_a_negative_fee(htx: Contract) -> None:
    submission = await send(htx, SELL)
    htx.fake.fill(last(htx))
    (told,) = last(htx).trades
    told.fee, told.fee_asset = Decimal("-0.006"), "BTC"
    (trade,) = await htx.trades(submission, await htx.find(submission))
    assert charged(trade) == (Decimal("-0.006"), "BTC")


async def test_more_open_orders_than_a_page_has_are_all_shown(htx: Contract) -> None:
    for number in range(110):
        htx.fake.take(
            client_id=f"vb{number}", base="BTC", side="sell", kind="limit", quantity=Decimal(1), price=Decimal(61_000)
        )
    assert len(await htx.record("BTC/USDT").open_orders()) == 110
