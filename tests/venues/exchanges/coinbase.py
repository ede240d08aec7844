"""Coinbase's Advanced Trade API, as its documentation has it: requests bear a token made with a private key."""

from __future__ import annotations

import datetime
import typing
import uuid
from decimal import Decimal

from ccxt.static_dependencies.ecdsa import NIST256p, SigningKey

from octobot_volume_booster.adapters.venues.wire import Request

from ..fake_venue import PRICES, FakeOrder, FakeTrade, FakeVenue, Routes
from ..wire import Answer

_STATUS = {"open": "OPEN", "filled": "FILLED", "canceled": "CANCELLED"}
_STEPS = {"BTC": ("0.01", "0.00000001"), "DOGE": ("0.00001", "0.1"), "SHIB": ("0.00000001", "1")}
_MOST_FILLS, _MOST_ORDERS = 100, 1000


class FakeCoinbase(FakeVenue):
    ccxt_id = tentacle = "coinbase"
    credentials: typing.ClassVar[dict[str, str]] = {
        "api-key": "organizations/1/apiKeys/2",
        "api-secret": SigningKey.generate(curve=NIST256p).to_pem().decode(),
    }
    fee_forms = ("quote",)

    def routes(self) -> Routes:
        root = "/api/v3/brokerage"
        return {
            ("GET", f"{root}/market/products"): self._products,
            ("GET", f"{root}/transaction_summary"): lambda _: Answer({"fee_tier": {}}),
            ("GET", f"{root}/time"): lambda _: Answer({"epochMillis": str(self.now_ms())}),
            ("POST", f"{root}/orders"): self._new_order,
            ("POST", f"{root}/orders/batch_cancel"): self._cancel,
            ("GET", f"{root}/orders/historical/batch"): self._list,
            ("GET", f"{root}/orders/historical/fills"): self._fills,
            ("GET", f"{root}/orders/historical/([^/]+)"): self._find,
        }

    def new_id(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, super().new_id()))

    def refusal(self) -> Answer:
        return _refused("INSUFFICIENT_FUND", "Insufficient balance in source account", "PREVIEW_INSUFFICIENT_FUND")

    def _products(self, request: Request) -> Answer:
        is_spot = "product_type" not in request.query
        return Answer({"products": [_product(base) for base in PRICES] if is_spot else []})

    def _new_order(self, request: Request) -> Answer:
        content = request.json
        ((kind, configuration),) = content["order_configuration"].items()
        order = self.take(
            client_id=content["client_order_id"],
            base=_base(content["product_id"]),
            side=content["side"].lower(),
            kind={"market_market_ioc": "market", "limit_limit_gtc": "limit"}[kind]
            if not configuration.get("post_only")
            else "post_only",
            quantity=_number(configuration.get("base_size")),
            quote_quantity=_number(configuration.get("quote_size")),
            price=_number(configuration.get("limit_price")),
        )
        if order is None:
            return self.refusal()
        told = {
            "order_id": order.order_id, "product_id": f"{order.base}-USDT", "side": order.side.upper(),
            "client_order_id": order.client_id, "attached_order_id": "",
        }  # fmt: skip
        return Answer({"success": True, "success_response": told, "order_configuration": _configuration(order)})

    def _find(self, request: Request, order_id: str) -> Answer:
        order = self.by_id(order_id)
        if order is None:
            text = "order with this orderID was not found"
            return Answer({"error": "NOT_FOUND", "error_details": text, "message": text}, 404)
        return Answer({"order": _row(order)})

    def _list(self, request: Request) -> Answer:
        asked = request.query
        begin, end = _moment(asked.get("start_date"), 0), _moment(asked.get("end_date"), self.now_ms() + 1)
        found = [
            one
            for one in self.orders[::-1]
            if f"{one.base}-USDT" == asked.get("product_id", f"{one.base}-USDT")
            and _STATUS[one.status] == asked.get("order_status", _STATUS[one.status])
            and begin <= one.time_ms < end
        ]
        page = found[: min(int(asked.get("limit", _MOST_ORDERS)), _MOST_ORDERS)]
        has_next = len(page) < len(found)
        return Answer({"orders": [_row(one) for one in page], "has_next": has_next, "cursor": "1" if has_next else ""})

    def _cancel(self, request: Request) -> Answer:
        (order_id,) = request.json["order_ids"]
        order = self.by_id(order_id)
        is_open = order is not None and order.status == "open"
        if is_open:
            self.cancel(order)
        reason = "UNKNOWN_CANCEL_FAILURE_REASON" if is_open else "UNKNOWN_CANCEL_ORDER"
        return Answer({"results": [{"success": is_open, "failure_reason": reason, "order_id": order_id}]})

    def _fills(self, request: Request) -> Answer:
        asked = request.query
        begin, end = _moment(asked.get("start_sequence_timestamp"), 0), asked.get("end_sequence_timestamp")
        rows = self.trades(_base(asked["product_id"]), begin, _moment(end, self.now_ms() + 60_000))[::-1]
        rows = [row for row in rows if row.order.order_id == asked.get("order_ids", row.order.order_id)]
        limit, skipped = min(int(asked.get("limit", _MOST_FILLS)), _MOST_FILLS), int(asked.get("cursor", 0))
        rest = rows[skipped:]
        cursor = str(skipped + limit) if len(rest) > limit else ""
        return Answer({"fills": [_fill(row) for row in rest[:limit]], "cursor": cursor})


def _refused(error: str, message: str, preview: str) -> Answer:
    why = {"error": error, "message": message, "error_details": "", "preview_failure_reason": preview}
    return Answer({"success": False, "failure_reason": "UNKNOWN_FAILURE_REASON", "order_id": "", "error_response": why})


def _product(base: str) -> dict[str, typing.Any]:
    tick, step = _STEPS[base]
    return {
        "product_id": f"{base}-USDT", "price": f"{PRICES[base]:f}", "base_increment": step, "quote_increment": tick,
        "price_increment": tick, "quote_min_size": "1", "quote_max_size": "25000000", "base_min_size": step,
        "base_max_size": "280000000", "base_name": base, "quote_name": "Tether", "is_disabled": False, "new": False,
        "status": "online", "cancel_only": False, "limit_only": False, "post_only": False, "trading_disabled": False,
        "auction_mode": False, "product_type": "SPOT", "quote_currency_id": "USDT", "base_currency_id": base,
        "alias": "", "alias_to": [], "view_only": False,
    }  # fmt: skip


def _configuration(order: FakeOrder) -> dict[str, typing.Any]:
    if order.kind == "market":
        size = {"base_size": order.quantity} if order.quote_quantity is None else {"quote_size": order.quote_quantity}
        return {"market_market_ioc": {name: f"{value:f}" for name, value in size.items()}}
    return {
        "limit_limit_gtc": {
            "base_size": f"{order.quantity:f}", "limit_price": f"{order.price:f}",
            "post_only": order.kind == "post_only",
        }
    }  # fmt: skip


def _row(order: FakeOrder) -> dict[str, typing.Any]:
    fees = sum((trade.fee for trade in order.trades), Decimal(0))
    return {
        "order_id": order.order_id, "product_id": f"{order.base}-USDT", "user_id": "1",
        "order_configuration": _configuration(order), "side": order.side.upper(), "client_order_id": order.client_id,
        "status": _STATUS[order.status], "time_in_force": "GOOD_UNTIL_CANCELLED", "created_time": _time(order.time_ms),
        "completion_percentage": "0", "filled_size": f"{order.filled:f}", "average_filled_price": f"{order.average:f}",
        "fee": "", "number_of_fills": str(len(order.trades)), "filled_value": f"{order.spent:f}",
        "pending_cancel": False, "size_in_quote": order.quote_quantity is not None, "total_fees": f"{fees:f}",
        "size_inclusive_of_fees": False, "total_value_after_fees": f"{order.spent:f}",
        "trigger_status": "INVALID_ORDER_TYPE", "order_type": "MARKET" if order.kind == "market" else "LIMIT",
        "reject_reason": "REJECT_REASON_UNSPECIFIED", "settled": False, "product_type": "SPOT",
        "last_fill_time": None, "is_liquidation": False, "edit_history": [],
    }  # fmt: skip


def _fill(trade: FakeTrade) -> dict[str, typing.Any]:
    """The size is in quote where the order was placed by quote."""
    order, in_quote = trade.order, trade.order.quote_quantity is not None
    size = (trade.quantity * trade.price).quantize(Decimal("1e-16")) if in_quote else trade.quantity
    return {
        "entry_id": f"entry-{trade.trade_id}", "trade_id": trade.trade_id, "order_id": order.order_id,
        "trade_time": _time(trade.time_ms), "trade_type": "FILL", "price": f"{trade.price:f}", "size": f"{size:f}",
        "commission": f"{trade.fee:f}", "product_id": f"{order.base}-USDT", "sequence_timestamp": _time(trade.time_ms),
        "liquidity_indicator": "MAKER" if trade.is_maker else "TAKER", "size_in_quote": in_quote, "user_id": "1",
        "side": order.side.upper(),
    }  # fmt: skip


def _time(moment_ms: int) -> str:
    moment = datetime.datetime.fromtimestamp(moment_ms / 1000, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _moment(text: str | None, otherwise: int) -> int:
    if text is None:
        return otherwise
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
    return round(moment.timestamp() * 1000)


def _base(product_id: str) -> str:
    return product_id.removesuffix("-USDT")


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
