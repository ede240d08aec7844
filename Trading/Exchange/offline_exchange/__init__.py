"""Front door of the offline exchange tentacle.

The exchanges are imported on first use only: the server next to them runs in a process that has no OctoBot.
"""

from typing import Any

__all__ = ["OfflineExchange", "SecondOfflineExchange"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import offline_exchange

    return getattr(offline_exchange, name)
