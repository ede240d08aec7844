"""The log beside a state file: every operation since the file was written, so that a kill forgets nothing.

A log belongs to one writing of the file, by its generation; the next generation begins as soon as the next writing
does, so that file and logs are whole together at every moment. A line is written before the answer to what it describes
leaves. With `disk` it is also on the disk by then, by one flush for all that wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import glob
import logging
import os
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass

from ..rest.exchange import Operation
from ..rest.routes import UnsettledError
from .operations import decoded, encoded

_NEW_FILE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _File:
    """The log of one generation. `length` is how much of it was written whole, `flushed` how much is on the disk."""

    path: pathlib.Path
    descriptor: int
    length: int = 0
    flushed: int = 0

    def write(self, data: bytes) -> None:
        """Append; what a failure leaves half written, the next attempt writes over. Raises OSError."""
        os.lseek(self.descriptor, self.length, os.SEEK_SET)
        left = memoryview(data)
        while left:
            left = left[os.write(self.descriptor, left) :]
        self.length += len(data)


class OperationLog:
    """Appends operations, and lets answers wait until theirs is safe.

    With `is_on_disk` that is on the disk, safe from a power cut; else in the operating system's hands, safe from the
    death of this process. `generation` is that of the state file.
    """

    def __init__(self, state: pathlib.Path, is_on_disk: bool, generation: int = 0) -> None:
        self._state = state
        self._is_on_disk = is_on_disk
        self._pending: list[bytes] = []
        self._appended = 0
        self._settled = 0
        self._files: list[_File] = []  # the newest last; the others until the state file has what is in them
        self._flushing = asyncio.Lock()
        self.generation = max([generation, *_generations(state)])

    @property
    def length(self) -> int:
        """Bytes in the log of this generation."""
        return self._files[-1].length if self._files else 0

    def append(self, operation: Operation) -> None:
        """Put an operation at the end."""
        self._pending.append(encoded(operation))
        self._appended += 1

    async def settle(self) -> None:
        """Wait until everything appended so far is safe. Raises UnsettledError when it can't be written."""
        wanted = self._appended
        while self._settled < wanted:
            async with self._flushing:
                if self._settled < wanted:  # else another's flush was for this one, too
                    await self._make_safe()

    def begin(self) -> None:
        """Begin the next generation; all operations so far are in those before it. Raises OSError."""
        self._write()
        path = _log_path(self._state, self.generation + 1)
        self._files.append(_File(path, os.open(path, _NEW_FILE, 0o600)))
        self.generation += 1

    async def drop_older(self) -> None:
        """Remove the logs of earlier generations: the state file has what is in them."""
        async with self._flushing:
            self.drop_older_at_once()

    def drop_older_at_once(self) -> None:
        """The same while nobody waits in `settle`."""
        self._drop(self._files[:-1])

    def close(self) -> None:
        """Remove all logs: the state file has everything, and nothing is appended any more."""
        self._drop(self._files)

    def _drop(self, files: Sequence[_File]) -> None:
        for file in files:
            os.close(file.descriptor)
            self._files.remove(file)
        kept = {file.path for file in self._files}
        for path in (_log_path(self._state, generation) for generation in _generations(self._state)):
            if path not in kept:
                with contextlib.suppress(OSError):  # tried again the next time, and not read in the meantime
                    path.unlink()

    async def _make_safe(self) -> None:
        end = self._appended
        try:
            self._write()
            if self._is_on_disk:
                await asyncio.get_running_loop().run_in_executor(None, _flush, list(self._files))
        except OSError as error:
            _logger.warning("the log of the state in %s cannot be written: %s", self._state.parent, error.strerror)
            raise UnsettledError from error
        self._settled = max(self._settled, end)

    def _write(self) -> None:
        """Give what is pending to the operating system. Raises OSError."""
        if self._pending:
            self._files[-1].write(b"".join(self._pending))
            self._pending.clear()


def read_log(state: pathlib.Path, generation: int) -> list[Operation]:
    """The operations since a generation of the state file was written. Raises OSError and ValueError."""
    generations = [found for found in _generations(state) if found >= generation]
    if generations != list(range(generation, generation + len(generations))):
        raise ValueError(f"its log {generation} is missing, and there are later ones")
    logs = [_log_path(state, found).read_bytes() for found in generations]
    return [
        operation
        for number, lines in enumerate(logs, 1)
        for operation in decoded(lines, may_be_cut=number == len(logs))
    ]


def log_files(state: pathlib.Path) -> list[pathlib.Path]:
    """The logs beside a state file."""
    return [_log_path(state, generation) for generation in _generations(state)]


def flush_folder(folder: pathlib.Path) -> None:
    """Make the names of new files safe from a power cut, where a folder can be flushed. Raises OSError."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush(files: Sequence[_File]) -> None:
    """Put on the disk what was written of them. In a thread of its own, while more is written. Raises OSError."""
    for file in files:
        length = file.length
        if length > file.flushed:
            getattr(os, "fdatasync", os.fsync)(file.descriptor)
            if not file.flushed:
                flush_folder(file.path.parent)
            file.flushed = length


def _log_path(state: pathlib.Path, generation: int) -> pathlib.Path:
    return state.with_name(f"{state.name}.log-{generation}")


def _generations(state: pathlib.Path) -> list[int]:
    """Those that have a log, in order."""
    ends = [path.name.rpartition("-")[2] for path in state.parent.glob(f"{glob.escape(state.name)}.log-*")]
    return sorted(int(end) for end in ends if end.isdecimal())
