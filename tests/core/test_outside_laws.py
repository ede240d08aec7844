"""Laws of what somebody else trades on the account: noticed when it stays, and nothing else is."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.core.accounting.outside import LASTS_S, LEAST_LOOKS, AccountWatch

START = Decimal(5), Decimal(1_000)
LOOK_S = LASTS_S / LEAST_LOOKS
AMOUNTS = st.integers(-500, 500).map(lambda cents: Decimal(cents) / 100)


def seen(totals: list[tuple[Decimal, Decimal]], drifts: list[tuple[Decimal, Decimal]]) -> tuple[Decimal, Decimal]:
    watch = AccountWatch()
    for number, (total, drift) in enumerate(zip(totals, drifts, strict=True)):
        found = watch.see(number * LOOK_S, total, drift)
    return found


def changed(by: tuple[Decimal, Decimal], of: tuple[Decimal, Decimal] = START) -> tuple[Decimal, Decimal]:
    return of[0] + by[0], of[1] + by[1]


@LAW
@given(st.lists(st.tuples(AMOUNTS, AMOUNTS), min_size=30, max_size=30))
def test_own_fills_explain_themselves(drifts: list[tuple[Decimal, Decimal]]) -> None:
    assert seen([changed(drift) for drift in drifts], drifts) == (0, 0)


@LAW
@given(st.lists(AMOUNTS, min_size=40, max_size=40), st.integers(1, 5), st.integers(5, 25))
def test_coins_that_are_sold_by_hand_are_noticed_while_the_campaign_trades(
    bought: list[Decimal], behind: int, at: int
) -> None:
    """Balances may be some looks behind; of a sale as much is noticed as none of that hides."""
    drifts = [(one, -one * 10) for one in bought]
    sold = Decimal(-100), Decimal(1_000)
    totals = [changed(drifts[max(number - behind, 0)]) for number in range(40)]
    totals = [changed(sold, total) if number >= at else total for number, total in enumerate(totals)]
    base, quote = seen(totals, drifts)
    assert -110 <= base <= -90 and 900 <= quote <= 1_100


@LAW
@given(AMOUNTS, st.booleans())
def test_a_deposit_or_a_withdrawal_is_nothing(amount: Decimal, is_base: bool) -> None:
    by = (amount, Decimal(0)) if is_base else (Decimal(0), amount)
    assert seen([START] * 5 + [changed(by)] * 30, [(Decimal(0), Decimal(0))] * 35) == (0, 0)


def test_it_has_to_stay_for_a_while() -> None:
    sold = changed((Decimal(-1), Decimal(100)))
    nothing = Decimal(0), Decimal(0)
    for looks in range(1, LEAST_LOOKS + 1):
        assert seen([START] * 9 + [sold] * looks, [nothing] * (9 + looks)) == nothing
    assert seen([START] * 9 + [sold] * (LEAST_LOOKS + 1), [nothing] * (10 + LEAST_LOOKS)) == (-1, 100)
    assert seen([*[sold] * 20, START, *[sold] * 5], [nothing] * 26) == nothing
