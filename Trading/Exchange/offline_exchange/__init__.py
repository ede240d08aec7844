"""Front door of the offline exchange tentacle.

``OfflineExchange`` is imported on first use only: the server next to it runs in a process that has no OctoBot.
"""

from typing import Any

__all__ = ["OfflineExchange"]


def __getattr__(name: str) -> Any:
    if name != "OfflineExchange":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .offline_exchange import OfflineExchange

    return OfflineExchange
