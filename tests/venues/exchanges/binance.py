"""Binance's spot REST API, as its documentation has it."""

from __future__ import annotations

import typing
from decimal import Decimal

from octobot_volume_booster.adapters.venues.wire import Request

from ..fake_venue import PRICES, FakeOrder, FakeTrade, FakeVenue, Routes
from ..wire import Answer

_STATUS = {"open": "NEW", "filled": "FILLED", "canceled": "CANCELED", "rejected": "REJECTED"}
_STEPS = {"BTC": ("0.01", "0.00001"), "DOGE": ("0.00001", "1"), "SHIB": ("0.00000001", "1")}
_KINDS = {"MARKET": "market", "LIMIT": "limit", "LIMIT_MAKER": "post_only"}


class FakeBinance(FakeVenue):
    ccxt_id = tentacle = "binance"
    own_coin = "BNB"

    def routes(self) -> Routes:
        return {
            ("GET", "/api/v3/exchangeInfo"): lambda _: Answer({"symbols": [_market(base) for base in PRICES]}),
            ("POST", "/api/v3/order"): self._new_order,
            ("GET", "/api/v3/order"): self._find,
            ("DELETE", "/api/v3/order"): self._cancel,
            ("GET", "/api/v3/openOrders"): self._open_orders,
            ("GET", "/api/v3/myTrades"): self._my_trades,
            ("GET", "/[fd]api/.*"): lambda _: Answer({"symbols": []}),
            ("GET", "/sapi/.*"): lambda _: Answer([]),
        }

    def _open_orders(self, request: Request) -> Answer:
        return Answer([_row(one) for one in self.open_orders(_base(request.query["symbol"]))])

    def refusal(self) -> Answer:
        return Answer({"code": -2010, "msg": "Account has insufficient balance for requested action."}, 400)

    def _new_order(self, request: Request) -> Answer:
        form = request.form
        order = self.take(
            client_id=form.get("newClientOrderId"),
            base=_base(form["symbol"]),
            side=form["side"].lower(),
            kind=_KINDS[form["type"]],
            quantity=_number(form.get("quantity")),
            quote_quantity=_number(form.get("quoteOrderQty")),
            price=_number(form.get("price")),
        )
        return self.refusal() if order is None else Answer(_row(order) | {"fills": []})

    def _find(self, request: Request) -> Answer:
        asked = request.query
        by_id = self.by_id(asked["orderId"]) if "orderId" in asked else self.by_client_id(asked["origClientOrderId"])
        return Answer({"code": -2013, "msg": "Order does not exist."}, 400) if by_id is None else Answer(_row(by_id))

    def _cancel(self, request: Request) -> Answer:
        asked = request.query
        order = self.by_id(asked["orderId"])
        if order is None or order.status != "open":
            return Answer({"code": -2011, "msg": "Unknown order sent."}, 400)
        self.cancel(order)
        return Answer(_row(order))

    def _my_trades(self, request: Request) -> Answer:
        asked = request.query
        rows = self.trades(_base(asked["symbol"]), int(asked.get("startTime", 0)), _whole(asked.get("endTime")))
        if "orderId" in asked:
            rows = [trade for trade in rows if trade.order.order_id == asked["orderId"]]
        return Answer([_trade(trade, self.fee_in == "none") for trade in rows[: int(asked.get("limit", 500))]])


def _market(base: str) -> dict[str, typing.Any]:
    tick, step = _STEPS[base]
    return {
        "symbol": f"{base}USDT", "status": "TRADING", "baseAsset": base, "quoteAsset": "USDT",
        "baseAssetPrecision": 8, "quoteAssetPrecision": 8, "isSpotTradingAllowed": True, "permissions": [],
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"], "quoteOrderQtyMarketAllowed": True,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": "9000000000", "stepSize": step},
            {"filterType": "NOTIONAL", "minNotional": "5", "maxNotional": "9000000"},
        ],
    }  # fmt: skip


def _row(order: FakeOrder) -> dict[str, typing.Any]:
    status = "PARTIALLY_FILLED" if order.status == "open" and order.filled else _STATUS[order.status]
    return {
        "symbol": f"{order.base}USDT", "orderId": int(order.order_id), "clientOrderId": order.client_id,
        "transactTime": order.time_ms, "time": order.time_ms, "updateTime": order.time_ms,
        "price": f"{order.price or 0:f}", "origQty": f"{order.quantity or order.filled:f}",
        "executedQty": f"{order.filled:f}", "cummulativeQuoteQty": f"{order.spent:f}", "status": status,
        "timeInForce": "GTC", "type": {kind: name for name, kind in _KINDS.items()}[order.kind],
        "side": order.side.upper(), "isWorking": True,
    }  # fmt: skip


def _trade(trade: FakeTrade, is_fee_untold: bool) -> dict[str, typing.Any]:
    order = trade.order
    fee = {} if is_fee_untold else {"commission": f"{trade.fee:f}", "commissionAsset": trade.fee_asset}
    return {
        "symbol": f"{order.base}USDT", "id": int(trade.trade_id), "orderId": int(order.order_id),
        "price": f"{trade.price:f}", "qty": f"{trade.quantity:f}", "quoteQty": f"{trade.quantity * trade.price:f}",
        "time": trade.time_ms, "isBuyer": order.side == "buy", "isMaker": trade.is_maker, **fee,
    }  # fmt: skip


def _base(market_id: str) -> str:
    return market_id.removesuffix("USDT")


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)
