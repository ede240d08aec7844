"""What a generated market is: its rules, and the character of its book, its prints and its price."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from .tape import MOST_TICKS, LiquidMarket

SECONDS_PER_YEAR = 365 * 86_400  # this market never closes
MOST_PERSISTENT = 0.9
"""Above it the longest runs would be cut off too early for the persistence that was asked for."""
KIND_RATIO = 4.0
"""Spread over volatility per trade from which a market is kinder to resting orders than real ones are."""


@dataclass(frozen=True, kw_only=True)
class MarketSpec(LiquidMarket):
    """One symbol: its trading rules, the character of its book and that of its path.

    Raises ValueError, naming every problem, when a value cannot make a market.
    """

    start_price_quote: Decimal  # mid price at the start time
    annual_volatility: float = 0.5  # standard deviation of a year's log return of the mid
    annual_drift: float = 0.0  # log of the factor by which a year moves the expected price
    prints_per_second: float = 2.5  # mean over hours
    print_median_quote: float = 300.0
    toxicity: float = 0.8  # share of half the spread by which the mid has followed a print after ten seconds
    sign_persistence: float = 0.5  # correlation of the aggressors' sides of two neighbouring prints
    competitor: bool = True  # whether somebody improves on an order that improves on the touch

    def _problems(self) -> list[str]:
        problems = super()._problems()
        positive = ("start_price_quote", "print_median_quote", "prints_per_second")
        problems += [f"{name} must be above 0" for name in positive if getattr(self, name) <= 0]
        if self.annual_volatility < 0:
            problems.append("annual_volatility must not be negative")
        if not math.isfinite(self.annual_drift):
            problems.append("annual_drift must be finite")
        if not 0 <= self.toxicity <= 1:
            problems.append("toxicity must be from 0 to 1")
        if not 0 <= self.sign_persistence <= MOST_PERSISTENT:
            problems.append(f"sign_persistence must be from 0 to {MOST_PERSISTENT}")
        if not problems and self.tick_quote >= self.start_price_quote:
            problems.append(f"a tick of {self.tick_quote} must be below the start price of {self.start_price_quote}")
        if not problems and self.start_price_quote > self.tick_quote * MOST_TICKS:
            least = self.start_price_quote / MOST_TICKS
            problems.append(f"a tick must be at least {least:.0e} at a start price of {self.start_price_quote:f}")
        return problems

    @property
    def spread_share(self) -> float:
        """Best ask minus best bid relative to the mid, at the start price: whole ticks, at least one."""
        tick_share = float(self.tick_quote / self.start_price_quote)
        return max(1, round(self.spread_bps / 10_000 / tick_share)) * tick_share

    @property
    def second_volatility(self) -> float:
        """Standard deviation of a second's log return."""
        return self.annual_volatility / math.sqrt(SECONDS_PER_YEAR)

    @property
    def trade_volatility(self) -> float:
        """Standard deviation of the log return from one print to the next, on average."""
        return self.second_volatility / math.sqrt(self.prints_per_second)

    @property
    def spread_ratio(self) -> float:
        """Spread over volatility per trade. On real markets it is from 1 to 2 or so (Wyart et al. 2008)."""
        return self.spread_share / self.trade_volatility if self.annual_volatility else math.inf


MARKETS = (
    MarketSpec("BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal(5), start_price_quote=Decimal(60000)),
    MarketSpec("ETH", "USDT", Decimal("0.01"), Decimal("0.0001"), Decimal(5), start_price_quote=Decimal(3000)),
)
