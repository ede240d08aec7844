"""The tape of a market: its prints in columns, the queries they answer, and the interface of any source.

Prices are whole numbers of ticks and quantities whole numbers of steps, so that what is answered is exact. Times are
UTC epochs, in milliseconds (``_ms``) unless said otherwise. A source draws or reads the prints.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from .markets import MarketRules, product
from .sums import Numbers, products, summable

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

SECOND_MS = 1_000
DAY_MS = 86_400_000
MOST_TICKS = 10**15
"""Of a price: so that spreads of it, and many levels behind it, are counted in 64 bits."""
BOOK_LEVELS = 500
LADDER_LEVELS = 100
"""So many levels of a source's book, a side, are there to trade with."""

MONTH = "1M"
_MONDAY_MS = 4 * DAY_MS  # 1970-01-05, the first Monday of the epoch: weekly candles open on Mondays
INTERVAL_MS = {
    "1s": SECOND_MS,
    "1m": 60_000,
    "3m": 180_000,
    "5m": 300_000,
    "15m": 900_000,
    "30m": 1_800_000,
    "1h": 3_600_000,
    "2h": 7_200_000,
    "4h": 14_400_000,
    "6h": 21_600_000,
    "8h": 28_800_000,
    "12h": 43_200_000,
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": 7 * DAY_MS,
}
INTERVALS = (*INTERVAL_MS, MONTH)


@dataclass(frozen=True, kw_only=True)
class LiquidMarket(MarketRules):
    """One symbol: its trading rules, and the character of the book that others make in it.

    Raises ValueError, naming every problem, when a value cannot make a market.
    """

    spread_bps: float = 1.0  # best ask minus best bid, relative to the mid; never under one tick
    level_median_quote: float = 5_000.0  # resting notional of one book level
    size_log_deviation: float = 1.1  # of the log-normal sizes of prints and levels
    refill_per_second: float = 0.5  # share of what takers took out of the book that comes back each second
    level_seconds: float = 30.0  # mean time for which a level of a drawn book stands
    competitor: bool = False  # whether somebody improves on an order that improves on the touch

    def _problems(self) -> list[str]:
        problems = super()._problems()
        if not 0 <= self.spread_bps < 10_000:
            problems.append("spread_bps must be at least 0 and below 10000")
        if not 0 < self.level_median_quote < math.inf:
            problems.append("level_median_quote must be above 0")
        if not 0 <= self.size_log_deviation <= 10:
            problems.append("size_log_deviation must be from 0 to 10")
        if not 0 < self.refill_per_second <= 1:
            problems.append("refill_per_second must be above 0 and at most 1")
        if not 0 < self.level_seconds < math.inf:
            problems.append("level_seconds must be above 0")
        return problems


@dataclass(frozen=True, slots=True)
class Print:
    """One public trade. Ids count up by one from 1 at the first print of the market's tape."""

    trade_id: int
    time_ms: int
    price_quote: Decimal
    quantity_base: Decimal
    buyer_is_maker: bool  # True: the seller was the aggressor and the print is at the bid

    @property
    def notional_quote(self) -> Decimal:
        """Price x quantity, in quote."""
        return product(self.price_quote, self.quantity_base)


@dataclass(frozen=True, slots=True)
class Level:
    """One price level of a book side: price in quote, resting quantity in base."""

    price_quote: Decimal
    quantity_base: Decimal


@dataclass(frozen=True, slots=True)
class Book:
    """An order book, best level first on both sides; the best bid is below the best ask.

    ``update_id`` grows with every change of the book and never falls.
    """

    update_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class Touch(NamedTuple):
    """The best prices of a source's book from one of its changes on; None where a side is empty."""

    time_ms: int
    bid_quote: Decimal | None
    ask_quote: Decimal | None


class QueueChange(NamedTuple):
    """What became of the orders of others at one price when the book changed."""

    kept: Fraction  # the share that was not cancelled: of each of them
    most_base: Decimal  # what stands there now


@dataclass(frozen=True, slots=True)
class Candle:
    """The prints from ``open_time_ms`` to ``close_time_ms``, both included; prices in quote.

    Without prints all four prices are the previous candle's close.
    """

    open_time_ms: int
    close_time_ms: int
    open_quote: Decimal
    high_quote: Decimal
    low_quote: Decimal
    close_quote: Decimal
    volume_base: Decimal
    volume_quote: Decimal
    print_count: int
    taker_buy_volume_base: Decimal
    taker_buy_volume_quote: Decimal


@dataclass(frozen=True, slots=True)
class DayStatistics:
    """The prints of the last 24 hours, both ends included; prices in quote.

    ``previous_close_quote`` is the last print before the window, or its first where the tape is younger than a day.
    """

    open_time_ms: int
    close_time_ms: int
    previous_close_quote: Decimal
    open_quote: Decimal
    high_quote: Decimal
    low_quote: Decimal
    last: Print
    volume_base: Decimal
    volume_quote: Decimal
    first_trade_id: int

    @property
    def print_count(self) -> int:
        """Number of prints in the window."""
        return self.last.trade_id - self.first_trade_id + 1

    @property
    def change_quote(self) -> Decimal:
        """Last price minus first price of the window, in quote."""
        return self.last.price_quote - self.open_quote

    @property
    def change_percent(self) -> Decimal:
        """Change relative to the first price of the window, in percent."""
        return self.change_quote / self.open_quote * 100

    @property
    def weighted_average_quote(self) -> Decimal:
        """Volume-weighted average price, in quote; the last price where nothing was printed."""
        return self.volume_quote / self.volume_base if self.volume_base else self.last.price_quote


def candle_open_ms(interval: str, time_ms: int) -> int:
    """Opening time of the candle that holds ``time_ms``. Raises KeyError for an unknown interval."""
    if interval == MONTH:
        month = np.datetime64(time_ms, "ms").astype("datetime64[M]")
        return int(month.astype("datetime64[ms]").astype(np.int64))
    anchor_ms = _MONDAY_MS if interval == "1w" else 0
    return time_ms - (time_ms - anchor_ms) % INTERVAL_MS[interval]


def next_open_ms(interval: str, open_ms: int) -> int:
    """Opening time of the candle after the one that opens at ``open_ms``."""
    if interval == MONTH:
        return candle_open_ms(MONTH, open_ms + 32 * DAY_MS)
    return open_ms + INTERVAL_MS[interval]


def _newest_opens(interval: str, first_ms: int, last_ms: int, limit: int) -> list[int]:
    opens: list[int] = []
    open_ms = candle_open_ms(interval, last_ms)
    while open_ms >= first_ms and len(opens) < limit:
        opens.append(open_ms)
        open_ms = candle_open_ms(interval, open_ms - 1)
    return opens[::-1]


def _oldest_opens(interval: str, first_ms: int, last_ms: int, limit: int) -> list[int]:
    opens: list[int] = []
    open_ms = candle_open_ms(interval, first_ms)
    if open_ms < first_ms:
        open_ms = next_open_ms(interval, open_ms)
    while open_ms <= last_ms and len(opens) < limit:
        opens.append(open_ms)
        open_ms = next_open_ms(interval, open_ms)
    return opens


@dataclass(frozen=True, slots=True)
class Tape:
    """The prints of one market, oldest first, as columns of equal length; ids count them from 1.

    The questions are about all prints of the tape, at least one. ``until`` cuts it to what a present has seen.
    """

    market: MarketRules
    time_ms: Integers  # never falling
    price_ticks: Integers
    quantity_steps: Integers
    buyer_is_maker: Flags

    @staticmethod
    def joined(tapes: Sequence[Tape]) -> Tape:
        """The tapes of one market one after the other, at least one."""
        return Tape(
            tapes[0].market,
            np.concatenate([tape.time_ms for tape in tapes]),
            np.concatenate([tape.price_ticks for tape in tapes]),
            np.concatenate([tape.quantity_steps for tape in tapes]),
            np.concatenate([tape.buyer_is_maker for tape in tapes]),
        )

    def __len__(self) -> int:
        return self.time_ms.size

    def until(self, now_ms: int) -> Tape:
        """The prints up to and including ``now_ms``; a view, not a copy."""
        end = int(np.searchsorted(self.time_ms, now_ms, "right"))
        return Tape(
            self.market,
            self.time_ms[:end],
            self.price_ticks[:end],
            self.quantity_steps[:end],
            self.buyer_is_maker[:end],
        )

    def index_since(self, since_ms: int) -> int:
        """Number of prints before ``since_ms``: the index of the first one at it or later."""
        return int(np.searchsorted(self.time_ms, since_ms, "left"))

    def prints(self, first: int, limit: int) -> list[Print]:
        """At most ``limit`` prints from index ``first`` on, oldest first; none past the end."""
        cut = slice(first, first + limit)
        columns = zip(
            self.time_ms[cut].tolist(),
            self.price_ticks[cut].tolist(),
            self.quantity_steps[cut].tolist(),
            self.buyer_is_maker[cut].tolist(),
            strict=True,
        )
        return [
            Print(trade_id, time_ms, self.market.price(ticks), self.market.quantity(steps), buyer_is_maker)
            for trade_id, (time_ms, ticks, steps, buyer_is_maker) in enumerate(columns, first + 1)
        ]

    def last_print(self) -> Print:
        """The newest print."""
        return self.prints(len(self) - 1, 1)[0]

    def candles(
        self, interval: str, now_ms: int, limit: int, since_ms: int | None = None, until_ms: int | None = None
    ) -> list[Candle]:
        """Candles that open up to ``until_ms``, at most up to ``now_ms``, oldest first; see MarketSource."""
        first_ms = candle_open_ms(interval, int(self.time_ms[0]))
        last_ms = now_ms if until_ms is None else min(until_ms, now_ms)
        if since_ms is None:
            opens_ms = _newest_opens(interval, first_ms, last_ms, limit)
        else:
            opens_ms = _oldest_opens(interval, min(max(first_ms, since_ms), last_ms + 1), last_ms, limit)
        return self._candles(interval, opens_ms) if opens_ms else []

    def _candles(self, interval: str, opens_ms: list[int]) -> list[Candle]:
        """One candle for each opening time, none of them before the first print's candle."""
        bounds_ms = [*opens_ms, next_open_ms(interval, opens_ms[-1])]
        bounds = np.searchsorted(self.time_ms, bounds_ms, "left")
        prints, counts = slice(bounds[0], bounds[-1]), np.diff(bounds)
        filled = counts > 0
        first = (bounds[:-1] - bounds[0])[filled]
        price, steps = self.price_ticks[prints], summable(self.quantity_steps[prints])
        tick_steps, is_sold = products(price, self.quantity_steps[prints]), self.buyer_is_maker[prints]
        closed, nothing = self.price_ticks[bounds[1:] - 1], np.zeros_like(counts)
        market = self.market
        columns = zip(
            opens_ms,
            (next_ms - 1 for next_ms in bounds_ms[1:]),
            map(market.price, _placed(closed, filled, price[first])),
            map(market.price, _placed(closed, filled, np.maximum.reduceat(price, first))),
            map(market.price, _placed(closed, filled, np.minimum.reduceat(price, first))),
            map(market.price, closed.tolist()),
            map(market.quantity, _placed(nothing, filled, np.add.reduceat(steps, first))),
            map(market.notional, _placed(nothing, filled, np.add.reduceat(tick_steps, first))),
            counts.tolist(),
            map(market.quantity, _placed(nothing, filled, np.add.reduceat(np.where(is_sold, 0, steps), first))),
            map(market.notional, _placed(nothing, filled, np.add.reduceat(np.where(is_sold, 0, tick_steps), first))),
            strict=True,
        )
        return [Candle(*column) for column in columns]

    def day_statistics(self, now_ms: int) -> DayStatistics:
        """Statistics of the prints from 24 hours before ``now_ms`` on; without any, the last price and no volume."""
        market, first, last = self.market, self.index_since(now_ms - DAY_MS), len(self) - 1
        price = self.price_ticks[min(first, last) :]
        return DayStatistics(
            now_ms - DAY_MS,
            now_ms,
            market.price(int(self.price_ticks[max(0, first - 1)])),
            market.price(int(price[0])),
            market.price(int(price.max())),
            market.price(int(price.min())),
            self.last_print(),
            market.quantity(self._steps_since(first)),
            market.notional(self._tick_steps_since(first)),
            first + 1,
        )

    def average_price_quote(self, since_ms: int) -> Decimal:
        """Volume-weighted average price, in quote, of the prints since ``since_ms``; the last price without any."""
        first = self.index_since(since_ms)
        if first == len(self):
            return self.last_print().price_quote
        return self.market.tick_quote * self._tick_steps_since(first) / self._steps_since(first)

    def _tick_steps_since(self, first: int) -> int:
        return int(products(self.price_ticks[first:], self.quantity_steps[first:]).sum())

    def _steps_since(self, first: int) -> int:
        return int(summable(self.quantity_steps[first:]).sum())


def _placed(otherwise: Integers, where: Flags, values: Numbers) -> list[int]:
    placed = otherwise.astype(object)
    placed[where] = values
    return list(map(int, placed))


class MarketSource(Protocol):
    """The other side of the market, as the server asks for it.

    Every question takes a market id such as ``BTCUSDT`` and the present, ``now_ms``; no answer looks past it, and the
    same query has the same answer, independent of earlier ones. It raises KeyError for an unknown market or interval
    and ValueError for a present before ``origin_ms``.
    """

    markets: Mapping[str, LiquidMarket]  # by id
    start_time: int  # epoch seconds; what lies before it is history
    origin_ms: int  # the first present at which every market has a print and a book

    def book(self, market_id: str, now_ms: int, levels: int = BOOK_LEVELS) -> Book:
        """The order book, at most ``levels`` a side, at least one; fewer are a prefix."""
        ...

    def changed_ms(self, market_id: str, now_ms: int) -> int:
        """When the book last changed, up to and including ``now_ms``: until the next change it is the same."""
        ...

    def changes(self, market_id: str, after_ms: int, until_ms: int) -> Iterator[Touch]:
        """Every change of the book later than ``after_ms`` up to and including ``until_ms``, oldest first."""
        ...

    def queue_change(
        self, market_id: str, before_ms: int, change_ms: int, price_quote: Decimal, *, is_bid: bool
    ) -> QueueChange | None:
        """What a change of the book, of which ``before_ms`` was the one before, did at a price.

        None where cancels can't be told from trades, as in recorded books: then only the sizes are known.
        """
        ...

    def visible(self, market_id: str, now_ms: int) -> int:
        """Number of prints up to and including ``now_ms``: the id of the last one."""
        ...

    def last_print(self, market_id: str, now_ms: int) -> Print:
        """The newest print."""
        ...

    def newest_prints(self, market_id: str, now_ms: int, limit: int) -> list[Print]:
        """The last ``limit`` prints, oldest first."""
        ...

    def prints_from_id(self, market_id: str, now_ms: int, trade_id: int, limit: int) -> list[Print]:
        """The first ``limit`` prints whose id is ``trade_id`` or more, oldest first."""
        ...

    def prints_since(self, market_id: str, now_ms: int, since_ms: int, limit: int) -> list[Print]:
        """The first ``limit`` prints at ``since_ms`` or later, oldest first."""
        ...

    def prints_between(self, market_id: str, after_ms: int, until_ms: int) -> list[Print]:
        """Every print later than ``after_ms`` up to and including ``until_ms``, the present; oldest first."""
        ...

    def candles(
        self,
        market_id: str,
        interval: str,
        now_ms: int,
        limit: int,
        since_ms: int | None = None,
        until_ms: int | None = None,
    ) -> list[Candle]:
        """Candles that open up to ``until_ms``, at most up to ``now_ms``, oldest first; the newest is still growing.

        They are the last ``limit``, or with ``since_ms`` the first ``limit`` of those that open at it or later. The
        first candle of all holds only what follows the first print; one without prints stays at the previous close.
        """
        ...

    def day_statistics(self, market_id: str, now_ms: int) -> DayStatistics:
        """Statistics of the prints of the last 24 hours."""
        ...

    def average_price_quote(self, market_id: str, now_ms: int, window_ms: int) -> Decimal:
        """Volume-weighted average price, in quote, of the prints of the last ``window_ms``, at least a second."""
        ...


class TapeSource(MarketSource):
    """A source that answers from one tape for each market, as MarketSource promises; books are left to subclasses.

    Its book changes on whole seconds, unless a subclass knows better.
    """

    @abstractmethod
    def _tape(self, market_id: str, now_ms: int) -> Tape:
        """A known market's prints up to a present not before the origin, at least one; it may hold later ones."""

    def tape(self, market_id: str, now_ms: int) -> Tape:
        """The prints up to and including ``now_ms``."""
        return self._seen(market_id, now_ms)

    def touches(self, market_id: str, after_ms: int, until_ms: int) -> Iterator[Touch]:
        """Every change of the touch between two moments, as exactly as it is known."""
        return self.changes(market_id, after_ms, until_ms)

    def changed_ms(self, market_id: str, now_ms: int) -> int:
        return now_ms // SECOND_MS * SECOND_MS

    def changes(self, market_id: str, after_ms: int, until_ms: int) -> Iterator[Touch]:
        for second in range(after_ms // SECOND_MS + 1, until_ms // SECOND_MS + 1):
            book = self.book(market_id, second * SECOND_MS, 1)
            best_bid, best_ask = (next((level.price_quote for level in side), None) for side in (book.bids, book.asks))
            yield Touch(second * SECOND_MS, best_bid, best_ask)

    def queue_change(
        self, market_id: str, before_ms: int, change_ms: int, price_quote: Decimal, *, is_bid: bool
    ) -> QueueChange | None:
        return None

    def visible(self, market_id: str, now_ms: int) -> int:
        return len(self._seen(market_id, now_ms))

    def last_print(self, market_id: str, now_ms: int) -> Print:
        return self._seen(market_id, now_ms).last_print()

    def newest_prints(self, market_id: str, now_ms: int, limit: int) -> list[Print]:
        tape = self._seen(market_id, now_ms)
        return tape.prints(max(0, len(tape) - limit), limit)

    def prints_from_id(self, market_id: str, now_ms: int, trade_id: int, limit: int) -> list[Print]:
        return self._seen(market_id, now_ms).prints(max(0, trade_id - 1), limit)

    def prints_since(self, market_id: str, now_ms: int, since_ms: int, limit: int) -> list[Print]:
        tape = self._seen(market_id, now_ms)
        return tape.prints(tape.index_since(since_ms), limit)

    def prints_between(self, market_id: str, after_ms: int, until_ms: int) -> list[Print]:
        tape = self._seen(market_id, until_ms)
        return tape.prints(tape.index_since(after_ms + 1), len(tape))

    def candles(
        self,
        market_id: str,
        interval: str,
        now_ms: int,
        limit: int,
        since_ms: int | None = None,
        until_ms: int | None = None,
    ) -> list[Candle]:
        return self._seen(market_id, now_ms).candles(interval, now_ms, limit, since_ms, until_ms)

    def day_statistics(self, market_id: str, now_ms: int) -> DayStatistics:
        return self._seen(market_id, now_ms).day_statistics(now_ms)

    def average_price_quote(self, market_id: str, now_ms: int, window_ms: int) -> Decimal:
        return self._seen(market_id, now_ms).average_price_quote(now_ms - max(window_ms, SECOND_MS))

    def _seen(self, market_id: str, now_ms: int) -> Tape:
        self._check(market_id, now_ms)
        return self._tape(market_id, now_ms).until(now_ms)

    def _check(self, market_id: str, now_ms: int) -> None:
        if market_id not in self.markets:
            raise KeyError(market_id)
        if now_ms < self.origin_ms:
            raise ValueError(f"{now_ms} ms is before the history, which begins at {self.origin_ms} ms")
