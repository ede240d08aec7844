"""HTX, spot, and Huobi, its former name. Source: the "Spot API", Trading, and HTX's notice of April 27, 2021 on ids.

A market buy has one amount, the quote to spend; ccxt cuts it to the step of the base quantity. The side is part of the
type. By the client's id an order that has ended is found for two hours; lists of ended orders show it after that, 48 h
at once. The trades of an order come all at once; those of a period go by when their orders were placed. One request
cancels at most 100 orders. The signature of a request holds for five minutes.
"""

import dataclasses

from ...core.model.basics import OrderType
from .record import BOTH_LINES, Arrival, Lookup, MarketBuy, Trades, Venue
from .wire import Fields, FlatOrder, Request, json_object

_SIDE, _KIND = "side of the type", "rest of the type"
_TWO_HOURS_S = 2 * 3600.0
_TWO_DAYS_S = 48 * 3600.0
_HALF_A_YEAR_S = 180 * 86_400.0


def _is_order(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith(("/order/orders/place", "/order/batch-orders"))


def _fields(request: Request) -> Fields:
    fields = dict(json_object(request))
    side, _, kind = str(fields.pop("type", "")).partition("-")
    return {**fields, _SIDE: side, _KIND: kind}


VENUE = Venue(
    ccxt_id="htx",
    title="HTX",
    is_order=_is_order,
    read_order=FlatOrder(
        fields_of=_fields,
        client_id="client-order-id",
        market_id="symbol",
        side=_SIDE,
        order_type=_KIND,
        quantity="amount",
        price="price",
        types={
            "market": (OrderType.MARKET, False),
            "limit": (OrderType.LIMIT, False),
            "limit-maker": (OrderType.LIMIT, True),
        },
        fixed={"self-match-prevent": (1,), "source": ("spot-api",)},
        others=frozenset({"account-id"}),
        market_buy_quantity_is_quote=True,
    ),
    market_buy=MarketBuy.QUOTE,
    quote_written_by="amount_to_precision",
    order_params={"self-match-prevent": 1},
    arrival=Arrival(within_s=300.0),
    lookup=Lookup(
        by_client_id={"clientOrderId": "{id}"},
        ended_by_client_id_s=lambda options: _TWO_HOURS_S,
        closed_orders_show_client_id=True,
        ended_orders=("fetch_closed_orders",),
        ended_page=100,
        ended_reach_s=_HALF_A_YEAR_S,
        open_params={"size": 500},
    ),
    trades=Trades(of_order=True, of_order_is_whole=True, page=500, window_s=_TWO_DAYS_S, newest_first=None),
    proven=BOTH_LINES,
)
HUOBI = dataclasses.replace(VENUE, ccxt_id="huobi", title="Huobi")
