"""Nothing ends the loop or the emergency stop silently: it is shown, journaled as a halt, and no order is sent."""

from __future__ import annotations

import asyncio
import pathlib
import time
import typing

import pytest

from octobot_volume_booster.core.decision.control import EMERGENCY
from octobot_volume_booster.reporting.report import read_report

from .conftest import Bot, MakeBot, new_mode
from .live_bot import QUICK, live_bot, until
from .test_life import JOURNAL, bot_with_profile


@pytest.fixture(autouse=True)
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def trading(make_bot: MakeBot, **settings: typing.Any) -> Bot:
    bot = await live_bot(make_bot, **settings)
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.fills >= 1)
    return bot


def state(bot: Bot) -> str:
    return bot.mode.get_current_state()[0]


async def assert_halted_for_good(bot: Bot, why: str) -> None:
    await until(lambda: state(bot).startswith("Halted"))
    assert why in state(bot)
    report = read_report(JOURNAL)
    assert report is not None
    assert report.state == "halted"
    assert why in str(report.reason)
    orders = bot.progress.orders
    await asyncio.sleep(0.4)
    assert bot.progress.orders == orders


async def test_a_loop_that_octobot_cancels_without_stopping_it_is_a_halt(make_bot: MakeBot) -> None:
    bot = await trading(make_bot)
    bot.producer.produce_task.cancel()
    await assert_halted_for_good(bot, "the loop of binance BTC/USDT has ended")


async def test_an_emergency_stop_that_is_gone_is_a_halt(make_bot: MakeBot) -> None:
    """An order that nothing could stop in an emergency is not sent."""
    bot = await trading(make_bot)
    assert bot.producer._emergency is not None
    bot.producer._emergency.cancel()
    await assert_halted_for_good(bot, "the emergency stop of binance BTC/USDT has ended")


async def test_an_error_that_can_not_even_be_logged_is_a_halt(
    make_bot: MakeBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = await trading(make_bot)

    def full(*_: typing.Any, **__: typing.Any) -> None:
        raise RuntimeError("no space is left for logs")

    monkeypatch.setattr(bot.producer.logger, "error", full)
    monkeypatch.setattr(bot.manager.exchange.connector, "get_market_status", full)
    bot.manager.is_backtesting = False
    await assert_halted_for_good(bot, "no space is left for logs")


async def test_a_loop_whose_every_look_fails_says_why_and_goes_on_when_it_can(
    make_bot: MakeBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = await trading(make_bot)

    def broken() -> float:
        raise RuntimeError("the clock is broken")

    bot.manager.exchange.get_exchange_current_time = broken
    await asyncio.sleep(0.3)
    bot.manager.exchange.get_exchange_current_time = time.time
    before = bot.progress.fills
    await until(lambda: bot.progress.fills > before)

    monkeypatch.setattr(bot.manager.exchange.connector, "get_market_status", lambda *_, **__: 1 / 0)
    await until(lambda: not state(bot).startswith("Running"))
    assert "division by zero" in state(bot)


async def test_a_mode_that_can_not_begin_says_so(make_bot: MakeBot, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = await trading(make_bot)
    bot.manager.trading_modes.remove(bot.mode)
    await bot.mode.stop()
    orders_manager = bot.manager.exchange_personal_data.orders_manager
    monkeypatch.setattr(orders_manager, "get_open_orders", lambda *_, **__: 1 / 0)
    bot.mode = await new_mode(bot.manager, dict(QUICK))
    bot.manager.trading_modes.append(bot.mode)
    await assert_halted_for_good(bot, "division by zero")


async def test_an_emergency_stop_cancels_also_where_the_settings_can_not_be_written(
    make_bot: MakeBot, home: pathlib.Path
) -> None:
    bot, profile = await bot_with_profile(make_bot, home, order_type="limit", max_open_orders=2)
    await until(lambda: bot.progress.open_orders == 2)
    profile.file.unlink()
    profile.file.mkdir()
    assert bot.producer.session.campaign is not None
    bot.producer.session.campaign.command(EMERGENCY, time.time())
    await until(lambda: bot.progress.open_orders == 0)
    await until(lambda: "Emergency stop" in state(bot))
    assert not bot.settings.enable_volume_booster
