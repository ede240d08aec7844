"""The public tape: the market's prints and the accounts' trades, counted as one."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_source import BTC, HISTORY_SECONDS, START_MS, ScriptedSource, always

from octobot_volume_booster.offline_exchange.server.engine.orders import Party, Trade
from octobot_volume_booster.offline_exchange.server.engine.public_tape import PublicTape
from octobot_volume_booster.offline_exchange.server.market.tape import DAY_MS, Print

PROPERTY = settings(deadline=None, derandomize=True, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
NOBODY = Party("", 0, "", Decimal(0), "USDT")
SPAN_MS = 60
MOMENTS = st.integers(-5, SPAN_MS + 5).map(lambda at_ms: START_MS + at_ms)
LIMITS = st.integers(1, 40)


@st.composite
def tapes(draw: st.DrawFn) -> tuple[PublicTape, list[Print]]:
    """A tape, and all that is on it as a plain list."""
    times_ms = sorted(draw(st.lists(st.integers(0, SPAN_MS), max_size=25)))
    source = ScriptedSource(
        always(((100, 1.0),), ((101, 1.0),)),
        [(time_ms, 100 + time_ms % 7, 1 + time_ms / 1_000, time_ms % 2 == 0) for time_ms in times_ms],
    )
    prints = source.newest_prints(BTC, START_MS + SPAN_MS, 100)
    tape = PublicTape(source)
    for time_ms in sorted(draw(st.lists(st.integers(0, SPAN_MS), max_size=12))):
        trade_id = tape.visible(BTC, START_MS + time_ms) + 1
        price, quantity = Decimal(90 + time_ms % 20), Decimal(trade_id) / 1_000
        tape.add(Trade(trade_id, BTC, START_MS + time_ms, price, quantity, NOBODY, NOBODY, buyer_is_maker=False))
        prints.append(Print(trade_id, START_MS + time_ms, price, quantity, buyer_is_maker=False))
    own = [item for item in prints if item.quantity_base < 1]
    others = (item for item in prints if item.quantity_base >= 1)
    taken = {item.trade_id for item in own}
    free_ids = (number for number in itertools.count(1) if number not in taken)
    numbered = [Print(next(free_ids), item.time_ms, item.price_quote, item.quantity_base, item.buyer_is_maker)
                for item in others]  # fmt: skip
    return tape, sorted([*numbered, *own], key=lambda item: item.trade_id)


@PROPERTY
@given(tapes())
def test_ids_count_up_by_one_and_times_never_fall(tape_and_all) -> None:
    tape, everything = tape_and_all
    assert [item.trade_id for item in everything] == list(range(1, len(everything) + 1))
    assert [item.time_ms for item in everything] == sorted(item.time_ms for item in everything)
    assert tape.newest_prints(BTC, START_MS + SPAN_MS, 1_000) == everything


@PROPERTY
@given(tapes(), MOMENTS, MOMENTS, LIMITS, st.integers(0, 45))
def test_every_answer_is_a_part_of_the_same_list(tape_and_all, now_ms, since_ms, limit, trade_id) -> None:
    tape, everything = tape_and_all
    seen = [item for item in everything if item.time_ms <= now_ms]
    assert tape.visible(BTC, now_ms) == len(seen)
    assert tape.last_print(BTC, now_ms) == seen[-1]
    assert tape.newest_prints(BTC, now_ms, limit) == seen[-limit:]
    assert tape.prints_from_id(BTC, now_ms, trade_id, limit) == [i for i in seen if i.trade_id >= trade_id][:limit]
    assert tape.prints_since(BTC, now_ms, since_ms, limit) == [i for i in seen if i.time_ms >= since_ms][:limit]
    assert tape.prints_between(BTC, since_ms, now_ms) == [i for i in seen if i.time_ms > since_ms]


@PROPERTY
@given(tapes(), MOMENTS)
def test_the_volumes_of_candles_and_of_the_day_count_both(tape_and_all, now_ms) -> None:
    tape, everything = tape_and_all
    seen = [item for item in everything if item.time_ms <= now_ms]
    candles = tape.candles(BTC, "1s", now_ms, 1_000)
    assert sum(candle.print_count for candle in candles) == len(seen)
    assert sum(candle.volume_base for candle in candles) == sum(item.quantity_base for item in seen)
    assert sum(candle.volume_quote for candle in candles) == sum(item.notional_quote for item in seen)
    bought = [item for item in seen if not item.buyer_is_maker]
    assert sum(candle.taker_buy_volume_base for candle in candles) == sum(item.quantity_base for item in bought)
    assert sum(candle.taker_buy_volume_quote for candle in candles) == sum(item.notional_quote for item in bought)
    for candle in candles:
        prices = [i.price_quote for i in seen if candle.open_time_ms <= i.time_ms <= candle.close_time_ms]
        assert all(candle.low_quote <= price <= candle.high_quote for price in prices)
        assert candle.low_quote <= min(candle.open_quote, candle.close_quote)
        assert candle.high_quote >= max(candle.open_quote, candle.close_quote)
    day = tape.day_statistics(BTC, now_ms)
    assert (day.volume_base, day.print_count) == (sum(item.quantity_base for item in seen), len(seen))
    assert day.volume_quote == sum(item.notional_quote for item in seen)
    assert day.first_trade_id == 1
    assert day.last == seen[-1]
    assert day.low_quote == min(item.price_quote for item in seen)
    assert day.high_quote == max(item.price_quote for item in seen)


@pytest.mark.parametrize(("later_ms", "count", "first"), [(0, 3, 2), (1, 2, 3), (60, 1, 4), (61, 0, 5)])
def test_a_day_begins_with_the_first_print_or_trade_in_it(later_ms, count, first) -> None:
    """Print 1 is older; trade 2 at 0 ms and trade 3 at 50 ms stand before print 4 at 60 ms."""
    tape = PublicTape(ScriptedSource(always(((100, 1.0),), ((101, 1.0),)), [(60, 100, 1.0, True)]))
    for trade_id, at_ms in ((2, 0), (3, 50)):
        tape.add(Trade(trade_id, BTC, START_MS + at_ms, Decimal(99), Decimal(1), NOBODY, NOBODY, buyer_is_maker=True))
    day = tape.day_statistics(BTC, START_MS + DAY_MS + later_ms)
    assert (day.print_count, day.volume_base, day.first_trade_id) == (count, count, first)


def test_prices_that_open_and_close_stay_the_markets_own() -> None:
    tape = PublicTape(
        ScriptedSource(always(((100, 1.0),), ((101, 1.0),)), [(10, 100, 1.0, True), (20, 101, 1.0, False)])
    )
    tape.add(Trade(4, BTC, START_MS + 30, Decimal(150), Decimal(1), NOBODY, NOBODY, buyer_is_maker=False))
    candle = tape.candles(BTC, "1s", START_MS + 40, 1)[0]
    assert (candle.open_quote, candle.close_quote, candle.high_quote, candle.low_quote) == (100, 101, 150, 100)
    assert tape.average_price_quote(BTC, START_MS + 40, 1_000) == Decimal("100.5")
    assert len(tape.candles(BTC, "1s", START_MS + 40, 1_000)) == HISTORY_SECONDS + 1
