"""How many orders a campaign has cancelled lately on each exchange: what `max_cancels_per_minute` is about."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

MINUTE_S = 60.0


class CancelBudget:
    """Counts what was asked for, not what the exchange confirmed; it continues where the journal left off.

    :param cancelled_since: how many orders of an exchange the journal has as cancelled since a moment.
    """

    def __init__(self, cancelled_since: Callable[[str, float], int]) -> None:
        self._cancelled_since = cancelled_since
        self._asked: dict[str, deque[float]] = {}

    def note(self, exchange: str, now: float, count: int) -> None:
        """So many orders are about to be cancelled."""
        self._of(exchange, now).extend([now] * count)

    def in_last_minute(self, exchange: str, now: float) -> int:
        """How many were cancelled in the last minute; those before a restart count as if it had just been."""
        asked = self._of(exchange, now)
        while asked and now - asked[0] >= MINUTE_S:
            asked.popleft()
        return len(asked)

    def _of(self, exchange: str, now: float) -> deque[float]:
        if exchange not in self._asked:
            self._asked[exchange] = deque([now] * self._cancelled_since(exchange, now - MINUTE_S))
        return self._asked[exchange]
