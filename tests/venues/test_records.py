"""What the mode says of exchanges, and what was tried, are the same."""

from __future__ import annotations

import importlib.util
import pathlib
import typing

import ccxt
import octobot
import pytest

from octobot_volume_booster.adapters.venues import VENUES, Venue, venue_of, working
from octobot_volume_booster.adapters.venues.record import CCXT_OF

from .exchanges import FAKES
from .stand_ins import STAND_INS

PAGES = pathlib.Path(__file__).parents[2] / "docs"


def generator() -> typing.Any:
    spec = importlib.util.spec_from_file_location("make_exchanges", PAGES / "make_exchanges.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_has_the_table_of_what_is_known() -> None:
    page = (PAGES / "exchanges.md").read_text("utf-8")
    assert page == generator().page_with_table(page), "run python docs/make_exchanges.py"


def test_what_is_said_to_work_is_tried_with_a_stand_in() -> None:
    tried = {fake.ccxt_id for fake in FAKES}
    assert {name for name, venue in VENUES.items() if venue.proven} <= tried
    assert tried == set(STAND_INS)


def test_the_page_names_the_ccxt_that_is_tried() -> None:
    line = next(line for line in CCXT_OF if octobot.LONG_VERSION.startswith(line))
    assert ccxt.__version__ == CCXT_OF[line]


@pytest.mark.parametrize("venue", VENUES.values(), ids=lambda one: one.ccxt_id)
def test_ccxt_knows_the_exchange_by_this_id(venue: Venue) -> None:
    assert hasattr(ccxt, venue.ccxt_id) or venue.refused


def test_an_exchange_is_found_by_its_id_only() -> None:
    assert venue_of("binance") is VENUES["binance"]
    assert venue_of("Binance") is None and venue_of("") is None
    assert "Binance" in working()
