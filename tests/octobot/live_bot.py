"""The mode as OctoBot runs it: in a task, with real channels, on the wall clock."""

from __future__ import annotations

import asyncio
import time
import typing

import octobot_trading.exchange_channel as exchange_channel

from .conftest import START_PRICE, Bot, MakeBot, new_mode

QUICK: dict[str, typing.Any] = {
    "order_type": "market",
    "volume_target": 1_000_000,
    "trade_frequency_min": 0.05,
    "trade_frequency_max": 0.05,
    "max_orders_per_second": 20,
}


async def live_bot(make_bot: MakeBot, **settings: typing.Any) -> Bot:
    """A bot that lives as in OctoBot: tasks, channels that deliver by themselves, the wall clock."""
    bot = await make_bot(start=False, **QUICK | settings)
    manager, first = bot.manager, bot.mode
    manager.trading_modes.remove(first)
    await first.stop()
    manager.is_backtesting = False
    manager.exchange.get_exchange_current_time = time.time
    bot.set_price(START_PRICE)
    for name in ("Mode", "Orders"):
        exchange_channel.get_chan(name, manager.id).is_synchronized = False
    bot.mode = await new_mode(manager, QUICK | settings)
    manager.trading_modes.append(bot.mode)
    return bot


async def until(condition: typing.Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.01)


def loops() -> list[asyncio.Task[typing.Any]]:
    """The tasks of this mode that are alive."""
    return [task for task in asyncio.all_tasks() if "VolumeBooster" in str(task.get_coro()) and not task.done()]
