"""Bybit, spot, of a unified account: written and tried, but refused, as OctoBot does not take such accounts.

Sources: Bybit's API v5, "Place Order", "Get Open & Closed Orders", "Get Order History", "Get Trade History",
"Integration Guidance" and "Different Account Modes", which calls the classic account unavailable. A market buy goes by
quantity. Lists are narrowed by our id; cancelled orders are shown for a day. ccxt makes up the coin of a fee that Bybit
tells.
"""

import json
import typing

from ...core.model.basics import OrderType, Side
from .record import BOTH_LINES, Arrival, Lookup, Params, Trades, Venue
from .wire import FlatOrder, Request, WireOrder, json_object, one_of

_FLAT = FlatOrder(
    fields_of=json_object,
    client_id="orderLinkId",
    market_id="symbol",
    side="side",
    order_type="orderType",
    quantity="qty",
    price="price",
    sides={"Buy": Side.BUY, "Sell": Side.SELL},
    types={"Market": (OrderType.MARKET, False), "Limit": (OrderType.LIMIT, False)},
    post_only=("timeInForce", ("PostOnly",)),
    fixed={
        "category": ("spot",), "timeInForce": ("GTC", "PostOnly"), "smpType": ("CancelTaker",),
        "marketUnit": ("baseCoin",), "orderFilter": ("Order",), "isLeverage": (0,),
    },
)  # fmt: skip
_UNITS: typing.Mapping[typing.Any, typing.Mapping[typing.Any, None]] = {
    ("Market", "Buy"): dict.fromkeys(("baseCoin",)),
    ("Market", "Sell"): dict.fromkeys((None, "baseCoin")),
    ("Limit", "Buy"): dict.fromkeys((None,)),
    ("Limit", "Sell"): dict.fromkeys((None,)),
}


def _is_order(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith(("/create", "/create-batch"))


def _read_order(request: Request) -> WireOrder:
    """:raises UnreadableRequestError: also for a market buy without a unit, whose quantity would be quote."""
    fields = json_object(request)
    units = one_of("order", (fields.get("orderType"), fields.get("side")), _UNITS)
    one_of("unit of the quantity", fields.get("marketUnit"), units)
    return _FLAT(request)


def _order_row(row: Params) -> dict[str, typing.Any]:
    """ccxt calls an order filled that was cancelled after a part of it."""
    is_cut = (row.get("info") or {}).get("orderStatus") == "PartiallyFilledCanceled"
    return {"status": "canceled"} if is_cut else {}


def _trade_row(row: Params) -> dict[str, typing.Any]:
    """The fee in the coin that Bybit tells, and taxes beside it."""
    told = row.get("info") or {}
    if not told.get("feeCurrency"):
        return {}
    fee = {**(row.get("fee") or {}), "currency": told["feeCurrency"]}
    taxes = json.loads(told.get("extraFees") or "[]")
    others = [{"cost": float(tax["fee"]), "currency": tax["feeCoin"]} for tax in taxes]
    return {"fee": fee, "fees": [fee, *others]}


VENUE = Venue(
    ccxt_id="bybit",
    title="Bybit",
    is_order=_is_order,
    read_order=_read_order,
    order_params={"smpType": "CancelTaker"},
    arrival=Arrival(within_s=60.0),
    lookup=Lookup(
        by_exchange_id=False,
        closed_orders_show_client_id=True,
        ended_orders=("fetch_canceled_and_closed_orders",),
        list_params={"orderLinkId": "{id}"},
        ended_page=50,
        open_page=50,
        ended_reach_s=24 * 3600.0,
    ),
    trades=Trades(of_order=True, page=100, window_s=7 * 24 * 3600.0, newest_first=True),
    no_refusal_texts=("duplicate clientorderid", "orderlinkedid is duplicate", '"170146"', ":170146,"),
    order_row=_order_row,
    trade_row=_trade_row,
    cancels_all=True,
    proven=BOTH_LINES,
    refused="OctoBot takes none but classic accounts there, which Bybit does not have any more",
)
