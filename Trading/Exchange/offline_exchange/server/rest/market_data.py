"""Binance's public spot routes: parses requests, renders the venue's answers.

Shapes, defaults, limits, weights and error codes follow Binance's published spot documentation ("General endpoints",
"Market data endpoints" and "Error codes"). Money is a decimal string with eight digits, time is in milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from ..market.markets import MOST_OPEN_ORDERS, MOST_OPEN_STOP_ORDERS, MarketRules
from ..market.tape import INTERVALS, SECOND_MS, Book, Candle, DayStatistics, Level, Print
from .exchange import Exchange
from .query import DECIMAL_PLACES, ApiError, Query, bad_combination
from .routes import Call, Route, Weight, decimals_of, flat, money

AVERAGE_PRICE_MINUTES = 5
HOUR_MS = 3_600_000
ORDER_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET")
DEFAULT_SELF_TRADE_PREVENTION = "EXPIRE_MAKER"
SELF_TRADE_PREVENTIONS = ("EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")
_DEPTH_WEIGHTS = ((100, 5), (500, 25), (1_000, 50), (5_000, 250))  # largest limit, weight


def _levels(levels: Sequence[Level]) -> list[list[str]]:
    return [[money(level.price_quote), money(level.quantity_base)] for level in levels]


def price_and_lot_filters(rules: MarketRules) -> list[dict[str, Any]]:
    """The filters of prices and quantities, which spot and futures write alike."""
    sizes = {
        "minQty": money(rules.step_base),
        "maxQty": money(rules.maximum_quantity_base),
        "stepSize": money(rules.step_base),
    }
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": money(rules.tick_quote),
            "maxPrice": money(rules.maximum_price_quote),
            "tickSize": money(rules.tick_quote),
        },
        {"filterType": "LOT_SIZE", **sizes},
        {"filterType": "MARKET_LOT_SIZE", **sizes},
    ]


def order_count_filters(number: str, stop_number: str) -> list[dict[str, Any]]:
    """How many orders may be open; spot and futures name the numbers differently."""
    return [
        {"filterType": "MAX_NUM_ORDERS", number: MOST_OPEN_ORDERS},
        {"filterType": "MAX_NUM_ALGO_ORDERS", stop_number: MOST_OPEN_STOP_ORDERS},
    ]


def _notional_filter(rules: MarketRules) -> dict[str, Any]:
    return {
        "filterType": "NOTIONAL",
        "minNotional": money(rules.minimum_notional_quote),
        "applyMinToMarket": True,
        "maxNotional": money(rules.maximum_notional_quote),
        "applyMaxToMarket": False,
        "avgPriceMins": AVERAGE_PRICE_MINUTES,
    }


def _symbol_info(rules: MarketRules) -> dict[str, Any]:
    return {
        "symbol": rules.id,
        "status": "TRADING",
        "baseAsset": rules.base,
        "baseAssetPrecision": max(decimals_of(rules.step_base), DECIMAL_PLACES),
        "quoteAsset": rules.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(ORDER_TYPES),
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "amendAllowed": False,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            *price_and_lot_filters(rules),
            _notional_filter(rules),
            *order_count_filters("maxNumOrders", "maxNumAlgoOrders"),
        ],
        "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": DEFAULT_SELF_TRADE_PREVENTION,
        "allowedSelfTradePreventionModes": list(SELF_TRADE_PREVENTIONS),
    }


def _kline(candle: Candle) -> list[Any]:
    return [
        candle.open_time_ms,
        money(candle.open_quote),
        money(candle.high_quote),
        money(candle.low_quote),
        money(candle.close_quote),
        money(candle.volume_base),
        candle.close_time_ms,
        money(candle.volume_quote),
        candle.print_count,
        money(candle.taker_buy_volume_base),
        money(candle.taker_buy_volume_quote),
        "0",
    ]


def _trade(trade: Print) -> dict[str, Any]:
    return {
        "id": trade.trade_id,
        "price": money(trade.price_quote),
        "qty": money(trade.quantity_base),
        "quoteQty": money(trade.notional_quote),
        "time": trade.time_ms,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def _aggregate_trade(trade: Print) -> dict[str, Any]:
    """Trades are not aggregated: each row holds one."""
    return {
        "a": trade.trade_id,
        "p": money(trade.price_quote),
        "q": money(trade.quantity_base),
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": trade.time_ms,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def _touch(levels: Sequence[Level]) -> tuple[str, str]:
    """Price and quantity of the best level; zeros for an empty side, as the real exchange has it."""
    return (money(levels[0].price_quote), money(levels[0].quantity_base)) if levels else ("0.00000000", "0.00000000")


def _book_ticker(market_id: str, book: Book) -> dict[str, Any]:
    bid, ask = _touch(book.bids), _touch(book.asks)
    return {"symbol": market_id, "bidPrice": bid[0], "bidQty": bid[1], "askPrice": ask[0], "askQty": ask[1]}


def _day_ticker(market_id: str, day: DayStatistics, book: Book) -> dict[str, Any]:
    return {
        **_book_ticker(market_id, book),
        "priceChange": money(day.change_quote),
        "priceChangePercent": f"{day.change_percent:.3f}",
        "weightedAvgPrice": money(day.weighted_average_quote),
        "prevClosePrice": money(day.previous_close_quote),
        "lastPrice": money(day.last.price_quote),
        "lastQty": money(day.last.quantity_base),
        "openPrice": money(day.open_quote),
        "highPrice": money(day.high_quote),
        "lowPrice": money(day.low_quote),
        "volume": money(day.volume_base),
        "quoteVolume": money(day.volume_quote),
        "openTime": day.open_time_ms,
        "closeTime": day.close_time_ms,
        "firstId": day.first_trade_id,
        "lastId": day.last.trade_id,
        "count": day.print_count,
    }


def _depth_weight(query: Query) -> int:
    text = query.values.get("limit", "")
    limit = int(text) if text.isdecimal() and len(text) < 6 else 100
    return next((weight for largest, weight in _DEPTH_WEIGHTS if limit <= largest), _DEPTH_WEIGHTS[-1][1])


def _ticker_weight(weight: int, weight_of_all: int) -> Weight:
    return lambda query: weight if query.values else weight_of_all


class MarketData:
    """The public routes. Each method turns one call into a JSON body or raises ApiError."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._venue = exchange.venue
        self._tape = exchange.venue.tape

    def routes(self) -> tuple[Route, ...]:
        """All of them; all are GET."""
        return (
            Route("GET", "/api/v3/ping", self.ping, flat(1)),
            Route("GET", "/api/v3/time", self.time, flat(1)),
            Route("GET", "/api/v3/exchangeInfo", self.exchange_info, flat(20)),
            Route("GET", "/api/v3/klines", self.klines, flat(2)),
            Route("GET", "/api/v3/uiKlines", self.klines, flat(2)),
            Route("GET", "/api/v3/trades", self.trades, flat(25)),
            Route("GET", "/api/v3/aggTrades", self.aggregate_trades, flat(4)),
            Route("GET", "/api/v3/depth", self.depth, _depth_weight),
            Route("GET", "/api/v3/avgPrice", self.average_price, flat(2)),
            Route("GET", "/api/v3/ticker/24hr", self.day_ticker, _ticker_weight(2, 80)),
            Route("GET", "/api/v3/ticker/price", self.price_ticker, _ticker_weight(2, 4)),
            Route("GET", "/api/v3/ticker/bookTicker", self.book_ticker, _ticker_weight(2, 4)),
        )

    def ping(self, call: Call) -> Any:
        call.query.finish()
        return {}

    def time(self, call: Call) -> Any:
        call.query.finish()
        return {"serverTime": call.shown_ms}

    def exchange_info(self, call: Call) -> Any:
        market_ids, _ = self._market_ids(call.query)
        call.query.finish()
        return {
            "timezone": "UTC",
            "serverTime": call.shown_ms,
            "rateLimits": self._exchange.limits.announced(),
            "exchangeFilters": [],
            "symbols": [_symbol_info(self._venue.engine.rules[market_id]) for market_id in market_ids],
        }

    def klines(self, call: Call) -> Any:
        query = call.query
        market_id = self._exchange.market_id(query.required("symbol"))
        interval = query.required("interval")
        if interval not in INTERVALS:
            raise ApiError(-1120, "Invalid interval.")
        since_ms, until_ms = query.whole("startTime"), query.whole("endTime")
        limit = query.limit(default=500, largest=1_000)
        query.finish()
        candles = self._tape.candles(market_id, interval, call.now_ms, limit, since_ms, until_ms)
        return [_kline(candle) for candle in candles]

    def trades(self, call: Call) -> Any:
        market_id = self._exchange.market_id(call.query.required("symbol"))
        limit = call.query.limit(default=500, largest=1_000)
        call.query.finish()
        return [_trade(trade) for trade in self._tape.newest_prints(market_id, call.now_ms, limit)]

    def aggregate_trades(self, call: Call) -> Any:
        query = call.query
        market_id = self._exchange.market_id(query.required("symbol"))
        trade_id, since_ms, until_ms = (query.whole(name) for name in ("fromId", "startTime", "endTime"))
        limit = query.limit(default=500, largest=1_000)
        query.finish()
        if trade_id is not None and (since_ms is not None or until_ms is not None):
            raise bad_combination()
        if since_ms is not None and until_ms is not None and until_ms - since_ms > HOUR_MS:
            raise ApiError(-1127, "More than 1 hours between startTime and endTime.")
        last_ms = call.now_ms if until_ms is None else min(until_ms, call.now_ms)
        prints = self._prints(market_id, last_ms, trade_id, since_ms, limit)
        return [_aggregate_trade(trade) for trade in prints]

    def _prints(
        self, market_id: str, last_ms: int, trade_id: int | None, since_ms: int | None, limit: int
    ) -> Sequence[Print]:
        if last_ms < self._tape.origin_ms:
            return ()
        if trade_id is not None:
            return self._tape.prints_from_id(market_id, last_ms, trade_id, limit)
        if since_ms is not None:
            return self._tape.prints_since(market_id, last_ms, since_ms, limit)
        return self._tape.newest_prints(market_id, last_ms, limit)

    def depth(self, call: Call) -> Any:
        market_id = self._exchange.market_id(call.query.required("symbol"))
        limit = call.query.limit(default=100, largest=5_000)
        call.query.finish()
        book = self._exchange.book(market_id, call.now_ms, limit)
        return {"lastUpdateId": book.update_id, "bids": _levels(book.bids), "asks": _levels(book.asks)}

    def average_price(self, call: Call) -> Any:
        market_id = self._exchange.market_id(call.query.required("symbol"))
        call.query.finish()
        window_ms = AVERAGE_PRICE_MINUTES * 60 * SECOND_MS
        price_quote = self._tape.average_price_quote(market_id, call.now_ms, window_ms)
        close_time_ms = self._tape.last_print(market_id, call.now_ms).time_ms
        return {"mins": AVERAGE_PRICE_MINUTES, "price": money(price_quote), "closeTime": close_time_ms}

    def day_ticker(self, call: Call) -> Any:
        def ticker(market_id: str) -> dict[str, Any]:
            book = self._exchange.book(market_id, call.now_ms, levels=1)
            return _day_ticker(market_id, self._tape.day_statistics(market_id, call.now_ms), book)

        return self._tickers(call.query, ticker)

    def price_ticker(self, call: Call) -> Any:
        def ticker(market_id: str) -> dict[str, Any]:
            last = self._tape.last_print(market_id, call.now_ms)
            return {"symbol": market_id, "price": money(last.price_quote)}

        return self._tickers(call.query, ticker)

    def book_ticker(self, call: Call) -> Any:
        def ticker(market_id: str) -> dict[str, Any]:
            return _book_ticker(market_id, self._exchange.book(market_id, call.now_ms, levels=1))

        return self._tickers(call.query, ticker)

    def _tickers(self, query: Query, ticker: Callable[[str], dict[str, Any]]) -> Any:
        market_ids, one = self._market_ids(query)
        query.finish()
        body = [ticker(market_id) for market_id in market_ids]
        return body[0] if one else body

    def _market_ids(self, query: Query) -> tuple[list[str], bool]:
        """The markets of an optional `symbol` or `symbols`, all without them; True for a single `symbol`."""
        symbol, symbols = query.text("symbol"), query.text("symbols")
        if symbol is not None and symbols is not None:
            raise bad_combination()
        if symbol is not None:
            return [self._exchange.market_id(symbol)], True
        if symbols is None:
            return list(self._venue.engine.rules), False
        return [self._exchange.market_id(name) for name in _symbol_list(symbols)], False


def _symbol_list(text: str) -> list[str]:
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ApiError(-1100, "Illegal characters found in parameter 'symbols'; a JSON list of symbols is expected.")
    if len(set(names)) < len(names):
        raise ApiError(-1151, "Symbol is present multiple times in the list.")
    return names
