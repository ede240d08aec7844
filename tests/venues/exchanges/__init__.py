"""The exchanges that the contract tests know."""

from __future__ import annotations

from ..fake_venue import FakeVenue
from .binance import FakeBinance
from .coinbase import FakeCoinbase
from .kraken import FakeKraken

FAKES: tuple[type[FakeVenue], ...] = (
    FakeBinance,
    FakeCoinbase,
    FakeKraken,
)  # fmt: skip
