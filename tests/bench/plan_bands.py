"""How many campaigns of the mode's own decisions, on the engine of the local exchange, cost what their plan said.

`python tests/bench/plan_bands.py [SEEDS] [KIND ...]` (default: 20 of each kind). A request takes 0.3 s. Printed are
the plan's band of the cost in bps, the mean of the campaigns that reached their target, how many of them are inside (90
of 100, by what the plan promises), and how many a guard has halted.
"""

from __future__ import annotations

import pathlib
import statistics
import sys
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "exchange"))

from engine_market import RESTING_LOOK_S, engine_campaign

from octobot_volume_booster.core.decision.guards import Halt
from octobot_volume_booster.core.planning.planner import Plan, estimate
from octobot_volume_booster.core.settings.schema import parse_settings
from tests.bench.adverse_selection import CALL_S, FEES, conditions, spec_of

FIRST_SEED = 100
USUAL_FEES = Decimal("0.001"), Decimal("0.001")
AMOUNTS: dict[str, Any] = {
    "volume_target": 4_000,
    **{f"{end}_{side}_amount": size for end, size in (("min", 100), ("max", 300)) for side in ("buy", "sell")},
}
LIMIT: dict[str, Any] = {"order_type": "limit", "trade_frequency_min": 2, "trade_frequency_max": 4}
KINDS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "limit 0 %": ("tight", LIMIT | {"price_offset_percent": 0, "limit_order_timeout": 10}),
    "limit 0.01 %": ("tight", LIMIT | {"price_offset_percent": 0.01, "limit_order_timeout": 10}),
    "limit 0.02 %": ("tight", LIMIT | {"price_offset_percent": 0.02, "limit_order_timeout": 10}),
    "passive": ("tight", {"order_type": "passive", "deadline": 600}),
    "market": ("tight", {"order_type": "market"}),
    "ordinary, limit 0.025 %": ("ordinary", LIMIT | {"price_offset_percent": 0.025, "limit_order_timeout": 20}),
    "ordinary, passive": ("ordinary", {"order_type": "passive", "deadline": 1_800}),
    "ordinary, market": ("ordinary", {"order_type": "market"}),
}


def planned(market: str, settings: dict[str, Any], fees: tuple[Decimal, Decimal]) -> Plan:
    spec = spec_of(market)
    met = conditions(spec)
    rules = replace(met.rules, maker_fee_rate=fees[0], taker_fee_rate=fees[1])
    met = replace(met, rules=rules, prints_per_second=spec.prints_per_second, order_latency_s=CALL_S)
    return estimate(parse_settings(settings), met)


def realised_bps(market: str, settings: dict[str, Any], fees: tuple[Decimal, Decimal], seed: int) -> Decimal | None:
    """What a campaign reports when all its fills are measured; None where a guard has halted it."""
    campaign = engine_campaign(seed, spec_of(market), call_s=CALL_S, fees=fees, **settings)
    if any(isinstance(decision, Halt) for decision in campaign.looks(10**6)):
        return None
    campaign.now += RESTING_LOOK_S
    campaign.look()
    return campaign.progress.cost_bps


def main(seeds: int = 20, *names: str) -> None:
    for name in names or KINDS:
        market, kind = KINDS[name]
        settings, fees = AMOUNTS | kind, FEES if kind["order_type"] == "passive" else USUAL_FEES
        band = planned(market, settings, fees).cost_bps
        found = [realised_bps(market, settings, fees, FIRST_SEED + number) for number in range(seeds)]
        costs = [cost for cost in found if cost is not None]
        inside = sum(band.contains(round(cost, 8)) for cost in costs)
        mean = f"{statistics.mean(costs):.2f}" if costs else "none"
        print(f"{name:24} {band.low:.2f} to {band.high:.2f}, {band.expected:.2f} expected, mean {mean}, "
              f"inside {inside} of {len(costs)}, halted {seeds - len(costs)}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
