"""Losses of all pairs of a campaign together: one limit for the day and one since the peak, whatever is restarted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import LAW, NOW, a_snapshot, calm

from octobot_volume_booster.campaign.equity_marks import EquityMarks
from octobot_volume_booster.campaign.equity_of_all import GONE_S, PEAK_STEP
from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision import guards
from octobot_volume_booster.core.decision.situation import Situation
from octobot_volume_booster.core.model.snapshot import Equity
from octobot_volume_booster.core.settings.schema import parse_settings
from octobot_volume_booster.journal.journal import Journal

DAY_S = 86_400
MARKETS = (("a", "BTC/USDT"), ("a", "ETH/USDT"), ("b", "BTC/USDT"))
BASES = (Decimal(1), Decimal(0), Decimal(3))
QUOTES = {"a": Decimal(1_000), "b": Decimal(500)}


@dataclass
class Account:
    """Two exchanges: two pairs of one share its quote."""

    journal: Journal = field(default_factory=lambda: Journal.open_and_replay(None)[0])
    mids: list[Decimal] = field(default_factory=lambda: [Decimal(100)] * 3)
    lost: list[Decimal] = field(default_factory=lambda: [Decimal(0)] * 3)
    now: float = NOW - NOW % DAY_S

    def __post_init__(self) -> None:
        self.marks = EquityMarks(self.journal, 0)

    def restart(self) -> None:
        self.marks = EquityMarks(self.journal, 0)

    def look(self, number: int) -> Equity:
        self.now += 1
        (exchange, _), drift = MARKETS[number], (Decimal(0), -self.lost[number])
        spent = sum((self.lost[one] for one in range(3) if MARKETS[one][0] == exchange), Decimal(0))
        totals = BASES[number], QUOTES[exchange] - spent
        return self.marks.at(MARKETS[number], self.now, self.mids[number], totals, drift)

    def look_at_all(self) -> Equity:
        return [self.look(number) for number in range(3)][-1]

    @property
    def worth(self) -> Decimal:
        held = sum((base * mid for base, mid in zip(BASES, self.mids, strict=True)), Decimal(0))
        return held + sum(QUOTES.values()) - sum(self.lost)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("lose"), st.integers(0, 2), st.integers(-100, 200)),
        st.tuples(st.just("price"), st.integers(0, 2), st.integers(50, 200)),
        st.tuples(st.sampled_from(("restart", "day")), st.just(0), st.just(0)),
    ),
    max_size=25,
)


@settings(LAW, max_examples=40)
@given(STEPS)
def test_the_loss_of_all_is_that_of_the_day_and_since_the_peak_over_restarts(steps: list[tuple[str, int, int]]) -> None:
    account = Account()
    account.look_at_all()
    day_start = peak = account.worth
    for kind, number, amount in steps:
        match kind:
            case "lose":
                account.lost[number] += amount
                account.look(number)
            case "price":
                account.mids[number] = Decimal(amount)
                account.look(number)
            case "day":
                account.now += DAY_S
                account.look(0)
                day_start = account.worth
            case "restart":
                account.restart()
                first, *_, last = (account.look(one) for one in range(3))
                assert first.today_of_all is first.since_peak_of_all is None
                assert last.of_all_quote == account.worth
        peak = max(peak, account.worth)
        seen = account.look_at_all()
        assert seen.today_of_all is not None and seen.since_peak_of_all is not None
        assert (seen.today_of_all.before_quote, seen.today_of_all.now_quote) == (day_start, account.worth)
        assert peak / PEAK_STEP <= seen.since_peak_of_all.before_quote <= peak


def test_pairs_that_share_a_balance_lose_of_one_limit() -> None:
    """Each is less than 9 % down, all together 11.55 %."""
    account = Account()
    account.look_at_all()
    account.lost[:2] = [Decimal(90), Decimal(80)]
    account.mids[2] = Decimal("83.5")
    equity = account.look_at_all()
    assert equity.today_of_all is not None
    first = account.look(0)
    assert 1 - first.now_quote / first.day_start_quote < Decimal("0.09")
    assert equity.today_of_all.before_quote == Decimal(1_900)
    for guard, limit in ((guards.daily_loss, "max_daily_loss_percent"), (guards.drawdown, "max_drawdown_percent")):
        for percent, is_halted in (("11.55", True), ("11.56", False)):
            chosen = parse_settings({limit: percent})
            snapshot = a_snapshot(risk_inputs=replace(calm(Decimal(1_000)), equity=first))
            halt = guard(Situation(snapshot, chosen, Progress(target_quote=Decimal(1_000))))
            assert (halt is not None) == is_halted
            assert halt is None or "equity of all pairs together fell from 1,900.00 to 1,680.50" in halt.reason


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_market_that_joins_brings_neither_gain_nor_loss(is_restarted: bool) -> None:
    account = Account()
    account.look(0)
    account.lost[0] = Decimal(100)
    account.look(0)
    if is_restarted:
        account.restart()
        account.look(0)
    for number in (1, 2):
        equity = account.look(number)
        for change in (equity.today_of_all, equity.since_peak_of_all):
            assert change is not None and change.before_quote - change.now_quote == 100


@pytest.mark.parametrize("after_s", [GONE_S - 10, GONE_S + 10])
def test_a_market_that_is_not_traded_any_more_is_left_out_after_a_while(after_s: float) -> None:
    account = Account()
    account.look_at_all()
    account.lost[0] = Decimal(100)
    account.look_at_all()
    account.restart()
    account.look(0)
    account.now += after_s
    account.look(0)
    equity = account.look(1)
    if after_s < GONE_S:
        assert equity.today_of_all is None
        return
    assert equity.today_of_all is not None
    assert equity.today_of_all.before_quote == equity.today_of_all.now_quote == 1_000


def test_a_resume_begins_anew() -> None:
    account = Account()
    account.look_at_all()
    account.lost[1] = Decimal(300)
    account.look_at_all()
    account.marks.begin_anew(1)
    equity = account.look_at_all()
    assert equity.today_of_all is not None and equity.since_peak_of_all is not None
    assert equity.today_of_all.before_quote == equity.since_peak_of_all.before_quote == account.worth
