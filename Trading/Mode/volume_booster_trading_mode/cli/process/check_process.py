"""The check of one exchange by OctoBot, as a process of its own."""

from __future__ import annotations

import contextlib
import json
import math
import pathlib
import queue
import subprocess
import sys
import threading
import time
import typing
from collections.abc import Callable, Mapping
from dataclasses import asdict

from ...core.planning.account_checks import CheckRequest, Row, fails
from ..files.home import Home
from .launch import LaunchError, environment_with, last_line
from .octobot_process import start_piped

ENGINE_MODULE = f"{__package__.rsplit('.', 2)[0]}.checks.engine"
LOG = "check.log"
POLL_INTERVAL_S = 0.2
END_TIMEOUT_S = 60.0
"""How long it may take to cancel what it has placed, when it is cut short."""


def ask(
    octobot_home: Home, ports: Mapping[str, int], request: CheckRequest, is_interrupted: Callable[[], bool]
) -> list[Row]:
    """The rows of the check; when it is interrupted, those until it had cancelled what it placed.

    :raises LaunchError: when OctoBot can't be started.
    """
    log = octobot_home.logs / LOG
    try:
        process = start_piped([sys.executable, "-m", ENGINE_MODULE], octobot_home.path, environment_with(ports), log)
    except OSError as error:
        raise LaunchError(f"OctoBot could not be started: {error}") from error
    with process:
        rows, has_ended = _read_rows(process, request, is_interrupted)
    return rows if has_ended else [*rows, _broken_off(request, log)]


def _broken_off(request: CheckRequest, log: pathlib.Path) -> Row:
    order = "; look on the exchange's own page whether an order rests" if request.is_order_wanted else ""
    return fails("process", f"OctoBot failed while it was asked: {last_line(log)} Log: {log}{order}")


def _read_rows(
    process: subprocess.Popen[bytes], request: CheckRequest, is_interrupted: Callable[[], bool]
) -> tuple[list[Row], bool]:
    """The rows, and whether the check ran to its end."""
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # it has ended already: its log says why
        process.stdin.write(json.dumps(asdict(request)).encode() + b"\n")
        process.stdin.flush()
    lines: queue.Queue[bytes | None] = queue.Queue()
    threading.Thread(target=_read, args=(process, lines), name="check", daemon=True).start()
    rows: list[Row] = []
    ends_at = math.inf
    try:
        while time.monotonic() < ends_at and (line := _next(lines)) is not None:
            message = _message(line)
            if "end" in message:
                return rows, True
            if "name" in message:
                rows.append(Row(**message))
            elif is_interrupted() and ends_at == math.inf:
                ends_at = time.monotonic() + END_TIMEOUT_S
                process.stdin.close()
    finally:
        _end(process)
    return rows, False


def _read(process: subprocess.Popen[bytes], lines: queue.Queue[bytes | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


def _next(lines: queue.Queue[bytes | None]) -> bytes | None:
    """The next line; an empty one when there is none yet, None at the end."""
    try:
        return lines.get(timeout=POLL_INTERVAL_S)
    except queue.Empty:
        return b""


def _message(line: bytes) -> dict[str, typing.Any]:
    """Empty for what OctoBot itself prints."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(END_TIMEOUT_S)  # it may have an order to cancel
    except subprocess.TimeoutExpired:
        process.kill()
