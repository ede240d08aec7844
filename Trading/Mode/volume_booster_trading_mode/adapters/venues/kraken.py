"""Kraken, spot. Source: Kraken's REST API reference, "Add Order", "Query Orders Info", "Get Closed Orders",
"Get Trades History".

An order is named by Kraken's own id in a look-up; by ours (`cl_ord_id`, a UUID) only in the lists of open and of closed
orders, which both take it as a filter. The history of trades has all markets, 50 rows at a time, newest first, and goes
on by the number of rows to skip. `fciq` takes the fee in quote, for buys and sells alike.
"""

from ...core.model.basics import OrderType
from .record import BOTH_LINES, ClientId, IdForm, Lookup, NotFound, Trades, Venue
from .wire import FlatOrder, Request, form

_READS = (
    *("Balance", "BalanceEx", "ClosedOrders", "OpenOrders", "QueryOrders", "QueryTrades", "TradeVolume"),
    "TradesHistory",
)
_FEE_IN_QUOTE, _POST_ONLY = "fciq", "fciq,post"


def _is_order(request: Request) -> bool:
    return request.path.endswith(("/AddOrder", "/AddOrderBatch"))


def _is_read(request: Request) -> bool:
    return request.method == "GET" or request.path.endswith(tuple(f"/private/{name}" for name in _READS))


VENUE = Venue(
    ccxt_id="kraken",
    title="Kraken",
    is_order=_is_order,
    is_read=_is_read,
    read_order=FlatOrder(
        fields_of=form,
        client_id="cl_ord_id",
        market_id="pair",
        side="type",
        order_type="ordertype",
        quantity="volume",
        price="price",
        types={"market": (OrderType.MARKET, False), "limit": (OrderType.LIMIT, False)},
        post_only=("oflags", (_POST_ONLY,)),
        fixed={"oflags": (_FEE_IN_QUOTE, _POST_ONLY), "stptype": ("cancel-newest",)},
        others=frozenset({"nonce"}),
    ),
    client_id=ClientId(form=IdForm.UUID),
    order_params={"oflags": _FEE_IN_QUOTE, "stptype": "cancel-newest"},
    lookup=Lookup(
        closed_orders_show_client_id=True,
        ended_orders=("fetch_closed_orders",),
        ended_page=50,
        list_params={"clientOrderId": "{id}"},
    ),
    not_found=NotFound(texts=("eorder:unknown order", "eorder:invalid order")),
    trades=Trades(page=50, newest_first=True, offset_param="ofs", of_all_symbols=True),
    refusal_texts=("eorder:", "eaccount:", "eservice:market in", "eservice:deadline elapsed"),
    proven=BOTH_LINES,
)
