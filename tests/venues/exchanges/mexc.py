"""MEXC's spot REST API, as its documentation "Spot V3" has it."""

from __future__ import annotations

import typing
from decimal import Decimal

from octobot_volume_booster.adapters.venues.wire import Request

from ..fake_venue import PRICES, FakeOrder, FakeTrade, FakeVenue, Routes
from ..wire import Answer

_STATUS = {"open": "NEW", "filled": "FILLED", "canceled": "CANCELED"}
_DIGITS = {"BTC": (2, 6), "DOGE": (5, 2), "SHIB": (8, 0)}
_KINDS = {"MARKET": "market", "LIMIT": "limit", "LIMIT_MAKER": "post_only"}
_LONGEST_WINDOW_MS = 60_000


class FakeMexc(FakeVenue):
    """`newest_first` says which rows of too many trades are shown: the documentation does not."""

    ccxt_id = tentacle = "mexc"
    own_coin = "MX"

    def __init__(self) -> None:
        super().__init__()
        self.newest_first = True

    def routes(self) -> Routes:
        return {
            ("GET", "/api/v3/exchangeInfo"): lambda _: Answer({"symbols": [_market(base) for base in PRICES]}),
            ("POST", "/api/v3/order"): self._new_order,
            ("GET", "/api/v3/order"): self._find,
            ("DELETE", "/api/v3/order"): self._cancel,
            ("GET", "/api/v3/openOrders"): self._open_orders,
            ("DELETE", "/api/v3/openOrders"): self._cancel_all,
            ("GET", "/api/v3/myTrades"): self._my_trades,
            ("GET", "/api/v1/contract/detail"): lambda _: Answer({"success": True, "code": 0, "data": []}),
        }

    def new_id(self) -> str:
        return f"C02__{468615423963000000 + int(super().new_id())}"

    def refusal(self) -> Answer:
        return _error(30004, "Insufficient position")

    def _new_order(self, request: Request) -> Answer:
        asked = request.query
        if int(asked.get("recvWindow", 5_000)) > _LONGEST_WINDOW_MS:
            return _error(700005, "recvWindow must less than 60000")
        is_market_buy = (asked["type"], asked["side"]) == ("MARKET", "BUY")
        if is_market_buy is not ("quoteOrderQty" in asked) or len(asked.get("newClientOrderId", "")) > 32:
            return _error(-1128, "Combination of optional parameters invalid.")
        order = self.take(
            client_id=asked.get("newClientOrderId"),
            base=_base(asked["symbol"]),
            side=asked["side"].lower(),
            kind=_KINDS[asked["type"]],
            quantity=_number(asked.get("quantity")),
            quote_quantity=_number(asked.get("quoteOrderQty")),
            price=_number(asked.get("price")),
        )
        return self.refusal() if order is None else Answer(_receipt(order))

    def _find(self, request: Request) -> Answer:
        asked = request.query
        order = self.by_id(asked["orderId"]) if "orderId" in asked else self.by_client_id(asked["origClientOrderId"])
        return _error(-2013, "Order does not exist.") if order is None else Answer(_row(order))

    def _cancel(self, request: Request) -> Answer:
        order = self.by_id(request.query["orderId"])
        if order is None or order.status != "open":
            return _error(-2011, "Unknown order sent.")
        self.cancel(order)
        return Answer(_row(order))

    def _open_orders(self, request: Request) -> Answer:
        return Answer([_row(order) for order in self.open_orders(_base(request.query["symbol"]))])

    def _cancel_all(self, request: Request) -> Answer:
        orders = self.open_orders(_base(request.query["symbol"]))
        for order in orders:
            self.cancel(order)
        return Answer([_row(order) for order in orders])

    def _my_trades(self, request: Request) -> Answer:
        asked, end = request.query, request.query.get("endTime")
        rows = self.trades(_base(asked["symbol"]), int(asked.get("startTime", 0)))
        if end is not None:
            rows = [trade for trade in rows if trade.time_ms < int(end)]
        if "orderId" in asked:
            rows = [trade for trade in rows if trade.order.order_id == asked["orderId"]]
        limit = min(int(asked.get("limit", 100)), 100)
        shown = rows[::-1][:limit] if self.newest_first else rows[:limit]
        return Answer([_trade(trade, self.fee_in == "none") for trade in shown])


def _error(code: int, message: str) -> Answer:
    return Answer({"code": code, "msg": message}, 400)


def _market(base: str) -> dict[str, typing.Any]:
    price_digits, quantity_digits = _DIGITS[base]
    return {
        "symbol": f"{base}USDT", "status": "1", "baseAsset": base, "baseAssetPrecision": quantity_digits,
        "quoteAsset": "USDT", "quotePrecision": price_digits, "quoteAssetPrecision": price_digits,
        "baseCommissionPrecision": quantity_digits, "quoteCommissionPrecision": price_digits,
        "orderTypes": ["LIMIT", "MARKET", "LIMIT_MAKER"], "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False, "quoteAmountPrecision": "1", "baseSizePrecision": "0",
        "permissions": ["SPOT"], "filters": [], "maxQuoteAmount": "2000000", "makerCommission": "0",
        "takerCommission": "0.0005", "quoteAmountPrecisionMarket": "1", "maxQuoteAmountMarket": "100000",
    }  # fmt: skip


def _receipt(order: FakeOrder) -> dict[str, typing.Any]:
    return {
        "symbol": f"{order.base}USDT", "orderId": order.order_id, "orderListId": -1, "price": f"{order.price or 0:f}",
        "origQty": f"{order.quantity or order.filled:f}", "type": _type(order), "side": order.side.upper(),
        "transactTime": order.time_ms,
    }  # fmt: skip


def _row(order: FakeOrder) -> dict[str, typing.Any]:
    parts = {"open": "PARTIALLY_FILLED", "canceled": "PARTIALLY_CANCELED"} if order.filled else {}
    return {
        "symbol": f"{order.base}USDT", "orderId": order.order_id, "orderListId": -1, "clientOrderId": order.client_id,
        "price": f"{order.price or 0:f}", "origQty": f"{order.quantity or order.filled:f}",
        "executedQty": f"{order.filled:f}", "cummulativeQuoteQty": f"{order.spent:f}",
        "status": parts.get(order.status, _STATUS[order.status]), "timeInForce": None, "type": _type(order),
        "side": order.side.upper(), "stopPrice": None, "time": order.time_ms, "updateTime": order.time_ms,
        "isWorking": True, "origQuoteOrderQty": f"{order.quote_quantity or 0:f}",
    }  # fmt: skip


def _type(order: FakeOrder) -> str:
    return {kind: name for name, kind in _KINDS.items()}[order.kind]


def _trade(trade: FakeTrade, is_fee_untold: bool) -> dict[str, typing.Any]:
    order = trade.order
    fee = (None, None) if is_fee_untold else (f"{trade.fee:f}", trade.fee_asset)
    return {
        "symbol": f"{order.base}USDT", "id": trade.trade_id, "orderId": order.order_id, "orderListId": -1,
        "price": f"{trade.price:f}", "qty": f"{trade.quantity:f}", "quoteQty": f"{trade.quantity * trade.price:f}",
        "commission": fee[0], "commissionAsset": fee[1], "time": trade.time_ms, "isBuyer": order.side == "buy",
        "isMaker": trade.is_maker, "isBestMatch": True, "isSelfTrade": False, "clientOrderId": order.client_id,
    }  # fmt: skip


def _base(market_id: str) -> str:
    return market_id.removesuffix("USDT")


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
