"""What an order costs through the whole path of the mode, beside OctoBot's bare `trader.create_order`.

`python tests/bench/order_path_bench.py [ORDERS]` (default: 2000). In one process and one simulated exchange, turn by
turn: an order that is only made with OctoBot's trader, and one that the mode decides on, reserves, writes down, sends
through OctoBot's mode channel, counts when it fills, and tells. From the decision to the fill that has been counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pathlib
import sys
import tempfile
import time
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import octobot_trading.enums as trading_enums
import octobot_trading.personal_data as personal_data

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.campaign.registry import CAMPAIGNS
from tests.bench.figures import Figures, Row
from tests.octobot.conftest import START_PRICE, SYMBOL, Bot, new_mode, simulated_exchange

OCTOBOT_LOG_FORMAT = "%(asctime)s %(levelname)-6s %(name)-20s %(filename)s:%(lineno)-8s %(message)s"
QUANTITY = Decimal("0.001")
OFFSET_PERCENT = 1
SETTINGS: dict[str, typing.Any] = {
    "seed": 7,
    "volume_target": 10**9,
    "trade_frequency_min": 1,
    "trade_frequency_max": 1,
    "min_buy_amount": 60,
    "max_buy_amount": 61,
    "min_sell_amount": 60,
    "max_sell_amount": 61,
    "side_policy": "alternate",
    "price_offset_percent": OFFSET_PERCENT,
}
Kind = trading_enums.TraderOrderType
KINDS = {"market": (Kind.BUY_MARKET, Kind.SELL_MARKET), "limit": (Kind.BUY_LIMIT, Kind.SELL_LIMIT)}


@dataclass(slots=True)
class Timed:
    """Seconds of the bare orders and of ours, turn by turn."""

    bare: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)


async def bare_order(bot: Bot, kinds: tuple[Kind, Kind], number: int) -> None:
    """One order by OctoBot's trader alone, to its fill."""
    kind = kinds[number % 2]
    away = {Kind.BUY_LIMIT: 100 - OFFSET_PERCENT, Kind.SELL_LIMIT: 100 + OFFSET_PERCENT}.get(kind, 100)
    price = START_PRICE * away / 100
    order = personal_data.create_order_instance(bot.manager.trader, kind, SYMBOL, START_PRICE, QUANTITY, price=price)
    await bot.manager.trader.create_order(order)
    await filled(bot)


async def our_order(bot: Bot) -> None:
    """One order by the mode, to its fill, counted."""
    await bot.producer.tick()
    await filled(bot)


async def filled(bot: Bot) -> None:
    """A limit order that rests is hit now, a market order has filled already; what OctoBot left for later is done."""
    for order in bot.manager.exchange_personal_data.orders_manager.get_open_orders():
        await order.on_fill(force_fill=True)
    await bot.drain()
    await asyncio.sleep(0)


async def measure(kind: str, orders: int, journal: pathlib.Path | None) -> Timed:
    """Turn by turn, so that whatever slows the machine down slows both."""
    timed = Timed()
    async with contextlib.AsyncExitStack() as stack:
        bot = await new_bot(stack, kind, journal)
        for number in range(orders):
            bot.advance(2)
            bot.set_price(START_PRICE)
            start = time.perf_counter()
            await bare_order(bot, KINDS[kind], number)
            between = time.perf_counter()
            await our_order(bot)
            timed.bare.append(between - start)
            timed.ours.append(time.perf_counter() - between)
        assert bot.progress.fills == orders, f"{bot.progress.fills} of {orders}: {bot.mode.get_current_state()}"
    return timed


async def new_bot(stack: contextlib.AsyncExitStack, kind: str, journal: pathlib.Path | None) -> Bot:
    """A bot whose campaign is written down as that of a live one, or in memory only."""
    manager = await simulated_exchange(stack)
    campaign = Campaign.open(journal)
    CAMPAIGNS.lend(manager.bot_id, campaign)
    stack.callback(campaign.close_journal)
    mode = await new_mode(manager, SETTINGS | {"order_type": kind})
    manager.trading_modes.append(mode)
    bot = Bot(manager, mode)
    await bot.producer.start()
    return bot


def figures(orders: int) -> Figures:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for kind in KINDS:
            for where, journal in (("with journal", folder / f"{kind}.sqlite"), ("journal in memory", None)):
                rows.append(row_of(f"{kind} order, {where}", kind, orders, journal))
        with logged_as_octobot_does(folder / "OctoBot.log"):
            title = "market order, with journal and OctoBot's log file"
            rows.append(row_of(title, "market", orders, folder / "logged.sqlite"))
    return Figures("An order through the whole path, beside bare trader.create_order", rows)


def row_of(title: str, kind: str, orders: int, journal: pathlib.Path | None) -> Row:
    timed = asyncio.run(measure(kind, orders, journal))
    return Row.of(title, timed.bare, timed.ours)


@contextlib.contextmanager
def logged_as_octobot_does(path: pathlib.Path) -> Iterator[None]:
    """Within it everything from DEBUG on goes to a file, as in every OctoBot; without, nothing is logged at all."""
    handler, root = logging.FileHandler(path, encoding="utf-8"), logging.getLogger()
    handler.setFormatter(logging.Formatter(OCTOBOT_LOG_FORMAT))
    level, disabled = root.level, root.manager.disable
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.disable(logging.NOTSET)
    try:
        yield
    finally:
        logging.disable(disabled)
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()


def main(orders: int) -> None:
    logging.disable(logging.CRITICAL)
    figures(orders).show()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
