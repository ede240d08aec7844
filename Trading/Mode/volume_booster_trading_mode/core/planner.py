"""What a campaign is expected to take, before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from .market import OrderType, Side, bps
from .presets import Preset
from .settings import Settings, parse_settings

USUAL_FEE_RATE = Decimal("0.001")
"""The fee that large exchanges take of a trade before any discount, maker and taker alike."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """The mean of a campaign in which every order fills: how many orders, how many seconds, which fees in quote."""

    orders: int
    duration_s: float
    fees_quote: Decimal
    fees_bps: Decimal


def expect(
    settings: Settings, maker_fee_rate: Decimal = USUAL_FEE_RATE, taker_fee_rate: Decimal = USUAL_FEE_RATE
) -> Expectation:
    """The mean campaign: amounts and delays are uniform, both sides equally often, so the means are the midpoints."""
    ends = [end for side in Side for end in settings.amount_range(side)]
    orders = settings.volume_target / (sum(ends, Decimal(0)) / len(ends))
    mean_delay_s = (settings.trade_frequency_min + settings.trade_frequency_max) / 2
    rate = maker_fee_rate if settings.order_type is OrderType.LIMIT else taker_fee_rate
    fees_quote = settings.volume_target * rate
    return Expectation(
        orders=max(round(orders), 1),
        duration_s=float(orders) * mean_delay_s,
        fees_quote=fees_quote,
        fees_bps=bps(fees_quote, settings.volume_target),
    )


def explain(preset: Preset) -> str:
    """A preset in one line, with what the default target is expected to take with it."""
    settings = parse_settings({"preset": preset.value})
    expected = expect(settings)
    low, high = settings.amount_range(Side.BUY)
    bound = "at least" if settings.order_type is OrderType.LIMIT else "about"
    return (
        f"{settings.order_type.value} orders of {low:g} to {high:g} every {settings.trade_frequency_min:g} to "
        f"{settings.trade_frequency_max:g} s: {bound} {expected.orders} orders, {duration(expected.duration_s)} and "
        f"{expected.fees_quote:.2f} of fees ({expected.fees_bps:.0f} bps) for {settings.volume_target:,}"
    )


def duration(seconds: float) -> str:
    """A duration for people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"
