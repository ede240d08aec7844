"""How the journal and the ledger bear many fills: `python tests/bench/journal_bench.py [FILLS]`.

Prints ratios and not verdicts: what a fill costs at the end against the beginning, what a start costs, what stays in
memory, and how long the event loop would have stood still at worst while another thread brings the journal onto the
disk. A time alone says more about the machine than about the code.
"""

from __future__ import annotations

import pathlib
import random
import statistics
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable
from decimal import Decimal

from octobot_volume_booster.adapters.order_submission import new_order_id
from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.model.basics import OrderType, Role, Side
from octobot_volume_booster.core.model.orders import Fill, OrderIntent
from octobot_volume_booster.journal.journal import Journal
from octobot_volume_booster.reporting.report import read_report

MARKET = ("binance", "BTC/USDT")
TARGET = Decimal(10**9)
WINDOW = 1_000


def trade(campaign: Campaign, number: int, chance: random.Random) -> None:
    """One order and its fill, as a campaign writes them down and counts them before the next decision."""
    order_id, side = new_order_id(), chance.choice((Side.BUY, Side.SELL))
    quantity, price = Decimal(chance.randint(100, 999)) / 100_000, Decimal(chance.randint(60_000_00, 61_000_00)) / 100
    at = 1_700_000_000 + number / 2
    campaign.reserve(order_id, *MARKET, OrderIntent(side, OrderType.MARKET, quantity, price, price), at, Decimal(5))
    amounts = quantity, price, quantity * price / 1_000, price
    campaign.fill(Fill(f"{order_id}:{quantity}", order_id, at, side, Role.TAKER, *amounts))
    campaign.progress(TARGET)
    campaign.take_commands(at)


def timed(do: Callable[[], object]) -> float:
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


class Run:
    """A campaign in which order follows order; checkpoints are made in another thread, as the mode makes them."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.campaign = Campaign.open(path)
        self.times: list[float] = []
        self._chance = random.Random(7)
        self._thread: threading.Thread | None = None

    def go_on(self) -> None:
        """One order, its fill, and how long they took in seconds."""
        start = time.perf_counter()
        trade(self.campaign, len(self.times), self._chance)
        self.times.append(time.perf_counter() - start)
        if self.campaign.needs_checkpoint and not (self._thread and self._thread.is_alive()):
            self._thread = threading.Thread(target=self.campaign.checkpoint)
            self._thread.start()

    def close(self) -> None:
        if self._thread:
            self._thread.join()
        self.campaign.close_journal()


def late_over_early(long: Run, new: Run) -> tuple[float, float]:
    """The last fills of a long campaign over the first of a new one, in turns: the machine is in both alike.

    Median over median, and sum over sum without the slowest tenth of each.
    """
    for _ in range(WINDOW):
        long.go_on()
        new.go_on()
    late, early = (sorted(run.times[-WINDOW:])[: WINDOW * 9 // 10] for run in (long, new))
    return statistics.median(late) / statistics.median(early), sum(late) / sum(early)


def replay(path: pathlib.Path, *, from_the_first_row: bool) -> None:
    journal = Journal.open_to_read(path)
    journal.replay(from_the_first_row=from_the_first_row).progress(TARGET)
    journal.close()


def memory_of_start(path: pathlib.Path) -> int:
    tracemalloc.start()
    campaign = Campaign.open(path)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    campaign.close_journal()
    return held


def main(fills: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        long = Run(pathlib.Path(folder) / "long" / "campaign.sqlite")
        for _ in range(fills - WINDOW):
            long.go_on()
        new = Run(pathlib.Path(folder) / "new" / "campaign.sqlite")
        median, total = late_over_early(long, new)
        long.close()
        new.close()
        path, slowest = long.path, sorted(long.times)
        print(f"{fills} orders with a fill, {path.stat().st_size / 1e6:.0f} MB")
        print(f"last {WINDOW} / first {WINDOW} of a new campaign: median {median:.2f}, total {total:.2f}")
        print(f"an order with its fill: median {statistics.median(slowest) * 1e6:.0f} us, ", end="")
        print(f"1 in 1,000 above {slowest[-fills // 1_000] * 1e3:.2f} ms, slowest {slowest[-1] * 1e3:.1f} ms")
        print(f"start {timed(lambda: Campaign.open(path).close_journal()):.3f} s, ", end="")
        print(f"from the first row {timed(lambda: replay(path, from_the_first_row=True)):.3f} s, ", end="")
        print(f"report {timed(lambda: read_report(path)):.3f} s")
        print(
            f"in memory after a start: {memory_of_start(path) / memory_of_start(new.path):.2f} x that of {WINDOW} fills"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
