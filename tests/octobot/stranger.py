"""Somebody else's exchange: a second server on this machine, which nothing that changes an account may reach.

It answers as the local exchange does, which it asks itself, so that an order that arrives there is a real one. It can
be met as a server, as a proxy, or at the end of a redirect.
"""

from __future__ import annotations

import contextlib
import urllib.parse
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from ..exchange.faulty_exchange import FaultyExchange

READING = ("GET", "HEAD", "OPTIONS")
_ROOTS = ("/api/", "/fapi/", "/sapi/", "/dapi/")
_KEPT = ("content-type", "retry-after", "x-mbx-used-weight-1m", "x-mbx-order-count-10s")


@dataclass
class Stranger:
    """What has arrived, each as `METHOD /path`, and how it answers."""

    port: int = 0
    changes: list[str] = field(default_factory=list)
    """The requests that change something."""
    reads: list[str] = field(default_factory=list)
    redirects: tuple[int, str] | None = None
    """With this status to this address, whatever would change something; None forwards it."""
    redirected: tuple[str, ...] = ()
    """Requests that are redirected beside those."""
    answers: Callable[[str], web.Response | None] = lambda request: None
    """An answer of its own to a request; None forwards it."""
    struck: bool = False
    """For whoever attacks: whether that has been done."""

    @property
    def address(self) -> str:
        """Certain to be on this machine."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def name(self) -> str:
        """A name, which may stand for any machine: an account there counts as real."""
        return f"http://localhost:{self.port}"

    def forget(self) -> None:
        self.changes.clear()
        self.reads.clear()


@contextlib.asynccontextmanager
async def stranger(exchange: FaultyExchange) -> AsyncIterator[Stranger]:
    """Somebody else's exchange with the same account, orders and markets as the local one."""
    met = Stranger()
    async with aiohttp.ClientSession() as session:

        async def answer(request: web.Request) -> web.StreamResponse:
            path, query = _path(request.raw_path)
            asked = f"{request.method} {path}"
            is_change = request.method not in READING
            (met.changes if is_change else met.reads).append(asked)
            if met.redirects and (is_change or asked in met.redirected):
                status, target = met.redirects
                return web.Response(status=status, headers={"Location": f"{target}{path}?{query}"})
            return met.answers(asked) or await _forwarded(session, request, f"{path}?{query}", exchange.port)

        app = web.Application()
        app.router.add_route("*", "/{anything:.*}", answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            met.port = runner.addresses[0][1]
            yield met
        finally:
            await runner.cleanup()


def _path(raw: str) -> tuple[str, str]:
    """Path and query of the exchange's own, also where they stand behind a proxy's."""
    if not raw.startswith(_ROOTS):
        raw = urllib.parse.unquote(raw)
        starts = [raw.find(root) for root in _ROOTS if root in raw]
        raw = raw[min(starts) :] if starts else raw
    path, _, query = raw.partition("?")
    return path, query


async def _forwarded(session: aiohttp.ClientSession, request: web.Request, target: str, port: int) -> web.Response:
    headers = {name: value for name, value in request.headers.items() if name.lower().startswith(("x-", "content-ty"))}
    url = aiohttp.client.URL(f"http://127.0.0.1:{port}{target}", encoded=True)
    async with session.request(request.method, url, data=await request.read(), headers=headers) as answer:
        kept = {name: value for name, value in answer.headers.items() if name.lower() in _KEPT}
        return web.Response(status=answer.status, body=await answer.read(), headers=kept)
