"""Looks at the market by which fills are measured: the loop's own, and one more where none comes in time.

A look serves every fill that is due. On an exchange it is the first one that was asked for at the due moment or later;
with OctoBot's simulator the price that OctoBot knew at that moment, which is all that there was to know.
"""

from __future__ import annotations

import typing
from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal

from ...adapters import market_data
from ...adapters.market_data import Book
from ...campaign.campaign import Campaign
from ...core.accounting.fill_marks import AT_FILL, KEPT_S, LATEST_S, AwaitedFill
from ...core.accounting.tallies import Market
from ...core.model.books import mid_of_others
from ...core.model.orders import OpenOrder

MOST_LOOKS = 1_000
RESTING_LOOK_S = 2.0
"""How often the market is looked at while orders rest: when one of them fills is only known later."""


class _Look(typing.NamedTuple):
    at: float
    mid_price: Decimal


class FillLooks:
    """The looks at one market. Moments are in seconds of OctoBot's clock.

    :raises JournalError: from what measures, when it could not be written down.
    """

    def __init__(self, campaign: Campaign, market: Market, *, is_price_known: bool) -> None:
        self._campaign = campaign
        self.market = market
        self._is_price_known = is_price_known
        """Between two looks the price stays as it was: that of OctoBot's simulator."""
        self._looks: deque[_Look] = deque(maxlen=MOST_LOOKS)

    def see_book(self, asked_at: float, book: Book, own_orders: Iterable[OpenOrder]) -> None:
        """The order book, asked for at a moment; the mid is that of the orders of others."""
        mid_price = mid_of_others(book.bids, book.asks, own_orders)
        if mid_price is not None:
            self.see(asked_at, mid_price, asked_at)

    def see(self, since: float, mid_price: Decimal, now: float) -> None:
        """A mid that was seen now, and has held since some moment before where that is known."""
        if not self._looks or since > self._looks[-1].at:
            self._looks.append(_Look(since, mid_price))
            while self._looks[0].at < since - KEPT_S:
                self._looks.popleft()
        self.measure(now)

    def measure(self, now: float) -> None:
        """Measure what the looks so far can measure."""
        marks: list[tuple[str, int, float, Decimal]] = []
        for fill in self._campaign.awaited(*self.market):
            for after_s in fill.due_s:
                if after_s != AT_FILL and fill.at_fill_quote is None and not _is_marked(marks, fill):
                    break  # what it did after the fill says nothing without the fill
                if (look := self._look_for(fill, after_s, now)) is not None:
                    marks.append((fill.fill_id, after_s, look.at, look.mid_price))
        if marks:
            self._campaign.mark(marks)

    def _look_for(self, fill: AwaitedFill, after_s: int, now: float) -> _Look | None:
        due_at = fill.at + after_s
        if self._is_price_known:
            if now < due_at:
                return None
            known = next((look for look in reversed(self._looks) if look.at <= due_at), None)
            return known or next(iter(self._looks), None)
        first = next((look for look in self._looks if look.at >= due_at), None)
        return first if first is not None and first.at - due_at <= LATEST_S[after_s] else None

    def due_in_s(self, now: float) -> float | None:
        """In how many seconds a look would measure something; None when nothing is to be measured.

        At an exchange orders of ours that rest may fill without anybody's knowing of it yet.
        """
        moments = [at for fill in self._campaign.awaited(*self.market) if (at := self._due_at(fill, now)) is not None]
        if not self._is_price_known and self._campaign.open_order_ids(*self.market):
            moments.append(self._looks[-1].at + RESTING_LOOK_S if self._looks else now)
        return max(min(moments) - now, 0.0) if moments else None

    @property
    def is_at_fill_missing(self) -> bool:
        """Whether a fill of the market waits for the first look after it."""
        return any(fill.at_fill_quote is None for fill in self._campaign.awaited(*self.market))

    def _due_at(self, fill: AwaitedFill, now: float) -> float | None:
        due = (fill.at + after_s for after_s in fill.due_s if now <= fill.at + after_s + LATEST_S[after_s])
        return next(due, None)


class ExchangeLooks(FillLooks):
    """Those at an exchange: its order book, asked now.

    :param own_orders: tells those of this bot that may be in the book.
    """

    def __init__(
        self, campaign: Campaign, manager: typing.Any, symbol: str, own_orders: Callable[[], Iterable[OpenOrder]]
    ) -> None:
        super().__init__(campaign, (manager.exchange_name, symbol), is_price_known=False)
        self._manager = manager
        self._own_orders = own_orders

    async def read_book(self) -> Book:
        """:raises NotReadableError: when the exchange does not answer."""
        asked_at = self.now()
        book = await market_data.read_book(self._manager, self.market[1])
        self.see_book(asked_at, book, self._own_orders())
        return book

    async def look(self) -> BaseException | None:
        """Look for the fills that are to be measured; the error where the exchange did not answer."""
        try:
            await self.read_book()
        except market_data.NotReadableError as missing:
            return missing.__cause__
        return None

    def now(self) -> float:
        return float(self._manager.exchange.get_exchange_current_time())


def _is_marked(marks: list[tuple[str, int, float, Decimal]], fill: AwaitedFill) -> bool:
    return any(fill_id == fill.fill_id and after_s == AT_FILL for fill_id, after_s, _, _ in marks)
