"""The emergency stop and the halts: nothing is sent any more, nothing of ours rests, and a restart changes neither."""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import pathlib
import time
import typing
from collections.abc import AsyncIterator
from decimal import Decimal

import octobot_services.api.notification as notification_api
import octobot_trading.errors as trading_errors
import pytest

from octobot_volume_booster.adapters.exchange_client import RateLimitCooldown
from octobot_volume_booster.core.accounting.ledger import Outcome
from octobot_volume_booster.core.decision.control import EMERGENCY, RESUME
from octobot_volume_booster.journal.file import CAMPAIGN_FILE
from octobot_volume_booster.journal.journal import Journal
from octobot_volume_booster.reporting.report import read_report
from octobot_volume_booster.trading import emergency_stop

from ..exchange.faulty_exchange import THROTTLE_PAUSE_S, FaultyExchange, faulty_exchange
from .conftest import START_PRICE, Bot, MakeBot, new_mode
from .live_bot import QUICK, live_bot, loops, until
from .sandbox_bot import ACCOUNT, LIMIT, SandboxBot, assert_equals_tape, own_orders, sandbox_bot

pytestmark = [pytest.mark.long, pytest.mark.second]

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
    await until(lambda: bot.producer.session.campaign is not None)


async def test_an_emergency_stop_cancels_all_writes_a_report_and_switches_the_mode_off(
    make_bot: MakeBot, notifications: list[typing.Any]
) -> None:
    bot = await live_bot(make_bot, **RESTING)
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.open_orders >= 5)
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
    begun, confirmed = (one for one in notifications if "Emergency stop" in one.text)
    assert "sending has stopped" in begun.text
    assert "open orders are being cancelled" in begun.text
    assert "cancelled and confirmed, none is left" in confirmed.text
    assert begun.level.value == confirmed.level.value == "critical"
    await asyncio.sleep(0.4)
    assert bot.progress.orders == sent


async def test_it_holds_after_a_restart_until_a_person_switches_the_mode_on_and_resumes(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot)
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.fills >= 2)
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
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.open_orders >= 3)
    bot.manager.trader.is_enabled = False
    tell(EMERGENCY)
    await until(is_stopped)
    assert open_on_octobot(bot) == []


async def test_it_works_where_the_loop_hangs(make_bot: MakeBot, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = await live_bot(make_bot, **RESTING)
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.open_orders >= 3)

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
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.fills >= 1)

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
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.open_orders >= 2)
    assert not bot.mode.stopped_strategy_execution()
    await bot.mode.stop_strategy_execution("too much was lost elsewhere")
    await until(is_stopped)
    assert bot.mode.stopped_strategy_execution()
    assert open_on_octobot(bot) == []


async def test_octobots_own_pause_leaves_nothing_in_the_book_and_passes_by_itself(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot, **RESTING)
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.open_orders >= 3)
    bot.manager.trader.is_enabled = False
    await until(lambda: not open_on_octobot(bot))
    sent = bot.progress.orders
    await asyncio.sleep(0.3)
    assert bot.progress.orders == sent
    bot.manager.trader.is_enabled = True
    await until(lambda: bot.progress.orders > sent)


async def test_asked_for_it_trades_the_inventory_back_to_its_start(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot, emergency_flatten=True, min_buy_amount=200, max_buy_amount=300)
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.buys >= 3)
    tell(EMERGENCY)
    await until(is_stopped)
    campaign = bot.producer.session.campaign
    assert campaign is not None
    held, _ = campaign.ledger.drift((bot.producer.exchange_name, bot.mode.symbol))
    assert abs(held) * START_PRICE < 6
    assert "away now" in reports()[0].read_text("utf-8")


async def test_no_task_of_it_survives_a_stop(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot)
    await until(lambda: bot.producer.session.campaign is not None)
    bot.manager.trading_modes.remove(bot.mode)
    await bot.mode.stop()
    await asyncio.sleep(0)
    assert loops() == []
    assert not [task for task in asyncio.all_tasks() if "emergency" in task.get_name()]


async def test_a_halt_outlives_a_restart_and_ends_with_a_resume(make_bot: MakeBot) -> None:
    """Refused orders, one after the other: the same row of failures would halt it again at once if it still counted."""
    settings = {"max_consecutive_failures": 1}
    bot = await live_bot(make_bot, **settings)
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.fills >= 1)

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
    sent, sight = bot.progress.orders, bot.producer.snapshots
    look = sight.snapshot

    async def look_long(*given: typing.Any, **named: typing.Any) -> typing.Any:
        seen = await look(*given, **named)
        sight.snapshot = look  # type: ignore[method-assign]
        tell(RESUME)
        assert bot.producer.session.campaign is not None
        bot.producer.session.campaign.take_commands(bot.producer.session.now(), at_once=True)
        return seen

    sight.snapshot = look_long  # type: ignore[method-assign]
    await until(lambda: bot.progress.orders > sent)


async def test_a_halt_cancels_what_rests(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot, **RESTING, max_price_jump_percent=1)
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.open_orders >= 3)
    bot.set_price(START_PRICE * Decimal("1.02"))
    await until(lambda: "max_price_jump_percent" in bot.mode.get_current_state()[0])
    await until(lambda: not open_on_octobot(bot))


async def test_a_hundred_open_orders_are_gone_and_told_within_five_seconds_under_the_exchanges_throttle(
    exchange: FaultyExchange,
) -> None:
    async with many_orders(exchange, 100) as bot:
        began = Beginning(bot)
        await bot.until(is_stopped)
        assert began.took_s() < 5
        assert began.requests("DELETE *") == ["DELETE /api/v3/openOrders"], "one request for all of them"
        assert began.requests("GET /api/v3/order") == [], "what the exchange has said is not asked for again"
        assert_all_gone(bot, exchange)


async def test_beside_somebody_elses_order_they_are_cancelled_one_by_one_and_that_one_stays(
    exchange: FaultyExchange,
) -> None:
    async with many_orders(exchange, 100) as bot:
        client = bot.manager.exchange.connector.client
        theirs = await client.create_order(bot.mode.symbol, "limit", "buy", 0.001, float(exchange.far_price()))
        began = Beginning(bot)
        await bot.until(is_stopped)
        assert began.took_s() < 5
        assert began.requests("DELETE *") == ["DELETE /api/v3/order"] * 100
        assert_all_gone(bot, exchange)
        (left,) = [order for order in exchange.orders() if order.is_open]
        assert str(left.order_id) == theirs["id"]


async def test_a_fifth_of_the_cancellations_failing_all_are_gone_within_five_seconds(exchange: FaultyExchange) -> None:
    failing = {"times": None, "probability": 0.2, "status": 502, "code": None}
    async with many_orders(exchange, 50) as bot:
        client = bot.manager.exchange.connector.client
        await client.create_order(bot.mode.symbol, "limit", "buy", 0.001, float(exchange.far_price()))
        exchange.script("server_error", requests=["DELETE /api/v3/order"], **failing)
        began = Beginning(bot)
        await bot.until(is_stopped)
        assert began.took_s() < 5
        assert exchange.struck() >= 1
        assert_all_gone(bot, exchange)


async def test_where_the_request_for_all_of_them_fails_they_are_cancelled_one_by_one(exchange: FaultyExchange) -> None:
    async with many_orders(exchange, 20) as bot:
        exchange.script("server_error", requests=["DELETE /api/v3/openOrders"], times=None, status=502, code=None)
        began = Beginning(bot)
        await bot.until(is_stopped)
        assert began.took_s() < 5
        assert began.requests("DELETE *") == ["DELETE /api/v3/openOrders", *["DELETE /api/v3/order"] * 20]
        assert_all_gone(bot, exchange)


async def test_its_requests_go_before_all_that_wait_for_their_turn(exchange: FaultyExchange) -> None:
    async with many_orders(exchange, 10) as bot:
        client = bot.manager.exchange.connector.client
        waiting = [asyncio.create_task(client.fetch_balance()) for _ in range(50)]  # ten seconds of the throttle
        await asyncio.sleep(0)
        began = Beginning(bot)
        await bot.until(is_stopped)
        passed = began.requests().index("DELETE /api/v3/openOrders")
        assert passed <= 5, "the look at the open orders, and what left before a person had stopped it"
        assert not all(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        assert_all_gone(bot, exchange)


async def test_an_order_that_waits_for_its_turn_does_not_leave_after_it(
    exchange: FaultyExchange, caplog: pytest.LogCaptureFixture
) -> None:
    async with sandbox_bot(exchange, volume_target=50_000) as bot:
        order_id = await an_order_that_waits(bot)
        sent = len(own_orders(exchange))
        tell(EMERGENCY)
        await bot.until(lambda: "sending has stopped" in caplog.text)
        bot.throttle(1)
        await bot.until(is_stopped)
        assert len(own_orders(exchange)) == sent
        assert bot.campaign.record(order_id).outcome is Outcome.CANCELLED
        assert_equals_tape(exchange, bot.progress)


async def test_an_order_that_waits_for_its_turn_does_not_leave_once_the_exchange_wants_to_be_left_alone(
    exchange: FaultyExchange,
) -> None:
    async with sandbox_bot(exchange, volume_target=50_000) as bot:
        order_id = await an_order_that_waits(bot)
        sent = len(own_orders(exchange))
        RateLimitCooldown.of(bot.manager).keep(bot.producer.session.now(), 1.0)
        bot.throttle(1)
        await bot.until(lambda: bot.campaign.record(order_id).outcome is Outcome.CANCELLED)
        assert len(own_orders(exchange)) == sent
        await bot.until(lambda: len(own_orders(exchange)) > sent)


async def test_it_goes_on_trying_where_the_exchange_wants_to_be_left_alone_but_seldom(
    exchange: FaultyExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emergency_stop, "AGAIN_WHEN_LIMITED_S", 1.0)
    async with many_orders(exchange, 5) as bot:
        exchange.script("rate_limited", requests=["* /api/v3/*"], times=None, until_ms=2_500, retry_after_s=60)
        began = Beginning(bot)
        await bot.until(lambda: not bot.open_on_exchange())
        assert len(began.requests("GET /api/v3/openOrders")) <= 5, "a few tries, and the one that worked"


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
    async with sandbox_bot(exchange, **LIMIT, max_cost_quote="4", volume_target=50_000) as bot:
        await bot.until(lambda: "of the cost budget of 4.00" in bot.mode.get_current_state()[0])
        await bot.until(lambda: not bot.progress.open_orders)
        assert bot.progress.cost_quote <= Decimal(4)
        sent = bot.progress.orders
        tell(RESUME)
        await bot.until(lambda: bot.progress.orders > sent)


def octobot_has_taken_in(bot: SandboxBot, count: int) -> bool:
    """Until then OctoBot asks after each order by itself."""
    orders = bot.manager.exchange_personal_data.orders_manager.get_open_orders()
    return len(orders) == count and not any(order.is_refreshing() or order.is_pending_creation() for order in orders)


@contextlib.asynccontextmanager
async def many_orders(exchange: FaultyExchange, count: int) -> AsyncIterator[SandboxBot]:
    """A bot with so many orders on the exchange, whose client has the exchange's own throttle from then on."""
    exchange.exchange.limits.orders_per_10s = 1_000
    settings = {**RESTING, "min_buy_amount": 25, "max_buy_amount": 50, "min_sell_amount": 25, "max_sell_amount": 50}
    settings |= {"max_open_orders": count, "max_position_imbalance": 1, "volume_target": 50_000}
    # OctoBot's own look at the open orders would ask after each that it misses
    async with sandbox_bot(exchange, poll_s=600, **settings) as bot:
        await bot.until(lambda: len(bot.open_on_exchange()) == count)
        await bot.until(lambda: octobot_has_taken_in(bot, count))
        bot.throttle(THROTTLE_PAUSE_S * 1_000)
        yield bot


class Beginning:
    """An emergency stop that begins now, and what it has cost since."""

    def __init__(self, bot: SandboxBot) -> None:
        self._asked = bot.exchange.requests
        self._before = len(self._asked)
        self._tries = 0
        executor = bot.producer.executor
        assert executor is not None
        cancel_ours = executor.canceller.cancel_ours

        async def counted(*, at_once: bool) -> int:
            self._tries += 1
            return await cancel_ours(at_once=at_once)

        executor.canceller.cancel_ours = counted  # type: ignore[method-assign]
        tell(EMERGENCY)

    def requests(self, pattern: str = "*") -> list[str]:
        """Method and path of those since then that look so."""
        return fnmatch.filter([asked.route for asked in self._asked[self._before :]], pattern)

    def took_s(self) -> float:
        """What it waits for by itself: the look for the command, the throttle's pauses, the pauses between tries.

        The work of bot and exchange, which share this process here, depends on the machine: a second or two for 100.
        """
        throttled_s = THROTTLE_PAUSE_S * sum(asked.cost for asked in self._asked[self._before :])
        pauses_s = emergency_stop.AGAIN_FIRST_S * (self._tries - 1)  # each try got some further
        return emergency_stop.LOOK_EVERY_S + throttled_s + pauses_s


def assert_all_gone(bot: SandboxBot, exchange: FaultyExchange) -> None:
    assert bot.open_on_exchange() == []
    assert bot.progress.open_orders == 0
    assert bot.producer.own_open_orders() == ()
    assert len(own_orders(exchange)) == bot.progress.orders
    assert len(reports()) == 1
    portfolio = bot.manager.exchange_personal_data.portfolio_manager.portfolio.portfolio
    (balances,) = (account.balances() for account in [exchange.exchange.venue.engine.accounts[ACCOUNT]])
    for asset in ("BTC", "USDT"):
        assert portfolio[asset].available == balances[asset][0], "OctoBot has its balances as the exchange has them"


async def an_order_that_waits(bot: SandboxBot) -> str:
    """An order that is written down and waits in the client's queue to be sent, until it is throttled less."""
    await bot.until(lambda: bot.progress.fills >= 1)
    bot.throttle(2_000)
    orders = bot.progress.orders
    await bot.until(lambda: bot.progress.orders > orders)
    bot.throttle(600_000)
    (order_id,) = bot.campaign.open_order_ids(bot.producer.exchange_name, bot.mode.symbol)
    return order_id


def _held(bot: SandboxBot) -> Decimal:
    return bot.campaign.ledger.drift((bot.producer.exchange_name, bot.mode.symbol))[0]
