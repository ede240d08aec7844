"""How OctoBot is started: always as another process, by this interpreter, in an environment that stays offline."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import typing
from pathlib import Path

from ...storage import home_lock, private_files

_OFFLINE = {
    "ENABLE_CERTIFI_SSL_CERTIFICATES": "false",  # else a probe request, 30 s where connections hang
    "SHOULD_CHECK_TENTACLES": "false",  # else the default tentacles are downloaded; 2.0 does not know it
}


def octobot_command(*args: str) -> list[str]:
    """The command line that runs `OctoBot ARGS` with the interpreter of this process.

    OctoBot works in its current directory: start the command with the home as `cwd`. It runs for as long as the pipe to
    its standard input is open, so give it one.
    """
    return [sys.executable, "-m", f"{__package__.rpartition('.')[0]}.lifeline", *args]


def run_octobot(home: Path, *args: str, timeout_s: float) -> tuple[int, str]:
    """`OctoBot ARGS` in a home, to its end: exit code and everything that it printed.

    :raises subprocess.TimeoutExpired: when it does not end in this time; it is killed.
    """
    with tempfile.TemporaryFile() as output:
        with subprocess.Popen(
            octobot_command(*args),
            cwd=home,
            env=offline_environment(),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            **own_group(),
        ) as process:
            try:
                exit_code = process.wait(timeout_s)
            except BaseException:
                process.kill()
                raise
        output.seek(0)
        return exit_code, output.read().decode("utf-8", "replace")


def start_piped(
    command: list[str], cwd: Path, environment: dict[str, str], log: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start a process with pipes to its input and output; what it writes is for this user only.

    Its errors go to a log, which starts over, or without one to a third pipe.

    :raises OSError: when it can't be started.
    """
    with contextlib.ExitStack() as stack:
        errors: typing.Any = subprocess.PIPE
        if log is not None:
            private_files.make_folder(log.parent)
            errors = stack.enter_context(open(log, "wb", opener=private_files.opener))
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            **own_group(),
            **_private(),
        )


def offline_environment() -> dict[str, str]:
    """This process's environment, with OctoBot's switches set so that starting it asks nothing of the internet.

    A `.env` file in the home can't undo it: OctoBot reads that file without overwriting what is set. Proxies are left
    out: nothing leaves this computer, and OctoBot does not start with one that it can't use.
    """
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, **_OFFLINE}


def own_group() -> dict[str, typing.Any]:
    """Ctrl-C in the terminal is for this process alone, which then ends its children in good order.

    A home that this process holds is held until they have ended, also when this one is killed.
    """
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True, "pass_fds": home_lock.inherited()}


def _private() -> dict[str, typing.Any]:
    return {} if sys.platform == "win32" else {"umask": 0o077}


def is_octobot_installed() -> bool:
    """Whether this interpreter has an OctoBot to start. Looks for it, imports nothing."""
    return importlib.util.find_spec("octobot") is not None
