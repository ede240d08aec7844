"""`volume-booster simulate`: the real OctoBot in simulation mode on the local exchange, until the target is reached."""

from __future__ import annotations

import argparse
import pathlib
import typing

from ...core.model.basics import Trading
from ..files import home
from . import run


class Simulation:
    """OctoBot's own simulator trades; the exchange only supplies prices."""

    trading = Trading.SIMULATION

    def check(self, profile: pathlib.Path) -> dict[str, typing.Any]:
        config = home.profile_config(profile)
        if config["trader"]["enabled"] or not config["trader-simulator"]["enabled"]:
            raise home.HomeError(
                f"the profile {profile.name!r} trades for real: this command needs one with the trader disabled and "
                "the trader simulator enabled"
            )
        return config

    def exchange_options(
        self, exchange: str, octobot_home: home.Home, config: dict[str, typing.Any], is_new: bool
    ) -> list[str]:
        return []

    def connect(self, exchange: str, octobot_home: home.Home) -> None:
        """Nothing: prices are for everybody."""


def main(arguments: argparse.Namespace) -> int:
    """The exit code of the contract.

    :raises SettingsError, HomeError, BundleError, LaunchError: when it can't be started.
    """
    return run.run(arguments, Simulation())
