"""`volume-booster sandbox`: OctoBot's real trader on the local exchange, with play money and keys made for the day."""

from __future__ import annotations

import argparse
import pathlib
import secrets
import time
import typing

from ...core.model.basics import Trading
from ..files import home
from . import run

ACCOUNT = "sandbox"


class Sandbox:
    """OctoBot's real trader trades, on an account of the local exchange that lives as long as its campaign."""

    trading = Trading.SANDBOX

    def __init__(self, fees: typing.Mapping[str, str] | None = None) -> None:
        self._fees = fees or {}
        """Those that were given, in percent, by `maker` and `taker`."""

    def check(self, profile: pathlib.Path) -> dict[str, typing.Any]:
        config = home.profile_config(profile)
        if not config["trader"]["enabled"] or config["trader-simulator"]["enabled"]:
            raise home.HomeError(
                f"the profile {profile.name!r} only simulates: this command needs one with the trader enabled and the "
                "trader simulator disabled"
            )
        if not config["exchanges"] or not set(config["exchanges"]) <= set(home.OFFLINE_EXCHANGES):
            raise home.HomeError(
                f"the profile {profile.name!r} trades on {', '.join(config['exchanges'])}: this command needs one "
                f"with no other exchange than {' and '.join(home.OFFLINE_EXCHANGES)}"
            )
        return config

    def exchange_options(
        self, exchange: str, octobot_home: home.Home, config: dict[str, typing.Any], is_new: bool
    ) -> list[str]:
        """A new account for a new campaign, with the portfolio of the profile's simulator; else the one it has."""
        state, accounts = _files(exchange, octobot_home)
        if not is_new and state.exists():
            return ["--state", str(state), *self._fee_options()]
        if state.exists():
            _put_away(state)
        portfolio = config["trader-simulator"]["starting-portfolio"]
        fees = config["trader-simulator"]["fees"] | dict(self._fees)
        account = {
            "name": ACCOUNT,
            "api_key": secrets.token_hex(32),
            "api_secret": secrets.token_hex(32),
            "balances": {asset: str(amount) for asset, amount in portfolio.items()},
            "maker_fee_percent": str(fees["maker"]),
            "taker_fee_percent": str(fees["taker"]),
        }
        home.write_json(accounts, {"accounts": [account]})
        return ["--accounts", str(accounts), "--state", str(state)]

    def _fee_options(self) -> list[str]:
        """The exchange refuses fees that its state does not have."""
        return [f"--{role}-fee-percent={fee}" for role, fee in self._fees.items()]

    def connect(self, exchange: str, octobot_home: home.Home) -> None:
        (account,) = home.read_json(_files(exchange, octobot_home)[1])["accounts"]
        octobot_home.use_keys(exchange, account["api_key"], account["api_secret"])


def main(arguments: argparse.Namespace) -> int:
    """The exit code of the contract.

    :raises SettingsError, HomeError, BundleError, LaunchError: when it can't be started.
    """
    fees = {"maker": arguments.maker_fee_percent, "taker": arguments.taker_fee_percent}
    return run.run(arguments, Sandbox({role: f"{fee:f}" for role, fee in fees.items() if fee is not None}))


def state_file(exchange: str, octobot_home: home.Home) -> pathlib.Path:
    """Where a local exchange keeps the account of a home."""
    return _files(exchange, octobot_home)[0]


def _put_away(state: pathlib.Path) -> None:
    """Keep an earlier state under another name, with the log that an exchange which was killed has left beside it."""
    kept = f"{state.stem}-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.json"
    for file in sorted(state.parent.glob(f"{state.name}.log-*")):
        file.replace(file.with_name(kept + file.name.removeprefix(state.name)))
    state.replace(state.with_name(kept))


def _files(exchange: str, octobot_home: home.Home) -> tuple[pathlib.Path, pathlib.Path]:
    """Where the state and the accounts of a local exchange are kept."""
    folder, number = octobot_home.campaign.with_name("sandbox"), home.OFFLINE_EXCHANGES.index(exchange)
    after = f"-{number + 1}" if number else ""
    return folder / f"exchange{after}.json", folder / f"accounts{after}.json"
