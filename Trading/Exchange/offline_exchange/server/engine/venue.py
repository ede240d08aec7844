"""The venue: the accounts' orders in the book, and the other side of the market that trades with them. Pure.

The other side comes from a source, drawn or recorded. Its order book is kept in the engine as the orders of a market
maker, redrawn every second; its prints are the market orders of a crowd. So a resting order is filled by the crowd
when it reaches the front of the queue, or by the market maker when the price moves through it, and a market order pays
the spread and walks down the book. Liquidity that the accounts consume is gradually restored.

The book of a moment is the one of its second, less what the crowd has taken since the second began. It is put into the
engine when needed: by an order, a request, or a market that reaches an account's order. Everything before that affects
nobody and is skipped.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from ..market.tape import SECOND_MS, Book, Level, MarketSource, Print
from .accounts import FeeSchedule
from .matching import Engine
from .orders import ZERO, Kind, Order, Request, Side, TimeInForce, Trade
from .public_tape import PublicTape

MARKET_MAKER = "market maker"
CROWD = "crowd"
LADDER_LEVELS = 100
_NO_FEES = FeeSchedule(ZERO, ZERO)
_SECONDS_AT_ONCE = 600
_NOWHERE_QUOTE = Decimal("Infinity")

_Place = tuple[Side, Decimal]  # a price of one side of a book


@dataclass(slots=True)
class _Taken:
    """Base that the accounts took out of one side of the market maker's book, and when, in whole seconds."""

    base: Decimal = ZERO
    second: int = 0

    def left(self, second: int, refill_per_second: float, step_base: Decimal) -> Decimal:
        """What is still missing of it, in whole steps."""
        share = (1 - refill_per_second) ** max(second - self.second, 0)
        return int(int(self.base // step_base) * share) * step_base


@dataclass(frozen=True, slots=True)
class _Touch:
    """Prices that the market must reach to trade with an account's order."""

    bid_quote: Decimal
    ask_quote: Decimal
    places: frozenset[_Place]

    @staticmethod
    def of(orders: Iterable[Order]) -> _Touch:
        places = frozenset((order.side, order.price_quote) for order in orders)
        return _Touch(
            max((price for side, price in places if side is Side.BUY), default=-_NOWHERE_QUOTE),
            min((price for side, price in places if side is Side.SELL), default=_NOWHERE_QUOTE),
            places,
        )

    def is_reached_by(self, item: Print) -> bool:
        """Whether the aggressor of a print would reach one of the orders."""
        return item.price_quote <= self.bid_quote if item.buyer_is_maker else item.price_quote >= self.ask_quote

    def is_crossed_by(self, book: Book) -> bool:
        """Whether the market maker would trade with one of the orders."""
        return any(level.price_quote <= self.bid_quote for level in book.asks[:1]) or any(
            level.price_quote >= self.ask_quote for level in book.bids[:1]
        )


class _Step(NamedTuple):
    """An event of a market: a second begins, or the crowd trades."""

    time_ms: int
    market_id: str
    item: Print | None = None


class Venue:
    """An exchange with a source of market data on its other side. Every moment is an argument, in milliseconds.

    Time does not go back: an earlier moment than one before counts as the latest one. What happens is a function of the
    source, what the accounts do and when, and not of how often it is queried; only order ids, which include the
    market maker's orders, advance when a query draws the book.

    `refill_per_second` is the share of what was taken out of the book that comes back each second, above 0 and at
    most 1, ValueError otherwise; each market's own unless given.
    """

    def __init__(self, source: MarketSource, refill_per_second: float | None = None) -> None:
        if refill_per_second is not None and not 0 < refill_per_second <= 1:
            raise ValueError(f"refill_per_second must be above 0 and at most 1, not {refill_per_second}")
        self.source = source
        self.tape = PublicTape(source)
        self.engine = Engine(source.markets.values())
        self.without_quotes: set[str] = set()
        """Markets whose market maker has withdrawn; its orders leave, or come back, when the market is next used."""
        for name in (MARKET_MAKER, CROWD):
            self.engine.open_account(name, _NO_FEES, is_market=True)
        self._refill_per_second = {
            market_id: market.refill_per_second if refill_per_second is None else refill_per_second
            for market_id, market in source.markets.items()
        }
        self._at_ms: dict[str, int] = {}
        self._ladder_second: dict[str, int] = {}
        self._withdrawn: set[str] = set()
        self._taken = {(market_id, side): _Taken() for market_id in source.markets for side in Side}
        self._actions = 0
        self._seen_trades = 0

    def submit(self, account: str, request: Request, now_ms: int) -> Order:
        """Accept an order and match it. Raises RefusedError when a rule or the balance forbids it."""
        now_ms = self._advance(now_ms)
        self._draw_present(request.market_id, now_ms)
        self._actions += 1
        self._number_trades(request.market_id, now_ms)
        order = self.engine.submit(account, request, now_ms)
        self._note_trades()
        return order

    def cancel(self, account: str, market_id: str, order_id: int, now_ms: int) -> Order:
        """End an open order. Raises RefusedError when there is no such order, perhaps because it has been filled."""
        now_ms = self._advance(now_ms)
        self._actions += 1
        return self.engine.cancel(account, market_id, order_id, now_ms)

    def book(self, market_id: str, now_ms: int, levels: int) -> Book:
        """Everything in the book, the accounts' orders too, at most `levels` a side; a side may be empty."""
        now_ms = self._advance(now_ms)
        self._draw_present(market_id, now_ms)
        bids, asks = (
            tuple(Level(price, quantity) for price, quantity in self.engine.book(market_id, side, levels))
            for side in (Side.BUY, Side.SELL)
        )
        drawn = self.source.book(market_id, now_ms // SECOND_MS * SECOND_MS, 1)
        return Book(drawn.update_id + self.tape.visible(market_id, now_ms) + self._actions, bids, asks)

    def advance(self, now_ms: int) -> None:
        """Let the market trade up to a moment. Free while no account has an order in a book."""
        self._advance(now_ms)

    def _advance(self, now_ms: int) -> int:
        """Advance all markets in chronological order; returns the present, which never goes back."""
        now_ms = max([now_ms, *self._at_ms.values()])
        steps = (
            self._steps(market_id, self._at_ms.get(market_id, now_ms), now_ms) for market_id in self.source.markets
        )
        touches: dict[str, _Touch] = {}
        for step in heapq.merge(*steps, key=lambda step: step.time_ms):
            touch = touches.get(step.market_id) or _Touch.of(self.engine.account_orders(step.market_id))
            touches[step.market_id] = touch
            if self._play(step, touch):
                del touches[step.market_id]
        self._at_ms = dict.fromkeys(self.source.markets, now_ms)
        return now_ms

    def _steps(self, market_id: str, after_ms: int, until_ms: int) -> Iterator[_Step]:
        """The market's events after one moment and until another that may affect an account's order.

        A second whose book is in the engine is played to its end, so that the engine has the book of the present.
        """
        if not self.engine.has_resting_orders(market_id):
            if after_ms == until_ms or not self._is_drawn(market_id, after_ms // SECOND_MS):
                return
            until_ms = min(until_ms, _last_ms(after_ms // SECOND_MS))
        for second, prints in self._seconds(market_id, after_ms, until_ms):
            if not (self.engine.has_resting_orders(market_id) or self._is_drawn(market_id, second)):
                return
            if second * SECOND_MS > after_ms:
                yield _Step(second * SECOND_MS, market_id)
            yield from (_Step(item.time_ms, market_id, item) for item in prints)

    def _play(self, step: _Step, touch: _Touch) -> bool:
        """Play one step of a market; returns whether it may have affected an account's order."""
        market_id, second = step.market_id, step.time_ms // SECOND_MS
        if step.item is None:
            if not self._crosses(market_id, second, touch):
                self._shorten_queues(market_id, second, touch)
                return False
            self._draw_ladder(market_id, step.time_ms)
            return True
        if not self._is_drawn(market_id, second):
            if not touch.is_reached_by(step.item):
                return False
            self._draw_ladder(market_id, step.time_ms)
            passed = self.source.prints_between(market_id, second * SECOND_MS - 1, step.time_ms)
            self._let_crowd_trade(market_id, (item for item in passed if item.trade_id < step.item.trade_id))
        self._let_crowd_trade(market_id, [step.item])
        return True

    def _crosses(self, market_id: str, second: int, touch: _Touch) -> bool:
        """Whether the market maker crosses an account's order as a second begins."""
        if market_id in self.without_quotes:
            return False
        return touch.is_crossed_by(self.source.book(market_id, second * SECOND_MS, 1))

    def _shorten_queues(self, market_id: str, second: int, touch: _Touch) -> None:
        """Where the market maker quotes less than in the second before, the orders behind it move up."""
        queues = {place: self.engine.queue(market_id, *place) for place in touch.places}
        shared = [place for place, queue in queues.items() if any(order.account == MARKET_MAKER for order in queue)]
        if shared:
            ladder = self._ladder(market_id, second)
            most = {place: ladder.get(place, ZERO) for place in shared}
            self.engine.thin_out(MARKET_MAKER, market_id, most, second * SECOND_MS)

    def _seconds(self, market_id: str, after_ms: int, until_ms: int) -> Iterator[tuple[int, list[Print]]]:
        """Every second between two moments, with its prints."""
        last = until_ms // SECOND_MS
        for first in range(after_ms // SECOND_MS, last + 1, _SECONDS_AT_ONCE):
            seconds = range(first, min(first + _SECONDS_AT_ONCE, last + 1))
            prints: dict[int, list[Print]] = {second: [] for second in seconds}
            from_ms, to_ms = max(after_ms, first * SECOND_MS - 1), min(until_ms, _last_ms(seconds[-1]))
            for item in self.source.prints_between(market_id, from_ms, to_ms):
                prints[item.time_ms // SECOND_MS].append(item)
            yield from prints.items()

    def _is_drawn(self, market_id: str, second: int) -> bool:
        return self._ladder_second.get(market_id) == second

    def _draw_present(self, market_id: str, now_ms: int) -> None:
        """Put the present book, up to which the market has traded, into the engine."""
        second, is_withdrawn = now_ms // SECOND_MS, market_id in self.without_quotes
        if not self._is_drawn(market_id, second):
            self._draw_ladder(market_id, now_ms)
            self._let_crowd_trade(market_id, self.source.prints_between(market_id, second * SECOND_MS - 1, now_ms))
        elif is_withdrawn is not (market_id in self._withdrawn):
            self._draw_ladder(market_id, now_ms)
            self._actions += 1

    def _draw_ladder(self, market_id: str, now_ms: int) -> None:
        """Place the market maker's orders of a second, as it begins."""
        second = now_ms // SECOND_MS
        self._ladder_second[market_id] = second
        (self._withdrawn.add if market_id in self.without_quotes else self._withdrawn.discard)(market_id)
        ladder = [(*place, quantity) for place, quantity in self._ladder(market_id, second).items()]
        self._number_trades(market_id, now_ms)
        self.engine.quote(MARKET_MAKER, market_id, ladder, now_ms)
        self._note_trades()

    def _let_crowd_trade(self, market_id: str, prints: Iterable[Print]) -> None:
        for item in prints:
            self._number_trades(market_id, item.time_ms)
            side, size, limit = Side.SELL if item.buyer_is_maker else Side.BUY, item.quantity_base, item.price_quote
            request = Request(market_id, side, Kind.LIMIT, size, limit, time_in_force=TimeInForce.IOC)
            self.engine.trade_for_market(CROWD, request, item.time_ms)
            self._note_trades()

    def _ladder(self, market_id: str, second: int) -> dict[_Place, Decimal]:
        """What the market maker has in the book of a second, by side and price."""
        if market_id in self.without_quotes:
            return {}
        drawn = self.source.book(market_id, second * SECOND_MS, LADDER_LEVELS)
        return {
            (side, price_quote): quantity_base
            for side, levels in ((Side.BUY, drawn.bids), (Side.SELL, drawn.asks))
            for price_quote, quantity_base in self._remaining(market_id, side, levels, second)
        }

    def _remaining(
        self, market_id: str, side: Side, levels: Iterable[Level], second: int
    ) -> Iterator[tuple[Decimal, Decimal]]:
        """Price and quantity of the levels of one side without what is missing, counted from the best price."""
        step_base = self.source.markets[market_id].step_base
        missing_base = self._taken[market_id, side].left(second, self._refill_per_second[market_id], step_base)
        for level in levels:
            if level.quantity_base > missing_base:
                yield level.price_quote, level.quantity_base - missing_base
            missing_base = max(missing_base - level.quantity_base, ZERO)

    def _number_trades(self, market_id: str, now_ms: int) -> None:
        """The next trade's id follows the newest one of the moment."""
        self.engine.last_trade_ids[market_id] = self.tape.visible(market_id, now_ms)

    def _note_trades(self) -> None:
        """Publish the new trades, and remember what they took out of the market maker's book."""
        for trade in self.engine.trades[self._seen_trades :]:
            self.tape.add(trade)
            self._note_taken(trade)
        self._seen_trades = len(self.engine.trades)

    def _note_taken(self, trade: Trade) -> None:
        maker, side = (trade.buyer, Side.BUY) if trade.buyer_is_maker else (trade.seller, Side.SELL)
        if maker.account == MARKET_MAKER:
            taken, second = self._taken[trade.market_id, side], trade.time_ms // SECOND_MS
            step_base = self.source.markets[trade.market_id].step_base
            taken.base = taken.left(second, self._refill_per_second[trade.market_id], step_base) + trade.quantity_base
            taken.second = second


def _last_ms(second: int) -> int:
    return (second + 1) * SECOND_MS - 1
