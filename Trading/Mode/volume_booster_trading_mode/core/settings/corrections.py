"""Contradictory but harmless settings, corrected and named: two swapped numbers need not stop anybody."""

from __future__ import annotations

import decimal
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..model.basics import Side
from ..model.escape import shortened
from ..model.typed import plain_number
from .schema import RANGES, Settings, is_usable_alone

MINIMUM_MARGIN = Decimal("1.01")
"""An amount is raised a little above the exchange's minimum, which moves with the price."""


def swap_inverted_ranges(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The same settings with the two ends of every inverted range swapped, and a sentence for each.

    An end that is none by itself is left where it is, for the settings to refuse by name.
    """
    corrected, sentences = dict(values), []
    defaults = Settings()
    for low, high in RANGES:
        ends = [values.get(key, getattr(defaults, key)) for key in (low, high)]
        first, second = (_number(end) for end in ends)
        are_numbers = first is not None and second is not None and first > second
        if are_numbers and all(map(is_usable_alone, (low, high), ends)):
            corrected[low], corrected[high] = (_plain(end) for end in reversed(ends))
            told = [shortened(str(end)) for end in ends]
            sentences.append(f"{low} {told[0]} was above {high} {told[1]}: the two are swapped")
    return corrected, sentences


def is_below(settings: Settings, min_order_notional: Decimal) -> bool:
    """Whether the exchange does not accept every amount of the settings: `raise_to_minimum` would change them."""
    return min(settings.min_buy_amount, settings.min_sell_amount) < min_order_notional


def raise_to_minimum(settings: Settings, min_order_notional: Decimal) -> tuple[Settings, list[str]]:
    """Settings whose amounts the exchange accepts, and a sentence for each that was raised.

    `min_order_notional` is the exchange's smallest order at the current price, in quote. A largest amount below the
    smallest one is raised with it.
    """
    changes: dict[str, Any] = {}
    sentences = []
    minimum = _round_up(min_order_notional * MINIMUM_MARGIN)
    for side in Side:
        low, high = settings.amount_range(side)
        raised_low = minimum if low < min_order_notional else low
        for key, before, after in zip(
            _amount_keys(side), (low, high), (raised_low, max(high, raised_low)), strict=True
        ):
            if before != after:
                changes[key] = after
                sentences.append(f"{key} {before:g} is too small for the exchange's minimum order: raised to {after:g}")
    if not changes:
        return settings, []
    return settings.model_copy(update=changes), sentences


def _amount_keys(side: Side) -> tuple[str, str]:
    return f"min_{side.value}_amount", f"max_{side.value}_amount"


def _round_up(amount: Decimal) -> Decimal:
    """To three significant digits, which reads well in any quote currency."""
    return amount.quantize(Decimal(1).scaleb(amount.adjusted() - 2), rounding=decimal.ROUND_CEILING)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    try:
        number = Decimal(plain_number(str(value)))
    except decimal.InvalidOperation:
        return None
    return number if number.is_finite() else None


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
