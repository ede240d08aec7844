"""What volume costs in each style, on the same seeds and markets: `python -m tests.bench cost [--json] [--short]`.

Bps of the tape: fees, and each fill's price against the others' mid when it filled. Every style meets the same market
on the same seed, on the matching engine and a virtual clock; a request takes 300 ms.
"""

from __future__ import annotations

import argparse
import json
import math
import pathlib
import statistics
import sys
from collections.abc import Iterator, Sequence

from octobot_volume_booster.offline_exchange.server.market.character import PRESETS
from octobot_volume_booster.offline_exchange.server.market.spec import MARKETS

from .cost_desk import Outcome, Terms
from .cost_styles import QUOTING, RUNNERS

FEES = ((10.0, 10.0), (8.0, 10.0), (2.0, 5.0), (0.0, 5.0))
"""Maker and taker, in bps."""
AGAINST = "market"
SIZES = {"tight": (10_000, 600, 100), "ordinary": (5_000, 1_200, 100), "wide": (2_000, 2_400, 50)}
"""Target in quote, deadline in seconds, and mean order in quote."""
SEEDS, SHORT_SEEDS, SHORT_SHARE = 20, 2, 0.1
MARK = "<!-- measured: cost -->"
Fees = tuple[float, float]
Runs = dict[tuple[str, str, Fees], list[Outcome]]


def terms_of(market: str, share: float, fees: Fees = FEES[0]) -> Terms:
    """A task on a preset; a share of it takes as much less time."""
    target, deadline_s, chunk = SIZES[market]
    return Terms(PRESETS[market].of(MARKETS[0]), target * share, deadline_s * share, chunk, *fees)


def runs(seeds: int, share: float = 1.0) -> Runs:
    """Every style on every market and seed. Fees change what is paid; what is done only of those that quote."""
    found: Runs = {}
    for market in SIZES:
        for style, run in RUNNERS.items():
            for fees in FEES if style in QUOTING else FEES[:1]:
                found[market, style, fees] = [run(terms_of(market, share, fees), seed) for seed in range(seeds)]
            print(f"{market}, {style}: {seeds} seeds", file=sys.stderr, flush=True)
    return found


def rows(found: Runs) -> Iterator[dict[str, object]]:
    """A row for each market, fee schedule and style."""
    for market in SIZES:
        for maker, taker in FEES:
            base = [one.all_in_bps(maker, taker) for one in found[market, AGAINST, FEES[0]]]
            for style in RUNNERS:
                outcomes = found[market, style, (maker, taker) if style in QUOTING else FEES[0]]
                costs = [one.all_in_bps(maker, taker) for one in outcomes]
                filled = [one for one in costs if not math.isnan(one)]
                differences = [one - other for one, other in zip(costs, base, strict=True) if not math.isnan(one)]
                mean = statistics.fmean(filled) if filled else None
                later = [one.all_in_bps(maker, taker, later=True) for one in outcomes if one.filled_quote]
                yield {
                    "market": market,
                    "fees": f"{maker:g}/{taker:g}",
                    "style": style,
                    "all_in_bps": _rounded(mean),
                    "of_market_percent": _rounded(None if mean is None else mean / statistics.fmean(base) * 100, 1),
                    "paired_se_bps": _rounded(_standard_error(differences), 3),
                    "deviation_bps": _rounded(statistics.stdev(filled) if len(filled) > 1 else None),
                    "after_10s_bps": _rounded(statistics.fmean(later) if later else None),
                    "n": len(outcomes),
                    "deadlines_met": sum(one.is_done for one in outcomes),
                    "self_matches": sum(one.self_matches for one in outcomes),
                    "prevented_matches": sum(one.prevented_matches for one in outcomes),
                }


def _standard_error(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None


def _rounded(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits)


def markdown(table: Sequence[dict[str, object]]) -> str:
    """The rows, a line for each market and style, a column for each fee schedule."""
    schedules = [f"{maker:g}/{taker:g}" for maker, taker in FEES]
    head = ["market", "style", *schedules, "deviation", "against the mid 10 s later, 10/10", "deadlines met"]
    lines = [head, ["---"] * len(head)]
    for market in SIZES:
        for style in RUNNERS:
            of = {row["fees"]: row for row in table if (row["market"], row["style"]) == (market, style)}
            first = of[schedules[0]]
            cells = [f"{of[one]['all_in_bps']} ({of[one]['of_market_percent']} %)" for one in schedules]
            cells += [
                f"{first['deviation_bps']}",
                f"{first['after_10s_bps']}",
                f"{first['deadlines_met']}/{first['n']}",
            ]
            lines.append([market, style, *cells])
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench cost", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    parser.add_argument("--short", action="store_true", help="a tenth of the task on two seeds")
    parser.add_argument("--seeds", type=int, metavar="N", help=f"default: {SEEDS}, or {SHORT_SEEDS} with --short")
    parser.add_argument(
        "--write", type=pathlib.Path, metavar="FILE", help="put the table between the marks of this file"
    )
    arguments = parser.parse_args(argv)
    seeds = arguments.seeds or (SHORT_SEEDS if arguments.short else SEEDS)
    table = list(rows(runs(seeds, SHORT_SHARE if arguments.short else 1.0)))
    if arguments.write:
        page = arguments.write.read_text("utf-8")
        before, begin, rest = page.partition(MARK)
        _, end, after = rest.partition(MARK)
        if not end:
            sys.exit(f"{arguments.write} has no two marks {MARK}")
        arguments.write.write_text(f"{before}{begin}\n\n{markdown(table)}\n\n{end}{after}", "utf-8")
    print(json.dumps({"rows": table}) if arguments.json else markdown(table))
    matched = [row for row in table if row["self_matches"] or row["prevented_matches"]]
    return 1 if matched else 0
