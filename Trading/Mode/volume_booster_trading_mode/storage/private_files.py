"""Files that only their owner may read, there whole or not at all.

Whatever holds keys or trades is written here and nowhere else: with the rights 0600 from its first byte, in folders of
0700, and never through a link that somebody has planted. Windows knows no such rights: there a file has those of its
folder, and the folders of a user are closed to the others.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import secrets
from collections.abc import Iterator

PART_SUFFIX = ".part"
FILE_RIGHTS = 0o600
PUBLIC_RIGHTS = 0o666
"""Of a file that is no secret: as every other program makes one, less what the user's umask takes away."""
FOLDER_RIGHTS = 0o700
_OF_OTHERS = 0o077
_OF_A_PART = re.compile(rf"\.[0-9a-f]{{16}}{re.escape(PART_SUFFIX)}(-journal|-wal|-shm)?$")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def make_folder(path: pathlib.Path) -> None:
    """The folder, and those above it that are missing, each for its owner only; what is there stays as it is.

    :raises OSError: when it can't be made.
    """
    for folder in reversed((path, *path.parents)):
        if not folder.is_dir():
            folder.mkdir(FOLDER_RIGHTS, exist_ok=True)


def close_folder(path: pathlib.Path) -> None:
    """Take a folder of ours from everybody else. Where that can't be done, as on Windows, it stays as it is."""
    with contextlib.suppress(OSError):
        if os.name == "posix" and path.stat().st_mode & _OF_OTHERS:
            path.chmod(FOLDER_RIGHTS)


def create(path: pathlib.Path, rights: int = FILE_RIGHTS) -> int:
    """A new and empty file, open for writing.

    :raises OSError: FileExistsError when anything is in its place, also a link that leads nowhere.
    """
    make_folder(path.parent)
    return os.open(path, _NEW, rights)


def opener(path: str, flags: int) -> int:
    """For `open`: a file that is made by it is for its owner only; one that is there keeps its rights."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), FILE_RIGHTS)


@contextlib.contextmanager
def replacing(path: pathlib.Path, rights: int = FILE_RIGHTS) -> Iterator[pathlib.Path]:
    """An empty file beside `path` to be filled; when the block has ended without an error it takes its place.

    :raises OSError: when it can't be made, or can't take the place.
    """
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}{PART_SUFFIX}")
    os.close(create(part, rights))
    try:
        yield part
        _bring_onto_disk(part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_whole(path: pathlib.Path, content: bytes) -> None:
    """Replace a file whole, or not at all.

    :raises OSError: when it can't be written.
    """
    with replacing(path) as part:
        part.write_bytes(content)


def remove_parts(folder: pathlib.Path) -> None:
    """Remove what a kill has left of files that were being written; only while nobody else writes there.

    :raises OSError: when one can't be removed.
    """
    for part in folder.glob(f"*{PART_SUFFIX}*"):
        if _OF_A_PART.search(part.name):
            part.unlink(missing_ok=True)


def _bring_onto_disk(path: pathlib.Path) -> None:
    """So that after a power cut there is the old file or the new one, and not an empty one."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
