"""The exchanges that are checked."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .checked import Checked, CheckedBinance, ready_to_order
from .contract import contract, sources
from .exchanges import FAKES
from .fake_venue import FakeVenue


@pytest.fixture(params=sources())
async def checked(request: pytest.FixtureRequest) -> AsyncIterator[Checked]:
    async with contract(CheckedBinance, request.param) as exchange:
        yield Checked(exchange)


def _name(one: tuple[type[FakeVenue], str]) -> str:
    fake, source = one
    return f"{fake.variant or fake.ccxt_id}-{source}"


@pytest.fixture(params=[(fake, source) for fake in FAKES for source in sources()], ids=_name)
async def any_exchange(request: pytest.FixtureRequest) -> AsyncIterator[Checked]:
    async with ready_to_order(*request.param) as checked:
        yield checked
