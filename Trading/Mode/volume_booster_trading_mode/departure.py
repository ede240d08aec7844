"""Whether an order may leave: asked when all has been decided, and again at the last moment, when its turn comes."""

from __future__ import annotations

import typing

from . import exchange_view, lookout
from .core.control import ControlState
from .core.market import Trading
from .exchange_record import Peace


def forbidden(producer: typing.Any, *, is_flattening: bool = False) -> str:
    """Why an order of this producer must not leave after all; empty when it may.

    It reads the commands that were given by now, so that none leaves after a person has stopped it.

    :param is_flattening: for the order that an emergency stop sends itself.
    :raises JournalError: when the commands can't be read.
    """
    campaign, manager = producer.campaign, producer.exchange_manager
    if campaign is None:
        return "the mode is stopping"
    campaign.take_commands(producer.now(), at_once=True)
    if campaign.control.state is not ControlState.RUNNING and not is_flattening:
        return str(campaign.control.reason)
    if exchange_view.trading_of(manager) is Trading.LIVE:
        settings = producer.trading_mode.settings
        if not (settings and settings.i_accept_real_trading and lookout.is_real_trading_allowed()):
            return "real funds may not be traded any more"
    if Peace.of(manager).left_s(producer.now()) > 0 and not is_flattening:
        return f"{manager.exchange_name} has asked to be left alone for a while"
    return ""
