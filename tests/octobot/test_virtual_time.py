"""The clock of a backtest: the same loop, the same orders, at the moments that a live simulation would have had."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import pathlib
import random
import selectors
import typing
import unittest.mock
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest

from octobot_volume_booster.adapters.runtime.backtest_clock import Timetable
from octobot_volume_booster.core.decision.timing.pacing import CLOCK_TOLERANCE_S
from octobot_volume_booster.journal.journal import DONE, GO, WAIT

from .conftest import START_PRICE, START_TIME, SYMBOL, Bot, MakeBot, new_mode, simulated_exchange

pytestmark = pytest.mark.once

MINUTE_S = 60
DELIVERY_EVERY_S = 0.01
SETTINGS: dict[str, typing.Any] = {"seed": 7, "volume_target": 10**7, "max_position_imbalance": 1, "max_price_age": 90}
LIMIT = SETTINGS | {"order_type": "limit", "price_offset_percent": 0.02, "limit_order_timeout": 100}


@dataclass(frozen=True)
class Told:
    """What is known when a candle opens: the last price, and how far the next candle will go."""

    price: Decimal
    low: Decimal
    high: Decimal


def walk(minutes: int) -> list[Told]:
    rng, price, told = random.Random(1), float(START_PRICE), list[Told]()
    for _ in range(minutes):
        points = [price := price * math.exp(rng.gauss(0, 0.0002)) for _ in range(5)]
        told.append(Told(*(Decimal(f"{value:.2f}") for value in (points[0], min(points), max(points)))))
    return told


def tell(bot: Bot, told: Told) -> None:
    """As OctoBot does it in backtesting: the last price, and trades at both ends of the candle that follows."""
    bot.set_price(told.price)
    now = bot.manager.exchange.get_exchange_current_time()
    trades = [{"price": price, "timestamp": now} for price in (told.low, told.high)]
    bot.manager.exchange_symbols_data.get_exchange_symbol_data(SYMBOL).price_events_manager.handle_recent_trades(trades)


def orders_of(bot: Bot) -> list[tuple[typing.Any, ...]]:
    """Side, kind, quantity and price of every order, and its second, in the order in which they were sent."""
    assert bot.producer.session.campaign is not None
    rows = bot.producer.session.campaign._journal._read(
        "SELECT side, order_type, quantity, price, at FROM orders ORDER BY seq"
    )
    return [(*row[:4], round(row[4] - START_TIME, 2)) for row in rows]


class Backtest:
    """Candles, one after the other, as OctoBot's engine hands them to the mode."""

    def __init__(self, bot: Bot, minutes: int) -> None:
        self.bot = bot
        self.clock = bot.manager.backtesting.time_manager
        self.clock.time_interval = MINUTE_S
        self.clock.finishing_timestamp = START_TIME + minutes * MINUTE_S

    async def candle(self, number: int, told: Told) -> None:
        self.clock.set_current_timestamp(START_TIME + number * MINUTE_S)
        tell(self.bot, told)
        manager = self.bot.manager
        await self.bot.producer.ohlcv_callback(manager.exchange_name, manager.id, "Bitcoin", SYMBOL, "1m", [])

    async def play(self, prices: list[Told]) -> None:
        for number, told in enumerate(prices):
            await self.candle(number, told)


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to whatever is due next: the wall clock of a live bot, without the waiting."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._now

    def jump(self, seconds: float) -> None:
        self._now += seconds

    def run_in_executor(self, executor: typing.Any, func: typing.Any, *args: typing.Any) -> typing.Any:
        """What a thread does takes no time either: the clock would jump on while it works."""
        done = self.create_future()
        done.set_result(func(*args))
        return done


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> typing.Any:
        if timeout is None:
            return super().select(None)
        ready = super().select(0)
        if not ready and timeout > 0:
            self._loop.jump(timeout)
        return ready


async def deliver(bot: Bot) -> None:
    """A live bot's channels deliver by themselves."""
    while True:
        await bot.drain()
        await asyncio.sleep(DELIVERY_EVERY_S)


async def live_orders(settings: dict[str, typing.Any], prices: list[Told]) -> list[tuple[typing.Any, ...]]:
    """The orders of the loop that a live simulation runs, on a clock of the wall that jumps."""
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        manager = await simulated_exchange(stack)
        start = loop.time()
        manager.exchange.get_exchange_current_time = lambda: START_TIME + loop.time() - start
        bot = Bot(manager, await new_mode(manager, settings))
        manager.is_backtesting = False
        manager.storage_manager.portfolio_storage = unittest.mock.AsyncMock()  # of a live bot: it has a file
        running: asyncio.Task[None] | None = None
        for number, told in enumerate(prices):
            await asyncio.sleep(START_TIME + number * MINUTE_S - manager.exchange.get_exchange_current_time())
            tell(bot, told)
            if running is None:
                running_channels = asyncio.create_task(deliver(bot))
                # the market is there for a moment when the bot comes up
                await asyncio.sleep(CLOCK_TOLERANCE_S)
                running = asyncio.create_task(bot.producer.start())
        await asyncio.sleep(MINUTE_S - CLOCK_TOLERANCE_S * 2)
        orders = orders_of(bot)
        assert running is not None and not running.done()
        await bot.producer.stop()
        running.cancel()
        running_channels.cancel()
        manager.is_backtesting = True
        return orders


async def backtest_orders(settings: dict[str, typing.Any], prices: list[Told]) -> list[tuple[typing.Any, ...]]:
    async with contextlib.AsyncExitStack() as stack:
        manager = await simulated_exchange(stack)
        bot = Bot(manager, await new_mode(manager, settings))
        manager.trading_modes.append(bot.mode)
        await bot.producer.start()
        await Backtest(bot, len(prices)).play(prices)
        return orders_of(bot)


@pytest.fixture
def jumping_loop() -> Iterator[JumpingLoop]:
    loop = JumpingLoop()
    yield loop
    loop.close()


@pytest.mark.long
@pytest.mark.parametrize("settings", [SETTINGS, LIMIT], ids=["market", "limit"])
def test_a_backtest_and_a_live_simulation_with_the_same_prices_make_the_same_orders(
    jumping_loop: JumpingLoop, settings: dict[str, typing.Any], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    prices = walk(minutes=12)
    live = jumping_loop.run_until_complete(live_orders(settings, prices))
    replayed = jumping_loop.run_until_complete(backtest_orders(settings, prices))
    assert len(live) > 60
    assert replayed == live


async def test_the_ticks_of_a_candle_run_at_their_own_seconds_and_the_clock_is_set_back(make_bot: MakeBot) -> None:
    bot = await make_bot(**SETTINGS)
    backtest = Backtest(bot, minutes=2)
    await backtest.candle(0, Told(START_PRICE, START_PRICE, START_PRICE))
    seconds = [order[-1] for order in orders_of(bot)]
    assert 7 <= len(seconds) <= 30
    assert all(2 <= after - before <= 8.01 for before, after in itertools.pairwise(seconds))
    assert min(seconds) >= 0
    assert max(seconds) < MINUTE_S
    assert backtest.clock.current_timestamp == START_TIME


async def test_nothing_happens_after_the_end_of_the_data(make_bot: MakeBot) -> None:
    bot = await make_bot(**SETTINGS)
    backtest = Backtest(bot, minutes=1)
    await backtest.candle(1, Told(START_PRICE, START_PRICE, START_PRICE))
    assert orders_of(bot) == []


async def test_a_price_is_not_old_while_the_data_can_tell_no_newer_one_and_is_when_they_should(
    make_bot: MakeBot,
) -> None:
    bot = await make_bot(**SETTINGS | {"max_price_age": 10})
    backtest = Backtest(bot, minutes=5)
    await backtest.candle(0, Told(START_PRICE, START_PRICE, START_PRICE))
    assert max(order[-1] for order in orders_of(bot)) > 40
    sent = len(orders_of(bot))
    # the price that is due at the second minute does not come
    backtest.clock.set_current_timestamp(START_TIME + 2 * MINUTE_S)
    await bot.producer.ohlcv_callback("", "", "", "", "", [])
    assert len(orders_of(bot)) == sent
    campaign = bot.producer.session.campaign
    assert campaign is not None and (campaign.reason_of(bot.producer.session.source) or ("", ""))[0] == WAIT


async def test_a_daily_target_that_is_reached_begins_anew_with_the_first_candle_of_the_next_day(
    make_bot: MakeBot,
) -> None:
    bot = await make_bot(seed=7, volume_target=300, target_period="daily")
    backtest = Backtest(bot, minutes=10**6)
    midnight = int((START_TIME // 86_400 + 1) * 86_400)
    until_midnight = int((midnight - START_TIME) // MINUTE_S) + 1
    told = Told(START_PRICE, START_PRICE, START_PRICE)
    await backtest.candle(0, told)
    await backtest.candle(1, told)
    campaign = bot.producer.session.campaign
    assert campaign is not None and (campaign.reason_of(bot.producer.session.source) or ("", ""))[0] == DONE
    sent = len(orders_of(bot))
    await backtest.candle(until_midnight, told)
    assert len(orders_of(bot)) > sent
    assert (campaign.reason_of(bot.producer.session.source) or ("", ""))[0] in (GO, DONE)


class Loop:
    """A loop of a backtest that only notes when it was asked to decide."""

    is_woken = is_at_rest = is_finished = False

    def __init__(self, name: str, every_s: float, ticks: list[tuple[float, str]], bot: Bot) -> None:
        self.exchange_manager = bot.manager
        self.name, self.every_s, self.ticks = name, every_s, ticks

    async def timed_tick(self) -> float:
        self.ticks.append((self.exchange_manager.exchange.get_exchange_current_time() - START_TIME, self.name))
        return self.every_s


async def test_the_loops_of_several_pairs_take_turns_by_time(make_bot: MakeBot) -> None:
    bot = await make_bot(start=False)
    backtest, timetable, ticks = Backtest(bot, minutes=3), Timetable(), list[tuple[float, str]]()
    for name, every_s in (("slow", 20.0), ("quick", 7.0)):
        timetable.join(Loop(name, every_s, ticks, bot))
    for minute in range(2):
        backtest.clock.set_current_timestamp(START_TIME + minute * MINUTE_S)
        await timetable.play(backtest.clock)
    assert [at for at, _ in ticks] == sorted(at for at, _ in ticks)
    assert [name for _, name in ticks].count("slow") == 6
    assert [name for _, name in ticks].count("quick") == 18
