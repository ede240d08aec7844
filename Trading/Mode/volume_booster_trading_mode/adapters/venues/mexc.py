"""MEXC, spot. Source: MEXC's "Spot V3", Spot Account/Trade, and its error codes.

A market buy is by quote: the documentation has `quantity` of a market order as "the base asset the user wants to sell".
ccxt cuts the quote to spend to the price tick. `recvWindow` is a setting of OctoBot's class of 60 s, the most that MEXC
allows; ccxt takes it from nowhere else. The order of the rows of a full page of trades is not documented.
"""

from ...core.model.basics import OrderType, Side
from .record import BOTH_LINES, Arrival, Lookup, MarketBuy, NotFound, Trades, Venue
from .wire import FlatOrder, Request, query

_MOST_ON_THE_WAY_MS = ("60000", "5000")


def _is_order(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith(("/api/v3/order", "/api/v3/batchOrders"))


VENUE = Venue(
    ccxt_id="mexc",
    title="MEXC",
    is_order=_is_order,
    read_order=FlatOrder(
        fields_of=query,
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
        fixed={"recvWindow": _MOST_ON_THE_WAY_MS},
        others=frozenset({"timestamp", "signature"}),
    ),
    market_buy=MarketBuy.QUOTE,
    arrival=Arrival(within_s=60.0),
    lookup=Lookup(by_client_id={"clientOrderId": "{id}"}),
    not_found=NotFound(texts=("order does not exist",)),
    trades=Trades(of_order=True, page=100, newest_first=None),
    cancels_all=True,
    proven=BOTH_LINES,
)
