"""`volume-booster settings`: every setting with its value, default, bounds, and where the value came from."""

from __future__ import annotations

import argparse
import typing

import rich.box
import rich.table

from ...core.model.typed import did_you_mean
from ...core.settings import catalogue
from ...core.settings.catalogue import Entry
from ...core.settings.schema import Settings, SettingsError, without_octobot_keys
from ..arguments.requested import settings_of_file, settings_of_options
from ..commands import bundle, options, run
from ..files import chosen, home
from ..process.watchdog import ExitCode
from ..screen import lines, terminal


def main(arguments: argparse.Namespace) -> int:
    """Print the settings that were asked for; exit code 0, also when none matches.

    :raises SettingsError, HomeError, BundleError: when they can't be read or used, or a name is none of a setting.
    """
    _check_are_known(arguments.keys)
    octobot_home = home.Home(arguments.home.absolute())
    profile = chosen.choose(octobot_home, arguments.profile, bundle.profiles(), options.PLAIN_PROFILE)
    found = catalogue.entries(*_settings_and_sources(arguments, profile))
    if arguments.keys:
        found = [one for one in found if one.key in arguments.keys]
    if arguments.search:
        found = catalogue.matching(found, arguments.search)
    if arguments.json:
        rows = [one.to_json() for one in found]
        lines.as_json({"profile": profile.id, "home": str(octobot_home.path), "settings": rows})
    else:
        _print(found, profile, arguments)
    return ExitCode.DONE


def _check_are_known(keys: list[str]) -> None:
    known = Settings.model_fields
    lists = "; `volume-booster settings` lists them all"
    unknown = [f"{key}: unknown setting{did_you_mean(key, known) or lists}" for key in keys if key not in known]
    if unknown:
        raise SettingsError(unknown)


def _settings_and_sources(arguments: argparse.Namespace, profile: chosen.Chosen) -> tuple[Settings, dict[str, str]]:
    of_profile = without_octobot_keys(home.mode_settings(profile.profile))
    of_file, of_options = settings_of_file(arguments), settings_of_options(arguments)
    settings = run.settings_of(of_profile, of_file | of_options)
    defaults = Settings().to_config()
    plain = run.settings_of(of_profile, {}).to_config()
    sources = {key: f"profile {profile.id}" for key in of_profile if plain[key] != defaults[key]}
    sources |= dict.fromkeys(of_file, f"file {arguments.settings}") | dict.fromkeys(of_options, "--set")
    return settings, sources


def _print(found: list[Entry], profile: chosen.Chosen, arguments: argparse.Namespace) -> None:
    console = terminal.Console()
    console.print(f"Settings of the profile {profile.id}, {profile.why}")
    if not found:
        console.print(f"No setting has {arguments.search!r} in its name or help.")
        return
    if arguments.keys:
        for one in found:
            _print_whole(console, one)
        return
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("setting", "value", "default", "bounds", "from"):
        table.add_column(name, no_wrap=name == "setting", overflow="fold")
    for number, one in enumerate(found):
        if number == 0 or found[number - 1].group != one.group:
            table.add_row(terminal.styled(one.group, "bold"))
        default = "" if one.value == one.default else as_text(one.default)
        row = (one.key, _with_unit(one), default, one.bounds, "" if one.source == catalogue.DEFAULT else one.source)
        table.add_row(*map(terminal.styled, row))
    console.print(table)
    console.print("`volume-booster settings KEY` explains one.")


def _print_whole(console: terminal.Console, one: Entry) -> None:
    lines = [
        f"{one.key}  {_with_unit(one)}",
        f"  {one.help}",
        f"  default {as_text(one.default)}{f'; {one.bounds}' if one.bounds else ''}; from: {one.source}",
    ]
    for line in lines:
        console.print(line)


def as_text(value: typing.Any) -> str:
    """A value of a configuration for people."""
    if value in (None, ""):
        return "(empty)"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int) else str(value)


def _with_unit(one: Entry) -> str:
    is_number = isinstance(one.value, int | float) and not isinstance(one.value, bool)
    return f"{as_text(one.value)} {one.unit}" if one.unit not in ("", "0 to 1") and is_number else as_text(one.value)
