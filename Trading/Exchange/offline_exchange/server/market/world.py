"""The market scenario: drawn from a seed or replayed, with everything that decides its prices."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .character import character_from, too_kind
from .price_path import PricePath
from .replay import load_replay
from .spec import MARKETS, MarketSpec
from .tape import MarketSource

DRAWN_ONLY = (
    "market",
    "volatility_percent",
    "drift_percent",
    "spread_bps",
    "tick_quote",
    "depth_quote",
    "prints_per_second",
    "toxicity",
    "competitor",
)
"""Fields of a drawn market only; a recording brings its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketScenario:
    """The same scenario gives the same prices. Every field but the first two may be None: the usual value.

    `market` are the figures of a MarketCharacter, of which single ones are replaced by the other fields.
    `volatility_percent` and `drift_percent` are of a year, `depth_quote` is the median notional of a level of the book,
    `tick_quote` a decimal as text, `refill_per_second` the share of consumed liquidity that is restored each second.
    `replay` is a folder.
    """

    seed: int
    start_time: int
    market: Mapping[str, Any] | None = None
    volatility_percent: float | None = None
    drift_percent: float | None = None
    spread_bps: float | None = None
    tick_quote: str | None = None
    depth_quote: float | None = None
    prints_per_second: float | None = None
    toxicity: float | None = None
    competitor: bool | None = None
    refill_per_second: float | None = None
    replay: str | None = None
    replay_skip_seconds: int | None = None

    def source(self) -> MarketSource:
        """The market data of this scenario.

        Raises ReplayError for a recording that cannot be played, ValueError and CharacterError for values that cannot
        make a market.
        """
        if self.replay is not None:
            return load_replay(pathlib.Path(self.replay), self.start_time, self.seed, self.replay_skip_seconds or 0)
        return PricePath(self.seed, self.start_time, self.drawn_markets())

    def drawn_markets(self) -> list[MarketSpec]:
        """The markets of a scenario that is not played back. Raises ValueError for values that cannot make one."""
        return [self._market(market) for market in MARKETS]

    def warnings(self) -> list[str]:
        """What a person should know of such markets before they trust the costs on them."""
        found = [] if self.replay is not None else map(too_kind, self.drawn_markets())
        return [sentence for sentence in found if sentence is not None]

    def to_json(self) -> dict[str, Any]:
        """The fields that are set."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}

    def _market(self, market: MarketSpec) -> MarketSpec:
        if self.market is not None:
            market = character_from(self.market).of(market)
        changed = {
            "tick_quote": None if self.tick_quote is None else Decimal(self.tick_quote),
            "annual_volatility": _share(self.volatility_percent),
            "annual_drift": _share(self.drift_percent),
            "spread_bps": self.spread_bps,
            "level_median_quote": self.depth_quote,
            "prints_per_second": self.prints_per_second,
            "toxicity": self.toxicity,
            "competitor": self.competitor,
            "refill_per_second": self.refill_per_second,
        }
        set_ones: Mapping[str, Any] = {name: value for name, value in changed.items() if value is not None}
        return dataclasses.replace(market, **set_ones)


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100
