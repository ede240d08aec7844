"""What all markets of a campaign are worth together, and the marks that their losses are counted from; written down.

A market that is looked at for the first time, and one that is not traded any more, is neither a gain nor a loss: day
start and peak move by what it brings, or begin again without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from ..core.accounting.tallies import Market, day_of
from ..core.model.basics import ZERO
from ..core.model.instrument import base_of, quote_of
from ..core.model.snapshot import Change, Equity
from ..journal.journal import DAY, PEAK, Baseline, Journal, MarkRow

OF_ALL = ""
"""Stands for the exchange in a mark of all markets; its symbol names them."""
PEAK_STEP = Decimal("1.001")
"""A peak is written down when it is so much above the last one written: a restart may forget a thousandth of it."""
GONE_S = 600.0
"""A market that is not looked at for so long after a start is not traded any more."""

Amounts = tuple[Decimal, Decimal]
"""Base and quote."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A market at its last look, in the campaign's currency."""

    mid_price: Decimal
    baseline: Baseline
    drift: Amounts


@dataclass(frozen=True, slots=True)
class _Marks:
    """Day start and peak of some markets, in the campaign's currency."""

    markets: frozenset[Market]
    day: int
    day_start_quote: Decimal
    peak_quote: Decimal

    def moved(self, markets: Iterable[Market], by_quote: Decimal) -> _Marks:
        """Those of more markets, which bring so much."""
        day_start_quote, peak_quote = self.day_start_quote + by_quote, self.peak_quote + by_quote
        return _Marks(frozenset(markets), self.day, day_start_quote, peak_quote)


class EquityOfAll:
    """All markets of one campaign at their last looks.

    :raises JournalError: when something could not be written down.
    """

    def __init__(self, journal: Journal, resumes: int, rows: Iterable[MarkRow]) -> None:
        self._journal = journal
        self._resumes = resumes
        self._seen: dict[Market, Seen] = {}
        self._began_at: float | None = None
        last = {row.kind: row for row in rows}
        self._marks = _marks_of(last[DAY], last[PEAK]) if {DAY, PEAK} <= last.keys() else None
        self._written = self._marks

    def begin_anew(self, resumes: int) -> None:
        """A person has ended a halt."""
        self._resumes = resumes
        self._marks = self._written = None

    def beside(self, own: Equity, market: Market, now: float, seen: Seen) -> Equity:
        """The equity of one market, which was just looked at, with that of all; alone where there is only one."""
        self._began_at = now if self._began_at is None else self._began_at
        self._seen[market] = seen
        marks = self._marks = self._marks_at(own, now)
        if len(self._seen) < 2:
            return own
        worth_quote = _worth(self._seen)
        equity = replace(own, of_all_quote=worth_quote, drift_of_all_quote=_drifts(self._seen))
        if not marks.markets <= self._seen.keys():
            return equity
        self._write(marks, now)
        today, since_peak = (Change(before, worth_quote) for before in (marks.day_start_quote, marks.peak_quote))
        return replace(equity, today_of_all=today, since_peak_of_all=since_peak)

    def _marks_at(self, own: Equity, now: float) -> _Marks:
        worth_quote, day, marks = _worth(self._seen), day_of(now), self._marks
        if marks is None:  # what this market has lost of its day and its peak is lost of those of all
            lost = own.day_start_quote - own.now_quote, own.peak_quote - own.now_quote
            return _Marks(frozenset(self._seen), day, worth_quote + lost[0], worth_quote + lost[1])
        if not marks.markets <= self._seen.keys():
            is_gone = self._began_at is not None and now >= self._began_at + GONE_S
            return _Marks(frozenset(self._seen), day, worth_quote, worth_quote) if is_gone else marks
        if self._seen.keys() != marks.markets:
            before_quote = _worth({one: self._seen[one] for one in self._seen if one in marks.markets})
            marks = marks.moved(self._seen, worth_quote - before_quote)
        day_start_quote = marks.day_start_quote if marks.day == day else worth_quote
        return _Marks(marks.markets, day, day_start_quote, max(marks.peak_quote, worth_quote))

    def _write(self, marks: _Marks, now: float) -> None:
        before = self._written
        is_known = before is not None and (before.markets, before.day) == (marks.markets, marks.day)
        if before is not None and is_known and marks.peak_quote <= before.peak_quote * PEAK_STEP:
            return
        names = ", ".join(" ".join(market) for market in sorted(marks.markets))
        for kind, quote in ((DAY, marks.day_start_quote), (PEAK, marks.peak_quote)):
            self._journal.add_mark(MarkRow(now, OF_ALL, names, kind, marks.day, quote, self._resumes))
        self._written = marks


def _marks_of(day: MarkRow, peak: MarkRow) -> _Marks:
    named = (name.partition(" ") for name in day.symbol.split(", "))
    markets = frozenset((exchange, symbol) for exchange, _, symbol in named)
    return _Marks(markets, day.day, day.equity_quote, peak.equity_quote)


def _worth(seen: Mapping[Market, Seen]) -> Decimal:
    """What the accounts of some markets are worth. Two markets of one exchange may share a balance: it counts once."""
    held: dict[tuple[str, str], Decimal] = {}
    for (exchange, symbol), one in sorted(seen.items(), key=lambda item: item[0]):
        held.setdefault((exchange, base_of(symbol)), one.baseline.base * one.mid_price)
    for (exchange, symbol), one in sorted(seen.items(), key=lambda item: item[0]):
        held.setdefault((exchange, quote_of(symbol)), one.baseline.quote)
    traded = (one.drift[0] * one.mid_price + one.drift[1] for one in seen.values())
    return sum((*held.values(), *traded), ZERO)


def _drifts(seen: Mapping[Market, Seen]) -> Decimal:
    """How far all inventories are from their start, none taken off another."""
    return sum((abs(one.drift[0] * one.mid_price) for one in seen.values()), ZERO)
