"""HTX's spot REST API, as its documentation has it."""

from __future__ import annotations

import json
import typing
from decimal import Decimal

from octobot_volume_booster.adapters.venues.wire import Request

from ..fake_venue import PRICES, FakeOrder, FakeTrade, FakeVenue, Routes
from ..wire import Answer

_STATES = {"open": "submitted", "filled": "filled", "canceled": "canceled"}
_PARTS = {"open": "partial-filled", "canceled": "partial-canceled"}
_DIGITS = {"BTC": (2, 6), "DOGE": (6, 2), "SHIB": (10, 2)}
_KINDS = {"market": "market", "limit": "limit", "limit-maker": "post_only"}
_HOUR_MS = 3_600_000
_ACCOUNT = 1000001


class FakeHtx(FakeVenue):
    """Fees that are paid with `own_coin` are told as points."""

    ccxt_id = tentacle = "htx"
    own_coin = "HT"
    fee_forms = ("base", "quote", "own")
    client_options: typing.ClassVar[dict[str, typing.Any]] = {"fetchMarkets": {"types": {"spot": True}}}

    def routes(self) -> Routes:
        return {
            ("GET", "/v1/common/symbols"): lambda _: _ok([_market(base) for base in PRICES]),
            ("GET", "/v1/common/timestamp"): lambda _: _ok(self.now_ms()),
            ("GET", "/v1/account/accounts"): lambda _: _ok(_ACCOUNTS),
            ("POST", "/v1/order/orders/place"): self._new_order,
            ("GET", "/v1/order/orders/getClientOrder"): self._find_by_client_id,
            ("GET", "/v1/order/orders/([0-9]+)/matchresults"): self._trades_of_order,
            ("GET", "/v1/order/orders/([0-9]+)"): lambda _, order_id: _found(self.by_id(order_id)),
            ("POST", "/v1/order/orders/([0-9]+)/submitcancel"): self._cancel,
            ("GET", "/v1/order/openOrders"): self._open_orders,
            ("GET", "/v1/order/orders"): self._ended_orders,
            ("GET", "/v1/order/matchresults"): self._trades,
        }

    def new_id(self) -> str:
        return str(345_487_249_000_000 + int(super().new_id()))

    def refusal(self) -> Answer:
        message = "trade account balance is not enough, left: `0.0027`"
        return _error("account-frozen-balance-insufficient-error", message)

    def _new_order(self, request: Request) -> Answer:
        asked = json.loads(request.body or "{}")
        side, _, kind = asked["type"].partition("-")
        if int(asked["account-id"]) != _ACCOUNT:
            return _error("account-account-id-inexistent", "account id is inexistent")
        if (kind == "market") is ("price" in asked) or asked.get("self-match-prevent", 0) not in (0, 1):
            return _error("order-invalid-price", "invalid price")
        spends_quote = (side, kind) == ("buy", "market")
        amount = Decimal(asked["amount"])
        order = self.take(
            client_id=asked.get("client-order-id"),
            base=_base(asked["symbol"]),
            side=side,
            kind=_KINDS[kind],
            quantity=None if spends_quote else amount,
            quote_quantity=amount if spends_quote else None,
            price=None if kind == "market" else Decimal(asked["price"]),
        )
        return self.refusal() if order is None else _ok(order.order_id)

    def _find_by_client_id(self, request: Request) -> Answer:
        order = self.by_client_id(request.query["clientOrderId"])
        age_ms = 0 if order is None else self.now_ms() - order.time_ms
        keeps_ms = (8 if order is not None and order.status == "open" else 2) * _HOUR_MS
        return _found(order if age_ms < keeps_ms else None)

    def _cancel(self, request: Request, order_id: str) -> Answer:
        order = self.by_id(order_id)
        if order is None or order.status != "open":
            return _error("order-orderstate-error", "the order state is error")
        self.cancel(order)
        return _ok(order_id)

    def _open_orders(self, request: Request) -> Answer:
        asked = request.query
        rows = self.open_orders(_base(asked["symbol"]))[::-1]
        return _ok([_open_row(order) for order in rows[: int(asked.get("size", 100))]])

    def _ended_orders(self, request: Request) -> Answer:
        """A window of 48 hours, by when an order was placed."""
        asked, wanted = request.query, request.query["states"].split(",")
        begin, end = int(asked["start-time"]), int(asked["end-time"])
        if end - begin > 48 * _HOUR_MS:
            return _error("invalid-interval", "invalid interval")
        orders = [one for one in self.ended_orders(_base(asked["symbol"]))[::-1] if begin <= one.time_ms <= end]
        return _ok([_row(one) for one in orders if _state(one) in wanted][: int(asked.get("size", 100))])

    def _trades_of_order(self, request: Request, order_id: str) -> Answer:
        return _ok([_trade(trade) for one in self.orders if one.order_id == order_id for trade in one.trades])

    def _trades(self, request: Request) -> Answer:
        """A window of 48 hours, by when the order was placed."""
        asked, end = request.query, int(request.query.get("end-time", self.now_ms()))
        begin = int(asked.get("start-time", end - 48 * _HOUR_MS))
        if end - begin > 48 * _HOUR_MS:
            return _error("invalid-interval", "invalid interval")
        rows = [one for one in self.trades(_base(asked["symbol"])) if begin <= one.order.time_ms <= end]
        return _ok([_trade(trade) for trade in rows[::-1][: int(asked.get("size", 100))]])


class FakeHuobi(FakeHtx):
    """The same exchange by its former name."""

    ccxt_id = tentacle = "huobi"


_ACCOUNTS = [
    {"id": _ACCOUNT + 1, "type": "otc", "subtype": "", "state": "working"},
    {"id": _ACCOUNT, "type": "spot", "subtype": "", "state": "working"},
]


def _ok(data: typing.Any) -> Answer:
    return Answer({"status": "ok", "data": data})


def _error(code: str, message: str) -> Answer:
    return Answer({"status": "error", "err-code": code, "err-msg": message, "data": None})


def _found(order: FakeOrder | None) -> Answer:
    return _error("base-record-invalid", "record invalid") if order is None else _ok(_row(order))


def _market(base: str) -> dict[str, typing.Any]:
    price_digits, quantity_digits = _DIGITS[base]
    return {
        "base-currency": base.lower(), "quote-currency": "usdt", "price-precision": price_digits,
        "amount-precision": quantity_digits, "symbol-partition": "main", "symbol": f"{base.lower()}usdt",
        "state": "online", "value-precision": 8, "min-order-amt": float(f"1e-{quantity_digits}"),
        "max-order-amt": 10_000_000_000, "min-order-value": 5, "limit-order-min-order-amt": 0.0001,
        "api-trading": "enabled", "tags": "",
    }  # fmt: skip


def _state(order: FakeOrder) -> str:
    return (_PARTS.get(order.status) if order.filled else None) or _STATES[order.status]


def _basics(order: FakeOrder) -> dict[str, typing.Any]:
    amount = order.quote_quantity if order.quantity is None else order.quantity
    return {
        "id": int(order.order_id), "symbol": f"{order.base.lower()}usdt", "account-id": _ACCOUNT,
        "client-order-id": order.client_id, "amount": f"{amount or 0:f}", "created-at": order.time_ms,
        "type": _type(order), "state": _state(order), "source": "spot-api", "ice-amount": "0", "is-ice": False,
    } | ({} if order.price is None else {"price": f"{order.price:f}"})  # fmt: skip


def _open_row(order: FakeOrder) -> dict[str, typing.Any]:
    fees = sum((trade.fee for trade in order.trades), Decimal(0))
    amounts = {"filled-amount": order.filled, "filled-cash-amount": order.spent, "filled-fees": fees}
    return _basics(order) | {name: f"{value:f}" for name, value in amounts.items()}


def _row(order: FakeOrder) -> dict[str, typing.Any]:
    """With the documented spelling: field for filled."""
    fees = sum((trade.fee for trade in order.trades), Decimal(0))
    amounts = {"field-amount": order.filled, "field-cash-amount": order.spent, "field-fees": fees}
    ended = 0 if order.status == "open" else order.time_ms + 1
    times = {"finished-at": ended, "canceled-at": ended if order.status == "canceled" else 0}
    return _basics(order) | {name: f"{value:f}" for name, value in amounts.items()} | times


def _type(order: FakeOrder) -> str:
    return f"{order.side}-{ {kind: name for name, kind in _KINDS.items()}[order.kind] }"


def _trade(trade: FakeTrade) -> dict[str, typing.Any]:
    order, is_by_points = trade.order, trade.fee_asset in ("HT", "HBPOINT")
    fee = {
        "filled-fees": "0" if is_by_points else f"{trade.fee:f}",
        "fee-currency": (order.base if order.side == "buy" else "USDT").lower(),
        "filled-points": f"{trade.fee:f}" if is_by_points else "0.0",
        "fee-deduct-currency": trade.fee_asset.lower() if is_by_points else "",
    }
    if not is_by_points:
        fee["fee-currency"] = trade.fee_asset.lower()
    return {
        "symbol": f"{order.base.lower()}usdt", "source": "spot-api", "price": f"{trade.price:f}",
        "created-at": trade.time_ms, "role": "maker" if trade.is_maker else "taker",
        "order-id": int(order.order_id), "match-id": 5014, "trade-id": int(trade.trade_id),
        "filled-amount": f"{trade.quantity:f}", "fee-deduct-state": "done", "id": int(trade.trade_id) + 7,
        "type": _type(order), **fee,
    }  # fmt: skip


def _base(market_id: str) -> str:
    return market_id.removesuffix("usdt").upper()
