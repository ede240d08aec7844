"""What of OctoBot's futures this mode trades, what it refuses and why, and how an emergency ends."""

from __future__ import annotations

import contextlib
import types
import typing
from collections.abc import AsyncIterator
from decimal import Decimal

import octobot_trading.enums as trading_enums
import pytest

from octobot_volume_booster.adapters import futures_data, market_data
from octobot_volume_booster.core.decision.control import EMERGENCY
from octobot_volume_booster.core.model.basics import Side
from octobot_volume_booster.core.model.snapshot import Level
from octobot_volume_booster.journal.journal import HALT, WAIT
from octobot_volume_booster.trading.executor import HALTED_LOOK_S

from .conftest import START_PRICE, Bot
from .futures_bot import INVERSE, LINEAR, futures_bot, load_contract, position
from .futures_bot import KINDS as CONTRACT_TYPES

KINDS = pytest.mark.parametrize("symbol", [LINEAR, INVERSE])


@pytest.fixture
async def stack() -> AsyncIterator[contextlib.AsyncExitStack]:
    async with contextlib.AsyncExitStack() as entered:
        yield entered


def reason(bot: Bot) -> tuple[str, str]:
    assert bot.producer.session.campaign is not None
    told = bot.producer.session.campaign.reason_of(bot.producer.session.source)
    assert told is not None
    return told


def real_manager(symbol: str) -> typing.Any:
    """As much of an exchange manager with a real trader as a refusal looks at."""
    exchange = types.SimpleNamespace(pair_contracts={})
    trader = types.SimpleNamespace(simulate=False)
    return types.SimpleNamespace(exchange_name="binance", is_future=True, trader=trader, exchange=exchange)


@pytest.mark.parametrize("version", ["2.0.16", "2.1.0", "2.1.1"])
def test_where_octobot_fails_at_every_real_fill_real_futures_are_refused_with_what_works(version: str) -> None:
    told = futures_data.refusal(real_manager(LINEAR), LINEAR, version)
    assert told.startswith(f"OctoBot {version} fails at every fill of its real trader on futures")
    assert "use OctoBot 2.0.15 (Python 3.10 or 3.11), or the trader simulator" in told


@pytest.mark.parametrize("version", ["2.0.15", "3.0.0-beta2", "3.0.0"])
def test_where_octobot_fills_them_they_are_not(version: str) -> None:
    assert not futures_data.refusal(real_manager(LINEAR), LINEAR, version)


def test_a_contract_that_stands_for_a_hundred_is_never_split() -> None:
    """OctoBot's quantities of BTCUSD_PERP are in USD, and one contract is 100 of them."""
    manager = real_manager(INVERSE)
    market = {"contractSize": 100.0}
    manager.exchange.connector = types.SimpleNamespace(client=types.SimpleNamespace(market=lambda symbol: market))
    size = futures_data.contract_size(manager, INVERSE)
    levels = (Level(Decimal(60_000), Decimal(7)),)
    assert futures_data.in_octobot_quantities(levels, size) == (Level(Decimal(60_000), Decimal(700)),)


async def test_simulated_futures_are_refused_on_no_line(stack: contextlib.AsyncExitStack) -> None:
    bot = await futures_bot(stack, LINEAR)
    for version in ("2.0.15", "2.0.16", "2.1.1", "3.0.0"):
        assert not futures_data.refusal(bot.manager, LINEAR, version)


async def test_the_hedge_mode_is_refused(stack: contextlib.AsyncExitStack) -> None:
    bot = await futures_bot(stack, LINEAR)
    load_contract(bot.manager, LINEAR, position_mode=trading_enums.PositionMode.HEDGE)
    assert await bot.tick() == HALTED_LOOK_S
    kind, told = reason(bot)
    assert kind == HALT
    assert "hedge_mode position mode (BTC/USDT:USDT) is not supported" in told
    assert told.endswith("switch binance to the one-way position mode, in its own settings")
    assert bot.trades() == []


async def test_a_spot_pair_is_refused_where_octobot_trades_futures(stack: contextlib.AsyncExitStack) -> None:
    bot = await futures_bot(stack, LINEAR)
    told = futures_data.refusal(bot.manager, "BTC/USDT")
    assert told.startswith("BTC/USDT is no contract, and OctoBot trades futures on binance: name one")


@KINDS
async def test_a_contract_that_octobot_takes_for_another_kind_is_refused(
    stack: contextlib.AsyncExitStack, symbol: str
) -> None:
    """Sizes, fees and margin would be those of the other kind."""
    bot = await futures_bot(stack, symbol)
    other = LINEAR if symbol == INVERSE else INVERSE
    load_contract(bot.manager, symbol, contract_type=CONTRACT_TYPES[other])
    await bot.tick()
    kind, told = reason(bot) or ("", "")
    assert kind == HALT
    assert f"OctoBot takes {symbol} on binance for {'a linear' if symbol == INVERSE else 'an inverse'} contract" in told
    assert not bot.trades()


async def test_a_contract_that_is_not_loaded_yet_is_waited_for(stack: contextlib.AsyncExitStack) -> None:
    bot = await futures_bot(stack, LINEAR)
    del bot.manager.exchange.pair_contracts[LINEAR]
    await bot.tick()
    assert reason(bot) == (WAIT, "OctoBot has not loaded the contract BTC/USDT:USDT of binance yet")


async def test_a_leverage_beyond_the_contract_is_refused_and_another_one_is_set(
    stack: contextlib.AsyncExitStack,
) -> None:
    bot = await futures_bot(stack, LINEAR, leverage=20)
    load_contract(bot.manager, LINEAR, maximum_leverage=Decimal(10))
    await bot.tick()
    assert reason(bot) == (HALT, "leverage 20 is above the most that BTC/USDT:USDT on binance allows, 10: lower it")
    bot.manager.exchange.pair_contracts[LINEAR].maximum_leverage = Decimal(20)
    await bot.tick()
    assert bot.manager.exchange.pair_contracts[LINEAR].current_leverage == 20
    assert position(bot).size != 0
    assert position(bot).initial_margin * 20 == abs(position(bot).size) * START_PRICE


@KINDS
async def test_margin_and_position_are_octobots_own(stack: contextlib.AsyncExitStack, symbol: str) -> None:
    bot = await futures_bot(stack, symbol, leverage=4)
    await bot.tick()
    campaign = bot.producer.session.campaign
    assert campaign is not None
    own = campaign.ledger.net_quantity((bot.producer.exchange_name, symbol))
    account = futures_data.read_account(bot.manager, symbol, START_PRICE, own)
    assert account.net_quantity == own == position(bot).size
    assert account.liquidation_price == position(bot).liquidation_price
    asset = bot.manager.exchange_personal_data.portfolio_manager.portfolio.get_currency_portfolio(
        "BTC" if symbol == INVERSE else "USDT"
    )
    assert account.margin_free_quote == asset.available * (START_PRICE if symbol == INVERSE else 1)
    assert market_data.read_rules(bot.manager, symbol).valuation.is_inverse is (symbol == INVERSE)


@KINDS
async def test_an_emergency_stop_closes_the_position_whatever_the_settings_say(
    stack: contextlib.AsyncExitStack, symbol: str
) -> None:
    bot = await futures_bot(stack, symbol, emergency_flatten=False)
    await bot.tick()
    held = position(bot).size
    assert held != 0
    campaign = bot.producer.session.campaign
    assert campaign is not None
    campaign.command(EMERGENCY, bot.producer.session.now())
    assert bot.producer.emergency_stop is not None
    await bot.producer.emergency_stop._look()
    await bot.drain()
    assert position(bot).size == 0
    assert campaign.ledger.net_quantity((bot.producer.exchange_name, symbol)) == 0
    closing = [order for order in bot.trades() if order.side.value == (Side.SELL if held > 0 else Side.BUY).value]
    assert [trade.executed_quantity for trade in closing] == [abs(held)]


async def test_a_position_that_the_simulator_forgot_is_not_brought_back(stack: contextlib.AsyncExitStack) -> None:
    bot = await futures_bot(stack, LINEAR)
    await bot.tick()
    assert position(bot).size != 0
    await position(bot).reset()
    assert bot.producer.snapshots.own_quantity() == 0


async def test_the_position_is_told_where_octobot_shows_the_state(stack: contextlib.AsyncExitStack) -> None:
    bot = await futures_bot(stack, LINEAR, leverage=4)
    await bot.tick()
    await bot.tick()  # it is told as it was at the last look
    sentence, _ = bot.mode.get_current_state()
    assert f"Position {position(bot).size:+f}" in sentence
    assert "liquidation" in sentence
