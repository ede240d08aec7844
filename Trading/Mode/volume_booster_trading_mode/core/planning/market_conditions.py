"""What a campaign meets: the rules, fees, balances and character of one market, known before it starts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from ..model.basics import OrderType, Trading
from ..model.instrument import MarketRules
from ..model.snapshot import Balances

SECONDS_PER_YEAR = 365 * 86_400
USUAL_VOLATILITY_PERCENT = 50.0
"""Of Bitcoin in an ordinary year; it matters to limit orders, and hardly to market orders."""
ORDER_LATENCY_S = {Trading.SIMULATION: 0.003, Trading.BACKTEST: 0.0, Trading.SANDBOX: 0.13, Trading.LIVE: 0.3}
"""From a decision to the answer of its order, as measured on one computer; over a network it is a guess. In the sandbox
it is nearly all the client's throttle, which is that of a real exchange."""
ORDER_INTERVAL_S = {(Trading.SANDBOX, OrderType.MARKET): 0.6, (Trading.SANDBOX, OrderType.LIMIT): 1.1}
"""From one order to the next at the quickest, with all that is asked about them in between, as measured: what the
client's throttle lets through. It is not known of other exchanges, and a simulator has none."""
_RULES = tuple(field.name for field in fields(MarketRules) if field.name != "valuation")
"""A plan counts in base, also where the market trades contracts: see `positions.planning_rules`."""


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
    depth_log_error: float = 0.0
    """Standard error of the log of that median, where it was estimated from a look at the book."""
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
    order_interval_s: float = 0.0
    """The shortest time from one order to the next that the client's throttle leaves, of all pairs together."""

    @property
    def half_spread(self) -> float:
        """As a ratio of the mid."""
        return self.spread_bps / 20_000

    @property
    def deviation_per_root_second(self) -> float:
        """Standard deviation of the log return of one second; that of t seconds is sqrt(t) times it."""
        return float(self.volatility_percent / 100 / SECONDS_PER_YEAR**0.5)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, money as decimal strings."""
        return {
            **{field.name: _plain(getattr(self, field.name)) for field in fields(self)},
            "rules": {name: _plain(getattr(self.rules, name)) for name in _RULES},
            "balances": {field.name: _plain(getattr(self.balances, field.name)) for field in fields(self.balances)},
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Conditions:
        """The conditions of `to_json`.

        :raises LookupError, ValueError, ArithmeticError, TypeError: when it is something else.
        """
        names = {"base", "quote"}
        rules: dict[str, Any] = {
            key: value if key in names else _decimal(value) for key, value in values["rules"].items()
        }
        balances = {key: Decimal(value) for key, value in values["balances"].items()}
        rest = {key: value for key, value in values.items() if key not in ("rules", "balances")}
        for key in ("price", "market_quote_per_hour"):
            rest[key] = _decimal(rest[key])
        return cls(rules=MarketRules(**rules), balances=Balances(**balances), **rest)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)
