"""The metrics that traders expect of a campaign. None of it is the goal of one that trades for volume.

A campaign for volume buys and sells at random, so these numbers are chance and costs; they are here because people ask
for them. Every definition is in DEFINITIONS, in words, and is shown with the number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..model.basics import ZERO, Side
from ..model.orders import Fill
from .position import Position

NOT_THE_GOAL = "not the goal of a campaign that trades for volume"
DEFINITIONS = {
    "round_trips": "fills that made the inventory smaller: each closes what it takes away, against the average price "
    "at which the inventory was built up",
    "win_rate": "share of the round trips whose result, the gain less the fees of both ends, is above zero",
    "profit_factor": "what the winning round trips earned over what the losing ones lost; none without a losing one",
    "pnl_quote": "what was received less what was spent and the fees, the inventory at the last price",
    "sharpe_ratio": "mean of the changes of that from fill to fill over their standard deviation, times the root of "
    "their number; of this campaign, not of a year",
    "max_drawdown_quote": "the largest fall of that from a peak before, the start included",
}


@dataclass(frozen=True, slots=True)
class TradersMetrics:
    """The numbers of DEFINITIONS; None where there is nothing to tell one from."""

    round_trips: int
    win_rate: float | None
    profit_factor: float | None
    pnl_quote: Decimal
    sharpe_ratio: float | None
    max_drawdown_quote: Decimal

    def to_json(self) -> dict[str, Any]:
        """Money as decimal strings."""
        return {
            "round_trips": self.round_trips,
            "win_rate": None if self.win_rate is None else round(self.win_rate, 4),
            "profit_factor": None if self.profit_factor is None else round(self.profit_factor, 4),
            "pnl_quote": f"{self.pnl_quote:f}",
            "sharpe_ratio": None if self.sharpe_ratio is None else round(self.sharpe_ratio, 4),
            "max_drawdown_quote": f"{self.max_drawdown_quote:f}",
            "note": NOT_THE_GOAL,
        }


def round_trips(fills: Iterable[Fill]) -> list[Decimal]:
    """The result in quote of each round trip on one market, in the order of the fills."""
    position, fees_per_base, results = Position(), ZERO, list[Decimal]()
    for fill in fills:
        held, realised = position.base, position.realised_quote
        base = fill.valuation.base(fill.quantity, fill.price)
        position.trade(fill.side, base, fill.valuation.price(fill.price))
        closes = held != 0 and (held > 0) == (fill.side is Side.SELL)
        own = fill.fee_quote / base
        if not closes:
            fees_per_base = (abs(held) * fees_per_base + fill.fee_quote) / (abs(held) + base)
            continue
        closed = min(base, abs(held))
        results.append(position.realised_quote - realised - closed * (fees_per_base + own))
        if base > abs(held):
            fees_per_base = own
    return results


def pnl_path(fills: Iterable[Fill]) -> list[Decimal]:
    """Profit and loss in quote after each fill on one market, the inventory at the price of that fill."""
    base = cash = ZERO
    path = []
    for fill in fills:
        sign = 1 if fill.side is Side.BUY else -1
        base += sign * fill.valuation.base(fill.quantity, fill.price)
        cash -= sign * fill.volume + fill.fee_quote
        path.append(cash + base * fill.valuation.price(fill.price))
    return path


def drawdown(path: Iterable[Decimal]) -> Decimal:
    """The largest fall from a peak before, zero at the start included."""
    peak = deepest = ZERO
    for value in path:
        peak = max(peak, value)
        deepest = max(deepest, peak - value)
    return deepest


def metrics_of(markets: Iterable[list[Fill]], results: Sequence[Decimal] | None = None) -> TradersMetrics:
    """Of a campaign: one list of fills for each market, in the order of time; their results are put together.

    :param results: those of all round trips, where they are known already.
    """
    lists = [fills for fills in markets if fills]
    if results is None:
        results = [result for fills in lists for result in round_trips(fills)]
    paths = [pnl_path(fills) for fills in lists]
    whole = _together(lists, paths)
    won = sum((result for result in results if result > 0), ZERO)
    lost = -sum((result for result in results if result < 0), ZERO)
    return TradersMetrics(
        round_trips=len(results),
        win_rate=sum(result > 0 for result in results) / len(results) if results else None,
        profit_factor=float(won / lost) if lost else None,
        pnl_quote=whole[-1] if whole else ZERO,
        sharpe_ratio=_sharpe([float(after - before) for before, after in zip([ZERO, *whole], whole, strict=False)]),
        max_drawdown_quote=drawdown(whole),
    )


def _together(lists: list[list[Fill]], paths: list[list[Decimal]]) -> list[Decimal]:
    """The sum of the paths of all markets after each fill on any of them."""
    steps = sorted(
        (fill.at, fill.fill_id, market, value)
        for market, (fills, path) in enumerate(zip(lists, paths, strict=True))
        for fill, value in zip(fills, path, strict=True)
    )
    if len(lists) == 1:
        return [value for *_, value in steps]
    latest, whole = [ZERO] * len(lists), []
    for _, _, market, value in steps:
        latest[market] = value
        whole.append(sum(latest, ZERO))
    return whole


def _sharpe(changes: list[float]) -> float | None:
    count = len(changes)
    if count < 2:
        return None
    mean = math.fsum(changes) / count
    deviation = math.sqrt(math.fsum((change - mean) ** 2 for change in changes) / (count - 1))
    return mean / deviation * math.sqrt(count) if deviation else None
