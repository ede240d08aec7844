"""The market scenario: drawn from a seed or replayed, with everything that decides its prices."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .price_path import MARKETS, MarketSpec, PricePath
from .replay import load_replay
from .tape import MarketSource

DRAWN_ONLY = ("volatility_percent", "drift_percent", "spread_bps", "depth_quote", "prints_per_second")
"""Fields of a drawn market only; a recording brings its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketScenario:
    """The same scenario gives the same prices. Every field but the first two may be None: the usual value.

    `volatility_percent` and `drift_percent` are of a year, `depth_quote` is the median notional of a level of the book,
    `refill_per_second` the share of consumed liquidity that is restored each second. `replay` is a folder.
    """

    seed: int
    start_time: int
    volatility_percent: float | None = None
    drift_percent: float | None = None
    spread_bps: float | None = None
    depth_quote: float | None = None
    prints_per_second: float | None = None
    refill_per_second: float | None = None
    replay: str | None = None
    replay_skip_seconds: int | None = None

    def source(self) -> MarketSource:
        """The market data of this scenario.

        Raises ReplayError for a recording that cannot be played, ValueError for values that cannot make a market.
        """
        if self.replay is not None:
            return load_replay(pathlib.Path(self.replay), self.start_time, self.seed, self.replay_skip_seconds or 0)
        return PricePath(self.seed, self.start_time, [self._market(market) for market in MARKETS])

    def to_json(self) -> dict[str, Any]:
        """The fields that are set."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}

    def _market(self, market: MarketSpec) -> MarketSpec:
        changed = {
            "annual_volatility": _share(self.volatility_percent),
            "annual_drift": _share(self.drift_percent),
            "spread_bps": self.spread_bps,
            "level_median_quote": self.depth_quote,
            "prints_per_second": self.prints_per_second,
            "refill_per_second": self.refill_per_second,
        }
        set_ones: Mapping[str, Any] = {name: value for name, value in changed.items() if value is not None}
        return dataclasses.replace(market, **set_ones)


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100
