"""What a shell is offered for a value that is one of many names."""

from __future__ import annotations

import argparse
import typing

from ...core.settings.schema import Settings
from ..files.home import Home

BUNDLED = ("volume_booster", "volume_booster_offline", "volume_booster_sandbox", "volume_booster_several")
"""The profiles of the bundle."""


def setting(prefix: str, **_: typing.Any) -> list[str]:
    """`KEY=` of every setting."""
    return [f"{key}=" for key in Settings.model_fields if key.startswith(prefix)]


def key(prefix: str, **_: typing.Any) -> list[str]:
    """The keys of all settings."""
    return [key for key in Settings.model_fields if key.startswith(prefix)]


def profile(prefix: str, parsed_args: argparse.Namespace, **_: typing.Any) -> list[str]:
    """The profiles of the home and of the bundle."""
    known = {*BUNDLED, *Home(parsed_args.home.absolute()).profile_ids()}
    return sorted(name for name in known if name.startswith(prefix))


def offer(action: argparse.Action, completer: typing.Callable[..., list[str]]) -> None:
    """Let a shell complete the value of an option or argument; argcomplete looks for this attribute."""
    action.completer = completer  # type: ignore[attr-defined]
