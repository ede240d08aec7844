"""Whether an order costs more when many were made before it, in time and in memory, beside OctoBot alone.

`python tests/bench/growth_bench.py [ORDERS]` (default: 100000). Two processes, one after the other: orders that are
only made with OctoBot's trader, and orders of the mode with its journal on the disk. Time is that of the last thousand
against the first thousand after the first hundred; memory is what the process grew by, an order.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import psutil

from tests.bench.figures import told
from tests.bench.order_path_bench import KINDS, bare_order, new_bot, our_order
from tests.octobot.conftest import START_PRICE, Bot

WARM_UP = 100
WINDOW = 1_000


@dataclass(frozen=True, slots=True)
class Growth:
    """Median seconds of an order in the first and the last window, and bytes that each order left in memory."""

    first: float
    last: float
    bytes_an_order: float
    bytes_of_the_second_half: float

    @property
    def ratio(self) -> float:
        return self.last / self.first


async def measure(orders: int, *, is_ours: bool) -> Growth:
    with tempfile.TemporaryDirectory() as folder:
        async with contextlib.AsyncExitStack() as stack:
            bot = await new_bot(stack, "market", pathlib.Path(folder, "campaign.sqlite") if is_ours else None)
            await make(bot, WARM_UP, is_ours=is_ours)
            begin = in_memory()
            first_half = await make(bot, orders // 2, is_ours=is_ours)
            middle = in_memory()
            second_half = await make(bot, orders - orders // 2, is_ours=is_ours)
            end = in_memory()
    window = min(WINDOW, orders // 4)
    return Growth(
        statistics.median(first_half[:window]),
        statistics.median(second_half[-window:]),
        (end - begin) / orders,
        (end - middle) / (orders - orders // 2),
    )


async def make(bot: Bot, orders: int, *, is_ours: bool) -> list[float]:
    """Seconds of each order."""
    seconds = []
    for number in range(orders):
        bot.advance(2)
        bot.set_price(START_PRICE)
        start = time.perf_counter()
        await (our_order(bot) if is_ours else bare_order(bot, KINDS["market"], number))
        seconds.append(time.perf_counter() - start)
        campaign = bot.producer.session.campaign
        if campaign is not None and campaign.needs_checkpoint:
            await asyncio.to_thread(campaign.checkpoint)
    return seconds


def in_memory() -> int:
    """Bytes that are this process's own, also those that the system has put aside meanwhile."""
    gc.collect()
    told = psutil.Process().memory_full_info()
    return int(told.uss + getattr(told, "swap", 0))


def in_a_process(orders: int, *, is_ours: bool) -> Growth:
    command = [sys.executable, __file__, str(orders), "ours" if is_ours else "bare"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Growth(**json.loads(done.stdout.splitlines()[-1]))


def markdown(orders: int) -> str:
    window = min(WINDOW, orders // 4)
    columns = (
        f"{orders:,} orders", f"first {window:,}, median", f"last {window:,}", "last / first", "memory an order",
        "in the second half",
    )  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for name, is_ours in (("OctoBot alone", False), ("with us", True)):
        grown = in_a_process(orders, is_ours=is_ours)
        times = f"{told(grown.first)} | {told(grown.last)} | **{grown.ratio:.2f}**"
        lines.append(f"| {name} | {times} | {grown.bytes_an_order:,.0f} B | {grown.bytes_of_the_second_half:,.0f} B |")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    logging.disable(logging.CRITICAL)
    orders = int(arguments[0]) if arguments else 100_000
    if arguments[1:]:
        print(json.dumps(asdict(asyncio.run(measure(orders, is_ours=arguments[1] == "ours")))))
    else:
        print(markdown(orders))


if __name__ == "__main__":
    main(sys.argv[1:])
