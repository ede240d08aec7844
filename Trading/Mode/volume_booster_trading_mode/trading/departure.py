"""Whether an order may leave: asked when all has been decided, and again at the last moment, when its turn comes."""

from __future__ import annotations

from ..adapters.exchange_client import RateLimitCooldown
from ..campaign.campaign import Campaign
from ..core.decision.control import ControlState
from ..core.model.redact import text_of
from ..core.settings.schema import Settings
from ..journal.journal import JournalError
from . import funds_lock
from .session import Session


def forbidden(session: Session, *, is_flattening: bool = False, stays_here: bool = True) -> str:
    """Why an order of this loop must not leave after all; empty when it may.

    It reads the commands that were given by now, so that none leaves after a person has stopped it.

    :param is_flattening: for the order that an emergency stop sends itself.
    :param stays_here: False for a request that is not certain to stay on this machine.
    """
    campaign, manager = session.campaign, session.manager
    if campaign is None:
        return "the mode is stopping"
    try:
        campaign.take_commands(session.now(), at_once=True)
    except JournalError as error:
        return f"commands can't be read: {text_of(error)}"
    if not is_flattening and (reason := campaign.guard.problem):
        return reason
    if not is_flattening and (reason := _unwanted(campaign, session.settings)):
        return reason
    if reason := funds_lock.refusal(session, stays_here=stays_here):
        return reason
    return "" if is_flattening else RateLimitCooldown.of(manager).reason(manager.exchange_name, session.now())


def _unwanted(campaign: Campaign, settings: Settings | None) -> str:
    """Why a person wants no order now; empty when they do."""
    if campaign.control.state is not ControlState.RUNNING:
        return campaign.control.reason
    return "" if settings and settings.enable_volume_booster else "enable_volume_booster is off"
