"""Crypto.com, spot. Source: Crypto.com's "Exchange API v1", private/create-order, get-order-detail, get-trades.

ccxt drops an id given as `clientOrderId`; as `client_oid` it goes out. Its fetch_order always names an order by the
exchange's id, and signs another text than the exchange where there is none: the look-up by our id goes past it. A page
of trades has the last ones before its end; an answer begins a day before its end unless its beginning is given.
"""

from __future__ import annotations

import typing

from ...core.model.basics import OrderType, Side
from .record import BOTH_LINES, Arrival, ClientId, Lookup, NotFound, Trades, Venue
from .wire import Fields, FlatOrder, Request, UnreadableRequestError, json_object, only

_METHOD, _POST_ONLY = "private/create-order", ["POST_ONLY"]
_ONE_DAY_S = 86_400.0
_AGAINST_SELF_TRADES = {"stp_scope": "M", "stp_inst": "T"}


def _is_order(request: Request) -> bool:
    return request.path.endswith((_METHOD, f"{_METHOD}-list"))


def _is_read(request: Request) -> bool:
    return request.method == "GET" or "/private/get-" in request.path or request.path.endswith("/user-balance")


def _fields(request: Request) -> Fields:
    """The parameters of the call in the body."""
    call = json_object(request)
    only(call, "id", "method", "params", "api_key", "sig", "nonce")
    params = call.get("params")
    if call.get("method") != _METHOD or not isinstance(params, dict):
        raise UnreadableRequestError(f"the body is not a call of {_METHOD}")
    return params


async def _ask_by_client_id(client: typing.Any, symbol: str, client_id: str) -> dict[str, typing.Any]:
    answer = await client.v1PrivatePostPrivateGetOrderDetail({"client_oid": client_id})
    return typing.cast("dict[str, typing.Any]", client.parse_order(answer["result"], client.market(symbol)))


VENUE = Venue(
    ccxt_id="cryptocom",
    title="Crypto.com",
    is_order=_is_order,
    is_read=_is_read,
    read_order=FlatOrder(
        fields_of=_fields,
        client_id="client_oid",
        market_id="instrument_name",
        side="side",
        order_type="type",
        quantity="quantity",
        quote_quantity="notional",
        price="price",
        sides={"BUY": Side.BUY, "SELL": Side.SELL},
        types={"MARKET": (OrderType.MARKET, False), "LIMIT": (OrderType.LIMIT, False)},
        post_only=("exec_inst", (_POST_ONLY,)),
        fixed={
            "exec_inst": (_POST_ONLY,),
            "time_in_force": ("GOOD_TILL_CANCEL",),
            "spot_margin": ("SPOT",),
            **{name: (value,) for name, value in _AGAINST_SELF_TRADES.items()},
        },
        others=frozenset({"broker_id"}),
    ),
    client_id=ClientId(param="client_oid"),
    order_params=_AGAINST_SELF_TRADES,
    arrival=Arrival(within_s=60.0),
    lookup=Lookup(ask_by_client_id=_ask_by_client_id, closed_orders_show_client_id=True),
    not_found=NotFound(texts=("invalid_orderid",)),
    trades=Trades(page=100, window_s=_ONE_DAY_S, newest_first=True),
    refusal_texts=(
        *("account_is_suspended", "instrument_not_tradable", "invalid_instrument", "instrument_expired"),
        *("invalid_orderqty", "invalid_ordtype", "invalid_side", "invalid_tif", "rej_by_matching_engine"),
        *("invalid_price", "far_away_limit_price", "exceeds_max", "exceeds_account", "account_does_not_exist"),
        *("market_is_not_open", "order_price_", "account_is_not_active", "user_is_not_active", "invalid_execinst"),
    ),
    proven=BOTH_LINES,
)
