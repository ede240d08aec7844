"""Bybit's spot REST API v5 of a unified account, as its documentation has it: a creation answers with the ids only."""

from __future__ import annotations

import typing
from decimal import Decimal

from octobot_volume_booster.adapters.venues.wire import Request

from ..fake_venue import PRICES, FakeOrder, FakeTrade, FakeVenue, Routes
from ..wire import Answer

_WEEK_MS = 7 * 24 * 3600 * 1000
_STEPS = {"BTC": ("0.01", "0.000001"), "DOGE": ("0.00001", "0.1"), "SHIB": ("0.000000001", "1")}
_MOST_ORDERS, _MOST_TRADES = 50, 100


class FakeBybit(FakeVenue):
    ccxt_id = tentacle = "bybit"
    fee_forms = ("base", "quote", "own")
    own_coin = "MNT"

    def __init__(self) -> None:
        super().__init__()
        self.taxes = ""
        """JSON of what is charged beside the fee, as extraFees has it."""

    def routes(self) -> Routes:
        return {
            ("GET", "/v5/market/time"): lambda _: self._told({"timeSecond": str(self.now_ms() // 1000)}),
            ("GET", "/v5/market/instruments-info"): self._instruments,
            ("GET", "/v5/user/query-api"): lambda _: self._told({"unified": 0, "uta": 1}),
            ("GET", "/v5/account/info"): lambda _: self._told({"unifiedMarginStatus": 6}),
            ("POST", "/v5/order/create"): self._new_order,
            ("POST", "/v5/order/cancel"): self._cancel,
            ("GET", "/v5/order/realtime"): self._realtime,
            ("GET", "/v5/order/history"): self._history,
            ("GET", "/v5/execution/list"): self._executions,
        }

    def refusal(self) -> Answer:
        return self._failed(170131, "Insufficient balance.")

    def _told(self, result: dict[str, typing.Any]) -> Answer:
        return Answer({"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": self.now_ms()})

    def _failed(self, code: int, why: str) -> Answer:
        return Answer({"retCode": code, "retMsg": why, "result": {}, "retExtInfo": {}, "time": self.now_ms()})

    def _listed(self, rows: list[dict[str, typing.Any]]) -> Answer:
        return self._told({"category": "spot", "list": rows, "nextPageCursor": "cursor" if rows else ""})

    def _instruments(self, request: Request) -> Answer:
        return self._listed([_instrument(base) for base in PRICES] if request.query["category"] == "spot" else [])

    def _new_order(self, request: Request) -> Answer:
        """A market buy spends quote, and a market sell sells base, unless `marketUnit` says otherwise."""
        asked = request.json
        is_market, amount = asked["orderType"] == "Market", Decimal(asked["qty"])
        default = "quoteCoin" if asked["side"] == "Buy" else "baseCoin"
        is_quote = is_market and asked.get("marketUnit", default) == "quoteCoin"
        kind = "post_only" if asked.get("timeInForce") == "PostOnly" else asked["orderType"].lower()
        order = self.take(
            client_id=asked.get("orderLinkId"),
            base=_base(asked["symbol"]),
            side=asked["side"].lower(),
            kind=kind,
            quantity=None if is_quote else amount,
            quote_quantity=amount if is_quote else None,
            price=None if is_market else Decimal(asked["price"]),
        )
        if order is None:
            return self.refusal()
        return self._told({"orderId": order.order_id, "orderLinkId": order.client_id or ""})

    def _cancel(self, request: Request) -> Answer:
        order = self.by_id(request.json["orderId"])
        if order is None or order.status != "open":
            return self._failed(170213, "Order does not exist.")
        self.cancel(order)
        return self._told({"orderId": order.order_id, "orderLinkId": order.client_id or ""})

    def _realtime(self, request: Request) -> Answer:
        """Open orders; asked for by an id also recently ended ones."""
        asked = request.query
        if "orderId" in asked or "orderLinkId" in asked:
            named = self.by_id(asked["orderId"]) if "orderId" in asked else self.by_client_id(asked["orderLinkId"])
            return self._listed([] if named is None else [_row(named)])
        rows = self.open_orders(_base(asked["symbol"]))[::-1]
        return self._listed([_row(one) for one in rows[: min(int(asked.get("limit", 20)), _MOST_ORDERS)]])

    def _history(self, request: Request) -> Answer:
        asked = request.query
        rows = self.ended_orders(_base(asked["symbol"]))[::-1]
        rows = [one for one in rows if one.time_ms >= int(asked.get("startTime", 0)) and not self.hides_for]
        if "orderLinkId" in asked:
            rows = [one for one in rows if one.client_id == asked["orderLinkId"]]
        return self._listed([_row(one) for one in rows[: min(int(asked.get("limit", 20)), _MOST_ORDERS)]])

    def _executions(self, request: Request) -> Answer:
        """Newest first; with an id of the order whatever else is asked for is ignored."""
        asked, now_ms = request.query, self.now_ms() + 10_000
        if "orderId" in asked:
            rows = [trade for one in self.orders if one.order_id == asked["orderId"] for trade in one.trades]
        else:
            begin = int(asked.get("startTime", int(asked.get("endTime", now_ms)) - _WEEK_MS))
            end = int(asked.get("endTime", begin + _WEEK_MS))
            if end - begin > _WEEK_MS:
                return self._failed(10001, "The time range between startTime and endTime cannot exceed 7 days.")
            rows = self.trades(_base(asked["symbol"]), begin, end)
        newest = sorted(rows, key=lambda trade: trade.time_ms)[::-1]
        size = min(int(asked.get("limit", 50)), _MOST_TRADES)
        return self._listed([self._execution(trade) for trade in newest[:size]])

    def _execution(self, trade: FakeTrade) -> dict[str, typing.Any]:
        order = trade.order
        return {
            "symbol": f"{order.base}USDT", "orderId": order.order_id, "orderLinkId": order.client_id or "",
            "side": order.side.capitalize(), "orderPrice": f"{order.price or 0:f}",
            "orderQty": f"{order.quantity or 0:f}", "leavesQty": "0", "orderType": _type(order),
            "stopOrderType": "", "execFee": f"{trade.fee:f}", "execId": trade.trade_id,
            "execPrice": f"{trade.price:f}", "execQty": f"{trade.quantity:f}", "execType": "Trade",
            "execValue": f"{trade.quantity * trade.price:f}", "execTime": str(trade.time_ms),
            "feeCurrency": trade.fee_asset, "isMaker": trade.is_maker, "feeRate": "0.001", "seq": 1,
            "extraFees": self.taxes,
        }  # fmt: skip


def _instrument(base: str) -> dict[str, typing.Any]:
    tick, step = _STEPS[base]
    return {
        "symbol": f"{base}USDT", "baseCoin": base, "quoteCoin": "USDT", "innovation": "0", "status": "Trading",
        "marginTrading": "utaOnly", "priceFilter": {"tickSize": tick},
        "lotSizeFilter": {
            "basePrecision": step, "quotePrecision": "0.0000001", "minOrderQty": step, "maxOrderQty": "9000000000",
            "minOrderAmt": "5", "maxOrderAmt": "8000000",
        },
    }  # fmt: skip


def _row(order: FakeOrder) -> dict[str, typing.Any]:
    partly = "PartiallyFilled" if order.status == "open" else "PartiallyFilledCanceled"
    statuses = {"open": "New", "filled": "Filled", "canceled": "Cancelled"}
    is_partly = order.filled and order.status != "filled"
    amount = order.quantity if order.quantity is not None else order.quote_quantity or Decimal(0)
    left = amount - order.filled if order.status == "open" else Decimal(0)
    return {
        "orderId": order.order_id, "orderLinkId": order.client_id or "", "symbol": f"{order.base}USDT",
        "price": f"{order.price or 0:f}", "qty": f"{amount:f}", "side": order.side.capitalize(), "isLeverage": "0",
        "positionIdx": 0, "orderStatus": partly if is_partly else statuses[order.status], "cancelType": "UNKNOWN",
        "rejectReason": "EC_NoError", "avgPrice": f"{order.average:f}" if order.trades else "",
        "leavesQty": f"{left:f}", "leavesValue": "0", "cumExecQty": f"{order.filled:f}",
        "cumExecValue": f"{order.spent:f}", "orderType": _type(order), "stopOrderType": "",
        "timeInForce": {"post_only": "PostOnly", "market": "IOC"}.get(order.kind, "GTC"), "triggerPrice": "0",
        "marketUnit": "quoteCoin" if order.quantity is None else "baseCoin", "takeProfit": "0", "stopLoss": "0",
        "cumFeeDetail": _fees_of(order), "createdTime": str(order.time_ms), "updatedTime": str(order.time_ms),
    }  # fmt: skip


def _fees_of(order: FakeOrder) -> dict[str, str]:
    fees = sum((trade.fee for trade in order.trades), Decimal(0))
    return {order.trades[0].fee_asset: f"{fees:f}"} if order.trades else {}


def _type(order: FakeOrder) -> str:
    return "Market" if order.kind == "market" else "Limit"


def _base(symbol: str) -> str:
    return symbol.removesuffix("USDT")
