"""Laws of what a person is told: nothing important is swallowed, repetition is, and it is said how much."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given
from strategies import LAW

from octobot_volume_booster.core.notify.notices import HOUR_S, MOST_AN_HOUR, Notice, NoticeHistory, full_text, throttle

TOPICS = st.sampled_from(["funds", "progress", "settings", "halt"])
TOLD = st.lists(st.tuples(st.floats(0, HOUR_S), TOPICS, st.booleans()), max_size=60)


def play(told: list[tuple[float, str, bool]]) -> list[tuple[float, str, bool, str | None]]:
    """Each notice with its moment and what was sent of it; the pauses before them are given."""
    now, history, played = 1_700_000_000.0, NoticeHistory(), []
    for pause_s, topic, is_urgent in told:
        now += pause_s / 20
        history, sent = throttle(Notice(topic, f"about {topic}", is_urgent=is_urgent), now, history)
        played.append((now, topic, is_urgent, sent))
    return played


@LAW
@given(TOLD)
def test_what_is_urgent_always_gets_through(told: list[tuple[float, str, bool]]) -> None:
    assert all(sent is not None for _, _, is_urgent, sent in play(told) if is_urgent)


@LAW
@given(TOLD)
def test_the_rest_is_never_more_than_so_many_an_hour_and_each_topic_once(told: list[tuple[float, str, bool]]) -> None:
    sent = [(at, topic) for at, topic, is_urgent, text in play(told) if text is not None and not is_urgent]
    for at, _ in sent:
        within = [topic for other_at, topic in sent if at <= other_at < at + HOUR_S]
        assert len(within) == len(set(within)) <= MOST_AN_HOUR


@LAW
@given(TOLD)
def test_every_one_that_was_held_back_is_counted_by_the_next_that_gets_through(
    told: list[tuple[float, str, bool]],
) -> None:
    held_back = 0
    for _, _, _, text in play(told):
        if text is None:
            held_back += 1
            continue
        counted = f"{held_back} other notices were held back" if held_back > 1 else "1 other notice was held back"
        assert (counted in text) == bool(held_back)
        held_back = 0


def test_one_of_a_quiet_hour_is_sent_again_after_it() -> None:
    history, first = throttle(Notice("funds", "no funds"), 0.0, NoticeHistory())
    history, second = throttle(Notice("funds", "no funds"), HOUR_S - 1, history)
    _, third = throttle(Notice("funds", "no funds"), HOUR_S, history)
    assert (first, second) == ("no funds", None)
    assert third == "no funds\n1 other notice was held back meanwhile; OctoBot's log has them."


def test_more_topics_than_an_hour_has_room_for_are_held_back() -> None:
    history, sent = NoticeHistory(), []
    for number in range(MOST_AN_HOUR + 3):
        history, text = throttle(Notice(f"progress {number}", "on the way"), number, history)
        sent.append(text is not None)
    assert sent == [True] * MOST_AN_HOUR + [False] * 3
    _, halt = throttle(Notice("halt", "halted", is_urgent=True), 20.0, history)
    assert halt is not None and "3 other notices were held back" in halt


def test_a_clock_that_is_set_back_by_days_does_not_silence_it() -> None:
    history, _ = throttle(Notice("funds", "no funds"), 10 * HOUR_S, NoticeHistory())
    assert throttle(Notice("funds", "no funds"), HOUR_S, history)[1] == "no funds"


def test_a_notice_says_what_can_be_done() -> None:
    assert full_text(Notice("a", "It waits.", "deposit")) == "It waits.\nWhat you can do: deposit"
