"""The venue: the accounts' orders in the book, and the other side of the market that trades with them. Pure.

The other side comes from a source, drawn or recorded. Its order book is kept in the engine as the orders of a market
maker, redrawn at each of its changes; its prints are the market orders of a crowd. So a resting order is filled by the
crowd when it reaches the front of the queue, or by the market maker when the price moves through it, and a market order
pays the spread and walks down the book. Liquidity that the accounts consume is gradually restored.

The book of a moment is the one since its newest change, less what the crowd has taken since then. It is put into the
engine when needed: by an order, a cancel, a request, or a market that reaches an account's order. Everything before
that affects nobody and is skipped.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from ..market.tape import LADDER_LEVELS, SECOND_MS, Book, Level, MarketSource, Print, Touch
from . import competitor
from .accounts import FeeSchedule
from .matching import Engine
from .orders import ZERO, Kind, Order, Request, Side, TimeInForce, Trade
from .public_tape import PublicTape

MARKET_MAKER = "market maker"
CROWD = "crowd"
_NO_FEES = FeeSchedule(ZERO, ZERO)
_MS_AT_ONCE = 600_000
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
class _Reach:
    """Prices that the market must reach to trade with an account's order."""

    bid_quote: Decimal
    ask_quote: Decimal
    places: frozenset[_Place]

    @staticmethod
    def of(orders: Iterable[Order]) -> _Reach:
        places = frozenset((order.side, order.price_quote) for order in orders)
        return _Reach(
            max((price for side, price in places if side is Side.BUY), default=-_NOWHERE_QUOTE),
            min((price for side, price in places if side is Side.SELL), default=_NOWHERE_QUOTE),
            places,
        )

    def is_reached_by(self, item: Print) -> bool:
        """Whether the aggressor of a print would reach one of the orders."""
        return item.price_quote <= self.bid_quote if item.buyer_is_maker else item.price_quote >= self.ask_quote

    def is_crossed_by(self, touch: Touch) -> bool:
        """Whether the market maker would trade with one of the orders."""
        bid_quote, ask_quote = touch.bid_quote, touch.ask_quote
        return (ask_quote is not None and ask_quote <= self.bid_quote) or (
            bid_quote is not None and bid_quote >= self.ask_quote
        )


class _Step(NamedTuple):
    """An event of a market: its book changes, or the crowd trades."""

    time_ms: int
    market_id: str
    happens: Touch | Print
    change_ms: int  # of the book that is there now
    before_ms: int  # of the one before it


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
        self._ladder_ms: dict[str, int] = {}
        self._withdrawn: set[str] = set()
        self._taken = {(market_id, side): _Taken() for market_id in source.markets for side in Side}
        self._actions = 0
        self._seen_trades = 0

    @property
    def drawn(self) -> tuple[int, ...]:
        """Changes whenever more of the market has been put into the engine."""
        engine, ladders = self.engine, self._ladder_ms.values()
        return engine.last_order_id, len(engine.trades), self._actions, *ladders

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
        self._draw_present(market_id, now_ms)  # what the others do is their answer to what stood here until now
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
        drawn = self.source.book(market_id, self.source.changed_ms(market_id, now_ms), 1)
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
        reaches: dict[str, _Reach] = {}
        for step in heapq.merge(*steps, key=lambda step: step.time_ms):
            reach = reaches.get(step.market_id) or _Reach.of(self.engine.account_orders(step.market_id))
            reaches[step.market_id] = reach
            if self._play(step, reach):
                del reaches[step.market_id]
        self._at_ms = dict.fromkeys(self.source.markets, now_ms)
        return now_ms

    def _steps(self, market_id: str, after_ms: int, until_ms: int) -> Iterator[_Step]:
        """The market's events after one moment and until another that may affect an account's order.

        A book that is in the engine is played to its next change, so that the engine has the book of the present.
        """
        is_watched = self.engine.has_resting_orders(market_id)
        if after_ms == until_ms or not (is_watched or self._is_drawn(market_id, self._changed_ms(market_id, after_ms))):
            return
        change_ms = before_ms = self._changed_ms(market_id, after_ms)
        for time_ms, happens in self._events(market_id, after_ms, until_ms, _MS_AT_ONCE if is_watched else SECOND_MS):
            if isinstance(happens, Touch):
                if not self.engine.has_resting_orders(market_id):
                    return
                change_ms, before_ms = happens.time_ms, change_ms
            yield _Step(time_ms, market_id, happens, change_ms, before_ms)

    def _events(
        self, market_id: str, after_ms: int, until_ms: int, at_once_ms: int
    ) -> Iterator[tuple[int, Touch | Print]]:
        """Every change of the book and every print between two moments; a change comes before a print of its time."""
        for from_ms in range(after_ms, until_ms, at_once_ms):
            to_ms = min(from_ms + at_once_ms, until_ms)
            happening: list[Iterable[tuple[int, Touch | Print]]] = [
                ((touch.time_ms, touch) for touch in self.source.changes(market_id, from_ms, to_ms)),
                ((item.time_ms, item) for item in self.source.prints_between(market_id, from_ms, to_ms)),
            ]
            yield from heapq.merge(*happening, key=lambda event: event[0])

    def _play(self, step: _Step, reach: _Reach) -> bool:
        """Play one step of a market; returns whether it may have affected an account's order."""
        market_id, happens = step.market_id, step.happens
        if isinstance(happens, Touch):
            self._shorten_queues(step, happens, reach)
            if market_id in self.without_quotes or not reach.is_crossed_by(happens):
                return False
            self._draw_ladder(market_id, step.change_ms, step.time_ms)
            return True
        if not self._is_drawn(market_id, step.change_ms):
            if not reach.is_reached_by(happens):
                return False
            self._draw_ladder(market_id, step.change_ms, step.time_ms)
            passed = self.source.prints_between(market_id, step.change_ms - 1, step.time_ms)
            self._let_crowd_trade(market_id, (item for item in passed if item.trade_id < happens.trade_id))
        self._let_crowd_trade(market_id, [happens])
        return True

    def _shorten_queues(self, step: _Step, touch: Touch, reach: _Reach) -> None:
        """Where others cancel, or have less than before, the orders behind them move up."""
        market_id, ladder = step.market_id, None
        for place in reach.places:
            if not any(order.account == MARKET_MAKER for order in self.engine.queue(market_id, *place)):
                continue
            change = None
            if not self._is_ahead_of(place, touch) and market_id not in self.without_quotes:
                change = self.source.queue_change(
                    market_id, step.before_ms, step.change_ms, place[1], is_bid=place[0] is Side.BUY
                )
            if change is not None:
                self.engine.cancel_share(MARKET_MAKER, market_id, place, change.kept, step.time_ms)
            if change is None or self._missing(market_id, place[0], step.change_ms):
                ladder = self._ladder(market_id, step.change_ms) if ladder is None else ladder
                most_base = ladder.get(place, ZERO)
            else:
                most_base = change.most_base
            self.engine.thin_out(MARKET_MAKER, market_id, {place: most_base}, step.time_ms)

    @staticmethod
    def _is_ahead_of(place: _Place, touch: Touch) -> bool:
        """Whether a price is better than the market maker's: there is nobody but the accounts and their competitor."""
        side, price_quote = place
        if side is Side.BUY:
            return touch.bid_quote is None or price_quote > touch.bid_quote
        return touch.ask_quote is None or price_quote < touch.ask_quote

    def _changed_ms(self, market_id: str, now_ms: int) -> int:
        return self.source.changed_ms(market_id, now_ms)

    def _is_drawn(self, market_id: str, change_ms: int) -> bool:
        return self._ladder_ms.get(market_id) == change_ms

    def _draw_present(self, market_id: str, now_ms: int) -> None:
        """Put the present book, up to which the market has traded, into the engine."""
        change_ms, is_withdrawn = self._changed_ms(market_id, now_ms), market_id in self.without_quotes
        if not self._is_drawn(market_id, change_ms):
            self._draw_ladder(market_id, change_ms, now_ms)
            self._let_crowd_trade(market_id, self.source.prints_between(market_id, change_ms - 1, now_ms))
        elif is_withdrawn is not (market_id in self._withdrawn):
            self._draw_ladder(market_id, change_ms, now_ms)
            self._actions += 1

    def _draw_ladder(self, market_id: str, change_ms: int, now_ms: int) -> None:
        """Place the market maker's orders of a book, as of its change."""
        self._ladder_ms[market_id] = change_ms
        (self._withdrawn.add if market_id in self.without_quotes else self._withdrawn.discard)(market_id)
        ladder = [(*place, quantity) for place, quantity in self._ladder(market_id, change_ms).items()]
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

    def _ladder(self, market_id: str, change_ms: int) -> dict[_Place, Decimal]:
        """What the market maker and the competitor have in a book, by side and price."""
        if market_id in self.without_quotes:
            return {}
        drawn = self.source.book(market_id, change_ms, LADDER_LEVELS)
        ladder = {
            (side, price_quote): quantity_base
            for side, levels in ((Side.BUY, drawn.bids), (Side.SELL, drawn.asks))
            for price_quote, quantity_base in self._remaining(market_id, side, levels, change_ms)
        }
        market = self.source.markets[market_id]
        if market.competitor and self.engine.has_resting_orders(market_id) and drawn.bids and drawn.asks:
            best, own = (
                (drawn.bids[0].price_quote, drawn.asks[0].price_quote),
                list(self.engine.account_orders(market_id)),
            )
            for side in Side:
                if answer := competitor.answer(market, side, best, own, change_ms):
                    ladder[side, answer[0]] = answer[1]
        return ladder

    def _remaining(
        self, market_id: str, side: Side, levels: Iterable[Level], change_ms: int
    ) -> Iterator[tuple[Decimal, Decimal]]:
        """Price and quantity of the levels of one side without what is missing, counted from the best price."""
        missing_base = self._missing(market_id, side, change_ms)
        for level in levels:
            if level.quantity_base > missing_base:
                yield level.price_quote, level.quantity_base - missing_base
            missing_base = max(missing_base - level.quantity_base, ZERO)

    def _missing(self, market_id: str, side: Side, change_ms: int) -> Decimal:
        """What the accounts took out of the market maker's book and has not come back."""
        step_base = self.source.markets[market_id].step_base
        return self._taken[market_id, side].left(change_ms // SECOND_MS, self._refill_per_second[market_id], step_base)

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
