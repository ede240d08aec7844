"""What an order that rests at the touch gets: tried on the matching engine, with any source on the other side. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from ..market.facts import Quotes
from ..market.tape import SECOND_MS, TapeSource
from .accounts import FeeSchedule
from .orders import ZERO, Kind, Order, Reason, RefusedError, Request, Side
from .venue import Venue

WAIT_S = 60
SHORT_WAIT_S = 10
MARKOUT_S = 10
_FUNDS = Decimal(10) ** 12
_NAMES = {Side.BUY: "bid", Side.SELL: "ask"}


@dataclass(frozen=True, slots=True)
class RestingFacts:
    """Of orders of the smallest size that joined the touch and waited a minute. Shares of the half spread."""

    tried: int
    filled: int
    kept_at_fill: float  # mid at the fill against the order's price; 1 where the mid has not moved
    kept_after: float  # ten seconds after the fill: the realised spread, near 0 on real markets
    fill_probability: dict[str, dict[int, float]]  # by what stood ahead, then by seconds


@dataclass(frozen=True, slots=True)
class _Try:
    ahead_quote: float
    half_spread: float
    waited_s: float | None = None
    kept_at_fill: float = math.nan
    kept_after: float = math.nan


def resting_facts(source: TapeSource, market_id: str, from_ms: int, until_ms: int, tries: int) -> RestingFacts:
    """Orders on both sides at up to ``tries`` moments, spread evenly over a span of the source."""
    quotes = Quotes.of(source, market_id, from_ms, until_ms)
    venue, done = _venue(source, market_id), list[_Try]()
    venue.advance(from_ms + 1)
    last_ms = until_ms - (WAIT_S + MARKOUT_S) * SECOND_MS
    wanted = max(1, min(tries, (last_ms - from_ms) // ((WAIT_S + 1) * SECOND_MS)))
    for now_ms in np.linspace(from_ms + 1, max(last_ms, from_ms + 1), wanted).astype(int).tolist():
        done += _tried(venue, market_id, quotes, now_ms)
    filled = [one for one in done if one.waited_s is not None]
    return RestingFacts(
        len(done),
        len(filled),
        _mean(one.kept_at_fill for one in filled),
        _mean(one.kept_after for one in filled),
        _probabilities(done),
    )


def _venue(source: TapeSource, market_id: str) -> Venue:
    venue, rules = Venue(source), source.markets[market_id]
    for name in _NAMES.values():
        venue.engine.open_account(name, FeeSchedule(ZERO, ZERO))
        for asset in (rules.base, rules.quote):
            venue.engine.pay_in(name, asset, _FUNDS)
    return venue


def _tried(venue: Venue, market_id: str, quotes: Quotes, now_ms: int) -> list[_Try]:
    """One order on each side, at most; none where the book has no touch or has moved on."""
    book, rules = venue.book(market_id, now_ms, 1), venue.engine.rules[market_id]
    placed: list[tuple[Order, float]] = []
    for side, levels in ((Side.BUY, book.bids), (Side.SELL, book.asks)):
        for level in levels:
            size = (rules.minimum_notional_quote // (level.price_quote * rules.step_base) + 1) * rules.step_base
            request = Request(
                market_id, side, Kind.LIMIT_MAKER, size, level.price_quote, client_order_id=f"{side.value}{now_ms}"
            )
            try:
                order = venue.submit(_NAMES[side], request, now_ms)
            except RefusedError as refused:
                if refused.reason is not Reason.WOULD_TAKE:
                    raise
            else:
                placed.append((order, float(level.price_quote * level.quantity_base)))
    seen = len(venue.engine.trades)
    venue.advance(now_ms + WAIT_S * SECOND_MS)
    for order, _ in placed:
        if order.is_open:
            venue.cancel(order.account, market_id, order.order_id, now_ms + WAIT_S * SECOND_MS)
    filled_ms = {
        party.order_id: trade.time_ms
        for trade in reversed(venue.engine.trades[seen:])
        for party in (trade.buyer, trade.seller)
    }
    return [_outcome(quotes, order, ahead, now_ms, filled_ms.get(order.order_id)) for order, ahead in placed]


def _outcome(quotes: Quotes, order: Order, ahead_quote: float, placed_ms: int, filled_ms: int | None) -> _Try:
    mid, towards = quotes.mid, 1 if order.side is Side.BUY else -1
    before = int(quotes.index(np.array([placed_ms]))[0])
    half = float(quotes.ask[before] - quotes.bid[before]) / 2
    if filled_ms is None:
        return _Try(ahead_quote, half)
    at = quotes.index(np.array([filled_ms, filled_ms + MARKOUT_S * SECOND_MS]))
    kept = ((mid[at] - float(order.price_quote)) * towards / half).tolist()
    return _Try(ahead_quote, half, (filled_ms - placed_ms) / SECOND_MS, *kept)


def _probabilities(tries: list[_Try]) -> dict[str, dict[int, float]]:
    """Chances of a fill behind a short queue and a long one, halved at the median."""
    if not tries:
        return {}
    median = statistics.median(one.ahead_quote for one in tries)
    halves = {
        "short queue": [one for one in tries if one.ahead_quote <= median],
        "long queue": [one for one in tries if one.ahead_quote > median],
    }
    return {
        name: {
            limit: _mean(float(one.waited_s is not None and one.waited_s <= limit) for one in half)
            for limit in (SHORT_WAIT_S, WAIT_S)
        }
        for name, half in halves.items()
    }


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return statistics.fmean(found) if found else math.nan
