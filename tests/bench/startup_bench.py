"""From the launch of OctoBot to the first order of the campaign, beside OctoBot's own time until it is ready.

`python tests/bench/startup_bench.py [RUNS]` (default: 5). The real OctoBot in its own process and home, on the local
exchange. Ready is when OctoBot says that its trading mode may trade; the first order is the first row of the journal.
"""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from octobot_volume_booster.cli.commands import install
from octobot_volume_booster.cli.files import home
from octobot_volume_booster.cli.process import launch
from tests.bench.figures import Figures, Row

PROFILE = "volume_booster_offline"
PROFILE_EXCHANGE = "offline_exchange"
DEADLINE_S = 60.0
LOOK_EVERY_S = 0.01
READY = b"Ready to trade on"


def start_once(folder: pathlib.Path) -> tuple[float, float]:
    """Seconds from the launch until OctoBot is ready, and until the first order."""
    octobot_home = home.Home(folder / "home")
    octobot_home.make()
    install.install(octobot_home.path)
    octobot_home.select_profile(PROFILE)
    exchange, port = launch.start_exchange(0, octobot_home.logs / "exchange.log", "--seed", "7")
    with contextlib.ExitStack() as stack:
        stack.callback(exchange.stop)
        launched_at = time.time()
        stack.callback(launch.start_octobot(octobot_home.path, {PROFILE_EXCHANGE: port}).stop)
        ready_at = seen_at(lambda: is_ready(octobot_home.logs / "OctoBot.log"))
        seen_at(lambda: first_order_at(octobot_home.campaign) is not None)
        return ready_at - launched_at, (first_order_at(octobot_home.campaign) or 0.0) - launched_at


def seen_at(is_so: Callable[[], bool]) -> float:
    """When it was so for the first time, looked at a hundred times a second."""
    until = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < until, f"nothing within {DEADLINE_S:g} s"
        time.sleep(LOOK_EVERY_S)
    return time.time()


def is_ready(log: pathlib.Path) -> bool:
    return log.is_file() and READY in log.read_bytes()


def first_order_at(journal: pathlib.Path) -> float | None:
    """When it was written down, just before it was sent; None when there is none yet."""
    try:
        connection = sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)
    except sqlite3.Error:
        return None
    with contextlib.closing(connection):
        try:
            row = connection.execute("SELECT at FROM orders ORDER BY seq LIMIT 1").fetchone()
        except sqlite3.Error:
            return None
    return float(row[0]) if row else None


def figures(runs: int) -> Figures:
    ready, ordered = [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            until_ready, until_ordered = start_once(pathlib.Path(folder))
        ready.append(until_ready)
        ordered.append(until_ordered)
    row = Row.of("from launch: ready, first order", ready, ordered)
    return Figures("Start-up, beside OctoBot's own time until it is ready", [row])


def main(runs: int) -> None:
    figures(runs).show()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
