"""Bitget's spot REST API v2, as its documentation has it: code 00000 with data, numbers and ids are strings."""

from __future__ import annotations

import json
import typing
from decimal import Decimal

from octobot_volume_booster.adapters.venues.wire import Request

from ..fake_venue import PRICES, FakeOrder, FakeTrade, FakeVenue, Routes
from ..wire import Answer

_MOST_ROWS, _LONGEST_MS = 100, 90 * 24 * 3600 * 1000
_STATUSES = {"filled": "filled", "canceled": "cancelled"}
_STEPS = {"BTC": (2, 6), "DOGE": (5, 2), "SHIB": (9, 0)}
"""Digits of price and quantity."""


class FakeBitget(FakeVenue):
    ccxt_id = tentacle = "bitget"
    fee_forms = ("base", "quote", "own")
    own_coin = "BGB"

    def routes(self) -> Routes:
        return {
            ("GET", "/api/v2/public/time"): lambda _: self._told({"serverTime": str(self.now_ms())}),
            ("GET", "/api/v2/spot/public/symbols"): lambda _: self._told([_symbol(base) for base in PRICES]),
            ("GET", "/api/v2/(?:mix/market/contracts|margin/currencies)"): lambda *_: self._told([]),
            ("POST", "/api/v2/spot/trade/place-order"): self._new_order,
            ("POST", "/api/v2/spot/trade/cancel-order"): self._cancel,
            ("GET", "/api/v2/spot/trade/orderInfo"): self._find,
            ("GET", "/api/v2/spot/trade/unfilled-orders"): self._unfilled,
            ("GET", "/api/v2/spot/trade/history-orders"): self._history,
            ("GET", "/api/v2/spot/trade/fills"): self._fills,
        }

    def refusal(self) -> Answer:
        return self._failed("43012", "Insufficient balance")

    def _told(self, data: typing.Any) -> Answer:
        return Answer({"code": "00000", "msg": "success", "requestTime": self.now_ms(), "data": data})

    def _failed(self, code: str, why: str) -> Answer:
        return Answer({"code": code, "msg": why, "requestTime": self.now_ms(), "data": None}, 400)

    def _new_order(self, request: Request) -> Answer:
        asked = request.json
        is_market, amount = asked["orderType"] == "market", Decimal(asked["size"])
        is_quote = is_market and asked["side"] == "buy"
        is_post_only = not is_market and asked.get("force") == "post_only"
        order = self.take(
            client_id=asked.get("clientOid"),
            base=_base(asked["symbol"]),
            side=asked["side"],
            kind="post_only" if is_post_only else asked["orderType"],
            quantity=None if is_quote else amount,
            quote_quantity=amount if is_quote else None,
            price=None if is_market else Decimal(asked["price"]),
        )
        if order is None:
            return self.refusal()
        return self._told({"orderId": order.order_id, "clientOid": order.client_id})

    def _find(self, request: Request) -> Answer:
        """By its own id; by the client's only as long as it is not filled. An unknown one is an empty list."""
        asked = request.query
        found = self.by_id(asked["orderId"]) if "orderId" in asked else self.by_client_id(asked["clientOid"])
        if found is not None and "orderId" not in asked and found.status != "open":
            found = None
        return self._told([] if found is None else [_row(found)])

    def _cancel(self, request: Request) -> Answer:
        order = self.by_id(request.json["orderId"])
        if order is None or order.status != "open":
            return self._failed("43001", "The order does not exist")
        self.cancel(order)
        return self._told({"orderId": order.order_id, "clientOid": order.client_id})

    def _unfilled(self, request: Request) -> Answer:
        """Here the price of an order is called priceAvg, and the average of its trades basePrice."""
        rows = self.open_orders(_base(request.query["symbol"]))[::-1][:_MOST_ROWS]
        renamed = [{"priceAvg": f"{one.price or 0:f}", "basePrice": f"{one.average:f}"} for one in rows]
        shown = [{key: value for key, value in _row(one).items() if key != "price"} for one in rows]
        return self._told([row | names for row, names in zip(shown, renamed, strict=True)])

    def _history(self, request: Request) -> Answer:
        asked = request.query
        rows = self.ended_orders(_base(asked["symbol"]))[::-1]
        rows = [one for one in rows if one.time_ms >= int(asked.get("startTime", 0))]
        return self._told([_row(one) for one in rows[: min(int(asked.get("limit", 100)), _MOST_ROWS)]])

    def _fills(self, request: Request) -> Answer:
        asked, now_ms = request.query, self.now_ms() + 10_000
        begin, end = int(asked.get("startTime", now_ms - _LONGEST_MS)), int(asked.get("endTime", now_ms))
        if end - begin > _LONGEST_MS:
            return self._failed("40059", "The interval between startTime and endTime must not exceed 90 days")
        rows = self.trades(_base(asked["symbol"]), begin, end)[::-1]
        if "orderId" in asked:
            rows = [trade for trade in rows if trade.order.order_id == asked["orderId"]]
        return self._told([_fill(trade) for trade in rows[: min(int(asked.get("limit", 100)), _MOST_ROWS)]])


def _symbol(base: str) -> dict[str, typing.Any]:
    price_digits, digits = _STEPS[base]
    return {
        "symbol": f"{base}USDT", "baseCoin": base, "quoteCoin": "USDT", "minTradeAmount": "0",
        "maxTradeAmount": "900000000000000000000", "takerFeeRate": "0.001", "makerFeeRate": "0.001",
        "pricePrecision": str(price_digits), "quantityPrecision": str(digits), "quotePrecision": "8",
        "status": "online", "minTradeUSDT": "1", "buyLimitPriceRatio": "0.05", "sellLimitPriceRatio": "0.05",
    }  # fmt: skip


def _row(order: FakeOrder) -> dict[str, typing.Any]:
    status = _STATUSES.get(order.status) or ("partially_filled" if order.filled else "live")
    amount = order.quantity if order.quantity is not None else order.quote_quantity
    return {
        "userId": "1", "symbol": f"{order.base}USDT", "orderId": order.order_id, "clientOid": order.client_id,
        "price": f"{order.price or 0:f}", "size": f"{amount:f}", "side": order.side, "status": status,
        "orderType": "market" if order.kind == "market" else "limit", "priceAvg": f"{order.average:f}",
        "baseVolume": f"{order.filled:f}", "quoteVolume": f"{order.spent:f}", "enterPointSource": "API",
        "feeDetail": _fees_of(order), "orderSource": "normal", "cancelReason": "", "cTime": str(order.time_ms),
        "uTime": str(order.time_ms), "force": "post_only" if order.kind == "post_only" else "gtc",
    }  # fmt: skip


def _fees_of(order: FakeOrder) -> str:
    """JSON in a string: the fee by coin, and one without a coin."""
    if not order.trades:
        return ""
    coin, fee = order.trades[0].fee_asset, float(-sum(trade.fee for trade in order.trades))
    told = {"deduction": coin == FakeBitget.own_coin, "feeCoinCode": coin, "totalDeductionFee": 0, "totalFee": fee}
    return json.dumps({coin: told, "newFees": {"c": 0, "d": 0, "deduction": False, "r": fee, "t": fee}})


def _fill(trade: FakeTrade) -> dict[str, typing.Any]:
    order, is_own = trade.order, trade.fee_asset == FakeBitget.own_coin
    return {
        "userId": "1", "symbol": f"{order.base}USDT", "orderId": order.order_id, "tradeId": trade.trade_id,
        "orderType": "market" if order.kind == "market" else "limit", "side": order.side,
        "priceAvg": f"{trade.price:f}", "size": f"{trade.quantity:f}", "amount": f"{trade.quantity * trade.price:f}",
        "feeDetail": {
            "deduction": "yes" if is_own else "no", "feeCoin": trade.fee_asset, "totalFee": f"{-trade.fee:f}",
            "totalDeductionFee": f"{-trade.fee:f}" if is_own else "",
        },
        "tradeScope": "maker" if trade.is_maker else "taker", "cTime": str(trade.time_ms), "uTime": str(trade.time_ms),
    }  # fmt: skip


def _base(symbol: str) -> str:
    return symbol.removesuffix("USDT")
