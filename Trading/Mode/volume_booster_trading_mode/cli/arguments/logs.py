"""`--verbose` and `--log-file`: what a command does, step by step, on standard error and in a file."""

from __future__ import annotations

import argparse
import contextlib
import logging
import pathlib
import shlex
import sys
import time
from collections.abc import Iterator

from ...core.model.redact import text_of, without_secrets
from ...storage import private_files
from ..files.home import HomeError

NAME = __package__.rpartition(".")[0]
"""The logger of the command line, above those of its modules."""
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_log = logging.getLogger(NAME)
_log.addHandler(logging.NullHandler())  # else Python prints errors by itself
_log.propagate = False


class _Redacting(logging.Formatter):
    """Leaves keys and signatures out, and names a module without its package."""

    def format(self, record: logging.LogRecord) -> str:
        record.name = record.name.removeprefix(NAME).lstrip(".") or "main"
        return without_secrets(super().format(record))


@contextlib.contextmanager
def logged(arguments: argparse.Namespace, argv: list[str]) -> Iterator[None]:
    """Log what a command does while it runs.

    :raises HomeError: when the file can't be written.
    """
    handlers: list[logging.Handler] = []
    if arguments.log_file is not None:
        handlers.append(_file_handler(arguments.log_file))
    if arguments.verbose:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(_formatter())
        _log.addHandler(handler)
    if handlers:
        _log.setLevel(logging.DEBUG)
    began_at = time.monotonic()
    _log.info("volume-booster %s", shlex.join(argv))
    try:
        yield
    except Exception as error:
        _log.error("%s", text_of(error))
        raise
    finally:
        _log.info("ended after %.1f s", time.monotonic() - began_at)
        for handler in handlers:
            _log.removeHandler(handler)
            handler.close()


def _formatter() -> logging.Formatter:
    formatter = _Redacting(_FORMAT, "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    return formatter


def _file_handler(file: pathlib.Path) -> logging.Handler:
    try:
        private_files.make_folder(file.parent)
        return logging.FileHandler(file, encoding="utf-8")
    except OSError as error:
        raise HomeError(f"{file} can't be written: {text_of(error)}") from error
