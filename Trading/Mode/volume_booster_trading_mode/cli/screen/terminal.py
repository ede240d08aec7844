"""Tables and colours on a terminal, as `lines` writes plain sentences: together the only places that write to one.

Reasons and names come from journals, exchanges and files. Nothing of them is markup, and no control character of them
reaches the terminal: see `core/model/escape.py`.
"""

from __future__ import annotations

import typing

import rich.console
import rich.text

from ...core.model.escape import printable, printable_lines


class Console(rich.console.Console):
    """A terminal, or a file in its place: what is written to it as text is shown as it is."""

    def __init__(self, *, stderr: bool = False, **more: typing.Any) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False, **more)

    def render_str(self, text: str, **how: typing.Any) -> rich.text.Text:
        return super().render_str(printable_lines(text), **how)


def line(text: str, style: str = "") -> rich.text.Text:
    """One line, cut where the terminal ends."""
    return rich.text.Text(printable(text), style=style, no_wrap=True, overflow="ellipsis")


def styled(text: str, style: str = "") -> rich.text.Text:
    """Text of a style."""
    return rich.text.Text(printable_lines(text), style=style)


def show(renderable: rich.console.RenderableType) -> None:
    """Write a table to standard output."""
    Console().print(renderable)


def wrapped(text: str) -> None:
    """Write a sentence to standard output, broken into lines where the terminal ends."""
    Console().print(text)
