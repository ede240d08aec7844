"""Bitget, spot, of a classic account.

Sources: Bitget's API v2, "Place Order", "Get Order Info", "Get History Orders" and "Get Fills". A market buy goes by
quote, in steps of the price tick, which is what ccxt rounds an amount of quote to. Only an open order is found by our
id; the lists of open and of ended orders show it. Unified accounts speak another version of the interface.
"""

from ...core.model.basics import OrderType
from .record import BOTH_LINES, Arrival, Lookup, MarketBuy, NotFound, Trades, Venue
from .wire import FlatOrder, Request, json_object


def _is_order(request: Request) -> bool:
    last = request.path.rpartition("/")[2]
    return request.method == "POST" and last.startswith(("place-", "batch-"))


VENUE = Venue(
    ccxt_id="bitget",
    title="Bitget",
    is_order=_is_order,
    read_order=FlatOrder(
        fields_of=json_object,
        client_id="clientOid",
        market_id="symbol",
        side="side",
        order_type="orderType",
        quantity="size",
        price="price",
        types={"market": (OrderType.MARKET, False), "limit": (OrderType.LIMIT, False)},
        post_only=("force", ("post_only",)),
        fixed={"force": ("GTC", "gtc", "post_only"), "stpMode": ("cancel_taker",)},
        market_buy_quantity_is_quote=True,
    ),
    market_buy=MarketBuy.QUOTE,
    order_params={"stpMode": "cancel_taker"},
    arrival=Arrival(within_s=30.0),
    lookup=Lookup(
        closed_orders_show_client_id=True,
        ended_orders=("fetch_canceled_and_closed_orders",),
        ended_page=100,
        open_page=100,
    ),
    not_found=NotFound(texts=("order does not exist", "could not find order id")),
    trades=Trades(page=100, window_s=90 * 24 * 3600.0, newest_first=True),
    proven=BOTH_LINES,
)
