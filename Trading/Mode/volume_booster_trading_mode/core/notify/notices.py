"""Unrequested notices to a person, and how often they are sent. Pure: the moment is an argument."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings.schema import Settings, TargetScope

HOUR_S = 3600.0
ALL_PAIRS = "All pairs"
MOST_AN_HOUR = 12
"""One every five minutes: who is notified more often switches notifications off, and then misses a halt, too."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell, and what a person can do about it.

    `topic` names what it is about: one topic is notified once an hour. One that `is_urgent` always gets
    through: a halt, an emergency, the end, and the answer to what a person has just done.
    """

    topic: str
    text: str
    advice: str = ""
    is_urgent: bool = False
    is_critical: bool = False


@dataclass(frozen=True, slots=True)
class NoticeHistory:
    """The notices of the last hour, each with its moment and topic, and how many were held back since the last
    one was sent. Urgent ones do not count."""

    told: tuple[tuple[float, str], ...] = ()
    held_back: int = 0


def audience(source: str, settings: Settings) -> str:
    """Whose target it is: the pair's of this name, or that of all pairs, which are notified together and once."""
    return source if settings.target_scope is TargetScope.PAIR else ALL_PAIRS


def audience_label(source: str, settings: Settings, pairs: int) -> str:
    """The same for a person: where there is one pair only, it is named."""
    return source if pairs <= 1 else audience(source, settings)


def throttle(notice: Notice, now: float, history: NoticeHistory) -> tuple[NoticeHistory, str | None]:
    """The history after a notice, and the text to send, None where it is held back."""
    recent = tuple((at, topic) for at, topic in history.told if abs(now - at) < HOUR_S)
    if notice.is_urgent:
        return NoticeHistory(recent), full_text(notice, history.held_back)
    if len(recent) >= MOST_AN_HOUR or any(topic == notice.topic for _, topic in recent):
        return NoticeHistory(recent, history.held_back + 1), None
    return NoticeHistory((*recent, (now, notice.topic))), full_text(notice, history.held_back)


def full_text(notice: Notice, held_back: int = 0) -> str:
    """What happened, what can be done, and how many others were held back, a line each."""
    lines = [notice.text]
    if notice.advice:
        lines.append(f"What you can do: {notice.advice}")
    if held_back:
        others = "1 other notice was" if held_back == 1 else f"{held_back} other notices were"
        lines.append(f"{others} held back meanwhile; OctoBot's log has them.")
    return "\n".join(lines)
