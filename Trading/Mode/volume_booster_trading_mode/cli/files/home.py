"""An OctoBot home: its configuration, its profiles and the settings of one run."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import time
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...core.model.redact import text_of
from ...journal.file import CAMPAIGN_FILE
from ...storage import home_lock, private_files
from . import octobot_keys, profile_shape

DEFAULT_HOME = pathlib.Path(".octobot")
"""The home of a command that names none, in the working folder."""
MODE_CONFIG = pathlib.PurePath("specific_config", "VolumeBoosterTradingMode.json")
KEPT_SUFFIX = ".before_run"
OCTOBOTS_COPY_SUFFIX = ".back"
"""The suffix of OctoBot's own copy of a file, which exists only while it writes the file."""
RUN_FILE = "run.json"
"""Beside the campaign: which profile the last run has selected."""
END_OF_CHILDREN_S = 40.0
"""How long the processes of a launcher that was killed are waited for; they end themselves within 20 s."""
EVERY_PAIR = "*"
"""OctoBot's word for all pairs of an exchange that are quoted in the reference market."""
OFFLINE_EXCHANGE = "offline_exchange"
OFFLINE_EXCHANGES = (OFFLINE_EXCHANGE, "second_offline_exchange")
"""The exchanges of the bundle, which run on this computer."""


_NOTHING = object()


class HomeError(Exception):
    """The home can't be used; the message is one sentence with the reason and the fix."""


WAITING = "waiting for the processes of the last run, which was killed, to end"


def _ignore(_sentence: str) -> None:
    """For who has nobody to say it to."""


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

    def profile_ids(self) -> list[str]:
        """The profiles of this home."""
        return sorted(file.parent.name for file in (self.path / "user" / "profiles").glob("*/profile.json"))

    def check_is_for_runs(self, own_profiles: tuple[str, ...]) -> None:
        """Keep out of an OctoBot that is not ours: whose profile is not of the bundle, and was not selected by a run.

        :raises HomeError: when another profile is selected there.
        """
        chosen = self._selected_profile()
        if chosen in (*own_profiles, _NOTHING) or chosen == self._profile_of_last_run():
            return
        raise HomeError(
            f"{self.path} is an OctoBot of yours with the profile {chosen!r} selected; this command keeps out of "
            "it: choose another --home, or use `volume-booster install --home` to add the mode to it"
        )

    def _selected_profile(self) -> typing.Any:
        """The profile of a configuration that can be read, also of the copy that OctoBot makes while it writes."""
        for file in (self.config, self.config.with_name(self.config.name + OCTOBOTS_COPY_SUFFIX)):
            if _is_readable(file):
                return read_json(file).get("profile")
        return _NOTHING

    def _profile_of_last_run(self) -> typing.Any:
        file = self.campaign.with_name(RUN_FILE)
        return read_json(file).get("profile") if _is_readable(file) else _NOTHING

    @contextlib.contextmanager
    def held(self, command: str, say: Callable[[str], None] = _ignore) -> Iterator[None]:
        """Hold the home until this process and all that it starts meanwhile have ended.

        Where the launcher before was killed, what it had started is waited for, which is said.

        :raises HomeError: when another launcher holds it, naming it; or when it can't be locked.
        """
        holder = home_lock.Holder(os.getpid(), time.time(), command)
        try:
            with contextlib.ExitStack() as stack:
                try:
                    stack.enter_context(
                        home_lock.held(self.campaign.parent, holder, END_OF_CHILDREN_S, lambda: say(WAITING))
                    )
                except OSError as error:
                    raise HomeError(f"the home {self.path} can't be locked: {text_of(error)}") from error
                yield
        except home_lock.HeldError as error:
            raise HomeError(self._who_holds_it(error)) from error

    def _who_holds_it(self, error: home_lock.HeldError) -> str:
        holder = error.holder
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder.since))
        who = f"`volume-booster {holder.command}` (process {holder.process}, since {since})"
        if not holder.process:
            who = "another `volume-booster`"
        if error.is_ending:
            return f"what {who} has started in {self.path} has not ended yet: wait a moment, then start again"
        return (
            f"{who} is using {self.path}: wait until it has ended, end it with `volume-booster stop`, or choose "
            "another --home"
        )

    def restore_interrupted_writes(self) -> None:
        """Restore the files that OctoBot was writing when it was killed, from the copies that it keeps meanwhile.

        Without it OctoBot would start with its default profile, and without the keys of its exchanges. What we had
        begun to write is removed.

        :raises HomeError: when a file can't be written.
        """
        for folder in (self.config.parent, self.campaign.parent, self.campaign.with_name("sandbox")):
            private_files.remove_parts(folder)
        for file in (self.config, *(self.path / "user" / "profiles").glob("*/profile.json")):
            copy = file.with_name(file.name + OCTOBOTS_COPY_SUFFIX)
            if copy.is_file() and not _is_readable(file) and _is_readable(copy):
                write_whole(file, copy.read_bytes())

    def make(self) -> None:
        """:raises HomeError: when the folder is not there and can't be made."""
        if not self.path.parent.is_dir():
            raise HomeError(f"the home {self.path} can't be made: the folder {self.path.parent} does not exist")
        try:
            private_files.make_folder(self.path)
        except OSError as error:
            raise HomeError(f"the home {self.path} can't be made: {error.strerror}") from error

    def close(self) -> None:
        """Take what holds keys and trades from everybody but its owner, also in a home of an older version."""
        for folder in (self.config.parent, self.campaign.parent, self.logs):
            private_files.close_folder(folder)

    def select_profile(self, profile_id: str) -> None:
        """Make OctoBot start with this profile; the rest of its configuration stays as it is."""
        write_json(self.campaign.with_name(RUN_FILE), {"profile": profile_id})
        has_config = self.config.is_file() and self.config.read_bytes().strip()
        before = read_json(self.config) if has_config else new_configuration(profile_id)
        write_json(self.config, before | {"profile": profile_id})

    def use_keys(self, exchange: str, api_key: str, api_secret: str) -> None:
        """Give OctoBot the keys of an exchange, encrypted as it keeps them.

        :raises HomeError: when they can't be written.
        """
        config = read_json(self.config)
        try:
            api_key, api_secret = octobot_keys.encrypted(api_key), octobot_keys.encrypted(api_secret)
        except octobot_keys.UnknownKeyError as error:
            raise HomeError(str(error)) from error
        keys = {"api-key": api_key, "api-secret": api_secret, "sandboxed": False}
        write_json(self.config, config | {"exchanges": {**config.get("exchanges", {}), exchange: keys}})


def new_configuration(profile_id: str) -> dict[str, typing.Any]:
    """OctoBot's configuration for a home that has none: without it OctoBot looks for a default profile and stops."""
    return {
        "profile": profile_id,
        "accepted_terms": False,
        "metrics": {"enabled": False},
        "backtesting": {"files": []},
        "exchanges": {},
        "services": {},
        "notification": {"global-info": True, "price-alerts": True, "trades": False, "notification-type": ["web"]},
    }


def offline_exchanges(config: dict[str, typing.Any]) -> list[str]:
    """The exchanges of this computer that a profile's configuration has enabled."""
    exchanges = config["exchanges"]
    return [name for name in OFFLINE_EXCHANGES if exchanges.get(name, {"enabled": False}).get("enabled", True)]


def profile_config(profile: pathlib.Path) -> dict[str, typing.Any]:
    """The profile's configuration; everything that the commands read of it is there, and has the right form.

    :raises HomeError: when it is missing, or something of it is.
    """
    file = profile / "profile.json"
    if not file.is_file():
        raise HomeError(f"there is no profile {profile.name!r}: {file} is missing")
    content = read_json(file)
    if problem := profile_shape.problem(content):
        raise HomeError(f"the profile {profile.name!r} can't be used: {file}: {problem}")
    config: dict[str, typing.Any] = content["config"]
    return config


def enabled_pairs(config: dict[str, typing.Any]) -> list[str]:
    """The pairs that a profile's configuration trades.

    :raises HomeError: when it leaves them to OctoBot to find.
    """
    currencies = config["crypto-currencies"].values()
    pairs = [str(pair) for one in currencies if one.get("enabled", True) for pair in one.get("pairs", ())]
    if EVERY_PAIR in pairs:
        raise HomeError(
            f"the profile trades every pair ({EVERY_PAIR}) of its exchange: name those that are meant in it"
        )
    return pairs


def check_trades_pairs(config: dict[str, typing.Any]) -> None:
    """:raises HomeError: when the profile trades none, or leaves them to OctoBot to find."""
    if not enabled_pairs(config):
        raise HomeError(
            "the profile trades no pair: enable a currency of it and name its pairs, in OctoBot's web page or in the "
            "profile.json"
        )


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
        _bring_back(kept, file)


def _bring_back(kept: pathlib.Path, file: pathlib.Path) -> None:
    """A home that was removed or put in order meanwhile has nothing to be brought back."""
    try:
        kept.replace(file)
    except FileNotFoundError:
        return
    except OSError as error:
        raise HomeError(f"{file} can't be written: {text_of(error)}") from error


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
    """Replace a file whole, or not at all; only its owner may read it.

    :raises HomeError: when it can't be written.
    """
    try:
        private_files.write_whole(file, content)
    except OSError as error:
        raise HomeError(f"{file} can't be written: {text_of(error)}") from error
