"""The settings that the last run of a home was given on its command line.

A campaign that continues keeps them: a restart changes no target and takes off no limit that a person has set.
"""

from __future__ import annotations

import pathlib
import typing
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pydantic

from ...core.settings.presets import decided_by
from . import home

FILE = "last_run.json"
NOT_KEPT = frozenset({"seed", "i_accept_real_trading"})
"""The campaign keeps its seed by itself; a consent is given anew each time."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a run was given, as it was typed, and what its profile had of the same settings."""

    profile_id: str
    given: dict[str, typing.Any]
    of_profile: dict[str, typing.Any]


_READER = pydantic.TypeAdapter(RunOptions)


def written(octobot_home: home.Home, profile_id: str, given: Mapping[str, typing.Any]) -> None:
    """Write down what a run is given, for one that continues its campaign.

    :raises HomeError: when it can't be written.
    """
    own = home.mode_settings(octobot_home.profile(profile_id))
    options = RunOptions(profile_id, dict(given), {key: own.get(key) for key in given})
    home.write_json(_file(octobot_home), asdict(options))


def kept(octobot_home: home.Home, profile: pathlib.Path, requested: Mapping[str, typing.Any]) -> dict[str, typing.Any]:
    """What the run before was given and this one is not; nothing where another profile is run.

    A setting that was changed in the profile since is the profile's, and a preset that is asked for decides its own.

    :param profile: the folder of the profile.
    :raises HomeError: when it is there and can't be read.
    """
    file = _file(octobot_home)
    if not file.is_file():
        return {}
    content = home.read_json(file)
    try:
        last = _READER.validate_python(content)
    except pydantic.ValidationError as error:
        raise home.HomeError(f"{file} is not what a run has written: remove it, or add --fresh") from error
    if last.profile_id != profile.name:
        return {}
    own, decided = home.mode_settings(profile), decided_by(requested.get("preset"))
    left_out = {*NOT_KEPT, *requested, *decided}
    return {
        key: value
        for key, value in last.given.items()
        if key not in left_out and own.get(key) == last.of_profile.get(key)
    }


def _file(octobot_home: home.Home) -> pathlib.Path:
    return octobot_home.campaign.with_name(FILE)
