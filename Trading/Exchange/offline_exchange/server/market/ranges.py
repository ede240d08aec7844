"""What a generated market has to keep within: facts of real markets, each with who has shown it, as ranges.

The papers show the facts; the ends of the ranges are our own choice, wide around what is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from .facts import TapeFacts


class Resting(Protocol):
    """What was measured of orders that rest at the touch."""

    @property
    def kept_after(self) -> float: ...


@dataclass(frozen=True, slots=True)
class FactRange:
    """One fact: who has shown it on real markets, and the lowest and highest value that we take for likely there."""

    name: str
    least: float
    most: float
    source: str


WYART = "Wyart, Bouchaud, Kockelkoren, Potters and Vettorazzo 2008, arXiv physics/0603084"
LILLO = "Lillo and Farmer 2004, arXiv cond-mat/0311053; Bouchaud, Farmer and Lillo 2009, arXiv 0809.0822"
BACRY = "Bacry, Mastromatteo and Muzy 2015, Hawkes processes in finance, arXiv 1502.04592"
CONT = "Cont 2001, Empirical properties of asset returns: stylized facts and statistical issues"
ALBERS = "Albers, Cucuringu, Howison and Shestopaloff 2025, arXiv 2502.18625"

RANGES = (
    FactRange("mark-out of a print after 10 s / half spread", 0.1, 1.2, WYART),
    FactRange("mark-out of a print after 60 s / half spread", 0.1, 1.6, WYART),
    FactRange("spread / volatility per trade", 0.7, 3.0, WYART),
    FactRange("correlation of neighbouring signs", 0.2, 0.7, LILLO),
    FactRange("correlation of signs ten prints apart", 0.02, 0.4, LILLO),
    FactRange("dispersion of counts in 10 s", 1.2, 30.0, BACRY),
    FactRange("dispersion of counts in 60 s", 1.5, 100.0, BACRY),
    FactRange("kurtosis of returns of 10 s", 3.5, 100.0, CONT),
    FactRange("realised spread at the touch / half spread", -1.5, 0.5, ALBERS),
)
"""The ends are our own choice: they tell a market that behaves from one that does not, and not one exchange from
another."""


def values_of(tape: TapeFacts, resting: Resting) -> Mapping[str, float]:
    """The facts by the names of their ranges."""
    values = (
        tape.markout[10],
        tape.markout[60],
        tape.spread_ratio,
        tape.sign_correlation[1],
        tape.sign_correlation[10],
        tape.dispersion[10],
        tape.dispersion[60],
        tape.kurtosis[10],
        resting.kept_after,
    )
    return {one.name: value for one, value in zip(RANGES, values, strict=True)}
