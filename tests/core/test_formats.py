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
    (0, "0 s", "00:00"),
    (59.4, "59 s", "00:59"),
    (59.6, "1 min", "00:59"),
    (104, "1 min 44 s", "01:44"),
    (599.6, "10 min", "09:59"),
    (2_860, "48 min", "47:40"),
    (7_199, "2 h", "1h59"),
    (17_207, "4 h 47 min", "4h46"),
    (172_799, "2 days", "47h59"),
    (207_360, "2 days 10 h", "57h36"),
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


QUOTES = st.sampled_from(("USDT", "BTC", "ETH", "", "BTC, USDT"))


@LAW
@given(st.decimals(-(10**12), 10**12, places=14), QUOTES)
def test_an_amount_is_never_shown_as_a_zero_that_it_is_not(amount: Decimal, quote: str) -> None:
    text = formats.shown(amount, quote)
    shown = Decimal(text.replace(",", ""))
    assert not text.startswith("-0") or shown != 0
    assert bool(shown) == (abs(amount) >= Decimal("0.000000005")) or abs(amount) == Decimal("0.000000005")
    least = Decimal("0.005") if quote in ("USDT", "") else max(abs(amount) * Decimal("5e-8"), Decimal("5e-9"))
    assert abs(shown - amount) <= least
    assert Decimal(formats.signed(amount, quote).replace(",", "")) == shown


@pytest.mark.parametrize(
    ("amount", "quote", "text"),
    [("0.05", "BTC", "0.0500"), ("0.00005", "BTC", "0.00005"), ("1.37", "BTC", "1.3700"), ("0", "BTC", "0"),
     ("12.345678901", "BTC", "12.345679"), ("-0.000001", "BTC", "-0.000001"), ("1E+3", "BTC", "1,000.00"),
     ("1234.567", "USDT", "1,234.57"), ("0.0012345", "USDT", "0.0012"), ("-0.001", "USDT", "-0.001"),
     ("-0.0000000001", "USDT", "0.00"), ("0", "USDT", "0.00"), ("Infinity", "USDT", "endless"), ("0.996", "", "1.00")],
)  # fmt: skip
def test_an_amount_has_the_digits_that_fit_its_currency(amount: str, quote: str, text: str) -> None:
    assert formats.shown(Decimal(amount), quote) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("0", "0"), ("25199090.90909", "25,199,091"), ("0.35428172", "0.35428172"), ("1E-8", "0.00000001"),
     ("-0.1091465412345", "-0.10914654"), ("1E+3", "1,000")],
)  # fmt: skip
def test_a_quantity_has_eight_digits(value: str, text: str) -> None:
    assert formats.quantity(Decimal(value)) == text


@pytest.mark.parametrize(("value", "text"), [("1E-8", "0.00000001"), ("30000.00", "30,000"), ("1E+3", "1,000")])
def test_a_price_is_exact_and_has_no_exponent(value: str, text: str) -> None:
    assert formats.price(Decimal(value)) == text


def test_a_figure_has_no_sign_at_zero() -> None:
    assert formats.number(-0.001) == "0.00"
