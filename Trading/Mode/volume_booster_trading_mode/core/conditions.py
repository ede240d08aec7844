"""What a campaign meets: the rules, fees, balances and character of one market, known before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from .market import Balances, MarketRules

SECONDS_PER_YEAR = 365 * 86_400


@dataclass(frozen=True, slots=True)
class Conditions:
    """One market as a plan sees it. Amounts in quote unless named otherwise, percentages are of a year's return."""

    rules: MarketRules
    price: Decimal
    """Quote per base, at the start."""
    balances: Balances
    spread_bps: float = 0.0
    """Best ask less best bid, of the mid; 0 where market orders fill at the mid, as OctoBot's simulator fills them."""
    volatility_percent: float = 0.0
    """Standard deviation of a year's log return."""
    depth_quote: float | None = None
    """Median of what rests on one level of the book; None: a market order fills at the touch that it was decided on,
    whole, as OctoBot's simulator fills it."""
    refill_per_second: float = 0.5
    """Share of what our orders took out of the book that comes back each second."""
    order_latency_s: float = 0.0
    """From a decision to the answer of its order: it comes on top of every pause between two orders."""
    price_step_s: float = 1.0
    """The price moves every so often; that of the local exchange once a second."""
    prints_per_second: float = 1.0
    """Trades of others: how soon an order that rests at the best price is hit."""
    print_quote: float = 300.0
    """Mean size of a trade of others."""
    pairs: int = 1
    """So many pairs trade at the same time, each at the pace of the settings, and share the target."""
    market_quote_per_hour: Decimal | None = None
    """What everybody trades on the market in an hour; None where it is not known."""
    orders_per_second: float | None = None
    """The most orders that the exchange takes; None where it is not known."""

    @property
    def half_spread(self) -> float:
        """As a ratio of the mid."""
        return self.spread_bps / 20_000

    @property
    def deviation_per_root_second(self) -> float:
        """Standard deviation of the log return of one second; that of t seconds is sqrt(t) times it."""
        return float(self.volatility_percent / 100 / SECONDS_PER_YEAR**0.5)
