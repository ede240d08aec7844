"""OKX, spot, with its two hosts for accounts of the EEA and of the United States.

Sources: OKX's "API guide" v5, "POST / Place order", "GET / Order details", "GET / Transaction details (last 3 months)"
and "Making requests". A market buy goes by quantity: without `banAmend` OKX trades less where the balance is short.
"""

import dataclasses

from ...core.model.basics import OrderType
from .record import BOTH_LINES, Arrival, Lookup, NotFound, Trades, Venue
from .wire import Fields, FlatOrder, Request, WireOrder, json_object, one_of, only_item


def _is_order(request: Request) -> bool:
    paths = ("/trade/order", "/trade/batch-orders", "/trade/order-algo")
    return request.method == "POST" and request.path.endswith(paths)


def _fields(request: Request) -> Fields:
    return only_item(request) if request.path.endswith("/trade/batch-orders") else json_object(request)


_FLAT = FlatOrder(
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
    fixed={"tgtCcy": ("base_ccy",), "tdMode": ("cash",), "stpMode": ("cancel_taker",), "banAmend": (True,)},
    others=frozenset({"tag"}),
)


def _read_order(request: Request) -> WireOrder:
    """:raises UnreadableRequestError: also for a market buy without a unit, whose quantity would be quote."""
    fields = _fields(request)
    if (fields.get("ordType"), fields.get("side")) == ("market", "buy"):
        one_of("unit of the quantity", fields.get("tgtCcy"), {"base_ccy": None})
    return _FLAT(request)


VENUE = Venue(
    ccxt_id="okx",
    title="OKX",
    is_order=_is_order,
    read_order=_read_order,
    market_buy_params={"tgtCcy": "base_ccy", "banAmend": True},
    order_params={"stpMode": "cancel_taker"},
    arrival=Arrival(within_s=30.0),
    lookup=Lookup(by_client_id={"clOrdId": "{id}"}),
    not_found=NotFound(texts=("order does not exist",)),
    trades=Trades(of_order=True, page=100, newest_first=True),
    no_refusal_texts=('"51016"',),
    proven=BOTH_LINES,
)
EEA = dataclasses.replace(VENUE, ccxt_id="myokx", title="OKX (EEA)")
US = dataclasses.replace(VENUE, ccxt_id="okxus", title="OKX (US)")
