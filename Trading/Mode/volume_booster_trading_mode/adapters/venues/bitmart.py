"""BitMart, spot. Source: BitMart's "Spot API", Place Single Order (v2), and its v4 order and trade queries.

A market buy takes `notional`, the quote to spend, and no quantity; ccxt cuts it to the price tick. Questions about
orders and trades are POST requests. Requests are refused when their time is more than a minute away. Which rows a full
page of trades shows is not documented. A post-only order that would trade is cancelled by the exchange, not refused.
"""

from ...core.model.basics import OrderType
from .record import BOTH_LINES, Arrival, Lookup, MarketBuy, Trades, Venue
from .wire import FlatOrder, Request, json_object

_ORDERS = ("/submit_order", "/batch_orders")
_QUERIES = "/spot/v4/query/"


def _is_order(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith(_ORDERS)


def _is_read(request: Request) -> bool:
    return request.method == "GET" or request.path.startswith(_QUERIES)


VENUE = Venue(
    ccxt_id="bitmart",
    title="BitMart",
    is_order=_is_order,
    read_order=FlatOrder(
        fields_of=json_object,
        client_id="client_order_id",
        market_id="symbol",
        side="side",
        order_type="type",
        quantity="size",
        quote_quantity="notional",
        price="price",
        types={
            "market": (OrderType.MARKET, False),
            "limit": (OrderType.LIMIT, False),
            "limit_maker": (OrderType.LIMIT, True),
        },
        fixed={"stpMode": ("cancel_taker",)},
    ),
    market_buy=MarketBuy.QUOTE,
    order_params={"stpMode": "cancel_taker"},
    arrival=Arrival(within_s=60.0),
    lookup=Lookup(by_client_id={"clientOrderId": "{id}"}),
    trades=Trades(of_order=True, page=200, newest_first=None),
    is_read=_is_read,
    cancels_all=True,
    no_refusal_texts=('"code":50042,', '"code":40050,'),
    proven=BOTH_LINES,
)
