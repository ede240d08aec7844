"""The exchange's web application: puts the routes together and turns every refusal into Binance's error object."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from aiohttp import web

from .control import ControlCall, ControlError, ControlHandler, ControlRoutes
from .exchange import Exchange, exactly
from .futures import FuturesAccounts
from .futures_api import FuturesApi
from .market_data import MarketData
from .pages import has_type, is_from_here
from .query import ApiError, Query, not_supported, parse_parameters
from .rate_limits import Limited
from .routes import Call, DroppedError, Execute, Interceptor, Reply, Route, Settle, UnsettledError
from .signatures import check_signed, signed_payload
from .trading_api import TradingApi

API_KEY_HEADER = "X-MBX-APIKEY"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
_NOT_AUTHORIZED = "You are not authorized to execute this request."
_WebHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_UNKNOWN = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
_log = logging.getLogger(__name__)


async def no_interception(call: Call, execute: Execute) -> Reply:
    """Executes every call, as an exchange without faults."""
    return await execute(call)


async def settled_at_once() -> None:
    """For an exchange that nothing is remembered of."""


def create_app(
    exchange: Exchange,
    interceptor: Interceptor = no_interception,
    control: ControlRoutes | None = None,
    futures: FuturesAccounts | None = None,
    settle: Settle = settled_at_once,
    token: str = "",
) -> web.Application:
    """The exchange's web application. Only its clock reads the time.

    `interceptor` wraps every call of the API, see routes.Interceptor. Without `control` there is no control interface,
    and without `futures` there are no futures. No answer leaves before `settle` has returned. Raises ValueError for a
    control interface without the `token` that its calls have to carry.
    """
    if control and not token:
        raise ValueError("a control interface needs a token")
    app = web.Application(middlewares=[_errors_as_json, _from_here_only])
    routes = (*MarketData(exchange).routes(), *TradingApi(exchange).routes())
    for route in (*routes, *(FuturesApi(futures).routes() if futures else ())):
        app.router.add_route(route.method, route.path, _web_handler(exchange, route, interceptor, settle))
    for (method, path), handler in (control or {}).items():
        app.router.add_route(method, path, _control_handler(exchange, handler, settle, token))
    return app


def _web_handler(exchange: Exchange, route: Route, interceptor: Interceptor, settle: Settle) -> _WebHandler:
    async def execute(call: Call) -> Reply:
        exchange.advance(call.now_ms)
        try:
            with exactly():
                return _execute(exchange, route, call)
        except ApiError as error:
            return _error_reply(error, _weight_headers(exchange, call))

    async def handle(request: web.Request) -> web.StreamResponse:
        call = await _call(exchange, route, request)
        await settle()  # what can't be remembered is not done
        call.now_ms = exchange.clock.now_ms()
        try:
            reply = await interceptor(call, execute)
        except DroppedError:
            _hang_up(request)
        await settle()
        return _response(reply)

    return handle


def _control_handler(exchange: Exchange, handler: ControlHandler, settle: Settle, token: str) -> _WebHandler:
    async def handle(request: web.Request) -> web.StreamResponse:
        _check_token(request, token)
        call = ControlCall(Query(dict(request.query)), _json_object(await _body(request, JSON)))
        exchange.advance(exchange.clock.now_ms())
        with exactly():
            body = handler(call)
        await settle()
        return web.json_response(body)

    return handle


def _check_token(request: web.Request, token: str) -> None:
    """Raises ApiError unless the token came as `Authorization: Bearer TOKEN`."""
    sent = request.headers.getall("Authorization", [])
    if len(sent) != 1 or not hmac.compare_digest(sent[0].encode("utf-8", "replace"), f"Bearer {token}".encode()):
        raise ApiError(-2014, "The control interface needs the token that is in its token file.", status=401)


async def _body(request: web.Request, media_type: str) -> bytes:
    """The body, if it is of this type. Raises ApiError."""
    body = await request.read()
    if body and not has_type(request.headers, media_type):
        raise ApiError(-1000, f"The type of the content must be {media_type}.", status=415)
    return body


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ControlError("the body must be a JSON object.")
    return value


async def _call(exchange: Exchange, route: Route, request: web.Request) -> Call:
    """The request as the routes read it. Raises ApiError when it cannot be read."""
    raw_query = request.raw_path.partition("?")[2].encode("utf-8", "surrogateescape")
    body = b"" if route.method == "GET" else await _body(request, FORM)
    parameters = parse_parameters(raw_query.decode("utf-8", "replace"), body.decode("utf-8", "replace"))
    api_key = request.headers.get(API_KEY_HEADER)
    owner = exchange.owner(api_key)
    return Call(
        method=route.method,
        path=route.path,
        query=Query(parameters),
        now_ms=exchange.clock.now_ms(),
        address=request.remote or "",
        account=None if owner is None else owner.account,
        api_key=api_key,
        signed_payload=signed_payload(raw_query, body) if route.is_signed else b"",
    )


def _execute(exchange: Exchange, route: Route, call: Call) -> Reply:
    """Check the limits and the signature, then handle the call. Raises ApiError."""
    if limited := exchange.limits.spend(call.address, route.weight(call.query), call.now_ms):
        raise _too_much(limited)
    if route.is_signed:
        owner = exchange.owner(call.api_key)
        call.account = check_signed(call.query, call.signed_payload, call.api_key, owner, call.shown_ms).account
    headers = _weight_headers(exchange, call)
    if not route.is_order or call.account is None:
        return Reply(route.handler(call), headers=headers)
    if limited := exchange.limits.may_order(call.account, call.now_ms):
        raise _too_much(limited)
    return Reply(route.handler(call), headers={**headers, **_order_headers(exchange, call)})


def _weight_headers(exchange: Exchange, call: Call) -> dict[str, str]:
    used = str(exchange.limits.used_weight(call.address, call.now_ms))
    return {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}


def _order_headers(exchange: Exchange, call: Call) -> dict[str, str]:
    ten_seconds, day = exchange.limits.order_counts(call.account or "", call.now_ms)
    return {"X-MBX-ORDER-COUNT-10S": str(ten_seconds), "X-MBX-ORDER-COUNT-1D": str(day)}


def _too_much(limited: Limited) -> ApiError:
    return ApiError(limited.code, limited.msg, limited.status, {"Retry-After": str(limited.retry_after_s)})


def _error_reply(error: ApiError, headers: dict[str, str] | None = None) -> Reply:
    return Reply({"code": error.code, "msg": error.msg}, error.status, {**(headers or {}), **error.headers})


def _response(reply: Reply) -> web.Response:
    if isinstance(reply.body, str):
        return web.Response(text=reply.body, status=reply.status, headers=reply.headers)
    return web.json_response(reply.body, status=reply.status, headers=reply.headers)


def _hang_up(request: web.Request) -> NoReturn:
    if request.transport is not None:
        request.transport.abort()
    raise asyncio.CancelledError


@web.middleware
async def _from_here_only(request: web.Request, handler: _WebHandler) -> web.StreamResponse:
    """Refuses requests that a page makes a browser send, before they count for anything."""
    if not is_from_here(request.headers, request.raw_path):
        raise ApiError(-1002, _NOT_AUTHORIZED, status=403)
    return await handler(request)


@web.middleware
async def _errors_as_json(request: web.Request, handler: _WebHandler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        refusal = error
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        refusal = not_supported(error.status)
    except web.HTTPException as error:
        refusal = ApiError(-1000, error.reason, error.status)
    except UnsettledError:
        refusal = ApiError(-1007, _UNKNOWN, status=503)
    except Exception:  # noqa: BLE001 - logged; a client must get an answer
        _log.exception("%s %s failed", request.method, request.path)
        refusal = ApiError(-1000, "An unknown error occurred while processing the request.", status=500)
    return _response(_error_reply(refusal))
