"""Who goes first in ccxt's own queue, by the clients and throttlers of the ccxt that is installed."""

from __future__ import annotations

import asyncio
import time
import typing
from collections.abc import AsyncIterator

import ccxt.async_support as ccxt
import pytest
from ccxt.async_support.base.throttler import Throttler

from octobot_volume_booster.adapters.request_queue import going_first

PAUSE_MS = 10


@pytest.fixture
async def client() -> AsyncIterator[typing.Any]:
    """A client whose requests end where they would leave."""
    client = ccxt.binance({"rateLimit": PAUSE_MS, "timeout_on_exit": 0})
    client.left = []

    async def fetch(url: str, method: str = "GET", headers: object = None, body: object = None) -> typing.Any:
        client.left.append(method)
        return {}

    client.fetch = fetch
    yield client
    await client.close()


async def turns(client: typing.Any, *waiting: tuple[str, bool]) -> list[str]:
    """The names of requests in the order in which their turns came, when all of them were there at once."""
    came: list[str] = []

    async def request(name: str) -> None:
        await client.throttle(1)
        came.append(name)

    async def first(name: str) -> None:
        with going_first(client):
            await request(name)

    await client.throttle(1)  # what comes now has to wait
    await asyncio.gather(*(first(name) if goes_first else request(name) for name, goes_first in waiting))
    return came


async def test_who_goes_first_does_so_in_their_own_order_and_the_others_keep_theirs(client: typing.Any) -> None:
    with going_first(client):
        pass
    asked = [("a", False), ("b", False), ("first", True), ("c", False), ("second", True), ("third", True)]
    assert await turns(client, *asked) == ["first", "second", "third", "a", "b", "c"]


async def test_who_goes_first_pays_the_same(client: typing.Any) -> None:
    began = time.monotonic()
    await turns(client, *[(str(number), number % 2 == 0) for number in range(10)])
    # the pauses of ten requests after one that was free: the least that ccxt lets pass, however busy the machine is
    assert time.monotonic() - began >= 9 * PAUSE_MS / 1_000


@pytest.mark.skipif(not hasattr(Throttler, "rolling_window_loop"), reason="an older ccxt has no other")
async def test_where_the_throttle_counts_a_rolling_window_it_is_the_same(client: typing.Any) -> None:
    client.throttler.config |= {"algorithm": "rollingWindow", "windowSize": 300.0, "maxWeight": 2.0}
    asked = [("a", False), ("b", False), ("c", False), ("first", True)]
    with going_first(client):
        pass
    assert await turns(client, *asked) == ["first", "a", "b", "c"]


async def test_one_that_is_cancelled_while_it_waits_holds_nobody_up(client: typing.Any) -> None:
    async def first() -> None:
        with going_first(client):
            await client.throttle(1)

    await client.throttle(1)
    gone = asyncio.create_task(first())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert await turns(client, ("a", False), ("first", True)) == ["first", "a"]


async def test_tasks_that_begin_within_it_go_first_and_those_after_it_do_not(client: typing.Any) -> None:
    came: list[str] = []

    async def request(name: str) -> None:
        await client.throttle(1)
        came.append(name)

    with going_first(client):
        within = asyncio.create_task(request("within"))
    await client.throttle(1)
    after = [asyncio.create_task(request("after"))]
    await asyncio.gather(within, *after)
    assert came == ["within", "after"]
