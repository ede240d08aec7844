"""What a client sends to place an order, read as Binance reads it. Pure."""

from __future__ import annotations

import enum

from ..engine.orders import Kind, Request, SelfTradePrevention, Side, TimeInForce
from ..market.markets import MarketRules
from .market_data import DEFAULT_SELF_TRADE_PREVENTION, ORDER_TYPES, SELF_TRADE_PREVENTIONS
from .query import CLIENT_ORDER_ID, DECIMAL_PLACES, ApiError, Query, both_missing, missing, not_required, not_valid
from .routes import decimals_of

_STOP_TYPES = {
    "STOP_LOSS": "Stop loss",
    "STOP_LOSS_LIMIT": "Stop loss limit",
    "TAKE_PROFIT": "Take profit",
    "TAKE_PROFIT_LIMIT": "Take profit limit",
}
_WANTED = {
    Kind.LIMIT: ("timeInForce", "quantity", "price"),
    Kind.LIMIT_MAKER: ("quantity", "price"),
    Kind.MARKET: (),
}
_UNWANTED = {
    Kind.LIMIT: ("quoteOrderQty",),
    Kind.LIMIT_MAKER: ("timeInForce", "quoteOrderQty"),
    Kind.MARKET: ("timeInForce", "price"),
}
_NEVER_WANTED = ("stopPrice", "trailingDelta", "icebergQty")


class Detail(enum.Enum):
    """How detailed the response to a new order is."""

    ACK = "ACK"
    RESULT = "RESULT"
    FULL = "FULL"


def read_request(query: Query, rules: MarketRules, made_up_id: str) -> tuple[Request, Detail]:
    """What a new order on a market asks for, and how much of an answer. Raises ApiError.

    `made_up_id` is its client order id if it brings none.
    """
    query.required("side")
    side = query.choice("side", Side, ApiError(-1117, "Invalid side.")) or Side.BUY
    kind = _kind(query)
    places = {"quantity": decimals_of(rules.step_base), "price": decimals_of(rules.tick_quote), "quoteOrderQty": 0}
    quantity, price, spend = (query.decimal(name, max(most, DECIMAL_PLACES)) for name, most in places.items())
    time_in_force = query.choice("timeInForce", TimeInForce, ApiError(-1115, "Invalid timeInForce."))
    _check_combination(query, kind)
    default = Detail.ACK if kind is Kind.LIMIT_MAKER else Detail.FULL
    detail = query.choice("newOrderRespType", Detail, ApiError(-1136, "Invalid newOrderRespType.")) or default
    client_id = query.text("newClientOrderId", CLIENT_ORDER_ID) or made_up_id
    terms = (time_in_force or TimeInForce.GTC, client_id, _self_trade_prevention(query))
    return Request(rules.id, side, kind, quantity, price, spend, *terms), detail


def _kind(query: Query) -> Kind:
    kind = query.required("type")
    if kind in _STOP_TYPES:
        raise ApiError(-1013, f"{_STOP_TYPES[kind]} orders are not supported for this symbol.")
    if kind not in ORDER_TYPES:
        raise ApiError(-1116, "Invalid orderType.")
    return Kind(kind)


def _self_trade_prevention(query: Query) -> SelfTradePrevention:
    mode = query.choice("selfTradePreventionMode", SelfTradePrevention, not_valid("selfTradePreventionMode"))
    mode = mode or SelfTradePrevention(DEFAULT_SELF_TRADE_PREVENTION)
    if mode.value not in SELF_TRADE_PREVENTIONS:
        raise ApiError(-1013, "This symbol does not allow the specified self-trade prevention mode.")
    return mode


def _check_combination(query: Query, kind: Kind) -> None:
    """Refuse a kind of order that lacks a parameter or has one too many."""
    for name in _WANTED[kind]:
        if name not in query.values:
            raise missing(name)
    for name in (*_UNWANTED[kind], *_NEVER_WANTED):
        if name in query.values:
            raise not_required(name)
    if kind is Kind.MARKET:
        sent = [name for name in ("quantity", "quoteOrderQty") if name in query.values]
        if not sent:
            raise both_missing("quantity", "quoteOrderQty")
        if len(sent) > 1:
            raise not_required("quoteOrderQty")
