"""The exchanges that the contract tests know."""

from __future__ import annotations

from ..fake_venue import FakeVenue
from .binance import FakeBinance
from .bitmart import FakeBitmart
from .htx import FakeHtx, FakeHuobi
from .kucoin import FakeKucoin, FakeKucoinHf
from .mexc import FakeMexc

FAKES: tuple[type[FakeVenue], ...] = (
    FakeBinance,
    FakeBitmart,
    FakeHtx,
    FakeHuobi,
    FakeKucoin,
    FakeKucoinHf,
    FakeMexc,
)  # fmt: skip
