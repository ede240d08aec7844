"""The public record of trades: the market's own prints and the trades of the accounts in one numbering. Pure."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from ..market.tape import BOOK_LEVELS, DAY_MS, Book, Candle, DayStatistics, MarketSource, Print, QueueChange, Touch
from .orders import ZERO, Trade


@dataclass(slots=True)
class _AccountTrades:
    """The trades of the accounts on one market, oldest first, by id and by time."""

    trades: list[Trade] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    times_ms: list[int] = field(default_factory=list)
    prints_before: list[int] = field(default_factory=list)

    def add(self, trade: Trade) -> None:
        self.prints_before.append(trade.trade_id - 1 - len(self.trades))
        self.trades.append(trade)
        self.ids.append(trade.trade_id)
        self.times_ms.append(trade.time_ms)

    def public_id(self, source_id: int) -> int:
        """The id of the market's own print number `source_id`, counting the trades of the accounts before it."""
        return source_id + bisect.bisect_left(self.prints_before, source_id)

    def count(self, until_ms: int) -> int:
        """The number of trades up to and including a moment."""
        return bisect.bisect_right(self.times_ms, until_ms)

    def within(self, since_ms: int, until_ms: int) -> list[Trade]:
        """Those from `since_ms` to `until_ms`, both included."""
        return self.trades[bisect.bisect_left(self.times_ms, since_ms) : self.count(until_ms)]


class PublicTape(MarketSource):
    """A source of market data with the trades of the accounts in it.

    Every print and every trade has one id, which counts up by one from 1 in the order in which they happened, and the
    same one in every answer. Opening, closing and average prices stay those of the market's own prints; volumes, highs
    and lows count both.
    """

    def __init__(self, source: MarketSource) -> None:
        self._source = source
        self._own = {market_id: _AccountTrades() for market_id in source.markets}
        self.markets = source.markets
        self.origin_ms = source.origin_ms
        self.start_time = source.start_time

    def add(self, trade: Trade) -> None:
        """A trade of an account, not older than those before it; its id follows what is visible at its moment."""
        self._own[trade.market_id].add(trade)

    def visible(self, market_id: str, now_ms: int) -> int:
        """The newest id: the number of prints and trades up to and including `now_ms`."""
        return self._source.visible(market_id, now_ms) + self._own[market_id].count(now_ms)

    def book(self, market_id: str, now_ms: int, levels: int = BOOK_LEVELS) -> Book:
        """The market's own orders, as they are drawn."""
        return self._source.book(market_id, now_ms, levels)

    def changed_ms(self, market_id: str, now_ms: int) -> int:
        return self._source.changed_ms(market_id, now_ms)

    def changes(self, market_id: str, after_ms: int, until_ms: int) -> Iterator[Touch]:
        return self._source.changes(market_id, after_ms, until_ms)

    def queue_change(
        self, market_id: str, before_ms: int, change_ms: int, price_quote: Decimal, *, is_bid: bool
    ) -> QueueChange | None:
        return self._source.queue_change(market_id, before_ms, change_ms, price_quote, is_bid=is_bid)

    def last_print(self, market_id: str, now_ms: int) -> Print:
        return self.newest_prints(market_id, now_ms, 1)[0]

    def newest_prints(self, market_id: str, now_ms: int, limit: int) -> list[Print]:
        own = self._own[market_id]
        end = own.count(now_ms)
        newest = own.trades[max(end - limit, 0) : end]
        return self._merged(market_id, self._source.newest_prints(market_id, now_ms, limit), newest)[-limit:]

    def prints_from_id(self, market_id: str, now_ms: int, trade_id: int, limit: int) -> list[Print]:
        own = self._own[market_id]
        before = bisect.bisect_left(own.ids, trade_id)
        prints = self._source.prints_from_id(market_id, now_ms, max(trade_id - before, 0), limit)
        newer = own.trades[before : min(before + limit, own.count(now_ms))]
        return self._merged(market_id, prints, newer)[:limit]

    def prints_since(self, market_id: str, now_ms: int, since_ms: int, limit: int) -> list[Print]:
        prints = self._source.prints_since(market_id, now_ms, since_ms, limit)
        return self._merged(market_id, prints, self._own[market_id].within(since_ms, now_ms)[:limit])[:limit]

    def prints_between(self, market_id: str, after_ms: int, until_ms: int) -> list[Print]:
        prints = self._source.prints_between(market_id, after_ms, until_ms)
        return self._merged(market_id, prints, self._own[market_id].within(after_ms + 1, until_ms))

    def candles(
        self,
        market_id: str,
        interval: str,
        now_ms: int,
        limit: int,
        since_ms: int | None = None,
        until_ms: int | None = None,
    ) -> list[Candle]:
        own = self._own[market_id]
        candles = self._source.candles(market_id, interval, now_ms, limit, since_ms, until_ms)
        return [
            _with_trades(candle, own.within(candle.open_time_ms, min(candle.close_time_ms, now_ms)))
            for candle in candles
        ]

    def day_statistics(self, market_id: str, now_ms: int) -> DayStatistics:
        own = self._own[market_id]
        day = self._source.day_statistics(market_id, now_ms)
        trades = own.within(now_ms - DAY_MS, now_ms)
        prices = [trade.price_quote for trade in trades]
        return dataclasses.replace(
            day,
            high_quote=max([day.high_quote, *prices]),
            low_quote=min([day.low_quote, *prices]),
            last=self.last_print(market_id, now_ms),
            volume_base=day.volume_base + _base(trades),
            volume_quote=day.volume_quote + _quote(trades),
            first_trade_id=min([own.public_id(day.first_trade_id), *(trade.trade_id for trade in trades[:1])]),
        )

    def average_price_quote(self, market_id: str, now_ms: int, window_ms: int) -> Decimal:
        return self._source.average_price_quote(market_id, now_ms, window_ms)

    def _merged(self, market_id: str, prints: Iterable[Print], trades: Iterable[Trade]) -> list[Print]:
        own = self._own[market_id]
        renumbered = [dataclasses.replace(item, trade_id=own.public_id(item.trade_id)) for item in prints]
        return sorted([*renumbered, *map(_print_of, trades)], key=lambda item: item.trade_id)


def _print_of(trade: Trade) -> Print:
    return Print(trade.trade_id, trade.time_ms, trade.price_quote, trade.quantity_base, trade.buyer_is_maker)


def _with_trades(candle: Candle, trades: list[Trade]) -> Candle:
    if not trades:
        return candle
    prices = [trade.price_quote for trade in trades]
    bought = [trade for trade in trades if not trade.buyer_is_maker]
    return dataclasses.replace(
        candle,
        high_quote=max(candle.high_quote, *prices),
        low_quote=min(candle.low_quote, *prices),
        volume_base=candle.volume_base + _base(trades),
        volume_quote=candle.volume_quote + _quote(trades),
        print_count=candle.print_count + len(trades),
        taker_buy_volume_base=candle.taker_buy_volume_base + _base(bought),
        taker_buy_volume_quote=candle.taker_buy_volume_quote + _quote(bought),
    )


def _base(trades: list[Trade]) -> Decimal:
    return sum((trade.quantity_base for trade in trades), ZERO)


def _quote(trades: list[Trade]) -> Decimal:
    return sum((trade.notional_quote for trade in trades), ZERO)
