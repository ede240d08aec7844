"""The smallest words of a market: sides, roles, order types, whose money it is, and rounding."""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import Annotated

from .typed import Choice

ZERO = Decimal(0)
ONE = Decimal(1)
TEN_THOUSAND = Decimal(10_000)


class Unit(enum.Enum):
    """What a number is counted in. The type of a field says it, and `currency` converts by that."""

    CAMPAIGN = "the campaign's currency"
    QUOTE = "the market's quote"
    QUANTITY = "what an order's quantity is: base on spot, contracts on futures"
    NONE = "no currency"


CampaignAmount = Annotated[Decimal, Unit.CAMPAIGN]
QuoteAmount = Annotated[Decimal, Unit.QUOTE]
Quantity = Annotated[Decimal, Unit.QUANTITY]
Ratio = Annotated[Decimal, Unit.NONE]


class Side(enum.Enum):
    """The side of an order, seen from us."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class Role(enum.Enum):
    """Whether a fill added liquidity to the book (maker) or took it (taker)."""

    MAKER = "maker"
    TAKER = "taker"


class OrderType(Choice):
    LIMIT = "limit"
    MARKET = "market"

    @property
    def role(self) -> Role:
        """The role that its fills are expected to have."""
        return Role.MAKER if self is OrderType.LIMIT else Role.TAKER


class ExecutionStyle(Choice):
    """How a campaign trades: what `order_type` of the settings says."""

    LIMIT = "limit"
    MARKET = "market"
    PASSIVE = "passive"
    """Quotes on both sides of the market, and takes only what the schedule needs."""
    PAIR = "pair"
    """A buy below and a sell above the mid, both made anew after each fill."""

    @classmethod
    def _missing_(cls, value: object) -> ExecutionStyle | None:
        return cls(value.value) if isinstance(value, OrderType) else super()._missing_(value)

    @property
    def is_quoting(self) -> bool:
        """Whether post-only quotes stand in the book and are looked at every second."""
        return self in (ExecutionStyle.PASSIVE, ExecutionStyle.PAIR)

    @property
    def sends(self) -> OrderType:
        """The type of most of its orders."""
        return OrderType.MARKET if self is ExecutionStyle.MARKET else OrderType.LIMIT

    @property
    def dearest(self) -> OrderType:
        """The type of its orders that may cost most: a schedule may have to take."""
        return OrderType.LIMIT if self is ExecutionStyle.LIMIT else OrderType.MARKET


class Trading(enum.Enum):
    """Whose money is at work: OctoBot's simulator, its backtesting, a loopback exchange, or a real account."""

    SIMULATION = "simulation"
    BACKTEST = "backtest"
    SANDBOX = "sandbox"
    LIVE = "live"

    @property
    def is_simulated(self) -> bool:
        """Whether OctoBot itself plays the exchange."""
        return self in (Trading.SIMULATION, Trading.BACKTEST)


def bps(part: Decimal, whole: Decimal) -> Decimal:
    """`part` of `whole` in basis points (1/10,000); 0 of nothing is 0."""
    return part / whole * TEN_THOUSAND if whole else ZERO


def round_to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    """The multiple of `step` next to `value` in the direction of `rounding` (a constant of the decimal module)."""
    return (value / step).to_integral_value(rounding=rounding) * step
