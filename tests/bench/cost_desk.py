"""A trader on the local exchange's matching engine and a virtual clock: what it sees, what it may do, what it paid.

A style is a function from a `View` and a stream of chance to actions. A new one needs nothing but an entry in
`cost_styles.STYLES`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from octobot_volume_booster.offline_exchange.server.engine.accounts import FeeSchedule
from octobot_volume_booster.offline_exchange.server.engine.orders import Kind, Order, RefusedError, Request, Side, Trade
from octobot_volume_booster.offline_exchange.server.engine.venue import Venue
from octobot_volume_booster.offline_exchange.server.market.price_path import PricePath
from octobot_volume_booster.offline_exchange.server.market.spec import MarketSpec

ME = "me"
START_TIME = 1_700_000_000
CALL_S = 0.3
"""How long each request takes."""
LOOK_S = 1.0
LATER_MS = 10_000
_LEVELS = 20
_FUNDS = Decimal(10) ** 9


@dataclass(frozen=True)
class Terms:
    """What is to be traded, and in which time."""

    spec: MarketSpec
    target_quote: float
    deadline_s: float
    chunk_quote: float
    maker_bps: float = 10.0
    taker_bps: float = 10.0


@dataclass(frozen=True)
class Own:
    """An own order that rests."""

    order_id: int
    side: Side
    price: Decimal
    open_base: Decimal
    placed_at: float


@dataclass(frozen=True)
class View:
    """What a style sees; times are seconds since the beginning."""

    now: float
    bids: tuple[tuple[Decimal, Decimal], ...]  # price and quantity of the others' levels, best first
    asks: tuple[tuple[Decimal, Decimal], ...]
    own: tuple[Own, ...]
    filled_quote: float
    drift_base: Decimal  # bought less sold
    terms: Terms

    @property
    def open_quote(self) -> float:
        return sum(float(order.price * order.open_base) for order in self.own)

    @property
    def schedule_quote(self) -> float:
        """What would be filled by now on a straight line to the deadline."""
        return self.terms.target_quote * min(1.0, self.now / self.terms.deadline_s)

    def quantity(self, notional_quote: float, price: Decimal) -> Decimal:
        """A quantity that the exchange takes: whole steps, not under its minimum."""
        spec = self.terms.spec
        notional = max(Decimal(str(round(notional_quote, 2))), spec.minimum_notional_quote * Decimal("1.01"))
        return Decimal(math.ceil(notional / price / spec.step_base)) * spec.step_base


@dataclass(frozen=True)
class Send:
    """An order; at the market without a price, post-only with one."""

    side: Side
    quantity: Decimal
    price: Decimal | None = None


@dataclass(frozen=True)
class Drop:
    """Cancels an own order."""

    order_id: int


Style = Callable[[View, random.Random], Sequence[Send | Drop]]


@dataclass(frozen=True)
class Outcome:
    """What a run came to, in quote; fees are added for any schedule."""

    maker_quote: float
    taker_quote: float
    slippage_quote: float  # against the others' mid when it filled; below 0 is a gain
    later_quote: float  # against their mid ten seconds later
    is_done: bool
    self_matches: int
    prevented_matches: int

    @property
    def filled_quote(self) -> float:
        return self.maker_quote + self.taker_quote

    def all_in_bps(self, maker_bps: float, taker_bps: float, *, later: bool = False) -> float:
        """Fees and slippage; nan where nothing has filled."""
        if not self.filled_quote:
            return math.nan
        fees = self.maker_quote * maker_bps + self.taker_quote * taker_bps
        return (fees + (self.later_quote if later else self.slippage_quote) * 10_000) / self.filled_quote


def outcome_of(venue: Venue, account: str, until_ms: int, *, is_done: bool) -> Outcome:
    """Adds up an account's trades up to a moment."""
    roles, slippage, later = {True: 0.0, False: 0.0}, 0.0, 0.0
    for trade in venue.engine.trades:
        if trade.time_ms > until_ms or account not in (trade.buyer.account, trade.seller.account):
            continue
        is_buy = trade.buyer.account == account
        roles[is_buy is trade.buyer_is_maker] += float(trade.notional_quote)
        slippage += _against(venue, trade, is_buy, 0)
        later += _against(venue, trade, is_buy, LATER_MS)
    return Outcome(
        roles[True], roles[False], slippage, later, is_done, venue.engine.self_matches, venue.engine.prevented_matches
    )


def _against(venue: Venue, trade: Trade, is_buy: bool, after_ms: int) -> float:
    book = venue.source.book(trade.market_id, trade.time_ms + after_ms, 1)
    mid = (book.bids[0].price_quote + book.asks[0].price_quote) / 2
    return float((trade.price_quote - mid) * trade.quantity_base) * (1 if is_buy else -1)


class Desk:
    """One run of a style on one seed."""

    def __init__(self, terms: Terms, seed: int) -> None:
        self.terms, self.now = terms, 0.0
        self.venue = Venue(PricePath(seed, START_TIME, [terms.spec], 3_600))
        self._market_id = terms.spec.id
        rates = (Decimal(str(bps)) / 10_000 for bps in (terms.maker_bps, terms.taker_bps))
        self.venue.engine.open_account(ME, FeeSchedule(*rates))
        for asset in (terms.spec.base, terms.spec.quote):
            self.venue.engine.pay_in(ME, asset, _FUNDS)
        self._sent = 0

    def play(self, style: Style, rng: random.Random) -> Outcome:
        """Looks once a second until the target or the deadline."""
        while self.now < self.terms.deadline_s and self._filled() < self.terms.target_quote:
            before = self.now
            for action in style(self.view(), rng):
                self.now += CALL_S
                self._do(action)
            self.now = max(self.now, before + LOOK_S)
            self.venue.advance(self._now_ms())
        is_done = self._filled() >= self.terms.target_quote
        return outcome_of(self.venue, ME, self._now_ms(), is_done=is_done)

    def view(self) -> View:
        """The others' book, and what is ours."""
        book = self.venue.book(self._market_id, self._now_ms(), _LEVELS)
        own = tuple(map(_own, self.venue.engine.accounts[ME].open_orders.values()))
        sides = (
            _without(((level.price_quote, level.quantity_base) for level in levels), own, side)
            for side, levels in ((Side.BUY, book.bids), (Side.SELL, book.asks))
        )
        return View(self.now, *sides, own, self._filled(), self._drift(), self.terms)

    def _do(self, action: Send | Drop) -> None:
        try:
            if isinstance(action, Drop):
                self.venue.cancel(ME, self._market_id, action.order_id, self._now_ms())
            else:
                self._sent += 1
                kind = Kind.MARKET if action.price is None else Kind.LIMIT_MAKER
                request = Request(
                    self._market_id, action.side, kind, action.quantity, action.price, client_order_id=f"{self._sent}"
                )
                self.venue.submit(ME, request, self._now_ms())
        except RefusedError:
            pass  # it filled before it was cancelled, or would have taken: the style looks again

    def _filled(self) -> float:
        return float(sum(trade.notional_quote for trade in self.venue.engine.trades))

    def _drift(self) -> Decimal:
        trades = self.venue.engine.trades
        return sum((one.quantity_base * (1 if one.buyer.account == ME else -1) for one in trades), Decimal(0))

    def _now_ms(self) -> int:
        return START_TIME * 1_000 + round(self.now * 1_000)


def _own(order: Order) -> Own:
    return Own(order.order_id, order.side, order.price_quote, order.open_base, order.created_ms / 1_000 - START_TIME)


def _without(
    levels: Iterable[tuple[Decimal, Decimal]], own: Sequence[Own], side: Side
) -> tuple[tuple[Decimal, Decimal], ...]:
    """The levels of one side less what is ours."""
    ours: dict[Decimal, Decimal] = {}
    for order in own:
        if order.side is side:
            ours[order.price] = ours.get(order.price, Decimal(0)) + order.open_base
    left = ((price, quantity - ours.get(price, Decimal(0))) for price, quantity in levels)
    return tuple((price, quantity) for price, quantity in left if quantity > 0)
