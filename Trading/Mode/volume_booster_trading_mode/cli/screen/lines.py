"""Plain lines on standard output and standard error, each made printable: without what is slow to import."""

from __future__ import annotations

import json
import sys
import typing

from ...core.model.escape import printable, printable_lines


def say(text: str) -> None:
    """Write lines to standard output as they are, however long."""
    print(printable_lines(text))


def as_json(value: typing.Any) -> None:
    """Write one JSON object as a line of its own to standard output; JSON itself escapes what is not printable."""
    print(json.dumps(value), flush=True)


def complain(sentence: str) -> None:
    """Write a sentence to standard error."""
    print(f"volume-booster: {printable(sentence)}", file=sys.stderr)
