"""KuCoin's spot REST API, as its documentation has it: "Orders" of an hf account, and the old ones of a classic one."""

from __future__ import annotations

import json
import typing
from decimal import Decimal

from octobot_volume_booster.adapters.venues.wire import Request

from ..fake_venue import PRICES, FakeOrder, FakeTrade, FakeVenue, Routes
from ..wire import Answer

_STEPS = {"BTC": ("0.1", "0.00001"), "DOGE": ("0.00001", "0.0001"), "SHIB": ("0.000000001", "1")}
_THREE_DAYS_MS = 3 * 86_400_000
_WEEK_MS = 7 * 86_400_000
_SELF_TRADES = {"DC", "CO", "CN", "CB"}


class FakeKucoin(FakeVenue):
    """A classic account."""

    ccxt_id = tentacle = "kucoin"
    variant = "kucoin-classic"
    own_coin = "KCS"
    fee_forms = ("base", "quote", "own")
    is_hf: typing.ClassVar[bool] = False

    def routes(self) -> Routes:
        return {
            ("GET", "/api/v2/symbols"): lambda _: _ok([_market(base) for base in PRICES]),
            ("GET", "/api/v3/margin/symbols"): lambda _: _ok({"items": []}),
            ("GET", "/api/v1/isolated/symbols"): lambda _: _ok([]),
            ("GET", "/api/v1/market/allTickers"): lambda _: _ok({"ticker": [_ticker(base) for base in PRICES]}),
            ("GET", "/api/v1/timestamp"): lambda _: _ok(self.now_ms()),
            ("GET", "/api/v1/hf/accounts/opened"): lambda _: _ok(self.is_hf),
            **self.order_routes(),
        }

    def order_routes(self) -> Routes:
        return {
            ("POST", "/api/v1/orders"): self._new_order,
            ("GET", "/api/v1/orders/([^/]+)"): lambda _, order_id: self._found(self.by_id(order_id)),
            ("GET", "/api/v1/order/client-order/([^/]+)"): self._find_open,
            ("GET", "/api/v1/orders"): self._list,
            ("DELETE", "/api/v1/orders/([^/]+)"): self._cancel,
            ("DELETE", "/api/v1/orders"): self.cancel_all,
            ("GET", "/api/v1/fills"): self._fills,
        }

    def new_id(self) -> str:
        return f"670fd33bf9406e00{int(super().new_id()):08x}"

    def refusal(self) -> Answer:
        return _error("200004", "Balance insufficient!")

    def _new_order(self, request: Request) -> Answer:
        asked = json.loads(request.body or "{}")
        if not asked.get("clientOid") or len(asked["clientOid"]) > 40:
            return _error("400100", "validation.createOrder.clientOidIsRequired")
        amounts = {"size", "funds"} & set(asked)
        is_one = len(amounts) == 1 and (asked["type"] == "market" or ("size" in amounts and "price" in asked))
        if not is_one or asked.get("stp", "CN") not in _SELF_TRADES:
            return _error("400100", "Parameter Error")
        order = self.take(
            client_id=asked["clientOid"],
            base=_base(asked["symbol"]),
            side=asked["side"],
            kind="post_only" if asked.get("postOnly") else asked["type"],
            quantity=_number(asked.get("size")),
            quote_quantity=_number(asked.get("funds")),
            price=_number(asked.get("price")),
        )
        if order is None:
            return self.refusal()
        return _ok({"orderId": order.order_id, "clientOid": order.client_id})

    def _found(self, order: FakeOrder | None) -> Answer:
        return _error("400100", "The order does not exist.") if order is None else _ok(self.row(order))

    def _find_open(self, request: Request, client_id: str) -> Answer:
        order = self.by_client_id(client_id)
        return self._found(order if order is not None and order.status == "open" else None)

    def _list(self, request: Request) -> Answer:
        asked, base = request.query, _base(request.query["symbol"])
        orders = self.open_orders(base) if asked.get("status") == "active" else self.ended_orders(base)
        begin = int(asked.get("startAt", 0))
        shown = [order for order in orders[::-1] if begin <= order.time_ms <= begin + _WEEK_MS or not begin]
        return _ok({"items": [self.row(order) for order in shown[: _page(asked)]]})

    def _cancel(self, request: Request, order_id: str) -> Answer:
        order = self.by_id(order_id)
        if order is None or order.status != "open":
            return _error("400100", "order_not_exist_or_not_allow_to_cancel")
        self.cancel(order)
        return _ok({"cancelledOrderIds": [order_id]})

    def cancel_all(self, request: Request) -> Answer:
        orders = self.open_orders(_base(request.query["symbol"]))
        for order in orders:
            self.cancel(order)
        return _ok({"cancelledOrderIds": [order.order_id for order in orders]})

    def _fills(self, request: Request) -> Answer:
        asked = request.query
        return _ok({"items": [_fill(trade) for trade in self.fills_of(asked)[: _page(asked)]]})

    def fills_of(self, asked: dict[str, str]) -> list[FakeTrade]:
        """Newest first; an order's own whatever the time, else at most a week of them."""
        if "orderId" in asked:
            return [trade for one in self.orders for trade in one.trades if one.order_id == asked["orderId"]][::-1]
        end = int(asked.get("endAt", self.now_ms() + 1))
        begin = int(asked.get("startAt", end - _WEEK_MS))
        if end - begin > _WEEK_MS:
            return []
        return self.trades(_base(asked["symbol"]), begin, end)[::-1]

    def row(self, order: FakeOrder) -> dict[str, typing.Any]:
        return _row(order) | {"isActive": order.status == "open"}


class FakeKucoinHf(FakeKucoin):
    """An hf account."""

    variant = "kucoin-hf"
    is_hf = True

    def order_routes(self) -> Routes:
        return {
            ("POST", "/api/v1/hf/orders"): self._new_order,
            ("GET", "/api/v1/hf/orders/active"): self._active,
            ("GET", "/api/v1/hf/orders/done"): self._done,
            ("GET", "/api/v1/hf/orders/client-order/([^/]+)"): self._find_by_client_id,
            ("GET", "/api/v1/hf/orders/([^/]+)"): lambda _, order_id: self._found(self.by_id(order_id)),
            ("DELETE", "/api/v1/hf/orders/([^/]+)"): self._cancel,
            ("DELETE", "/api/v1/hf/orders"): self.cancel_all,
            ("GET", "/api/v1/hf/fills"): self._fills,
        }

    def new_trade_id(self) -> str:
        return str(11_732_720_444_000_000 + int(self.new_id()[-8:], 16))

    def _active(self, request: Request) -> Answer:
        return _ok([self.row(order) for order in self.open_orders(_base(request.query["symbol"]))])

    def _done(self, request: Request) -> Answer:
        asked = request.query
        orders, limit = self.ended_orders(_base(asked["symbol"]))[::-1], int(asked.get("limit", 20))
        if limit > 100:
            return _error("400100", "Parameter Error")
        begin = int(asked.get("startAt", 0))
        return _ok({"lastId": 0, "items": [self.row(one) for one in orders if one.time_ms >= begin][:limit]})

    def _find_by_client_id(self, request: Request, client_id: str) -> Answer:
        order = self.by_client_id(client_id)
        is_too_old = order is not None and order.status != "open" and self.now_ms() - order.time_ms > _THREE_DAYS_MS
        return self._found(None if is_too_old else order)

    def _found(self, order: FakeOrder | None) -> Answer:
        return _ok(None if order is None else self.row(order))

    def _cancel(self, request: Request, order_id: str) -> Answer:
        answer = super()._cancel(request, order_id)
        return answer if answer.content["code"] != "200000" else _ok({"orderId": order_id})

    def cancel_all(self, request: Request) -> Answer:
        super().cancel_all(request)
        return _ok("success")

    def _fills(self, request: Request) -> Answer:
        asked = request.query
        limit = int(asked.get("limit", 20))
        if limit > 100:
            return _error("400100", "Parameter Error")
        return _ok({"items": [_hf_fill(trade) for trade in self.fills_of(asked)[:limit]], "lastId": 0})

    def row(self, order: FakeOrder) -> dict[str, typing.Any]:
        left = "0" if order.quantity is None else f"{order.quantity - order.filled:f}"
        return _row(order) | {
            "active": order.status == "open", "inOrderBook": order.status == "open", "lastUpdatedAt": order.time_ms,
            "remainSize": left, "cancelledSize": left if order.status == "canceled" else "0", "tax": "0",
        }  # fmt: skip


def _ok(data: typing.Any) -> Answer:
    return Answer({"code": "200000", "data": data})


def _error(code: str, message: str) -> Answer:
    return Answer({"code": code, "msg": message})


def _page(asked: dict[str, str]) -> int:
    return max(10, min(int(asked.get("pageSize", 50)), 500))


def _market(base: str) -> dict[str, typing.Any]:
    tick, step = _STEPS[base]
    return {
        "symbol": f"{base}-USDT", "name": f"{base}-USDT", "baseCurrency": base, "quoteCurrency": "USDT",
        "feeCurrency": "USDT", "market": "USDS", "baseMinSize": step, "quoteMinSize": "0.1",
        "baseMaxSize": "10000000000", "quoteMaxSize": "99999999", "baseIncrement": step, "quoteIncrement": "0.000001",
        "priceIncrement": tick, "priceLimitRate": "0.1", "minFunds": "0.1", "isMarginEnabled": False,
        "enableTrading": True, "feeCategory": 1, "makerFeeCoefficient": "1.00", "takerFeeCoefficient": "1.00",
        "st": False,
    }  # fmt: skip


def _ticker(base: str) -> dict[str, typing.Any]:
    fees = {"takerFeeRate": "0.001", "makerFeeRate": "0.001", "takerCoefficient": "1", "makerCoefficient": "1"}
    return {"symbol": f"{base}-USDT", "symbolName": f"{base}-USDT", "last": f"{PRICES[base]:f}", **fees}


def _row(order: FakeOrder) -> dict[str, typing.Any]:
    fees = [trade.fee for trade in order.trades]
    return {
        "id": order.order_id, "symbol": f"{order.base}-USDT", "opType": "DEAL", "side": order.side,
        "type": "limit" if order.kind == "post_only" else order.kind, "price": f"{order.price or 0:f}",
        "size": f"{order.quantity or 0:f}", "funds": f"{order.quote_quantity or 0:f}",
        "dealFunds": f"{order.spent:f}", "dealSize": f"{order.filled:f}", "fee": f"{sum(fees):f}",
        "feeCurrency": "USDT", "stp": "CN", "stop": None, "timeInForce": "GTC", "postOnly": order.kind == "post_only",
        "hidden": False, "iceberg": False, "visibleSize": "0", "cancelAfter": 0, "channel": "API",
        "clientOid": order.client_id, "remark": None, "tags": None, "cancelExist": order.status == "canceled",
        "createdAt": order.time_ms, "tradeType": "TRADE",
    }  # fmt: skip


def _fill(trade: FakeTrade) -> dict[str, typing.Any]:
    order = trade.order
    return {
        "symbol": f"{order.base}-USDT", "tradeId": trade.trade_id, "orderId": order.order_id,
        "counterOrderId": "62aad6666e0e810001a8ea9a", "side": order.side,
        "liquidity": "maker" if trade.is_maker else "taker", "forceTaker": False, "price": f"{trade.price:f}",
        "size": f"{trade.quantity:f}", "funds": f"{trade.quantity * trade.price:f}", "fee": f"{trade.fee:f}",
        "feeRate": "0.001", "feeCurrency": trade.fee_asset, "stop": "", "tradeType": "TRADE",
        "type": "limit" if order.kind == "post_only" else order.kind, "createdAt": trade.time_ms,
    }  # fmt: skip


def _hf_fill(trade: FakeTrade) -> dict[str, typing.Any]:
    numbers = {"id": int(trade.trade_id) // 1000, "tradeId": int(trade.trade_id)}
    return _fill(trade) | numbers | {"taxRate": "0", "tax": "0"}


def _base(market_id: str) -> str:
    return market_id.removesuffix("-USDT")


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
