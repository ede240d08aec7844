"""What a person typed: numbers as they are printed, and the known name that was probably meant. Pure."""

from __future__ import annotations

import difflib
import enum
import re
import typing
from collections.abc import Iterable

_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}([,_]\d{3})+(\.\d*)?", re.ASCII)
_SIMILAR = 0.6
"""How alike two names are at least, of 1, for one to be suggested for the other."""


def plain_number(text: str) -> str:
    """A number without the signs between its thousands: "50,000.05" and "50_000" as they are printed; else the text.

    "0,5" and "1,50" stay as they are: a comma is no decimal point.
    """
    bare = text.strip()
    return re.sub("[,_]", "", bare) if _GROUPED.fullmatch(bare) else bare


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known name that is most like a word, in any case and with `-` for `_`; None when none is alike."""
    by_spelling = {_spelling(name): name for name in known}
    found = difflib.get_close_matches(_spelling(word), by_spelling, n=1, cutoff=_SIMILAR)
    return by_spelling[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: "; did you mean X?", or nothing."""
    name = closest(word, known)
    return f"; did you mean {name}?" if name else ""


class Choice(enum.Enum):
    """One of some words, which may be written in any case and without its underscores: HighVolume is high_volume."""

    @classmethod
    def _missing_(cls, value: object) -> typing.Any:
        if not isinstance(value, str):
            return None
        return next((member for member in cls if _spelling(str(member.value)) == _spelling(value)), None)


def _spelling(word: str) -> str:
    return word.strip().casefold().replace("_", "").replace("-", "")
