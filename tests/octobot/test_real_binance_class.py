"""Whole campaigns through OctoBot's own class of Binance, where its sources are there: only the addresses are ours."""

from __future__ import annotations

import os
import pathlib
import typing
from collections.abc import AsyncIterator
from decimal import Decimal

import ccxt.async_support as ccxt
import pytest

from octobot_volume_booster.offline_exchange.offline_exchange import PORT_VARIABLE, loopback_urls

from ..exchange.faulty_exchange import FaultyExchange, faulty_exchange
from ..venues.contract import REAL_TENTACLES_VARIABLE, real_class
from .sandbox_bot import LIMIT, assert_equals_tape, sandbox_bot

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not os.environ.get(REAL_TENTACLES_VARIABLE), reason=f"{REAL_TENTACLES_VARIABLE} names no folder"
    ),
]
NAME = "local_binance"


@pytest.fixture(autouse=True)
def _a_home_of_its_own(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module", autouse=True)
def _the_class() -> type:
    class LocalBinance(real_class("binance")):  # type: ignore[misc]
        """OctoBot's own, with its addresses turned to this machine."""

        @classmethod
        def get_name(cls) -> str:
            return NAME

        @classmethod
        def get_rest_name(cls, exchange_manager: typing.Any) -> str:
            return "binance"

        @classmethod
        def load_user_inputs_from_class(cls, *_: typing.Any) -> dict[str, typing.Any]:
            return {}

        def get_additional_connector_config(self) -> dict[str, typing.Any]:
            config = super().get_additional_connector_config()
            urls, port = ccxt.binance().describe()["urls"], int(os.environ[PORT_VARIABLE])
            config["urls"] = {
                group: loopback_urls(urls[group], port) for group in ("api", "test", "demo") if group in urls
            }
            # the local exchange has no list of coins and no margin pairs
            config["options"] |= {"fetchCurrencies": False, "fetchMargins": False, "fetchMarkets": {"types": ["spot"]}}
            return typing.cast("dict[str, typing.Any]", config)

    assert LocalBinance.ENABLE_SPOT_BUY_MARKET_WITH_COST
    return LocalBinance


@pytest.fixture
async def exchange() -> AsyncIterator[FaultyExchange]:
    async with faulty_exchange() as faulty:
        yield faulty


async def test_market_orders_are_by_quantity_and_the_ledger_is_the_tape(exchange: FaultyExchange) -> None:
    async with sandbox_bot(exchange, name=NAME) as bot:
        await bot.until_done(180)
        assert_equals_tape(exchange, bot.progress)
        assert Decimal(5_000) <= bot.progress.filled_quote < Decimal(5_010)


async def test_limit_orders_are_the_tape(exchange: FaultyExchange) -> None:
    async with sandbox_bot(exchange, name=NAME, **LIMIT) as bot:
        await bot.until_done(180)
        assert_equals_tape(exchange, bot.progress)
