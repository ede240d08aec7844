"""A recorded order book, as it stood after each of its events."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field

import numpy as np

from .tape import Book, Flags, Integers, Level, LiquidMarket


@dataclass(frozen=True, slots=True)
class RecordedDepth:
    """One market's book events in the order of time, as columns; the first is a snapshot and none crosses the book."""

    time_ms: Integers  # shape (events,), as the one below
    is_snapshot: Flags
    first_row: Integers  # shape (events + 1,); the last is the number of rows
    is_bid: Flags  # shape (rows,), as the two below
    price_ticks: Integers
    quantity_steps: Integers  # 0 removes the level


@dataclass(slots=True)
class _Side:
    """One side of a book. Keys are prices in ticks, negative for bids, so that the best is the smallest."""

    direction: int  # -1 for bids, +1 for asks
    keys: list[int] = field(default_factory=list)
    steps: dict[int, int] = field(default_factory=dict)

    def put(self, ticks: int, steps: int) -> None:
        """Sets a level; no steps remove it."""
        key = self.direction * ticks
        if steps:
            if key not in self.steps:
                insort(self.keys, key)
            self.steps[key] = steps
        elif self.steps.pop(key, None):
            del self.keys[bisect_left(self.keys, key)]

    def shown(self, market: LiquidMarket, limit: int) -> tuple[Level, ...]:
        """The best levels, best first."""
        return tuple(
            Level(market.price(self.direction * key), market.quantity(self.steps[key])) for key in self.keys[:limit]
        )


@dataclass(slots=True)
class LiveBook:
    """A recorded book as it stands after one of its events."""

    market: LiquidMarket
    depth: RecordedDepth
    shift_ms: int = 0  # from the recording's time to that of the questions
    event: int = field(init=False, default=-1)
    bids: _Side = field(init=False)
    asks: _Side = field(init=False)
    last_snapshot: Integers = field(init=False)  # shape (events,): the newest snapshot up to each event

    def __post_init__(self) -> None:
        self.bids, self.asks = _Side(-1), _Side(+1)
        events = np.arange(self.depth.time_ms.size, dtype=np.int64)
        self.last_snapshot = np.maximum.accumulate(np.where(self.depth.is_snapshot, events, 0))

    def event_at(self, now_ms: int) -> int:
        """The newest event up to and including ``now_ms``."""
        return int(np.searchsorted(self.depth.time_ms, now_ms - self.shift_ms, "right")) - 1

    def go_to(self, event: int) -> None:
        """Moves to the state after an event, from the newest snapshot or from where it stands."""
        snapshot = int(self.last_snapshot[event])
        on_the_way = snapshot <= self.event <= event
        for number in range(self.event + 1 if on_the_way else snapshot, event + 1):
            self._apply(number)
        self.event = event

    def _apply(self, event: int) -> None:
        if self.depth.is_snapshot[event]:
            self.bids, self.asks = _Side(-1), _Side(+1)
        rows = slice(self.depth.first_row[event], self.depth.first_row[event + 1])
        columns = (self.depth.is_bid[rows], self.depth.price_ticks[rows], self.depth.quantity_steps[rows])
        for is_bid, ticks, steps in zip(*(column.tolist() for column in columns), strict=True):
            (self.bids if is_bid else self.asks).put(ticks, steps)

    def shown(self, levels: int) -> Book:
        """The book as the exchange shows it."""
        return Book(self.event + 1, self.bids.shown(self.market, levels), self.asks.shown(self.market, levels))

    def problem(self) -> str | None:
        """Why no exchange could have shown this book, None if it could."""
        if not self.bids.keys or not self.asks.keys:
            side = "asks" if self.bids.keys else "bids"
            return f"leaves the book without {side}; both sides must have a level after every event"
        if -self.bids.keys[0] < self.asks.keys[0]:
            return None
        bid, ask = self.market.price(-self.bids.keys[0]), self.market.price(self.asks.keys[0])
        return f"crosses the book: after this event the best bid {bid} must be below the best ask {ask}"
