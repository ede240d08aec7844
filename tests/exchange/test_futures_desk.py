"""The local exchange's futures: properties of positions, margin that limits orders, one-way mode only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import ccxt.async_support as ccxt
import pytest
from faulty_exchange import CREDENTIALS, MARKET_ID, FaultyExchange, ccxt_client, faulty_exchange
from hypothesis import given, settings
from hypothesis import strategies as st

from octobot_volume_booster.offline_exchange.server.engine.orders import Side
from octobot_volume_booster.offline_exchange.server.rest.futures import INITIAL_MARGIN, Position

SYMBOL = "BTC/USDT:USDT"
TRADES = st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 50), st.integers(900, 1_100)), max_size=20)


@settings(deadline=None, derandomize=True)
@given(TRADES, st.integers(900, 1_100))
def test_what_is_realised_and_what_is_not_are_what_was_paid_and_what_is_held(
    trades: list[tuple[Side, int, int]], last: int
) -> None:
    position, cash, held = Position(), Decimal(0), Decimal(0)
    for side, quantity, price in trades:
        signed = Decimal(quantity if side is Side.BUY else -quantity)
        position.trade(side, Decimal(quantity), Decimal(price), Decimal(0))
        cash, held = cash - signed * price, held + signed
    assert position.size_base == held
    gained = position.realised_quote + position.unrealised(Decimal(last))
    assert abs(gained - cash - held * last) < Decimal("1e-15")


@pytest.fixture
async def exchange() -> AsyncIterator[FaultyExchange]:
    async with faulty_exchange() as faulty:
        yield faulty


@pytest.fixture
async def client(exchange: FaultyExchange) -> AsyncIterator[ccxt.binance]:
    async with ccxt_client(exchange) as spot:
        spot.options |= {"defaultType": "future", "fetchMarkets": {"types": ["linear"]}}
        await spot.load_markets(reload=True)
        yield spot


async def test_the_real_client_opens_and_closes_a_position(exchange: FaultyExchange, client: ccxt.binance) -> None:
    await client.set_leverage(10, SYMBOL)
    opened = await client.create_order(SYMBOL, "market", "buy", 0.5)
    assert opened["filled"] == 0.5
    (position,) = await client.fetch_positions([SYMBOL])
    assert (position["side"], position["contracts"]) == ("long", 0.5)
    closed = await client.create_order(SYMBOL, "market", "sell", 0.5, None, {"reduceOnly": True})
    trades = await client.fetch_my_trades(SYMBOL)
    assert {trade["order"] for trade in trades} == {opened["id"], closed["id"]}
    balance = await client.fetch_balance()
    paid = sum(Decimal(str(trade["fee"]["cost"])) for trade in trades)
    cash = sum(Decimal(str(trade["cost"])) * (1 if trade["side"] == "sell" else -1) for trade in trades)
    assert abs(Decimal(str(balance["USDT"]["total"])) - (INITIAL_MARGIN + cash - paid)) < Decimal("1e-6")
    assert exchange.futures.position(CREDENTIALS.account, MARKET_ID).size_base == 0


async def test_an_order_that_would_not_only_reduce_is_refused(client: ccxt.binance) -> None:
    with pytest.raises(ccxt.ExchangeError, match="ReduceOnly Order is rejected"):
        await client.create_order(SYMBOL, "market", "sell", 0.1, None, {"reduceOnly": True})


async def test_an_order_that_the_margin_does_not_pay_for_is_refused(client: ccxt.binance) -> None:
    await client.set_leverage(1, SYMBOL)
    # InsufficientFunds where the address is Binance's: ccxt chooses the kind of error by that
    with pytest.raises(ccxt.ExchangeError, match="Margin is insufficient"):
        await client.create_order(SYMBOL, "market", "buy", 1)


async def test_the_hedge_mode_is_not_to_be_had(client: ccxt.binance) -> None:
    assert (await client.fetch_position_mode(SYMBOL))["hedged"] is False
    with pytest.raises(ccxt.ExchangeError, match="one-way mode only"):
        await client.set_position_mode(True, SYMBOL)


async def test_cancelling_all_orders_of_a_market_ends_them_and_tells_of_none(
    exchange: FaultyExchange, client: ccxt.binance
) -> None:
    price = float(exchange.far_price())
    orders = [await client.create_order(SYMBOL, "limit", "buy", 0.01, price) for _ in range(3)]
    (answer,) = await client.cancel_all_orders(SYMBOL)
    assert answer["id"] is None
    assert await client.fetch_open_orders(SYMBOL) == []
    listed = {order["id"]: order["status"] for order in await client.fetch_orders(SYMBOL)}
    assert listed == {order["id"]: "canceled" for order in orders}


async def test_parameters_that_only_clients_read_are_no_fault_and_others_are(client: ccxt.binance) -> None:
    positions = await client.fetch_account_positions([SYMBOL], {"useV2": True, "subType": "linear"})
    assert [position["symbol"] for position in positions] == [SYMBOL]
    assert "USDT" in await client.fetch_balance({"useV2": True, "subType": "linear"})
    with pytest.raises(ccxt.ExchangeError, match="Not all sent parameters were read"):
        await client.fetch_balance({"useV9": True})


async def test_there_are_no_stop_orders_and_newer_clients_may_ask_for_them(client: ccxt.binance) -> None:
    assert await client.fapiPrivateGetOpenAlgoOrders({"symbol": MARKET_ID}) == []
