"""The exchange's clock: the computer's time, which can be moved forward and never goes back."""

from __future__ import annotations

from collections.abc import Callable

WallClock = Callable[[], float]  # UTC epoch, in seconds


class ExchangeClock:
    """The wall's time plus an offset. It never goes back, nor below `not_before_ms`."""

    def __init__(self, wall: WallClock, offset_ms: int = 0, not_before_ms: int = 0) -> None:
        self._wall = wall
        self._newest_ms = not_before_ms
        self.offset_ms = offset_ms

    def now_ms(self) -> int:
        """The present, as an epoch in milliseconds."""
        self._newest_ms = max(self._newest_ms, int(self._wall() * 1_000) + self.offset_ms)
        return self._newest_ms

    def advance(self, seconds: float) -> None:
        """Move it forward. Raises ValueError for a negative duration."""
        if not seconds >= 0:
            raise ValueError(f"the clock only moves forward, not by {seconds} seconds")
        self.offset_ms += round(seconds * 1_000)
