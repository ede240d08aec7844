"""An exchange on loopback in this process, with a clock that only the test moves, and the real ccxt client for it."""

from __future__ import annotations

import hashlib
import hmac
import pathlib
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode, urlsplit

import ccxt.async_support as ccxt
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from octobot_volume_booster.offline_exchange.server.app.account_file import AccountPlan, open_accounts
from octobot_volume_booster.offline_exchange.server.engine.accounts import FeeSchedule
from octobot_volume_booster.offline_exchange.server.engine.clock import ExchangeClock
from octobot_volume_booster.offline_exchange.server.engine.venue import Venue
from octobot_volume_booster.offline_exchange.server.market.price_path import PricePath
from octobot_volume_booster.offline_exchange.server.rest.api import create_app
from octobot_volume_booster.offline_exchange.server.rest.control import control_routes
from octobot_volume_booster.offline_exchange.server.rest.exchange import Credentials, Exchange

START_TIME = 1_700_000_000
NOW_MS = START_TIME * 1_000 + 3_723_456
PATH = PricePath(7, START_TIME)
PLANS = tuple(
    AccountPlan(Credentials(name, f"{name}-key", f"{name}-secret"), FeeSchedule(), balances)
    for name, balances in (
        ("alice", {"BTC": Decimal(2), "ETH": Decimal(20), "USDT": Decimal(100_000)}),
        ("bob", {"BTC": Decimal(1), "USDT": Decimal(50_000)}),
    )
)
SECRETS = {plan.credentials.api_key: plan.credentials.api_secret for plan in PLANS}
TOKEN = "token-of-the-tests"
BINANCE_URLS = ccxt.binance().urls["api"]
FOLDER = pathlib.Path(__file__).parent
OF_EACH_LINE = (
    "ccxt",
    "octobot",
    "offline_exchange_",
    "fault_contract",
    "futures_desk",
    "other_markets",
    "data_command",
)
"""In the names of the modules that try OctoBot, or the ccxt that it brings."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The engine, the market and the server know no OctoBot: they are tried on one line."""
    for item in items:
        if FOLDER in item.path.parents and not any(name in item.path.stem for name in OF_EACH_LINE):
            item.add_marker("once")


class Wall:
    """A wall clock that only the test moves."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> float:
        return self.now_ms / 1_000


class Signer:
    """Sends signed requests by hand: for what the real client would never send."""

    def __init__(self, server: TestClient, wall: Wall) -> None:
        self._server = server
        self._wall = wall
        self.headers: dict[str, str] = {}

    async def __call__(
        self, method: str, route: str, key: str = "alice-key", secret: str | None = None, **query: Any
    ) -> tuple[int, Any]:
        """Status and body. `route` is that behind /api/v3/, or a whole path."""
        values = {"timestamp": self._wall.now_ms, **query}
        text = urlencode({name: value for name, value in values.items() if value is not None})
        signed = hmac.new((secret or SECRETS.get(key, "")).encode(), text.encode(), hashlib.sha256).hexdigest()
        path = route if route.startswith("/") else f"/api/v3/{route}"
        url = f"{path}?{text}&signature={signed}"
        async with self._server.request(method, url, headers={"X-MBX-APIKEY": key}) as response:
            self.headers = dict(response.headers)
            return response.status, await response.json()


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def exchange(wall: Wall) -> Exchange:
    venue = Venue(PATH)
    open_accounts(venue.engine, PLANS)
    return Exchange(venue, ExchangeClock(wall), [plan.credentials for plan in PLANS])


@pytest_asyncio.fixture
async def server(exchange: Exchange) -> AsyncIterator[TestClient]:
    app = create_app(exchange, control=control_routes(exchange), token=TOKEN)
    async with TestClient(TestServer(app), headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


@pytest.fixture
def signed(server: TestClient, wall: Wall) -> Signer:
    return Signer(server, wall)


async def _client(server: TestClient, wall: Wall, api_key: str) -> AsyncIterator[ccxt.binance]:
    urls = {key: str(server.make_url(urlsplit(url).path)) for key, url in BINANCE_URLS.items()}
    client = ccxt.binance(
        {
            "urls": {"api": urls},
            "apiKey": api_key,
            "secret": SECRETS[api_key],
            "rateLimit": 1,
            "timeout_on_exit": 0,  # closing would otherwise sleep
            "options": {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False},
        }
    )
    client.nonce = lambda: wall.now_ms
    try:
        yield client
    finally:
        await client.close()


@pytest_asyncio.fixture
async def alice(server: TestClient, wall: Wall) -> AsyncIterator[ccxt.binance]:
    async for client in _client(server, wall, "alice-key"):
        yield client


@pytest_asyncio.fixture
async def bob(server: TestClient, wall: Wall) -> AsyncIterator[ccxt.binance]:
    async for client in _client(server, wall, "bob-key"):
        yield client
