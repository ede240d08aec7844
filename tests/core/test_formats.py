"""Amounts, rates and times as text."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.core.model import formats


@LAW
@given(st.decimals(-(10**9), 10**9, places=6))
def test_a_shown_amount_is_within_half_a_cent(amount: Decimal) -> None:
    assert abs(Decimal(formats.shown(amount).replace(",", "")) - amount) <= Decimal("0.005")


@LAW
@given(st.decimals(-(10**30), 10**30, allow_nan=False))
def test_a_quotient_loses_no_more_than_its_endless_decimals(value: Decimal) -> None:
    assert abs(Decimal(formats.money_of_quotient(value)) - value) < formats.QUOTIENT_STEP


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "none"), (12_345, "12,345"), (1.5, "1.50"), ("1234.567", "1,234.57"), ("no round trip", "no round trip")],
)
def test_a_figure_is_a_count_or_has_two_decimals(value: str | float | None, text: str) -> None:
    assert formats.number(value) == text


@pytest.mark.parametrize(("rate", "text"), [("0.001", "0.1 %"), ("-0.00005", "-0.005 %"), ("0", "0 %"), ("1", "100 %")])
def test_a_rate_is_an_exact_percentage(rate: str, text: str) -> None:
    assert formats.percent(Decimal(rate)) == text


DURATIONS = [
    (119.4, "119 s", "01:59"),
    (120, "2 min", "02:00"),
    (7_199, "120 min", "1h59"),
    (7_200, "2.0 h", "2h00"),
    (172_800, "2.0 days", "48h00"),
]


@pytest.mark.parametrize(("seconds", "text", "clock"), DURATIONS)
def test_a_duration_has_the_unit_that_reads_well(seconds: float, text: str, clock: str) -> None:
    assert (formats.duration(seconds), formats.clock_duration(seconds)) == (text, clock)


def test_an_endless_duration_has_a_word() -> None:
    assert formats.duration(float("inf")) == "for ever"


def test_a_time_is_shown_in_utc() -> None:
    at = datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.timezone.utc).timestamp() + 0.9
    assert formats.iso_time(at) == "2023-11-14T22:13:20+00:00"
    assert formats.iso_date(at) == "2023-11-14"
    assert formats.moment(at) == "2023-11-14 22:13:20 UTC"
    assert formats.clock_time(at) == "22:13:20"
