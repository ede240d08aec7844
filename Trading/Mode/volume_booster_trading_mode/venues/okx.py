"""OKX, spot. Source: OKX's "API guide", Order Book Trading, Trade."""

from ..core.market import OrderType
from .record import BOTH_LINES, Lookup, NotFound, Trades, Venue
from .wire import Fields, FlatOrder, Request, json_object, only_item


def _is_order(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith(("/trade/order", "/trade/batch-orders"))


def _fields(request: Request) -> Fields:
    return json_object(request) if request.path.endswith("/trade/order") else only_item(request)


VENUE = Venue(
    ccxt_id="okx",
    title="OKX",
    is_order=_is_order,
    read_order=FlatOrder(
        fields_of=_fields,
        client_id="clOrdId",
        market_id="instId",
        side="side",
        order_type="ordType",
        quantity="sz",
        price="px",
        types={
            "market": (OrderType.MARKET, False),
            "limit": (OrderType.LIMIT, False),
            "post_only": (OrderType.LIMIT, True),
        },
        fixed={"tgtCcy": ("base_ccy",), "tdMode": ("cash",), "stpMode": ("cancel_taker",)},
        others=frozenset({"tag"}),
    ),
    market_buy_params={"tgtCcy": "base_ccy"},
    order_params={"stpMode": "cancel_taker"},
    lookup=Lookup(by_client_id={"clOrdId": "{id}"}),
    not_found=NotFound(texts=("order does not exist",)),
    trades=Trades(page=100, newest_first=True),
    proven=BOTH_LINES,
)
