"""State shared by all routes: the venue, API keys, rate limits, and the accounts' trades."""

from __future__ import annotations

import bisect
import contextlib
import dataclasses
import decimal
import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..engine.clock import ExchangeClock
from ..engine.matching import Engine
from ..engine.orders import Kind, Order, Reason, RefusedError, Request, TimeInForce, Trade
from ..engine.venue import Venue
from ..market.markets import MOST_OPEN_ORDERS
from ..market.tape import Book
from .query import SYMBOL, ApiError, illegal
from .rate_limits import RateLimits

_EXACT = decimal.Context(prec=60)


def exactly() -> contextlib.AbstractContextManager[decimal.Context]:
    """Decimal arithmetic independent of the process's context, in which ccxt, for one, sets traps."""
    return decimal.localcontext(_EXACT)


class Act(enum.Enum):
    """What can be done to an exchange, by the name of its method."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    PAY_IN = "pay_in"
    CHANGE_RULES = "change_rules"
    SET_QUOTES = "set_quotes"
    MOVE_CLOCK = "move_clock"
    ADVANCE = "advance"
    BOOK = "book"


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that was done to the exchange and cannot be redrawn from the seed.

    The same operations in the same order, each at its moment, make the same exchange again. `ids` are the newest order
    id and the number of trades after it, by which a repetition is checked.
    """

    act: Act
    now_ms: int
    arguments: tuple[Any, ...]
    ids: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Credentials:
    """The key with which an account signs. The secret is left out of what is printed."""

    account: str
    api_key: str
    api_secret: str = field(repr=False)


@dataclass(slots=True)
class TradeIndex:
    """The engine's trades by account and market and by order, oldest first, so that no request scans them all."""

    seen: int = 0
    _by_market: dict[tuple[str, str], list[Trade]] = field(default_factory=dict)
    _by_order: dict[int, list[Trade]] = field(default_factory=dict)

    def catch_up(self, engine: Engine) -> list[tuple[str, bool]]:
        """Index the new trades; returns account and `is_maker` of every order that they filled for the first time."""
        first_fills = []
        for trade in engine.trades[self.seen :]:
            for account in {trade.buyer.account, trade.seller.account}:
                self._by_market.setdefault((account, trade.market_id), []).append(trade)
            for party, is_maker in ((trade.buyer, trade.buyer_is_maker), (trade.seller, not trade.buyer_is_maker)):
                if not engine.accounts[party.account].is_market:
                    if party.order_id not in self._by_order:
                        first_fills.append((party.account, is_maker))
                    self._by_order.setdefault(party.order_id, []).append(trade)
        self.seen = len(engine.trades)
        return first_fills

    def of_order(self, order_id: int) -> Sequence[Trade]:
        """The trades of one order."""
        return self._by_order.get(order_id, ())

    def of_market(self, account: str, market_id: str) -> Sequence[Trade]:
        """The trades of an account on one market."""
        return self._by_market.get((account, market_id), ())


class Exchange:
    """The venue behind its API. Before any request, the market trades up to the present."""

    def __init__(
        self, venue: Venue, clock: ExchangeClock, credentials: Iterable[Credentials], limits: RateLimits | None = None
    ) -> None:
        self.venue = venue
        self.clock = clock
        self.limits = limits or RateLimits()
        self.credentials = tuple(credentials)
        self.changes = 0
        """Counts what cannot be redrawn from the seed: orders, cancellations, trades and control actions."""
        self.record: Callable[[Operation], None] | None = None
        """Called after each operation, also after one that was refused."""
        self.trades = TradeIndex()
        self.trades.catch_up(venue.engine)
        self._by_key = {one.api_key: one for one in self.credentials}
        self._updated_ms = {
            name: max(order.updated_ms for order in account.orders.values())
            for name, account in venue.engine.accounts.items()
            if account.orders
        }

    def owner(self, api_key: str | None) -> Credentials | None:
        """The owner of a key."""
        return self._by_key.get(api_key) if api_key is not None else None

    def market_id(self, symbol: str) -> str:
        """The symbol, if there is such a market. Raises ApiError."""
        if not SYMBOL.fullmatch(symbol):
            raise illegal("symbol", SYMBOL)
        if symbol not in self.venue.engine.rules:
            raise ApiError(-1121, "Invalid symbol.")
        return symbol

    def advance(self, now_ms: int) -> None:
        """Let the market trade up to a moment."""
        before = self.venue.drawn
        with exactly():
            self.venue.advance(now_ms)
        self._take_in_trades()
        if self.venue.drawn != before:
            self._note(Act.ADVANCE, now_ms)

    def book(self, market_id: str, now_ms: int, levels: int) -> Book:
        """Everything in the book, as Venue.book gives it."""
        before = self.venue.drawn
        book = self.venue.book(market_id, now_ms, levels)
        if self.venue.drawn != before:
            self._note(Act.BOOK, now_ms, market_id, levels)
        return book

    def submit(self, account: str, request: Request, now_ms: int) -> Order:
        """Accept an order and match it. Raises RefusedError."""
        self._touch(account, now_ms)
        self._check_open_orders(account, request)
        try:
            with exactly():
                order = self.venue.submit(account, request, now_ms)
            self.limits.note_order(account, now_ms)
            return order
        finally:
            self._take_in_trades()
            self._note(Act.SUBMIT, now_ms, account, request)

    def _check_open_orders(self, account: str, request: Request) -> None:
        """Raises RefusedError when an order that may rest would exceed the limit of open orders."""
        is_resting = request.kind is Kind.LIMIT_MAKER or (
            request.kind is Kind.LIMIT and request.time_in_force is TimeInForce.GTC
        )
        open_orders = self.venue.engine.accounts[account].open_orders.values()
        if is_resting and sum(one.request.market_id == request.market_id for one in open_orders) >= MOST_OPEN_ORDERS:
            raise RefusedError(Reason.MAX_NUM_ORDERS)

    def check_filters(self, request: Request) -> None:
        """Raises RefusedError when the market's rules forbid an order."""
        self.venue.engine.check_filters(request)

    def cancel(self, account: str, market_id: str, order_id: int, now_ms: int) -> Order:
        """End an open order. Raises RefusedError."""
        self._touch(account, now_ms)
        try:
            with exactly():
                return self.venue.cancel(account, market_id, order_id, now_ms)
        finally:
            self._take_in_trades()
            self._note(Act.CANCEL, now_ms, account, market_id, order_id)

    def pay_in(self, account: str, asset: str, amount: Decimal) -> None:
        """A deposit, or with a negative amount a withdrawal. Raises ValueError when less is free."""
        with exactly():
            self.venue.engine.pay_in(account, asset, amount)
        now_ms = self.clock.now_ms()
        self._touch(account, now_ms)
        self._note(Act.PAY_IN, now_ms, account, asset, amount)

    def change_rules(self, market_id: str, changed: Mapping[str, Decimal]) -> None:
        """Change some rules of a market, by their names in MarketRules. Raises ValueError when they are invalid."""
        rules = self.venue.engine.rules
        rules[market_id] = dataclasses.replace(rules[market_id], **changed)  # type: ignore[arg-type]
        self.changes += 1
        self._note(Act.CHANGE_RULES, self.clock.now_ms(), market_id, dict(changed))

    def set_quotes(self, market_id: str, *, is_quoting: bool) -> None:
        """Let the market maker quote a market, or withdraw."""
        withdrawn = self.venue.without_quotes
        (withdrawn.discard if is_quoting else withdrawn.add)(market_id)
        self.changes += 1
        self._note(Act.SET_QUOTES, self.clock.now_ms(), market_id, is_quoting)

    def move_clock(self, seconds: float) -> None:
        """Move the clock forward, and let the market trade up to then. Raises ValueError for a negative duration."""
        self.clock.advance(seconds)
        self.changes += 1
        self._note(Act.MOVE_CLOCK, self.clock.now_ms(), self.clock.offset_ms)
        self.advance(self.clock.now_ms())

    def updated_ms(self, account: str) -> int:
        """When something last changed in an account."""
        trades = (self.trades.of_market(account, market_id)[-1:] for market_id in self.venue.engine.rules)
        newest_ms = [trade.time_ms for last in trades for trade in last]
        return max([self._updated_ms.get(account, self.venue.tape.start_time * 1_000), *newest_ms])

    def _note(self, act: Act, now_ms: int, *arguments: Any) -> None:
        if self.record is not None:
            engine = self.venue.engine
            self.record(Operation(act, now_ms, arguments, (engine.last_order_id, len(engine.trades))))

    def _touch(self, account: str, now_ms: int) -> None:
        self.changes += 1
        self._updated_ms[account] = now_ms

    def _take_in_trades(self) -> None:
        before = self.trades.seen
        for account, is_maker in self.trades.catch_up(self.venue.engine):
            self.limits.note_first_fill(account, is_maker=is_maker)
        self.changes += self.trades.seen - before


def trades_from_id(trades: Sequence[Trade], trade_id: int) -> Sequence[Trade]:
    """Those with this id or a higher one, of trades of one market."""
    return trades[bisect.bisect_left(trades, trade_id, key=lambda trade: trade.trade_id) :]
