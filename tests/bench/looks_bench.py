"""What a look at a large campaign costs: `python tests/bench/looks_bench.py [ORDERS [HOME]]`.

Makes a journal of so many orders (50,000), each accepted, filled and measured at four moments as with a real trader,
and prints the CPU seconds (user and system) of `status` and `report` as processes of their own, the best of five; and
those of a `status` in a home without a campaign, which is what starting takes. HOME keeps the journal for later.
"""

from __future__ import annotations

import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
from decimal import Decimal

from octobot_volume_booster.adapters.order_submission import new_order_id
from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.model.basics import OrderType, Role, Side, Trading
from octobot_volume_booster.core.model.orders import Fill, OrderIntent
from octobot_volume_booster.core.settings.schema import parse_settings
from octobot_volume_booster.journal.file import CAMPAIGN_FILE

MARKET = ("binance", "BTC/USDT")
BEGAN = 1_700_000_000
LOOKS = (("status",), ("status", "--json"), ("report",))
COMMAND = "import sys; from octobot_volume_booster.cli.main import main; sys.exit(main(sys.argv[1:]))"


def make(path: pathlib.Path, orders: int) -> None:
    campaign, chance = Campaign.open(path), random.Random(7)
    settings = parse_settings({"volume_target": 10**9})
    campaign.begin(BEGAN, Trading.SANDBOX, 7, "2.0.15", " ".join(MARKET), settings)
    campaign.use(settings, BEGAN, " ".join(MARKET))
    for number in range(orders):
        trade(campaign, number, chance)
        if campaign.needs_checkpoint:
            campaign.checkpoint()
    campaign.close_journal()


def trade(campaign: Campaign, number: int, chance: random.Random) -> None:
    order_id, side, at = new_order_id(), chance.choice((Side.BUY, Side.SELL)), BEGAN + number / 2
    quantity, price = Decimal(chance.randint(100, 999)) / 100_000, Decimal(chance.randint(60_000_00, 61_000_00)) / 100
    campaign.reserve(order_id, *MARKET, OrderIntent(side, OrderType.MARKET, quantity, price, price), at, Decimal(5))
    campaign.accept(order_id, str(10_000_000 + number), at)
    fill_id, amounts = f"{order_id}:{number}", (quantity, price, quantity * price / 1_000, price)
    campaign.fill(Fill(fill_id, order_id, at, side, Role.TAKER, *amounts, mid_at_fill=price))
    campaign.mark([(fill_id, after_s, at + after_s, price + chance.randint(-5, 5)) for after_s in (1, 10, 60)])


def cpu_s(arguments: tuple[str, ...], home: pathlib.Path) -> float:
    """Of the command and whatever it starts, the best of five."""
    command = [sys.executable, "-c", COMMAND, *arguments, "--home", str(home)]
    taken = []
    for _ in range(5):
        before = children_s()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        taken.append(children_s() - before)
    return min(taken)


def children_s() -> float:
    times = os.times()
    return times.children_user + times.children_system


def main(orders: int, home: pathlib.Path) -> None:
    path, began = home / "user" / CAMPAIGN_FILE, time.perf_counter()
    if not path.exists():
        make(path, orders)
        print(f"{orders} orders written in {time.perf_counter() - began:.0f} s, {path.stat().st_size / 1e6:.0f} MB")
    print(f"status without a campaign: {cpu_s(('status',), home / 'nothing'):.2f} s of CPU")
    for look in LOOKS:
        print(f"{' '.join(look)}: {cpu_s(look, home):.2f} s of CPU")


if __name__ == "__main__":
    how_many = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with tempfile.TemporaryDirectory() as folder:
        main(how_many, pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else pathlib.Path(folder))
