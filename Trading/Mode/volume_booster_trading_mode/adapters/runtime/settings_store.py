"""The settings in use: read whole, corrected where that is harmless, written back, and noticed when they change."""

from __future__ import annotations

import pathlib
import stat
import typing
from collections.abc import Callable

import octobot_tentacles_manager.api as tentacles_manager_api
import octobot_tentacles_manager.configuration as tentacles_configuration

from ...core.model.redact import text_of
from ...core.model.snapshot import MarketSnapshot
from ...core.settings import corrections
from ...core.settings.presets import decided_by
from ...core.settings.schema import Settings, SettingsError, is_readable_true, parse_settings, without_octobot_keys

Config = dict[str, typing.Any]
_CONSENTS = ("enable_volume_booster", "i_accept_real_trading")
"""The settings without which no order is placed."""
LARGEST_FILE = 1_000_000
"""Bytes; settings are a few thousand."""
_BROKEN = (OSError, ValueError, TypeError, AttributeError, RecursionError)
"""What OctoBot raises of a file that is missing, no JSON, no JSON object, or nested too deep."""


class LiveSettings:
    """The settings of one trading mode, and the file in the profile that OctoBot keeps them in.

    `current` is None, with the `problems` that say why, until a configuration can be used. One that can't be used later
    leaves the settings in use as they are, except for the consents: what it does not plainly give is withdrawn. Its
    `problems` stand until it is fixed.

    :param is_kept: whether changes of the file are taken up, and ours are written to it; a backtest does neither.
    :param tell: is told in a sentence when the file could not be written.
    """

    def __init__(
        self, tentacles_setup_config: typing.Any, tentacle_class: type, tell: Callable[[str], None], *, is_kept: bool
    ) -> None:
        self.current: Settings | None = None
        self.problems: list[str] = []
        self._setup_config = tentacles_setup_config
        self._class = tentacle_class
        self._tell = tell
        self._is_kept = is_kept and tentacles_setup_config is not None
        self._seen: bytes | str | None = None
        self._had_file = False

    def load(self) -> Config | None:
        """What is configured now; None, with the consents withdrawn, when that can't be read.

        The file as it is before it is read is what counts as read: a change that comes meanwhile is noticed later.
        """
        self._seen = self._content()
        self._had_file = self._had_file or self._seen is not None
        if self._had_file and not isinstance(self._seen, bytes):
            self._can_not_read(self._seen or "it is gone")
            return None
        try:
            config = tentacles_manager_api.get_tentacle_config(self._setup_config, self._class)
        except _BROKEN as error:
            self._can_not_read(text_of(error))
            return None
        return config if self.is_object(config) else None

    def is_object(self, config: typing.Any) -> bool:
        """Whether a configuration is a JSON object, as it has to be; if not, the consents are withdrawn."""
        if not isinstance(config, dict):
            self._can_not_read(f"it is no JSON object, but {'nothing' if config is None else type(config).__name__}")
        return isinstance(config, dict)

    def _can_not_read(self, why: str) -> None:
        unread = dict.fromkeys(_CONSENTS)
        self.problems = [f"the settings file can't be read: {why}", *self._withdraw(unread)]

    def read(self, config: Config) -> list[str]:
        """Take up a configuration; a sentence for each setting that was corrected, in it and in the file."""
        own = without_octobot_keys(config)
        corrected, sentences = corrections.swap_inverted_ranges(own)
        try:
            self.current, self.problems = parse_settings(corrected), []
        except SettingsError as error:
            self.problems = [*error.problems, *self._withdraw(own)]
            return []
        used = self.current.to_config()
        decided = {key: used[key] for key in decided_by(self.current.preset)}
        wanted = {**corrected, **decided}
        self._write_back(config, {key: value for key, value in wanted.items() if own.get(key) != value})
        return sentences

    def _withdraw(self, unusable: Config) -> list[str]:
        """What is not plainly on is off at once, also where something else in the configuration is what is wrong.

        A sentence for each consent that is withdrawn though nobody has said that it is off.
        """
        if self.current is None:
            return []
        used, defaults = self.current.to_config(), Settings().to_config()
        told = {key: unusable.get(key, defaults[key]) for key in _CONSENTS}
        off = [key for key in _CONSENTS if used[key] and not is_readable_true(told[key])]
        self.current = self.current.model_copy(update=dict.fromkeys(off, False))
        return [f"{key} counts as off until it can be read as true" for key in off if told[key] is not False]

    def raise_to_minimum(self, config: Config, snapshot: MarketSnapshot) -> list[str]:
        """Raise amounts that the exchange does not accept, in the configuration and the file; a sentence for each."""
        assert self.current is not None
        minimum = snapshot.rules.min_order_notional(snapshot.mid_price) * snapshot.valuation.quote_rate
        if not corrections.is_below(self.current, minimum):
            return []
        before = self.current.to_config()
        self.current, sentences = corrections.raise_to_minimum(self.current, minimum)
        if sentences:
            used = self.current.to_config()
            self._write_back(config, {key: value for key, value in used.items() if before[key] != value})
        return sentences

    def disable(self, config: Config) -> None:
        """Switch the mode off, in the configuration and, if it can be written, in the file, until a person switches it
        on again."""
        if self.current is not None:
            self.current = self.current.model_copy(update={"enable_volume_booster": False})
        self._write_back(config, {"enable_volume_booster": False})

    def is_file_as_read(self) -> bool:
        """Whether the file is as it was when it was read last. It is compared whole: times of files can be equal."""
        return self._content() == self._seen

    def _write_back(self, config: Config, changes: Config) -> None:
        """With OctoBot's own API, so that its form shows what is used.

        What a person has changed in the file since it was read stays in it, and is still to be taken up.
        """
        config.update(changes)
        if not changes or not self._is_kept:
            return
        try:
            is_as_read = self.is_file_as_read()
            tentacles_manager_api.update_tentacle_config(self._setup_config, self._class, changes)
            if is_as_read:
                self._seen = self._content()
        except _BROKEN as error:
            self._tell(f"the settings file can't be written: {text_of(error)}")

    def _content(self) -> bytes | str | None:
        """What is in the file; why that can't be told; None where there is none."""
        if not self._is_kept:
            return None
        file = pathlib.Path(
            tentacles_configuration.get_profile_config_specific_file_path(self._setup_config, self._class)
        )
        try:
            found = file.stat()
            if not stat.S_ISREG(found.st_mode):
                return f"{file} is no file"
            return file.read_bytes() if found.st_size <= LARGEST_FILE else f"{file} is larger than {LARGEST_FILE} bytes"
        except FileNotFoundError:
            return None
        except OSError as error:
            return text_of(error)
