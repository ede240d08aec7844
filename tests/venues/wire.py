"""The socket under a ccxt client, replaced: what ccxt sends arrives here, and a fake exchange answers it.

All of OctoBot's class, its connector, its broker code and ccxt run for real; only aiohttp's session is not there.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp

from octobot_volume_booster.adapters.venues.wire import Request


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `content` goes out as JSON."""

    content: typing.Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class LostAnswerError(aiohttp.ClientError):
    """The connection broke before the answer came."""


class Session:
    """Stands for aiohttp's session: hands each request to `answer`, keeps it, and gives back what comes."""

    def __init__(self, answer: Callable[[Request], Awaitable[Answer]]) -> None:
        self._answer = answer
        self.requests: list[Request] = []
        self.sent_headers: list[dict[str, str]] = []
        self.headers: dict[str, str] = {}
        self.closed = False
        self.trust_env = False

    def __getattr__(self, name: str) -> typing.Any:
        if name not in ("get", "post", "put", "delete", "patch"):
            raise AttributeError(name)
        return lambda url, **options: self.request(name, url, **options)

    def request(self, method: str, url: typing.Any, **options: typing.Any) -> _Exchange:
        return _Exchange(self, method.upper(), str(url), options)

    async def close(self) -> None:
        self.closed = True

    async def arrive(self, request: Request, headers: dict[str, str]) -> Answer:
        self.requests.append(request)
        self.sent_headers.append(headers)
        return await self._answer(request)


class _Exchange:
    """One request and its answer, as `async with session.post(...) as response` uses them."""

    def __init__(self, session: Session, method: str, url: str, options: dict[str, typing.Any]) -> None:
        self._session, self._request = session, Request(method, url, options.get("data"))
        self._headers = dict(options.get("headers") or {})

    async def __aenter__(self) -> _Response:
        return _Response(await self._session.arrive(self._request, self._headers))

    async def __aexit__(self, *error: object) -> None:
        return None


class _Response:
    def __init__(self, answer: Answer) -> None:
        self.status, self.reason = answer.status, "OK" if answer.status == 200 else "Error"
        self.headers = answer.headers
        self._text = answer.content if isinstance(answer.content, str) else json.dumps(answer.content)

    async def text(self, **_: typing.Any) -> str:
        return self._text
