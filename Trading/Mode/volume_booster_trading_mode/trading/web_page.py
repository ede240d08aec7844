"""The mode on OctoBot's web page: its buttons, and the state of the campaign in one sentence."""

from __future__ import annotations

import typing

from ..adapters.runtime import notifications
from ..campaign.campaign import Campaign
from ..core.accounting.ledger import Progress
from ..core.decision.campaign_state import BY_A_PERSON, StateName, live_state
from ..core.decision.control import EMERGENCY, HOLD, PAUSE, RESUME, UNHOLD, ControlState
from ..core.model.formats import shown
from ..core.notify import progress_lines
from ..core.notify.notices import Notice
from ..journal.journal import ERROR, GO, HALT, WAIT
from .session import Session

BUTTONS: typing.Final = {"Start": UNHOLD, "Pause": PAUSE, "Resume": RESUME, "Stop": HOLD, "Emergency stop": EMERGENCY}
"""Each button, in their order on the page, and the command of the journal that it gives."""
ANSWERED_ONCE_WITHIN_S = 2.0
"""A button reaches every symbol of the bot at about one moment: the first answers it for all."""

_ANSWERS = {
    UNHOLD: "Started: it continues.",
    PAUSE: "Paused: no new order; what rests stays in the book. Resume continues it.",
    RESUME: "Resumed: it continues; if a guard had halted it, the guards start counting from zero.",
    HOLD: "Stopped: no new order, its own open orders are being cancelled, OctoBot runs on. Start continues it.",
    EMERGENCY: "Emergency stop: no order any more; every open one is being cancelled, and the result is told.",
}
_UNCHANGED = {
    ControlState.RUNNING: "it is not paused; if it is halted, Resume ends the halt.",
    ControlState.PAUSED: "it is paused; Start or Resume continues it.",
    ControlState.HELD: "it is stopped; Start or Resume continues it.",
    ControlState.EMERGENCY: (
        "it is in an emergency stop; switch enable_volume_booster on in the form, save, and press Resume."
    ),
    ControlState.STOPPED: "OctoBot is ending.",
}
_WORDS: dict[StateName, str] = {
    "running": "Running",
    "waiting": "Waiting",
    "paused": "Paused",
    "held": "Stopped",
    "emergency": "Emergency stop",
    "stopped": "Ending",
    "halted": "Halted",
    "done": "Target reached",
}


async def press(session: Session | None, button: str) -> None:
    """Carry out a button on the campaign of this symbol's loop, and answer it, also where it changes nothing."""
    campaign = None if session is None else session.campaign
    if session is None or campaign is None:
        why = (
            session and (session.ended or session.problem)
        ) or "the mode is still starting; press it again in a moment."
        await notifications.notify(None, 0.0, Notice("button", f"{button} was not taken up: {why}", is_urgent=True))
        return
    now, kind = session.now(), BUTTONS[button]
    is_news = campaign.command(kind, now)
    if is_news:
        session.wake()
    elif campaign.pressed is not None and _is_same_press(campaign.pressed, button, now):
        session.wake()
        return
    campaign.pressed = button, now
    told = _ANSWERS[kind] + (_spent_so_far(session) if kind == RESUME else "")
    text = told if is_news else f"{button} changes nothing: {_UNCHANGED[campaign.control.state]}"
    await notifications.notify(campaign, now, Notice("button", text, is_urgent=True))


def _spent_so_far(session: Session) -> str:
    if session.settings is None:
        return ""
    spent = shown(session.progress().total_cost_quote, session.currency)
    return f" It has cost {spent} {session.currency} in all so far."


def _is_same_press(before: tuple[str, float], button: str, now: float) -> bool:
    return before[0] == button and abs(now - before[1]) < ANSWERED_ONCE_WITHIN_S


def state(session: Session | None, problems: list[str], *, is_usable: bool) -> tuple[str, float]:
    """Where the campaign stands, in a sentence, and the share of the target that is filled, 0 to 1.

    `problems` are those of the saved settings; `is_usable` is whether other settings are in use.
    """
    unusable = "; ".join(problems)
    if session is None or session.campaign is None or not is_usable:
        problem = unusable or _problem_of(session)
        return (f"Halted: {problem}" if problem else "Starting"), 0.0
    progress = session.progress()
    word, why = _state(session, session.campaign, progress)
    unused = f"the saved settings can't be used, the ones before stay in use: {unusable}" if unusable else ""
    told = progress_lines.sentence(progress, session.currency)
    sentence = ". ".join(filter(None, [f"{word}: {told}", session.position, why, unused]))
    return sentence, min(float(progress.filled_quote / progress.target_quote), 1.0)


def _problem_of(session: Session | None) -> str:
    """Why a loop sends no order, whatever the campaign is; empty where there is nothing, or no loop."""
    return "" if session is None else session.ended or session.problem


def _state(session: Session, campaign: Campaign, progress: Progress) -> tuple[str, str]:
    """The state in a word or two, and its reason where it has one."""
    control = campaign.control
    kind, reason = campaign.reason_of(session.source) or (GO, "")
    if problem := _problem_of(session):
        kind, reason = HALT, problem
    state = live_state(kind, control.state, is_done=progress.is_done)
    if kind != HALT and state in BY_A_PERSON:
        return _WORDS[state], control.reason
    return _WORDS[state], reason if kind in (HALT, WAIT, ERROR) else ""
