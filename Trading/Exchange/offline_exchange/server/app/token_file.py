"""The token of the control interface, in a file that only its owner may read."""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets

_NEW_FILE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)


class TokenFileError(Exception):
    """The file can't be written; the message says why in one sentence."""


def write_token(path: pathlib.Path) -> str:
    """A new token, in the file in place of an earlier one. Raises TokenFileError.

    On Windows the folder has to keep others out, as the user's own does.
    """
    token = secrets.token_hex(32)
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        descriptor = os.open(temporary, _NEW_FILE, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(token)
        temporary.replace(path)
    except OSError as error:
        raise TokenFileError(f"cannot write the token of the control interface to {path}: {error.strerror}.") from error
    return token


def remove_token(path: pathlib.Path) -> None:
    """With the exchange its token ends; a file that is left is of no use to anybody."""
    with contextlib.suppress(OSError):
        path.unlink()
