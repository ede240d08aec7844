"""Binance's USD-M futures routes, as far as the ccxt client and OctoBot use them.

Shapes and error codes follow Binance's published documentation ("USDⓈ-M Futures": market data, trade and account
endpoints). The public routes are those of spot under another path, on the same books.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ..engine.orders import ZERO, Order, RefusedError, Trade
from ..market.markets import MarketRules
from .futures import (
    FUNDING_RATE,
    MAINTENANCE_RATE,
    MAX_LEVERAGE,
    FuturesAccounts,
    MarginError,
    Position,
    ReduceOnlyError,
    average_price,
)
from .market_data import MarketData, order_count_filters, price_and_lot_filters
from .order_requests import read_request
from .query import CLIENT_ORDER_ID, DECIMAL_PLACES, ApiError, Query, both_missing
from .routes import Call, Handler, Route, decimals_of, flat, money
from .trading_api import account_name, refusal

HOURS_8_MS = 8 * 3_600_000
_SPOT, _FUTURES = "/api/v3/", "/fapi/v1/"
_ELSEWHERE = ("exchangeInfo", "uiKlines", "avgPrice")
_FOR_CLIENTS = ("useV2", "subType")


class MarginType(enum.Enum):
    """How a position is margined; only isolated margin is supported."""

    ISOLATED = "ISOLATED"
    CROSSED = "CROSSED"


class FuturesApi:
    """The routes of futures. Each method turns one call into a JSON body or raises ApiError."""

    def __init__(self, futures: FuturesAccounts) -> None:
        self._futures = futures
        self._exchange = futures.exchange
        self._made_up = 0

    def routes(self) -> tuple[Route, ...]:
        """All of them."""

        def signed(method: str, path: str, handler: Callable[[Call], Any]) -> Route:
            return Route(method, f"/fapi/{path}", handler, flat(5), is_signed=True)

        public = tuple(
            dataclasses.replace(route, path=route.path.replace(_SPOT, _FUTURES))
            for route in MarketData(self._exchange).routes()
            if route.path.startswith(_SPOT) and route.path.removeprefix(_SPOT) not in _ELSEWHERE
        )
        routes = (
            *public,
            Route("GET", "/fapi/v1/exchangeInfo", self.exchange_info, flat(1)),
            Route("GET", "/fapi/v1/premiumIndex", self.premium_index, flat(1)),
            Route("POST", "/fapi/v1/order", self.new_order, flat(0), is_signed=True, is_order=True),
            signed("GET", "v1/order", self.order),
            signed("DELETE", "v1/order", self.cancel_order),
            signed("DELETE", "v1/allOpenOrders", self.cancel_open_orders),
            signed("GET", "v1/openOrders", self.open_orders),
            signed("GET", "v1/allOrders", self.all_orders),
            *(signed("GET", f"v1/{name}", self.stop_orders) for name in ("openAlgoOrders", "allAlgoOrders")),
            signed("GET", "v1/userTrades", self.user_trades),
            *(signed("GET", f"v{version}/account", self.account) for version in (2, 3)),
            *(signed("GET", f"v{version}/balance", self.balance) for version in (2, 3)),
            *(signed("GET", f"v{version}/positionRisk", self.position_risk) for version in (2, 3)),
            signed("GET", "v1/leverageBracket", self.leverage_bracket),
            signed("POST", "v1/leverage", self.set_leverage),
            signed("POST", "v1/marginType", self.set_margin_type),
            signed("GET", "v1/positionSide/dual", self.position_mode),
            signed("POST", "v1/positionSide/dual", self.set_position_mode),
        )
        return tuple(dataclasses.replace(route, handler=_ignoring_client_parameters(route)) for route in routes)

    def exchange_info(self, call: Call) -> Any:
        call.query.text("symbol")
        call.query.finish()
        return {
            "timezone": "UTC",
            "serverTime": call.shown_ms,
            "rateLimits": [],
            "exchangeFilters": [],
            "symbols": [_symbol(rules) for rules in self._exchange.venue.engine.rules.values()],
        }

    def premium_index(self, call: Call) -> Any:
        symbol = call.query.text("symbol")
        call.query.finish()
        rows = [
            self._premium(market_id, call.now_ms)
            for market_id in self._exchange.venue.engine.rules
            if symbol in (None, market_id)
        ]
        return rows if symbol is None else rows[0] if rows else self._exchange.market_id(symbol)

    def _premium(self, market_id: str, now_ms: int) -> dict[str, Any]:
        price = money(self._futures.mark_price(market_id, now_ms))
        return {
            "symbol": market_id,
            "markPrice": price,
            "indexPrice": price,
            "estimatedSettlePrice": price,
            "lastFundingRate": money(FUNDING_RATE),
            "interestRate": money(FUNDING_RATE),
            "nextFundingTime": (now_ms // HOURS_8_MS + 1) * HOURS_8_MS,
            "time": now_ms,
        }

    def new_order(self, call: Call) -> Any:
        query, account = call.query, account_name(call)
        reduce_only = query.flag("reduceOnly")
        _only_one_way(query)
        market_id = self._exchange.market_id(query.required("symbol"))
        request, _ = read_request(query, self._exchange.venue.engine.rules[market_id], self._made_up_id())
        query.finish()
        try:
            order = self._futures.submit(account, request, call.now_ms, reduce_only=reduce_only)
        except RefusedError as error:
            raise refusal(error) from error
        except MarginError as error:
            raise ApiError(-2019, "Margin is insufficient.") from error
        except ReduceOnlyError as error:
            raise ApiError(-2022, "ReduceOnly Order is rejected.") from error
        return self._body(order)

    def order(self, call: Call) -> Any:
        order = self._named_order(call, ApiError(-2013, "Order does not exist."))
        call.query.finish()
        return self._body(order)

    def cancel_order(self, call: Call) -> Any:
        order = self._named_order(call, ApiError(-2011, "Unknown order sent."))
        call.query.finish()
        try:
            return self._body(self._futures.cancel(account_name(call), order, call.now_ms))
        except RefusedError as error:
            raise ApiError(-2011, "Unknown order sent.") from error

    def cancel_open_orders(self, call: Call) -> Any:
        """Binance only confirms it, without listing the orders."""
        market_id = self._exchange.market_id(call.query.required("symbol"))
        call.query.finish()
        account = account_name(call)
        for order in [one for one in self._futures.orders(account) if one.is_open]:
            if order.request.market_id == market_id:
                self._futures.cancel(account, order, call.now_ms)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def stop_orders(self, call: Call) -> Any:
        """None: this exchange takes no stop orders. Newer clients request them separately."""
        for name in ("symbol", "startTime", "endTime", "limit"):
            call.query.text(name)
        call.query.finish()
        return []

    def open_orders(self, call: Call) -> Any:
        symbol = call.query.text("symbol")
        call.query.finish()
        return [
            self._body(order)
            for order in self._futures.orders(account_name(call))
            if order.is_open and symbol in (None, order.request.market_id)
        ]

    def all_orders(self, call: Call) -> Any:
        market_id, since_ms, limit = self._page(call)
        orders = [one for one in self._futures.orders(account_name(call)) if one.request.market_id == market_id]
        return [self._body(order) for order in orders if order.created_ms >= since_ms][-limit:]

    def user_trades(self, call: Call) -> Any:
        account, order_id, from_id = account_name(call), call.query.whole("orderId"), call.query.whole("fromId")
        market_id, since_ms, limit = self._page(call)
        trades = [
            _trade(trade, self._futures.engine_account(account))
            for trade in self._futures.trades(account, market_id)
            if trade.time_ms >= since_ms and trade.trade_id >= (from_id or 0)
        ]
        return [trade for trade in trades if order_id in (None, trade["orderId"])][:limit]

    def _page(self, call: Call) -> tuple[str, int, int]:
        market_id = self._exchange.market_id(call.query.required("symbol"))
        since_ms = call.query.whole("startTime") or 0
        call.query.whole("endTime")
        limit = call.query.limit(default=500, largest=1_000)
        call.query.finish()
        return market_id, since_ms, limit

    def account(self, call: Call) -> Any:
        call.query.finish()
        account = account_name(call)
        assets = [self._asset(account, one, call.now_ms) for one in self._futures.margin_assets]
        asset = assets[0]
        positions = [self._risk(account, one, call.now_ms) for one in self._exchange.venue.engine.rules]
        totals = {f"total{name[0].upper()}{name[1:]}": value for name, value in asset.items() if name != "asset"}
        own = {"canTrade": True, "availableBalance": asset["availableBalance"]}
        return {**totals, **own, "assets": assets, "positions": positions}

    def balance(self, call: Call) -> Any:
        call.query.finish()
        assets = [self._asset(account_name(call), one, call.now_ms) for one in self._futures.margin_assets]
        return [{"accountAlias": "local", "balance": asset["walletBalance"], **asset} for asset in assets]

    def _asset(self, account: str, asset: str, now_ms: int) -> dict[str, Any]:
        wallet, available = self._futures.wallet(account, asset), self._futures.available(account, asset)
        profits = (
            self._futures.position(account, one).unrealised(self._futures.mark_price(one, now_ms))
            for one in self._futures.markets_in(asset)
        )
        unrealised = sum(profits, ZERO)
        return {
            "asset": asset,
            "walletBalance": money(wallet),
            "unrealizedProfit": money(unrealised),
            "marginBalance": money(wallet + unrealised),
            "initialMargin": money(wallet - available),
            "availableBalance": money(available),
            "maxWithdrawAmount": money(available),
        }

    def position_risk(self, call: Call) -> Any:
        symbol = call.query.text("symbol")
        call.query.finish()
        account = account_name(call)
        markets = [one for one in self._exchange.venue.engine.rules if symbol in (None, one)]
        return [self._risk(account, one, call.now_ms) for one in markets]

    def _risk(self, account: str, market_id: str, now_ms: int) -> dict[str, Any]:
        position, leverage = self._futures.position(account, market_id), self._futures.leverage_of(account, market_id)
        price = self._futures.mark_price(market_id, now_ms)
        margin = position.margin(leverage) + position.unrealised(price)
        return {
            "symbol": market_id,
            "positionSide": "BOTH",
            "positionAmt": money(position.size_base),
            "entryPrice": money(position.entry_quote),
            "breakEvenPrice": money(position.entry_quote),
            "markPrice": money(price),
            **dict.fromkeys(("unRealizedProfit", "unrealizedProfit"), money(position.unrealised(price))),
            "liquidationPrice": money(position.liquidation_price(leverage)),
            "leverage": str(leverage),
            "maxNotionalValue": "1000000000",
            "marginType": "isolated",
            "isolated": True,
            "isolatedMargin": money(margin if position.size_base else ZERO),
            "isolatedWallet": money(position.margin(leverage)),
            "isAutoAddMargin": "false",
            "notional": money(position.size_base * price),
            "initialMargin": money(position.margin(leverage)),
            "maintMargin": money(_maintenance(position, price)),
            "marginAsset": self._exchange.venue.engine.rules[market_id].quote,
            "updateTime": now_ms,
        }

    def leverage_bracket(self, call: Call) -> Any:
        call.query.text("symbol")
        call.query.finish()
        bracket = {
            "bracket": 1,
            "initialLeverage": MAX_LEVERAGE,
            "notionalCap": 1_000_000_000,
            "notionalFloor": 0,
            "maintMarginRatio": float(MAINTENANCE_RATE),
            "cum": 0.0,
        }
        return [{"symbol": one, "brackets": [bracket]} for one in self._exchange.venue.engine.rules]

    def set_leverage(self, call: Call) -> Any:
        market_id = self._exchange.market_id(call.query.required("symbol"))
        leverage = call.query.whole("leverage")
        call.query.finish()
        if leverage is None or not 1 <= leverage <= MAX_LEVERAGE:
            raise ApiError(-4028, f"Leverage {leverage} is not valid")
        self._futures.leverage[account_name(call), market_id] = leverage
        return {"symbol": market_id, "leverage": leverage, "maxNotionalValue": "1000000000"}

    def set_margin_type(self, call: Call) -> Any:
        self._exchange.market_id(call.query.required("symbol"))
        kind = call.query.choice("marginType", MarginType, ApiError(-1117, "Invalid marginType."))
        call.query.finish()
        if kind is MarginType.CROSSED:
            raise ApiError(-4047, "Margin type cannot be changed: this exchange has isolated margin only.")
        raise ApiError(-4046, "No need to change margin type.")

    def position_mode(self, call: Call) -> Any:
        call.query.finish()
        return {"dualSidePosition": False}

    def set_position_mode(self, call: Call) -> Any:
        is_dual = call.query.flag("dualSidePosition")
        call.query.finish()
        if is_dual:
            raise ApiError(-4067, "Position side cannot be changed: this exchange has the one-way mode only.")
        raise ApiError(-4059, "No need to change position side.")

    def _named_order(self, call: Call, unknown: ApiError) -> Order:
        market_id = self._exchange.market_id(call.query.required("symbol"))
        order_id, client_id = call.query.whole("orderId"), call.query.text("origClientOrderId", CLIENT_ORDER_ID)
        if order_id is None and client_id is None:
            raise both_missing("origClientOrderId", "orderId")
        orders = [one for one in self._futures.orders(account_name(call)) if one.request.market_id == market_id]
        for order in reversed(orders):
            if order.order_id == order_id or (order_id is None and order.request.client_order_id == client_id):
                return order
        raise unknown

    def _made_up_id(self) -> str:
        self._made_up += 1
        return f"futures{self._made_up}"

    def _body(self, order: Order) -> dict[str, Any]:
        return {
            "orderId": order.order_id,
            "symbol": order.request.market_id,
            "status": order.status.value,
            "clientOrderId": order.request.client_order_id,
            "price": money(order.request.price_quote or ZERO),
            "avgPrice": money(average_price(order)),
            "origQty": money(order.quantity_base),
            "executedQty": money(order.executed_base),
            "cumQty": money(order.executed_base),
            "cumQuote": money(order.executed_quote),
            "timeInForce": order.request.time_in_force.value,
            "type": order.request.kind.value,
            "origType": order.request.kind.value,
            "reduceOnly": order.order_id in self._futures.reduce_only,
            "closePosition": False,
            "side": order.side.value,
            "positionSide": "BOTH",
            "stopPrice": "0",
            "workingType": "CONTRACT_PRICE",
            "priceProtect": False,
            "selfTradePreventionMode": order.request.self_trade_prevention.value,
            "time": order.created_ms,
            "updateTime": order.updated_ms,
        }


def _ignoring_client_parameters(route: Route) -> Handler:
    """Binance's futures ignore unknown parameters, and clients send some that they use themselves."""

    def handler(call: Call) -> Any:
        call.query.read.update(_FOR_CLIENTS)
        return route.handler(call)

    return handler


def _only_one_way(query: Query) -> None:
    side = query.text("positionSide")
    if side not in (None, "BOTH"):
        raise ApiError(-4061, "Order's position side does not match user's setting.")


def _maintenance(position: Position, price: Decimal) -> Decimal:
    return abs(position.size_base) * price * MAINTENANCE_RATE


def _trade(trade: Trade, account: str) -> dict[str, Any]:
    is_buyer = trade.buyer.account == account
    party = trade.buyer if is_buyer else trade.seller
    return {
        "symbol": trade.market_id,
        "id": trade.trade_id,
        "orderId": party.order_id,
        "side": "BUY" if is_buyer else "SELL",
        "positionSide": "BOTH",
        "price": money(trade.price_quote),
        "qty": money(trade.quantity_base),
        "quoteQty": money(trade.notional_quote),
        "realizedPnl": "0",
        "commission": money(party.fee),
        "commissionAsset": party.fee_asset,
        "time": trade.time_ms,
        "buyer": is_buyer,
        "maker": trade.buyer_is_maker is is_buyer,
    }


def _symbol(rules: MarketRules) -> dict[str, Any]:
    return {
        "symbol": rules.id,
        "pair": rules.id,
        "contractType": "PERPETUAL",
        "deliveryDate": 4_133_404_800_000,
        "onboardDate": 1_500_000_000_000,
        "status": "TRADING",
        "baseAsset": rules.base,
        "quoteAsset": rules.quote,
        "marginAsset": rules.quote,
        "pricePrecision": decimals_of(rules.tick_quote),
        "quantityPrecision": decimals_of(rules.step_base),
        "baseAssetPrecision": max(decimals_of(rules.step_base), DECIMAL_PLACES),
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "filters": [
            *price_and_lot_filters(rules),
            {"filterType": "MIN_NOTIONAL", "notional": money(rules.minimum_notional_quote)},
            *order_count_filters("limit", "limit"),
        ],
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK"],
    }
