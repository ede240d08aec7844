"""The state of a campaign and of a market: a row for each way in which it comes about, and the laws of their order."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.core.decision import campaign_state as states
from octobot_volume_booster.core.decision.campaign_state import DONE, ERROR, GO, HALT, START, WAIT
from octobot_volume_booster.core.decision.control import (
    EMERGENCY,
    EMERGENCY_REASON,
    HELD_REASON,
    HOLD,
    PAUSE,
    PAUSED_REASON,
    RESUME,
    STOP,
    UNHOLD,
    Control,
    ControlState,
)

BTC, ETH = "binance BTC/USDT", "binance ETH/USDT"
PAUSED = Control(ControlState.PAUSED, PAUSED_REASON)


@dataclass(frozen=True)
class Noted:
    at: float
    kind: str
    source: str
    reason: str


def noted(*events: tuple[str, str, str]) -> list[Noted]:
    return [Noted(float(at), kind, source, reason) for at, (source, kind, reason) in enumerate(events)]


STARTED = (BTC, START, ""), (ETH, START, "")
CAMPAIGNS = [
    ([], Control(), "running", None),
    ([*STARTED, (BTC, HALT, "loss"), (ETH, HALT, "loss")], Control(), "halted", "loss"),
    ([*STARTED, (BTC, HALT, "loss"), (ETH, HALT, "cost")], Control(), "halted", f"{BTC}: loss; {ETH}: cost"),
    ([*STARTED, (BTC, HALT, "loss"), (ETH, DONE, "")], Control(), "halted", "loss"),
    ([*STARTED, (BTC, HALT, "loss")], Control(), "running", "loss"),
    ([*STARTED, (BTC, HALT, "loss")], PAUSED, "paused", PAUSED_REASON),
    ([*STARTED, (BTC, HALT, "loss"), (ETH, HALT, "loss"), (BTC, STOP, "ended")], PAUSED, "halted", "loss"),
    ([*STARTED, (BTC, STOP, "ended")], PAUSED, "stopped", "ended"),
    ([*STARTED, (BTC, WAIT, "no price"), (ETH, ERROR, "no price")], Control(), "running", "no price"),
    ([*STARTED, (BTC, WAIT, "no price")], Control(), "running", None),
    ([(BTC, START, ""), (BTC, HALT, "loss"), (BTC, START, "")], Control(), "running", None),
]


@pytest.mark.parametrize(("events", "control", "name", "reason"), CAMPAIGNS)
def test_a_campaign_has_the_first_state_that_is_so(
    events: list[tuple[str, str, str]], control: Control, name: str, reason: str | None
) -> None:
    state = states.campaign_state(noted(*events), control, is_done=False, last_fill_at=None)
    assert (state.name, state.reason) == (name, reason)
    assert (state.ended_at is None) == (name in states.LIVE)


def test_a_done_campaign_ended_when_it_was_noted_after_its_last_fill() -> None:
    events = noted((BTC, DONE, ""), (BTC, HALT, "late"), (BTC, DONE, ""))
    for last_fill_at, ended_at in ((0.0, 2.0), (2.0, 2.0), (2.5, 2.5)):
        state = states.campaign_state(events, PAUSED, is_done=True, last_fill_at=last_fill_at)
        assert (state.name, state.reason, state.ended_at) == ("done", None, ended_at)


COMMANDS = st.lists(st.sampled_from([PAUSE, RESUME, HOLD, UNHOLD, STOP, EMERGENCY]), max_size=8)


@LAW
@given(COMMANDS, st.sampled_from([RESUME, UNHOLD]))
def test_who_resumes_ends_every_pause_and_hold(commands: list[str], end: str) -> None:
    commands = [kind for kind in commands if kind != EMERGENCY or end == RESUME]  # only a resume ends an emergency
    assert states.lasting_control([*commands, end]) == Control()
    assert states.lasting_control([*commands, end, HOLD, PAUSE]).reason == HELD_REASON
    assert states.lasting_control([*commands, end, PAUSE, STOP]).reason == PAUSED_REASON


@LAW
@given(COMMANDS, COMMANDS)
def test_an_emergency_lasts_until_it_is_resumed(before: list[str], after: list[str]) -> None:
    """Meanwhile the campaign is paused for it, so that nobody waits for an order in vain."""
    control = states.lasting_control([*before, EMERGENCY, *(kind for kind in after if kind != RESUME)])
    assert control == Control(ControlState.EMERGENCY, EMERGENCY_REASON)
    state = states.campaign_state(noted(*STARTED, (BTC, WAIT, "off")), control, is_done=False, last_fill_at=None)
    assert (state.name, state.reason) == ("paused", EMERGENCY_REASON)


MARKETS = [
    (HALT, ControlState.RUNNING, True, "halted"),
    (HALT, ControlState.EMERGENCY, False, "emergency"),
    (WAIT, ControlState.RUNNING, True, "done"),
    (WAIT, ControlState.PAUSED, False, "paused"),
    (WAIT, ControlState.RUNNING, False, "waiting"),
    (ERROR, ControlState.RUNNING, False, "waiting"),
    (GO, ControlState.HELD, False, "held"),
    (STOP, ControlState.RUNNING, False, "running"),
    (None, ControlState.STOPPED, False, "stopped"),
]


@pytest.mark.parametrize(("kind", "control", "is_done", "name"), MARKETS)
def test_a_live_market_says_what_a_person_wants_of_it_first(
    kind: str | None, control: ControlState, is_done: bool, name: str
) -> None:
    assert states.live_state(kind, control, is_done=is_done) == name


def test_a_market_without_a_word_of_its_own_runs() -> None:
    for kind, control in itertools.product((None, START, GO, DONE, STOP), (ControlState.RUNNING,)):
        assert states.live_state(kind, control, is_done=False) == "running"
    assert [states.state_after(kind) for kind in (None, START, GO, ERROR)] == ["running"] * 4
    assert [states.state_after(kind) for kind in (HALT, WAIT, STOP, DONE)] == ["halted", "waiting", "stopped", "done"]


def test_restarts_are_counted_by_market_and_done_since_the_last_start() -> None:
    events = noted((BTC, START, ""), (ETH, START, ""), (BTC, DONE, ""), (BTC, START, ""))
    assert (states.restarts(events), states.has_noted_done(events)) == (1, False)
    assert states.has_noted_done(events[:3])
    assert states.restarts([]) == 0


def test_markets_that_are_waited_for_have_each_noted_their_end_last() -> None:
    events = noted((BTC, START, ""), (ETH, START, ""), (BTC, DONE, "stays"), (ETH, DONE, ""), (ETH, GO, ""))
    assert states.has_noted_done(events) and states.has_noted_done(events, [BTC])
    assert not states.has_noted_done(events, [BTC, ETH]) and not states.has_noted_done(events, [ETH])
    stopped = noted((BTC, START, ""), (BTC, DONE, "stays"), (BTC, STOP, "bye"))
    assert states.noted_ends(stopped) == {BTC: "stays"} and states.has_noted_done(stopped, [BTC])
    again = [*stopped, *noted((BTC, START, ""))]
    assert not states.noted_ends(again) and not states.has_noted_done(again, [BTC])
