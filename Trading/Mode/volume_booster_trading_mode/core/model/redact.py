"""Keeps secrets out of sentences: what an error says may hold a signed URL, a key or a password. Pure.

ccxt puts the whole address of a request into its messages, with the signature in its query.
"""

from __future__ import annotations

import re

HIDDEN = "***"
"""What stands in the place of a secret."""

_USER = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20}://)[^\s/?#\"'<>`@]+@")
_TOKEN = re.compile(r"[^\s\"'<>`]+")
_QUERY = re.compile(r"\?|%3[fF]")
_WHOLE_NAMES = (
    r"api[-_]?(?:key|secret|sign)|signature|secret|token|pass(?:phrase|word)|(?:listen|access)[-_]?key|access[-_]?sign"
)
_LAST_WORDS = r"sign|sig|auth|authorization|jwt|credential|private[-_]?key|wallet[-_]?key"
_NAMED = re.compile(
    rf"((?<![\w-])(?:[\w-]{{0,40}}?(?:{_WHOLE_NAMES})[\w-]{{0,8}}|(?:[\w-]{{0,40}}[-_])?(?:{_LAST_WORDS}))[\"']?"
    r"\s{0,3}(?:=|:|%3[dD])\s{0,3})"
    r"(?:\"[^\"]*\"|'[^']*'|(?:bearer|basic)\s+[^\s,;&\"'<>)}\]]+|[^\s,;&\"'<>)}\]]+)",
    re.IGNORECASE,
)
_RANDOM_WORD = re.compile(r"(?<![A-Za-z0-9+=])(?=[A-Za-z+=]*[0-9])(?=[0-9+=]*[A-Za-z])[A-Za-z0-9+=]{40,}")
"""Longer than an order id of anybody's, as a key or a signature is."""


def without_secrets(text: str) -> str:
    """The text without the query of any URL, the user before its host, and what looks like a key or a signature."""
    text = _TOKEN.sub(_without_query, _USER.sub(r"\1", text))
    return _RANDOM_WORD.sub(HIDDEN, _NAMED.sub(rf"\1{HIDDEN}", text))


def _without_query(token: re.Match[str]) -> str:
    address, *query = _QUERY.split(token[0], maxsplit=1)
    return address if query and query[0] and ("/" in address or "%2F" in address.upper()) else token[0]


def text_of(error: BaseException) -> str:
    """What an error says, without secrets; the name of its kind where it says nothing."""
    return without_secrets(str(error)) or type(error).__name__


def named(error: BaseException) -> str:
    """The kind of an error and what it says, without secrets."""
    return f"{type(error).__name__}: {without_secrets(str(error))}"
