"""How far the mid has come against a resting order when it fills, on the local exchange: what a plan assumes of it.

`python tests/bench/adverse_selection.py [SEEDS] [MINUTES]` (default: 2 seeds of 60 minutes a cell). The venue itself
on a clock of its own, small limit orders on both sides at several offsets and spreads; the mid of each fill is the
venue's. Printed is the adverse selection that `Conditions` would need to give the measured cost, cell by cell, and over
the cells of the default spread its mean and standard deviation: `USUAL_ADVERSE_SELECTION` and its error.
"""

from __future__ import annotations

import pathlib
import random
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.snapshot import Balances
from octobot_volume_booster.core.planning.market_conditions import Conditions
from octobot_volume_booster.offline_exchange.server.app.account_file import DEFAULT_ACCOUNT, open_accounts
from octobot_volume_booster.offline_exchange.server.engine.orders import Kind, Order, RefusedError, Request, Side
from octobot_volume_booster.offline_exchange.server.engine.venue import Venue
from octobot_volume_booster.offline_exchange.server.market.price_path import MARKETS, PricePath

START = 1_700_000_000
OFFSETS_PERCENT = ("0", "0.01", "0.02", "0.05")
DEFAULT_SPREAD_BPS = MARKETS[0].spread_bps
SPREADS_BPS = (DEFAULT_SPREAD_BPS, 5.0, 20.0)
QUANTITY = Decimal("0.003")
ACCOUNT = DEFAULT_ACCOUNT.credentials.account
MARKET_ID = MARKETS[0].id


@dataclass(frozen=True)
class Cell:
    """What the fills of one offset and spread cost against the mid when they filled, in bps."""

    spread_bps: float
    offset_percent: str
    costs_bps: tuple[float, ...]

    @property
    def mean_bps(self) -> float:
        return statistics.mean(self.costs_bps)

    @property
    def adverse_selection(self) -> float:
        """What `Conditions` needs to give that mean."""
        met = conditions(self.spread_bps)
        at_none, at_all = met.resting_cost(0.0) * 10_000, met.resting_cost(1.0) * 10_000
        return (self.mean_bps - at_none) / (at_all - at_none)


def conditions(spread_bps: float) -> Conditions:
    """What a plan takes the local exchange for."""
    rules = MarketRules("BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal("0.00001"), Decimal(5))
    volatility = MARKETS[0].annual_volatility * 100
    balances = Balances(Decimal(1), Decimal(10_000))
    return Conditions(rules, Decimal(60_000), balances, spread_bps, volatility, depth_quote=1.0)


def mid(venue: Venue, at_ms: int) -> Decimal:
    book = venue.source.book(MARKET_ID, at_ms, 1)
    return (book.bids[0].price_quote + book.asks[0].price_quote) / 2


def play(
    seed: int, offset_percent: str, spread_bps: float, minutes: float, timeout_ms: int = 10_000
) -> Iterator[float]:
    """Limit orders about every three seconds, never across an own one; what each fill cost against the mid, in bps."""
    markets = [replace(MARKETS[0], spread_bps=spread_bps)]
    venue, chance = Venue(PricePath(seed, START, markets)), random.Random(seed)
    open_accounts(venue.engine, [DEFAULT_ACCOUNT])
    now, end, resting = START * 1_000, START * 1_000 + int(minutes * 60_000), list[Order]()
    while now < end:
        venue.advance(now)
        for order in [one for one in resting if not one.is_open or now - one.created_ms > timeout_ms]:
            resting.remove(order)
            if order.is_open:
                venue.cancel(ACCOUNT, MARKET_ID, order.order_id, now)
        side = chance.choice(list(Side))
        if len(resting) < 4 and all(order.side is side for order in resting):
            away = Decimal(offset_percent) / 100 * (-1 if side is Side.BUY else 1)
            price = (mid(venue, now) * (1 + away)).quantize(MARKETS[0].tick_quote)
            try:
                resting.append(venue.submit(ACCOUNT, Request(MARKET_ID, side, Kind.LIMIT, QUANTITY, price), now))
            except RefusedError:
                return  # the play money is used up
        now += chance.randint(1_500, 4_500)
    for trade in venue.engine.trades:
        if ACCOUNT in (trade.buyer.account, trade.seller.account):
            sign = 1 if trade.buyer.account == ACCOUNT else -1
            at_fill = mid(venue, trade.time_ms)
            yield float(sign * (trade.price_quote - at_fill) / at_fill * 10_000)


def measure(spread_bps: float, offset_percent: str, seeds: int, minutes: float) -> Cell:
    """One cell over so many seeds."""
    costs = [one for seed in range(seeds) for one in play(seed, offset_percent, spread_bps, minutes)]
    return Cell(spread_bps, offset_percent, tuple(costs))


def main(seeds: int = 2, minutes: float = 60.0) -> None:
    fitted = []
    print("spread  offset %  fills  cost at the fill (bps)  adverse selection")
    for spread_bps in SPREADS_BPS:
        for offset_percent in OFFSETS_PERCENT:
            cell = measure(spread_bps, offset_percent, seeds, minutes)
            if len(cell.costs_bps) < 20:
                continue
            error = statistics.stdev(cell.costs_bps) / len(cell.costs_bps) ** 0.5
            print(
                f"{spread_bps:6g}  {offset_percent:>8}  {len(cell.costs_bps):5}  {cell.mean_bps:+9.3f} +- {error:.3f}"
                f"  {cell.adverse_selection:17.2f}",
                flush=True,
            )
            if spread_bps == DEFAULT_SPREAD_BPS:
                fitted.append(cell.adverse_selection)
    print(f"adverse selection at {DEFAULT_SPREAD_BPS:g} bps: {statistics.mean(fitted):.2f}, "
          f"deviation {statistics.pstdev(fitted):.2f}")  # fmt: skip


if __name__ == "__main__":
    main(*(kind(value) for kind, value in zip((int, float), sys.argv[1:], strict=False)))
