"""What a campaign and each of its markets is doing: derived here, and nowhere else, from what was noted of it. Pure."""

from __future__ import annotations

import functools
import itertools
import typing
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from .control import LASTING, STOP, TRADER_OFF, Control, ControlState, transition

START, WAIT, GO, DONE, HALT, ERROR = "start", "wait", "go", "done", "halt", "error"
"""The kinds of event, beside STOP: the bot came up, waits, goes on after a wait, reached the target, was halted,
failed."""

StateName = typing.Literal["running", "waiting", "paused", "held", "emergency", "stopped", "halted", "done"]
LIVE: tuple[StateName, ...] = ("running", "paused")
"""The states of a campaign that a bot still works on."""

_AFTER_EVENT: dict[str | None, StateName] = {HALT: "halted", WAIT: "waiting", STOP: "stopped", DONE: "done"}
_OF_CONTROL: dict[ControlState, StateName] = {
    ControlState.PAUSED: "paused",
    ControlState.HELD: "held",
    ControlState.EMERGENCY: "emergency",
    ControlState.STOPPED: "stopped",
}
BY_A_PERSON = frozenset(_OF_CONTROL.values())
"""The states that a person brings about and ends."""


class Event(typing.Protocol):
    """Something noted of a market: when, in seconds since 1970, of which kind, of which market, and why."""

    @property
    def at(self) -> float: ...

    @property
    def kind(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def reason(self) -> str: ...


@dataclass(frozen=True, slots=True)
class CampaignState:
    """The state of a campaign, its reason where it has one, and when the campaign ended if it did."""

    name: StateName
    reason: str | None = None
    ended_at: float | None = None


def campaign_state(
    events: Sequence[Event], control: Control, *, is_done: bool, last_fill_at: float | None
) -> CampaignState:
    """The state of a whole campaign: done, halted, stopped, paused or running, the first of these that is so.

    :param events: in the order in which they were noted.
    :param control: what a person wants, see `lasting_control`.
    """
    if is_done:
        return CampaignState("done", ended_at=_ended_at(events, last_fill_at or 0.0))
    lasts = _last_of_each_market(events)
    halted = [event for event in lasts if event.kind == HALT]
    if halted and all(event.kind in (HALT, DONE) for event in lasts):
        # OctoBot may be stopped while it is halted: the halt is what a person has to know
        return CampaignState("halted", _reasons(halted), max(event.at for event in halted))
    if events and events[-1].kind == STOP:
        return CampaignState("stopped", events[-1].reason, events[-1].at)
    if control.state is not ControlState.RUNNING:
        return CampaignState("paused", control.reason)
    if lasts and all(event.kind == WAIT and TRADER_OFF in event.reason for event in lasts):
        return CampaignState("paused", _reasons(lasts))
    return CampaignState("running", _reasons(halted) if halted else _shared_reasons(lasts))


def lasting_control(commands: Iterable[str]) -> Control:
    """What a person wants over a restart, after these kinds of command; a pause does not end a hold."""
    return functools.reduce(transition, (kind for kind in commands if kind in LASTING), Control())


def state_after(kind: str | None) -> StateName:
    """The state of one market after the last event noted of it, None for no event."""
    return _AFTER_EVENT.get(kind, "running")


def live_state(kind: str | None, control: ControlState, *, is_done: bool) -> StateName:
    """The state of one market as its bot sees it: what a person wants wins over what the market does by itself.

    A market that is halted says so also when the campaign has reached its target.
    """
    if is_done and kind != HALT:
        return "done"
    by_itself = "waiting" if kind == ERROR else state_after(kind)
    return _OF_CONTROL.get(control, by_itself if by_itself in ("waiting", "halted") else "running")


def has_noted_done(events: Sequence[Event], sources: Collection[str] = ()) -> bool:
    """Whether the bot has noted, since it was started last, that the target is reached.

    :param sources: the markets that each have to have noted it last; one of any is enough where none is named.
    """
    if sources:
        return noted_ends(events).keys() >= set(sources)
    since_start = itertools.takewhile(lambda event: event.kind != START, reversed(events))
    return any(event.kind == DONE for event in since_start)


def noted_ends(events: Iterable[Event]) -> dict[str, str]:
    """What each market that has noted its end, and nothing after it but a stop, has noted with it."""
    return {event.source: event.reason for event in _last_of_each_market(events) if event.kind == DONE}


def restarts(events: Iterable[Event]) -> int:
    """How often the bot was started again, by the market that was started most often."""
    starts: dict[str, int] = {}
    for event in events:
        if event.kind == START:
            starts[event.source] = starts.get(event.source, 0) + 1
    return max(starts.values(), default=1) - 1


def _ended_at(events: Sequence[Event], reached_at: float) -> float:
    noted_at = (event.at for event in reversed(events) if event.kind == DONE and event.at >= reached_at)
    return next(noted_at, reached_at)


def _last_of_each_market(events: Iterable[Event]) -> list[Event]:
    """What was noted last of each market since the bot was started last, stops aside."""
    lasts: dict[str, Event] = {}
    for event in events:
        if event.kind == START and lasts.get(event.source, event).kind != START:
            lasts.pop(event.source, None)
        if event.kind != STOP:
            lasts[event.source] = event
    return list(lasts.values())


def _shared_reasons(lasts: list[Event]) -> str | None:
    """What all markets wait for; where one of several trades, what the others wait for is of no interest."""
    waiting = [event for event in lasts if event.kind != START and event.reason]
    return _reasons(waiting) if waiting and len(waiting) == len(lasts) else None


def _reasons(events: list[Event]) -> str:
    """The reasons of these markets, each with its market where they differ."""
    if len({event.reason for event in events}) == 1:
        return events[0].reason
    return "; ".join(f"{event.source}: {event.reason}" for event in events)
