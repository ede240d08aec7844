"""The mode's configuration file: noticed when it changes, written back when a setting was put right."""

from __future__ import annotations

import pathlib
import typing

import octobot_tentacles_manager.api as tentacles_manager_api
import octobot_tentacles_manager.configuration as tentacles_configuration


class SettingsFile:
    """The file in the profile that OctoBot keeps a mode's configuration in; none in a test or a backtest."""

    def __init__(self, tentacles_setup_config: typing.Any, tentacle_class: type) -> None:
        self._setup_config = tentacles_setup_config
        self._class = tentacle_class
        self._seen_at = self._changed_at()

    def has_changed(self) -> bool:
        """Whether somebody has written it since this was asked last."""
        before, self._seen_at = self._seen_at, self._changed_at()
        return before != self._seen_at

    def update(self, changes: dict[str, typing.Any]) -> None:
        """Write these settings back with OctoBot's own API, so that its form shows what is used."""
        if self._setup_config is not None:
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
