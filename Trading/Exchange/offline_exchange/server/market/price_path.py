"""A seeded market: quotes, prints, order book and candles as a function of seed, start time and time alone.

The mid price is a geometric random walk in steps of one second. Everything else follows from it: the touch stands half
a spread on each side, prints happen at the touch, candles and statistics are aggregates of those prints.

Blocks of one hour are drawn when time reaches them, each from its own random stream, so that neither the order nor the
moment of the questions changes an answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

import numpy as np
import numpy.typing as npt

from .tape import (  # noqa: F401 - api.py takes its types from here
    BOOK_LEVELS,
    INTERVALS,
    SECOND_MS,
    Book,
    Candle,
    DayStatistics,
    Integers,
    Level,
    LiquidMarket,
    Print,
    Tape,
    TapeSource,
)

Floats = npt.NDArray[np.float64]

SECONDS_PER_YEAR = 365 * 86_400  # this market never closes
BLOCK_SECONDS = 3_600
DEFAULT_HISTORY_SECONDS = 30 * 3_600
_LARGEST_STEPS = 10**15  # what a drawn size is cut to, far below what 64 bits hold

# Random streams of one market: a new use gets a new number, so that it does not move the draws of the others.
_WALK, _PRINTS, _BOOK = range(3)
_INDEX_OFFSET = 2**40  # blocks and seconds before the start have negative indices, entropy must not


@dataclass(frozen=True, kw_only=True)
class MarketSpec(LiquidMarket):
    """One symbol: its trading rules, the character of its book and that of its path.

    Raises ValueError, naming every problem, when a value cannot make a market.
    """

    start_price_quote: Decimal  # mid price at the start time
    annual_volatility: float = 0.5  # standard deviation of a year's log return
    annual_drift: float = 0.0  # log of the factor by which a year moves the expected price
    prints_per_second: float = 2.5  # mean; at least one in each second
    print_median_quote: float = 300.0

    def _problems(self) -> list[str]:
        problems = super()._problems()
        positive = ("start_price_quote", "print_median_quote")
        problems += [f"{name} must be above 0" for name in positive if getattr(self, name) <= 0]
        if self.annual_volatility < 0:
            problems.append("annual_volatility must not be negative")
        if not math.isfinite(self.annual_drift):
            problems.append("annual_drift must be finite")
        if self.prints_per_second < 1:
            problems.append("prints_per_second must be at least 1")
        return problems


MARKETS = (
    MarketSpec("BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal(5), start_price_quote=Decimal(60000)),
    MarketSpec("ETH", "USDT", Decimal("0.01"), Decimal("0.0001"), Decimal(5), start_price_quote=Decimal(3000)),
)


def draw_book(
    market: LiquidMarket, seed: int, update_id: int, second: int, bid_ticks: int, ask_ticks: int, levels: int
) -> Book:
    """A book with the given touch, at most ``levels`` and at most 500 a side; fewer are a prefix.

    A function of its arguments alone; ``second`` counts from the start and may be negative.
    """
    spread_ticks = ask_ticks - bid_ticks
    bid_rng, ask_rng = (_rng(market, seed, _BOOK, 2 * second + side) for side in (0, 1))
    return Book(
        update_id,
        _draw_levels(market, bid_rng, bid_ticks, -1, spread_ticks, levels),
        _draw_levels(market, ask_rng, ask_ticks, +1, spread_ticks, levels),
    )


def _draw_levels(
    market: LiquidMarket, rng: np.random.Generator, best_ticks: int, away: int, spread_ticks: int, limit: int
) -> tuple[Level, ...]:
    """One side of the book; ``away`` is -1 for bids, +1 for asks."""
    gaps = 1 + np.floor(rng.exponential(spread_ticks / 2, BOOK_LEVELS)).astype(np.int64)
    gaps[0] = 0
    price_ticks = best_ticks + away * np.cumsum(gaps)
    steps = _draw_sizes_steps(market, rng, market.level_median_quote, np.maximum(price_ticks, 1))
    side = zip(price_ticks[:limit].tolist(), steps[:limit].tolist(), strict=True)
    return tuple(Level(market.price(ticks), market.quantity(size)) for ticks, size in side if ticks > 0)


def _draw_sizes_steps(
    market: LiquidMarket, rng: np.random.Generator, median_quote: float, price_ticks: Integers
) -> Integers:
    """Log-normal sizes, in steps, none with a notional below the market's minimum."""
    tick_step_quote = market.notional(1)
    notional_quote = median_quote * np.exp(market.size_log_deviation * rng.standard_normal(price_ticks.size))
    steps = np.ceil(notional_quote / float(tick_step_quote) / price_ticks)
    minimum = int((market.minimum_notional_quote / tick_step_quote).to_integral_value(ROUND_CEILING))
    least_steps = -(-min(minimum, _LARGEST_STEPS) // price_ticks)
    return np.maximum(np.minimum(steps, _LARGEST_STEPS).astype(np.int64), least_steps)


def _rng(market: LiquidMarket, seed: int, stream: int, index: int) -> np.random.Generator:
    market_key = int.from_bytes(market.id.encode(), "big")
    return np.random.Generator(np.random.PCG64([seed, market_key, stream, index + _INDEX_OFFSET]))


@dataclass(frozen=True, slots=True)
class _Block:
    """What is drawn of one market: the touch of each second, and the prints."""

    bid_ticks: Integers  # shape (seconds,)
    ask_ticks: Integers  # shape (seconds,)
    tape: Tape


def _joined(blocks: Sequence[_Block]) -> _Block:
    return _Block(
        np.concatenate([block.bid_ticks for block in blocks]),
        np.concatenate([block.ask_ticks for block in blocks]),
        Tape.joined([block.tape for block in blocks]),
    )


@dataclass(frozen=True, slots=True)
class _MarketDraw:
    """The random draws of one market; every method is a function of its arguments and these fields."""

    market: MarketSpec
    seed: int
    start_time: int  # epoch seconds, the opening of block 0

    def log_returns(self, block: int) -> Floats:
        """Log returns of the mid, one a second: beside the drift, mean -variance/2, which keeps the expected price."""
        deviation = self.market.annual_volatility / math.sqrt(SECONDS_PER_YEAR)
        mean = self.market.annual_drift / SECONDS_PER_YEAR - deviation**2 / 2
        return _rng(self.market, self.seed, _WALK, block).standard_normal(BLOCK_SECONDS) * deviation + mean

    def block(self, number: int, opening_log_price: float) -> _Block:
        """The touch and the prints of one block whose first second has the given log mid price."""
        log_price = opening_log_price + np.concatenate([[0.0], np.cumsum(self.log_returns(number)[:-1])])
        mid_ticks = np.exp(log_price) / float(self.market.tick_quote)
        spread_ticks = np.maximum(np.rint(mid_ticks * self.market.spread_bps / 10_000), 1)
        bid_ticks = np.maximum(np.rint(mid_ticks - spread_ticks / 2), 1).astype(np.int64)
        ask_ticks = bid_ticks + spread_ticks.astype(np.int64)
        return _Block(bid_ticks, ask_ticks, self._tape(number, bid_ticks, ask_ticks))

    def _tape(self, number: int, bid_ticks: Integers, ask_ticks: Integers) -> Tape:
        rng = _rng(self.market, self.seed, _PRINTS, number)
        offset_ms = self._print_offsets_ms(rng)
        second = offset_ms // SECOND_MS
        buyer_is_maker = rng.random(offset_ms.size) < 0.5
        price_ticks = np.where(buyer_is_maker, bid_ticks[second], ask_ticks[second])
        return Tape(
            self.market,
            (self.start_time + number * BLOCK_SECONDS) * SECOND_MS + offset_ms,
            price_ticks,
            _draw_sizes_steps(self.market, rng, self.market.print_median_quote, price_ticks),
            buyer_is_maker,
        )

    def _print_offsets_ms(self, rng: np.random.Generator) -> Integers:
        """Times within a block: one print as each second opens, so that no candle is empty, others at random."""
        seconds = np.arange(BLOCK_SECONDS, dtype=np.int64)
        more = np.repeat(seconds, rng.poisson(self.market.prints_per_second - 1, BLOCK_SECONDS))
        return np.sort(np.concatenate([seconds * SECOND_MS, more * SECOND_MS + rng.integers(1, SECOND_MS, more.size)]))


@dataclass(slots=True)
class _MarketPath:
    """One market's path, drawn up to where it was asked for."""

    draw: _MarketDraw
    first_block: int
    drawn: _Block = field(init=False)
    next_block: int = field(init=False, default=0)
    next_log_price: float = field(init=False)

    def __post_init__(self) -> None:
        self.next_log_price = math.log(self.draw.market.start_price_quote)
        log_price, blocks = self.next_log_price, list[_Block]()
        for number in range(-1, self.first_block - 1, -1):
            log_price -= float(self.draw.log_returns(number).sum())
            blocks.append(self.draw.block(number, log_price))
        self.drawn = _joined(blocks[::-1])

    def reach(self, now_ms: int) -> _Block:
        """All that is drawn, after drawing the blocks that ``now_ms`` needs."""
        blocks = [self.drawn]
        while now_ms >= (self.draw.start_time + self.next_block * BLOCK_SECONDS) * SECOND_MS:
            blocks.append(self.draw.block(self.next_block, self.next_log_price))
            self.next_log_price += float(self.draw.log_returns(self.next_block).sum())
            self.next_block += 1
        if len(blocks) > 1:
            self.drawn = _joined(blocks)
        return self.drawn


class PricePath(TapeSource):
    """A market of several symbols, decided by ``seed``, ``start_time`` and ``markets`` alone.

    ``start_time`` is an epoch in whole seconds at which each mid is at its ``start_price_quote``. The history before it
    lasts at least ``history_seconds``, rounded up to whole hours; a longer one shows more of the same prices, but moves
    the trade ids, which count from its beginning. Past the start the path has no end: the cost of reaching a
    later moment, in time and memory, grows with the hours in between (about 9,000 prints an hour and symbol).

    The last print is never older than a second. The questions and their errors are those of MarketSource.
    """

    markets: Mapping[str, MarketSpec]

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
        self._check(market_id, now_ms)
        drawn, second = self._paths[market_id].reach(now_ms), now_ms // SECOND_MS
        index = second - self.origin_ms // SECOND_MS
        bid_ticks, ask_ticks = int(drawn.bid_ticks[index]), int(drawn.ask_ticks[index])
        market, from_start = self.markets[market_id], second - self.start_time
        return draw_book(market, self.seed, index + 1, from_start, bid_ticks, ask_ticks, levels)

    def _tape(self, market_id: str, now_ms: int) -> Tape:
        return self._paths[market_id].reach(now_ms).tape
