"""Text of others on its way out: an exchange's answer, a reason, a name in a journal. A function for each medium. Pure.

What comes from outside may hold control characters that move a terminal's cursor, direction marks that turn a line
around, or a formula that a spreadsheet would run. A page escapes in its template (`reporting/html_page.py`), from what
`printable` has made visible.
"""

from __future__ import annotations

import re
from decimal import Decimal

MOST_SHOWN = 60
"""A value that somebody gave is repeated up to so many characters."""
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Controls, direction marks and what has no width; half of a surrogate pair can't even be written."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def printable(text: str) -> str:
    r"""For a terminal, a log or a page: what is not seen, or would do something, is written as its code, as in \x1b."""
    return _HIDDEN.sub(_code, text)


def printable_lines(text: str) -> str:
    """The same, with its lines."""
    return "\n".join(map(printable, text.split("\n")))


def _code(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def csv_cell(value: object) -> object:
    """For a CSV file: numbers stay numbers, and text that a spreadsheet would run begins with an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if not isinstance(value, str):
        return value
    text = printable(value)
    is_formula = value.startswith(_FORMULA) and not _NUMBER.fullmatch(value)
    return f"'{text}" if is_formula else text


def quoted(value: object) -> str:
    """A value that can't be used, as it was given, in quotes if it is text; cut where it is long."""
    # the whole of it may be millions of characters
    text = repr(value[: MOST_SHOWN + 1]) if isinstance(value, str) else repr(value)
    return shortened(printable(text))


def shortened(text: str, most: int = MOST_SHOWN) -> str:
    """The beginning of a text that is long."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
