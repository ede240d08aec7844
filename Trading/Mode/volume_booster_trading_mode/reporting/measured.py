"""What a campaign cost by the mids that were seen: at the fill, at the decision, and afterwards."""

from __future__ import annotations

import dataclasses
import typing
from decimal import Decimal

from ..core.accounting.cost_parts import CostParts, parts_of
from ..core.accounting.fill_marks import HORIZONS_S
from ..core.accounting.progress import Progress
from ..core.model.basics import Role
from ..core.model.formats import CENT, money, shown, signed

AT_FILL, ARRIVAL, MIXED = "at_fill", "arrival", "mixed"
_NAMES = {
    "fees": "fees",
    "half_spread": "half spread",
    "markout": "mark-out",
    "flattening": "flattening",
    "inventory": "inventory",
}


def to_json(progress: Progress) -> dict[str, typing.Any]:
    """The fields of the contract; money and bps as decimal strings, a mark-out that was not measured is null."""
    parts = parts_of(progress)
    return {
        "cost_at_fill_bps": f"{progress.cost_bps:.4f}",
        "arrival_cost_bps": f"{progress.arrival_cost_bps:.4f}",
        "cost_per_million_quote": money(progress.cost_per_million_quote.quantize(CENT)),
        "markout_bps": {role.value: _markouts(progress, role) for role in Role},
        "cost_parts": {field.name: money(getattr(parts, field.name)) for field in dataclasses.fields(CostParts)},
        "all_in_cost_quote": money(parts.total),
        "net_result_quote": money(net_result(progress)),
        "unmeasured_quote": money(progress.unmeasured_quote),
        "old_kind_quote": money(progress.old_kind_quote),
        "cost_kind": cost_kind(progress),
    }


def net_result(progress: Progress) -> Decimal:
    """What the account has gained by trading, fees paid and the inventory at its last price: below zero, as a rule."""
    return -parts_of(progress).total


def _markouts(progress: Progress, role: Role) -> dict[str, str | None]:
    found = {after_s: progress.markouts.bps(role, after_s) for after_s in HORIZONS_S}
    return {str(after_s): None if one is None else f"{one:.4f}" for after_s, one in found.items()}


def cost_kind(progress: Progress) -> str:
    """Against which mid the slippage is: that at the fill, or in a journal of an older version that of the decision."""
    if not progress.old_kind_quote:
        return AT_FILL
    return ARRIVAL if progress.old_kind_quote == progress.measured_quote else MIXED


def rows(progress: Progress, quote: str) -> list[tuple[str, str]]:
    """Name and text of what there is to say beside the cost; none as long as nothing is filled."""
    if not progress.fills:
        return []
    told = [
        ("Per million", f"{shown(progress.cost_per_million_quote, quote)} {quote} for a million of volume"),
        ("Arrival", f"{progress.arrival_cost_bps:.2f} bps against the mid of the decision"),
        ("After the fill", markout_text(progress)),
        ("All-in", f"{shown(parts_of(progress).total, quote)} {quote}: {parts_text(progress, quote)}"),
        ("Net result", f"{signed(net_result(progress), quote)} {quote}, the inventory at its last price"),
    ]
    if progress.unmeasured_quote:
        told.append(("Not measured", unmeasured_text(progress, quote)))
    if progress.old_kind_quote:
        told.append(("Old measure", old_kind_text(progress, quote)))
    return [row for row in told if row[1]]


def markout_text(progress: Progress) -> str:
    """How far the mid went against the fills, by role; empty where nothing is measured."""
    told = []
    for role in Role:
        measured = [(after_s, progress.markouts.bps(role, after_s)) for after_s in HORIZONS_S]
        ends = [f"{one:+.2f} bps at {after_s} s" for after_s, one in measured if one is not None]
        if ends:
            told.append(f"{role.value} {', '.join(ends)}")
    return f"{'; '.join(told)} (above zero: the mid went against it)" if told else ""


def parts_text(progress: Progress, quote: str) -> str:
    """The parts that the all-in cost is the sum of."""
    parts = parts_of(progress)
    amounts: dict[str, Decimal] = {name: getattr(parts, key) for key, name in _NAMES.items()}
    return ", ".join(f"{name} {shown(amount, quote)}" for name, amount in amounts.items())


def unmeasured_text(progress: Progress, quote: str) -> str:
    """The sentence on fills whose mid is not known."""
    volume = shown(progress.unmeasured_quote, quote)
    return f"{volume} {quote} of the volume: the mid at the fill is not known, so its slippage is not in the cost"


def old_kind_text(progress: Progress, quote: str) -> str:
    """The sentence on fills that an older version has measured."""
    volume = shown(progress.old_kind_quote, quote)
    return f"{volume} {quote} of the volume by an older version, against the mid of the decision and not of the fill"
