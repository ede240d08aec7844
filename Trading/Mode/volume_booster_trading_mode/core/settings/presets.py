"""Presets: sets of settings that go together, as data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..model.typed import Choice


class Preset(Choice):
    """Who decides on the kind, the size and the pace of orders: the settings themselves (custom), or a preset."""

    CUSTOM = "custom"
    CONSERVATIVE = "conservative"
    MODERATE = "moderate"
    AGGRESSIVE = "aggressive"
    HIGH_VOLUME = "high_volume"


def _preset(
    order_type: str, frequency: tuple[float, float], amount: tuple[int, int], offset: float
) -> Mapping[str, Any]:
    return MappingProxyType({
        "order_type": order_type,
        "trade_frequency_min": frequency[0],
        "trade_frequency_max": frequency[1],
        "min_buy_amount": amount[0],
        "max_buy_amount": amount[1],
        "min_sell_amount": amount[0],
        "max_sell_amount": amount[1],
        "price_offset_percent": offset,
    })  # fmt: skip


PRESETS: Mapping[Preset, Mapping[str, Any]] = MappingProxyType({
    Preset.CUSTOM: MappingProxyType({}),
    Preset.CONSERVATIVE: _preset("limit", (5.0, 15.0), (25, 75), 0.05),
    Preset.MODERATE: _preset("market", (2.0, 8.0), (25, 150), 0.2),
    Preset.AGGRESSIVE: _preset("market", (1.0, 4.0), (50, 300), 0.2),
    Preset.HIGH_VOLUME: _preset("market", (0.5, 2.0), (200, 1000), 0.2),
})  # fmt: skip
"""What each preset decides; times in seconds, amounts in quote."""


def decided_by(preset: object) -> Mapping[str, Any]:
    """The settings that a preset decides, given as itself or by its name; none for a name that is no preset."""
    try:
        return PRESETS[Preset(preset)]
    except ValueError:
        return {}
