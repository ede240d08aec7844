"""OKX's spot REST API v5, as its documentation has it: answers with code 0 hold a list, ids and numbers are strings."""

from __future__ import annotations

import typing
from decimal import Decimal

from octobot_volume_booster.adapters.venues.wire import Request

from ..fake_venue import PRICES, FakeOrder, FakeTrade, FakeVenue, Routes
from ..wire import Answer

_MOST_ROWS = 100
_STATES = {"filled": "filled", "canceled": "canceled"}
_STEPS = {"BTC": ("0.1", "0.00000001"), "DOGE": ("0.00001", "0.000001"), "SHIB": ("0.000000001", "1")}


class FakeOkx(FakeVenue):
    ccxt_id = tentacle = "okx"
    fee_forms = ("base", "quote")

    def routes(self) -> Routes:
        return {
            ("GET", "/api/v5/public/time"): lambda _: _told([{"ts": str(self.now_ms())}]),
            ("GET", "/api/v5/public/instruments"): _instruments,
            ("POST", "/api/v5/trade/order"): lambda request: self._new_order(request.json),
            ("POST", "/api/v5/trade/batch-orders"): lambda request: self._new_order(*request.json),
            ("GET", "/api/v5/trade/order"): self._find,
            ("POST", "/api/v5/trade/cancel-order"): self._cancel,
            ("GET", "/api/v5/trade/orders-pending"): self._pending,
            ("GET", "/api/v5/trade/fills-history"): self._fills,
        }

    def refusal(self) -> Answer:
        return _failed({"ordId": "", "sCode": "51008", "sMsg": "Order failed. Insufficient USDT balance in account."})

    def _new_order(self, asked: dict[str, typing.Any]) -> Answer:
        amount = Decimal(asked["sz"])
        default = "quote_ccy" if asked["side"] == "buy" else "base_ccy"
        is_quote = asked["ordType"] == "market" and asked.get("tgtCcy", default) == "quote_ccy"
        order = self.take(
            client_id=asked.get("clOrdId"),
            base=_base(asked["instId"]),
            side=asked["side"],
            kind=asked["ordType"],
            quantity=None if is_quote else amount,
            quote_quantity=amount if is_quote else None,
            price=Decimal(asked["px"]) if "px" in asked else None,
        )
        if order is None:
            return self.refusal()
        told = {"clOrdId": order.client_id, "ordId": order.order_id, "tag": "", "ts": str(order.time_ms)}
        return _told([{**told, "sCode": "0", "sMsg": ""}])

    def _find(self, request: Request) -> Answer:
        asked = request.query
        found = self.by_id(asked["ordId"]) if "ordId" in asked else self.by_client_id(asked["clOrdId"])
        if found is None:
            return Answer({"code": "51603", "data": [], "msg": "Order does not exist"})
        return _told([_row(found)])

    def _cancel(self, request: Request) -> Answer:
        order = self.by_id(request.json["ordId"])
        if order is None or order.status != "open":
            why = "Cancellation failed as the order has been filled, canceled or does not exist."
            return _failed({"clOrdId": "", "ordId": request.json["ordId"], "sCode": "51400", "sMsg": why})
        self.cancel(order)
        return _told([{"clOrdId": order.client_id, "ordId": order.order_id, "sCode": "0", "sMsg": ""}])

    def _pending(self, request: Request) -> Answer:
        rows = [_row(one) for one in self.open_orders(_base(request.query["instId"]))]
        return _told(rows[::-1][:_MOST_ROWS])

    def _fills(self, request: Request) -> Answer:
        asked = request.query
        until = int(asked["end"]) if "end" in asked else None
        rows = self.trades(_base(asked["instId"]), int(asked.get("begin", 0)), until)[::-1]
        if "ordId" in asked:
            rows = [trade for trade in rows if trade.order.order_id == asked["ordId"]]
        return _told([_fill(trade) for trade in rows[: min(int(asked.get("limit", _MOST_ROWS)), _MOST_ROWS)]])


class FakeMyOkx(FakeOkx):
    """The same interface for accounts of the European Economic Area, on a host of its own."""

    ccxt_id = tentacle = "myokx"


class FakeOkxUs(FakeOkx):
    """The same interface for accounts of the United States, on a host of its own."""

    ccxt_id = tentacle = "okxus"


def _told(rows: list[dict[str, typing.Any]]) -> Answer:
    return Answer({"code": "0", "msg": "", "data": rows})


def _failed(row: dict[str, typing.Any]) -> Answer:
    return Answer({"code": "1", "msg": "All operations failed", "data": [row], "inTime": "1", "outTime": "2"})


def _instruments(request: Request) -> Answer:
    return _told([_instrument(base) for base in PRICES] if request.query["instType"] == "SPOT" else [])


def _instrument(base: str) -> dict[str, typing.Any]:
    tick, step = _STEPS[base]
    return {
        "instType": "SPOT", "instId": f"{base}-USDT", "baseCcy": base, "quoteCcy": "USDT", "settleCcy": "", "uly": "",
        "lotSz": step, "minSz": step, "tickSz": tick, "maxLmtSz": "9999999999", "maxMktSz": "1000000",
        "maxLmtAmt": "20000000", "maxMktAmt": "1000000", "lever": "10", "state": "live", "listTime": "1548133413000",
        "ctVal": "", "expTime": "", "instFamily": "", "ruleType": "normal", "tradeQuoteCcyList": ["USDT"],
    }  # fmt: skip


def _row(order: FakeOrder) -> dict[str, typing.Any]:
    state = _STATES.get(order.status) or ("partially_filled" if order.filled else "live")
    is_by_quote = order.quantity is None
    last = order.trades[-1] if order.trades else None
    return {
        "instType": "SPOT", "instId": f"{order.base}-USDT", "ordId": order.order_id, "clOrdId": order.client_id or "",
        "side": order.side, "ordType": order.kind, "px": "" if order.price is None else f"{order.price:f}",
        "sz": f"{order.quote_quantity if is_by_quote else order.quantity:f}", "state": state, "tag": "",
        "tgtCcy": "quote_ccy" if is_by_quote else "base_ccy", "accFillSz": f"{order.filled:f}", "tdMode": "cash",
        "avgPx": f"{order.average:f}" if order.trades else "", "fillPx": f"{last.price:f}" if last else "",
        "fillSz": f"{last.quantity:f}" if last else "", "fillTime": str(last.time_ms) if last else "",
        "tradeId": last.trade_id if last else "", "fee": f"{-sum(trade.fee for trade in order.trades):f}",
        "feeCcy": last.fee_asset if last else "", "rebate": "0", "rebateCcy": "USDT", "reduceOnly": "false",
        "cTime": str(order.time_ms), "uTime": str(order.time_ms), "algoId": "", "posSide": "net", "lever": "",
        "slTriggerPx": "", "slOrdPx": "", "tpTriggerPx": "", "tpOrdPx": "", "cancelSource": "", "category": "normal",
    }  # fmt: skip


def _fill(trade: FakeTrade) -> dict[str, typing.Any]:
    order = trade.order
    return {
        "instType": "SPOT", "instId": f"{order.base}-USDT", "ordId": order.order_id, "clOrdId": order.client_id or "",
        "tradeId": trade.trade_id, "billId": f"68{trade.trade_id}", "side": order.side, "posSide": "net",
        "fillPx": f"{trade.price:f}", "fillSz": f"{trade.quantity:f}", "execType": "M" if trade.is_maker else "T",
        "fee": f"{-trade.fee:f}", "feeCcy": trade.fee_asset, "feeRate": "-0.001", "subType": "1", "tag": "",
        "ts": str(trade.time_ms), "fillTime": str(trade.time_ms), "tradeQuoteCcy": "USDT",
    }  # fmt: skip


def _base(instrument: str) -> str:
    return instrument.removesuffix("-USDT")
