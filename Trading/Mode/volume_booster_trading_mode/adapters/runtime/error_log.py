"""How an error that nobody expected is logged: OctoBot's own way writes all that it says, signed URLs included."""

from __future__ import annotations

import traceback
import typing

from ...core.model.redact import without_secrets


def log_error(logger: typing.Any, error: BaseException, what: str) -> None:
    """Log `what` as an error that people see, and the traceback below it for the log file only, without secrets."""
    logger.error(without_secrets(what))
    logger.info("%s", without_secrets("".join(traceback.format_exception(error))))
