"""Quotes on OctoBot's real trader: post-only, exact after every restart, and never against themselves."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from octobot_volume_booster.adapters import market_data
from octobot_volume_booster.adapters.market_data import Book, NotReadableError
from octobot_volume_booster.adapters.venues import VENUES, support
from octobot_volume_booster.core.model.basics import ExecutionStyle, Side
from octobot_volume_booster.core.model.orders import OpenOrder
from octobot_volume_booster.core.model.snapshot import Level

from ..exchange.faulty_exchange import FaultyExchange, faulty_exchange
from .sandbox_bot import assert_equals_tape, sandbox_bot

pytestmark = pytest.mark.second

PASSIVE: dict[str, Any] = {"order_type": "passive", "deadline": 20, "volume_target": 6_000}
PAIR: dict[str, Any] = {
    "order_type": "pair", "pair_spacing_bps": "0.3", "trade_frequency_min": 1, "trade_frequency_max": 2,
    "volume_target": 4_000,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _a_home_of_its_own(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def exchange() -> AsyncIterator[FaultyExchange]:
    async with faulty_exchange() as faulty:
        yield faulty


@pytest.mark.long
async def test_quotes_reach_the_target_at_the_deadline_and_equal_the_tape(exchange: FaultyExchange) -> None:
    async with sandbox_bot(exchange, **PASSIVE) as bot:
        await bot.until_done(60)
        assert not bot.open_on_exchange()
        assert bot.progress.rejected == 0
        assert_equals_tape(exchange, bot.progress)


@pytest.mark.long
async def test_a_pair_is_made_anew_after_each_fill_and_equals_the_tape(exchange: FaultyExchange) -> None:
    async with sandbox_bot(exchange, **PAIR) as bot:
        await bot.until(lambda: bot.progress.fills >= 3)
        assert len(bot.open_on_exchange()) <= 2
        await bot.finish()
        assert bot.progress.maker_share == 1
        assert_equals_tape(exchange, bot.progress)


@pytest.mark.long
@pytest.mark.parametrize("at_start", ["adopt", "cancel"])
async def test_quotes_that_stand_at_a_restart_are_taken_over_exactly(exchange: FaultyExchange, at_start: str) -> None:
    settings = PASSIVE | {"open_orders_at_start": at_start, "deadline": 30}
    for fills in (1, 3):
        async with sandbox_bot(exchange, **settings) as bot:
            await bot.until(lambda bot=bot, fills=fills: bot.progress.fills >= fills or bot.is_done)
            await bot.until(lambda bot=bot: bool(bot.open_on_exchange()) or bot.is_done)
    async with sandbox_bot(exchange, **settings) as bot:
        await bot.until_done(60)
        assert not bot.open_on_exchange()
        assert bot.progress.filled_quote - bot.progress.target_quote < 10
        assert_equals_tape(exchange, bot.progress)


LEVELS = tuple(Level(Decimal(price), Decimal(2)) for price in (100, 99))
ASKS = tuple(Level(Decimal(price), Decimal(2)) for price in (101, 102))


def own(side: Side, price: int, quantity: int) -> OpenOrder:
    return OpenOrder("ours", side, Decimal(price), Decimal(quantity), 0.0)


def test_own_orders_are_taken_out_of_the_book_at_their_price_and_remaining_quantity() -> None:
    book = Book(LEVELS, ASKS, 7.0)
    ours = [own(Side.BUY, 100, 2), own(Side.SELL, 101, 1), own(Side.SELL, 102, 1), own(Side.SELL, 102, 1)]
    others = market_data.without_own(book, ours, "BTC/USDT", "binance")
    assert others == Book((LEVELS[1],), (Level(Decimal(101), Decimal(1)),), 7.0)
    assert market_data.without_own(book, [], "BTC/USDT", "binance") is book


def test_a_side_on_which_nobody_else_is_has_no_price() -> None:
    ours = [own(Side.BUY, 100, 2), own(Side.BUY, 99, 2)]
    with pytest.raises(NotReadableError, match="has no bids but ours"):
        market_data.without_own(Book(LEVELS, ASKS, 0.0), ours, "BTC/USDT", "binance")


def test_an_exchange_whose_post_only_order_is_not_known_is_refused_in_one_sentence() -> None:
    known = dataclasses.replace(VENUES["binance"], post_only_params={})
    assert "needs post-only orders, and how Binance writes one" in support.style_refusal(known, ExecutionStyle.PASSIVE)
    assert not support.style_refusal(known, ExecutionStyle.LIMIT)
    assert not support.style_refusal(VENUES["binance"], ExecutionStyle.PAIR)
