"""How far the mid of a market moves, learned from one look to the next. Pure: the clock is an argument."""

from __future__ import annotations

import math
from decimal import Decimal

from .pacing import CLOCK_TOLERANCE_S

FORGETS_IN_S = 60.0
"""What was seen so long ago counts a third of what is seen now."""
LEAST_LOOKS = 20
"""Before so many looks nothing is said."""
SHORTEST_STEP_S = 1.0
"""Looks that are nearer to each other see the bounce between bid and ask rather than the price: they are passed over
(Zhang, Mykland and Ait-Sahalia, A Tale of Two Time Scales, 2005)."""
LONGEST_STEP_S = 10.0
"""Looks that are further apart say little of a second."""


class VolatilityMeter:
    """An exponentially weighted mean of squared returns a second: RiskMetrics Technical Document (1996), 5.2."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._variance = 0.0
        self._weight = 0.0
        self._looks = 0

    def see(self, now: float, mid_price: Decimal) -> None:
        """A mid, in quote, at a moment in seconds."""
        mid = float(mid_price)
        before = self._last
        if before is not None and 0 <= now - before[0] < SHORTEST_STEP_S - CLOCK_TOLERANCE_S:
            return
        self._last = now, mid
        if before is None or not 0 < now - before[0] <= LONGEST_STEP_S:
            return
        passed_s = now - before[0]
        kept = math.exp(-passed_s / FORGETS_IN_S)
        self._variance = kept * self._variance + (1 - kept) * math.log(mid / before[1]) ** 2 / passed_s
        self._weight = kept * self._weight + (1 - kept)
        self._looks += 1

    @property
    def bps(self) -> Decimal | None:
        """The standard deviation of a second, in 1/10,000; None while there is too little to say."""
        return None if self._looks < LEAST_LOOKS else self.seen_bps

    @property
    def seen_bps(self) -> Decimal | None:
        """The same by however few looks, for whoever keeps a reserve; None before the second."""
        if not self._looks:
            return None
        return Decimal(str(round(math.sqrt(self._variance / self._weight) * 10_000, 4)))
