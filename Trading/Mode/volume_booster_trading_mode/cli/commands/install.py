"""Installing the bundle into an OctoBot home, by OctoBot's own `tentacles` command.

This module prepares the home, protects what is the user's around that command, and checks what came of it: its word is
not enough, as it can report success and install nothing.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ...storage import private_files
from ..files import installation
from ..files.home import Home, new_configuration, write_json, write_whole
from ..process.watchdog import ExitCode
from ..screen import lines
from .bundle import (
    BundleError,
    Files,
    Parts,
    own_parts,
    read_zip,
    run_tentacles_command,
    scratch_directory,
    version_of,
    write_zip,
)

_BUNDLE_IN_HOME = PurePosixPath("user/volume_booster/bundle.zip")
_PROFILE_OF_A_NEW_HOME = "volume_booster"


@dataclass(frozen=True)
class InstallReport:
    """What an install did.

    `bundle` is the zip, kept inside the home, that the tentacles came from. `new_profiles` were created.
    `kept_profiles` were there before and stay as the user set them. `other_profiles` are the user's own: not touched.
    `selected_profile` is the one that a new home starts with, None in a home that was somebody's before.
    """

    home: Path
    bundle: Path
    version: str
    tentacles: tuple[str, ...]
    new_profiles: tuple[str, ...]
    kept_profiles: tuple[str, ...]
    other_profiles: tuple[str, ...]
    selected_profile: str | None

    def text(self) -> str:
        """The report as lines for a person."""
        lines = [f"Installed version {self.version} in {self.home}", f"  tentacles: {', '.join(self.tentacles)}"]
        if self.new_profiles:
            lines.append(f"  new profiles: {', '.join(self.new_profiles)}")
        if self.kept_profiles:
            lines.append(f"  kept, with your settings: {', '.join(self.kept_profiles)}")
        if self.other_profiles:
            lines.append(f"  your own profiles, not touched: {', '.join(self.other_profiles)}")
            lines.append('  to choose the mode in one of those, run "OctoBot tentacles -r" in that directory first')
        if self.selected_profile:
            lines.append(f"  selected profile: {self.selected_profile}")
        return "\n".join(lines)

    def to_json_object(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "home": str(self.home),
            "bundle": str(self.bundle),
            "version": self.version,
            "tentacles": list(self.tentacles),
            "new_profiles": list(self.new_profiles),
            "kept_profiles": list(self.kept_profiles),
            "other_profiles": list(self.other_profiles),
            "selected_profile": self.selected_profile,
        }


def main(arguments: argparse.Namespace) -> int:
    """`volume-booster install`: install, and print what was done.

    :raises BundleError, HomeError: as `install`; also when a launcher holds the home.
    """
    octobot_home = Home(arguments.home.absolute())
    check_can_be_home(octobot_home.path)
    with octobot_home.held("install", lines.complain):
        report = install(octobot_home.path)
    if arguments.json:
        lines.as_json(report.to_json_object())
    else:
        lines.say(report.text())
    return ExitCode.DONE


def install(
    home: Path, bundle_zip: Path | None = None, tentacles_command: Callable[..., None] = run_tentacles_command
) -> InstallReport:
    """Install tentacles and profiles into an OctoBot home, from `bundle_zip` or else from this package.

    It may be cut off at any moment, also by a kill or a power cut: the next one ends what it left half.

    A home that doesn't exist is created, its parent must exist. In an existing home the code of this bundle's tentacles
    is refreshed, and everything of the user's keeps its bytes: config.json, other tentacles, other profiles, and the
    settings of this bundle's profiles. OctoBot itself regenerates its inventory (`user/reference_tentacles_config`,
    the `__init__.py` files that list the tentacles) and writes its logs.

    :raises BundleError: OctoBot is missing or failed, home or zip are unusable, or a part is not there afterwards.
    :raises HomeError: a file of the home can't be written.
    """
    home, parts = home.absolute(), own_parts()
    with scratch_directory():
        files = parts.read() if bundle_zip is None else read_zip(bundle_zip.absolute(), parts)
        version = version_of(files, parts)
        _prepare_home(home, parts)
        before = installation.begin(home, parts.tentacles, parts.profile_names)
        others = tuple(sorted(_directory_names(home / installation.PROFILES) - set(parts.profile_names)))
        write_zip(files, home / _BUNDLE_IN_HOME)
        try:
            tentacles_command(home, "-i", "-a", "-l", str(_BUNDLE_IN_HOME))
        finally:  # what the command has changed of the user's
            before.put_back(home, [installation.CONFIG, *map(installation.activation_of, others)])
            _keep_activation(home, before)
        _remove_leftovers(home, parts, files)
        if missing := _first_missing(home, parts, files):
            raise BundleError(f"OctoBot's install reported success, but {missing}.")
        if before.is_new:
            write_json(home / installation.CONFIG, new_configuration(_PROFILE_OF_A_NEW_HOME))
        installation.end(home)
    return InstallReport(
        home=home,
        bundle=home / _BUNDLE_IN_HOME,
        version=version,
        tentacles=tuple(path.name for path in parts.tentacles),
        new_profiles=tuple(name for name in parts.profile_names if name not in before.kept),
        kept_profiles=before.kept,
        other_profiles=others,
        selected_profile=_PROFILE_OF_A_NEW_HOME if before.is_new else None,
    )


def is_installed(home: Path) -> bool:
    """Whether a home has exactly this package's tentacles and profiles, installed by the OctoBot that would run there.

    True means that `install` would change nothing. Reads files only: milliseconds, where `install` takes seconds.

    :raises BundleError: this package is incomplete.
    """
    if installation.is_cut_off(home):
        return False
    parts = own_parts()
    try:
        files, version = parts.read(), importlib.metadata.version("octobot")
        if _leftovers(home, parts, files) or _first_missing(home, parts, files):
            return False
    except (OSError, importlib.metadata.PackageNotFoundError):
        return False
    configs = [_read_json(home / "user" / path / "tentacles_config.json") for path in parts.profiles]
    return all(config.get("installation_context", {}).get("octobot_version") == version for config in configs)


def check_can_be_home(home: Path) -> None:
    """:raises BundleError: when there can be no home in this place."""
    if not home.parent.is_dir():
        raise BundleError(f"{home} can't be created: {home.parent} is not a directory.")
    if home.exists() and not home.is_dir():
        raise BundleError(f"{home} is a file: an OctoBot home is a directory.")


def _prepare_home(home: Path, parts: Parts) -> None:
    check_can_be_home(home)
    private_files.make_folder((home / _BUNDLE_IN_HOME).parent)
    for tentacle in parts.tentacles:
        if (home / "tentacles" / tentacle).is_symlink():
            raise BundleError(f"{home / 'tentacles' / tentacle} is a link to a directory elsewhere: remove it first.")


def _keep_activation(home: Path, before: installation.Before) -> None:
    """Keep what the user switched on or off in the bundle's profiles, which an install overwrites."""
    for name in map(installation.activation_of, before.kept):
        chosen, config = _activation(_json_of(before.files[name.as_posix()])), _read_json(home / name)
        current = _activation(config)
        merged = current | {key: chosen[key] for key in current.keys() & chosen.keys()}
        if merged != current:
            for (kind, tentacle), is_on in merged.items():
                config["tentacle_activation"][kind][tentacle] = is_on
            write_whole(home / name, json.dumps(config, indent=4, sort_keys=True).encode())


def _activation(config: dict[str, Any]) -> dict[tuple[str, str], bool]:
    kinds = config.get("tentacle_activation", {})
    return {(kind, name): is_on for kind, names in kinds.items() for name, is_on in names.items()}


def _read_json(file: Path) -> dict[str, Any]:
    return _json_of(file.read_bytes() if file.is_file() else None)


def _json_of(text: bytes | None) -> dict[str, Any]:
    """The object in a file; empty when there is none or a broken one, as OctoBot takes it."""
    try:
        content = json.loads(text or b"")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _directory_names(parent: Path) -> set[str]:
    return {path.name for path in parent.iterdir() if path.is_dir()} if parent.is_dir() else set()


def _leftovers(home: Path, parts: Parts, files: Files) -> list[Path]:
    """What an older version had and this one has not: an old package would hide a new module of its name."""
    leftovers = []
    for tentacle in parts.tentacles:
        shipped = {path.relative_to(tentacle).parts[0] for path in files if path.is_relative_to(tentacle)}
        installed = home / "tentacles" / tentacle
        if installed.is_dir():
            leftovers += [entry for entry in installed.iterdir() if entry.name not in {*shipped, "__pycache__"}]
    return leftovers


def _remove_leftovers(home: Path, parts: Parts, files: Files) -> None:
    for entry in _leftovers(home, parts, files):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _first_missing(home: Path, parts: Parts, files: Files) -> str | None:
    """What is not installed, as half a sentence; None when everything is.

    OctoBot's word is not enough: its install can succeed and leave a tentacle old, unlisted or absent.
    """
    for path, content in files.items():
        is_profile = path.parts[0] == "profiles"
        file = home / ("user" if is_profile else "tentacles") / path
        if not file.is_file():
            return f"{file} is missing"
        if not is_profile and file.read_bytes() != content:
            return f"{file} is not the one of the bundle"
    for tentacle in parts.tentacles:
        listing = (home / "tentacles" / tentacle).with_name("__init__.py")
        if not listing.is_file() or f"from .{tentacle.name} import" not in listing.read_text(encoding="utf-8"):
            return f"{listing} does not list {tentacle.name}"
    return None
