"""Hyperliquid, spot. Source: Hyperliquid's API documentation, "Exchange endpoint", "Info endpoint", "Rate limits".

An order stands in a signed action. A market order is a limit order that fills at once or not at all, at worst so far
from its price as `slippage` says. ccxt would also approve a fee for its maker and set it as referrer, both with the
first order or cancel of a client: its options keep it from that. Fills of all markets come in one list, oldest first.
ccxt leaves the name of a wrapped coin in which a fee was paid (UBTC) as it is.
"""

from __future__ import annotations

import functools
import typing
from collections.abc import Mapping
from decimal import Decimal

import ccxt

from ...core.model.basics import OrderType
from .record import BOTH_LINES, ClientId, IdForm, Lookup, NotFound, Params, Trades, Venue
from .wire import Fields, FlatOrder, Request, UnreadableRequestError, json_object, only

_SLIPPAGE = Decimal("0.02")
_SIDES: dict[typing.Any, str] = {True: "buy", False: "sell"}


def _action(request: Request) -> Fields:
    call = json_object(request)
    action = call.get("action")
    if not isinstance(action, dict):
        raise UnreadableRequestError("the body has no action")
    only(call, "action", "nonce", "signature")
    return action


def _is_order(request: Request) -> bool:
    """Whatever is posted there and can't be read is taken for one, and does not leave."""
    if request.method != "POST" or not request.path.endswith("/exchange"):
        return False
    try:
        return _action(request).get("type") == "order"
    except UnreadableRequestError:
        return True


def _is_read(request: Request) -> bool:
    return request.method == "GET" or request.path.endswith("/info")


def _fields(request: Request) -> Fields:
    """The only order of an action, with the way that it fills in place of the object around it."""
    action = _action(request)
    only(action, "type", "orders", "grouping")
    orders = action.get("orders")
    if action.get("grouping") != "na" or not isinstance(orders, list) or len(orders) != 1:
        raise UnreadableRequestError("the action is not one order")
    if not isinstance(orders[0], dict):
        raise UnreadableRequestError("the order is not an object")
    order = dict(orders[0])
    return {**order, "t": _time_in_force(order.get("t")), "b": _SIDES.get(order.get("b"))}


def _time_in_force(kind: typing.Any) -> str:
    for name in ("limit", "tif"):
        if not isinstance(kind, dict) or set(kind) != {name}:
            raise UnreadableRequestError(f"the order type {kind!r} is not known")
        kind = kind[name]
    return str(kind)


@functools.cache
def _names() -> Mapping[str, str]:
    """ccxt's names of coins by Hyperliquid's."""
    return dict(ccxt.hyperliquid().options["spotCurrencyMapping"])


def _trade_row(row: Params) -> dict[str, typing.Any]:
    fee = row.get("fee") or {}
    asset = str(fee.get("currency") or "")
    named = {**fee, "currency": _names().get(asset, asset)}
    return {"fee": named, "fees": [named] if fee else []}


VENUE = Venue(
    ccxt_id="hyperliquid",
    title="Hyperliquid",
    is_order=_is_order,
    is_read=_is_read,
    read_order=FlatOrder(
        fields_of=_fields,
        client_id="c",
        market_id="a",
        side="b",
        order_type="t",
        quantity="s",
        price="p",
        types={
            "Ioc": (OrderType.MARKET, False),
            "Gtc": (OrderType.LIMIT, False),
            "Alo": (OrderType.LIMIT, True),
        },
        reduce_only="r",
    ),
    client_id=ClientId(form=IdForm.HEX_128),
    market_slippage=_SLIPPAGE,
    order_params={"slippage": str(_SLIPPAGE)},
    client_options={"builderFee": False, "refSet": True},
    lookup=Lookup(by_client_id={"clientOrderId": "{id}"}),
    not_found=NotFound(),
    trades=Trades(page=500, of_all_symbols=True),
    trade_row=_trade_row,
    refusal_texts=('"statuses":[{"error":', '"status":"err"'),
    market_id_key="baseId",
    proven=BOTH_LINES,
)
