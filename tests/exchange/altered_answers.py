"""Answers of the local exchange, altered on their way to the client: what other exchanges leave out or tell otherwise.

The exchange itself stays as it is, so that what really happened can be set beside what was made of it. The kinds are
those of public bug reports about exchanges that ccxt knows.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aiohttp import web

Body = Any
Row = dict[str, Any]
ORDER, ORDERS, TRADES = "/api/v3/order", ("/api/v3/order", "/api/v3/openOrders"), "/api/v3/myTrades"
_UNKNOWN = {"code": -2013, "msg": "Order does not exist."}


@dataclass(frozen=True)
class RequestInfo:
    """What an answer is for."""

    method: str
    path: str


class RefusedError(Exception):
    """An alteration that refuses the request."""

    def __init__(self, body: Body) -> None:
        super().__init__(str(body))
        self.body = body


Alteration = Callable[[RequestInfo, Body], Body]
"""Gives the body that the client is to get; raises RefusedError for an answer that is an error."""


def altering(alterations: Sequence[Alteration]) -> Callable[..., Awaitable[web.StreamResponse]]:
    """A middleware that applies them all to every good answer."""

    @web.middleware
    async def alter(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        response = await handler(request)
        if not alterations or not isinstance(response, web.Response) or response.status != 200 or not response.text:
            return response
        asked, body = RequestInfo(request.method, request.path), json.loads(response.text)
        try:
            for alteration in alterations:
                body = alteration(asked, body)
        except RefusedError as refused:
            return web.json_response(refused.body, status=400)
        return web.json_response(body, headers={
            name: value for name, value in response.headers.items() if name.lower().startswith("x-")
        })  # fmt: skip

    return alter


def rows_of(body: Body) -> Iterator[Row]:
    """The rows of an answer, and the fills within a row."""
    for row in body if isinstance(body, list) else [body]:
        yield row
        yield from row.get("fills", ()) if isinstance(row, dict) else ()


def without(*names: str, paths: Sequence[str] = ORDERS) -> Alteration:
    """Rows that lack these fields."""

    def alter(asked: RequestInfo, body: Body) -> Body:
        if asked.path in paths:
            for row in rows_of(body):
                for name in names:
                    row.pop(name, None)
        return body

    return alter


def with_values(values: Callable[[Row], Row], paths: Sequence[str] = (TRADES,)) -> Alteration:
    """Rows in which these fields are something else."""

    def alter(asked: RequestInfo, body: Body) -> Body:
        if asked.path in paths:
            for row in rows_of(body):
                row.update(values(row))
        return body

    return alter


def told_late(names: Sequence[str], seconds: float) -> Alteration:
    """Orders of which these fields are told as 0 until so long after they were touched last."""

    def alter(asked: RequestInfo, body: Body) -> Body:
        if asked.path in ORDERS:
            for row in rows_of(body):
                if time.time() * 1_000 - row.get("updateTime", row.get("transactTime", 0)) < seconds * 1_000:
                    row.update({name: "0" for name in names if name in row})
        return body

    return alter


def hidden(is_hidden: Callable[[Row], bool], paths: Sequence[str] = ORDERS) -> Alteration:
    """Orders that can't be looked up, and trades that are not shown; the answer to a new order is as it is."""

    def alter(asked: RequestInfo, body: Body) -> Body:
        if asked.method != "GET" or asked.path not in paths:
            return body
        if isinstance(body, list):
            return [row for row in body if not is_hidden(row)]
        if is_hidden(body):
            raise RefusedError(_UNKNOWN)
        return body

    return alter


def younger_than(seconds: float) -> Callable[[Row], bool]:
    """Whether what a row tells happened less than so long ago."""
    return lambda row: time.time() * 1_000 - row["time"] < seconds * 1_000


def charged_in(asset: str, price: str) -> Alteration:
    """Fees are said to be charged in another asset, which is worth so much of the quote."""

    def charge(row: Row) -> Row:
        quote = Decimal(row["commission"]) * (1 if row["commissionAsset"] == "USDT" else Decimal(row["price"]))
        return {"commission": str((quote / Decimal(price)).quantize(Decimal("1e-8"))), "commissionAsset": asset}

    return with_values(charge)
