"""Attacks on the lock of real funds: the client of a sandbox is led to somebody else's exchange, and sends nothing."""

from __future__ import annotations

import asyncio
import pathlib
import re
import typing
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import aiohttp
import ccxt.async_support as ccxt
import octobot
import pytest

from octobot_volume_booster.core.decision.guards import REAL_TRADING_VARIABLE

from ..exchange.faulty_exchange import FaultyExchange, faulty_exchange
from .attacked_bot import ATTACKED_FOR_S, attacked_bot, live_at, moved
from .futures_bot import LINEAR
from .sandbox_bot import own_orders
from .stranger import Stranger, stranger

pytestmark = pytest.mark.long

FILLS_FUTURES = octobot.VERSION == "2.0.15"
REDIRECTS = (301, 302, 303, 307, 308)


@pytest.fixture(autouse=True)
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(REAL_TRADING_VARIABLE, raising=False)
    return tmp_path


@pytest.fixture
async def exchange() -> AsyncIterator[FaultyExchange]:
    async with faulty_exchange() as faulty:
        yield faulty


@pytest.fixture
async def other(exchange: FaultyExchange) -> AsyncIterator[Stranger]:
    async with stranger(exchange) as met:
        yield met


@dataclass
class Scene:
    """What an attack has to work with."""

    client: typing.Any
    exchange: FaultyExchange
    other: Stranger
    monkeypatch: pytest.MonkeyPatch

    @property
    def address(self) -> str:
        """Where the client's own exchange is."""
        return f"http://127.0.0.1:{self.exchange.port}"


Lead = Callable[[Scene], None]

# --- the client is led elsewhere -------------------------------------------------------------------------------------

PROXIES = sorted(
    {name for name in dir(ccxt.Exchange) if "proxy" in name.lower() and getattr(ccxt.Exchange, name) is None}
    - {"socks_proxy_sessions"}
)


def by_proxy(name: str) -> Lead:
    def lead(scene: Scene) -> None:
        address = f"{scene.other.address}/" if "url" in name.lower() or name == "proxy" else scene.other.address
        setattr(scene.client, name, (lambda *_: address) if "callback" in name.lower() else address)

    return lead


def by_environment(variable: str, host: str = "127.0.0.2") -> Lead:
    """A proxy of the environment that is not for 127.0.0.1, and an exchange on another number of loopback."""

    def lead(scene: Scene) -> None:
        scene.monkeypatch.setenv(variable, scene.other.address)
        scene.monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        scene.client.urls = moved(scene.client.urls, "127.0.0.1", host)
        scene.client.aiohttp_trust_env = True
        renew_session(scene.client)

    return lead


def renew_session(client: typing.Any, session: aiohttp.ClientSession | None = None) -> None:
    """With the client's own way of making one, unless one is given."""
    asyncio.get_running_loop().create_task(client.session.close())
    client.session, client.tcp_connector = session, None
    client.open()


def by_session_that_trusts_the_environment(scene: Scene) -> None:
    """The client itself says that it does not."""
    scene.monkeypatch.setenv("HTTP_PROXY", scene.other.address)
    scene.monkeypatch.delenv("NO_PROXY", raising=False)
    scene.monkeypatch.delenv("no_proxy", raising=False)
    scene.client.aiohttp_trust_env = False
    renew_session(scene.client, aiohttp.ClientSession(trust_env=True))


def by_session_with_a_proxy(scene: Scene) -> None:
    renew_session(scene.client, aiohttp.ClientSession(proxy=scene.other.address))


def by_connector(scene: Scene) -> None:
    """Every host is somebody else's to it."""

    class Leading(aiohttp.TCPConnector):
        async def _resolve_host(self, host: str, port: int, traces: typing.Any = None) -> typing.Any:
            return await super()._resolve_host("127.0.0.1", scene.other.port, traces)

    renew_session(scene.client, aiohttp.ClientSession(connector=Leading()))


def by_session_of_its_own(scene: Scene) -> None:
    class Leading(aiohttp.ClientSession):
        async def _request(self, method: str, str_or_url: typing.Any, **options: typing.Any) -> typing.Any:
            url = aiohttp.client.URL(str_or_url).with_port(scene.other.port)
            return await super()._request(method, url, **options)

    renew_session(scene.client, Leading())


def by_middleware(scene: Scene) -> None:
    async def lead(request: typing.Any, handler: typing.Any) -> typing.Any:
        request.url = request.url.with_port(scene.other.port)
        return await handler(request)

    renew_session(scene.client, aiohttp.ClientSession(middlewares=(lead,)))


def by_class(scene: Scene) -> None:
    """For every client of ccxt's, and not one of this client's own attributes."""
    scene.monkeypatch.setattr(ccxt.Exchange, "httpsProxyCallback", lambda *_: scene.other.address)


def by_signing(scene: Scene) -> None:
    """The client's URLs are as they were; what it asks with a signature goes elsewhere."""
    sign = scene.client.sign

    def signed(path: str, api: str = "public", *arguments: typing.Any, **named: typing.Any) -> typing.Any:
        request = sign(path, api, *arguments, **named)
        return {**request, "url": request["url"].replace(scene.address, scene.other.name)}

    scene.client.sign = signed


def by_private_url(address: str) -> Lead:
    """Only one of its URLs leads elsewhere: that of signed requests."""

    def lead(scene: Scene) -> None:
        where = address.format(here=scene.exchange.port, port=scene.other.port)
        scene.client.urls["api"]["private"] = moved(scene.client.urls["api"]["private"], scene.address, where)

    return lead


def by_sandbox_mode(scene: Scene) -> None:
    """What OctoBot does with `sandboxed`: a test address that is elsewhere may be real money."""
    scene.client.urls["test"] = moved(scene.client.urls["api"], scene.address, scene.other.name)
    scene.client.set_sandbox_mode(True)


def by_demo_trading(scene: Scene) -> None:
    scene.client.urls["demo"] = moved(scene.client.urls["api"], scene.address, scene.other.name)
    scene.client.enable_demo_trading(True)


LEADS: dict[str, Lead] = {
    **{name: by_proxy(name) for name in ("aiohttp_proxy", "proxyUrlCallback", "http_proxy_callback")},
    "HTTP_PROXY": by_environment("HTTP_PROXY"),
    "http_proxy of the environment": by_environment("http_proxy"),
    "ALL_PROXY": by_environment("ALL_PROXY"),
    "a session that trusts the environment": by_session_that_trusts_the_environment,
    "a session's own proxy": by_session_with_a_proxy,
    "a session's connector": by_connector,
    "a session of its own": by_session_of_its_own,
    "a session's middleware": by_middleware,
    "a callback of every client": by_class,
    "a name": by_private_url("http://localhost:{port}"),
    "a user that looks like a host": by_private_url("http://127.0.0.1:{here}@localhost:{port}"),
    "a test address": by_sandbox_mode,
    "a demo address": by_demo_trading,
}
WHILE_IT_TRADES = LEADS | {"its own signing": by_signing}


@pytest.mark.parametrize("lead", LEADS.values(), ids=LEADS)
async def test_a_client_that_is_led_elsewhere_before_the_start_sends_nothing(
    exchange: FaultyExchange, other: Stranger, monkeypatch: pytest.MonkeyPatch, lead: Lead
) -> None:
    async with attacked_bot(exchange, lambda client: lead(Scene(client, exchange, other, monkeypatch))) as bot:
        await asyncio.sleep(ATTACKED_FOR_S)
        assert other.changes == []
        assert own_orders(exchange) == []
        await bot.until(lambda: not bot.state.startswith("Running"))


@pytest.mark.parametrize("lead", WHILE_IT_TRADES.values(), ids=WHILE_IT_TRADES)
async def test_a_client_that_is_led_elsewhere_while_it_trades_sends_nothing_there(
    exchange: FaultyExchange, other: Stranger, monkeypatch: pytest.MonkeyPatch, lead: Lead
) -> None:
    """Not even with both consents: the campaign is one of play money."""
    monkeypatch.setenv(REAL_TRADING_VARIABLE, "yes")
    async with attacked_bot(exchange, i_accept_real_trading=True) as bot:
        await bot.until(lambda: bot.progress.fills >= 1)
        lead(Scene(bot.client, exchange, other, monkeypatch))
        await asyncio.sleep(ATTACKED_FOR_S)
        await bot.until(lambda: not bot.state.startswith("Running"))
        assert other.changes == []


async def test_whatever_of_the_client_names_a_proxy_makes_it_uncertain(
    exchange: FaultyExchange, other: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every attribute that this version of ccxt has for one; it continues as soon as that is gone."""
    async with attacked_bot(exchange) as bot:
        for name in PROXIES:
            before = bot.progress.fills
            await bot.until(lambda: bot.progress.fills > before)  # noqa: B023 - awaited here
            kept = dict(vars(bot.client))
            by_proxy(name)(Scene(bot.client, exchange, other, monkeypatch))
            await bot.until(lambda: bot.is_halted)
            await asyncio.sleep(0.2)
            assert other.changes == [], name
            vars(bot.client).clear()
            vars(bot.client).update(kept)


# --- the exchange leads elsewhere ------------------------------------------------------------------------------------


def at(front: Stranger) -> Callable[[typing.Any], None]:
    """The local exchange behind another server of this machine, which may lead on."""
    return lambda client: setattr(client, "urls", _at(client.urls, front))


def _at(urls: typing.Any, front: Stranger) -> typing.Any:
    if isinstance(urls, dict):
        return {key: _at(value, front) for key, value in urls.items()}
    return re.sub(r"http://127\.0\.0\.1:\d+", front.address, urls) if isinstance(urls, str) else urls


@pytest.fixture
async def front(exchange: FaultyExchange) -> AsyncIterator[Stranger]:
    async with stranger(exchange) as met:
        yield met


@pytest.mark.parametrize("status", REDIRECTS)
async def test_an_exchange_that_redirects_an_order_is_not_followed(
    exchange: FaultyExchange, other: Stranger, front: Stranger, status: int
) -> None:
    front.redirects = status, other.name
    async with attacked_bot(exchange, at(front)) as bot:
        await bot.until(lambda: bool(front.changes))
        await asyncio.sleep(ATTACKED_FOR_S)
        assert (other.changes, other.reads) == ([], [])
        assert own_orders(exchange) == []
        front.redirects = None
        await bot.until(lambda: bot.progress.fills >= 1)


async def test_an_exchange_that_redirects_a_signed_question_is_not_followed_and_it_is_told(
    exchange: FaultyExchange, other: Stranger, front: Stranger
) -> None:
    async with attacked_bot(exchange, at(front)) as bot:
        await bot.until(lambda: bot.progress.fills >= 1)
        front.redirects, front.redirected = (307, other.name), ("GET /api/v3/openOrders", "GET /api/v3/order")
        await bot.until(lambda: "redirect (307), which is not followed" in bot.state)
        assert (other.changes, other.reads) == ([], [])
        front.redirects = None
        before = bot.progress.fills
        await bot.until(lambda: bot.progress.fills > before)


async def test_a_client_that_was_closed_and_opened_again_follows_no_redirect(
    exchange: FaultyExchange, other: Stranger, front: Stranger
) -> None:
    async with attacked_bot(exchange, at(front)) as bot:
        await bot.until(lambda: bot.progress.fills >= 1)
        await bot.client.close()
        front.redirects = 307, other.name
        front.forget()
        await bot.until(lambda: bool(front.changes))
        await asyncio.sleep(ATTACKED_FOR_S)
        assert other.changes == []


async def test_a_client_that_octobot_makes_anew_follows_no_redirect(
    exchange: FaultyExchange, other: Stranger, front: Stranger
) -> None:
    """As it does where the first one could not log in."""
    async with attacked_bot(exchange, at(front)) as bot:
        await bot.until(lambda: bot.progress.fills >= 1)
        old, connector = bot.client, bot.manager.exchange.connector
        connector._create_client()
        assert connector.client is not old
        connector.client.urls, connector.client.markets = old.urls, old.markets
        connector.client.set_markets(old.markets)
        front.redirects = 308, other.name
        await old.close()
        front.forget()
        await bot.until(lambda: bool(front.changes))
        await asyncio.sleep(ATTACKED_FOR_S)
        assert other.changes == []


# --- what changes an account and is no order -------------------------------------------------------------------------


@pytest.mark.parametrize("is_set", [True, False])
@pytest.mark.parametrize("told", ["yes", "YES", None])
async def test_the_leverage_of_a_real_account_is_set_with_both_consents_only(
    exchange: FaultyExchange, other: Stranger, monkeypatch: pytest.MonkeyPatch, is_set: bool, told: str | None
) -> None:
    if told is not None:
        monkeypatch.setenv(REAL_TRADING_VARIABLE, told)
    at_other, futures = live_at(other, exchange), {"symbols": (LINEAR,), "is_future": True, "leverage": 5}
    async with attacked_bot(exchange, at_other, **futures, i_accept_real_trading=is_set) as bot:
        await bot.until(lambda: bot.is_halted or bool(other.changes))
        await asyncio.sleep(ATTACKED_FOR_S)
        is_consented = is_set and told == "yes" and FILLS_FUTURES
        assert ("POST /fapi/v1/leverage" in other.changes) == is_consented
        assert is_consented or other.changes == []
