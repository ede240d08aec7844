"""The settings that a command line asks for: `--target`, `--seed`, `--set`, and a file of settings below them."""

from __future__ import annotations

import argparse
import pathlib
import sys
import typing

from ...core.model.redact import text_of
from ...core.model.typed import plain_number
from ...core.settings.schema import SettingsError, without_octobot_keys
from ..files.home import HomeError, read_json

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOML_SUFFIX = ".toml"


def requested_settings(arguments: argparse.Namespace) -> dict[str, typing.Any]:
    """The settings of the options over those of the file.

    :raises SettingsError: when an option and `--set` contradict each other.
    :raises HomeError: when the file can't be read.
    """
    return settings_of_file(arguments) | settings_of_options(arguments)


def settings_of_options(arguments: argparse.Namespace) -> dict[str, str]:
    """Of `--set` the last one counts; an option of its own does not contradict it.

    :raises SettingsError: when a setting is given in both ways, each time otherwise.
    """
    by_set: dict[str, str] = dict(arguments.set)
    own = {"volume_target": getattr(arguments, "target", None), "seed": getattr(arguments, "seed", None)}
    options = {key: value for key, value in own.items() if value is not None}
    twice = [key for key, value in options.items() if plain_number(by_set.get(key, value)) != plain_number(value)]
    if twice:
        raise SettingsError(
            [f"{key}: given twice, as {options[key]} and with --set as {by_set[key]}; leave one out" for key in twice]
        )
    return by_set | options


def settings_of_file(arguments: argparse.Namespace) -> dict[str, typing.Any]:
    """What a file of settings holds, OctoBot's own keys left out; empty where none is named.

    :raises HomeError: when it can't be read.
    """
    file: pathlib.Path | None = arguments.settings
    if file is None:
        return {}
    return without_octobot_keys(_read_toml(file) if file.suffix.lower() == TOML_SUFFIX else read_json(file))


def _read_toml(file: pathlib.Path) -> dict[str, typing.Any]:
    try:
        content: dict[str, typing.Any] = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise HomeError(f"{file} can't be read: {text_of(error)}") from error
    return content
