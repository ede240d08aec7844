"""For the tests of the core: the long ones run on one line only, as no OctoBot takes part in them."""

from __future__ import annotations

import pathlib

import pytest

FOLDER = pathlib.Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents and item.get_closest_marker("long"):
            item.add_marker("once")
