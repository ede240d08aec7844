"""Binance's public spot REST API over a price path: parses what is asked, renders what the path answers.

Shapes, defaults, limits, weights and error codes follow Binance's published spot documentation ("General endpoints",
"Market data endpoints" and "Error codes"). Money is a decimal string with eight digits, time is in milliseconds.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aiohttp import web

from .price_path import INTERVALS, SECOND_MS, Book, Candle, DayStatistics, Level, MarketSpec, PricePath, Print

Clock = Callable[[], float]  # UTC epoch, in seconds
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

WEIGHT_LIMIT_PER_MINUTE = 6_000
AVERAGE_PRICE_MINUTES = 5
HOUR_MS = 3_600_000
_LARGEST_LONG = 2**63 - 1
_SYMBOL = re.compile(r"[A-Z0-9\-_.]{1,20}")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,20}")
_DEPTH_WEIGHTS = ((100, 5), (500, 25), (1_000, 50), (5_000, 250))  # largest limit, weight
_log = logging.getLogger(__name__)


class ApiError(Exception):
    """A refusal in Binance's words: HTTP ``status`` and the ``code`` and ``msg`` of the JSON body."""

    def __init__(self, code: int, msg: str, status: int = 400) -> None:
        super().__init__(msg)
        self.code = code
        self.msg = msg
        self.status = status


def _illegal(name: str, legal: re.Pattern[str]) -> ApiError:
    return ApiError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^{legal.pattern}$'.")


def _missing(name: str) -> ApiError:
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def _bad_combination() -> ApiError:
    return ApiError(-1128, "Combination of optional parameters invalid.")


def _not_found() -> ApiError:
    return ApiError(-1020, "This operation is not supported.", status=404)


@dataclass(slots=True)
class Query:
    """The parameters of one request. Every getter raises ApiError for what Binance would refuse."""

    values: Mapping[str, str]
    read: set[str] = field(default_factory=set)

    def text(self, name: str) -> str | None:
        """The parameter as sent, None when absent."""
        self.read.add(name)
        value = self.values.get(name)
        if value == "":
            raise ApiError(-1105, f"Parameter '{name}' was empty.")
        return value

    def required(self, name: str) -> str:
        """The parameter as sent."""
        self.read.add(name)
        if not self.values.get(name):
            raise _missing(name)
        return self.values[name]

    def whole(self, name: str) -> int | None:
        """A whole number, None when absent."""
        value = self.text(name)
        if value is None:
            return None
        if not _WHOLE_NUMBER.fullmatch(value):
            raise _illegal(name, _WHOLE_NUMBER)
        if int(value) > _LARGEST_LONG:
            raise ApiError(-1108, f"Parameter '{name}' overflowed.")
        return int(value)

    def limit(self, default: int, largest: int) -> int:
        """How many items are wanted; more than the largest allowed means the largest."""
        value = self.whole("limit")
        if value == 0:
            raise ApiError(-1130, "Data sent for parameter 'limit' is not valid.")
        return min(default if value is None else value, largest)

    def finish(self) -> None:
        """Refuses parameters that nobody read."""
        if not self.read and self.values:
            raise ApiError(-1101, f"Too many parameters; expected '0' and received '{len(self.values)}'.")
        if unread := set(self.values) - self.read:
            count = len(self.values)
            message = f"Not all sent parameters were read; read '{count - len(unread)}' parameter(s)"
            raise ApiError(-1104, f"{message} but was sent '{count}'.")


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON body and the request weight that it costs."""

    body: Any
    weight: int


def _money(value: Decimal) -> str:
    return f"{value:.8f}"


def _levels(levels: tuple[Level, ...]) -> list[list[str]]:
    return [[_money(level.price_quote), _money(level.quantity_base)] for level in levels]


def _filters(market: MarketSpec) -> list[dict[str, Any]]:
    largest_quantity = _money(market.maximum_quantity_base)
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": _money(market.tick_quote),
            "maxPrice": _money(market.maximum_price_quote),
            "tickSize": _money(market.tick_quote),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": _money(market.step_base),
            "maxQty": largest_quantity,
            "stepSize": _money(market.step_base),
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": _money(market.step_base),
            "maxQty": largest_quantity,
            "stepSize": _money(market.step_base),
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": _money(market.minimum_notional_quote),
            "applyMinToMarket": True,
            "maxNotional": _money(market.maximum_notional_quote),
            "applyMaxToMarket": False,
            "avgPriceMins": AVERAGE_PRICE_MINUTES,
        },
    ]


def _symbol_info(market: MarketSpec) -> dict[str, Any]:
    return {
        "symbol": market.id,
        "status": "TRADING",
        "baseAsset": market.base,
        "baseAssetPrecision": 8,
        "quoteAsset": market.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(market),
        "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def _kline(candle: Candle) -> list[Any]:
    return [
        candle.open_time_ms,
        _money(candle.open_quote),
        _money(candle.high_quote),
        _money(candle.low_quote),
        _money(candle.close_quote),
        _money(candle.volume_base),
        candle.close_time_ms,
        _money(candle.volume_quote),
        candle.print_count,
        _money(candle.taker_buy_volume_base),
        _money(candle.taker_buy_volume_quote),
        "0",
    ]


def _trade(trade: Print) -> dict[str, Any]:
    return {
        "id": trade.trade_id,
        "price": _money(trade.price_quote),
        "qty": _money(trade.quantity_base),
        "quoteQty": _money(trade.notional_quote),
        "time": trade.time_ms,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def _aggregate_trade(trade: Print) -> dict[str, Any]:
    """Each print comes from a taker order of its own, so that every aggregate holds one trade."""
    return {
        "a": trade.trade_id,
        "p": _money(trade.price_quote),
        "q": _money(trade.quantity_base),
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": trade.time_ms,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def _book_ticker(market_id: str, book: Book) -> dict[str, Any]:
    bid, ask = book.bids[0], book.asks[0]
    return {
        "symbol": market_id,
        "bidPrice": _money(bid.price_quote),
        "bidQty": _money(bid.quantity_base),
        "askPrice": _money(ask.price_quote),
        "askQty": _money(ask.quantity_base),
    }


def _day_ticker(market_id: str, day: DayStatistics, book: Book) -> dict[str, Any]:
    return {
        **_book_ticker(market_id, book),
        "priceChange": _money(day.change_quote),
        "priceChangePercent": f"{day.change_percent:.3f}",
        "weightedAvgPrice": _money(day.weighted_average_quote),
        "prevClosePrice": _money(day.previous_close_quote),
        "lastPrice": _money(day.last.price_quote),
        "lastQty": _money(day.last.quantity_base),
        "openPrice": _money(day.open_quote),
        "highPrice": _money(day.high_quote),
        "lowPrice": _money(day.low_quote),
        "volume": _money(day.volume_base),
        "quoteVolume": _money(day.volume_quote),
        "openTime": day.open_time_ms,
        "closeTime": day.close_time_ms,
        "firstId": day.first_trade_id,
        "lastId": day.last.trade_id,
        "count": day.print_count,
    }


class MarketData:
    """The public routes. Each method turns one query at ``now_ms`` into an Answer or raises ApiError."""

    def __init__(self, path: PricePath) -> None:
        self._path = path

    def endpoints(self) -> dict[str, Callable[[Query, int], Answer]]:
        """The methods by URL path; all are GET."""
        return {
            "/api/v3/ping": self.ping,
            "/api/v3/time": self.time,
            "/api/v3/exchangeInfo": self.exchange_info,
            "/api/v3/klines": self.klines,
            "/api/v3/trades": self.trades,
            "/api/v3/aggTrades": self.aggregate_trades,
            "/api/v3/depth": self.depth,
            "/api/v3/avgPrice": self.average_price,
            "/api/v3/ticker/24hr": self.day_ticker,
            "/api/v3/ticker/price": self.price_ticker,
            "/api/v3/ticker/bookTicker": self.book_ticker,
        }

    def ping(self, query: Query, now_ms: int) -> Answer:
        query.finish()
        return Answer({}, weight=1)

    def time(self, query: Query, now_ms: int) -> Answer:
        query.finish()
        return Answer({"serverTime": now_ms}, weight=1)

    def exchange_info(self, query: Query, now_ms: int) -> Answer:
        market_ids, _ = self._market_ids(query)
        query.finish()
        weight_limit = {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": WEIGHT_LIMIT_PER_MINUTE,
        }
        body = {
            "timezone": "UTC",
            "serverTime": now_ms,
            "rateLimits": [weight_limit],
            "exchangeFilters": [],
            "symbols": [_symbol_info(self._path.markets[market_id]) for market_id in market_ids],
        }
        return Answer(body, weight=20)

    def klines(self, query: Query, now_ms: int) -> Answer:
        market_id = self._market_id(query.required("symbol"))
        interval = query.required("interval")
        if interval not in INTERVALS:
            raise ApiError(-1120, "Invalid interval.")
        since_ms, until_ms = query.whole("startTime"), query.whole("endTime")
        limit = query.limit(default=500, largest=1_000)
        query.finish()
        candles = self._path.candles(market_id, interval, now_ms, limit, since_ms, until_ms)
        return Answer([_kline(candle) for candle in candles], weight=2)

    def trades(self, query: Query, now_ms: int) -> Answer:
        market_id = self._market_id(query.required("symbol"))
        limit = query.limit(default=500, largest=1_000)
        query.finish()
        prints = self._path.newest_prints(market_id, now_ms, limit)
        return Answer([_trade(trade) for trade in prints], weight=25)

    def aggregate_trades(self, query: Query, now_ms: int) -> Answer:
        market_id = self._market_id(query.required("symbol"))
        trade_id, since_ms, until_ms = (query.whole(name) for name in ("fromId", "startTime", "endTime"))
        limit = query.limit(default=500, largest=1_000)
        query.finish()
        if trade_id is not None and (since_ms is not None or until_ms is not None):
            raise _bad_combination()
        if since_ms is not None and until_ms is not None and until_ms - since_ms > HOUR_MS:
            raise ApiError(-1127, "More than 1 hours between startTime and endTime.")
        last_ms = now_ms if until_ms is None else min(until_ms, now_ms)
        if last_ms < self._path.origin_ms:
            prints = []
        elif trade_id is not None:
            prints = self._path.prints_from_id(market_id, last_ms, trade_id, limit)
        elif since_ms is not None:
            prints = self._path.prints_since(market_id, last_ms, since_ms, limit)
        else:
            prints = self._path.newest_prints(market_id, last_ms, limit)
        return Answer([_aggregate_trade(trade) for trade in prints], weight=4)

    def depth(self, query: Query, now_ms: int) -> Answer:
        market_id = self._market_id(query.required("symbol"))
        limit = query.limit(default=100, largest=5_000)
        query.finish()
        book = self._path.book(market_id, now_ms, limit)
        weight = next(weight for largest, weight in _DEPTH_WEIGHTS if limit <= largest)
        body = {"lastUpdateId": book.update_id, "bids": _levels(book.bids), "asks": _levels(book.asks)}
        return Answer(body, weight)

    def average_price(self, query: Query, now_ms: int) -> Answer:
        market_id = self._market_id(query.required("symbol"))
        query.finish()
        price_quote = self._path.average_price_quote(market_id, now_ms, AVERAGE_PRICE_MINUTES * 60 * SECOND_MS)
        close_time_ms = self._path.last_print(market_id, now_ms).time_ms
        body = {"mins": AVERAGE_PRICE_MINUTES, "price": _money(price_quote), "closeTime": close_time_ms}
        return Answer(body, weight=2)

    def day_ticker(self, query: Query, now_ms: int) -> Answer:
        def ticker(market_id: str) -> dict[str, Any]:
            book = self._path.book(market_id, now_ms, levels=1)
            return _day_ticker(market_id, self._path.day_statistics(market_id, now_ms), book)

        return self._tickers(query, ticker, weight=2, weight_of_all=80)

    def price_ticker(self, query: Query, now_ms: int) -> Answer:
        def ticker(market_id: str) -> dict[str, Any]:
            last = self._path.last_print(market_id, now_ms)
            return {"symbol": market_id, "price": _money(last.price_quote)}

        return self._tickers(query, ticker, weight=2, weight_of_all=4)

    def book_ticker(self, query: Query, now_ms: int) -> Answer:
        def ticker(market_id: str) -> dict[str, Any]:
            return _book_ticker(market_id, self._path.book(market_id, now_ms, levels=1))

        return self._tickers(query, ticker, weight=2, weight_of_all=4)

    def _tickers(
        self, query: Query, ticker: Callable[[str], dict[str, Any]], weight: int, weight_of_all: int
    ) -> Answer:
        market_ids, one = self._market_ids(query)
        all_of_them = not query.values
        query.finish()
        body = [ticker(market_id) for market_id in market_ids]
        return Answer(body[0] if one else body, weight_of_all if all_of_them else weight)

    def _market_id(self, symbol: str) -> str:
        if not _SYMBOL.fullmatch(symbol):
            raise _illegal("symbol", _SYMBOL)
        if symbol not in self._path.markets:
            raise ApiError(-1121, "Invalid symbol.")
        return symbol

    def _market_ids(self, query: Query) -> tuple[list[str], bool]:
        """The markets of an optional ``symbol`` or ``symbols``, all without them; True for a single ``symbol``."""
        symbol, symbols = query.text("symbol"), query.text("symbols")
        if symbol is not None and symbols is not None:
            raise _bad_combination()
        if symbol is not None:
            return [self._market_id(symbol)], True
        if symbols is None:
            return list(self._path.markets), False
        return [self._market_id(name) for name in _symbol_list(symbols)], False


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


@dataclass(slots=True)
class WeightMeter:
    """Request weight used in the current minute of the exchange's clock. It counts, it refuses nothing."""

    minute: int = 0
    used: int = 0

    def spend(self, weight: int, now_ms: int) -> int:
        """Weight used in this minute, this request included."""
        minute = now_ms // (60 * SECOND_MS)
        if minute != self.minute:
            self.minute, self.used = minute, 0
        self.used += weight
        return self.used


def _handler(endpoint: Callable[[Query, int], Answer], clock: Clock, meter: WeightMeter) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        now_ms = int(clock() * SECOND_MS)
        if len(request.query) != len(set(request.query)):
            raise ApiError(-1101, "Duplicate values for a parameter detected.")
        answer = endpoint(Query(request.query), now_ms)
        used = str(meter.spend(answer.weight, now_ms))
        headers = {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}
        return web.json_response(answer.body, headers=headers)

    return handle


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        refusal = error
    except web.HTTPNotFound:
        refusal = _not_found()
    except web.HTTPMethodNotAllowed:
        refusal = ApiError(-1020, "This operation is not supported.", status=405)
    except Exception:  # noqa: BLE001 - logged; a client must get an answer
        _log.exception("%s %s failed", request.method, request.path_qs)
        refusal = ApiError(-1000, "An unknown error occurred while processing the request.", status=500)
    return web.json_response({"code": refusal.code, "msg": refusal.msg}, status=refusal.status)


def create_app(path: PricePath, clock: Clock) -> web.Application:
    """The exchange's web application. ``clock`` gives the present in epoch seconds; nothing else reads the time."""
    app = web.Application(middlewares=[_errors_as_json])
    meter = WeightMeter()
    for url_path, endpoint in MarketData(path).endpoints().items():
        app.router.add_get(url_path, _handler(endpoint, clock, meter))
    return app
