"""What orders that rest cost when they fill, on the local exchange: what a plan assumes of them.

`python tests/bench/adverse_selection.py [SEEDS] [MARKET ...]` (default: 4 seeds of each preset). The mode's own
decisions on the venue's own engine and a clock of its own, a request takes 0.3 s: limit orders at the mid, at the touch
and a half spread behind it, quotes, and pairs. Each fill is measured as the mode measures it, at the first look after
it, and so includes what the price does until then. Printed is the adverse selection that `Conditions` needs to give the
measured cost, cell by cell, and for each market its mean over the cells and how far they are apart:
`USUAL_ADVERSE_SELECTION` and its error are those of the default market.
"""

from __future__ import annotations

import pathlib
import statistics
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "exchange"))

from engine_market import EngineMarket, engine_campaign

from octobot_volume_booster.core.accounting.fill_marks import AT_FILL
from octobot_volume_booster.core.decision.guards import Halt
from octobot_volume_booster.core.model.basics import Role
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.snapshot import Balances
from octobot_volume_booster.core.planning.market_conditions import Conditions
from octobot_volume_booster.offline_exchange.server.market.character import DEFAULT, PRESETS
from octobot_volume_booster.offline_exchange.server.market.spec import MARKETS, MarketSpec

SECONDS: Mapping[str, float] = {"tight": 600, "ordinary": 2_400, "wide": 4_800, "thin": 4_800}
"""For how long each seed trades: some hundred fills where the market has them."""
CALL_S = 0.3
FEES = Decimal("0.0002"), Decimal("0.0005")
"""At which resting pays on every market."""
ENDLESS: dict[str, Any] = {
    "volume_target": 10**6,
    "trade_frequency_min": 2,
    "trade_frequency_max": 4,
    "limit_order_timeout": 20,
    "max_taker_percent": 0,
    "deadline": 10**6,
    **{f"{end}_{side}_amount": size for end, size in (("min", 30), ("max", 90)) for side in ("buy", "sell")},
    **{f"max_{limit}_percent": 100 for limit in ("exposure", "daily_loss", "drawdown")},
    "max_position_imbalance": 0.9,
    "max_consecutive_losses": 200,
    "max_slippage_bps": 100,
    "max_cost_bps": 200,
}
"""Nothing is taken, and no guard ends it."""


def kinds(spec: MarketSpec) -> Mapping[str, dict[str, Any]]:
    """The orders that are tried, by name; distances go with the market's spread."""
    half_percent = spec.spread_share / 2 * 100
    limits = {"at the mid": 0.0, "at the touch": 1.0, "half a spread behind it": 2.0}
    return {
        **{
            f"limit, {name}": {"order_type": "limit", "price_offset_percent": round(halves * half_percent, 6)}
            for name, halves in limits.items()
        },
        "passive": {"order_type": "passive"},
        "pair": {"order_type": "pair", "pair_spacing_bps": round(1.5 * half_percent * 100, 4)},
    }


@dataclass(frozen=True)
class Cell:
    """What the fills of one kind of order on one market cost against the mid at the first look after them, in bps."""

    market: str
    kind: str
    costs_bps: tuple[float, ...]

    @property
    def mean_bps(self) -> float:
        return statistics.mean(self.costs_bps)

    @property
    def error_bps(self) -> float:
        return statistics.stdev(self.costs_bps) / len(self.costs_bps) ** 0.5

    @property
    def adverse_selection(self) -> float:
        """What `Conditions` needs to give that mean."""
        met = conditions(spec_of(self.market))
        at_none, at_all = met.resting_cost(0.0) * 10_000, met.resting_cost(1.0) * 10_000
        return (self.mean_bps - at_none) / (at_all - at_none)


def spec_of(market: str) -> MarketSpec:
    return PRESETS[market].of(MARKETS[0])


def conditions(spec: MarketSpec) -> Conditions:
    """What a plan takes a market of the local exchange for."""
    rules = MarketRules("BTC", "USDT", spec.tick_quote, Decimal("0.00001"), Decimal("0.00001"), Decimal(5))
    balances = Balances(Decimal(1), Decimal(10_000))
    spread_bps, volatility = spec.spread_share * 10_000, spec.annual_volatility * 100
    return Conditions(rules, Decimal(60_000), balances, spread_bps, volatility, depth_quote=spec.level_median_quote)


def play(spec: MarketSpec, kind: str, seed: int, seconds: float) -> EngineMarket:
    """A campaign of one kind of order for so long."""
    market = engine_campaign(seed, spec, call_s=CALL_S, fees=FEES, **(ENDLESS | kinds(spec)[kind]))
    began = market.now
    for decision in market.looks(10**9):
        if isinstance(decision, Halt):
            raise RuntimeError(f"the campaign halted: {decision.reason}")
        if market.now - began >= seconds:
            break
    return market


def measure(market: str, kind: str, seeds: int, seconds: float) -> Cell:
    """One cell over so many seeds."""
    costs = tuple(
        float(one.added_quote / one.fill.volume * 10_000)
        for seed in range(seeds)
        for one in play(spec_of(market), kind, seed, seconds).measured
        if one.after_s == AT_FILL and one.fill.role is Role.MAKER
    )
    return Cell(market, kind, costs)


def main(seeds: int = 4, *markets: str) -> None:
    print(f"market    {'kind':30} fills  cost at the fill (bps)  adverse selection")
    for market in markets or PRESETS:
        fitted = []
        for kind in kinds(spec_of(market)):
            cell = measure(market, kind, seeds, SECONDS[market])
            if len(cell.costs_bps) < 20:
                continue
            print(f"{market:8}  {kind:30} {len(cell.costs_bps):5}  {cell.mean_bps:+9.3f} +- {cell.error_bps:.3f}"
                  f"  {cell.adverse_selection:17.2f}", flush=True)  # fmt: skip
            fitted.append(cell.adverse_selection)
        name = f"{market}, the default market" if market == DEFAULT else market
        print(f"{name}: adverse selection {statistics.mean(fitted):.2f}, deviation {statistics.pstdev(fitted):.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
