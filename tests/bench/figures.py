"""Rows of seconds, told as medians, 99th percentiles and ratios."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


def p99(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98] if len(seconds) > 1 else seconds[0]


@dataclass(frozen=True, slots=True)
class Row:
    """The same thing done by OctoBot alone and with us, in seconds."""

    name: str
    bare_median: float
    bare_p99: float
    ours_median: float
    ours_p99: float

    @classmethod
    def of(cls, name: str, bare: Sequence[float], ours: Sequence[float]) -> Row:
        return cls(name, statistics.median(bare), p99(bare), statistics.median(ours), p99(ours))

    @property
    def ratio(self) -> float:
        return self.ours_median / self.bare_median

    @property
    def p99_ratio(self) -> float:
        return self.ours_p99 / self.bare_p99


@dataclass(frozen=True, slots=True)
class Figures:
    """One table."""

    title: str
    rows: Sequence[Row]

    def markdown(self) -> str:
        columns = (self.title, "OctoBot, median", "99th", "ours, median", "99th", "ratio", "of the 99th")
        return "\n".join([f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", *map(_line, self.rows)])

    def show(self) -> None:
        print(self.markdown())


def _line(row: Row) -> str:
    times = (row.bare_median, row.bare_p99, row.ours_median, row.ours_p99)
    return f"| {row.name} | {' | '.join(map(told, times))} | **{row.ratio:.2f}** | {row.p99_ratio:.2f} |"


def told(seconds: float) -> str:
    """A duration in the unit that suits it."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} us"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"
