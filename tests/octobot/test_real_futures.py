"""Futures with OctoBot's real trader, on the local exchange's USD-M routes: the ledger is the exchange's own tape."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import AsyncIterator
from decimal import Decimal

import octobot
import pytest

from octobot_volume_booster.core.decision.control import EMERGENCY
from octobot_volume_booster.journal.journal import HALT
from octobot_volume_booster.offline_exchange.server.engine.orders import Order, Trade

from ..exchange.faulty_exchange import CREDENTIALS, MARKET_ID, FaultyExchange, faulty_exchange
from ..exchange.real_octobot import real_exchange_manager
from .conftest import new_mode
from .futures_bot import LINEAR
from .sandbox_bot import LIMIT, POLL_S, SETTINGS, SandboxBot

FILLS_FUTURES = octobot.VERSION == "2.0.15"
FUTURES = SETTINGS | {"leverage": 5, "max_exposure_percent": 50, "max_position_percent": 20, "volume_target": 6_000}


@pytest.fixture(autouse=True)
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def exchange() -> AsyncIterator[FaultyExchange]:
    async with faulty_exchange() as faulty:
        yield faulty


def own_fee(trade: Trade, name: str) -> Decimal:
    return (trade.buyer if trade.buyer.account == name else trade.seller).fee


@pytest.mark.skipif(not FILLS_FUTURES, reason="OctoBot raises NotImplementedError at every real fill here")
@pytest.mark.long
@pytest.mark.parametrize("kind", [{}, LIMIT], ids=["market", "limit"])
async def test_a_campaign_ends_flat_with_the_exchanges_own_numbers(
    exchange: FaultyExchange, kind: dict[str, object]
) -> None:
    keys = CREDENTIALS.api_key, CREDENTIALS.api_secret
    async with real_exchange_manager(exchange.port, *keys, symbols=(LINEAR,), poll_s=POLL_S, is_future=True) as manager:
        mode = await new_mode(manager, FUTURES | kind, LINEAR)
        manager.trading_modes.append(mode)
        bot = SandboxBot(exchange, manager, mode)
        await bot.until(lambda: bot.producer.session.campaign is not None)
        account, largest = CREDENTIALS.account, Decimal(0)

        def is_flat_and_done() -> bool:
            nonlocal largest
            largest = max(largest, abs(exchange.futures.position(account, MARKET_ID).size_base))
            return bot.is_done and not exchange.futures.position(account, MARKET_ID).size_base

        try:
            await bot.until(is_flat_and_done)
            progress, name = bot.progress, exchange.futures.engine_account(account)
            tape = exchange.futures.trades(account, MARKET_ID)
            assert progress.filled_quote == sum(trade.notional_quote for trade in tape)
            assert progress.fees_quote == sum(own_fee(trade, name) for trade in tape)
            assert progress.fills == len(tape)
            assert 0 <= progress.filled_quote - 6_000 < 100
            assert largest * exchange.market_price() < 5_000
            assert exchange.futures.leverage_of(account, MARKET_ID) == 5
            assert any(order.order_id in exchange.futures.reduce_only for order in exchange.futures.orders(account))
        finally:
            manager.trading_modes.remove(mode)
            await mode.stop()


@pytest.mark.skipif(not FILLS_FUTURES, reason="OctoBot raises NotImplementedError at every real fill here")
@pytest.mark.long
async def test_an_emergency_stop_learns_what_became_of_its_orders_from_one_list(exchange: FaultyExchange) -> None:
    """Here a request that cancels all tells of no order."""
    keys, resting = (CREDENTIALS.api_key, CREDENTIALS.api_secret), {"order_type": "limit", "price_offset_percent": 1}
    amounts = dict.fromkeys(("min_buy_amount", "min_sell_amount"), 25) | dict.fromkeys(
        ("max_buy_amount", "max_sell_amount"), 50
    )
    async with real_exchange_manager(exchange.port, *keys, symbols=(LINEAR,), poll_s=None, is_future=True) as manager:
        mode = await new_mode(manager, FUTURES | resting | amounts | {"max_open_orders": 10}, LINEAR)
        manager.trading_modes.append(mode)
        bot = SandboxBot(exchange, manager, mode)
        await bot.until(lambda: bot.producer.session.campaign is not None)

        def open_orders() -> list[Order]:
            return [order for order in exchange.futures.orders(CREDENTIALS.account) if order.is_open]

        try:
            await bot.until(lambda: len(open_orders()) == 10)
            await asyncio.sleep(0.5)
            before = len(exchange.requests)
            bot.campaign.command(EMERGENCY, bot.producer.session.now())
            await bot.until(lambda: (bot.campaign.reason_of(bot.producer.session.source) or ("",))[0] == HALT)
            assert open_orders() == []
            assert bot.progress.open_orders == 0
            routes = [asked.route for asked in exchange.requests[before:]]
            assert routes.count("DELETE /fapi/v1/allOpenOrders") == 1
            assert "GET /fapi/v1/allOrders" in routes
            assert "GET /fapi/v1/order" not in routes
        finally:
            manager.trading_modes.remove(mode)
            await mode.stop()


@pytest.mark.skipif(FILLS_FUTURES, reason="this OctoBot fills them")
async def test_where_octobot_can_not_fill_them_nothing_is_sent(exchange: FaultyExchange) -> None:
    keys = CREDENTIALS.api_key, CREDENTIALS.api_secret
    async with real_exchange_manager(exchange.port, *keys, symbols=(LINEAR,), poll_s=POLL_S, is_future=True) as manager:
        mode = await new_mode(manager, FUTURES, LINEAR)
        manager.trading_modes.append(mode)
        bot = SandboxBot(exchange, manager, mode)
        await bot.until(lambda: bot.producer.session.campaign is not None)

        def told() -> tuple[str, str] | None:
            return bot.campaign.reason_of(bot.producer.session.source)

        try:
            await bot.until(lambda: told() is not None)
            kind, reason = told() or ("", "")
            assert kind == HALT
            assert "use OctoBot 2.0.15" in reason
            assert not list(exchange.futures.orders(CREDENTIALS.account))
        finally:
            manager.trading_modes.remove(mode)
            await mode.stop()
