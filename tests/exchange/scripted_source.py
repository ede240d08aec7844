"""A market that does what a test says: prints at given times, and a book for each second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import numpy as np

from octobot_volume_booster.offline_exchange.server.market.tape import (
    SECOND_MS,
    Book,
    Level,
    LiquidMarket,
    Tape,
    TapeSource,
)

BTC = "BTCUSDT"
MARKET = LiquidMarket("BTC", "USDT", Decimal(1), Decimal("0.001"), Decimal(5))
START_TIME = 1_700_000_000
START_MS = START_TIME * SECOND_MS
HISTORY_SECONDS = 10

Levels = Sequence[tuple[int, float]]  # price and quantity, best first
Asked = Callable[[int], tuple[Levels, Levels]]  # second after the start -> bids and asks


def always(bids: Levels, asks: Levels) -> Asked:
    """The same book in every second."""
    return lambda second: (bids, asks)


class ScriptedSource(TapeSource):
    """Prints are (ms after the start, price, quantity, buyer_is_maker); one more, at the origin, comes before them."""

    def __init__(self, books: Asked, prints: Sequence[tuple[int, int, float, bool]] = ()) -> None:
        self.markets = {BTC: MARKET}
        self.start_time = START_TIME
        self.origin_ms = START_MS - HISTORY_SECONDS * SECOND_MS
        self.asked = 0
        self._books = books
        rows = [(-HISTORY_SECONDS * SECOND_MS, 100, 1.0, False), *prints]
        columns = [np.array(column) for column in zip(*rows, strict=True)]
        self._prints = Tape(
            MARKET,
            columns[0].astype(np.int64) + START_MS,
            columns[1].astype(np.int64),
            np.rint(columns[2] * 1_000).astype(np.int64),
            columns[3].astype(np.bool_),
        )

    def book(self, market_id: str, now_ms: int, levels: int = 500) -> Book:
        self.asked += 1
        second = now_ms // SECOND_MS - START_TIME
        bids, asks = (
            tuple(Level(Decimal(price), Decimal(str(quantity))) for price, quantity in side[:levels])
            for side in self._books(second)
        )
        return Book(second + HISTORY_SECONDS + 1, bids, asks)

    def _tape(self, market_id: str, now_ms: int) -> Tape:
        self.asked += 1
        return self._prints
