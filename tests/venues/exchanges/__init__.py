"""The exchanges that the contract tests know."""

from __future__ import annotations

from ..fake_venue import FakeVenue
from .binance import FakeBinance
from .coinbase import FakeCoinbase
from .cryptocom import FakeCryptocom
from .hyperliquid import FakeHyperliquid
from .kraken import FakeKraken

FAKES: tuple[type[FakeVenue], ...] = (
    FakeBinance,
    FakeCoinbase,
    FakeCryptocom,
    FakeHyperliquid,
    FakeKraken,
)  # fmt: skip
