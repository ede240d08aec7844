"""Coinbase, spot. Source: Coinbase's "Advanced Trade API", "Create Order", "List Orders", "List Fills".

ccxt makes an id of its own for every order, but what is given as `client_order_id` takes its place. An order can't be
asked for by it: an order whose answer was lost is searched for in the lists. A market buy is placed by the quote to
spend, which ccxt cuts to the step of the price; its fills tell their size in quote, and ccxt divides.
"""

from ...core.model.basics import OrderType, Side
from .record import BOTH_LINES, Arrival, ClientId, Lookup, MarketBuy, NotFound, Trades, Venue
from .wire import Fields, FlatOrder, Request, UnreadableRequestError, json_object

_KIND, _CONFIGURATION = "kind", "order_configuration"


def _is_order(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith("/brokerage/orders")


def _fields(request: Request) -> Fields:
    """The fields of an order beside those of its one configuration, whose name is its kind."""
    fields = dict(json_object(request))
    configurations = fields.pop(_CONFIGURATION, None)
    if not isinstance(configurations, dict) or len(configurations) != 1:
        raise UnreadableRequestError(f"{_CONFIGURATION} is not one")
    ((kind, configuration),) = configurations.items()
    if not isinstance(configuration, dict) or set(fields) & {_KIND, *configuration}:
        raise UnreadableRequestError(f"{_CONFIGURATION} is not known in this form")
    return {**fields, **configuration, _KIND: kind}


VENUE = Venue(
    ccxt_id="coinbase",
    title="Coinbase",
    is_order=_is_order,
    read_order=FlatOrder(
        fields_of=_fields,
        client_id="client_order_id",
        market_id="product_id",
        side="side",
        order_type=_KIND,
        quantity="base_size",
        quote_quantity="quote_size",
        price="limit_price",
        sides={"BUY": Side.BUY, "SELL": Side.SELL},
        types={"market_market_ioc": (OrderType.MARKET, False), "limit_limit_gtc": (OrderType.LIMIT, False)},
        post_only=("post_only", (True,)),
        fixed={"post_only": (False, True)},
    ),
    client_id=ClientId(param="client_order_id"),
    market_buy=MarketBuy.QUOTE,
    arrival=Arrival(within_s=120.0),
    lookup=Lookup(
        closed_orders_show_client_id=True,
        ended_orders=("fetch_orders",),
        ended_page=1000,
        ended_until_param="until",
    ),
    not_found=NotFound(texts=("order with this orderid was not found",)),
    trades=Trades(page=100, newest_first=True, cursor_param="cursor", order_param="order_ids"),
    refusal_texts=('"error_response"',),
    proven=BOTH_LINES,
)
