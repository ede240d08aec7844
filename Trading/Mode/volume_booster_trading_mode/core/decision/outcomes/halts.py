"""What a guard says: that the campaign must halt, and why; and how near it is to its limit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Halt:
    """Place no order any more, for this reason. `guard` names what tripped; one that lasts needs a person's resume."""

    reason: str
    guard: str = ""
    is_lasting: bool = False


@dataclass(frozen=True, slots=True)
class Gauge:
    """How near a guard is to its limit, both in `unit`."""

    guard: str
    value: float
    limit: float
    unit: str


def lasting(guard: str, reason: str) -> Halt:
    """A halt that ends only when a person resumes."""
    return Halt(reason, guard, is_lasting=True)


def percent_of(part: Decimal, whole: Decimal) -> Decimal:
    """A part of a whole in percent; 0 of nothing, and of less than that."""
    return part / whole * HUNDRED if whole > 0 else Decimal(0)
