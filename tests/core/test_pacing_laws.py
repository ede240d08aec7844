"""Laws of time and chance: delays keep to their bounds, and the same seed gives the same orders."""

from __future__ import annotations

import random

from fake_market import random_campaign
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import LAW, Situation, placed, situations

from octobot_volume_booster.core.decision.timing.pacing import BACKOFF_MAX_S, backoff_delay, decision_rng, next_delay

DELAYS = st.floats(0.05, 86_400)
SEEDS = st.integers(0, 2**63 - 1)
NUMBERS = st.integers(0, 10**9)
EXCHANGES, SYMBOLS = st.sampled_from(("binance", "kraken")), st.sampled_from(("BTC/USDT", "ETH/BTC"))


def stream(seed: int, exchange: str, symbol: str, number: int) -> list[float]:
    rng = decision_rng(seed, exchange, symbol, number)
    return [rng.random() for _ in range(4)]


@LAW
@given(DELAYS, DELAYS, SEEDS)
def test_the_next_delay_is_within_its_bounds(one: float, other: float, seed: int) -> None:
    low, high = sorted((one, other))
    assert low <= next_delay(low, high, random.Random(seed)) <= high


@LAW
@given(situations())
def test_the_delay_after_an_order_is_within_the_trade_frequency(situation: Situation) -> None:
    low, high = situation.settings.trade_frequency_min, situation.settings.trade_frequency_max
    assert low <= placed(situation.decide()).delay_s <= high


@LAW
@given(st.integers(0, 10**6), SEEDS)
def test_the_backoff_is_capped(failures: int, seed: int) -> None:
    assert 0 < backoff_delay(failures, random.Random(seed)) <= BACKOFF_MAX_S


@LAW
@given(st.integers(1, 6), SEEDS, SEEDS)
def test_the_backoff_grows_until_then(failures: int, seed: int, later_seed: int) -> None:
    now, later = backoff_delay(failures, random.Random(seed)), backoff_delay(failures + 1, random.Random(later_seed))
    assert now < later


def test_the_backoff_starts_at_two_seconds_and_ends_at_two_minutes() -> None:
    for failures, longest_s in ((0, 2), (1, 2), (2, 4), (3, 8), (6, 64), (7, 120), (10**9, 120)):
        delays = [backoff_delay(failures, random.Random(seed)) for seed in range(50)]
        assert longest_s * 0.75 <= min(delays)
        assert max(delays) <= longest_s
        assert len(set(delays)) == 50


def test_the_longest_backoff_of_each_failure_is_exact() -> None:
    class Slowest(random.Random):
        def uniform(self, low: float, high: float) -> float:
            assert (low, high) == (0.75, 1.0)
            return high

    told = [backoff_delay(failures, Slowest()) for failures in (0, 1, 2, 3, 6, 7, 8, 12, 10**9)]
    assert told == [2, 2, 4, 8, 64, 120, 120, 120, 120]


@LAW
@given(SEEDS, EXCHANGES, SYMBOLS, NUMBERS)
def test_the_same_four_arguments_give_the_same_stream(seed: int, exchange: str, symbol: str, number: int) -> None:
    assert stream(seed, exchange, symbol, number) == stream(seed, exchange, symbol, number)


@LAW
@given(st.tuples(SEEDS, EXCHANGES, SYMBOLS, NUMBERS), st.tuples(SEEDS, EXCHANGES, SYMBOLS, NUMBERS))
def test_another_decision_has_another_stream(one: tuple[int, str, str, int], other: tuple[int, str, str, int]) -> None:
    assume(one != other)
    assert stream(*one) != stream(*other)
    assert stream(*one) != stream(*one[:3], one[3] + 1)


@LAW
@given(situations())
def test_the_same_arguments_give_the_same_decision(situation: Situation) -> None:
    assert situation.decide() == situation.decide()


def test_the_same_seed_gives_the_same_orders_and_another_seed_others() -> None:
    for order_type in ("limit", "market"):
        first, again = random_campaign(7, order_type), random_campaign(7, order_type)
        decisions = list(first.looks())
        assert decisions == list(again.looks())
        assert len(first.placed) > 5
        other = random_campaign(7, order_type)
        other.seed = 8
        assert decisions != list(other.looks())
