"""For all tests: how long it takes to draw an example depends on what else the machine does, and is no failure."""

from __future__ import annotations

import pathlib

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

FOLDER = pathlib.Path(__file__).parent
LONGEST_FIRST = ("e2e", "octobot")
"""The folders of the tests that take longest."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests begin first, so that no worker is left alone with one at the end."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    folder = item.path.relative_to(FOLDER).parts[0]
    if folder == "e2e" or (folder == "octobot" and item.get_closest_marker("long")):
        return LONGEST_FIRST.index(folder)
    return len(LONGEST_FIRST)
