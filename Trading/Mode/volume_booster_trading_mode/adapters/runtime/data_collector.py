"""What OctoBot needs to open a backtesting file: a collector class in the process, which default tentacles bring."""

from __future__ import annotations

import typing

import octobot_backtesting.collectors as collectors
import octobot_commons.tentacles_management as tentacles_management

_registered: list[type[typing.Any]] = []
"""Python forgets a class that nobody holds."""


def register() -> None:
    """Where there is no collector bring one: OctoBot asks the first for how a file is read.

    It collects nothing. Beside those of the default tentacles, which are loaded before any trading mode, it would stand
    in the way of them.
    """
    base = collectors.AbstractExchangeHistoryCollector
    if not tentacles_management.get_all_classes_from_parent(base):
        _registered.append(type("VolumeBoosterCandles", (base,), {}))
