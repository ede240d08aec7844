"""For the tests of the core: no OctoBot takes part in them, so they run on one line only."""

from __future__ import annotations

import pathlib

import pytest

FOLDER = pathlib.Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker("second")
