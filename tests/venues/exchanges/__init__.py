"""The exchanges that the contract tests know."""

from __future__ import annotations

from ..fake_venue import FakeVenue
from .binance import FakeBinance
from .bitget import FakeBitget
from .bybit import FakeBybit
from .gateio import FakeGateio, FakeGateioUnified
from .okx import FakeMyOkx, FakeOkx, FakeOkxUs

FAKES: tuple[type[FakeVenue], ...] = (
    FakeBinance,
    FakeOkx,
    FakeMyOkx,
    FakeOkxUs,
    FakeGateio,
    FakeGateioUnified,
    FakeBitget,
    FakeBybit,
)
