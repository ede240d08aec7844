"""Fee tiers: which one a campaign reaches, what it saves later on, and from which volume on it was worth its cost."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from ..model.basics import ZERO, Role
from ..model.escape import quoted

HUNDRED = Decimal(100)
COLUMNS = ("volume", "maker_percent", "taker_percent")


class FeeTiersError(ValueError):
    """The table can't be used; one sentence says which line and why."""


@dataclass(frozen=True, slots=True)
class FeeTier:
    """What an account pays that has traded so much in 30 days; rates are ratios of the notional."""

    volume_quote: Decimal
    maker_rate: Decimal
    taker_rate: Decimal

    def rate(self, role: Role) -> Decimal:
        return self.maker_rate if role is Role.MAKER else self.taker_rate


@dataclass(frozen=True, slots=True)
class TierGain:
    """What a campaign does for the fees of the 30 days after it."""

    before: FeeTier
    reached: FeeTier
    missing_quote: Decimal | None
    """What is still missing to the next tier; None on the highest."""
    maker_saving_bps: Decimal
    taker_saving_bps: Decimal
    break_even_maker_quote: Decimal | None
    """The later volume, all as maker, that saves what the campaign costs; None where nothing is saved."""
    break_even_taker_quote: Decimal | None

    def to_json(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.__slots__ if name not in ("before", "reached")}
        numbers: dict[str, Any] = {
            name: None if value is None else f"{value.quantize(Decimal('0.0001')).normalize():f}"
            for name, value in values.items()
        }
        return {"before": _tier_json(self.before), "reached": _tier_json(self.reached)} | numbers


def _tier_json(tier: FeeTier) -> dict[str, str]:
    values = (tier.volume_quote, tier.maker_rate * HUNDRED, tier.taker_rate * HUNDRED)
    return {name: f"{value.normalize():f}" for name, value in zip(COLUMNS, values, strict=True)}


def read_tiers(text: str) -> tuple[FeeTier, ...]:
    """The tiers of a CSV table: 30-day volume in quote, maker and taker fee in percent; a line of words may be first.

    :raises FeeTiersError: when a line is not three numbers, or volumes do not grow from line to line.
    """
    tiers: list[FeeTier] = []
    for number, row in enumerate(csv.reader(io.StringIO(text)), start=1):
        cells = [cell.strip().removesuffix("%").strip() for cell in row]
        if not any(cells) or cells[0].startswith("#") or (not tiers and not _is_number(cells[0])):
            continue
        tiers.append(_tier(number, cells))
        if len(tiers) > 1 and tiers[-1].volume_quote <= tiers[-2].volume_quote:
            raise FeeTiersError(f"line {number}: volumes must grow from line to line")
    if not tiers:
        raise FeeTiersError(f"it has no line of {', '.join(COLUMNS)}")
    return tuple(tiers)


def gain(tiers: tuple[FeeTier, ...], volume_before: Decimal, campaign_quote: Decimal, cost_quote: Decimal) -> TierGain:
    """What a campaign of so much volume and cost does for an account that had traded `volume_before` in 30 days."""
    after = volume_before + campaign_quote
    before, reached = _tier_at(tiers, volume_before), _tier_at(tiers, after)
    higher = [tier.volume_quote for tier in tiers if tier.volume_quote > after]
    savings = {role: before.rate(role) - reached.rate(role) for role in Role}
    return TierGain(
        before=before,
        reached=reached,
        missing_quote=min(higher) - after if higher else None,
        maker_saving_bps=savings[Role.MAKER] * 10_000,
        taker_saving_bps=savings[Role.TAKER] * 10_000,
        break_even_maker_quote=_break_even(cost_quote, savings[Role.MAKER]),
        break_even_taker_quote=_break_even(cost_quote, savings[Role.TAKER]),
    )


def _break_even(cost_quote: Decimal, saving: Decimal) -> Decimal | None:
    return max(cost_quote, ZERO) / saving if saving > 0 else None


def _tier_at(tiers: tuple[FeeTier, ...], volume_quote: Decimal) -> FeeTier:
    """The highest tier that the volume reaches; the first one also below its volume."""
    return [tier for tier in tiers if tier is tiers[0] or tier.volume_quote <= volume_quote][-1]


def _tier(number: int, cells: list[str]) -> FeeTier:
    if len(cells) != len(COLUMNS) or not all(map(_is_number, cells)):
        raise FeeTiersError(f"line {number} must be {', '.join(COLUMNS)}, three numbers, not {quoted(','.join(cells))}")
    volume, maker, taker = (Decimal(cell) for cell in cells)
    if volume < 0 or not (-1 <= maker <= 10 and -1 <= taker <= 10):
        raise FeeTiersError(f"line {number}: volume must not be negative and fees must be from -1 to 10 percent")
    return FeeTier(volume, maker / HUNDRED, taker / HUNDRED)


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False
