"""Lets nothing out of a client that changes an account, but one order and its cancellation where they are wanted."""

from __future__ import annotations

import contextlib
import re
import typing
from collections.abc import Iterator

from ..adapters.venues import Venue
from ..adapters.venues.wire import Request


class ChangeWithheldError(Exception):
    """A request that is no question was about to leave; it has not."""


class Guard:
    """Stands before the socket of a ccxt client from the moment that it is made.

    :param venue: what tells a question from an order; without it everything but a GET is held back.
    """

    def __init__(self, client: typing.Any, venue: Venue | None) -> None:
        self._venue = venue
        self._fetch = client.fetch
        self._orders_left = 0
        self._cancellable: frozenset[str] = frozenset()
        client.fetch = self._pass

    @contextlib.contextmanager
    def letting_one_order_out(self) -> Iterator[None]:
        """Within it the first order may leave, and no other one."""
        self._orders_left = 1
        try:
            yield
        finally:
            self._orders_left = 0

    @contextlib.contextmanager
    def letting_cancel(self, *order_ids: str) -> Iterator[None]:
        """Within it a request that names one of these ids may leave, unless it is an order itself."""
        self._cancellable = frozenset(filter(None, order_ids))
        try:
            yield
        finally:
            self._cancellable = frozenset()

    async def _pass(
        self, url: str, method: str = "GET", headers: typing.Any = None, body: typing.Any = None
    ) -> typing.Any:
        request = Request(method, url, body)
        if not self._may_leave(request):
            raise ChangeWithheldError(f"{method} {request.path} was held back: it is no question")
        return await self._fetch(url, method, headers, body)

    def _may_leave(self, request: Request) -> bool:
        if self._venue is None:
            return request.method == "GET"
        if self._venue.is_order(request):
            self._orders_left -= 1
            return self._orders_left >= 0
        return self._venue.is_read(request) or self._names_cancellable(request)

    def _names_cancellable(self, request: Request) -> bool:
        body = request.body or ""
        text = f"{request.url} {body if isinstance(body, str) else body.decode('utf-8', 'replace')}"
        return any(re.search(rf"(?<![0-9A-Za-z]){re.escape(one)}(?![0-9A-Za-z])", text) for one in self._cancellable)
