"""What ledger and journal add to an order: `python tests/bench/journal_share_bench.py [ORDERS]`, from the repository.

In one process and run, in turns: OctoBot's own create-and-fill of a market order in its simulator, and what this mode
writes down and counts for such an order. Then the same beside OctoBot's real trader on the local exchange. Prints the
median and the 99th percentile of each, and what our part is of OctoBot's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pathlib
import random
import statistics
import sys
import tempfile
import time
import typing
from decimal import Decimal

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import octobot_trading.enums as trading_enums
import octobot_trading.personal_data as personal_data

from octobot_volume_booster.campaign.campaign import Campaign
from tests.bench.journal_bench import trade
from tests.exchange.faulty_exchange import CREDENTIALS, faulty_exchange
from tests.exchange.real_octobot import real_exchange_manager
from tests.octobot.conftest import START_PRICE, SYMBOL, simulated_exchange

QUANTITY = Decimal("0.001")
SIDES = (trading_enums.TraderOrderType.BUY_MARKET, trading_enums.TraderOrderType.SELL_MARKET)


async def create_and_fill(manager: typing.Any, number: int) -> float:
    """Seconds that OctoBot itself takes for one market order, filled when it returns."""
    start = time.perf_counter()
    order = personal_data.create_order_instance(
        manager.trader, SIDES[number % 2], SYMBOL, START_PRICE, QUANTITY, price=START_PRICE
    )
    await manager.trader.create_order(order)
    return time.perf_counter() - start


async def measure(orders: int, folder: pathlib.Path, *, is_real: bool) -> tuple[list[float], list[float]]:
    """Seconds of OctoBot's part and of ours, order by order."""
    octobot, ours, chance = [], [], random.Random(7)
    campaign = Campaign.open(folder / f"{is_real}.sqlite")
    async with contextlib.AsyncExitStack() as stack:
        if is_real:
            exchange = await stack.enter_async_context(faulty_exchange())
            keys = CREDENTIALS.api_key, CREDENTIALS.api_secret
            manager = await stack.enter_async_context(real_exchange_manager(exchange.port, *keys))
        else:
            manager = await simulated_exchange(stack)
        for number in range(orders):
            octobot.append(await create_and_fill(manager, number))
            start = time.perf_counter()
            trade(campaign, number, chance)
            ours.append(time.perf_counter() - start)
            if campaign.needs_checkpoint:
                await asyncio.to_thread(campaign.checkpoint)
    campaign.close_journal()
    return octobot, ours


def told(name: str, seconds: list[float]) -> str:
    centiles = statistics.quantiles(seconds, n=100)
    return f"{name:34} median {statistics.median(seconds) * 1e6:7.0f} us   99th {centiles[98] * 1e6:7.0f} us"


def main(orders: int) -> None:
    logging.disable(logging.CRITICAL)
    for is_real, trader in ((False, "OctoBot's simulator"), (True, "OctoBot's real trader")):
        with tempfile.TemporaryDirectory() as folder:
            octobot, ours = asyncio.run(measure(orders, pathlib.Path(folder), is_real=is_real))
        print(told(f"{trader}, an order", octobot))
        print(told("written down and counted", ours))
        print(f"share of the median: {statistics.median(ours) / statistics.median(octobot):.1%}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
