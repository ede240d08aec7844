"""A seeded market: quotes, prints, order book and candles as a function of seed, start time and time alone.

The mid price is a geometric random walk in steps of one second. Everything else follows from it: the touch stands half
a spread on each side, prints happen at the touch, candles and statistics are aggregates of those prints. Prices are
whole numbers of ticks and quantities whole numbers of steps, so that what is printed is exact.

Times are UTC epochs: seconds for the start, milliseconds (``_ms``) elsewhere. No answer looks past the ``now_ms`` it is
given. Blocks of one hour are drawn when time reaches them, each from its own random stream, so that neither the order
nor the moment of the questions changes an answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SECOND_MS = 1_000
DAY_MS = 86_400_000
SECONDS_PER_YEAR = 365 * 86_400  # this market never closes
BLOCK_SECONDS = 3_600
BOOK_LEVELS = 500
DEFAULT_HISTORY_SECONDS = 30 * 3_600

# Random streams of one market: a new use gets a new number, so that it does not move the draws of the others.
_WALK, _PRINTS, _BOOK = range(3)
_INDEX_OFFSET = 2**40  # blocks and seconds before the start have negative indices, entropy must not

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


@dataclass(frozen=True, slots=True)
class MarketSpec:
    """One symbol: its trading rules, which the exchange announces, and the character of its path.

    Raises ValueError, naming every problem, when a value cannot make a market.
    """

    base: str
    quote: str
    start_price_quote: Decimal  # mid price at the start time
    tick_quote: Decimal  # prices are multiples of it
    step_base: Decimal  # quantities are multiples of it
    minimum_notional_quote: Decimal
    maximum_notional_quote: Decimal = Decimal(9000000)
    maximum_price_quote: Decimal = Decimal(1000000)
    maximum_quantity_base: Decimal = Decimal(9000)
    annual_volatility: float = 0.5  # standard deviation of a year's log return
    spread_bps: float = 1.0  # best ask minus best bid, relative to the mid; never under one tick
    prints_per_second: float = 2.5  # mean; at least one in each second
    print_median_quote: float = 300.0
    level_median_quote: float = 5_000.0  # resting notional of one book level
    size_log_deviation: float = 1.1  # of the log-normal sizes of prints and levels

    def __post_init__(self) -> None:
        positive = ("start_price_quote", "tick_quote", "step_base", "minimum_notional_quote", "print_median_quote",
                    "level_median_quote")  # fmt: skip
        problems = [f"{name} must be above 0" for name in positive if getattr(self, name) <= 0]
        not_negative = ("annual_volatility", "spread_bps", "size_log_deviation")
        problems += [f"{name} must not be negative" for name in not_negative if getattr(self, name) < 0]
        if self.prints_per_second < 1:
            problems.append("prints_per_second must be at least 1")
        if problems:
            raise ValueError(f"{self.id}: {', '.join(problems)}")

    @property
    def id(self) -> str:
        """The exchange's own name of the market, such as BTCUSDT."""
        return f"{self.base}{self.quote}"

    def price(self, ticks: int) -> Decimal:
        """Exact price, in quote."""
        return self.tick_quote * ticks

    def quantity(self, steps: int) -> Decimal:
        """Exact quantity, in base."""
        return self.step_base * steps

    def notional(self, tick_steps: int) -> Decimal:
        """Exact notional, in quote, of a sum of ticks x steps."""
        return self.tick_quote * self.step_base * tick_steps


MARKETS = (
    MarketSpec("BTC", "USDT", Decimal(60000), Decimal("0.01"), Decimal("0.00001"), Decimal(5)),
    MarketSpec("ETH", "USDT", Decimal(3000), Decimal("0.01"), Decimal("0.0001"), Decimal(5)),
)


@dataclass(frozen=True, slots=True)
class Print:
    """One public trade. Ids count up by one from 1 at the path's origin."""

    trade_id: int
    time_ms: int
    price_quote: Decimal
    quantity_base: Decimal
    buyer_is_maker: bool  # True: the seller was the aggressor and the print is at the bid

    @property
    def notional_quote(self) -> Decimal:
        """Price x quantity, in quote."""
        return self.price_quote * self.quantity_base


@dataclass(frozen=True, slots=True)
class Level:
    """One price level of a book side: price in quote, resting quantity in base."""

    price_quote: Decimal
    quantity_base: Decimal


@dataclass(frozen=True, slots=True)
class Book:
    """An order book, best level first on both sides; the best bid is below the best ask.

    ``update_id`` grows by one each second, as often as the book changes.
    """

    update_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Candle:
    """The prints from ``open_time_ms`` to ``close_time_ms``, both included; prices in quote."""

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

    ``previous_close_quote`` is the last print before the window, or its first where the path is younger than a day.
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
        """Volume-weighted average price, in quote."""
        return self.volume_quote / self.volume_base


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
class _Tape:
    """What is drawn of one market so far: the touch of each second and every print, oldest first."""

    bid_ticks: Integers  # shape (seconds,)
    ask_ticks: Integers  # shape (seconds,)
    time_ms: Integers  # shape (prints,), as the three below
    price_ticks: Integers
    quantity_steps: Integers
    buyer_is_maker: Flags


def _joined(tapes: Sequence[_Tape]) -> _Tape:
    return _Tape(
        np.concatenate([tape.bid_ticks for tape in tapes]),
        np.concatenate([tape.ask_ticks for tape in tapes]),
        np.concatenate([tape.time_ms for tape in tapes]),
        np.concatenate([tape.price_ticks for tape in tapes]),
        np.concatenate([tape.quantity_steps for tape in tapes]),
        np.concatenate([tape.buyer_is_maker for tape in tapes]),
    )


@dataclass(frozen=True, slots=True)
class _MarketDraw:
    """The random draws of one market; every method is a function of its arguments and these fields."""

    market: MarketSpec
    seed: int
    start_time: int  # epoch seconds, the opening of block 0

    def _rng(self, stream: int, index: int) -> np.random.Generator:
        market_key = int.from_bytes(self.market.id.encode(), "big")
        return np.random.Generator(np.random.PCG64([self.seed, market_key, stream, index + _INDEX_OFFSET]))

    def log_returns(self, block: int) -> Floats:
        """Log returns of the mid, one a second, without drift of the price: mean -variance/2."""
        deviation = self.market.annual_volatility / math.sqrt(SECONDS_PER_YEAR)
        return self._rng(_WALK, block).standard_normal(BLOCK_SECONDS) * deviation - deviation**2 / 2

    def tape(self, block: int, opening_log_price: float) -> _Tape:
        """The touch and the prints of one block whose first second has the given log mid price."""
        log_price = opening_log_price + np.concatenate([[0.0], np.cumsum(self.log_returns(block)[:-1])])
        mid_ticks = np.exp(log_price) / float(self.market.tick_quote)
        spread_ticks = np.maximum(np.rint(mid_ticks * self.market.spread_bps / 10_000), 1)
        bid_ticks = np.maximum(np.rint(mid_ticks - spread_ticks / 2), 1).astype(np.int64)
        ask_ticks = bid_ticks + spread_ticks.astype(np.int64)
        rng = self._rng(_PRINTS, block)
        offset_ms = self._print_offsets_ms(rng)
        second = offset_ms // SECOND_MS
        buyer_is_maker = rng.random(offset_ms.size) < 0.5
        price_ticks = np.where(buyer_is_maker, bid_ticks[second], ask_ticks[second])
        return _Tape(
            bid_ticks,
            ask_ticks,
            (self.start_time + block * BLOCK_SECONDS) * SECOND_MS + offset_ms,
            price_ticks,
            self._sizes_steps(rng, self.market.print_median_quote, price_ticks),
            buyer_is_maker,
        )

    def _print_offsets_ms(self, rng: np.random.Generator) -> Integers:
        """Times within a block: one print as each second opens, so that no candle is empty, others at random."""
        seconds = np.arange(BLOCK_SECONDS, dtype=np.int64)
        more = np.repeat(seconds, rng.poisson(self.market.prints_per_second - 1, BLOCK_SECONDS))
        return np.sort(np.concatenate([seconds * SECOND_MS, more * SECOND_MS + rng.integers(1, SECOND_MS, more.size)]))

    def _sizes_steps(self, rng: np.random.Generator, median_quote: float, price_ticks: Integers) -> Integers:
        """Log-normal sizes, in steps, none with a notional below the market's minimum."""
        tick_step_quote = self.market.notional(1)
        notional_quote = median_quote * np.exp(self.market.size_log_deviation * rng.standard_normal(price_ticks.size))
        steps = np.ceil(notional_quote / float(tick_step_quote) / price_ticks).astype(np.int64)
        minimum = int((self.market.minimum_notional_quote / tick_step_quote).to_integral_value(ROUND_CEILING))
        return np.maximum(steps, -(-minimum // price_ticks))

    def levels(self, second: int, best_ticks: int, away: int, spread_ticks: int, limit: int) -> tuple[Level, ...]:
        """One side of the book at a second counted from the start; ``away`` is -1 for bids, +1 for asks."""
        rng = self._rng(_BOOK, 2 * second + (away > 0))
        gaps = 1 + np.floor(rng.exponential(spread_ticks / 2, BOOK_LEVELS)).astype(np.int64)
        gaps[0] = 0
        price_ticks = best_ticks + away * np.cumsum(gaps)
        steps = self._sizes_steps(rng, self.market.level_median_quote, np.maximum(price_ticks, 1))
        side = zip(price_ticks[:limit].tolist(), steps[:limit].tolist(), strict=True)
        return tuple(Level(self.market.price(ticks), self.market.quantity(size)) for ticks, size in side if ticks > 0)


@dataclass(slots=True)
class _MarketPath:
    """One market's tape, drawn up to where it was asked for, and the questions it answers."""

    draw: _MarketDraw
    first_block: int
    tape: _Tape = field(init=False)
    next_block: int = field(init=False, default=0)
    next_log_price: float = field(init=False)

    def __post_init__(self) -> None:
        self.next_log_price = math.log(self.draw.market.start_price_quote)
        log_price, tapes = self.next_log_price, list[_Tape]()
        for block in range(-1, self.first_block - 1, -1):
            log_price -= float(self.draw.log_returns(block).sum())
            tapes.append(self.draw.tape(block, log_price))
        self.tape = _joined(tapes[::-1])

    def visible(self, now_ms: int) -> int:
        """Number of prints up to and including ``now_ms``; draws the blocks that this needs."""
        tapes = [self.tape]
        while now_ms >= (self.draw.start_time + self.next_block * BLOCK_SECONDS) * SECOND_MS:
            tapes.append(self.draw.tape(self.next_block, self.next_log_price))
            self.next_log_price += float(self.draw.log_returns(self.next_block).sum())
            self.next_block += 1
        if len(tapes) > 1:
            self.tape = _joined(tapes)
        return int(np.searchsorted(self.tape.time_ms, now_ms, "right"))

    def print_at(self, index: int) -> Print:
        tape, market = self.tape, self.draw.market
        return Print(
            index + 1,
            int(tape.time_ms[index]),
            market.price(int(tape.price_ticks[index])),
            market.quantity(int(tape.quantity_steps[index])),
            bool(tape.buyer_is_maker[index]),
        )

    def candles(self, interval: str, opens_ms: list[int], end: int) -> list[Candle]:
        """One candle for each opening time, from the prints before index ``end``; none of them is empty."""
        market = self.draw.market
        bounds_ms = [*opens_ms, next_open_ms(interval, opens_ms[-1])]
        bounds = np.minimum(np.searchsorted(self.tape.time_ms, bounds_ms, "left"), end)
        first, prints = bounds[:-1] - bounds[0], slice(bounds[0], bounds[-1])
        price, steps = self.tape.price_ticks[prints], self.tape.quantity_steps[prints]
        taker_buy_steps = np.where(self.tape.buyer_is_maker[prints], 0, steps)
        columns = zip(
            opens_ms,
            bounds_ms[1:],
            price[first].tolist(),
            np.maximum.reduceat(price, first).tolist(),
            np.minimum.reduceat(price, first).tolist(),
            price[bounds[1:] - bounds[0] - 1].tolist(),
            np.add.reduceat(steps, first).tolist(),
            np.add.reduceat(steps * price, first).tolist(),
            np.diff(bounds).tolist(),
            np.add.reduceat(taker_buy_steps, first).tolist(),
            np.add.reduceat(taker_buy_steps * price, first).tolist(),
            strict=True,
        )
        return [
            Candle(
                open_ms, next_ms - 1,
                market.price(opened), market.price(high), market.price(low), market.price(closed),
                market.quantity(volume), market.notional(volume_quote), count,
                market.quantity(bought), market.notional(bought_quote),
            )
            for (open_ms, next_ms, opened, high, low, closed, volume, volume_quote, count, bought, bought_quote)
            in columns
        ]  # fmt: skip


class PricePath:
    """A market of several symbols, decided by ``seed``, ``start_time`` and ``markets`` alone.

    ``start_time`` is an epoch in whole seconds at which each mid is at its ``start_price_quote``. The history before it
    lasts at least ``history_seconds``, rounded up to whole hours; a longer one shows more of the same prices, but moves
    the trade ids, which count from its beginning. Past the start the path has no end: the cost of reaching a
    later moment, in time and memory, grows with the hours in between (about 9,000 prints an hour and symbol).

    Every question takes a market id such as ``BTCUSDT`` and the present, ``now_ms``. It raises KeyError for an unknown
    market or interval and ValueError for a present before the history.
    """

    def __init__(
        self,
        seed: int,
        start_time: int,
        markets: Sequence[MarketSpec] = MARKETS,
        history_seconds: int = DEFAULT_HISTORY_SECONDS,
    ) -> None:
        if seed < 0:
            raise ValueError(f"seed must not be negative, not {seed}")
        history_blocks = max(1, math.ceil(history_seconds / BLOCK_SECONDS))
        if start_time < history_blocks * BLOCK_SECONDS:
            raise ValueError(f"start time must leave {history_blocks} hours of history after the epoch: {start_time}")
        self.seed = seed
        self.start_time = start_time
        self.origin_ms = (start_time - history_blocks * BLOCK_SECONDS) * SECOND_MS
        self.markets = {market.id: market for market in markets}
        self._paths = {
            market.id: _MarketPath(_MarketDraw(market, seed, start_time), -history_blocks) for market in markets
        }

    def book(self, market_id: str, now_ms: int, levels: int = BOOK_LEVELS) -> Book:
        """The order book of the present second, at most ``levels`` and at most 500 a side; fewer are a prefix."""
        path, _ = self._reach(market_id, now_ms)
        second = now_ms // SECOND_MS
        index = second - self.origin_ms // SECOND_MS
        bid_ticks, ask_ticks = int(path.tape.bid_ticks[index]), int(path.tape.ask_ticks[index])
        from_start, spread_ticks = second - self.start_time, ask_ticks - bid_ticks
        return Book(
            index + 1,
            path.draw.levels(from_start, bid_ticks, -1, spread_ticks, levels),
            path.draw.levels(from_start, ask_ticks, +1, spread_ticks, levels),
        )

    def last_print(self, market_id: str, now_ms: int) -> Print:
        """The newest print, never older than a second."""
        path, end = self._reach(market_id, now_ms)
        return path.print_at(end - 1)

    def newest_prints(self, market_id: str, now_ms: int, limit: int) -> list[Print]:
        """The last ``limit`` prints, oldest first."""
        path, end = self._reach(market_id, now_ms)
        return [path.print_at(index) for index in range(max(0, end - limit), end)]

    def prints_from_id(self, market_id: str, now_ms: int, trade_id: int, limit: int) -> list[Print]:
        """The first ``limit`` prints whose id is ``trade_id`` or more, oldest first."""
        path, end = self._reach(market_id, now_ms)
        first = min(max(0, trade_id - 1), end)
        return [path.print_at(index) for index in range(first, min(first + limit, end))]

    def prints_since(self, market_id: str, now_ms: int, since_ms: int, limit: int) -> list[Print]:
        """The first ``limit`` prints at ``since_ms`` or later, oldest first."""
        path, end = self._reach(market_id, now_ms)
        first = self._first_since(path, since_ms)
        return [path.print_at(index) for index in range(first, min(first + limit, end))]

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
        first candle of the path holds only what follows the origin.
        """
        path, end = self._reach(market_id, now_ms)
        first_ms = candle_open_ms(interval, self.origin_ms)
        last_ms = now_ms if until_ms is None else min(until_ms, now_ms)
        if since_ms is None:
            opens_ms = _newest_opens(interval, first_ms, last_ms, limit)
        else:
            opens_ms = _oldest_opens(interval, min(max(first_ms, since_ms), last_ms + 1), last_ms, limit)
        return path.candles(interval, opens_ms, end) if opens_ms else []

    def day_statistics(self, market_id: str, now_ms: int) -> DayStatistics:
        """Statistics of the prints of the last 24 hours."""
        path, end = self._reach(market_id, now_ms)
        market, first = path.draw.market, self._first_since(path, now_ms - DAY_MS)
        price, steps = path.tape.price_ticks[first:end], path.tape.quantity_steps[first:end]
        return DayStatistics(
            now_ms - DAY_MS,
            now_ms,
            market.price(int(path.tape.price_ticks[max(0, first - 1)])),
            market.price(int(price[0])),
            market.price(int(price.max())),
            market.price(int(price.min())),
            path.print_at(end - 1),
            market.quantity(int(steps.sum())),
            market.notional(int((steps * price).sum())),
            first + 1,
        )

    def average_price_quote(self, market_id: str, now_ms: int, window_ms: int) -> Decimal:
        """Volume-weighted average price, in quote, of the prints of the last ``window_ms``, at least a second."""
        path, end = self._reach(market_id, now_ms)
        first = self._first_since(path, now_ms - max(window_ms, SECOND_MS))
        price, steps = path.tape.price_ticks[first:end], path.tape.quantity_steps[first:end]
        return path.draw.market.tick_quote * int((steps * price).sum()) / int(steps.sum())

    def _reach(self, market_id: str, now_ms: int) -> tuple[_MarketPath, int]:
        path = self._paths[market_id]
        if now_ms < self.origin_ms:
            raise ValueError(f"{now_ms} ms is before the path, which begins at {self.origin_ms} ms")
        return path, path.visible(now_ms)

    @staticmethod
    def _first_since(path: _MarketPath, since_ms: int) -> int:
        return int(np.searchsorted(path.tape.time_ms, since_ms, "left"))
