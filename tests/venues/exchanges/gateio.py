"""Gate's spot REST API v4, as its documentation has it: answers are bare, errors have a label, moments are seconds."""

from __future__ import annotations

import typing
from decimal import Decimal

from octobot_volume_booster.adapters.venues.wire import Request

from ..fake_venue import PRICES, FakeOrder, FakeTrade, FakeVenue, Routes
from ..wire import Answer

_DAY_S = 24 * 3600
_STEPS = {"BTC": (1, 6), "DOGE": (5, 2), "SHIB": (9, 0)}
"""Digits of price and amount."""
_KINDS = {"gtc": "limit", "ioc": "market", "poc": "post_only"}
_STATUSES = {"open": "open", "filled": "closed", "canceled": "cancelled"}


class FakeGateio(FakeVenue):
    ccxt_id = tentacle = "gateio"
    fee_forms = ("base", "quote", "own")
    own_coin = "GT"
    account = "spot"
    mode = 1
    """Of the account: 1 classic, 2 unified."""

    def __init__(self) -> None:
        super().__init__()
        self.ends_as = ""
        """Why orders end, where it is nothing ordinary: stp, depth_not_enough..."""

    def routes(self) -> Routes:
        return {
            ("GET", "/api/v4/account/detail"): lambda _: Answer({"user_id": 1, "key": {"mode": self.mode}, "tier": 0}),
            ("GET", "/api/v4/spot/time"): lambda _: Answer({"server_time": self.now_ms()}),
            ("GET", "/api/v4/spot/currency_pairs"): lambda _: Answer([_pair(base) for base in PRICES]),
            ("GET", "/api/v4/(?:margin|futures|delivery|options)/.*"): lambda _: Answer([]),
            ("POST", "/api/v4/spot/orders"): self._new_order,
            ("GET", "/api/v4/spot/orders"): self._list,
            ("GET", "/api/v4/spot/orders/([^/]+)"): self._find,
            ("DELETE", "/api/v4/spot/orders/([^/]+)"): self._cancel,
            ("GET", "/api/v4/spot/open_orders"): lambda _: self._all_open(),
            ("GET", "/api/v4/spot/my_trades"): self._my_trades,
        }

    def refusal(self) -> Answer:
        return Answer({"label": "BALANCE_NOT_ENOUGH", "message": "Not enough balance"}, 400)

    def _new_order(self, request: Request) -> Answer:
        asked = request.json
        text = asked.get("text", "apiv4")
        if "text" in asked and (not text.startswith("t-") or len(text) > 30):
            return Answer({"label": "INVALID_PARAM_VALUE", "message": "invalid text"}, 400)
        kind, amount = _KINDS[asked.get("time_in_force", "gtc")], Decimal(asked["amount"])
        is_quote = asked["type"] == "market" and asked["side"] == "buy"
        order = self.take(
            client_id=text,
            base=_base(asked["currency_pair"]),
            side=asked["side"],
            kind=kind,
            quantity=None if is_quote else amount,
            quote_quantity=amount if is_quote else None,
            price=Decimal(asked["price"]) if asked["type"] == "limit" else None,
        )
        return self.refusal() if order is None else Answer(self._row(order), 201)

    def _find(self, request: Request, order_id: str) -> Answer:
        """By its own id; by the client's only as long as it is open."""
        found = self.by_id(order_id)
        if found is None and (found := self.by_client_id(order_id)) is not None and found.status != "open":
            found = None
        return _unknown(order_id) if found is None else Answer(self._row(found))

    def _cancel(self, request: Request, order_id: str) -> Answer:
        order = self.by_id(order_id)
        if order is None:
            return _unknown(order_id)
        if order.status != "open":
            return Answer({"label": "ORDER_CLOSED", "message": "order is closed"}, 400)
        self.cancel(order)
        return Answer(self._row(order))

    def _all_open(self) -> Answer:
        lists = {base: self.open_orders(base) for base in PRICES}
        return Answer(
            [
                {"currency_pair": f"{base}_USDT", "total": len(rows), "orders": [self._row(one) for one in rows[:100]]}
                for base, rows in lists.items()
                if rows
            ]
        )

    def _list(self, request: Request) -> Answer:
        asked = request.query
        rows = self.ended_orders(_base(asked["currency_pair"]))[::-1]
        rows = [one for one in rows if one.time_ms // 1000 >= int(asked.get("from", 0))]
        return Answer([self._row(one) for one in _page(rows, asked)])

    def _my_trades(self, request: Request) -> Answer:
        """Newest first; at most a week from the beginning, or to the end, that is asked for."""
        asked, now_s = request.query, self.now_ms() // 1000 + 10
        begin, end = (int(asked[name]) if name in asked else None for name in ("from", "to"))
        if begin is None:
            begin = (end or now_s) - 7 * _DAY_S
        if end is None:
            end = begin + 7 * _DAY_S
        if end - begin > 30 * _DAY_S:
            return Answer({"label": "INVALID_PARAM_VALUE", "message": "range exceeds 30 days"}, 400)
        rows = self.trades(_base(asked["currency_pair"]), begin * 1000, end * 1000 + 999)[::-1]
        if "order_id" in asked:
            rows = [trade for trade in rows if trade.order.order_id == asked["order_id"]]
        return Answer([_trade(trade) for trade in _page(rows, asked)])

    def _row(self, order: FakeOrder) -> dict[str, typing.Any]:
        amount = order.quantity if order.quantity is not None else order.quote_quantity or Decimal(0)
        done = order.filled if order.quantity is not None else order.spent
        last = order.trades[-1] if order.trades else None
        fee = sum((trade.fee for trade in order.trades), Decimal(0))
        is_own = last is not None and last.fee_asset == self.own_coin
        ended = {"open": "open", "filled": "filled", "canceled": self.ends_as or "cancelled"}
        moment = str(order.time_ms // 1000)
        return {
            "id": order.order_id, "text": order.client_id, "amend_text": "-", "create_time": moment,
            "update_time": moment, "create_time_ms": order.time_ms, "update_time_ms": order.time_ms,
            "status": _STATUSES[order.status], "finish_as": ended[order.status], "account": self.account,
            "currency_pair": f"{order.base}_USDT", "side": order.side, "iceberg": "0",
            "type": "market" if order.kind == "market" else "limit", "amount": f"{amount:f}",
            "time_in_force": {kind: name for name, kind in _KINDS.items()}[order.kind],
            "price": f"{order.price or 0:f}", "left": f"{amount - done:f}", "filled_amount": f"{order.filled:f}",
            "fill_price": f"{order.spent:f}", "filled_total": f"{order.spent:f}",
            "avg_deal_price": f"{order.average:f}", "fee": "0" if is_own else f"{fee:f}",
            "fee_currency": order.base if last is None or is_own else last.fee_asset, "point_fee": "0",
            "gt_fee": f"{fee:f}" if is_own else "0", "gt_maker_fee": "0", "gt_taker_fee": "0", "gt_discount": is_own,
            "rebated_fee": "0", "rebated_fee_currency": "USDT", "stp_id": 0, "stp_act": "-",
        }  # fmt: skip


class FakeGateioUnified(FakeGateio):
    """The same, of a unified account: orders have its name for their account."""

    variant = "gateio_unified"
    account = "unified"
    mode = 2


def _unknown(order_id: str) -> Answer:
    return Answer({"label": "ORDER_NOT_FOUND", "message": f"Order with ID {order_id} not found"}, 404)


def _page(rows: list[typing.Any], asked: dict[str, str]) -> list[typing.Any]:
    size = min(int(asked.get("limit", 100)), 1000)
    begin = (int(asked.get("page", 1)) - 1) * size
    return rows[begin : begin + size]


def _pair(base: str) -> dict[str, typing.Any]:
    digits, amount_digits = _STEPS[base]
    return {
        "id": f"{base}_USDT", "base": base, "quote": "USDT", "fee": "0.2", "min_quote_amount": "3",
        "amount_precision": amount_digits, "precision": digits, "trade_status": "tradable", "sell_start": 0,
        "buy_start": 0, "type": "normal",
    }  # fmt: skip


def _trade(trade: FakeTrade) -> dict[str, typing.Any]:
    order, is_own = trade.order, trade.fee_asset == FakeGateio.own_coin
    return {
        "id": trade.trade_id, "create_time": str(trade.time_ms // 1000), "create_time_ms": f"{trade.time_ms}.000",
        "currency_pair": f"{order.base}_USDT", "order_id": order.order_id, "side": order.side,
        "role": "maker" if trade.is_maker else "taker", "amount": f"{trade.quantity:f}", "price": f"{trade.price:f}",
        "fee": "0" if is_own else f"{trade.fee:f}", "fee_currency": order.base if is_own else trade.fee_asset,
        "point_fee": "0", "gt_fee": f"{trade.fee:f}" if is_own else "0", "sequence_id": trade.trade_id,
        "text": order.client_id, "amend_text": "-", "deal": f"{trade.quantity * trade.price:f}",
    }  # fmt: skip


def _base(pair: str) -> str:
    return pair.removesuffix("_USDT")
