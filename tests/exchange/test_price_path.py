"""Properties of the seeded market."""

import hashlib
import math
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octobot_volume_booster.offline_exchange.server.market.price_path import MarketSpec, PricePath
from octobot_volume_booster.offline_exchange.server.market.tape import DAY_MS, INTERVALS, candle_open_ms, next_open_ms

START_TIME = 1_700_000_000
START_MS = START_TIME * 1_000
HOUR_MS = 3_600_000
BTC, ETH = "BTCUSDT", "ETHUSDT"
LATER = st.integers(-2 * HOUR_MS, 3 * HOUR_MS).map(lambda offset_ms: START_MS + offset_ms)

QUESTIONS: tuple[Callable[[PricePath, int], Any], ...] = (
    lambda path, now_ms: path.last_print(BTC, now_ms),
    lambda path, now_ms: path.last_print(ETH, now_ms),
    lambda path, now_ms: path.newest_prints(BTC, now_ms, 20),
    lambda path, now_ms: path.prints_since(BTC, now_ms, now_ms - 10_000, 5),
    lambda path, now_ms: path.prints_from_id(ETH, now_ms, 1_000, 5),
    lambda path, now_ms: path.book(BTC, now_ms, 10),
    lambda path, now_ms: path.candles(ETH, "1m", now_ms, 3),
    lambda path, now_ms: path.candles(BTC, "1d", now_ms, 3),
    lambda path, now_ms: path.day_statistics(BTC, now_ms),
    lambda path, now_ms: path.average_price_quote(ETH, now_ms, 300_000),
    lambda path, now_ms: path.prints_between(ETH, now_ms - 5_000, now_ms),
    lambda path, now_ms: path.visible(BTC, now_ms),
)


def bitcoin(**character: float) -> MarketSpec:
    tick_quote, step_base = Decimal("0.01"), Decimal("0.00001")
    return MarketSpec("BTC", "USDT", tick_quote, step_base, Decimal(5), start_price_quote=Decimal(60_000), **character)


def new_path(seed: int = 7, history_seconds: int = 4 * 3_600) -> PricePath:
    return PricePath(seed, START_TIME, history_seconds=history_seconds)


@pytest.fixture(scope="module")
def path() -> PricePath:
    return new_path(history_seconds=30 * 3_600)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**63), st.lists(st.tuples(st.sampled_from(QUESTIONS), LATER), min_size=1, max_size=6), st.data())
def test_the_same_seed_answers_the_same_whatever_the_order_of_the_questions(seed, asked, data) -> None:
    shuffled = data.draw(st.permutations(asked))
    one, other = new_path(seed), new_path(seed)
    answers = {id(pair): pair[0](one, pair[1]) for pair in asked}
    assert all(pair[0](other, pair[1]) == answers[id(pair)] for pair in shuffled)


@settings(max_examples=30, deadline=None)
@given(LATER, st.integers(0, 5 * HOUR_MS))
def test_nothing_looks_into_the_future(path, now_ms, ahead_ms) -> None:
    before = [question(path, now_ms) for question in QUESTIONS]
    path.last_print(BTC, now_ms + ahead_ms)
    assert [question(path, now_ms) for question in QUESTIONS] == before
    assert all(trade.time_ms <= now_ms for trade in path.newest_prints(BTC, now_ms, 50))


def test_another_seed_is_another_path() -> None:
    assert new_path(1).newest_prints(BTC, START_MS, 5) != new_path(2).newest_prints(BTC, START_MS, 5)


@settings(max_examples=10, deadline=None)
@given(LATER)
def test_the_changes_of_the_touch_are_those_of_the_book(path, now_ms) -> None:
    changes = list(path.changes(BTC, now_ms - 5_000, now_ms))
    assert all(earlier.time_ms < later.time_ms for earlier, later in pairwise(changes))
    assert any(change.time_ms % 1_000 for change in changes) or not changes
    for change in changes:
        book = path.book(BTC, change.time_ms, 1)
        assert (change.bid_quote, change.ask_quote) == (book.bids[0].price_quote, book.asks[0].price_quote)
        assert path.changed_ms(BTC, change.time_ms) == change.time_ms
        assert path.changed_ms(BTC, change.time_ms - 1) < change.time_ms
    assert path.book(BTC, now_ms, 20) == path.book(BTC, path.changed_ms(BTC, now_ms), 20)


def levels_of(path: PricePath, now_ms: int) -> dict[Decimal, Decimal]:
    return {level.price_quote: level.quantity_base for level in path.book(BTC, now_ms, 100).bids[5:60]}


def test_levels_stand_for_some_tens_of_seconds_and_are_cancelled_in_proportion(path) -> None:
    now = levels_of(path, START_MS)
    for later_s, least, most in ((1, 0.9, 1.0), (15, 0.4, 0.8), (300, 0.0, 0.3)):
        later = {level.price_quote for level in path.book(BTC, START_MS + later_s * 1_000, 200).bids}
        assert least <= sum(price in later for price in now) / len(now) <= most
    soon = levels_of(path, START_MS + 1_000)
    shares = [float(soon[price] / now[price]) for price in now if price in soon]
    cancelled = [share for share in shares if share == pytest.approx(math.exp(-1 / 30), abs=0.02)]
    assert len(cancelled) > 0.8 * len(shares)


def test_what_a_change_did_to_a_queue_is_what_the_books_say(path) -> None:
    moments = [change.time_ms for change in path.changes(BTC, START_MS, START_MS + 60_000)]
    for before_ms, change_ms in pairwise(moments):
        before, now = path.book(BTC, before_ms, 100), path.book(BTC, change_ms, 100)
        sizes = {level.price_quote: level.quantity_base for level in now.bids}
        for level in before.bids[::9]:
            if level.price_quote <= now.bids[0].price_quote:
                change = path.queue_change(BTC, before_ms, change_ms, level.price_quote, is_bid=True)
                size = sizes.get(level.price_quote, Decimal(0))
                assert change.most_base == size
                assert float(change.kept) == pytest.approx(min(float(size / level.quantity_base), 1))


def test_symbols_move_independently(path) -> None:
    returns = [
        [candle.close_quote > candle.open_quote for candle in path.candles(market_id, "1m", START_MS, 1_000)]
        for market_id in (BTC, ETH)
    ]
    alike = sum(one == other for one, other in zip(*returns, strict=True))
    assert 400 < alike < 600


def test_a_longer_history_shows_more_of_the_same_prices() -> None:
    short, long = new_path(history_seconds=3_600), new_path(history_seconds=7_200)
    assert short.candles(ETH, "1m", START_MS, 50) == long.candles(ETH, "1m", START_MS, 50)


def test_a_pinned_seed_keeps_its_path_across_releases_and_machines() -> None:
    path, now_ms = new_path(7), START_MS + 12_345
    last, best_ask = path.last_print(BTC, now_ms), path.book(BTC, now_ms).asks[0]
    assert (last.trade_id, last.time_ms, last.price_quote, last.quantity_base) == (
        37_752, START_MS + 10_120, Decimal("59991.90"), Decimal("0.00108"),
    )  # fmt: skip
    assert (best_ask.price_quote, best_ask.quantity_base) == (Decimal("59999.40"), Decimal("0.09114"))
    assert path.day_statistics(ETH, START_MS + 7_654_321).volume_quote == Decimal("31791993.526216")
    everything = [question(path, START_MS + offset_ms) for question in QUESTIONS[:10] for offset_ms in (-7_000_000, 12)]
    assert hashlib.sha256(repr(everything).encode()).hexdigest()[:16] == "5b9facd4b3b5e7c7"


def test_every_market_starts_from_its_round_price(path) -> None:
    for market in path.markets.values():
        book = path.book(market.id, START_MS, 1)
        mid_quote = (book.bids[0].price_quote + book.asks[0].price_quote) / 2
        assert abs(mid_quote - market.start_price_quote) <= market.tick_quote


def test_the_history_holds_a_thousand_minutes_before_the_start(path) -> None:
    candles = path.candles(BTC, "1m", START_MS - 1, 1_000)
    assert len(candles) == 1_000
    assert candles[-1].close_time_ms <= START_MS + 60_000


def test_the_volatility_is_the_one_asked_for() -> None:
    calm, wild = (PricePath(3, START_TIME, [bitcoin(annual_volatility=volatility)]) for volatility in (0.1, 1.0))
    spans = [
        float(day.high_quote / day.low_quote) - 1
        for day in (path.day_statistics(BTC, START_MS) for path in (calm, wild))
    ]
    assert 0.002 < spans[0] < 0.02 < spans[1] < 0.2


@pytest.mark.parametrize("annual_drift", [-200.0, 0.0, 500.0])
def test_the_drift_is_the_one_asked_for(annual_drift) -> None:
    path = PricePath(3, START_TIME, [bitcoin(annual_volatility=0.0, annual_drift=annual_drift)], 3_600)
    for hours in (-1, 1, 2):
        price_quote = float(path.last_print(BTC, START_MS + hours * HOUR_MS).price_quote)
        assert price_quote == pytest.approx(60_000 * math.exp(annual_drift * hours / (365 * 24)), rel=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([BTC, ETH]), LATER)
def test_the_book_is_never_crossed_and_stands_on_tick_and_step(path, market_id, now_ms) -> None:
    market, book = path.markets[market_id], path.book(market_id, now_ms)
    bids, asks = book.bids, book.asks
    assert bids[0].price_quote < asks[0].price_quote
    assert all(better.price_quote > worse.price_quote for better, worse in pairwise(bids))
    assert all(better.price_quote < worse.price_quote for better, worse in pairwise(asks))
    for level in (*bids, *asks):
        assert level.price_quote % market.tick_quote == 0 < level.price_quote
        assert level.quantity_base % market.step_base == 0 < level.quantity_base
    spread_bps = (asks[0].price_quote - bids[0].price_quote) / bids[0].price_quote * 10_000
    assert abs(float(spread_bps) - market.spread_bps) < 0.05


def test_a_shallow_book_is_the_top_of_the_deep_one(path) -> None:
    shallow, deep = path.book(BTC, START_MS, 5), path.book(BTC, START_MS, 500)
    assert (shallow.bids, shallow.asks) == (deep.bids[:5], deep.asks[:5])


def test_a_book_below_two_ticks_keeps_positive_prices() -> None:
    dust = MarketSpec("DUST", "USDT", Decimal("0.01"), Decimal(1), Decimal(5), start_price_quote=Decimal("0.02"))
    book = PricePath(1, START_TIME, [dust], 3_600).book(dust.id, START_MS)
    assert 0 < book.bids[-1].price_quote <= book.bids[0].price_quote < book.asks[0].price_quote


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([BTC, ETH]), LATER)
def test_prints_happen_at_the_touch_on_step_and_above_the_minimum(path, market_id, now_ms) -> None:
    market = path.markets[market_id]
    for trade in path.newest_prints(market_id, now_ms, 5):
        book = path.book(market_id, trade.time_ms, 1)
        side = book.bids if trade.buyer_is_maker else book.asks
        assert trade.price_quote == side[0].price_quote
        assert trade.quantity_base % market.step_base == 0
        assert trade.notional_quote >= market.minimum_notional_quote


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([BTC, ETH]), LATER)
def test_the_last_print_is_never_older_than_an_hour(path, market_id, now_ms) -> None:
    assert 0 <= now_ms - path.last_print(market_id, now_ms).time_ms < HOUR_MS


def test_trade_ids_count_every_print_once_in_the_order_of_time(path) -> None:
    prints = path.newest_prints(BTC, START_MS, 1_000)
    assert all(later.trade_id == earlier.trade_id + 1 for earlier, later in pairwise(prints))
    assert all(later.time_ms >= earlier.time_ms for earlier, later in pairwise(prints))
    assert path.prints_from_id(BTC, START_MS, prints[0].trade_id, 1_000) == prints
    assert path.prints_from_id(BTC, START_MS, 0, 1)[0].trade_id == 1


@settings(max_examples=30, deadline=None)
@given(LATER, st.lists(st.integers(0, 10_000), max_size=5))
def test_neighbouring_spans_of_time_hold_every_print_once(path, from_ms, spans_ms) -> None:
    prints, now_ms = [], from_ms
    for span_ms in spans_ms:
        prints += path.prints_between(BTC, now_ms, now_ms + span_ms)
        now_ms += span_ms
    assert prints == path.prints_between(BTC, from_ms, now_ms)
    assert [trade.trade_id for trade in prints] == list(
        range(path.visible(BTC, from_ms) + 1, path.visible(BTC, now_ms) + 1)
    )


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([BTC, ETH]), st.sampled_from(["1s", "1m", "3m", "5m", "15m"]), LATER)
def test_a_candle_is_the_sum_of_its_prints(path, market_id, interval, now_ms) -> None:
    candle = path.candles(market_id, interval, now_ms, 2)[0]
    until_ms = min(now_ms, candle.close_time_ms)
    prints = path.prints_since(market_id, until_ms, candle.open_time_ms, 10_000)
    prices = [trade.price_quote for trade in prints]
    taker_buys = [trade for trade in prints if not trade.buyer_is_maker]
    if not prints:
        before = path.last_print(market_id, candle.open_time_ms - 1).price_quote
        prices = [before]
    assert (candle.open_quote, candle.close_quote) == (prices[0], prices[-1])
    assert (candle.high_quote, candle.low_quote) == (max(prices), min(prices))
    assert candle.print_count == len(prints)
    assert candle.volume_base == sum(trade.quantity_base for trade in prints)
    assert candle.volume_quote == sum(trade.notional_quote for trade in prints)
    assert candle.taker_buy_volume_base == sum(trade.quantity_base for trade in taker_buys)
    assert candle.taker_buy_volume_quote == sum(trade.notional_quote for trade in taker_buys)


@pytest.mark.parametrize("interval", INTERVALS)
def test_candles_of_every_interval_follow_each_other_without_a_gap(path, interval) -> None:
    now_ms = START_MS + 2 * HOUR_MS
    candles = path.candles(BTC, interval, now_ms, 1_000)
    assert all(later.open_time_ms == earlier.close_time_ms + 1 for earlier, later in pairwise(candles))
    assert candles[-1].open_time_ms <= now_ms <= candles[-1].close_time_ms
    assert candles[-1].close_quote == path.last_print(BTC, now_ms).price_quote


@settings(max_examples=30, deadline=None)
@given(LATER)
def test_longer_candles_are_made_of_the_shorter_ones(path, now_ms) -> None:
    hour = path.candles(BTC, "1h", now_ms, 1)[0]
    minutes = path.candles(BTC, "1m", now_ms, 60, since_ms=hour.open_time_ms)
    assert hour.high_quote == max(minute.high_quote for minute in minutes)
    assert hour.low_quote == min(minute.low_quote for minute in minutes)
    assert hour.volume_base == sum(minute.volume_base for minute in minutes)
    assert (hour.open_quote, hour.close_quote) == (minutes[0].open_quote, minutes[-1].close_quote)


@given(st.sampled_from(INTERVALS), st.integers(0, 4_000_000_000_000))
def test_every_moment_lies_in_exactly_one_candle(interval, time_ms) -> None:
    open_ms = candle_open_ms(interval, time_ms)
    following_ms = next_open_ms(interval, open_ms)
    assert open_ms <= time_ms < following_ms
    assert candle_open_ms(interval, following_ms - 1) == open_ms
    assert candle_open_ms(interval, following_ms) == following_ms


def test_weeks_open_on_mondays_and_months_on_the_first() -> None:
    wednesday_2023_11_15_ms = 1_700_006_400_000
    assert candle_open_ms("1w", wednesday_2023_11_15_ms) == 1_699_833_600_000
    assert candle_open_ms("1M", wednesday_2023_11_15_ms) == 1_698_796_800_000


def test_candles_can_be_cut_by_their_opening_times(path) -> None:
    minute_ms = candle_open_ms("1m", START_MS)
    since_ms, until_ms = minute_ms - 10 * 60_000, minute_ms - 5 * 60_000
    cut = path.candles(BTC, "1m", START_MS, 1_000, since_ms, until_ms)
    assert [candle.open_time_ms for candle in cut] == list(range(since_ms, until_ms + 1, 60_000))
    assert path.candles(BTC, "1m", START_MS, 2, since_ms) == cut[:2]
    assert path.candles(BTC, "1m", START_MS, 2, until_ms=until_ms) == cut[-2:]
    assert path.candles(BTC, "1m", START_MS, 2, since_ms=START_MS + DAY_MS) == []
    assert path.candles(BTC, "1m", START_MS, 2, until_ms=0) == []


def test_day_statistics_are_the_sum_of_a_day_of_prints(path) -> None:
    now_ms = START_MS + 2 * HOUR_MS + 345
    day = path.day_statistics(ETH, now_ms)
    prints = path.prints_from_id(ETH, now_ms, day.first_trade_id, 10**9)
    assert prints[0].time_ms >= day.open_time_ms == now_ms - DAY_MS
    assert path.prints_from_id(ETH, now_ms, day.first_trade_id - 1, 1)[0].time_ms < day.open_time_ms
    assert day.print_count == len(prints)
    assert day.last == prints[-1] == path.last_print(ETH, now_ms)
    assert day.open_quote == prints[0].price_quote
    assert day.high_quote == max(trade.price_quote for trade in prints)
    assert day.low_quote == min(trade.price_quote for trade in prints)
    assert day.volume_base == sum(trade.quantity_base for trade in prints)
    assert day.volume_quote == sum(trade.notional_quote for trade in prints)
    assert day.low_quote <= day.weighted_average_quote <= day.high_quote


def test_a_market_that_cannot_be_names_every_problem() -> None:
    with pytest.raises(
        ValueError, match="tick_quote must be above 0, start_price_quote must be above 0, prints_per_se"
    ):
        MarketSpec("BTC", "USDT", Decimal(0), Decimal(1), Decimal(1), start_price_quote=Decimal(0), prints_per_second=0)


@pytest.mark.parametrize(
    "character",
    [
        {"refill_per_second": 0.0},
        {"refill_per_second": 1.01},
        {"annual_drift": math.inf},
        {"spread_bps": -1.0},
        {"level_median_quote": 0.0},
        {"size_log_deviation": math.nan},
        {"toxicity": 1.1},
        {"sign_persistence": 0.95},
        {"level_seconds": 0.0},
    ],
)
def test_a_character_that_cannot_be_is_refused_by_name(character) -> None:
    with pytest.raises(ValueError, match=f"BTCUSDT: {next(iter(character))} must be"):
        bitcoin(**character)


def test_a_present_before_the_history_is_refused(path) -> None:
    with pytest.raises(ValueError, match="before the history"):
        path.last_print(BTC, path.origin_ms - 1)
