"""Kraken's spot REST API, as its documentation has it: private reads are POST, errors come with status 200."""

from __future__ import annotations

import base64
import re
import typing
from decimal import Decimal

from octobot_volume_booster.adapters.venues.wire import Request

from ..fake_venue import PRICES, FakeOrder, FakeTrade, FakeVenue, Routes
from ..wire import Answer

_PAGE = 50
_CLIENT_ID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|[ -~]{1,18}"
_NAMES = {"BTC": ("XBT", "XXBT"), "DOGE": ("XDG", "XXDG"), "SHIB": ("SHIB", "SHIB")}
_DECIMALS = {"BTC": (1, 8), "DOGE": (7, 8), "SHIB": (8, 5)}
_STATUS = {"open": "open", "filled": "closed", "canceled": "canceled"}


class FakeKraken(FakeVenue):
    ccxt_id = tentacle = "kraken"
    credentials: typing.ClassVar[dict[str, str]] = {
        "api-key": "key",
        "api-secret": base64.b64encode(b"secret").decode(),
    }
    fee_forms = ("quote",)

    def routes(self) -> Routes:
        return {
            ("GET", "/0/public/AssetPairs"): lambda _: _result(dict(map(_market, PRICES))),
            ("GET", "/0/public/Time"): lambda _: _result({"unixtime": self.now_ms() // 1000}),
            ("POST", "/0/private/AddOrder"): self._new_order,
            ("POST", "/0/private/QueryOrders"): self._find,
            ("POST", "/0/private/OpenOrders"): self._open_orders,
            ("POST", "/0/private/ClosedOrders"): self._closed_orders,
            ("POST", "/0/private/CancelOrder"): self._cancel,
            ("POST", "/0/private/TradesHistory"): self._history,
        }

    def new_id(self) -> str:
        text = f"{super().new_id():0>17}"
        return f"O{text[:5]}-{text[5:10]}-{text[10:]}"

    def refusal(self) -> Answer:
        return _error("EOrder:Insufficient funds")

    def _new_order(self, request: Request) -> Answer:
        form = request.form
        client_id = form.get("cl_ord_id")
        if client_id is not None and not re.fullmatch(_CLIENT_ID, client_id):
            return _error("EGeneral:Invalid arguments:cl_ord_id")
        flags, kind = form.get("oflags", "").split(","), form["ordertype"]
        in_quote = "viqc" in flags
        order = self.take(
            client_id=client_id,
            base=_base(form["pair"]),
            side=form["type"],
            kind="post_only" if "post" in flags else kind,
            quantity=None if in_quote else Decimal(form["volume"]),
            quote_quantity=Decimal(form["volume"]) if in_quote else None,
            price=Decimal(form["price"]) if kind == "limit" else None,
        )
        return (
            self.refusal() if order is None else _result({"descr": {"order": _said(order)}, "txid": [order.order_id]})
        )

    def _find(self, request: Request) -> Answer:
        order = self.by_id(request.form["txid"])
        return _error("EOrder:Unknown order") if order is None else _result({order.order_id: _row(order)})

    def _open_orders(self, request: Request) -> Answer:
        found = [one for one in self.orders if one.status == "open" and _is_asked_for(one, request)]
        return _result({"open": {one.order_id: _row(one) for one in found}})

    def _closed_orders(self, request: Request) -> Answer:
        ended = [one for one in self.orders if one.status != "open" and _is_asked_for(one, request)]
        page = ended[::-1][:_PAGE]
        return _result({"closed": {one.order_id: _row(one) for one in page}, "count": len(ended)})

    def _cancel(self, request: Request) -> Answer:
        order = self.by_id(request.form["txid"])
        if order is None or order.status != "open":
            return _error("EOrder:Unknown order")
        self.cancel(order)
        return _result({"count": 1})

    def _history(self, request: Request) -> Answer:
        form = request.form
        begin, end = float(form.get("start", 0)), float(form.get("end", "inf"))
        trades = [trade for base in PRICES for trade in self.trades(base) if begin < trade.time_ms / 1000 <= end]
        trades.sort(key=lambda trade: trade.time_ms, reverse=True)
        skipped = int(form.get("ofs", 0))
        page = trades[skipped : skipped + _PAGE]
        return _result({"trades": {trade.trade_id: _trade(trade) for trade in page}, "count": len(trades)})


def _result(content: dict[str, typing.Any]) -> Answer:
    return Answer({"error": [], "result": content})


def _error(text: str) -> Answer:
    return Answer({"error": [text]})


def _is_asked_for(order: FakeOrder, request: Request) -> bool:
    form = request.form
    is_ours = form.get("cl_ord_id", order.client_id) == order.client_id
    return is_ours and order.time_ms / 1000 > float(form.get("start", 0))


def _market(base: str) -> tuple[str, dict[str, typing.Any]]:
    (name, asset), (price_decimals, lot_decimals) = _NAMES[base], _DECIMALS[base]
    return f"{name}USDT", {
        "altname": f"{name}USDT", "wsname": f"{name}/USDT", "aclass_base": "currency", "base": asset,
        "aclass_quote": "currency", "quote": "USDT", "lot": "unit", "cost_decimals": 8, "pair_decimals": price_decimals,
        "lot_decimals": lot_decimals, "lot_multiplier": 1, "leverage_buy": [], "leverage_sell": [],
        "fees": [[0, 0.4]], "fees_maker": [[0, 0.25]], "fee_volume_currency": "ZUSD", "margin_call": 80,
        "margin_stop": 40, "ordermin": "0.00005", "costmin": "0.5", "tick_size": f"1e-{price_decimals}",
        "status": "online",
    }  # fmt: skip


def _said(order: FakeOrder) -> str:
    at = "market" if order.price is None else f"limit {order.price:f}"
    return f"{order.side} {order.quantity or order.quote_quantity:.8f} {_NAMES[order.base][0]}USDT @ {at}"


def _row(order: FakeOrder) -> dict[str, typing.Any]:
    fee = sum((trade.fee for trade in order.trades), Decimal(0))
    ended = {} if order.status == "open" else {"closetm": order.time_ms / 1000, "reason": None}
    return {
        "refid": None, "userref": None, "cl_ord_id": order.client_id, "status": _STATUS[order.status],
        "opentm": order.time_ms / 1000, "starttm": 0, "expiretm": 0,
        "descr": {
            "pair": f"{_NAMES[order.base][0]}USDT", "type": order.side,
            "ordertype": "limit" if order.kind == "post_only" else order.kind, "price": f"{order.price or 0:f}",
            "price2": "0", "leverage": "none", "order": _said(order), "close": "",
        },
        "vol": f"{order.quantity:.8f}", "vol_exec": f"{order.filled:.8f}", "cost": f"{order.spent:.5f}",
        "fee": f"{fee:.5f}", "price": f"{order.average:.8f}", "stopprice": "0.00000", "limitprice": "0.00000",
        "misc": "", "oflags": "fciq,post" if order.kind == "post_only" else "fciq", **ended,
        "trades": [trade.trade_id for trade in order.trades],
    }  # fmt: skip


def _trade(trade: FakeTrade) -> dict[str, typing.Any]:
    order = trade.order
    return {
        "ordertxid": order.order_id, "postxid": "TKH2SE-M7IF5-CFI7LT", "pair": f"{_NAMES[order.base][0]}USDT",
        "aclass": "forex", "time": trade.time_ms / 1000, "type": order.side,
        "ordertype": "market" if order.kind == "market" else "limit", "price": f"{trade.price:f}",
        "cost": f"{trade.quantity * trade.price:f}", "fee": f"{trade.fee:f}", "vol": f"{trade.quantity:.8f}",
        "margin": "0.00000", "leverage": "0", "misc": "", "trade_id": int(trade.trade_id[-7:]),
        "maker": trade.is_maker,
    }  # fmt: skip


def _base(pair: str) -> str:
    return next(base for base, (name, _) in _NAMES.items() if pair == f"{name}USDT")
