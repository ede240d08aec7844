"""The lock on real funds as it is at this very moment: asked before anything is sent that changes an account."""

from __future__ import annotations

import typing

from ..adapters import market_data
from ..adapters.runtime import bot_process
from ..core.model.basics import Trading
from .session import Session

CHANGED = "the settings have just been changed, and are read first"
NO_CONSENT = "real funds may not be traded any more"


def moved(exchange_manager: typing.Any, began_as: Trading) -> str:
    """Why an account is not traded any more: it is another one than at the start, by where its client reaches now.

    Empty when it is the same. `began_as` is what it was at the start of this run.
    """
    if exchange_manager.exchange is None or market_data.trading_of(exchange_manager) is began_as:
        return ""
    return _told(exchange_manager, began_as)


def refusal(session: Session, *, stays_here: bool = True) -> str:
    """Why nothing that changes the account may leave now; empty when it may.

    :param stays_here: False for a request that is not certain to stay on this machine, whatever its client says.
    """
    manager, settings, began_as = session.manager, session.settings, session.began_as
    if reason := moved(manager, began_as):
        return reason
    if began_as is Trading.SANDBOX and not stays_here:
        return _told(manager, began_as)
    if not session.settings_source.is_settings_file_as_read:
        return CHANGED
    is_consented = settings is not None and settings.i_accept_real_trading and bot_process.is_real_trading_allowed()
    return NO_CONSENT if began_as is Trading.LIVE and not is_consented else ""


def _told(exchange_manager: typing.Any, began_as: Trading) -> str:
    return (
        f"{exchange_manager.exchange_name} was {began_as.value} when this run began, and its client reaches something "
        "else now (another URL, or a proxy): nothing is sent any more; put that back, or restart OctoBot"
    )
