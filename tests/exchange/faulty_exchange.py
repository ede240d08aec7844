"""A whole local exchange in this process, with scripted faults, for clients that do not know that it is not real."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import time
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import ccxt.async_support as ccxt
from aiohttp import web

from octobot_volume_booster.offline_exchange.server.app.account_file import DEFAULT_ACCOUNT, open_accounts
from octobot_volume_booster.offline_exchange.server.engine.clock import ExchangeClock
from octobot_volume_booster.offline_exchange.server.engine.orders import Order, Trade
from octobot_volume_booster.offline_exchange.server.engine.venue import Venue
from octobot_volume_booster.offline_exchange.server.faults.injection import FaultInjection, fault_routes
from octobot_volume_booster.offline_exchange.server.market.price_path import MARKETS, MarketSpec, PricePath
from octobot_volume_booster.offline_exchange.server.rest.api import create_app
from octobot_volume_booster.offline_exchange.server.rest.exchange import Exchange
from octobot_volume_booster.offline_exchange.server.rest.futures import FuturesAccounts
from octobot_volume_booster.offline_exchange.server.rest.routes import Call, Execute, Reply
from tests.exchange.altered_answers import Alteration, altering

MARKET_ID = "BTCUSDT"
SYMBOL = "BTC/USDT"
CREDENTIALS = DEFAULT_ACCOUNT.credentials
IMPATIENT_MS = 300  # how long a client waits in the tests that make it wait
SLOW_S = 0.6
START_TIME = int(time.time()) - 60
THROTTLE_PAUSE_S = 0.05
_COSTS = {
    **dict.fromkeys(("POST /api/v3/order", "DELETE /api/v3/order", "DELETE /api/v3/openOrders"), 0.2),
    **dict.fromkeys(("GET /api/v3/klines", "GET /api/v3/aggTrades", "GET /api/v3/ticker/24hr"), 0.4),
    **dict.fromkeys(("GET /api/v3/account", "GET /api/v3/myTrades", "GET /api/v3/allOrders"), 4.0),
    "GET /api/v3/order": 0.8,
    "GET /api/v3/openOrders": 1.2,
    "GET /api/v3/depth": 1.0,
    "GET /api/v3/time": 0.2,
    "GET /api/v3/exchangeInfo": 4.0,
}
TOKEN = "token-of-the-tests"
LIVELY_MARKETS = tuple(dataclasses.replace(market, prints_per_second=20) for market in MARKETS)
"""So many prints that an order at the touch is soon filled: for tests of what is counted, not of what it costs."""
_URLS = ccxt.binance().urls["api"]


@dataclasses.dataclass(frozen=True)
class SentRequest:
    """One request as it came in: its method and path, and when, in seconds of the exchange's clock."""

    route: str
    at: float

    @property
    def cost(self) -> float:
        """What it costs in the throttle of ccxt's client for Binance, in pauses of 50 ms."""
        return _COSTS[self.route]


@dataclasses.dataclass
class FaultyExchange:
    """The exchange as a client meets it, and as it really is."""

    exchange: Exchange
    faults: FaultInjection
    port: int
    futures: FuturesAccounts
    requests: list[SentRequest] = dataclasses.field(default_factory=list)
    """All that came in so far, oldest first, whatever became of it."""
    alterations: list[Alteration] = dataclasses.field(default_factory=list)
    """What is told otherwise than it is, in the order in which it is applied."""

    def script(self, kind: str, **values: Any) -> None:
        """From now on this one fault."""
        self.faults.set_script([{"kind": kind, **values}])

    def struck(self) -> int:
        """How many requests the fault has struck."""
        return sum(fault["struck"] for fault in self.faults.plan.to_json()["faults"])

    def orders(self, client_order_id: str | None = None) -> list[Order]:
        """All orders of the account that the exchange accepted, with this client order id if one is given."""
        orders = self.exchange.venue.engine.accounts[CREDENTIALS.account].orders.values()
        return [order for order in orders if client_order_id in (None, order.request.client_order_id)]

    def tape(self, market_id: str = MARKET_ID) -> Sequence[Trade]:
        """All trades of the account on a market, oldest first."""
        return self.exchange.trades.of_market(CREDENTIALS.account, market_id)

    async def until_accepted(self, client_order_id: str) -> None:
        """Waits until the exchange has an order with this client order id."""
        for _ in range(3_000):
            if self.orders(client_order_id):
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"the exchange has accepted no order {client_order_id}")

    def far_price(self) -> Decimal:
        """A price for a buy order that will rest: a tenth below the market."""
        return (self.market_price() * Decimal("0.9")).quantize(Decimal("0.01"))

    def market_price(self) -> Decimal:
        return self.exchange.venue.tape.last_print(MARKET_ID, self.exchange.clock.now_ms()).price_quote


@functools.cache
def _path(markets: tuple[MarketSpec, ...]) -> PricePath:
    """Drawing the hours before the start takes a second, so it is done once."""
    return PricePath(7, START_TIME, markets)


@contextlib.asynccontextmanager
async def faulty_exchange(markets: Sequence[MarketSpec] | None = None) -> AsyncIterator[FaultyExchange]:
    """One account, CREDENTIALS, with play money; no faults yet. It runs on this computer's clock, as its clients do."""
    venue = Venue(_path(tuple(MARKETS if markets is None else markets)))
    open_accounts(venue.engine, [DEFAULT_ACCOUNT])
    exchange = Exchange(venue, ExchangeClock(time.time), [CREDENTIALS])
    faults = FaultInjection(exchange)
    futures = FuturesAccounts(exchange)
    requests: list[SentRequest] = []
    alterations: list[Alteration] = []

    async def noted(call: Call, execute: Execute) -> Reply:
        requests.append(SentRequest(f"{call.method} {call.path}", call.now_ms / 1_000))
        return await faults(call, execute)

    app = create_app(exchange, noted, fault_routes(faults), futures, token=TOKEN)
    app.middlewares.append(altering(alterations))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
    await runner.setup()  # not aiohttp's TestServer: that ends what it is doing when a client hangs up
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield FaultyExchange(exchange, faults, runner.addresses[0][1], futures, requests, alterations)
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def ccxt_client(faulty: FaultyExchange) -> AsyncIterator[ccxt.binance]:
    """The real client for Binance, with its markets loaded."""
    client = ccxt.binance(
        {
            "urls": {"api": {key: f"http://127.0.0.1:{faulty.port}{urlsplit(url).path}" for key, url in _URLS.items()}},
            "apiKey": CREDENTIALS.api_key,
            "secret": CREDENTIALS.api_secret,
            "rateLimit": 1,
            "timeout_on_exit": 0,  # closing would otherwise sleep
            "options": {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False},
        }
    )
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()
