"""What a campaign meets: the rules, fees, balances and character of one market, known before it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from ..model.basics import OrderType, Trading
from ..model.instrument import MarketRules
from ..model.snapshot import Balances

if TYPE_CHECKING:  # a look at a campaign need not wait for numpy
    import numpy as np
    import numpy.typing as npt

SECONDS_PER_YEAR = 365 * 86_400
USUAL_VOLATILITY_PERCENT = 50.0
"""Of Bitcoin in an ordinary year; it matters to limit orders, and hardly to market orders."""
ORDER_LATENCY_S = {Trading.SIMULATION: 0.003, Trading.BACKTEST: 0.0, Trading.SANDBOX: 0.13, Trading.LIVE: 0.3}
"""From a decision to the answer of its order, as measured on one computer; over a network it is a guess. In the sandbox
it is nearly all the client's throttle, which is that of a real exchange."""
ORDER_INTERVAL_S = {(Trading.SANDBOX, OrderType.MARKET): 0.6, (Trading.SANDBOX, OrderType.LIMIT): 1.1}
"""From one order to the next at the quickest, with all that is asked about them in between, as measured: what the
client's throttle lets through. It is not known of other exchanges, and a simulator has none."""
USUAL_ADVERSE_SELECTION = 0.55
USUAL_ADVERSE_SELECTION_ERROR = 0.15
"""Of limit orders, quotes and pairs alike, as fitted to the default market of the local exchange, `tight`, by fills
measured at the first look after them: `python tests/bench/adverse_selection.py` fits them again. The kinds of orders
are 0.07 apart there, 0.10 on `ordinary`, and each campaign has its own luck: with 0.1 too few were within the band."""
SIMULATOR_ADVERSE_SELECTION, SIMULATOR_ADVERSE_SELECTION_ERROR = 0.5, 0.6
"""An order fills there because the price has passed it; but OctoBot's price of the market is a mean of the last trades,
which may not have got there yet, so that it is known much less well."""
STEPPED = 0.5826
"""A price that moves in steps reaches less far than one without: by so many deviations of a step (Broadie, Glasserman
and Kou, A Continuity Correction for Discrete Barrier Options, 1997)."""
Number = TypeVar("Number", float, "npt.NDArray[np.float64]")
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
    """The price moves every so often; that of the local exchange at random moments, about once a second."""
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
    adverse_selection: float = USUAL_ADVERSE_SELECTION
    """How far the mid has come against a resting order when it fills, 0 to 1: at 0 it is where it was, and half the
    spread is earned; at 1 it has passed the order by half the spread and by what a step of the price reaches beyond.
    It holds for whatever rests: limit orders, quotes and pairs."""
    adverse_selection_error: float = USUAL_ADVERSE_SELECTION_ERROR
    """Standard deviation of that from one campaign to another: kinds of orders, offsets, sizes and time-outs differ."""
    order_interval_s: float = 0.0
    """The shortest time from one order to the next that the client's throttle leaves, of all pairs together."""

    @property
    def half_spread(self) -> float:
        """As a ratio of the mid."""
        return self.spread_bps / 20_000

    @property
    def step_beyond(self) -> float:
        """How far a price that moves in steps lies beyond one that it has passed, on the mean, as a ratio."""
        return STEPPED * self.deviation_per_root_second * math.sqrt(self.price_step_s)

    @property
    def adverse_selection_here(self) -> float:
        """In OctoBot's simulator, which has no book, it is that of the simulator's price."""
        return SIMULATOR_ADVERSE_SELECTION if self.depth_quote is None else self.adverse_selection

    @property
    def adverse_selection_error_here(self) -> float:
        return SIMULATOR_ADVERSE_SELECTION_ERROR if self.depth_quote is None else self.adverse_selection_error

    def adverse_selection_of(self, deviations: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """That of campaigns which are so many standard deviations from the mean one.

        On a book none earns more than half the spread. OctoBot's simulator has none: there the error is of its price.
        """
        drawn = self.adverse_selection_here + self.adverse_selection_error_here * deviations
        return drawn if self.depth_quote is None else drawn.clip(min=0.0)

    def resting_cost(self, adverse_selection: Number) -> Number:
        """What a resting order costs against the mid when it fills, as a ratio; below zero it earns."""
        return adverse_selection * (2 * self.half_spread + self.step_beyond) - self.half_spread

    @property
    def assumption(self) -> str:
        """What a plan of orders that rest is made from, in a sentence."""
        mean = self.resting_cost(self.adverse_selection_here) * 10_000
        where = "against it" if mean >= 0 else "in its favour"
        return (
            f"orders that rest: when one fills, the mid is {abs(mean):.2f} bps {where} (adverse selection "
            f"{self.adverse_selection_here:g}, spread {self.spread_bps:.2f} bps, volatility "
            f"{self.volatility_percent:g} % a year)"
        )

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
