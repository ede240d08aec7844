"""Readers of values that several commands take."""

from __future__ import annotations

import argparse
import pathlib

LONGEST_NUMBER = 40
"""A number of more characters is none that anybody means, and the longest take minutes to read."""


def path(text: str) -> pathlib.Path:
    """A file or folder; an empty name, which is often a variable that is not set, is not the current folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty; '.' is the folder that you are in")
    if "\0" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a file")
    return pathlib.Path(text)


def profile_id(text: str) -> str:
    """The name of a folder of profiles, and no path to another place."""
    if not text.strip() or text in (".", "..") or set(text) & set("/\\\0"):
        raise argparse.ArgumentTypeError(f"{text!r} is no profile: it is the name of a folder in user/profiles")
    return text


def given(text: str) -> str:
    """A value that is not empty, as that of a variable that is not set."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the value is empty; leave the option out for its default")
    return text
