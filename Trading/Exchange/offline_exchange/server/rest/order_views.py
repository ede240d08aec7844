"""Orders, trades and fees as Binance's signed routes write them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from ..engine.accounts import Account
from ..engine.orders import ZERO, Order, Party, Status, Trade
from .order_requests import Detail
from .routes import money


def new_order_body(order: Order, detail: Detail, trades: Sequence[Trade], now_ms: int) -> dict[str, Any]:
    """The answer to a new order, with its trades so far."""
    body: dict[str, Any] = {
        "symbol": order.request.market_id,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.request.client_order_id,
        "transactTime": now_ms,
    }
    if detail is Detail.ACK:
        return body
    body |= {**_standing(order), "workingTime": now_ms, **_prevention(order)}
    if detail is Detail.FULL:
        body["fills"] = [_fill(trade, order) for trade in trades]
    return body


def cancelled_body(order: Order, cancel_id: str, now_ms: int) -> dict[str, Any]:
    """The answer to a cancellation, which has an id of its own."""
    return {
        "symbol": order.request.market_id,
        "origClientOrderId": order.request.client_order_id,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": cancel_id,
        "transactTime": now_ms,
        **_standing(order),
        **_prevention(order),
    }


def _standing(order: Order) -> dict[str, Any]:
    """The state of an order, in the fields that every reply has."""
    return {
        "price": money(order.price_quote),
        "origQty": money(order.quantity_base),
        "executedQty": money(order.executed_base),
        "origQuoteOrderQty": money(order.request.spend_quote or ZERO),
        "cummulativeQuoteQty": money(order.executed_quote),
        "status": order.status.value,
        "timeInForce": order.request.time_in_force.value,
        "type": order.request.kind.value,
        "side": order.side.value,
    }


def _prevention(order: Order) -> dict[str, Any]:
    fields: dict[str, Any] = {"selfTradePreventionMode": order.request.self_trade_prevention.value}
    if order.status is Status.EXPIRED_IN_MATCH:
        fields["preventedQuantity"] = money(order.open_base)
    return fields


def order_body(order: Order) -> dict[str, Any]:
    """The current state of an order."""
    return {
        "symbol": order.request.market_id,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.request.client_order_id,
        **_standing(order),
        "stopPrice": money(ZERO),
        "icebergQty": money(ZERO),
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": True,
        "workingTime": order.created_ms,
        **_prevention(order),
    }


def _fill(trade: Trade, order: Order) -> dict[str, Any]:
    party = trade.buyer if trade.buyer.order_id == order.order_id else trade.seller
    return {
        "price": money(trade.price_quote),
        "qty": money(trade.quantity_base),
        "commission": money(party.fee),
        "commissionAsset": party.fee_asset,
        "tradeId": trade.trade_id,
    }


def my_trades(trade: Trade, account: str) -> Iterator[dict[str, Any]]:
    """The trade as the account sees it: once for each side that is its own."""
    for party, is_buyer in ((trade.buyer, True), (trade.seller, False)):
        if party.account == account:
            yield _my_trade(trade, party, is_buyer=is_buyer)


def _my_trade(trade: Trade, party: Party, *, is_buyer: bool) -> dict[str, Any]:
    return {
        "symbol": trade.market_id,
        "id": trade.trade_id,
        "orderId": party.order_id,
        "orderListId": -1,
        "price": money(trade.price_quote),
        "qty": money(trade.quantity_base),
        "quoteQty": money(trade.notional_quote),
        "commission": money(party.fee),
        "commissionAsset": party.fee_asset,
        "time": trade.time_ms,
        "isBuyer": is_buyer,
        "isMaker": trade.buyer_is_maker is is_buyer,
        "isBestMatch": True,
    }


def rates(maker: Decimal, taker: Decimal) -> dict[str, str]:
    """Shares of what is traded, for making and for taking."""
    return {"maker": money(maker), "taker": money(taker), "buyer": money(ZERO), "seller": money(ZERO)}


def plain_rate(rate: Decimal) -> str:
    """A rate as the wallet routes write it: no more digits than it has."""
    return f"{rate.normalize():f}"


def commission(account: Account) -> dict[str, Any]:
    """All rates of an account; it has no special ones and no discount."""
    nothing = rates(ZERO, ZERO)
    return {
        "standardCommission": rates(account.fees.maker_rate, account.fees.taker_rate),
        "specialCommission": nothing,
        "taxCommission": nothing,
        "discount": {
            "enabledForAccount": False,
            "enabledForSymbol": False,
            "discountAsset": "BNB",
            "discount": money(ZERO),
        },
    }
