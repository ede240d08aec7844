"""KuCoin, spot, the classic account and the hf one. Source: KuCoin's "Spot Trading, Orders" and its old endpoints.

A market buy takes `size`, a quantity. ccxt asks the exchange which kind the account is and keeps it in its option `hf`.
By the client's id a classic account shows open orders only, so that the list of ended orders is read too; an hf account
shows ended ones of three days, and answers with no order at all where it has none. A request must arrive within 5 s of
its time.
"""

from ...core.model.basics import OrderType
from .record import BOTH_LINES, Arrival, Lookup, NotFound, Params, Trades, Venue, refused
from .wire import FlatOrder, Request, json_object

_ORDERS = ("/api/v1/orders", "/api/v1/hf/orders")
_THREE_DAYS_S = 3 * 86_400.0
_WEEK_S = 7 * 86_400.0


def _is_order(request: Request) -> bool:
    return request.method == "POST" and request.path in _ORDERS


def _ended_by_client_id_s(options: Params) -> float:
    return _THREE_DAYS_S if options.get("hf") else 0.0


VENUE = Venue(
    ccxt_id="kucoin",
    title="KuCoin",
    is_order=_is_order,
    read_order=FlatOrder(
        fields_of=json_object,
        client_id="clientOid",
        market_id="symbol",
        side="side",
        order_type="type",
        quantity="size",
        quote_quantity="funds",
        price="price",
        types={"market": (OrderType.MARKET, False), "limit": (OrderType.LIMIT, False)},
        post_only=("postOnly", (True,)),
        fixed={"stp": ("CN",), "postOnly": (True, False)},
    ),
    order_params={"stp": "CN"},
    arrival=Arrival(within_s=5.0),
    lookup=Lookup(
        by_client_id={"clientOrderId": "{id}"},
        ended_by_client_id_s=_ended_by_client_id_s,
        closed_orders_show_client_id=True,
        ended_orders=("fetch_closed_orders",),
        ended_page=100,
        ended_params={"limit": 100},
        ended_reach_s=_WEEK_S,
        open_params={"pageSize": 500},
    ),
    not_found=NotFound(texts=("order does not exist", "order not exist", "order_not_exist"), empty_answer=True),
    trades=Trades(of_order=True, page=100, window_s=_WEEK_S, newest_first=True, params={"pageSize": 100}),
    cancels_all=True,
    no_refusal_texts=('"126033"', '"126044"', '"408000"'),
    proven=BOTH_LINES,
)
FUTURES = refused("kucoinfutures", "KuCoin Futures", "only the spot markets of KuCoin were tried")
