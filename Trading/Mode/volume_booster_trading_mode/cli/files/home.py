"""An OctoBot home: its configuration, its profiles and the settings of one run."""

from __future__ import annotations

import contextlib
import json
import pathlib
import typing
from collections.abc import Iterator
from dataclasses import dataclass

from ...core.model.redact import text_of
from ...journal.file import CAMPAIGN_FILE

MODE_CONFIG = pathlib.PurePath("specific_config", "VolumeBoosterTradingMode.json")
KEPT_SUFFIX = ".before_run"
OCTOBOTS_COPY_SUFFIX = ".back"
"""The suffix of OctoBot's own copy of a file, which exists only while it writes the file."""
OFFLINE_EXCHANGE = "offline_exchange"
OFFLINE_EXCHANGES = (OFFLINE_EXCHANGE, "second_offline_exchange")
"""The exchanges of the bundle, which run on this computer."""


class HomeError(Exception):
    """The home can't be used; the message is one sentence with the reason and the fix."""


@dataclass(frozen=True, slots=True)
class Home:
    """OctoBot's working folder: everything that it reads and writes is below it."""

    path: pathlib.Path

    @property
    def campaign(self) -> pathlib.Path:
        return self.path / "user" / CAMPAIGN_FILE

    @property
    def config(self) -> pathlib.Path:
        return self.path / "user" / "config.json"

    @property
    def logs(self) -> pathlib.Path:
        return self.path / "logs"

    def profile(self, profile_id: str) -> pathlib.Path:
        return self.path / "user" / "profiles" / profile_id

    def check_is_for_runs(self, own_profiles: tuple[str, ...]) -> None:
        """Keep out of an OctoBot that is not ours.

        :raises HomeError: when another profile is selected there.
        """
        if not self.config.is_file():
            return
        chosen = read_json(self.config).get("profile")
        if chosen not in own_profiles:
            raise HomeError(
                f"{self.path} is an OctoBot of yours with the profile {chosen!r} selected; this command keeps out of "
                "it: choose another --home, or use `volume-booster install --home` to add the mode to it"
            )

    def restore_interrupted_writes(self) -> None:
        """Restore the files that OctoBot was writing when it was killed, from the copies that it keeps meanwhile.

        Without it OctoBot would start with its default profile, and without the keys of its exchanges.

        :raises HomeError: when a file can't be written.
        """
        for file in (self.config, *(self.path / "user" / "profiles").glob("*/profile.json")):
            copy = file.with_name(file.name + OCTOBOTS_COPY_SUFFIX)
            if copy.is_file() and not _is_readable(file) and _is_readable(copy):
                write_whole(file, copy.read_bytes())

    def make(self) -> None:
        """:raises HomeError: when the folder is not there and can't be made."""
        if not self.path.parent.is_dir():
            raise HomeError(f"the home {self.path} can't be made: the folder {self.path.parent} does not exist")
        try:
            self.path.mkdir(exist_ok=True)
        except OSError as error:
            raise HomeError(f"the home {self.path} can't be made: {error.strerror}") from error

    def select_profile(self, profile_id: str) -> None:
        """Make OctoBot start with this profile; the rest of its configuration stays as it is."""
        write_json(self.config, read_json(self.config) | {"profile": profile_id})

    def use_keys(self, exchange: str, api_key: str, api_secret: str) -> None:
        """Give OctoBot the keys of an exchange; it encrypts them in its configuration when it starts."""
        config = read_json(self.config)
        keys = {"api-key": api_key, "api-secret": api_secret, "sandboxed": False}
        write_json(self.config, config | {"exchanges": {**config.get("exchanges", {}), exchange: keys}})


def offline_exchanges(config: dict[str, typing.Any]) -> list[str]:
    """The exchanges of this computer that a profile's configuration has enabled."""
    exchanges = config["exchanges"]
    return [name for name in OFFLINE_EXCHANGES if exchanges.get(name, {"enabled": False}).get("enabled", True)]


def profile_config(profile: pathlib.Path) -> dict[str, typing.Any]:
    """The profile's configuration.

    :raises HomeError: when it is missing.
    """
    file = profile / "profile.json"
    if not file.is_file():
        raise HomeError(f"there is no profile {profile.name!r}: {file} is missing")
    config: dict[str, typing.Any] = read_json(file)["config"]
    return config


def enabled_pairs(config: dict[str, typing.Any]) -> list[str]:
    """The pairs that a profile's configuration trades."""
    currencies = (config.get("crypto-currencies") or {}).values()
    return [str(pair) for one in currencies if one.get("enabled", True) for pair in one.get("pairs", ())]


@contextlib.contextmanager
def settings_of_this_run(profile: pathlib.Path, settings: dict[str, typing.Any]) -> Iterator[None]:
    """Give the profile these settings of the mode for a while; its own come back, also after a run was killed."""
    file = profile / MODE_CONFIG
    kept = file.with_name(file.name + KEPT_SUFFIX)
    if not kept.exists():
        write_whole(kept, file.read_bytes())
    write_json(file, read_json(kept) | settings)
    try:
        yield
    finally:
        kept.replace(file)


def mode_settings(profile: pathlib.Path) -> dict[str, typing.Any]:
    """The profile's own settings of the mode."""
    file = profile / MODE_CONFIG
    kept = file.with_name(file.name + KEPT_SUFFIX)
    return read_json(kept if kept.exists() else file)


def read_json(file: pathlib.Path) -> dict[str, typing.Any]:
    """:raises HomeError: when it can't be read as a JSON object."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise HomeError(f"{file} can't be read: {text_of(error)}") from error
    if not isinstance(content, dict):
        raise HomeError(f"{file} must hold a JSON object")
    return content


def _is_readable(file: pathlib.Path) -> bool:
    try:
        read_json(file)
    except HomeError:
        return False
    return True


def write_json(file: pathlib.Path, content: dict[str, typing.Any]) -> None:
    """:raises HomeError: when it can't be written."""
    write_whole(file, (json.dumps(content, indent=4) + "\n").encode())


def write_whole(file: pathlib.Path, content: bytes) -> None:
    """Replace a file whole, or not at all.

    :raises HomeError: when it can't be written.
    """
    part = file.with_name(file.name + ".part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(file)
    except OSError as error:
        raise HomeError(f"{file} can't be written: {text_of(error)}") from error
