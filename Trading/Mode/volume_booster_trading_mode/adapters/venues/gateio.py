"""Gate, spot: of an account of its own, or of a unified one.

Sources: Gate's "API v4", "Create an order", "List orders", "Query single order details" and "Query personal trading
records". A market buy goes by quote, in steps of the price tick, which is what ccxt rounds an amount of quote to. An
order that has ended is not found by our id any more, but its list shows that. A parameter against self-trades is taken
only from members of a group for it, and is not sent.
"""

import typing

from ...core.model.basics import OrderType
from .record import BOTH_LINES, Arrival, ClientId, Lookup, MarketBuy, NotFound, Params, Trades, Venue
from .wire import FlatOrder, Request, WireOrder, json_object, one_of

_STATUSES = {"open": "open", "closed": "closed", "cancelled": "canceled"}
_TIMES_IN_FORCE: typing.Mapping[str, typing.Mapping[typing.Any, None]] = {
    "market": dict.fromkeys(("ioc",)),
    "limit": dict.fromkeys((None, "gtc", "poc")),
}

_FLAT = FlatOrder(
    fields_of=json_object,
    client_id="text",
    market_id="currency_pair",
    side="side",
    order_type="type",
    quantity="amount",
    price="price",
    types={"market": (OrderType.MARKET, False), "limit": (OrderType.LIMIT, False)},
    post_only=("time_in_force", ("poc",)),
    fixed={"account": ("spot", "unified")},
    market_buy_quantity_is_quote=True,
)


def _is_order(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith("orders")


def _read_order(request: Request) -> WireOrder:
    """:raises UnreadableRequestError: also for a limit order that may not rest."""
    fields = json_object(request)
    known = one_of("order type", fields.get("type"), _TIMES_IN_FORCE)
    one_of("time in force", fields.get("time_in_force"), known)
    return _FLAT(request)


def _order_row(row: Params) -> dict[str, typing.Any]:
    """ccxt takes the reason of an order's end for its state, and the quote of a unified account's buy for base."""
    told = row.get("info") or {}
    status, filled = _STATUSES.get(str(told.get("status"))), told.get("filled_amount")
    found: dict[str, typing.Any] = {} if status is None else {"status": status}
    return found if filled is None else {**found, "filled": float(filled)}


VENUE = Venue(
    ccxt_id="gateio",
    title="Gate",
    is_order=_is_order,
    read_order=_read_order,
    client_id=ClientId(longest=26, prefix="t-"),
    market_buy=MarketBuy.QUOTE,
    arrival=Arrival(within_s=60.0),
    lookup=Lookup(
        closed_orders_show_client_id=True,
        ended_orders=("fetch_closed_orders",),
        ended_page_param="page",
        open_page=100,
    ),
    not_found=NotFound(texts=("order_not_found", "client_id_not_found")),
    trades=Trades(page=1000, window_s=7 * 24 * 3600.0, offset_param="page", offset_counts_pages=True),
    no_refusal_texts=('"repeated_creation"',),
    order_row=_order_row,
    cancels_all=True,
    proven=BOTH_LINES,
)
