"""The settings in use: read whole, put right where that is harmless, written back, and noticed when they change."""

from __future__ import annotations

import pathlib
import typing

import octobot_tentacles_manager.api as tentacles_manager_api
import octobot_tentacles_manager.configuration as tentacles_configuration

from .core import corrections
from .core.market import View
from .core.presets import decided_by
from .core.settings import Settings, SettingsError, parse_settings, without_octobot_keys

Config = dict[str, typing.Any]
_CONSENTS = ("enable_volume_booster", "i_accept_real_trading")
"""The settings without which no order is placed."""


class LiveSettings:
    """The settings of one trading mode, and the file in the profile that OctoBot keeps them in.

    `current` is None, with the `problems` that say why, until a configuration can be used. One that can't be used later
    leaves the settings in use as they are, and its `problems` stand until it is mended. In a test or a backtest there
    is no file: `tentacles_setup_config` is None.
    """

    def __init__(self, tentacles_setup_config: typing.Any, tentacle_class: type) -> None:
        self.current: Settings | None = None
        self.problems: list[str] = []
        self._setup_config = tentacles_setup_config
        self._class = tentacle_class
        self._seen_at = self._changed_at()

    def read(self, config: Config) -> list[str]:
        """Take up a configuration; a sentence for each setting that was put right, in it and in the file."""
        own = without_octobot_keys(config)
        corrected, sentences = corrections.swap_inverted_ranges(own)
        try:
            self.current, self.problems = parse_settings(corrected), []
        except SettingsError as error:
            self.problems = error.problems
            self._withdraw(own)
            return []
        used = self.current.to_config()
        decided = {key: used[key] for key in decided_by(self.current.preset)}
        wanted = {**corrected, **decided}
        self._write_back(config, {key: value for key, value in wanted.items() if own.get(key) != value})
        return sentences

    def _withdraw(self, unusable: Config) -> None:
        """What is switched off is off at once, also where something else in the configuration can't be used."""
        off = {key: False for key in _CONSENTS if unusable.get(key) is False}
        if self.current is not None:
            self.current = self.current.model_copy(update=off)

    def raise_to_minimum(self, config: Config, view: View) -> list[str]:
        """Raise amounts that the exchange does not accept, in the configuration and the file; a sentence for each."""
        assert self.current is not None
        minimum = view.rules.min_order_notional(view.mid_price) * view.valuation.quote_rate
        if not corrections.is_below(self.current, minimum):
            return []
        before = self.current.to_config()
        self.current, sentences = corrections.raise_to_minimum(self.current, minimum)
        if sentences:
            used = self.current.to_config()
            self._write_back(config, {key: value for key, value in used.items() if before[key] != value})
        return sentences

    def disable(self, config: Config) -> None:
        """Switch the mode off, in the configuration and the file: no new order until a person switches it on again."""
        if self.current is not None:
            self.current = self.current.model_copy(update={"enable_volume_booster": False})
        self._write_back(config, {"enable_volume_booster": False})

    def has_file_changed(self) -> bool:
        """Whether somebody has written the file since this was asked last."""
        before, self._seen_at = self._seen_at, self._changed_at()
        return before != self._seen_at

    def _write_back(self, config: Config, changes: Config) -> None:
        """With OctoBot's own API, so that its form shows what is used."""
        config.update(changes)
        if changes and self._setup_config is not None:
            tentacles_manager_api.update_tentacle_config(self._setup_config, self._class, changes)
            self._seen_at = self._changed_at()

    def _changed_at(self) -> int | None:
        if self._setup_config is None:
            return None
        path = tentacles_configuration.get_profile_config_specific_file_path(self._setup_config, self._class)
        try:
            return pathlib.Path(path).stat().st_mtime_ns
        except OSError:
            return None
