"""Crypto.com's Exchange API v1: a call in the body of a POST, signed by its parameters."""

from __future__ import annotations

import hashlib
import hmac
import json
import typing
from decimal import Decimal

from octobot_volume_booster.adapters.venues.wire import Request

from ..fake_venue import PRICES, FakeOrder, FakeTrade, FakeVenue, Routes
from ..wire import Answer

_STATUS = {"open": "ACTIVE", "filled": "FILLED", "canceled": "CANCELED", "rejected": "REJECTED"}
_STEPS = {"BTC": ("0.01", "0.00001"), "DOGE": ("0.00001", "1"), "SHIB": ("0.000000001", "1000")}
_PAGE, _ONE_DAY_MS = 100, 86_400_000


class FakeCryptocom(FakeVenue):
    ccxt_id = tentacle = "cryptocom"
    fee_forms = ("base", "quote", "own")
    own_coin = "CRO"

    def routes(self) -> Routes:
        root = "/exchange/v1/private"
        return {
            ("GET", "/exchange/v1/public/get-instruments"): lambda _: _result({"data": [_market(b) for b in PRICES]}),
            ("POST", f"{root}/create-order"): self._new_order,
            ("POST", f"{root}/get-order-detail"): self._find,
            ("POST", f"{root}/get-open-orders"): self._open_orders,
            ("POST", f"{root}/cancel-order"): self._cancel,
            ("POST", f"{root}/get-trades"): self._trades,
        }

    async def answer(self, request: Request) -> Answer:
        if request.method == "POST" and not _is_signed(request):
            return _error(40101, "UNAUTHORIZED", 401)
        return await super().answer(request)

    def refusal(self) -> Answer:
        return _error(306, "INSUFFICIENT_AVAILABLE_BALANCE", 500)

    def _new_order(self, request: Request) -> Answer:
        asked = _params(request)
        if len(asked.get("client_oid", "")) > 36:
            return _error(40004, "MISSING_OR_INVALID_ARGUMENT", 400)
        kind = asked["type"].lower()
        order = self.take(
            client_id=asked.get("client_oid"),
            base=_base(asked["instrument_name"]),
            side=asked["side"].lower(),
            kind="post_only" if "POST_ONLY" in asked.get("exec_inst", []) else kind,
            quantity=_number(asked.get("quantity")),
            quote_quantity=_number(asked.get("notional")),
            price=_number(asked.get("price")),
        )
        return self.refusal() if order is None else _result({"order_id": order.order_id, "client_oid": order.client_id})

    def _find(self, request: Request) -> Answer:
        asked = _params(request)
        order = self.by_id(asked["order_id"]) if "order_id" in asked else self.by_client_id(asked["client_oid"])
        return _error(40401, "NOT_FOUND", 200) if order is None else _result(_row(order))

    def _open_orders(self, request: Request) -> Answer:
        return _result({"data": [_row(one) for one in self.open_orders(_base(_params(request)["instrument_name"]))]})

    def _cancel(self, request: Request) -> Answer:
        order = self.by_id(_params(request)["order_id"])
        if order is None or order.status != "open":
            return _error(316, "NO_ACTIVE_ORDER", 500)
        self.cancel(order)
        return _result({"order_id": order.order_id, "client_oid": order.client_id})

    def _trades(self, request: Request) -> Answer:
        """The last ones before the end, newest first."""
        asked = _params(request)
        end = int(asked.get("end_time", self.now_ms() + 60_000))
        begin = int(asked.get("start_time", end - _ONE_DAY_MS))
        rows = self.trades(_base(asked["instrument_name"]), begin, end - 1)[::-1]
        return _result({"data": [_trade(row) for row in rows[: min(int(asked.get("limit", _PAGE)), _PAGE)]]})


def _is_signed(request: Request) -> bool:
    call = request.json
    said = f"{call['method']}{call['id']}{call['api_key']}{_said(call['params'])}{call['nonce']}"
    return call["sig"] == hmac.new(b"secret", said.encode(), hashlib.sha256).hexdigest()


def _said(params: dict[str, typing.Any]) -> str:
    """The parameters as the exchange puts them together for the signature."""
    return "".join(name + _value(params[name]) for name in sorted(params))


def _value(value: typing.Any) -> str:
    if value is None:
        return "null"
    return "".join(map(str, value)) if isinstance(value, list) else str(value)


def _params(request: Request) -> dict[str, typing.Any]:
    return typing.cast("dict[str, typing.Any]", json.loads(request.body or "{}")["params"])


def _result(content: dict[str, typing.Any]) -> Answer:
    return Answer({"id": 1, "method": "", "code": 0, "result": content})


def _error(code: int, message: str, status: int) -> Answer:
    return Answer({"id": 1, "method": "", "code": code, "message": message}, status)


def _market(base: str) -> dict[str, typing.Any]:
    tick, step = _STEPS[base]
    return {
        "symbol": f"{base}_USDT", "inst_type": "CCY_PAIR", "display_name": f"{base}/USDT", "base_ccy": base,
        "quote_ccy": "USDT", "quote_decimals": 9, "quantity_decimals": 5, "price_tick_size": tick,
        "qty_tick_size": step, "max_leverage": "50", "tradable": True, "expiry_timestamp_ms": 0,
        "beta_product": False, "margin_buy_enabled": False, "margin_sell_enabled": False,
    }  # fmt: skip


def _row(order: FakeOrder) -> dict[str, typing.Any]:
    fee = sum((trade.fee for trade in order.trades), Decimal(0))
    asset = order.trades[0].fee_asset if order.trades else "USDT"
    limit = {} if order.price is None else {"limit_price": f"{order.price:f}"}
    return {
        "account_id": "1", "order_id": order.order_id, "client_oid": order.client_id,
        "order_type": "MARKET" if order.kind == "market" else "LIMIT", "time_in_force": "GOOD_TILL_CANCEL",
        "side": order.side.upper(), "exec_inst": ["POST_ONLY"] if order.kind == "post_only" else [],
        "quantity": f"{order.quantity:f}", **limit, "order_value": f"{order.spent:f}",
        "avg_price": f"{order.average:f}", "trigger_price": "0", "ref_price": "0",
        "cumulative_quantity": f"{order.filled:f}",
        "cumulative_value": f"{order.spent:f}", "cumulative_fee": f"{fee:f}", "status": _STATUS[order.status],
        "update_user_id": "1", "order_date": "2023-06-15", "instrument_name": f"{order.base}_USDT",
        "fee_instrument_name": asset, "create_time": order.time_ms, "create_time_ns": f"{order.time_ms}000000",
        "update_time": order.time_ms,
    }  # fmt: skip


def _trade(trade: FakeTrade) -> dict[str, typing.Any]:
    """A fee that was paid is negative."""
    order = trade.order
    return {
        "account_id": "1", "event_date": "2023-06-16", "journal_type": "TRADING", "side": order.side.upper(),
        "instrument_name": f"{order.base}_USDT", "fees": f"{-trade.fee:f}", "trade_id": trade.trade_id,
        "trade_match_id": trade.trade_id[::-1], "create_time": trade.time_ms, "traded_price": f"{trade.price:f}",
        "traded_quantity": f"{trade.quantity:f}", "fee_instrument_name": trade.fee_asset,
        "client_oid": order.client_id, "taker_side": "MAKER" if trade.is_maker else "TAKER",
        "order_id": order.order_id, "create_time_ns": f"{trade.time_ms}000000",
    }  # fmt: skip


def _base(instrument: str) -> str:
    return instrument.removesuffix("_USDT")


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
