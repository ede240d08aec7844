"""What the precision of a market means: the steps of quantities, prices and quote amounts. Pure.

An exchange states a step, a count of decimals, or a count of significant digits. A formatter is what writes a number
into an order, and so has the last word: it returns a number as it leaves, or None when it refuses it. A step that it
does not leave as it is would make an order other than the one that was decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from .basics import ONE
from .escape import quoted

DECIMAL_PLACES, SIGNIFICANT_DIGITS, TICK_SIZE = 2, 3, 4
"""The values of ccxt's `precisionMode`."""
Formatter = Callable[[Decimal], Decimal | None]

_FINEST_PLACES = 18
"""No exchange counts in less than 1e-18."""
_COARSEST_PLACES = 8
_PROBES = (1, 3, 7, 1_234_567, 123_456_789)
_DIGITS = "123456789123"
"""As many as a float, in which numbers reach a formatter, holds with ease."""
_WHOLE = Decimal(123_456_789)


class PrecisionError(ValueError):
    """A precision that no step can be made of; the message says of what it is, and why."""


@dataclass(frozen=True, slots=True)
class PriceSteps:
    """The prices that an exchange takes: multiples of `tick`, with at most `digits` significant digits.

    `widest_tick` is where that ends: 1 when whole prices may have any number of digits. None where there is no limit.
    """

    tick: Decimal
    digits: int | None = None
    widest_tick: Decimal | None = None


def quantity_step(precision: Any, mode: int, written: Formatter) -> Decimal:
    """The step of a quantity.

    :raises PrecisionError: when it is missing, makes no sense, or is not what the formatter leaves as it is.
    """
    step = _step(precision, mode, written)
    if not _keeps((step * count for count in _PROBES), written):
        raise PrecisionError(f"a quantity with a step of {step:f} would be changed on its way")
    return step


def price_steps(precision: Any, mode: int, written: Formatter) -> PriceSteps:
    """The steps of a price: exact where a tick is a power of ten, as all ticks of significant digits are.

    :raises PrecisionError: as `quantity_step`.
    """
    tick = _step(precision, mode, written)
    prices = [tick * int(_DIGITS[:count]) for count in range(1, len(_DIGITS) + 1)]
    kept = [price for price in prices if written(price) == price]
    if kept == prices:
        return PriceSteps(tick)
    if kept != prices[: len(kept)] or not kept:
        raise PrecisionError(f"a price with a step of {tick:f} would be changed on its way")
    digits = len(kept[-1].normalize().as_tuple().digits)
    return PriceSteps(tick, digits, ONE if written(_WHOLE) == _WHOLE else None)


def quote_step(min_notional: Decimal, written: Formatter) -> Decimal:
    """The step of an amount of quote to spend: a power of ten, about a hundredth of the smallest order.

    Never finer than the formatter leaves as it is: more digits than are needed may be refused by an exchange that
    states none.

    :raises PrecisionError: when the formatter leaves no such step as it is.
    """
    hundredth = min_notional.adjusted() - 2 if min_notional > 0 else -_COARSEST_PLACES
    for places in range(max(hundredth, -_FINEST_PLACES), _COARSEST_PLACES):
        step = ONE.scaleb(places)
        if _keeps((step * count for count in _PROBES), written):
            return step
    raise PrecisionError("no amount of quote would be left as it is on its way")


def _step(precision: Any, mode: int, written: Formatter) -> Decimal:
    """What a step or a count of decimals means; where neither is stated, what is left as it is."""
    if precision is None:
        raise PrecisionError("the exchange states none")
    if mode == SIGNIFICANT_DIGITS:
        return _finest_step(written)
    try:
        number = Decimal(str(precision))
    except InvalidOperation as error:
        raise PrecisionError(f"{quoted(precision)} is no number") from error
    if mode == TICK_SIZE and number.is_finite() and number > 0:
        return _short(number)
    if mode == DECIMAL_PLACES and number.is_finite() and number == number.to_integral_value(ROUND_FLOOR):
        return _short(ONE.scaleb(-int(number)))
    raise PrecisionError(f"{quoted(precision)} is neither a step nor a count of decimals")


def _finest_step(written: Formatter) -> Decimal:
    """The smallest power of ten that a formatter leaves as it is."""
    for places in range(_FINEST_PLACES, -_COARSEST_PLACES, -1):
        if written(step := ONE.scaleb(-places)) == step:
            return step
    raise PrecisionError("no number would be left as it is on its way")


def _short(number: Decimal) -> Decimal:
    """Without zeros at the end, and without an exponent above 0: 1000.0 is 1000."""
    return number.quantize(ONE) if number == number.to_integral_value() else number.normalize()


def _keeps(numbers: Iterable[Decimal], written: Formatter) -> bool:
    return all(written(number) == number for number in numbers)
