"""When the next decision is due. Every time is in seconds."""

from __future__ import annotations

import random
from decimal import Decimal

HOUR_S = 3_600
CLOCK_TOLERANCE_S = 1e-3
"""Two moments that are nearer to each other are one."""
CLOCKS_APART_S = 60.0
"""A look may be so much older than the order of another market."""
BACKOFF_FIRST_S = 2.0
BACKOFF_MAX_S = 120.0
BACKOFF_MAX_DOUBLINGS = 10


def decision_rng(seed: int, exchange: str, symbol: str, decision_number: int) -> random.Random:
    """The random stream of one decision, a function of these four alone.

    Because nothing else goes in, a campaign that restarts continues exactly where it would have been.
    """
    return random.Random(f"{seed}/{exchange}/{symbol}/{decision_number}")


def next_delay(low_s: float, high_s: float, rng: random.Random) -> float:
    """A delay drawn uniformly from [low_s, high_s]."""
    return rng.uniform(low_s, high_s)


def turn_in_s(last_at: float | None, per_second: float, now: float) -> float:
    """How long until so many orders a second allow the next one; 0 when it may go now.

    A last order that is far in the future was sent before the clock was set back: it says nothing.
    """
    if last_at is None:
        return 0.0
    pause_s = 1 / per_second
    left_s = last_at + pause_s - now
    return left_s if CLOCK_TOLERANCE_S < left_s <= pause_s + CLOCKS_APART_S else 0.0


def participation_delay(notional: Decimal, now: float, hour_used: Decimal, hour_allowance: Decimal) -> float:
    """The least wait after an order of this notional, so that the hour's allowance lasts for the hour.

    The first half of it may go at any pace; the second half is spread over what is left of the hour of the clock.
    """
    left = hour_allowance - hour_used
    if left <= 0:
        return seconds_to_next_hour(now)
    if hour_used + notional <= hour_allowance / 2:
        return 0.0
    return min(float(notional / left), 1.0) * seconds_to_next_hour(now)


def seconds_to_next_hour(now: float) -> float:
    return HOUR_S - now % HOUR_S


def backoff_delay(failures: int, rng: random.Random) -> float:
    """The wait after this many failures in a row: doubling from 2 s to at most 120 s, with 25 % of jitter."""
    doublings = min(max(failures, 1) - 1, BACKOFF_MAX_DOUBLINGS)
    delay_s: float = min(BACKOFF_FIRST_S * 2**doublings, BACKOFF_MAX_S)
    return delay_s * rng.uniform(0.75, 1.0)
