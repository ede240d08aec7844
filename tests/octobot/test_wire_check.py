"""An order that would leave otherwise than decided does not leave, and the market halts until a person has looked."""

from __future__ import annotations

import pathlib
import time
import typing
from collections.abc import AsyncIterator

import ccxt.async_support as ccxt
import pytest

from octobot_volume_booster.adapters.venues import VENUES
from octobot_volume_booster.core.decision.control import RESUME
from octobot_volume_booster.journal.journal import Journal

from ..exchange.faulty_exchange import FaultyExchange, faulty_exchange
from .sandbox_bot import assert_equals_tape, journal_path, own_orders, sandbox_bot


@pytest.fixture(autouse=True)
def _a_home_of_its_own(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def exchange() -> AsyncIterator[FaultyExchange]:
    async with faulty_exchange() as faulty:
        yield faulty


async def test_an_order_that_was_changed_halts_the_market_with_both_values(
    exchange: FaultyExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = ccxt.binance.create_order

    async def multiplied(
        client: typing.Any, symbol: str, kind: str, side: str, amount: float, *rest: typing.Any
    ) -> typing.Any:
        return await create(client, symbol, kind, side, amount * 60, *rest)

    monkeypatch.setattr(ccxt.binance, "create_order", multiplied)
    async with sandbox_bot(exchange) as bot:
        source = bot.producer.session.source
        await bot.until(lambda: bot.campaign.halt_of(source) is not None)
        halt = bot.campaign.halt_of(source)
        assert halt is not None and halt.guard == "wire_check" and "instead of" in halt.reason
        assert not own_orders(exchange) and not bot.progress.open_orders and not bot.progress.filled_quote

        monkeypatch.setattr(ccxt.binance, "create_order", create)
        journal = Journal.create_or_open(journal_path())
        journal.add_command(time.time(), RESUME)
        journal.close()
        await bot.until_done()
        assert_equals_tape(exchange, bot.progress)


async def test_an_exchange_that_was_not_tried_gets_no_order(
    exchange: FaultyExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(VENUES, "binance")
    async with sandbox_bot(exchange) as bot:
        await bot.until(lambda: bot.campaign.reason_of(bot.producer.session.source) is not None)
        reason = bot.campaign.reason_of(bot.producer.session.source)
        assert reason is not None and "no orders are placed on offline_exchange" in reason[1]
        assert "Orders are placed on: " in reason[1] and "Kraken" in reason[1]
        assert not own_orders(exchange)


async def test_an_order_that_octobot_creates_in_another_way_halts_the_market_and_counts(
    exchange: FaultyExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has left unchecked: that nothing was sent is not said, and what it has traded is in the ledger."""
    async with sandbox_bot(exchange) as bot:
        at_octobot = bot.manager.exchange
        create = type(at_octobot).create_order

        async def beside(*arguments: typing.Any, **named: typing.Any) -> typing.Any:
            watched = at_octobot.connector.client.fetch
            monkeypatch.setattr(at_octobot.connector.client, "fetch", watched.unwatched)
            try:
                return await create(at_octobot, *arguments, **named)
            finally:
                at_octobot.connector.client.fetch = watched

        beside.of_others = beside  # type: ignore[attr-defined]
        monkeypatch.setattr(at_octobot, "create_order", beside)
        source = bot.producer.session.source
        await bot.until(lambda: bot.campaign.halt_of(source) is not None)
        halt = bot.campaign.halt_of(source)
        assert halt is not None and halt.guard == "wire_check" and "was not checked" in halt.reason
        await bot.until(lambda: bot.progress.fills > 0 and not bot.progress.open_orders)
        assert bot.progress.rejected == 0
        (placed,) = exchange.orders()
        assert bot.progress.filled_quote == placed.executed_quote
