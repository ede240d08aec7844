"""Nothing that changes an account leaves while it is checked, but the one order and its cancellation."""

from __future__ import annotations

from decimal import Decimal

import pytest

from octobot_volume_booster.checks.guard import ChangeWithheldError, Guard

from .checked import BTC, Checked, CheckedBinance
from .contract import contract


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
@pytest.mark.parametrize("path", ["order", "openOrders", "userDataStream"])
async def test_nothing_but_a_question_leaves_an_exchange_that_is_being_checked(
    checked: Checked, method: str, path: str
) -> None:
    with pytest.raises(ChangeWithheldError):
        await checked.exchange.client.fetch(f"https://api.binance.com/api/v3/{path}?symbol=BTCUSDT", method)
    assert not checked.changes()


async def test_no_order_of_others_leaves_either(checked: Checked) -> None:
    with pytest.raises(ChangeWithheldError):
        await checked.exchange.client.create_order(BTC, "limit", "buy", 0.001, 50_000.0)
    with checked.guard.letting_one_order_out():
        await checked.exchange.client.create_order(BTC, "limit", "buy", 0.001, 50_000.0)
        with pytest.raises(ChangeWithheldError):
            await checked.exchange.client.create_order(BTC, "limit", "buy", 0.001, 50_000.0)
    assert len(checked.fake.orders) == 1


async def test_only_the_order_of_the_check_is_cancelled(checked: Checked) -> None:
    with checked.guard.letting_one_order_out():
        ours = await checked.exchange.client.create_order(BTC, "limit", "buy", 0.001, 50_000.0)
    other = checked.fake.take(
        client_id="other", base="BTC", side="buy", kind="limit", price=Decimal(1), quantity=Decimal(1)
    )
    assert other is not None
    with checked.guard.letting_cancel(ours["id"]):
        for refused in (
            lambda: checked.exchange.client.cancel_order(other.order_id, BTC),
            lambda: checked.exchange.client.cancel_all_orders(BTC),
        ):
            with pytest.raises(ChangeWithheldError):
                await refused()
        await checked.exchange.client.cancel_order(ours["id"], BTC)
    with pytest.raises(ChangeWithheldError):
        await checked.exchange.client.cancel_order(ours["id"], BTC)
    assert [order.status for order in checked.fake.orders] == ["canceled", "open"]


async def test_of_an_exchange_that_nobody_knows_only_a_get_leaves() -> None:
    async with contract(CheckedBinance, "stand-in") as exchange:
        Guard(exchange.client, None)
        await exchange.client.fetch_time()
        with pytest.raises(ChangeWithheldError):
            await exchange.client.create_order(BTC, "limit", "buy", 0.001, 50_000.0)
        assert not exchange.fake.orders
