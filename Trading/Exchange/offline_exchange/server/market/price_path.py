"""A seeded market: quotes, prints, order book and candles as a function of seed, start time and time alone.

The mid price moves by what prints say and by news, at random moments (`flow`). The touch stands half a spread on each
side, on a grid; levels behind it stand for a while (`standing_book`); prints happen at the touch; candles and
statistics are aggregates of those prints.

Blocks of one hour are drawn when time reaches them, each from its own random streams, so that neither the order nor the
moment of the questions changes an answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import numpy as np

from .flow import BLOCK_SECONDS, Flow, draw_flow
from .spec import MARKETS, MarketSpec
from .standing_book import BookSideDraw, grid_ticks, sizes_in_steps
from .tape import (  # noqa: F401 - api.py takes its types from here
    BOOK_LEVELS,
    INTERVALS,
    LADDER_LEVELS,
    SECOND_MS,
    Book,
    Candle,
    DayStatistics,
    Integers,
    Level,
    LiquidMarket,
    Print,
    QueueChange,
    Tape,
    TapeSource,
    Touch,
)

DEFAULT_HISTORY_SECONDS = 30 * 3_600

# Random streams of one market: a new use gets a new number, so that it does not move the draws of the others.
_NEWS, _PRINTS, _ACTIVITY, _SIZES = range(4)
_INDEX_OFFSET = 2**40  # blocks before the start have negative indices, entropy must not


def _rng(market: LiquidMarket, seed: int, stream: int, index: int) -> np.random.Generator:
    market_key = int.from_bytes(market.id.encode(), "big")
    return np.random.Generator(np.random.PCG64([seed, market_key, stream, index + _INDEX_OFFSET]))


@dataclass(frozen=True, slots=True)
class _Block:
    """What is drawn of one market: the touch from each of its changes on, and the prints."""

    change_ms: Integers  # shape (changes,), as the two below; rising
    bid_ticks: Integers
    ask_ticks: Integers
    tape: Tape


def _joined(blocks: Sequence[_Block]) -> _Block:
    return _Block(
        np.concatenate([block.change_ms for block in blocks]),
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

    @property
    def spread_ticks(self) -> float:
        """At the start price."""
        return max(1.0, self.market.spread_share * float(self.market.start_price_quote / self.market.tick_quote))

    def side(self, *, is_bid: bool) -> BookSideDraw:
        """What stands in one side of the book."""
        return BookSideDraw.of(self.market, self.seed, self.spread_ticks, is_bid=is_bid)

    def flow(self, number: int) -> Flow:
        """Prints and moves of one block."""
        return draw_flow(self.market, *(self._rng(stream, number) for stream in (_NEWS, _PRINTS, _ACTIVITY)))

    def block(self, number: int, flow: Flow, opening_log_price: float) -> _Block:
        """The touch and the prints of one block that opens with the given log mid price."""
        mid_ticks = np.exp(opening_log_price + np.cumsum(flow.jumps)) / float(self.market.tick_quote)
        grid = grid_ticks(self.spread_ticks)
        spread = np.maximum(np.rint(mid_ticks * self.market.spread_bps / 10_000 / grid), 1) * grid
        bid_ticks = (np.maximum(np.rint((mid_ticks - spread / 2) / grid), 1) * grid).astype(np.int64)
        ask_ticks = bid_ticks + spread.astype(np.int64)
        opening_ms = (self.start_time + number * BLOCK_SECONDS) * SECOND_MS
        at = np.searchsorted(flow.jump_ms, flow.print_ms, "right") - 1
        price_ticks = np.where(flow.print_signs < 0, bid_ticks[at], ask_ticks[at])
        notional = self._rng(_SIZES, number).standard_normal(price_ticks.size) * self.market.size_log_deviation
        steps = sizes_in_steps(self.market, self.market.print_median_quote * np.exp(notional), price_ticks)
        tape = Tape(self.market, opening_ms + flow.print_ms, price_ticks, steps, flow.print_signs < 0)
        return _Block(opening_ms + flow.jump_ms[:-1], bid_ticks[:-1], ask_ticks[:-1], tape)

    def _rng(self, stream: int, number: int) -> np.random.Generator:
        return _rng(self.market, self.seed, stream, number)


@dataclass(slots=True)
class _MarketPath:
    """One market's path, drawn up to where it was asked for."""

    draw: _MarketDraw
    first_block: int
    drawn: _Block = field(init=False)
    sides: Mapping[bool, BookSideDraw] = field(init=False)
    next_block: int = field(init=False, default=0)
    next_log_price: float = field(init=False)

    def __post_init__(self) -> None:
        self.sides = {is_bid: self.draw.side(is_bid=is_bid) for is_bid in (True, False)}
        self.next_log_price = math.log(self.draw.market.start_price_quote)
        log_price, blocks = self.next_log_price, list[_Block]()
        for number in range(-1, self.first_block - 1, -1):
            flow = self.draw.flow(number)
            log_price -= float(flow.jumps.sum())
            blocks.append(self.draw.block(number, flow, log_price))
        self.drawn = _joined(blocks[::-1])

    def reach(self, now_ms: int) -> _Block:
        """All that is drawn, after drawing the blocks that ``now_ms`` needs."""
        blocks = [self.drawn]
        while now_ms >= (self.draw.start_time + self.next_block * BLOCK_SECONDS) * SECOND_MS:
            flow = self.draw.flow(self.next_block)
            blocks.append(self.draw.block(self.next_block, flow, self.next_log_price))
            self.next_log_price += float(flow.jumps.sum())
            self.next_block += 1
        if len(blocks) > 1:
            self.drawn = _joined(blocks)
        return self.drawn

    def at(self, now_ms: int) -> tuple[_Block, int]:
        """All that is drawn, and the newest change of the touch up to ``now_ms``."""
        drawn = self.reach(now_ms)
        return drawn, int(np.searchsorted(drawn.change_ms, now_ms, "right")) - 1


class PricePath(TapeSource):
    """A market of several symbols, decided by ``seed``, ``start_time`` and ``markets`` alone.

    ``start_time`` is an epoch in whole seconds at which each mid is at its ``start_price_quote``. The history before it
    lasts at least ``history_seconds``, rounded up to whole hours; a longer one shows more of the same prices, but moves
    the trade ids, which count from its beginning. Past the start the path has no end: the cost of reaching a
    later moment, in time and memory, grows with the hours in between (at 2.5 prints a second about 9,000 prints an hour
    and symbol).

    The last print is never older than an hour. The questions and their errors are those of MarketSource.
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
        """The order book since its newest change, at most ``levels`` and at most 500 a side; fewer are a prefix."""
        self._check(market_id, now_ms)
        path, limit = self._paths[market_id], min(levels, BOOK_LEVELS)
        drawn, index = path.at(now_ms)
        change_ms = int(drawn.change_ms[index])
        bids, asks = (
            path.sides[is_bid].levels(change_ms, int(best[index]), limit)
            for is_bid, best in ((True, drawn.bid_ticks), (False, drawn.ask_ticks))
        )
        return Book(index + 1, bids, asks)

    def changed_ms(self, market_id: str, now_ms: int) -> int:
        self._check(market_id, now_ms)
        drawn, index = self._paths[market_id].at(now_ms)
        return int(drawn.change_ms[index])

    def changes(self, market_id: str, after_ms: int, until_ms: int) -> Iterator[Touch]:
        self._check(market_id, until_ms)
        market, drawn = self.markets[market_id], self._paths[market_id].reach(until_ms)
        cut = slice(*np.searchsorted(drawn.change_ms, [after_ms, until_ms], "right"))
        columns = (drawn.change_ms[cut].tolist(), drawn.bid_ticks[cut].tolist(), drawn.ask_ticks[cut].tolist())
        return (
            Touch(change_ms, market.price(bid), market.price(ask)) for change_ms, bid, ask in zip(*columns, strict=True)
        )

    def queue_change(
        self, market_id: str, before_ms: int, change_ms: int, price_quote: Decimal, *, is_bid: bool
    ) -> QueueChange:
        market, path = self.markets[market_id], self._paths[market_id]
        drawn, index = path.at(change_ms)
        best = int((drawn.bid_ticks if is_bid else drawn.ask_ticks)[index])
        side, ticks = path.sides[is_bid], int(price_quote / market.tick_quote)
        if not side.is_level(change_ms, best, ticks, LADDER_LEVELS):
            return QueueChange(Fraction(0), Decimal(0))
        before, now = side.steps(np.array([before_ms, change_ms]), np.array([ticks, ticks])).tolist()
        return QueueChange(Fraction(min(now, before), before), market.quantity(now))

    def _tape(self, market_id: str, now_ms: int) -> Tape:
        return self._paths[market_id].reach(now_ms).tape
