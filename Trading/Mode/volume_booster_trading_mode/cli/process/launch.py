"""The child processes of a run: the local exchange and OctoBot, started, watched and ended together."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pathlib
import queue
import shlex
import subprocess
import sys
import threading
import typing
from collections.abc import Iterator, Mapping

from ...core.model.redact import text_of, without_secrets
from ...storage import private_files
from ...storage.bounded_log import BoundedLog
from .octobot_process import octobot_command, offline_environment, start_piped

EXCHANGE_READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 25.0
LONGEST_LINE = 65_536
END_OF_ERRORS_S = 5.0
"""How long the end of the errors is waited for after that of the output."""
EXCHANGE_MODULE = f"{__package__.rsplit('.', 2)[0]}.offline_exchange.server.__main__"
"""Beside this package in a wheel; a process of its own, so it is named and not imported."""
LOOPBACK = "127.0.0.1"
PORT_VARIABLES = {
    "offline_exchange": "VOLUME_BOOSTER_EXCHANGE_PORT",
    "second_offline_exchange": "VOLUME_BOOSTER_SECOND_EXCHANGE_PORT",
}
"""Where each local exchange's tentacle looks for its port."""


_log = logging.getLogger(__name__)


class LaunchError(Exception):
    """A process could not be started or ended too early; the message is one sentence."""


class Child:
    """A process that lives no longer than this one: it ends when the pipe to its standard input is closed.

    :raises LaunchError: when it can't be started.
    """

    def __init__(
        self, name: str, command: list[str], cwd: pathlib.Path, log: pathlib.Path, environment: dict[str, str]
    ) -> None:
        self.name = name
        self.log = log
        self._output = BoundedLog(log)
        try:
            private_files.make_folder(log.parent)
            self._process = start_piped(command, cwd, environment)
        except OSError as error:
            raise LaunchError(f"{name} could not be started: {text_of(error)}") from error
        _log.debug("%s is process %d: %s", name, self._process.pid, shlex.join(command))
        self._lines: queue.Queue[str] = queue.Queue()
        self._errors = threading.Thread(target=self._read_errors, name=f"{name} errors", daemon=True)
        self._errors.start()
        threading.Thread(target=self._read_output, name=f"{name} output", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def first_line(self, timeout_s: float) -> str:
        """The first line that it prints.

        :raises LaunchError: when there is none in this time, or the process ends before.
        """
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise LaunchError(f"{self.name} did not get ready in {timeout_s:g} s; its log is {self.log}") from None
        if not line:
            raise LaunchError(f"{self.name} ended at once: {last_line(self.log)}")
        return line

    def stop(self) -> bool:
        """End it: first by asking, after 25 s by force. True when it ended by itself."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # the other end is closed: it has ended, or is about to
            self._process.stdin.close()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return False
        return True

    def _read_output(self) -> None:
        """Keep the pipe empty; what comes goes to the log, and the first line to who waits for it."""
        assert self._process.stdout is not None
        for line in _lines_of(self._process.stdout):
            self._output.add(line)
            if self._lines.empty():
                self._lines.put(line.decode("utf-8", "replace"))
        self._errors.join(END_OF_ERRORS_S)  # so that the log holds why it ended
        self._lines.put("")

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        for line in _lines_of(self._process.stderr):
            self._output.add(line)


def _lines_of(stream: typing.IO[bytes]) -> Iterator[bytes]:
    """Its lines, the longest in pieces."""
    return iter(lambda: stream.readline(LONGEST_LINE), b"")


def start_exchange(port: int, log: pathlib.Path, *options: str) -> tuple[Child, int]:
    """The local exchange on a loopback port, 0 for a free one, and the port that it got.

    :raises LaunchError: when it does not come up.
    """
    command = [sys.executable, "-m", EXCHANGE_MODULE, "--port", str(port), *options, "--parent-lifeline"]
    child = Child("the local exchange", command, log.parent, log, dict(os.environ))
    try:
        ready = json.loads(child.first_line(EXCHANGE_READY_TIMEOUT_S))
    except (LaunchError, ValueError) as error:
        child.stop()
        raise LaunchError(text_of(error)) from error
    return child, int(ready["port"])


def start_octobot(home: pathlib.Path, ports: Mapping[str, int], *args: str) -> Child:
    """The real OctoBot in its home.

    :param ports: of the local exchanges that it may connect to, by their names.
    :raises LaunchError: when it can't be started.
    """
    log = home / "logs" / "octobot-console.log"
    return Child("OctoBot", octobot_command(*args), home, log, environment_with(ports))


def environment_with(ports: Mapping[str, int]) -> dict[str, str]:
    """OctoBot's environment, in which it finds the local exchanges of these names."""
    environment = offline_environment()
    environment |= {PORT_VARIABLES[name]: str(port) for name, port in ports.items()}
    if ports:
        for name in ("no_proxy", "NO_PROXY"):  # no proxy leads back to this computer
            environment[name] = ",".join(part for part in (environment.get(name), LOOPBACK) if part)
    return environment


def last_line(log: pathlib.Path) -> str:
    """The last line of a log that says something."""
    try:
        lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    except OSError as error:
        return f"its log can't be read: {text_of(error)}"
    return without_secrets(lines[-1]) if lines else "it gave no reason"
