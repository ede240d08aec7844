"""An installation as a transaction: cut off at any moment, the next one ends it as if it had not been cut off.

Before anything is changed a record of what is there is written, and the last thing that is done is to remove it. The
next installation that finds it puts back what it holds, and installs again.
"""

from __future__ import annotations

import base64
import contextlib
import pathlib
import shutil
import time
import typing
from collections.abc import Iterable
from dataclasses import dataclass

from ...storage import private_files
from .home import HomeError, read_json, write_json, write_whole

RECORD = pathlib.PurePath("user", "volume_booster", "installation.json")
INVENTORY = pathlib.PurePath("user", "reference_tentacles_config", "tentacles_config.json")
CONFIG = pathlib.PurePath("user", "config.json")
PROFILES = pathlib.PurePath("user", "profiles")
ACTIVATION = "tentacles_config.json"
LONGEST_S = 600.0
"""An installation takes no longer: what was changed later is somebody's own doing, and is left as it is."""
_LISTINGS = ("tentacles/__init__.py", "tentacles/*/__init__.py", "tentacles/*/*/__init__.py")


@dataclass(frozen=True, slots=True)
class Before:
    """What an installation has found. Names are relative to the home, with slashes; None is a file that was missing."""

    began_at: float
    """Seconds since the epoch."""
    is_new: bool
    """A home without configuration and without profiles of others: it gets its first configuration."""
    kept: tuple[str, ...]
    """Profiles of the bundle that were there: they stay as their user has set them."""
    files: dict[str, bytes | None]

    def put_back(self, home: pathlib.Path, names: Iterable[pathlib.PurePath]) -> None:
        """Put back those of these files that were looked at, as they were or as absent.

        OctoBot's install rewrites the activation of every profile: it drops tentacles that are not installed at the
        moment, and notes the running version, after which OctoBot no longer updates its own tentacles.

        :raises HomeError: when one can't be written.
        """
        for name in names:
            content = self.files.get(name.as_posix(), b"")
            if name.as_posix() in self.files and content != _content(home / name):
                _restore(home / name, content)


def activation_of(profile: str) -> pathlib.PurePath:
    """What is switched on in a profile, relative to the home."""
    return PROFILES / profile / ACTIVATION


def is_cut_off(home: pathlib.Path) -> bool:
    """Whether an installation into this home has begun and not ended."""
    return (home / RECORD).is_file()


def half_profiles(home: pathlib.Path, own: Iterable[str]) -> set[str]:
    """The profiles of the bundle that can't be trusted, because the installation that makes them has not ended."""
    before = _read(home)
    return set() if before is None else set(own) - set(before.kept)


def begin(home: pathlib.Path, tentacles: Iterable[pathlib.PurePath], own: tuple[str, ...]) -> Before:
    """What is in the home before the installation, written down; what an earlier one has left half is put back first.

    :param tentacles: the folders of the bundle's tentacles, below `tentacles`.
    :param own: the names of the bundle's profiles.
    :raises HomeError: when the record can't be written.
    """
    _remove_parts(home)
    before = _read(home)
    if before is not None:
        _put_back_half(home, before, tentacles, own)
    profiles = {path.name for path in (home / PROFILES).glob("*") if path.is_dir()}
    kept = tuple(name for name in own if (home / PROFILES / name / "profile.json").is_file())
    watched = [CONFIG, INVENTORY, *map(activation_of, sorted(profiles))]
    watched += [file.relative_to(home) for pattern in _LISTINGS for file in home.glob(pattern)]
    is_new = not profiles - set(own) and not _has_content(home / CONFIG)
    before = Before(time.time(), is_new, kept, {file.as_posix(): _content(home / file) for file in watched})
    _write(home, before)
    return before


def end(home: pathlib.Path) -> None:
    """The home is whole."""
    (home / RECORD).unlink(missing_ok=True)


def _put_back_half(
    home: pathlib.Path, before: Before, tentacles: Iterable[pathlib.PurePath], own: Iterable[str]
) -> None:
    listings = {file.relative_to(home).as_posix() for pattern in _LISTINGS for file in home.glob(pattern)}
    for name in {*before.files, *listings}:
        content = before.files.get(name)
        if content != _content(home / name) and not _is_later(home / name, before):
            _restore(home / name, content)
    for profile in (home / PROFILES / name for name in own if name not in before.kept):
        if not any(_is_later(file, before) for file in profile.rglob("*")):
            shutil.rmtree(profile, ignore_errors=True)
    for tentacle in tentacles:
        if not (home / "tentacles" / tentacle).is_symlink():
            shutil.rmtree(home / "tentacles" / tentacle, ignore_errors=True)


def _remove_parts(home: pathlib.Path) -> None:
    folders = {home / CONFIG.parent, home / RECORD.parent, home / INVENTORY.parent, *(home / PROFILES).glob("*")}
    for folder in folders | {file.parent for pattern in _LISTINGS for file in home.glob(pattern)}:
        private_files.remove_parts(folder)


def _restore(file: pathlib.Path, content: bytes | None) -> None:
    if content is None:
        file.unlink(missing_ok=True)
    else:
        write_whole(file, content)


def _is_later(file: pathlib.Path, before: Before) -> bool:
    return file.is_file() and file.stat().st_mtime > before.began_at + LONGEST_S


def _content(file: pathlib.Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _has_content(file: pathlib.Path) -> bool:
    return bool((_content(file) or b"").strip())


def _write(home: pathlib.Path, before: Before) -> None:
    files = {
        name: None if content is None else base64.b64encode(content).decode() for name, content in before.files.items()
    }
    record = {"began_at": before.began_at, "is_new": before.is_new, "kept": list(before.kept), "files": files}
    write_json(home / RECORD, record)


def _read(home: pathlib.Path) -> Before | None:
    """:raises HomeError: when it is not a record of an installation, which it always is unless somebody changed it."""
    if not is_cut_off(home):
        return None
    content: dict[str, typing.Any] = read_json(home / RECORD)
    with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
        files = {
            name: None if text is None else base64.b64decode(text, validate=True)
            for name, text in content["files"].items()
        }
        return Before(float(content["began_at"]), bool(content["is_new"]), tuple(content["kept"]), files)
    raise HomeError(f"{home / RECORD} is not a record of an installation: remove it, then install again")
