"""Properties of a tape with gaps, as recordings have them."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from octobot_volume_booster.offline_exchange.server.market.markets import MarketRules
from octobot_volume_booster.offline_exchange.server.market.tape import DAY_MS, INTERVALS, Tape, candle_open_ms

RULES = MarketRules("BTC", "USDT", Decimal("0.01"), Decimal("0.001"), Decimal(5))
FIRST_MS = 1_700_000_000_123

Row = tuple[int, int, int, bool]  # milliseconds after the row before, ticks, steps, buyer is maker
ROWS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 2_000), st.integers(0, 10 * 60_000)),
        st.integers(1, 10**6), st.integers(1, 10**6), st.booleans(),
    ),
    min_size=1,
    max_size=30,
)  # fmt: skip


def new_tape(rows: list[Row]) -> Tape:
    gaps_ms, ticks, steps, buyer_is_maker = (list(column) for column in zip(*rows, strict=True))
    integers = (np.array(column, dtype=np.int64) for column in (FIRST_MS + np.cumsum(gaps_ms), ticks, steps))
    return Tape(RULES, *integers, np.array(buyer_is_maker, dtype=np.bool_))


@settings(max_examples=60, deadline=None)
@given(ROWS, st.sampled_from(["1s", "1m", "5m"]), st.integers(0, 20 * 60_000))
def test_a_candle_without_prints_stays_at_the_close_before_it(rows, interval, after_ms) -> None:
    tape = new_tape(rows)
    now_ms = int(tape.time_ms[-1]) + after_ms
    candles = tape.candles(interval, now_ms, 100_000)
    assert candles[0].open_time_ms == candle_open_ms(interval, int(tape.time_ms[0]))
    assert candles[-1].open_time_ms <= now_ms <= candles[-1].close_time_ms
    pairs = list(pairwise(candles))
    assert all(candle.open_time_ms == before.close_time_ms + 1 for before, candle in pairs)
    without_prints = [(before, candle) for before, candle in pairs if candle.print_count == 0]
    assume(without_prints)
    for before, candle in without_prints:
        prices = {candle.open_quote, candle.high_quote, candle.low_quote, candle.close_quote}
        assert prices == {before.close_quote}
        assert candle.volume_base == candle.volume_quote == candle.taker_buy_volume_quote == 0


@settings(max_examples=60, deadline=None)
@given(ROWS, st.sampled_from(INTERVALS), st.integers(0, 20 * 60_000), st.integers(1, 50))
def test_candles_hold_every_print_once_however_many_are_asked_for(rows, interval, after_ms, limit) -> None:
    tape = new_tape(rows)
    now_ms = int(tape.time_ms[-1]) + after_ms
    everything, newest = (tape.candles(interval, now_ms, most) for most in (100_000, limit))
    prints = tape.prints(0, len(tape))
    assert newest == everything[-limit:]
    assert sum(candle.print_count for candle in everything) == len(prints)
    assert sum(candle.volume_quote for candle in everything) == sum(trade.notional_quote for trade in prints)
    assert max(candle.high_quote for candle in everything) == max(trade.price_quote for trade in prints)
    assert min(candle.low_quote for candle in everything) == min(trade.price_quote for trade in prints)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 90_000), st.integers(1, 10**15), st.integers(1, 10**18), st.booleans()), min_size=1
    ),
    st.sampled_from(["1m", "1h"]),
)
@example([(1_000, 10**15 - 1, 10**18 - 1, bool(number % 2)) for number in range(12)], "1m")
def test_sums_are_exact_however_fine_ticks_and_steps_are(rows, interval) -> None:
    tape = new_tape(rows)
    now_ms = int(tape.time_ms[-1])
    notional, bought = (
        sum(ticks * steps for _, ticks, steps, is_sold in rows if not (is_sold and only_bought))
        for only_bought in (0, 1)
    )
    steps = sum(steps for _, _, steps, _ in rows)
    day, candles = tape.day_statistics(now_ms), tape.candles(interval, now_ms, 100_000)
    unit = Decimal("0.00001")
    assert [Fraction(day.volume_quote), Fraction(day.volume_base)] == [
        notional * Fraction(unit),
        Fraction(steps, 1_000),
    ]
    assert sum(Fraction(candle.volume_quote) for candle in candles) == notional * Fraction(unit)
    assert sum(Fraction(candle.taker_buy_volume_quote) for candle in candles) == bought * Fraction(unit)
    average = tape.average_price_quote(int(tape.time_ms[0]))
    assert abs(Fraction(average) * 100 / Fraction(notional, steps) - 1) < Fraction(1, 10**25)


@pytest.mark.parametrize("silent_ms", [DAY_MS + 1, 40 * DAY_MS])
def test_a_day_without_prints_shows_the_last_price_and_no_volume(silent_ms) -> None:
    tape = new_tape([(0, 100, 7, False), (10, 300, 7, True)])
    day = tape.day_statistics(int(tape.time_ms[-1]) + silent_ms)
    assert {day.open_quote, day.high_quote, day.low_quote, day.last.price_quote} == {Decimal(3)}
    assert day.print_count == day.volume_base == day.volume_quote == day.change_quote == 0
    assert day.weighted_average_quote == Decimal(3)


def test_an_average_over_no_prints_is_the_last_price() -> None:
    tape = new_tape([(0, 100, 7, False), (10, 300, 21, True)])
    assert tape.average_price_quote(FIRST_MS) == Decimal("2.5")
    assert tape.average_price_quote(FIRST_MS + 11) == Decimal(3)
