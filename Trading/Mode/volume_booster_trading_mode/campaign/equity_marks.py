"""What the campaign's account of each market is worth, and the marks that losses are counted from; written down.

Equity is what the campaign began with and what its own trades have made of that, at the present mid. So a deposit, a
withdrawal or another trading mode on the same account is neither a gain nor a loss of the campaign.
"""

from __future__ import annotations

from decimal import Decimal

from ..core.accounting.tallies import Market, day_of
from ..core.model.snapshot import Equity
from ..journal.journal import DAY, PEAK, Baseline, Journal, MarkRow
from .equity_of_all import OF_ALL, PEAK_STEP, Amounts, EquityOfAll, Seen


class EquityMarks:
    """The baselines and marks of all markets of one campaign.

    `resumes` is how often a person has ended halts: each time, day start and peak are reset to the equity of then.

    :raises JournalError: from every method, when something could not be read or written down.
    """

    def __init__(self, journal: Journal, resumes: int) -> None:
        self._journal = journal
        self._resumes = resumes
        self._baselines = {(row.exchange, row.symbol): row for row in journal.baselines()}
        marks = journal.marks()
        self._marks = {(row.exchange, row.symbol, row.kind): row for row in marks if row.exchange != OF_ALL}
        self._peaks: dict[Market, Decimal] = {}
        self._of_all = EquityOfAll(journal, resumes, [row for row in marks if row.exchange == OF_ALL])

    def begin_anew(self, resumes: int) -> None:
        """A person has ended a halt."""
        self._resumes = resumes
        self._marks, self._peaks = {}, {}
        self._of_all.begin_anew(resumes)

    def at(self, market: Market, now: float, mid_price: Decimal, totals: Amounts, drift: Amounts) -> Equity:
        """The equity of one market.

        :param totals: what the account holds; used once, to tell what the campaign began with.
        :param drift: what the fills of the campaign have added to it.
        """
        drift_base, drift_quote = drift
        baseline = self._baselines.get(market) or self._begin(market, now, mid_price, totals, drift)
        now_quote = (baseline.base + drift_base) * mid_price + baseline.quote + drift_quote
        day_quote = self._day_start(market, now, now_quote)
        peak_quote = self._peak(market, now, now_quote)
        own = Equity(now_quote, day_quote, peak_quote, drift_base * mid_price)
        return self._of_all.beside(own, market, now, Seen(mid_price, baseline, drift))

    def _begin(self, market: Market, now: float, mid_price: Decimal, totals: Amounts, drift: Amounts) -> Baseline:
        """An account that holds nothing may be one that OctoBot has not read yet: it is looked at again."""
        baseline = Baseline(*market, now, totals[0] - drift[0], totals[1] - drift[1])
        if totals[0] * mid_price + totals[1] > 0:
            self._journal.add_baseline(baseline)
            self._baselines[market] = baseline
        return baseline

    def _day_start(self, market: Market, now: float, now_quote: Decimal) -> Decimal:
        mark = self._marks.get((*market, DAY))
        if mark is None or mark.day != day_of(now):
            mark = self._mark(market, DAY, now, now_quote)
        return mark.equity_quote

    def _peak(self, market: Market, now: float, now_quote: Decimal) -> Decimal:
        mark = self._marks.get((*market, PEAK))
        if mark is None or now_quote > mark.equity_quote * PEAK_STEP:
            mark = self._mark(market, PEAK, now, now_quote)
        peak_quote = max(self._peaks.get(market, now_quote), now_quote, mark.equity_quote)
        self._peaks[market] = peak_quote
        return peak_quote

    def _mark(self, market: Market, kind: str, now: float, now_quote: Decimal) -> MarkRow:
        key = (*market, kind)
        mark = MarkRow(now, *market, kind, day_of(now), now_quote, self._resumes)
        if market in self._baselines:
            self._marks[key] = mark
            self._journal.add_mark(mark)
        return mark
