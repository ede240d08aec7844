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


def ask(question: str) -> str:
    """What a person answers to a question on standard error, where no redirected output hides it.

    :raises EOFError: when standard input has ended.
    """
    print(question, end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        raise EOFError
    return answer.strip()


def agrees(question: str) -> bool:
    """Whether a person answers y or yes; an end of standard input is no."""
    try:
        return ask(f"{question} [y/N] ").lower() in ("y", "yes")
    except EOFError:
        return False
