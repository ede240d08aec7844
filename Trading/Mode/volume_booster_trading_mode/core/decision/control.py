"""What a person wants of a campaign, and what each command makes of it. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass

PAUSE, RESUME, STOP, EMERGENCY = "pause", "resume", "stop", "emergency_stop"
"""Place nothing until resumed; continue, whatever holds it; end the bot; cancel all and place nothing."""
HOLD, UNHOLD = "hold", "unhold"
"""Stop and Start on OctoBot's web page: cancel all and place nothing while OctoBot runs on, and continue after that."""
LASTING = (PAUSE, RESUME, HOLD, UNHOLD, EMERGENCY)
"""The commands that hold over a restart; a stop is for the bot that runs."""
EMERGENCY_REASON = "emergency stop"
PAUSED_REASON = "no new order until `volume-booster resume`, or Resume on OctoBot's web page"
HELD_REASON = "no order, and none left in the book, until Start on OctoBot's web page or `volume-booster resume`"
TRADER_OFF = "is paused or disabled; enabled again, it continues on its own"
"""How the reason of a wait ends that OctoBot's own pause brings about (adapters/market_data.py)."""
STOPPED_REASON = "stopped from the command line"


class ControlState(enum.Enum):
    """What a person wants of a campaign."""

    RUNNING = "running"
    PAUSED = "paused"
    """No new order, until it is resumed, also after a restart."""
    HELD = "held"
    """No new order and own open orders cancelled, until it is started again, also after a restart; the bot lives on."""
    EMERGENCY = "emergency"
    """No new order, own open orders cancelled and each confirmed, and nothing more until it is resumed."""
    STOPPED = "stopped"
    """No new order, own open orders cancelled, and the bot ends; started again it continues."""


@dataclass(frozen=True, slots=True)
class Control:
    """What a person wants of a campaign, and since when in words."""

    state: ControlState = ControlState.RUNNING
    reason: str = ""


COMMAND_OF = {ControlState.PAUSED: PAUSE, ControlState.HELD: HOLD, ControlState.EMERGENCY: EMERGENCY}
"""The command that brings about what holds over a restart."""


def transition(control: Control, kind: str) -> Control:
    """The control after a command: a weaker command never ends a stronger one.

    A stop is final for this bot, but for an emergency; what is asked after it holds for the next one.
    """
    if kind == EMERGENCY:
        return Control(ControlState.EMERGENCY, EMERGENCY_REASON)
    if control.state is ControlState.STOPPED:
        return control
    if kind == STOP:
        return Control(ControlState.STOPPED, STOPPED_REASON)
    if kind == RESUME:
        return Control()
    return _held(control, kind)


def _held(control: Control, kind: str) -> Control:
    if kind == UNHOLD and control.state in (ControlState.HELD, ControlState.PAUSED):
        return Control()
    if kind == HOLD and control.state in (ControlState.RUNNING, ControlState.PAUSED):
        return Control(ControlState.HELD, HELD_REASON)
    if kind == PAUSE and control.state is ControlState.RUNNING:
        return Control(ControlState.PAUSED, PAUSED_REASON)
    return control
