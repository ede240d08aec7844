"""The emergency stop and the halts: nothing is sent any more, nothing of ours rests, and a restart changes neither."""

from __future__ import annotations

import asyncio
import pathlib
import time
import typing
from collections.abc import AsyncIterator
from decimal import Decimal

import octobot_services.api.notification as notification_api
import octobot_trading.errors as trading_errors
import pytest

from octobot_volume_booster import emergency
from octobot_volume_booster.campaign import CAMPAIGN_FILE
from octobot_volume_booster.core.control import EMERGENCY, RESUME
from octobot_volume_booster.journal import Journal
from octobot_volume_booster.report import read_report

from ..exchange.faulty_exchange import FaultyExchange, faulty_exchange
from .conftest import START_PRICE, Bot, MakeBot, new_mode
from .live_bot import QUICK, live_bot, loops, until
from .sandbox_bot import LIMIT, SandboxBot, own_orders, sandbox_bot

pytestmark = pytest.mark.long

RESTING = {"order_type": "limit", "max_open_orders": 50, "limit_order_timeout": 600, "price_offset_percent": 1}
USER = pathlib.Path("user")
JOURNAL = USER / CAMPAIGN_FILE


@pytest.fixture(autouse=True)
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def notifications(monkeypatch: pytest.MonkeyPatch) -> list[typing.Any]:
    pending: list[typing.Any] = []
    monkeypatch.setattr(notification_api, "pending_notifications", pending)
    return pending


@pytest.fixture
async def exchange() -> AsyncIterator[FaultyExchange]:
    async with faulty_exchange() as faulty:
        yield faulty


def tell(kind: str) -> None:
    """What the command line writes, from outside the bot."""
    journal = Journal.create_or_open(JOURNAL)
    journal.add_command(time.time(), kind)
    journal.close()


def open_on_octobot(bot: Bot) -> list[typing.Any]:
    return list(bot.manager.exchange_personal_data.orders_manager.get_open_orders())


def reports() -> list[pathlib.Path]:
    return sorted(JOURNAL.parent.glob("emergency-*.txt"))


def is_stopped() -> bool:
    report = read_report(JOURNAL)
    return report is not None and report.state == "halted" and "Emergency stop" in (report.reason or "")


async def restarted(bot: Bot, **settings: typing.Any) -> None:
    """The mode comes up again on the same journal, as after a kill: nothing but the file is left of it."""
    bot.manager.trading_modes.remove(bot.mode)
    await bot.mode.stop()
    bot.mode = await new_mode(bot.manager, QUICK | settings)
    bot.manager.trading_modes.append(bot.mode)
    await until(lambda: bot.producer.campaign is not None)


async def test_an_emergency_stop_cancels_all_writes_a_report_and_switches_the_mode_off(
    make_bot: MakeBot, notifications: list[typing.Any]
) -> None:
    bot = await live_bot(make_bot, **RESTING)
    await until(lambda: bot.producer.campaign is not None and bot.progress.open_orders >= 5)
    tell(EMERGENCY)
    await until(is_stopped)
    assert open_on_octobot(bot) == []
    assert bot.progress.open_orders == 0
    sent = bot.progress.orders
    assert not bot.settings.enable_volume_booster
    (report,) = reports()
    text = report.read_text("utf-8")
    assert "open orders are cancelled and confirmed, none is left" in text
    assert "volume-booster resume" in text
    critical = [one for one in notifications if "Emergency stop" in one.text]
    assert len(critical) == 1
    assert critical[0].level.value == "critical"
    await asyncio.sleep(0.4)
    assert bot.progress.orders == sent


async def test_it_holds_after_a_restart_until_a_person_switches_the_mode_on_and_resumes(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot)
    await until(lambda: bot.producer.campaign is not None and bot.progress.fills >= 2)
    tell(EMERGENCY)
    await until(is_stopped)
    sent = bot.progress.orders
    await restarted(bot)
    await until(is_stopped)
    assert bot.progress.orders == sent
    tell(RESUME)
    await restarted(bot)
    await until(lambda: bot.progress.orders > sent)


async def test_it_works_where_octobots_trader_is_disabled(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot, **RESTING)
    await until(lambda: bot.producer.campaign is not None and bot.progress.open_orders >= 3)
    bot.manager.trader.is_enabled = False
    tell(EMERGENCY)
    await until(is_stopped)
    assert open_on_octobot(bot) == []


async def test_it_works_where_the_loop_hangs(make_bot: MakeBot, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = await live_bot(make_bot, **RESTING)
    await until(lambda: bot.producer.campaign is not None and bot.progress.open_orders >= 3)

    async def hang() -> float:
        await asyncio.sleep(3_600)
        return 0.0

    monkeypatch.setattr(bot.producer, "tick", hang)
    tell(EMERGENCY)
    await until(is_stopped)
    assert open_on_octobot(bot) == []


async def test_the_buttons_of_the_web_page_pause_resume_and_stop(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot)
    assert {"Pause", "Resume", "Emergency stop"} <= set(bot.mode.get_user_commands())
    await until(lambda: bot.producer.campaign is not None and bot.progress.fills >= 1)

    async def press(button: str) -> None:
        await bot.mode.user_commands_callback(bot.manager.bot_id, bot.mode.get_name(), button, {})

    await press("Pause")
    await until(lambda: bot.mode.get_current_state()[0].startswith("Paused: "))
    sent = bot.progress.orders
    await press("Resume")
    await until(lambda: bot.progress.orders > sent)
    await press("Emergency stop")
    await press("Emergency stop")
    await until(is_stopped)
    assert len(reports()) == 1


async def test_octobot_that_stops_the_strategy_gets_an_emergency_stop(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot, **RESTING)
    await until(lambda: bot.producer.campaign is not None and bot.progress.open_orders >= 2)
    assert not bot.mode.stopped_strategy_execution()
    await bot.mode.stop_strategy_execution("too much was lost elsewhere")
    await until(is_stopped)
    assert bot.mode.stopped_strategy_execution()
    assert open_on_octobot(bot) == []


async def test_octobots_own_pause_leaves_nothing_in_the_book_and_passes_by_itself(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot, **RESTING)
    await until(lambda: bot.producer.campaign is not None and bot.progress.open_orders >= 3)
    bot.manager.trader.is_enabled = False
    await until(lambda: not open_on_octobot(bot))
    sent = bot.progress.orders
    await asyncio.sleep(0.3)
    assert bot.progress.orders == sent
    bot.manager.trader.is_enabled = True
    await until(lambda: bot.progress.orders > sent)


async def test_asked_for_it_trades_the_inventory_back_to_its_start(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot, emergency_flatten=True, min_buy_amount=200, max_buy_amount=300)
    await until(lambda: bot.producer.campaign is not None and bot.progress.buys >= 3)
    tell(EMERGENCY)
    await until(is_stopped)
    campaign = bot.producer.campaign
    assert campaign is not None
    held, _ = campaign.ledger.drift((bot.producer.exchange_name, bot.mode.symbol))
    assert abs(held) * START_PRICE < 6
    assert "away now" in reports()[0].read_text("utf-8")


async def test_no_task_of_it_survives_a_stop(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot)
    await until(lambda: bot.producer.campaign is not None)
    bot.manager.trading_modes.remove(bot.mode)
    await bot.mode.stop()
    await asyncio.sleep(0)
    assert loops() == []
    assert not [task for task in asyncio.all_tasks() if "emergency" in task.get_name()]


async def test_a_halt_outlives_a_restart_and_ends_with_a_resume(make_bot: MakeBot) -> None:
    """Refused orders, one after the other: the same row of failures would halt it again at once if it still counted."""
    settings = {"max_consecutive_failures": 1}
    bot = await live_bot(make_bot, **settings)
    await until(lambda: bot.producer.campaign is not None and bot.progress.fills >= 1)

    async def refuse(*_: object, **__: object) -> None:
        raise trading_errors.MissingFunds("too poor")

    trader, create_order = bot.manager.trader, bot.manager.trader.create_order
    trader.create_order = refuse
    await until(lambda: "max_consecutive_failures is 1" in bot.mode.get_current_state()[0])
    trader.create_order = create_order
    sent = bot.progress.orders
    await restarted(bot, **settings)
    await until(lambda: "max_consecutive_failures is 1" in bot.mode.get_current_state()[0])
    report = read_report(JOURNAL)
    assert report is not None
    assert report.state == "halted"
    assert bot.progress.orders == sent
    tell(RESUME)
    await until(lambda: bot.progress.orders > sent)


async def test_a_resume_while_the_market_is_looked_at_is_not_undone_by_what_was_seen_before(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot, max_cost_quote=1)
    await until(lambda: "of the cost budget of 1.00" in bot.mode.get_current_state()[0])
    sent, sight = bot.progress.orders, bot.producer.sight
    look = sight.view

    async def look_long(*given: typing.Any, **named: typing.Any) -> typing.Any:
        seen = await look(*given, **named)
        sight.view = look  # type: ignore[method-assign]
        tell(RESUME)
        assert bot.producer.campaign is not None
        bot.producer.campaign.take_commands(bot.producer.now(), at_once=True)
        return seen

    sight.view = look_long  # type: ignore[method-assign]
    await until(lambda: bot.progress.orders > sent)


async def test_a_halt_cancels_what_rests(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot, **RESTING, max_price_jump_percent=1)
    await until(lambda: bot.producer.campaign is not None and bot.progress.open_orders >= 3)
    bot.set_price(START_PRICE * Decimal("1.02"))
    await until(lambda: "max_price_jump_percent" in bot.mode.get_current_state()[0])
    await until(lambda: not open_on_octobot(bot))


async def test_fifty_open_orders_and_a_fifth_of_the_cancellations_failing_all_are_gone_within_five_seconds(
    exchange: FaultyExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {**RESTING, "min_buy_amount": 25, "max_buy_amount": 50, "min_sell_amount": 25, "max_sell_amount": 50}
    async with sandbox_bot(exchange, **settings, max_position_imbalance=1) as bot:
        await bot.until(lambda: len(bot.open_on_exchange()) == 50)
        exchange.script(
            "server_error", requests=["DELETE /api/v3/order"], times=None, probability=0.2, status=502, code=None
        )
        rounds, worked_s = _counted(bot.producer.execution, "cancel_each", monkeypatch), time.process_time()
        tell(EMERGENCY)
        await bot.until(lambda: not bot.open_on_exchange())
        pauses_s = sum(emergency.AGAIN_FIRST_S * 1.5**number for number in range(len(rounds) - 1))
        worked_s = time.process_time() - worked_s  # of the bot and the exchange, which share this process
        assert emergency.LOOK_EVERY_S + pauses_s + worked_s < 5, "whatever else the machine does meanwhile"
        await bot.until(is_stopped)
        assert exchange.struck() >= 1
        assert bot.progress.open_orders == 0
        sent = len(own_orders(exchange))
        assert sent == bot.progress.orders
        assert len(reports()) == 1
        await asyncio.sleep(0.5)
        assert len(own_orders(exchange)) == sent


async def test_stopped_from_the_web_page_nothing_rests_on_the_exchange_until_it_is_started(
    exchange: FaultyExchange,
) -> None:
    settings = {**RESTING, "min_buy_amount": 25, "max_buy_amount": 50, "min_sell_amount": 25, "max_sell_amount": 50}
    settings |= {"max_open_orders": 8, "max_position_imbalance": 1}
    async with sandbox_bot(exchange, **settings) as bot:
        await bot.until(lambda: len(bot.open_on_exchange()) == 8)
        exchange.script(
            "server_error", requests=["DELETE /api/v3/order"], times=None, probability=0.2, status=502, code=None
        )
        await bot.mode.user_commands_callback(bot.manager.bot_id, bot.mode.get_name(), "Stop", {})
        await bot.until(lambda: not bot.open_on_exchange() and not bot.progress.open_orders)
        sent = len(own_orders(exchange))
        await asyncio.sleep(0.5)
        assert len(own_orders(exchange)) == sent
        await bot.mode.user_commands_callback(bot.manager.bot_id, bot.mode.get_name(), "Start", {})
        await bot.until(lambda: len(own_orders(exchange)) > sent)


async def test_in_the_sandbox_it_brings_the_inventory_back(exchange: FaultyExchange) -> None:
    async with sandbox_bot(exchange, emergency_flatten=True, volume_target=50_000) as bot:
        await bot.until(lambda: abs(_held(bot)) * 60_000 > 400)
        tell(EMERGENCY)
        await bot.until(is_stopped)
        assert abs(_held(bot)) * 60_000 < 7
        assert exchange.exchange.venue.engine.self_matches == 0


async def test_in_the_sandbox_a_halt_and_its_resume_go_by_the_exchanges_record(exchange: FaultyExchange) -> None:
    async with sandbox_bot(exchange, **LIMIT, max_cost_quote="1.6", volume_target=50_000) as bot:
        await bot.until(lambda: "of the cost budget of 1.60" in bot.mode.get_current_state()[0])
        await bot.until(lambda: not bot.progress.open_orders)
        assert bot.progress.cost_quote <= Decimal("1.6")
        sent = bot.progress.orders
        tell(RESUME)
        await bot.until(lambda: bot.progress.orders > sent)


def _counted(owner: typing.Any, name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each call of a method from now on."""
    calls: list[str] = []
    method = getattr(owner, name)

    def called(*given: typing.Any) -> typing.Any:
        calls.append(name)
        return method(*given)

    monkeypatch.setattr(owner, name, called)
    return calls


def _held(bot: SandboxBot) -> Decimal:
    return bot.campaign.ledger.drift((bot.producer.exchange_name, bot.mode.symbol))[0]
