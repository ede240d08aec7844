"""Binance's signed spot routes: orders, cancellations and the account's own records.

Shapes, defaults, limits, weights and error codes follow Binance's published spot documentation ("Trading endpoints",
"Account endpoints" and "Error codes"). Money is a decimal string with eight digits, time is in milliseconds.
"""

from __future__ import annotations

import enum
import itertools
import random
import string
from collections.abc import Callable, Reversible
from typing import Any, TypeVar

from ..engine.accounts import Account
from ..engine.orders import ZERO, Order, Reason, RefusedError, Request, Trade
from ..market.markets import MarketRules
from ..market.tape import DAY_MS
from .exchange import Exchange, trades_from_id
from .order_requests import Detail, read_request
from .order_views import cancelled_body, commission, my_trades, new_order_body, order_body, plain_rate, rates
from .query import CLIENT_ORDER_ID, ApiError, Query, bad_combination, both_missing
from .routes import Call, Route, flat, money

_Row = TypeVar("_Row")
_OPENS_AT_MS = 1_500_000_000_000  # reported creation time of every key
_CODES = {
    Reason.INSUFFICIENT_BALANCE: -2010,
    Reason.WOULD_TAKE: -2010,
    Reason.DUPLICATE: -2010,
    Reason.PRICE_FILTER: -1013,
    Reason.LOT_SIZE: -1013,
    Reason.NOTIONAL: -1013,
    Reason.MAX_NUM_ORDERS: -1013,
    Reason.UNKNOWN_ORDER: -2011,
}


_NOT_PERMITTED = (
    "Withdrawals InternalTransfer Margin Futures VanillaOptions PortfolioMarginTrading FixApiTrade FixReadOnly".split()
)


class CancelRestriction(enum.Enum):
    """Which orders a cancellation is for."""

    ONLY_NEW = "ONLY_NEW"
    ONLY_PARTIALLY_FILLED = "ONLY_PARTIALLY_FILLED"


class TradingApi:
    """The signed routes. Each method turns one call of `call.account` into a JSON body or raises ApiError."""

    def __init__(self, exchange: Exchange, rng: random.Random | None = None) -> None:
        self._exchange = exchange
        self._engine = exchange.venue.engine
        self._rng = rng or random.Random()

    def routes(self) -> tuple[Route, ...]:
        """All of them."""

        def signed(method: str, path: str, handler: Callable[[Call], Any], weight: int) -> Route:
            return Route(method, path, handler, flat(weight), is_signed=True)

        return (
            Route("POST", "/api/v3/order", self.new_order, flat(1), is_signed=True, is_order=True),
            Route("POST", "/api/v3/order/test", self.test_order, _test_weight, is_signed=True),
            signed("GET", "/api/v3/order", self.order, 4),
            signed("DELETE", "/api/v3/order", self.cancel_order, 1),
            Route("GET", "/api/v3/openOrders", self.open_orders, _open_orders_weight, is_signed=True),
            signed("DELETE", "/api/v3/openOrders", self.cancel_open_orders, 1),
            signed("GET", "/api/v3/allOrders", self.all_orders, 20),
            Route("GET", "/api/v3/myTrades", self.my_trades, _my_trades_weight, is_signed=True),
            signed("GET", "/api/v3/account", self.account, 20),
            signed("GET", "/api/v3/account/commission", self.commission, 20),
            signed("GET", "/api/v3/rateLimit/order", self.order_counts, 40),
            signed("GET", "/sapi/v1/asset/tradeFee", self.trade_fees, 1),
            signed("GET", "/sapi/v1/account/apiRestrictions", self.api_restrictions, 1),
            signed("GET", "/sapi/v1/apiReferral/ifNewUser", self.if_new_user, 1),
        )

    def new_order(self, call: Call) -> Any:
        request, detail = self._read_request(call.query)
        call.query.finish()
        try:
            order = self._exchange.submit(account_name(call), request, call.now_ms)
        except RefusedError as error:
            raise refusal(error) from error
        return new_order_body(order, detail, self._exchange.trades.of_order(order.order_id), call.now_ms)

    def test_order(self, call: Call) -> Any:
        request, _ = self._read_request(call.query)
        wants_rates = call.query.flag("computeCommissionRates")
        call.query.finish()
        try:
            self._exchange.check_filters(request)
        except RefusedError as error:
            raise refusal(error) from error
        if not wants_rates:
            return {}
        items = commission(self._account(call)).items()
        return {name if name == "discount" else f"{name}ForOrder": rate for name, rate in items}

    def order(self, call: Call) -> Any:
        order = self._named_order(call, ApiError(-2013, "Order does not exist."))
        call.query.finish()
        return order_body(order)

    def cancel_order(self, call: Call) -> Any:
        unknown = ApiError(-2011, Reason.UNKNOWN_ORDER.value)
        order = self._named_order(call, unknown)
        invalid = ApiError(-1145, "Invalid cancelRestrictions")
        restriction = call.query.choice("cancelRestrictions", CancelRestriction, invalid)
        cancel_id = call.query.text("newClientOrderId", CLIENT_ORDER_ID) or self._made_up_id()
        call.query.finish()
        if not order.is_open:
            raise unknown
        if restriction is not None and restriction.value != f"ONLY_{order.status.value}":
            raise ApiError(-2011, "Order was not canceled due to cancel restrictions.")
        return self._cancel(call, order, cancel_id)

    def open_orders(self, call: Call) -> Any:
        symbol = call.query.text("symbol")
        market_id = None if symbol is None else self._exchange.market_id(symbol)
        call.query.finish()
        orders = self._account(call).open_orders.values()
        return [order_body(order) for order in orders if market_id in (None, order.request.market_id)]

    def cancel_open_orders(self, call: Call) -> Any:
        market_id = self._exchange.market_id(call.query.required("symbol"))
        call.query.finish()
        orders = [order for order in self._account(call).open_orders.values() if order.request.market_id == market_id]
        if not orders:
            raise ApiError(-2011, Reason.UNKNOWN_ORDER.value)
        cancel_id = self._made_up_id()
        return [self._cancel(call, order, cancel_id) for order in orders]

    def all_orders(self, call: Call) -> Any:
        query = call.query
        market_id = self._exchange.market_id(query.required("symbol"))
        from_id = query.whole("orderId")
        since_ms, until_ms = _span(query)
        limit = query.limit(default=500, largest=1_000)
        query.finish()

        def wanted(order: Order) -> bool:
            return (
                order.request.market_id == market_id
                and order.order_id >= (from_id or 0)
                and (since_ms or 0) <= order.created_ms <= (call.now_ms if until_ms is None else until_ms)
            )

        orders = self._account(call).orders.values()
        oldest_first = from_id is not None or since_ms is not None
        return [order_body(order) for order in _some(orders, wanted, limit, oldest_first=oldest_first)]

    def my_trades(self, call: Call) -> Any:
        query, account = call.query, account_name(call)
        market_id = self._exchange.market_id(query.required("symbol"))
        order_id, from_id = query.whole("orderId"), query.whole("fromId")
        since_ms, until_ms = _span(query)
        limit = query.limit(default=500, largest=1_000)
        query.finish()
        if (since_ms is not None or until_ms is not None) and (order_id is not None or from_id is not None):
            raise bad_combination()
        trades = self._exchange.trades.of_market(account, market_id)
        if order_id is not None:
            trades = [
                trade for trade in self._exchange.trades.of_order(order_id) if _involves(trade, account, market_id)
            ]
        trades = trades_from_id(trades, from_id or 0)

        def wanted(trade: Trade) -> bool:
            return (since_ms or 0) <= trade.time_ms <= (call.now_ms if until_ms is None else until_ms)

        oldest_first = from_id is not None or since_ms is not None
        some = _some(trades, wanted, limit, oldest_first=oldest_first)
        rows = [row for trade in some for row in my_trades(trade, account) if order_id in (None, row["orderId"])]
        return rows[:limit] if oldest_first else rows[-limit:]

    def account(self, call: Call) -> Any:
        omit_zeros = call.query.flag("omitZeroBalances")
        call.query.finish()
        account = self._account(call)
        names = [one.account for one in self._exchange.credentials]
        maker, taker = account.fees.maker_rate, account.fees.taker_rate
        return {
            "makerCommission": int(maker * 10_000),
            "takerCommission": int(taker * 10_000),
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": rates(maker, taker),
            "canTrade": True,
            "canWithdraw": False,
            "canDeposit": False,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": self._exchange.updated_ms(account.name),
            "accountType": "SPOT",
            "balances": self._balances(account, omit_zeros=omit_zeros),
            "permissions": ["SPOT"],
            "uid": names.index(account.name) + 1,
        }

    def commission(self, call: Call) -> Any:
        market_id = self._exchange.market_id(call.query.required("symbol"))
        call.query.finish()
        return {"symbol": market_id, **commission(self._account(call))}

    def order_counts(self, call: Call) -> Any:
        call.query.finish()
        return self._exchange.limits.announced_order_counts(account_name(call), call.now_ms)

    def trade_fees(self, call: Call) -> Any:
        symbol = call.query.text("symbol")
        market_ids = list(self._engine.rules) if symbol is None else [self._exchange.market_id(symbol)]
        call.query.finish()
        fees = self._account(call).fees
        fee_rates = {"makerCommission": plain_rate(fees.maker_rate), "takerCommission": plain_rate(fees.taker_rate)}
        return [{"symbol": market_id, **fee_rates} for market_id in market_ids]

    def api_restrictions(self, call: Call) -> Any:
        call.query.finish()
        return {
            "ipRestrict": True,
            "createTime": _OPENS_AT_MS,
            "enableReading": True,
            "enableSpotAndMarginTrading": True,
            "permitsUniversalTransfer": False,
            **{f"enable{name}": False for name in _NOT_PERMITTED},
        }

    def if_new_user(self, call: Call) -> Any:
        agent = call.query.text("apiAgentCode")
        call.query.finish()
        return {"apiAgentCode": agent or "", "rebateWorking": False, "ifNewUser": False, "referrerId": 0}

    def _account(self, call: Call) -> Account:
        return self._engine.accounts[account_name(call)]

    def _balances(self, account: Account, *, omit_zeros: bool) -> list[dict[str, str]]:
        assets = dict.fromkeys(asset for rules in self._engine.rules.values() for asset in (rules.base, rules.quote))
        balances = {**dict.fromkeys(assets, (ZERO, ZERO)), **account.balances()}
        return [
            {"asset": asset, "free": money(free), "locked": money(locked)}
            for asset, (free, locked) in balances.items()
            if free or locked or not omit_zeros
        ]

    def _read_request(self, query: Query) -> tuple[Request, Detail]:
        return read_request(query, self._rules(query), self._made_up_id())

    def _rules(self, query: Query) -> MarketRules:
        return self._engine.rules[self._exchange.market_id(query.required("symbol"))]

    def _made_up_id(self) -> str:
        """A client order id as Binance makes them: 22 letters and digits."""
        return "".join(self._rng.choices(string.ascii_letters + string.digits, k=22))

    def _named_order(self, call: Call, unknown: ApiError) -> Order:
        """The order with this `orderId` or `origClientOrderId`. Raises ApiError, `unknown` when there is none."""
        market_id = self._exchange.market_id(call.query.required("symbol"))
        order_id, client_id = call.query.whole("orderId"), call.query.text("origClientOrderId")
        if order_id is None and client_id is None:
            raise both_missing("origClientOrderId", "orderId")
        account = self._account(call)
        order = account.by_client_id.get(client_id or "") if order_id is None else account.orders.get(order_id)
        if order is None or order.request.market_id != market_id:
            raise unknown
        if client_id is not None and order.request.client_order_id != client_id:
            raise unknown
        return order

    def _cancel(self, call: Call, order: Order, cancel_id: str) -> dict[str, Any]:
        market_id = order.request.market_id
        try:
            self._exchange.cancel(account_name(call), market_id, order.order_id, call.now_ms)
        except RefusedError as error:
            raise refusal(error) from error
        return cancelled_body(order, cancel_id, call.now_ms)


def account_name(call: Call) -> str:
    """The account of a call. Raises ApiError when the key is unknown."""
    if call.account is None:
        raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
    return call.account


def refusal(error: RefusedError) -> ApiError:
    """The engine's refusal with Binance's error code."""
    return ApiError(_CODES[error.reason], error.reason.value)


def _span(query: Query) -> tuple[int | None, int | None]:
    """The requested time range; at most a day."""
    since_ms, until_ms = query.whole("startTime"), query.whole("endTime")
    if since_ms is not None and until_ms is not None and until_ms - since_ms > DAY_MS:
        raise ApiError(-1127, "More than 24 hours between startTime and endTime.")
    return since_ms, until_ms


def _some(items: Reversible[_Row], wanted: Callable[[_Row], bool], limit: int, *, oldest_first: bool) -> list[_Row]:
    """At most `limit` of those wanted, in their order: the first ones, or else the last ones."""
    if oldest_first:
        return list(itertools.islice(filter(wanted, items), limit))
    return list(itertools.islice(filter(wanted, reversed(items)), limit))[::-1]


def _involves(trade: Trade, account: str, market_id: str) -> bool:
    return trade.market_id == market_id and account in (trade.buyer.account, trade.seller.account)


def _test_weight(query: Query) -> int:
    return 20 if query.values.get("computeCommissionRates", "").lower() == "true" else 1


def _open_orders_weight(query: Query) -> int:
    return 6 if "symbol" in query.values else 80


def _my_trades_weight(query: Query) -> int:
    return 5 if "orderId" in query.values else 20
