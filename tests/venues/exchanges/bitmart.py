"""BitMart's spot REST API, as its documentation has it: orders v2 and v3, queries v4."""

from __future__ import annotations

import json
import typing
from decimal import Decimal

from octobot_volume_booster.adapters.venues.wire import Request

from ..fake_venue import PRICES, FakeOrder, FakeTrade, FakeVenue, Routes
from ..wire import Answer

_STATES = {"open": "new", "filled": "filled", "canceled": "canceled"}
_PARTS = {"open": "partially_filled", "canceled": "partially_canceled"}
_STEPS = {"BTC": (2, "0.00001"), "DOGE": (6, "0.01"), "SHIB": (10, "1")}
_KINDS = {"market": "market", "limit": "limit", "limit_maker": "post_only"}
_NEEDED = {
    ("market", "buy"): {"notional"},
    ("market", "sell"): {"size"},
    ("limit", "buy"): {"size", "price"},
    ("limit", "sell"): {"size", "price"},
}


class FakeBitmart(FakeVenue):
    """`newest_first` says which rows of too many trades are shown: the documentation does not."""

    ccxt_id = tentacle = "bitmart"
    own_coin = "BMX"
    fee_forms = ("base", "quote", "own")

    def __init__(self) -> None:
        super().__init__()
        self.newest_first = True

    def routes(self) -> Routes:
        return {
            ("GET", "/spot/v1/symbols/details"): lambda _: _ok({"symbols": [_market(base) for base in PRICES]}),
            ("GET", "/contract/public/details"): lambda _: _ok({"symbols": []}),
            ("GET", "/system/time"): lambda _: _ok({"server_time": self.now_ms()}),
            ("POST", "/spot/v2/submit_order"): self._new_order,
            ("POST", "/spot/v3/cancel_order"): self._cancel,
            ("POST", "/spot/v4/cancel_all"): self._cancel_all,
            ("POST", "/spot/v4/query/order"): lambda request: self._found(self.by_id(_asked(request)["orderId"])),
            ("POST", "/spot/v4/query/client-order"): self._find_by_client_id,
            ("POST", "/spot/v4/query/open-orders"): self._open_orders,
            ("POST", "/spot/v4/query/order-trades"): self._trades_of_order,
            ("POST", "/spot/v4/query/trades"): self._trades,
        }

    def refusal(self) -> Answer:
        return _error(50020, "Balance not enough")

    def _new_order(self, request: Request) -> Answer:
        asked = _asked(request)
        kind, client_id = asked["type"].removesuffix("_maker"), asked.get("client_order_id", "")
        if not _NEEDED[kind, asked["side"]] <= set(asked):
            return _error(50021, "Invalid parameter")
        if len(client_id) > 32:
            return _error(50037, "The maximum length of clientOrderId cannot exceed 32")
        if client_id and not client_id.isalnum():
            return _error(50038, "ClientOrderId only allows a combination of numbers and letters")
        order = self.take(
            client_id=client_id or None,
            base=_base(asked["symbol"]),
            side=asked["side"],
            kind=_KINDS[asked["type"]],
            quantity=_number(asked.get("size")),
            quote_quantity=_number(asked.get("notional")),
            price=_number(asked.get("price")),
        )
        return self.refusal() if order is None else _ok({"order_id": order.order_id})

    def _find_by_client_id(self, request: Request) -> Answer:
        return self._found(self.by_client_id(_asked(request)["clientOrderId"]))

    def _found(self, order: FakeOrder | None) -> Answer:
        return _error(50005, "Order Id not found") if order is None else _ok(_row(order))

    def _cancel(self, request: Request) -> Answer:
        order = self.by_id(_asked(request)["order_id"])
        if order is None:
            return _error(50032, "Order does not exist")
        if order.status != "open":
            return _error(50031, "Order is already completed")
        self.cancel(order)
        return _ok({"result": True})

    def _cancel_all(self, request: Request) -> Answer:
        for order in self.open_orders(_base(_asked(request)["symbol"])):
            self.cancel(order)
        return _ok({})

    def _open_orders(self, request: Request) -> Answer:
        return _ok([_row(order) for order in self.open_orders(_base(_asked(request)["symbol"]))])

    def _trades_of_order(self, request: Request) -> Answer:
        order = self.by_id(_asked(request)["orderId"])
        return _ok([_trade(trade) for trade in (order.trades if order else [])[:200]])

    def _trades(self, request: Request) -> Answer:
        asked = _asked(request)
        limit = asked.get("limit", 200)
        if not 1 <= limit <= 200:
            return _error(50000, "Bad Request [limit]")
        rows = self.trades(_base(asked["symbol"]), asked.get("startTime", 0), asked.get("endTime"))
        return _ok([_trade(trade) for trade in (rows[::-1][:limit] if self.newest_first else rows[:limit])])


def _asked(request: Request) -> dict[str, typing.Any]:
    return typing.cast("dict[str, typing.Any]", json.loads(request.body or "{}"))


def _ok(data: typing.Any) -> Answer:
    return Answer(
        {"message": "OK", "code": 1000, "trace": "619294ecef584282b26a3be322b1e01f.66.17403093228242229", "data": data}
    )


def _error(code: int, message: str) -> Answer:
    content = {"message": message, "code": code, "trace": "7c709d6a-3292-462c-98c5-32362540aeef", "data": {}}
    return Answer(content, 400)


def _market(base: str) -> dict[str, typing.Any]:
    price_digits, step = _STEPS[base]
    return {
        "symbol": f"{base}_USDT", "symbol_id": 1234, "base_currency": base, "quote_currency": "USDT",
        "quote_increment": step, "base_min_size": step, "price_min_precision": price_digits - 2,
        "price_max_precision": price_digits, "expiration": "NA", "min_buy_amount": "5.000000000000000000000000000000",
        "min_sell_amount": "5.000000000000000000000000000000", "trade_status": "trading",
    }  # fmt: skip


def _row(order: FakeOrder) -> dict[str, typing.Any]:
    state = _PARTS.get(order.status) if order.filled else None
    return {
        "orderId": order.order_id, "clientOrderId": order.client_id or "", "symbol": f"{order.base}_USDT",
        "side": order.side, "orderMode": "spot", "type": {kind: name for name, kind in _KINDS.items()}[order.kind],
        "state": state or _STATES[order.status], "cancelSource": "user" if order.status == "canceled" else "",
        "stpMode": "cancel_taker", "price": f"{order.price or 0:f}", "priceAvg": f"{order.average:f}",
        "size": f"{order.quantity or 0:f}", "filledSize": f"{order.filled:f}",
        "notional": f"{order.quote_quantity or 0:f}", "filledNotional": f"{order.spent:f}",
        "createTime": order.time_ms, "updateTime": order.time_ms,
    }  # fmt: skip


def _trade(trade: FakeTrade) -> dict[str, typing.Any]:
    order = trade.order
    return {
        "tradeId": trade.trade_id, "orderId": order.order_id, "clientOrderId": order.client_id or "",
        "symbol": f"{order.base}_USDT", "side": order.side, "orderMode": "spot", "type": order.kind, "stpMode": "",
        "price": f"{trade.price:f}", "size": f"{trade.quantity:f}", "notional": f"{trade.quantity * trade.price:f}",
        "fee": f"{trade.fee:f}", "feeCoinName": trade.fee_asset, "tradeRole": "maker" if trade.is_maker else "taker",
        "createTime": trade.time_ms, "updateTime": trade.time_ms,
    }  # fmt: skip


def _base(market_id: str) -> str:
    return market_id.removesuffix("_USDT")


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
