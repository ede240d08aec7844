"""Trading rules of one market: steps, minimums and maximums of prices, quantities and notionals. Pure."""

from __future__ import annotations

import decimal
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

ASSET_DECIMALS = 8
"""Every fee, and what a trade moves of the quote, is a multiple of 1e-8, so that sums are exact."""
SMALLEST = Decimal(1).scaleb(-ASSET_DECIMALS)
MOST_DECIMALS = 18
"""Of a tick or a step: those of the finest markets there are."""
FINEST = Decimal(1).scaleb(-MOST_DECIMALS)

MOST_OPEN_ORDERS = 200
"""Maximum number of open orders of an account on one market."""
MOST_OPEN_STOP_ORDERS = 5
"""As announced by Binance. This exchange takes no stop orders."""

RULES = (
    "tick_quote",
    "step_base",
    "minimum_notional_quote",
    "maximum_notional_quote",
    "maximum_price_quote",
    "maximum_quantity_base",
)
"""The rules of a market that can be changed, by their names in MarketRules; each is above 0."""

_MOST_DIGITS = 40  # amounts with more digits are never a multiple of a tick or a step
_WIDE = decimal.Context(prec=100)  # for products of what has more digits than the usual 28 together


@dataclass(frozen=True)
class MarketRules:
    """One symbol's trading rules, which the exchange announces. Prices in quote, quantities in base.

    Raises ValueError, naming every problem, when they cannot make a market, and ArithmeticError when the
    smallest possible notional has too many digits.
    """

    base: str
    quote: str
    tick_quote: Decimal  # prices are multiples of it
    step_base: Decimal  # quantities are multiples of it
    minimum_notional_quote: Decimal
    maximum_notional_quote: Decimal = Decimal(9_000_000)
    maximum_price_quote: Decimal = Decimal(1_000_000)
    maximum_quantity_base: Decimal = Decimal(9_000)

    def __post_init__(self) -> None:
        if problems := self._problems():
            raise ValueError(f"{self.id}: {', '.join(problems)}")

    def _problems(self) -> list[str]:
        problems = [f"{name} must be above 0" for name in RULES if getattr(self, name) <= 0]
        if not problems:
            paid(self.tick_quote, self.step_base)
            in_whole = ("tick_quote", "step_base")
            problems = [
                f"{name} must have at most {MOST_DECIMALS} decimals"
                for name in in_whole
                if getattr(self, name) % FINEST
            ]
        return problems

    def as_text(self) -> dict[str, str]:
        """The rules that can be changed, by name, exact."""
        return {name: str(getattr(self, name)) for name in RULES}

    @property
    def id(self) -> str:
        """The exchange's own name of the market, such as BTCUSDT."""
        return f"{self.base}{self.quote}"

    def accepts_price(self, price_quote: Decimal) -> bool:
        """Whether a price is above 0, not above the highest one, and on a tick."""
        return (
            price_quote.is_finite()
            and 0 < price_quote <= self.maximum_price_quote
            and is_multiple(price_quote, self.tick_quote)
        )

    def accepts_quantity(self, quantity_base: Decimal) -> bool:
        """Whether a quantity is above 0, not above the largest one, and a whole number of steps."""
        return (
            quantity_base.is_finite()
            and 0 < quantity_base <= self.maximum_quantity_base
            and is_multiple(quantity_base, self.step_base)
        )

    def price(self, ticks: int) -> Decimal:
        """Exact price, in quote."""
        return self.tick_quote * ticks

    def quantity(self, steps: int) -> Decimal:
        """Exact quantity, in base."""
        return self.step_base * steps

    def notional(self, tick_steps: int) -> Decimal:
        """Exact notional, in quote, of a sum of ticks x steps."""
        return product(product(self.tick_quote, self.step_base), Decimal(tick_steps))


def usual_limits(rules: MarketRules, lowest_quote: Decimal, highest_quote: Decimal) -> dict[str, Decimal]:
    """The largest price, quantity and notional of a market that has traded between two prices, by their names in RULES.

    Those of BTC/USDT, or more where they would leave no room: for prices a hundred times as high, for orders of a
    million times the smallest, and for quantities of the largest notional at the lowest price.
    """
    notional = max(MarketRules.maximum_notional_quote, 1_000_000 * rules.minimum_notional_quote)
    steps = (notional / lowest_quote / rules.step_base).to_integral_value(ROUND_CEILING)
    return {
        "maximum_notional_quote": notional,
        "maximum_price_quote": max(MarketRules.maximum_price_quote, 100 * highest_quote),
        "maximum_quantity_base": max(MarketRules.maximum_quantity_base, steps * rules.step_base),
    }


def assets_of(markets: Iterable[MarketRules]) -> list[str]:
    """Every asset that is traded, sorted."""
    return sorted({asset for rules in markets for asset in (rules.base, rules.quote)})


def cut(amount: Decimal) -> Decimal:
    """Truncated to a multiple of 1e-8, independent of the decimal context."""
    return amount // SMALLEST * SMALLEST or Decimal(0)  # zero has no sign


def paid(price_quote: Decimal, quantity_base: Decimal) -> Decimal:
    """Quote amount of a trade: truncated on a market whose tick x step is finer than 1e-8."""
    return cut(product(price_quote, quantity_base))


def product(one: Decimal, other: Decimal) -> Decimal:
    """Exact, independent of the decimal context, for numbers of up to 100 digits together."""
    return _WIDE.multiply(one, other)


def is_multiple(amount: Decimal, unit: Decimal) -> bool:
    """Whether a finite amount is exactly a multiple of a unit; an amount of over 40 digits or decimals is not."""
    _, digits, exponent = amount.as_tuple()
    if len(digits) > _MOST_DIGITS or not -_MOST_DIGITS <= int(exponent) <= _MOST_DIGITS:
        return False
    return not amount % unit
