"""Every exchange that OctoBot has a class for is known: orders are placed there, or a clause says why not."""

from __future__ import annotations

import os
import pathlib
import re

import ccxt
import pytest

from octobot_volume_booster.adapters.venues import VENUES, not_supported, venue_of, working
from octobot_volume_booster.adapters.venues.record import Venue

from .contract import REAL_TENTACLES_VARIABLE


@pytest.mark.parametrize("venue", not_supported.VENUES, ids=lambda venue: venue.ccxt_id)
def test_an_exchange_that_is_refused_has_a_reason_of_one_clause(venue: Venue) -> None:
    assert venue is VENUES[venue.ccxt_id], "it stands there once"
    assert venue.refused and not venue.refused.endswith(".") and venue.refused[0].islower()
    assert not venue.proven and venue.title not in working()
    assert (venue.ccxt_id in ccxt.exchanges) is (venue.refused != not_supported._GONE)


def test_an_exchange_that_is_named_as_unknown_is_unknown() -> None:
    for ccxt_id in not_supported.UNKNOWN:
        assert ccxt_id not in ccxt.exchanges and venue_of(ccxt_id) is None


@pytest.mark.skipif(not os.environ.get(REAL_TENTACLES_VARIABLE), reason="needs OctoBot's own classes")
def test_every_class_of_octobot_is_known() -> None:
    """hollaex_autofilled takes the name of an exchange from its settings, as the configurable class does."""
    sources = pathlib.Path(os.environ[REAL_TENTACLES_VARIABLE]).glob("*/*_exchange.py")
    name = re.compile(r"def get_name\(cls\):\s+return ['\"](\w+)['\"]")
    names = {found for source in sources for found in name.findall(source.read_text("utf-8"))}
    assert len(names) > 20
    assert not names - set(VENUES)
