"""The front door: OctoBot finds the trading mode here.

The mode is imported when it is asked for, so that the command line, which shares this package but drives OctoBot as a
process of its own, does not load OctoBot to print a help page.
"""

import typing

if typing.TYPE_CHECKING:
    from .volume_booster_trading import VolumeBoosterTradingMode

__all__ = ["VolumeBoosterTradingMode"]


def __getattr__(name: str) -> typing.Any:
    if name == "VolumeBoosterTradingMode":
        from . import volume_booster_trading

        return volume_booster_trading.VolumeBoosterTradingMode
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
