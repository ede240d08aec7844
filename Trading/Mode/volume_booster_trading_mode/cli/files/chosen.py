"""Which profile a command is about, when none is named: that of the home, else the one of the command."""

from __future__ import annotations

import pathlib
import typing
from dataclasses import dataclass

from ...core.model.escape import quoted
from ...core.model.typed import did_you_mean
from . import home, installation
from .home import Home, HomeError


@dataclass(frozen=True, slots=True)
class Chosen:
    """A profile, and in words why it is this one."""

    profile: pathlib.Path
    why: str

    @property
    def id(self) -> str:
        return self.profile.name

    def config(self) -> dict[str, typing.Any]:
        """:raises HomeError: when it is missing."""
        return home.profile_config(self.profile)


def choose(octobot_home: Home, named: str | None, own: dict[str, pathlib.Path], otherwise: str) -> Chosen:
    """The named profile; else the one that the home's OctoBot starts with, where it is one of the mode; else another.

    :param own: the profiles of the bundle.
    :param otherwise: the one of them for a home that has none.
    :raises HomeError: when there is none of this name.
    """
    if named is not None:
        return Chosen(find(octobot_home, named, own), "as named")
    selected = selected_profile(octobot_home)
    if selected is not None:
        return Chosen(octobot_home.profile(selected), f"that of {octobot_home.path}")
    return Chosen(find(octobot_home, otherwise, own), "by default")


def find(octobot_home: Home, profile_id: str, own: dict[str, pathlib.Path]) -> pathlib.Path:
    """The profile of a home, or of the bundle when the home has none of this name.

    :raises HomeError: when there is none.
    """
    profile = octobot_home.profile(profile_id)
    if profile.is_dir() and profile_id not in installation.half_profiles(octobot_home.path, own):
        return profile
    if profile_id not in own:
        meant = did_you_mean(profile_id, (*own, *octobot_home.profile_ids())) or f"; the bundle has {', '.join(own)}"
        raise HomeError(f"there is no profile {quoted(profile_id)}{meant}")
    return own[profile_id]


def selected_profile(octobot_home: Home) -> str | None:
    """The profile that the home's OctoBot starts with, where it is one of the mode's."""
    if octobot_home.config.is_file():
        selected = str(home.read_json(octobot_home.config).get("profile"))
        if (octobot_home.profile(selected) / home.MODE_CONFIG).is_file():
            return selected
    return None
