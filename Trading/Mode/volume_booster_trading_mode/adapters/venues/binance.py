"""Binance: spot, and USD-M futures. Source: Binance's "Trading endpoints" of spot, "New Order" of USD-M futures."""

import re

from ...core.model.basics import OrderType, Side
from .record import BOTH_LINES, Arrival, ClientId, LimitsInHeaders, Lookup, NotFound, Trades, Venue
from .wire import FlatOrder, Request, form

_PATHS = ("/api/v3/order", "/fapi/v1/order")


def _is_order(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith(_PATHS)


VENUE = Venue(
    ccxt_id="binance",
    title="Binance",
    is_order=_is_order,
    read_order=FlatOrder(
        fields_of=form,
        client_id="newClientOrderId",
        market_id="symbol",
        side="side",
        order_type="type",
        quantity="quantity",
        quote_quantity="quoteOrderQty",
        price="price",
        sides={"BUY": Side.BUY, "SELL": Side.SELL},
        types={
            "MARKET": (OrderType.MARKET, False),
            "LIMIT": (OrderType.LIMIT, False),
            "LIMIT_MAKER": (OrderType.LIMIT, True),
        },
        post_only=("timeInForce", ("GTX",)),
        reduce_only="reduceOnly",
        fixed={"timeInForce": ("GTC", "GTX"), "selfTradePreventionMode": ("EXPIRE_TAKER",)},
        others=frozenset({"newOrderRespType", "timestamp", "recvWindow", "signature"}),
    ),
    client_id=ClientId(longest=32),
    order_params={"selfTradePreventionMode": "EXPIRE_TAKER"},
    arrival=Arrival({"recvWindow": 5_000}, within_s=5.0),
    lookup=Lookup(by_client_id={"origClientOrderId": "{id}"}, closed_orders_show_client_id=True),
    not_found=NotFound(texts=("order does not exist",)),
    trades=Trades(of_order=True, page=500),
    limits=LimitsInHeaders(
        asked_by="public_get_exchangeinfo",
        header=re.compile(r"^x-mbx-(?P<what>used-weight|order-count)-(?P<number>\d+)(?P<unit>[smhd])$"),
        kinds={"REQUEST_WEIGHT": "used-weight", "ORDERS": "order-count"},
        intervals_s={"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400},
    ),
    cancels_all=True,
    cancel_shows_order=True,
    proven=BOTH_LINES,
    is_futures_proven=True,
)
