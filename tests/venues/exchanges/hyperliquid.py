"""Hyperliquid's API, as its documentation has it: all questions to one path, all signed actions to another."""

from __future__ import annotations

import json
import re
import typing
from decimal import Decimal

from octobot_volume_booster.adapters.venues.wire import Request

from ..fake_venue import PRICES, FakeOrder, FakeTrade, FakeVenue, Routes
from ..wire import Answer

_TOKENS = {"BTC": ("UBTC", 5), "DOGE": ("DOGE", 0), "SHIB": ("SHIB", 0)}
_INDEX = {"BTC": 142, "DOGE": 143, "SHIB": 144}
_ASSET_OF_SPOT = 10_000
_TIFS = {"Ioc": "market", "Gtc": "limit", "Alo": "post_only"}
_STATUS = {"open": "open", "filled": "filled", "canceled": "canceled", "rejected": "rejected"}
MOST_FILLS = 2000


class FakeHyperliquid(FakeVenue):
    ccxt_id = tentacle = "hyperliquid"
    credentials: typing.ClassVar[dict[str, str]] = {"api-key": f"0x{'a1' * 20}", "api-secret": f"0x{'b2' * 32}"}
    fee_forms = ("base", "quote")
    quote = "USDC"

    def __init__(self) -> None:
        super().__init__()
        self.actions: list[str] = []
        """What was to be done, by the type of the action."""
        self.worst_price = Decimal(0)
        """Of the last market order."""

    def routes(self) -> Routes:
        return {("POST", "/info"): self._info, ("POST", "/exchange"): self._act}

    def refusal(self) -> Answer:
        return _done("order", [{"error": "Insufficient spot balance asset=10142"}])

    def _info(self, request: Request) -> Answer:
        asked = _content(request)
        answers: dict[str, typing.Callable[[dict[str, typing.Any]], typing.Any]] = {
            "spotMetaAndAssetCtxs": lambda _: _meta(),
            "spotMeta": lambda _: _meta()[0],
            "userAbstraction": lambda _: "default",
            "orderStatus": self._status,
            "frontendOpenOrders": lambda _: [_order(one) for one in self.orders if one.status == "open"],
            "userFillsByTime": self._fills,
            "userFills": self._last_fills,
        }
        return Answer(answers[asked["type"]](asked))

    def _status(self, asked: dict[str, typing.Any]) -> typing.Any:
        oid = asked["oid"]
        order = self.by_client_id(oid) if isinstance(oid, str) else self.by_id(str(oid))
        if order is None:
            return {"status": "unknownOid"}
        about = {"order": _order(order), "status": _STATUS[order.status], "statusTimestamp": order.time_ms}
        return {"status": "order", "order": about}

    def _fills(self, asked: dict[str, typing.Any]) -> typing.Any:
        """Oldest first, of all markets."""
        begin, end = asked["startTime"], asked.get("endTime")
        rows = [row for base in PRICES for row in self.trades(base, begin, end)]
        rows.sort(key=lambda row: row.time_ms)
        return [_fill(row) for row in rows[:MOST_FILLS]]

    def _last_fills(self, asked: dict[str, typing.Any]) -> typing.Any:
        """Newest first, of all markets."""
        rows = [row for base in PRICES for row in self.trades(base)]
        return [_fill(row) for row in sorted(rows, key=lambda row: -row.time_ms)[:MOST_FILLS]]

    def _act(self, request: Request) -> Answer:
        content = _content(request)
        assert set(content["signature"]) == {"r", "s", "v"}
        action = content["action"]
        self.actions.append(action["type"])
        if action["type"] == "order":
            return self._new_order(*action["orders"])
        if action["type"] == "cancel":
            return self._cancel(*action["cancels"])
        return Answer({"status": "ok", "response": {"type": "default"}})

    def _new_order(self, asked: dict[str, typing.Any]) -> Answer:
        if "c" in asked and not re.fullmatch("0x[0-9a-f]{32}", asked["c"]):
            return Answer("Failed to deserialize the JSON body into the target type", 422)
        kind, price = _TIFS[asked["t"]["limit"]["tif"]], Decimal(asked["p"])
        if kind == "market":
            self.worst_price = price
        order = self.take(
            client_id=asked.get("c"),
            base=next(base for base, index in _INDEX.items() if index + _ASSET_OF_SPOT == asked["a"]),
            side="buy" if asked["b"] else "sell",
            kind=kind,
            quantity=Decimal(asked["s"]),
            price=None if kind == "market" else price,
        )
        if order is None:
            return self.refusal()
        oid = int(order.order_id)
        filled = {"totalSz": f"{order.filled:f}", "avgPx": f"{order.average:f}", "oid": oid}
        return _done("order", [{"filled": filled} if order.filled else {"resting": {"oid": oid}}])

    def _cancel(self, asked: dict[str, typing.Any]) -> Answer:
        order = self.by_id(str(asked["o"]))
        if order is None or order.status != "open":
            text = f"Order was never placed, already canceled, or filled. asset={asked['a']}"
            return _done("cancel", [{"error": text}])
        self.cancel(order)
        return _done("cancel", ["success"])


def _content(request: Request) -> dict[str, typing.Any]:
    return typing.cast("dict[str, typing.Any]", json.loads(request.body or "{}"))


def _done(kind: str, statuses: list[typing.Any]) -> Answer:
    return Answer({"status": "ok", "response": {"type": kind, "data": {"statuses": statuses}}})


def _meta() -> list[typing.Any]:
    """What is listed and the present prices, in one answer; a price is found by the index of its market."""
    names = [("USDC", 8), *_TOKENS.values()]
    tokens = [
        {"name": name, "szDecimals": decimals, "weiDecimals": 8, "index": number, "tokenId": f"0x{number}",
         "isCanonical": number == 0, "evmContract": None, "fullName": None}
        for number, (name, decimals) in enumerate(names)
    ]  # fmt: skip
    universe = [
        {"tokens": [number, 0], "name": _coin(base), "index": _INDEX[base], "isCanonical": False}
        for number, base in enumerate(_TOKENS, start=1)
    ]
    prices = {_INDEX[base]: f"{PRICES[base]:f}" for base in _TOKENS}
    contexts = [
        {"coin": f"@{index}", "midPx": prices.get(index), "markPx": prices.get(index, "0"), "prevDayPx": "0",
         "dayNtlVlm": "0", "circulatingSupply": "0"}
        for index in range(max(prices) + 1)
    ]  # fmt: skip
    return [{"tokens": tokens, "universe": universe}, contexts]


def _order(order: FakeOrder) -> dict[str, typing.Any]:
    assert order.quantity is not None
    tif = {kind: tif for tif, kind in _TIFS.items()}[order.kind]
    return {
        "coin": _coin(order.base), "side": "B" if order.side == "buy" else "A",
        "limitPx": f"{order.price or PRICES[order.base]:f}", "sz": f"{order.quantity - order.filled:f}",
        "oid": int(order.order_id), "timestamp": order.time_ms, "triggerCondition": "N/A", "isTrigger": False,
        "triggerPx": "0.0", "children": [], "isPositionTpsl": False, "reduceOnly": False, "orderType": "Limit",
        "origSz": f"{order.quantity:f}", "tif": tif, "cloid": order.client_id,
    }  # fmt: skip


def _fill(trade: FakeTrade) -> dict[str, typing.Any]:
    order = trade.order
    return {
        "coin": _coin(order.base), "px": f"{trade.price:f}", "sz": f"{trade.quantity:f}",
        "side": "B" if order.side == "buy" else "A", "time": trade.time_ms, "startPosition": "0.0",
        "dir": "Buy" if order.side == "buy" else "Sell", "closedPnl": "0.0", "hash": f"0x{'0' * 64}",
        "oid": int(order.order_id), "crossed": not trade.is_maker, "fee": f"{trade.fee:f}",
        "tid": int(trade.trade_id), "feeToken": _TOKENS[trade.fee_asset][0] if trade.fee_asset in _TOKENS else "USDC",
    }  # fmt: skip


def _coin(base: str) -> str:
    return f"@{_INDEX[base]}"
