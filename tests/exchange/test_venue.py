"""The venue: what the market does to the orders of the accounts, and they to it."""

from __future__ import annotations

import dataclasses
import itertools
import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_source import BTC, MARKET, START_MS, START_TIME, ScriptedSource, always

from octobot_volume_booster.offline_exchange.server.engine.accounts import FeeAsset, FeeSchedule
from octobot_volume_booster.offline_exchange.server.engine.orders import (
    Kind,
    Order,
    Reason,
    RefusedError,
    Request,
    Side,
    Status,
)
from octobot_volume_booster.offline_exchange.server.engine.venue import CROWD, MARKET_MAKER, Venue
from octobot_volume_booster.offline_exchange.server.market.price_path import MarketSpec, PricePath
from octobot_volume_booster.offline_exchange.server.market.tape import DAY_MS, MarketSource, QueueChange

BUY, SELL = Side.BUY, Side.SELL
ETH = "ETHUSDT"
BIDS, ASKS = ((100, 2.0), (99, 4.0), (98, 8.0)), ((102, 2.0), (103, 4.0), (104, 8.0))
STILL = always(BIDS, ASKS)


def open_venue(source: MarketSource, **options: Any) -> Venue:
    venue = Venue(source, **options)
    for name, fees in (("ann", FeeSchedule()), ("bob", FeeSchedule(Decimal("-0.0001"), asset=FeeAsset.QUOTE))):
        venue.engine.open_account(name, fees)
        for asset in ("BTC", "ETH", "USDT"):
            venue.engine.pay_in(name, asset, Decimal(1_000_000))
    return venue


def limit(venue: Venue, name: str, side: Side, quantity: str, price: Any, at_ms: int, **more: Any) -> Order:
    request = Request(BTC, side, Kind.LIMIT, Decimal(quantity), Decimal(price), **more)
    return venue.submit(name, request, START_MS + at_ms)


def market(venue: Venue, name: str, side: Side, quantity: str, at_ms: int) -> Order:
    return venue.submit(name, Request(BTC, side, Kind.MARKET, Decimal(quantity)), START_MS + at_ms)


def sizes(venue: Venue, at_ms: int) -> tuple[list[Decimal], list[Decimal]]:
    book = venue.book(BTC, START_MS + at_ms, 9)
    return [level.quantity_base for level in book.bids], [level.quantity_base for level in book.asks]


def own_trades(venue: Venue) -> list[tuple[Any, ...]]:
    """Milliseconds after the start, buyer, seller, quantity and price of each."""
    return [
        (trade.time_ms - START_MS, trade.buyer.account, trade.seller.account, trade.quantity_base, trade.price_quote)
        for trade in venue.engine.trades
    ]


def surpluses(venue: Venue) -> set[Decimal]:
    return {venue.engine.surplus(asset) for asset in ("BTC", "ETH", "USDT")}


@settings(deadline=None, derandomize=True, max_examples=20)
@given(st.integers(0, 10**6), st.integers(0, 3_600_000), st.integers(100, 1_000_000))
def test_a_market_buy_pays_at_least_the_best_ask_and_what_the_ladder_asks_for(seed, at_ms, spend) -> None:
    venue = open_venue(PricePath(seed, START_TIME, history_seconds=3_600))
    asks = venue.book(BTC, START_MS + at_ms, 100).asks
    order = venue.submit("ann", Request(BTC, BUY, Kind.MARKET, spend_quote=Decimal(spend)), START_MS + at_ms)
    left, cost = order.executed_base, Decimal(0)
    for level in asks:
        taken = min(left, level.quantity_base)
        left, cost = left - taken, cost + taken * level.price_quote
    assert left == 0
    assert cost == order.executed_quote >= order.executed_base * asks[0].price_quote
    assert spend - cost < asks[-1].price_quote * Decimal("0.00001")
    assert surpluses(venue) == {0}


def test_what_was_taken_comes_back_by_half_each_second() -> None:
    venue = open_venue(ScriptedSource(STILL))
    market(venue, "ann", BUY, "4", 500)
    assert sizes(venue, 999)[1] == [2, 8]
    assert sizes(venue, 1_000)[1] == [4, 8]  # 2 of the 4 are missing: all of the best level
    assert sizes(venue, 2_000)[1] == [1, 4, 8]
    assert sizes(venue, 3_000)[1] == [Decimal("1.5"), 4, 8]
    assert sizes(venue, 60_000)[1] == [2, 4, 8]
    assert sizes(venue, 60_000)[0] == [2, 4, 8]


def test_what_is_taken_again_adds_to_what_is_still_missing() -> None:
    venue = open_venue(ScriptedSource(STILL))
    market(venue, "ann", SELL, "2", 0)
    market(venue, "ann", SELL, "1", 1_000)
    assert sizes(venue, 1_000)[0] == [4, 8]
    assert sizes(venue, 2_000)[0] == [1, 4, 8]


def test_everything_comes_back_at_once_when_asked_to() -> None:
    venue = open_venue(ScriptedSource(STILL), refill_per_second=1)
    market(venue, "ann", BUY, "4", 500)
    assert sizes(venue, 999)[1] == [2, 8]
    assert sizes(venue, 1_000)[1] == [2, 4, 8]


@pytest.mark.parametrize("refill", [0, -0.5, 1.01, float("nan")])
def test_a_refill_that_is_no_share_is_refused(refill) -> None:
    with pytest.raises(ValueError, match="refill_per_second must be above 0 and at most 1, not"):
        Venue(ScriptedSource(STILL), refill)


def test_a_bid_far_away_never_fills() -> None:
    venue = open_venue(PricePath(7, START_TIME, history_seconds=3_600))
    order = limit(venue, "ann", BUY, "1", 30_000, 0)
    venue.advance(START_MS + 600_000)
    assert (order.status, venue.engine.trades) == (Status.NEW, [])


def test_a_bid_at_the_touch_waits_for_prints_at_its_price_and_for_what_is_ahead_of_it() -> None:
    prints = [
        (1_100, 100, 1.5, True),  # takes 1.5 of the 2 ahead
        (1_200, 102, 9.0, False),  # a buyer at the ask
        (2_100, 100, 0.75, True),  # a second later half of what was ahead is still there, and no more
        (2_200, 101, 5.0, True),  # above the bid
        (3_100, 98, 0.25, True),  # below: at the bid's own price
        (4_100, 100, 9.0, True),
    ]
    venue = open_venue(ScriptedSource(STILL, prints))
    order = limit(venue, "ann", BUY, "1", 100, 1_000)
    venue.advance(START_MS + 2_099)
    assert not venue.engine.trades
    venue.advance(START_MS + 5_000)
    assert own_trades(venue) == [
        (2_100, "ann", CROWD, Decimal("0.25"), 100),
        (3_100, "ann", CROWD, Decimal("0.25"), 100),
        (4_100, "ann", CROWD, Decimal("0.5"), 100),
    ]
    assert order.status is Status.FILLED
    assert all(trade.buyer_is_maker for trade in venue.engine.trades)


def test_a_queue_gets_shorter_when_the_market_maker_has_less_at_the_price() -> None:
    thin = always(((100, 0.5), (99, 4.0)), ASKS)
    gone = always(((99, 4.0),), ASKS)
    for between, filled in ((STILL, Decimal(0)), (thin, Decimal("0.25")), (gone, Decimal("0.75"))):
        books = {3: between(3)}
        source = ScriptedSource(
            lambda second, books=books: books.get(second, STILL(second)), [(5_500, 100, 0.75, True)]
        )
        venue = open_venue(source)
        order = limit(venue, "ann", BUY, "1", 100, 0)
        venue.advance(START_MS + 6_000)
        assert order.executed_base == filled


def test_an_order_inside_the_spread_is_first() -> None:
    venue = open_venue(ScriptedSource(STILL, [(1_100, 100, 0.75, True)]))
    order = limit(venue, "ann", BUY, "1", 101, 1_000)
    venue.advance(START_MS + 2_000)
    assert own_trades(venue) == [(1_100, "ann", CROWD, Decimal("0.75"), 101)]
    assert order.status is Status.PARTIALLY_FILLED


def test_an_ask_at_the_touch_waits_for_buyers_at_its_price_and_for_what_is_ahead_of_it() -> None:
    prints = [(1_100, 102, 1.75, False), (2_100, 101, 5.0, False), (3_100, 102, 0.75, False), (4_100, 103, 0.25, False)]
    venue = open_venue(ScriptedSource(STILL, prints))
    limit(venue, "ann", SELL, "1", 102, 0)
    venue.advance(START_MS + 5_000)
    assert own_trades(venue) == [
        (3_100, CROWD, "ann", Decimal("0.5"), 102),
        (4_100, CROWD, "ann", Decimal("0.25"), 102),
    ]


@pytest.mark.parametrize(
    ("side", "price", "later"),
    [
        (BUY, 99, always(((95, 2.0),), ((97, 2.0), (98, 4.0)))),
        (BUY, 99, always(((95, 2.0),), ((99, 2.0),))),
        (SELL, 103, always(((106, 2.0), (105, 1.0)), ((108, 2.0),))),
        (SELL, 103, always(((103, 2.0),), ((108, 2.0),))),
    ],
)
def test_an_order_that_the_price_moves_through_is_filled_as_maker_at_its_own_price(side, price, later) -> None:
    venue = open_venue(ScriptedSource(lambda second: STILL(second) if second < 5 else later(second)))
    order = limit(venue, "ann", side, "1", price, 1_000)
    venue.advance(START_MS + 60_000)
    names = ("ann", MARKET_MAKER) if side is BUY else (MARKET_MAKER, "ann")
    assert own_trades(venue) == [(5_000, *names, 1, price)]
    assert venue.engine.trades[0].buyer_is_maker is (side is BUY)
    assert order.status is Status.FILLED


def test_the_accounts_orders_are_in_the_book_and_trade_with_each_other() -> None:
    venue = open_venue(ScriptedSource(STILL))
    limit(venue, "ann", BUY, "1", 101, 0)
    assert sizes(venue, 0)[0] == [1, 2, 4, 8]
    market(venue, "bob", SELL, "2", 100)
    assert own_trades(venue) == [(100, "ann", "bob", 1, 101), (100, MARKET_MAKER, "bob", 1, 100)]


def test_the_book_of_a_moment_is_that_of_its_second_less_what_the_crowd_has_taken_in_it() -> None:
    venue = open_venue(ScriptedSource(STILL, [(1_100, 100, 1.5, True), (1_300, 102, 2.5, False)]))
    assert sizes(venue, 1_100) == ([Decimal("0.5"), 4, 8], [2, 4, 8])
    assert sizes(venue, 1_500) == ([Decimal("0.5"), 4, 8], [4, 8])
    assert sizes(venue, 2_000) == ([2, 4, 8], [2, 4, 8])


def test_a_withdrawn_market_maker_leaves_an_empty_book_and_comes_back() -> None:
    venue = open_venue(ScriptedSource(STILL, [(1_900, 100, 1.5, True)]))
    market(venue, "bob", BUY, "1", 500)
    limit(venue, "ann", BUY, "1", 99, 500)
    before = venue.book(BTC, START_MS + 500, 9)
    venue.without_quotes.add(BTC)
    assert sizes(venue, 500) == ([1], [])
    assert venue.book(BTC, START_MS + 500, 9).update_id > before.update_id
    assert market(venue, "bob", BUY, "1", 600).executed_base == 0
    assert sizes(venue, 1_500) == ([1], [])
    venue.without_quotes.discard(BTC)
    assert sizes(venue, 1_500) == ([2, 5, 8], [Decimal("1.5"), 4, 8])
    assert surpluses(venue) == {0}


RIVAL = dataclasses.replace(MARKET, competitor=True)
APART = always(((100, 2.0), (99, 4.0)), ((110, 2.0), (111, 4.0)))


def rival_bids(at_ms: int, price: int = 101, placed_ms: int = 0) -> list[Decimal]:
    """The bid prices of others above the touch at a moment, for an order that has stood for a while."""
    source = ScriptedSource(APART)
    source.markets = {BTC: RIVAL}
    venue = open_venue(source)
    limit(venue, "ann", BUY, "1", price, placed_ms)
    book = venue.book(BTC, START_MS + at_ms, 9)
    return [level.price_quote for level in book.bids if level.price_quote > 100 and level.price_quote != price]


def test_a_competitor_answers_an_undercut_by_a_tick_after_a_while_and_not_past_the_mid() -> None:
    assert rival_bids(1_999, placed_ms=700) == [], "the book changed 300 ms after it came"
    assert rival_bids(3_500, placed_ms=700) == [102]
    assert rival_bids(2_500) == [102]
    assert rival_bids(2_500, price=104) == [105]
    assert rival_bids(2_500, price=105) == []
    assert rival_bids(2_500, price=100) == []


def test_a_competitor_leaves_when_nobody_leads_any_more() -> None:
    source = ScriptedSource(APART)
    source.markets = {BTC: RIVAL}
    venue = open_venue(source)
    order = limit(venue, "ann", BUY, "1", 101, 0)
    assert len(sizes(venue, 5_000)[0]) == 4
    venue.cancel("ann", BTC, order.order_id, START_MS + 5_100)
    assert len(sizes(venue, 5_200)[0]) == 3, "it has not noticed yet"
    assert len(sizes(venue, 6_000)[0]) == 2
    assert surpluses(venue) == {0}


def test_on_a_market_without_a_competitor_nobody_answers() -> None:
    venue = open_venue(ScriptedSource(APART))
    limit(venue, "ann", BUY, "1", 101, 0)
    assert len(sizes(venue, 60_000)[0]) == 3


class HalfCancelled(ScriptedSource):
    """Half of what stands is cancelled as the third second begins, and as much comes anew."""

    def queue_change(
        self, market_id: str, before_ms: int, change_ms: int, price_quote: Decimal, *, is_bid: bool
    ) -> Any:
        kept = Fraction(1, 2) if change_ms == START_MS + 3_000 else Fraction(1)
        return QueueChange(kept, Decimal(2))


@pytest.mark.parametrize("looked", [False, True])
def test_of_what_is_still_ahead_a_share_is_cancelled_and_what_comes_anew_is_behind(looked) -> None:
    prints = [(1_100, 100, 1.0, True), (3_100, 100, 0.5, True), (3_200, 100, 0.25, True)]
    venue = open_venue(HalfCancelled(STILL, prints))
    limit(venue, "ann", BUY, "1", 100, 1_000)
    for at_ms in (1_500, 2_500, 3_050) if looked else ():
        venue.book(BTC, START_MS + at_ms, 9)
    venue.advance(START_MS + 4_000)
    assert own_trades(venue) == [(3_200, "ann", CROWD, Decimal("0.25"), 100)]


def test_what_is_cancelled_ahead_of_an_order_is_its_share() -> None:
    """The order moves up as the others cancel, as if each of them had cancelled the same share."""
    spec = dataclasses.replace(CALM[0], annual_volatility=0.0, prints_per_second=0.001, level_seconds=40.0)
    source = PricePath(1, START_TIME, [spec], 3_600)
    venue = open_venue(source)
    price = source.book(BTC, START_MS, 1).bids[0].price_quote
    order = limit(venue, "ann", BUY, "0.001", price, 0)
    queue = venue.engine.queue(BTC, BUY, price)
    ahead = [one.open_base for one in queue if one.account == MARKET_MAKER]
    venue.advance(START_MS + 4_000)
    queue = venue.engine.queue(BTC, BUY, price)
    assert queue[-1] is order
    kept = float(sum(one.open_base for one in queue[:-1]) / sum(ahead))
    assert kept == pytest.approx(
        float(source.book(BTC, START_MS + 4_000, 1).bids[0].quantity_base / sum(ahead)), abs=0.01
    )
    assert 0.8 < kept < 1


def test_while_nobody_rests_time_passes_without_asking_the_market() -> None:
    source = ScriptedSource(STILL)
    venue = open_venue(source)
    venue.advance(START_MS)
    asked = source.asked
    venue.advance(START_MS + 365 * DAY_MS)
    assert source.asked == asked


def test_a_moment_that_goes_back_counts_as_the_latest() -> None:
    venue = open_venue(ScriptedSource(STILL, [(7_000, 100, 9.0, True)]))
    market(venue, "ann", BUY, "1", 5_000)
    late = limit(venue, "ann", BUY, "1", 100, 2_000)
    market(venue, "bob", BUY, "1", -3_000)
    assert [late.created_ms, *(trade.time_ms for trade in venue.engine.trades)] == [START_MS + 5_000] * 3
    venue.advance(START_MS + 1_000)
    assert sizes(venue, 0)[1] == [4, 8]
    venue.advance(START_MS + 8_000)
    assert late.status is Status.FILLED
    assert [trade.trade_id for trade in venue.engine.trades] == [2, 3, 5]


def test_an_order_that_fills_before_its_cancellation_cannot_be_cancelled() -> None:
    venue = open_venue(ScriptedSource(STILL, [(1_500, 100, 9.0, True)]))
    order = limit(venue, "ann", BUY, "1", 100, 1_000)
    with pytest.raises(RefusedError) as refused:
        venue.cancel("ann", BTC, order.order_id, START_MS + 2_000)
    assert refused.value.reason is Reason.UNKNOWN_ORDER


def test_the_update_id_of_the_book_grows_with_what_changes_it() -> None:
    venue = open_venue(ScriptedSource(STILL, [(1_100, 100, 1.5, True)]))
    ids = [venue.book(BTC, START_MS + at_ms, 1).update_id for at_ms in (0, 1_000, 1_100)]
    order = limit(venue, "ann", BUY, "1", 50, 1_100)
    ids.append(venue.book(BTC, START_MS + 1_100, 1).update_id)
    venue.cancel("ann", BTC, order.order_id, START_MS + 1_100)
    ids.append(venue.book(BTC, START_MS + 1_100, 1).update_id)
    assert ids == sorted(set(ids))


CALM = tuple(
    MarketSpec(base, "USDT", Decimal("0.01"), step, Decimal(5), start_price_quote=price, annual_volatility=volatility,
               spread_bps=bps, level_median_quote=2_000.0, print_median_quote=900.0)
    for base, step, price, volatility, bps in (
        ("BTC", Decimal("0.00001"), Decimal(60_000), 0.05, 0.001), ("ETH", Decimal("0.0001"), Decimal(3_000), 0.4, 1.0)
    )
)  # fmt: skip
"""Bitcoin's touch hardly moves, so that there are queues; ether's does."""


class Play:
    """The same actions at the same times in a market of its own, and looks at it in between."""

    def __init__(self, seed: int) -> None:
        self.venue = open_venue(PricePath(seed % 5, START_TIME, CALM, 3_600))
        self.now_ms = START_MS + seed % 1_500
        self.rng = random.Random(seed)
        self.orders: list[Order] = []

    def act(self, number: int) -> None:
        market_id, name = self.rng.choice((BTC, BTC, ETH)), self.rng.choice(("ann", "bob"))
        open_orders = [order for order in self.orders if order.account == name]
        kind = self.rng.randrange(8)
        try:
            if kind == 0 and open_orders:
                order = self.rng.choice(open_orders)
                self.venue.cancel(name, order.request.market_id, order.order_id, self.now_ms)
            elif kind < 3:
                spend = Decimal(self.rng.randrange(20, 20_000))
                self._submit(name, Request(market_id, self._side(), Kind.MARKET, spend_quote=spend))
            else:
                self._submit(name, self._limit(market_id, number))
        except RefusedError:
            pass

    def _submit(self, name: str, request: Request) -> None:
        self.orders.append(self.venue.submit(name, request, self.now_ms))

    def _side(self) -> Side:
        return self.rng.choice((BUY, SELL))

    def _limit(self, market_id: str, number: int) -> Request:
        """Around the touch."""
        side, rules = self._side(), self.venue.engine.rules[market_id]
        last = self.venue.source.last_print(market_id, self.now_ms).price_quote
        away = self.rng.choice((0, 1, 1, 5, 30, -2)) * (-1 if side is BUY else 1)
        quantity = rules.quantity(int(Decimal(self.rng.randrange(50, 3_000)) / last / rules.step_base))
        return Request(market_id, side, Kind.LIMIT, quantity, last + rules.price(away), client_order_id=f"{number}")

    def wait(self, looks: random.Random | None, *, at_books: bool = False) -> None:
        later_ms = self.now_ms + self.rng.choice((0, 1, 40, 300, 1_000, 2_500, 9_000))
        for moment_ms in (
            sorted(looks.randint(self.now_ms, later_ms) for _ in range(looks.randrange(5))) if looks else ()
        ):
            if at_books:
                self.venue.book(looks.choice((BTC, ETH)), moment_ms, 5)
            else:
                self.venue.advance(moment_ms)
        self.now_ms = later_ms

    def outcome(self) -> dict[str, Any]:
        return {
            "trades": self.venue.engine.trades,
            "orders": self.orders,
            "balances": [
                account.balances() for account in self.venue.engine.accounts.values() if not account.is_market
            ],
            "books": [self.venue.book(market_id, self.now_ms, 20) for market_id in (BTC, ETH)],
            "prints": [self.venue.tape.newest_prints(market_id, self.now_ms, 99) for market_id in (BTC, ETH)],
        }


def played(seed: int, looks: random.Random | None, *, at_books: bool = False) -> Play:
    play = Play(seed)
    for number in range(25):
        play.act(number)
        play.wait(looks, at_books=at_books)
        assert surpluses(play.venue) == {0}
    play.venue.advance(play.now_ms)
    return play


SEEDS = st.integers(0, 10**6)
PROPERTY = settings(deadline=None, derandomize=True, max_examples=15, suppress_health_check=[HealthCheck.too_slow])


@PROPERTY
@given(SEEDS, SEEDS)
def test_how_often_time_is_told_changes_nothing(seed, looks) -> None:
    assert played(seed, random.Random(looks)).outcome() == played(seed, None).outcome()


def without_ids(play: Play) -> list[tuple[Any, ...]]:
    return [
        (trade.trade_id, trade.time_ms, trade.price_quote, trade.quantity_base, trade.buyer.account,
         trade.seller.account, trade.buyer.client_order_id, trade.seller.client_order_id, trade.buyer_is_maker)
        for trade in play.venue.engine.trades
    ]  # fmt: skip


@PROPERTY
@given(SEEDS, SEEDS)
def test_looking_at_the_book_changes_no_trade(seed, looks) -> None:
    """It draws the book when it would not have been drawn: so what is passed over indeed touches nobody."""
    looked, unseen = played(seed, random.Random(looks), at_books=True), played(seed, None)
    assert without_ids(looked) == without_ids(unseen)
    assert looked.outcome()["books"] == unseen.outcome()["books"]
    assert looked.outcome()["balances"] == unseen.outcome()["balances"]


@settings(PROPERTY, max_examples=5)
@given(SEEDS)
def test_the_public_tape_has_every_trade_under_its_id_and_counts_by_one(seed) -> None:
    play = played(seed, None)
    for market_id in (BTC, ETH):
        prints = play.venue.tape.prints_from_id(market_id, play.now_ms, 1, 10**6)
        assert [item.trade_id for item in prints] == list(range(1, len(prints) + 1))
        assert all(one.time_ms <= other.time_ms for one, other in itertools.pairwise(prints))
        trades = [trade for trade in play.venue.engine.trades if trade.market_id == market_id]
        assert trades
        for trade in trades:
            item = prints[trade.trade_id - 1]
            assert (item.time_ms, item.price_quote, item.quantity_base, item.buyer_is_maker) == (
                trade.time_ms, trade.price_quote, trade.quantity_base, trade.buyer_is_maker
            )  # fmt: skip


def test_in_the_plays_all_that_can_happen_happens() -> None:
    """The properties above are worth what their scenarios contain."""
    met: set[tuple[str, bool]] = set()
    for seed in range(12):
        for trade in played(seed, None).venue.engine.trades:
            names = {trade.buyer.account, trade.seller.account}
            maker = trade.buyer.account if trade.buyer_is_maker else trade.seller.account
            met |= {(name, maker == name) for name in names & {MARKET_MAKER, CROWD}}
    assert met == {(MARKET_MAKER, True), (MARKET_MAKER, False), (CROWD, False)}
