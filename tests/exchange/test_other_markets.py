"""Markets as there are on real exchanges: quotes other than USDT, prices of many decimals, and prices of millions."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import ccxt.async_support as ccxt
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from conftest import BINANCE_URLS, TOKEN

from octobot_volume_booster.offline_exchange.server.app.account_file import DEFAULT_ACCOUNT
from octobot_volume_booster.offline_exchange.server.app.assembly import assemble
from octobot_volume_booster.offline_exchange.server.engine.accounts import FeeAsset, FeeSchedule
from octobot_volume_booster.offline_exchange.server.engine.matching import Engine
from octobot_volume_booster.offline_exchange.server.engine.orders import Kind, Request, Side
from octobot_volume_booster.offline_exchange.server.market.markets import MarketRules, usual_limits
from octobot_volume_booster.offline_exchange.server.market.price_path import MarketSpec, PricePath
from octobot_volume_booster.offline_exchange.server.rest.api import create_app
from octobot_volume_booster.offline_exchange.server.rest.control import control_routes
from octobot_volume_booster.offline_exchange.server.rest.futures import FuturesAccounts
from octobot_volume_booster.offline_exchange.server.rest.rate_limits import RateLimits
from octobot_volume_booster.offline_exchange.server.rest.routes import money

START_TIME = int(time.time()) - 60
CREDENTIALS = DEFAULT_ACCOUNT.credentials


def market(pair: str, tick: str, step: str, minimum: str, price: str, median_quote: float) -> MarketSpec:
    rules = MarketRules(*pair.split("/"), Decimal(tick), Decimal(step), Decimal(minimum))
    return MarketSpec(
        *(rules.base, rules.quote, rules.tick_quote, rules.step_base, rules.minimum_notional_quote),
        **usual_limits(rules, Decimal(price), Decimal(price)),
        start_price_quote=Decimal(price),
        level_median_quote=median_quote * 20,
        print_median_quote=median_quote,
    )


MARKETS = {
    one.base + "/" + one.quote: one
    for one in (
        market("ETH/BTC", "0.00001", "0.0001", "0.0001", "0.0345", 0.005),
        market("SHIB/USDT", "0.00000001", "1", "1", "0.00001234", 300),
        market("PEPE/TRY", "0.0000001", "1", "10", "0.0004", 9_000),
        market("BABYDOGE/USDT", "0.0000000000001", "1000", "1", "0.0000000012345", 300),
        market("DUST/EUR", "1", "0.000000001", "1", "250000", 300),
        market("BTC/IDR", "1", "0.00000001", "10000", "1000000000", 300),
    )
}


class Scenario:
    def source(self) -> PricePath:
        return PricePath(7, START_TIME, tuple(MARKETS.values()))


@pytest.fixture(scope="module")
def source() -> PricePath:
    return Scenario().source()


@pytest_asyncio.fixture
async def server(source: PricePath, monkeypatch) -> AsyncIterator[TestClient]:
    monkeypatch.setattr(Scenario, "source", lambda self: source)
    exchange = assemble(Scenario(), None, time.time, RateLimits()).exchange
    app = create_app(exchange, control=control_routes(exchange), futures=FuturesAccounts(exchange), token=TOKEN)
    async with TestClient(TestServer(app), headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


@pytest_asyncio.fixture
async def client(server: TestClient) -> AsyncIterator[ccxt.binance]:
    made = ccxt.binance(
        {
            "urls": {"api": {key: str(server.make_url(urlsplit(url).path)) for key, url in BINANCE_URLS.items()}},
            "apiKey": CREDENTIALS.api_key,
            "secret": CREDENTIALS.api_secret,
            "rateLimit": 1,
            "timeout_on_exit": 0,
            "options": {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False},
        }
    )
    await made.load_markets()
    try:
        yield made
    finally:
        await made.close()


async def tape(server: TestClient) -> list[dict[str, Any]]:
    async with server.get("/control/tape") as answer:
        return (await answer.json())["trades"]


@pytest.mark.parametrize("pair", MARKETS)
async def test_the_real_client_trades_on_it_and_sees_the_exact_amounts(server, client, pair) -> None:
    spec = MARKETS[pair]
    steps = client.market(pair)["precision"]
    assert (Decimal(str(steps["price"])), Decimal(str(steps["amount"]))) == (spec.tick_quote, spec.step_base)
    bid = Decimal((await client.publicGetTickerBookTicker({"symbol": spec.id}))["bidPrice"])
    assert bid > 0 and bid % spec.tick_quote == 0
    quantity = (spec.minimum_notional_quote * 3 / bid / spec.step_base).to_integral_value() * spec.step_base
    for side, kind, price in (("buy", "market", None), ("sell", "market", None), ("buy", "limit", bid)):
        limit = {} if price is None else {"timeInForce": "GTC", "price": f"{price:f}"}
        await client.privatePostOrder(
            {"symbol": spec.id, "side": side.upper(), "type": kind.upper(), "quantity": f"{quantity:f}", **limit}
        )
    rows = await client.privateGetMyTrades({"symbol": spec.id})
    kept = {trade["id"]: trade for trade in await tape(server)}
    assert len(rows) == len(kept) >= 2
    for row in rows:
        trade = kept[int(row["id"])]
        party = trade["buyer" if row["isBuyer"] else "seller"]
        told = row["price"], row["qty"], row["quoteQty"], row["commission"]
        exact = trade["price_quote"], trade["quantity_base"], trade["notional_quote"], party["fee"]
        assert list(map(Decimal, told)) == list(map(Decimal, exact))
        assert Decimal(row["price"]) % spec.tick_quote == 0 and Decimal(row["qty"]) % spec.step_base == 0
    ticker = await client.publicGetTicker24hr({"symbol": spec.id})
    assert Decimal(ticker["lowPrice"]) <= Decimal(ticker["weightedAvgPrice"]) <= Decimal(ticker["highPrice"])


async def test_more_decimals_than_the_market_has_are_too_many(client) -> None:
    for symbol, price in (("BABYDOGEUSDT", "0.00000000123451"), ("ETHBTC", "0.034500001")):
        order = {"symbol": symbol, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1000"}
        with pytest.raises(ccxt.BadRequest, match="-1111"):
            await client.privatePostOrder({**order, "price": price})


async def test_margin_profits_and_fees_of_futures_are_in_the_quote_of_their_market(server, client) -> None:
    before = {row["asset"]: Decimal(row["balance"]) for row in await client.fapiPrivateV2GetBalance()}
    assert set(before) == {"BTC", "USDT", "TRY", "EUR", "IDR"}
    order = {"symbol": "ETHBTC", "side": "BUY", "type": "MARKET", "quantity": "1"}
    filled = await client.fapiPrivatePostOrder(order)
    after = {row["asset"]: Decimal(row["balance"]) for row in await client.fapiPrivateV2GetBalance()}
    assert {asset for asset in after if after[asset] != before[asset]} == {"BTC"}
    fee = Decimal(filled["cumQuote"]) * Decimal("0.0005")
    assert abs(before["BTC"] - after["BTC"] - fee) < Decimal("1e-7")
    (position,) = await client.fapiPrivateV2GetPositionRisk({"symbol": "ETHBTC"})
    assert position["marginAsset"] == "BTC" and Decimal("0.03") < Decimal(position["entryPrice"]) < Decimal("0.04")
    assert (await client.fapiPrivateV2GetPositionRisk({"symbol": "BABYDOGEUSDT"}))[0]["markPrice"] != "0.00000000"
    (fine,) = [one for one in (await client.fapiPublicGetExchangeInfo())["symbols"] if one["symbol"] == "BABYDOGEUSDT"]
    assert fine["pricePrecision"] == "13" and fine["quantityPrecision"] == "0"


def test_nothing_is_locked_or_lost_where_steps_are_finer_than_balances() -> None:
    rules = MarketRules("DUST", "EUR", Decimal("0.01"), Decimal("1e-12"), Decimal("0.0000001"))
    engine = Engine([rules])
    for name in ("ann", "bob"):
        engine.open_account(name, FeeSchedule(Decimal("0.001"), Decimal("0.001"), FeeAsset.QUOTE))
        engine.pay_in(name, "DUST", Decimal("0.00000001"))
        engine.pay_in(name, "EUR", Decimal(1))
    engine.submit("ann", Request(rules.id, Side.SELL, Kind.LIMIT, Decimal("0.000000010000"), Decimal(100)), 1)
    engine.submit("bob", Request(rules.id, Side.BUY, Kind.MARKET, Decimal("0.000000003333")), 1)
    ann, bob = (engine.accounts[name].balances()["DUST"] for name in ("ann", "bob"))
    assert (sum(ann), sum(bob)) == (Decimal("0.000000006667"), Decimal("0.000000013333"))
    assert engine.surplus("DUST") == engine.surplus("EUR") == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [("1", "1.00000000"), ("0.00000123", "0.00000123"), ("1.2345E-9", "0.0000000012345"), ("0", "0.00000000"),
     ("-1E-12", "-0.000000000001"), ("1E+3", "1000.00000000"), ("0.034512345678901234567890", "0.03451235"),
     ("1.23456789012345678901E-9", "0.0000000012346"), ("60000.123456789012345678901", "60000.12345679")],
)  # fmt: skip
def test_money_has_eight_decimals_or_as_many_as_a_fine_market_has(value, text) -> None:
    assert money(Decimal(value)) == text
