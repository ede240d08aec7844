"""The last place before a request leaves: below ccxt's client, at the HTTP session that it sends with.

Two things are held there, whatever has happened above. A redirect is never followed: it could bring a signed order to
anybody. And within `only_if` nothing that changes an account leaves unless that is permitted at that very moment, for
the address that it is really going to: orders wait for ccxt's throttle, and a consent may be gone when they go.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import typing
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import ccxt
import yarl

from ..core.model import sandbox
from . import loopback

Permit = Callable[[bool], str]
"""Asked with whether the request is certain to stay on this machine: why it may not leave, empty when it may."""
READING = ("GET", "HEAD", "OPTIONS")
_METHODS = ("get", "head", "options", "post", "put", "patch", "delete")


@dataclass(slots=True)
class Passage:
    """What came of the requests within one `only_if`: how many left, and why the last one that was held was."""

    permit: Permit
    left: int = 0
    refused: str = ""


_passage: contextvars.ContextVar[Passage | None] = contextvars.ContextVar("passage", default=None)


class RedirectedError(ccxt.ExchangeError):  # type: ignore[misc]  # ccxt has no types
    """The exchange answered with a redirect, which was not followed."""


class ForbiddenRequestError(ccxt.ExchangeError):  # type: ignore[misc]  # ccxt has no types
    """A request that would have changed the account was not sent."""


@contextlib.contextmanager
def only_if(permit: Permit) -> Iterator[Passage]:
    """Within it, and in tasks that begin in it, a request that is no question asks for permission as it leaves.

    :raises ForbiddenRequestError: from the request, where it is not permitted.
    """
    passage = Passage(permit)
    token = _passage.set(passage)
    try:
        yield passage
    finally:
        _passage.reset(token)


def guard(client: typing.Any) -> None:
    """From now on a ccxt client sends through guarded sessions only, also through those that it makes later."""
    if not isinstance(client.open, _GuardedOpen):
        client.open = _GuardedOpen(client, client.open)
    _guard_session(client)


class _GuardedOpen:
    """A client's `open`, which it calls before every request; what it makes is guarded."""

    def __init__(self, client: typing.Any, opens: Callable[[], None]) -> None:
        self._client = client
        self._opens = opens

    def __call__(self) -> None:
        self._opens()
        _guard_session(self._client)


def _guard_session(client: typing.Any) -> None:
    if client.session is not None and not isinstance(client.session, GuardedSession):
        client.session = GuardedSession(client.session)
    sessions = client.socks_proxy_sessions or {}
    for url, session in sessions.items():
        if not isinstance(session, GuardedSession):
            sessions[url] = GuardedSession(session)


class GuardedSession:
    """An aiohttp session that follows no redirect; everything else is the session's own."""

    def __init__(self, session: typing.Any) -> None:
        self.unguarded = session
        for method in _METHODS:
            setattr(self, method, functools.partial(self.request, method.upper()))

    def __getattr__(self, name: str) -> typing.Any:
        return getattr(self.unguarded, name)

    def request(self, method: str, url: typing.Any, **options: typing.Any) -> _Request:
        """To be awaited or entered, as aiohttp's own."""
        return _Request(self.unguarded, method, yarl.URL(url), options | {"allow_redirects": False})


class _Request:
    """A request that leaves when it is awaited or entered."""

    def __init__(self, session: typing.Any, method: str, url: yarl.URL, options: dict[str, typing.Any]) -> None:
        self._session = session
        self._method = method
        self._url = url
        self._options = options
        self._answering: typing.Any = None

    def __await__(self) -> Generator[typing.Any, None, typing.Any]:
        return self.__aenter__().__await__()

    async def __aenter__(self) -> typing.Any:
        self._ask_permission()
        self._answering = self._session.request(self._method, self._url, **self._options)
        response = await self._answering.__aenter__()
        if not 300 <= response.status < 400:
            return response
        await self._answering.__aexit__(None, None, None)
        raise RedirectedError(
            f"{_host(self._url)} answered {self._method} {self._url.path} with a redirect ({response.status}), "
            "which is not followed"
        )

    async def __aexit__(self, *raised: typing.Any) -> None:
        await self._answering.__aexit__(*raised)

    def _ask_permission(self) -> None:
        passage = _passage.get()
        if passage is None or self._method.upper() in READING:
            return
        if reason := passage.permit(self._stays_here()):
            passage.refused = f"{self._method} {self._url.path} is not sent to {_host(self._url)}: {reason}"
            raise ForbiddenRequestError(passage.refused)
        passage.left += 1

    def _stays_here(self) -> bool:
        """Whether it is certain to go to this machine's loopback, by the URL as aiohttp has understood it."""
        origin = str(self._url.origin()) if self._url.absolute else ""
        is_led = self._options.get("proxy") is not None or bool(loopback.session_leads(self._session))
        is_proxied = self._session.trust_env and loopback.is_proxied_by_environment(origin)
        return sandbox.reaches_only_loopback([origin]) and not is_led and not is_proxied


def _host(url: yarl.URL) -> str:
    """Host and port, without user and query."""
    return f"{url.host}:{url.port}"
