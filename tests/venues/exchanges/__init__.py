"""The exchanges that the contract tests know."""

from __future__ import annotations

from ..fake_venue import FakeVenue
from .binance import FakeBinance
from .bitget import FakeBitget
from .bitmart import FakeBitmart
from .bybit import FakeBybit
from .coinbase import FakeCoinbase
from .cryptocom import FakeCryptocom
from .gateio import FakeGateio, FakeGateioUnified
from .htx import FakeHtx, FakeHuobi
from .hyperliquid import FakeHyperliquid
from .kraken import FakeKraken
from .kucoin import FakeKucoin, FakeKucoinHf
from .mexc import FakeMexc
from .okx import FakeMyOkx, FakeOkx, FakeOkxUs

FAKES: tuple[type[FakeVenue], ...] = (
    FakeBinance,
    FakeBitmart,
    FakeCoinbase,
    FakeCryptocom,
    FakeHyperliquid,
    FakeKraken,
    FakeHtx,
    FakeHuobi,
    FakeKucoin,
    FakeKucoinHf,
    FakeMexc,
    FakeOkx,
    FakeMyOkx,
    FakeOkxUs,
    FakeGateio,
    FakeGateioUnified,
    FakeBitget,
    FakeBybit,
)  # fmt: skip
