"""Recorded data played back as the other side of the market."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from .recorded_book import LiveBook
from .recordings import RecordedMarket, ReplayError, read_recording
from .standing_book import BookSideDraw
from .tape import BOOK_LEVELS, SECOND_MS, Book, Tape, TapeSource, Touch


class Replay(TapeSource):
    """Recorded markets, played back at the speed and in the order in which they happened.

    The recording is shifted as a whole, by whole milliseconds: the first moment at which every market has a trade and a
    book, the first trade of a lone market without depth, comes ``skip_seconds`` before ``start_time``, an epoch in
    whole seconds. What happened before the start time is the history. Trade ids count from 1 at a file's first trade.
    After ``end_ms`` there are no new prints and every book stays as it was last.

    ``seed`` decides only the books of markets without recorded depth. The questions and their errors are those of
    MarketSource; a book is quick to give for a present that moves on, and rebuilt from a snapshot for an earlier one.

    Raises ReplayError when the markets have no time in common or less than ``skip_seconds``, and ValueError for a
    negative seed or skip, no market, or a start time so early that the recording would begin before 1970.
    """

    def __init__(self, recordings: Sequence[RecordedMarket], start_time: int, seed: int, skip_seconds: int = 0) -> None:
        if seed < 0 or skip_seconds < 0 or not recordings:
            raise ValueError(f"a replay needs a market, and neither seed {seed} nor skip {skip_seconds} below 0")
        first_ms = max(recording.first_ms for recording in recordings)
        last_ms = max(recording.last_ms for recording in recordings)
        _check_common_time(recordings, first_ms, last_ms, skip_seconds)
        self.seed = seed
        self.start_time = start_time
        self.origin_ms = (start_time - skip_seconds) * SECOND_MS
        self.end_ms = last_ms + self.origin_ms - first_ms
        """The last moment of the recording on the exchange's clock."""
        self.markets = {recording.market.id: recording.market for recording in recordings}
        self._tapes = {item.market.id: _shifted(item.trades, self.origin_ms - first_ms) for item in recordings}
        self._books = {
            item.market.id: LiveBook(item.market, item.depth, self.origin_ms - first_ms)
            for item in recordings
            if item.depth is not None
        }

    def book(self, market_id: str, now_ms: int, levels: int = BOOK_LEVELS) -> Book:
        """The order book of the present, at most ``levels`` a side; fewer are a prefix."""
        self._check(market_id, now_ms)
        if market_id not in self._books:
            return self._drawn_book(market_id, min(now_ms, self.end_ms), levels)
        book = self._books[market_id]
        book.go_to(book.event_at(now_ms))
        return book.shown(levels)

    def touches(self, market_id: str, after_ms: int, until_ms: int) -> Iterator[Touch]:
        """Where depth is recorded, at each of its events."""
        if market_id not in self._books:
            yield from self.changes(market_id, after_ms, until_ms)
            return
        played, market = self._books[market_id], self.markets[market_id]
        book = LiveBook(market, played.depth, played.shift_ms)
        for event in range(max(book.event_at(after_ms), 0), book.event_at(until_ms) + 1):
            book.go_to(event)
            shown = book.shown(1)
            time_ms = int(played.depth.time_ms[event]) + played.shift_ms
            yield Touch(max(time_ms, after_ms), shown.bids[0].price_quote, shown.asks[0].price_quote)

    def _drawn_book(self, market_id: str, now_ms: int, levels: int) -> Book:
        """The touch is the last print's price on its side, and on the other side the spread away from it."""
        market, tape = self.markets[market_id], self._tapes[market_id].until(now_ms)
        last_ticks = int(tape.price_ticks[-1])
        spread_ticks = max(1, round(last_ticks * market.spread_bps / 10_000))
        bid_ticks = last_ticks if tape.buyer_is_maker[-1] else max(1, last_ticks - spread_ticks)
        second = now_ms // SECOND_MS
        update_id = second - self.origin_ms // SECOND_MS + len(tape)
        bids, asks = (
            BookSideDraw.of(market, self.seed, spread_ticks, is_bid=is_bid).levels(
                (second - self.start_time) * SECOND_MS, best_ticks, min(levels, BOOK_LEVELS)
            )
            for is_bid, best_ticks in ((True, bid_ticks), (False, bid_ticks + spread_ticks))
        )
        return Book(update_id, bids, asks)

    def _tape(self, market_id: str, now_ms: int) -> Tape:
        return self._tapes[market_id]


def _check_common_time(recordings: Iterable[RecordedMarket], first_ms: int, last_ms: int, skip_seconds: int) -> None:
    for recording in recordings:
        if (last_trade_ms := int(recording.trades.time_ms[-1])) < first_ms:
            raise ReplayError(
                f"{recording.market.id}: its last trade, at {last_trade_ms} ms, is before {first_ms} ms, when the last "
                "of the files begins; all files must cover the same time"
            )
    if first_ms + skip_seconds * SECOND_MS > last_ms:
        longest = (last_ms - first_ms) // SECOND_MS
        raise ReplayError(f"skipping {skip_seconds} seconds leaves nothing: it must be at most {longest}")


def _shifted(tape: Tape, shift_ms: int) -> Tape:
    time_ms = tape.time_ms + shift_ms
    if time_ms[0] < 0:
        raise ValueError(f"start time must leave the history of {tape.market.id} after the epoch")
    return replace(tape, time_ms=time_ms)


def load_replay(folder: pathlib.Path, start_time: int, seed: int, skip_seconds: int = 0) -> Replay:
    """The recording in ``folder`` as a Replay, whose arguments and errors these are.

    Raises ReplayError for anything in the folder that `recordings` cannot read.
    """
    return Replay(read_recording(folder), start_time, seed, skip_seconds)
