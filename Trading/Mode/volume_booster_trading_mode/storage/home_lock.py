"""One launcher for each home: a lock that lasts from before it touches the home until its last child has ended.

The operating system takes the locks away with the processes, however those end. There are two: one that the launcher
alone holds, and one that its children inherit, so that the home is also held while an OctoBot whose launcher was killed
is still about to end. Windows hands no lock to a child: there the second one ends with the launcher.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import pathlib
import sys
import time
import typing
from collections.abc import Callable, Iterator

from . import private_files

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LAUNCHER_LOCK = "launcher.lock"
CHILDREN_LOCK = "children.lock"
POLL_INTERVAL_S = 0.1
NAMED_WITHIN_S = 1.0
"""How long the holder may take to write down who it is."""
_BUSY = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_LOCKED_BYTE = 2**30
"""Windows keeps others from reading what is locked: this byte, which no file here has."""
_OPEN = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)

_inherited: set[int] = set()


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a home; `since` in seconds since the epoch. What is not known is 0 or empty."""

    process: int = 0
    since: float = 0.0
    command: str = ""


class HeldError(Exception):
    """Another launcher holds the home, or its children have not ended yet."""

    def __init__(self, holder: Holder, *, is_ending: bool) -> None:
        super().__init__(holder)
        self.holder = holder
        self.is_ending = is_ending
        """The launcher has gone, and a child of it is still about to end."""


@contextlib.contextmanager
def held(
    folder: pathlib.Path, holder: Holder, patience_s: float, on_wait: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Hold the home whose locks lie in this folder; all processes that are started meanwhile inherit it.

    A launcher is not waited for; children of one that has gone are, for `patience_s`, after a call of `on_wait`.

    :raises HeldError: when somebody else holds it; nothing has been changed then.
    :raises OSError: when it can't be locked.
    """
    private_files.make_folder(folder)
    with contextlib.ExitStack() as stack:
        launcher = stack.enter_context(_opened(folder / LAUNCHER_LOCK))
        if not _is_locked(launcher):
            raise HeldError(_holder(folder), is_ending=False)
        last = _named(folder)
        _write(launcher, json.dumps(dataclasses.asdict(holder)).encode())
        children = stack.enter_context(_opened(folder / CHILDREN_LOCK))
        if not _is_locked(children):
            on_wait()
            _wait_for(children, last, patience_s)
        _inherited.add(children)
        stack.callback(_inherited.discard, children)
        yield


def inherited() -> tuple[int, ...]:
    """The open files that a child has to inherit, so that what this process holds is held until the child ends."""
    return tuple(_inherited)


@contextlib.contextmanager
def _opened(path: pathlib.Path) -> Iterator[int]:
    descriptor = os.open(path, _OPEN, private_files.FILE_RIGHTS)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_locked(descriptor: int) -> bool:
    """Whether the lock is ours now; False when it is somebody else's."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _BUSY:
            raise
        return False
    return True


def _write(descriptor: int, content: bytes) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, content)


def _wait_for(children: int, last: Holder, patience_s: float) -> None:
    until = time.monotonic() + patience_s
    while not _is_locked(children):
        if time.monotonic() >= until:
            raise HeldError(last, is_ending=True)
        time.sleep(POLL_INTERVAL_S)


def _holder(folder: pathlib.Path) -> Holder:
    """Who holds the lock; it writes its name just after it has taken the lock."""
    until = time.monotonic() + NAMED_WITHIN_S
    while (holder := _named(folder)) == Holder() and time.monotonic() < until:
        time.sleep(POLL_INTERVAL_S)
    return holder


def _named(folder: pathlib.Path) -> Holder:
    try:
        content: typing.Any = json.loads((folder / LAUNCHER_LOCK).read_bytes())
        return Holder(int(content["process"]), float(content["since"]), str(content["command"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Holder()
