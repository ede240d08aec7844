"""OctoBot asked about one exchange, as a process of its own: started, heard and ended."""

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
from dataclasses import asdict, dataclass

from ..core.checks import Row, fails
from .home import Home
from .launch import LaunchError, environment_with, last_line
from .octobot_process import own_group

ENGINE_MODULE = f"{__package__.rpartition('.')[0]}.checks.engine"
LOG = "check.log"
LOOK_EVERY_S = 0.2
END_TIMEOUT_S = 60.0
"""How long it may take to cancel what it has placed, when it is cut short."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask: see the engine's own."""

    exchange: str
    symbols: list[str]
    profile: str
    settings: str
    of_profile: dict[str, typing.Any]
    most_quote: str | None
    is_order_wanted: bool
    save: str


def ask(
    octobot_home: Home, ports: Mapping[str, int], request: Request, is_interrupted: Callable[[], bool]
) -> list[Row]:
    """The rows that it tells; when it is interrupted, those that it told until it had cancelled what it placed.

    :raises LaunchError: when OctoBot can't be started.
    """
    log = octobot_home.logs / LOG
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", ENGINE_MODULE], cwd=octobot_home.path, env=environment_with(ports),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, **own_group(),
            )  # fmt: skip
    except OSError as error:
        raise LaunchError(f"OctoBot could not be started: {error}") from error
    with process:
        rows, has_ended = _hear(process, request, is_interrupted)
    return rows if has_ended else [*rows, _broken_off(request, log)]


def _broken_off(request: Request, log: pathlib.Path) -> Row:
    order = "; look on the exchange's own page whether an order rests" if request.is_order_wanted else ""
    return fails("process", f"OctoBot failed while it was asked: {last_line(log)} Log: {log}{order}")


def _hear(
    process: subprocess.Popen[bytes], request: Request, is_interrupted: Callable[[], bool]
) -> tuple[list[Row], bool]:
    """The rows, and whether the check came to its end."""
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
            told = _told(line)
            if "end" in told:
                return rows, True
            if "name" in told:
                rows.append(Row(**told))
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
        return lines.get(timeout=LOOK_EVERY_S)
    except queue.Empty:
        return b""


def _told(line: bytes) -> dict[str, typing.Any]:
    """OctoBot may print too: that tells nothing."""
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(END_TIMEOUT_S)  # it may have an order to cancel
    except subprocess.TimeoutExpired:
        process.kill()
