"""Fee tiers: the table is read whole or refused with its line, and what a campaign gains adds up."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octobot_volume_booster.core.planning.fee_tiers import FeeTiersError, gain, read_tiers

TABLE = """volume,maker,taker
0,0.10,0.10
# what VIP 1 has
1000000,0.09%,0.10
5_000,1,2
""".replace("5_000,1,2\n", "5000000, 0.08, 0.095\n")


def test_a_table_is_read_with_its_heading_and_comments() -> None:
    tiers = read_tiers(TABLE)
    assert [tier.volume_quote for tier in tiers] == [0, 1_000_000, 5_000_000]
    assert tiers[1].maker_rate == Decimal("0.0009")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no line"),
        ("volume,maker,taker\n", "no line"),
        ("0,0.1\n", "line 1"),
        ("0,0.1,0.1\n5,x,0.1\n", "line 2"),
        ("0,0.1,0.1\n0,0.1,0.1\n", "line 2"),
        ("0,50,0.1\n", "line 1"),
    ],
)
def test_a_table_that_is_none_is_refused_with_its_line(text: str, told: str) -> None:
    with pytest.raises(FeeTiersError, match=told):
        read_tiers(text)


def test_what_a_campaign_gains() -> None:
    gained = gain(read_tiers(TABLE), Decimal(960_000), Decimal(50_000), Decimal(50))
    assert gained.reached.volume_quote == 1_000_000
    assert gained.maker_saving_bps == 1
    assert gained.taker_saving_bps == 0
    assert gained.break_even_maker_quote == 500_000
    assert gained.break_even_taker_quote is None
    assert gained.missing_quote == 3_990_000


def savings(before: int, quote: int, cost: Decimal) -> list[tuple[Decimal, Decimal | None]]:
    """By how much an order is cheaper afterwards, as maker and as taker, and the volume that saves the cost."""
    gained = gain(read_tiers(TABLE), Decimal(before), Decimal(quote), cost)
    assert gained.reached.volume_quote >= gained.before.volume_quote
    return [
        (gained.maker_saving_bps, gained.break_even_maker_quote),
        (gained.taker_saving_bps, gained.break_even_taker_quote),
    ]


@given(st.integers(0, 10**7), st.integers(1, 10**7), st.decimals(0, 10_000, places=2))
def test_only_what_is_saved_on_pays_back(before: int, quote: int, cost: Decimal) -> None:
    assert all(saving >= 0 and (even is None) == (saving == 0) for saving, even in savings(before, quote, cost))


@given(st.integers(0, 999_999), st.integers(10**6, 10**7), st.decimals(0, 10_000, places=2))
def test_later_volume_at_the_break_even_saves_the_cost_exactly(before: int, quote: int, cost: Decimal) -> None:
    saved = [float(even * saving / 10_000) for saving, even in savings(before, quote, cost) if even is not None]
    assert saved
    assert saved == pytest.approx([float(cost)] * len(saved))
