"""Amounts, rates and times as text, one way each. Pure."""

from __future__ import annotations

import datetime
import decimal
import math
from decimal import Decimal

CENT = Decimal("0.01")
_WIDE = decimal.Context(prec=400)
_IN_CENTS = frozenset({
    *("USD", "USDT", "USDC", "USDE", "USDP", "USDD", "USD1", "BUSD", "FDUSD", "PYUSD", "TUSD", "GUSD", "DAI", "EUR"),
    *("EURC", "EURI", "EURT", "GBP", "CHF", "AUD", "CAD", "BRL", "TRY", "PLN", "MXN", "ZAR", "UAH", "RON", "CZK"),
})  # fmt: skip
"""Currencies whose amounts are shown to the cent."""
_DIGITS, _MOST_DECIMALS = 8, 8
"""Of an amount in any other currency: its significant digits, and the most decimals of any amount."""
QUOTIENT_STEP = Decimal("1e-12")
LARGEST_ROUNDED = Decimal("1e12")


def money(value: Decimal) -> str:
    """An exact decimal string without exponent, with at least two decimals."""
    whole, _, decimals = f"{value:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def money_of_quotient(value: Decimal) -> str:
    """The result of a division as `money`, without its endless decimals."""
    return money(value.quantize(QUOTIENT_STEP) if abs(value) < LARGEST_ROUNDED else value)


def shown(value: Decimal, quote: str = "") -> str:
    """An amount of a currency for people, with thousands separators and as many digits as it takes.

    To the cent where that is usual, else with 8 significant digits. An amount of 0.00000001 or more is never shown as
    zero, and zero has no sign.

    :param quote: the currency; empty where it is not known, which counts in cents.
    """
    if not value.is_finite():
        return "endless"
    is_in_cents = not quote or quote in _IN_CENTS
    places = 2 if is_in_cents else min(max(_DIGITS - 1 - value.adjusted(), 2), _MOST_DECIMALS)
    rounded = _rounded(value, places)
    if not rounded and value:
        rounded = _rounded(value, min(1 - value.adjusted(), _MOST_DECIMALS))
    if not rounded:
        return "0.00" if is_in_cents else "0"
    whole, _, decimals = f"{rounded:,f}".partition(".")
    least = 2 if is_in_cents or value.adjusted() > 1 else 4
    return f"{whole}.{decimals.rstrip('0'):0<{least}}"


def signed(value: Decimal, quote: str = "") -> str:
    """The same with its sign, also where it is above zero."""
    text = shown(value, quote)
    return text if text.startswith("-") else f"+{text}"


def quantity(value: Decimal) -> str:
    """A quantity for people: 8 significant digits at most, with thousands separators."""
    if not value:
        return "0"
    whole, _, decimals = f"{_rounded(value, max(_DIGITS - 1 - value.adjusted(), 0)):,f}".partition(".")
    decimals = decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def price(value: Decimal) -> str:
    """A price for people: exact, with thousands separators and without an exponent."""
    whole, _, decimals = f"{value:,f}".partition(".")
    return f"{whole}.{decimals}" if decimals.rstrip("0") else whole


def _rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), context=_WIDE)


def number(value: str | float | None) -> str:
    """A figure for people: a count as it is, else two decimals; "none" where there is none, and text as it is."""
    if value is None:
        return "none"
    try:
        figure = float(value)
    except ValueError:
        return str(value)
    return f"{figure:,.0f}" if isinstance(value, int) else f"{round(figure, 2) + 0.0:,.2f}"


def percent(rate: Decimal) -> str:
    """A rate as an exact percentage."""
    return f"{(rate * 100).normalize():f} %"


def duration(seconds: float) -> str:
    """A duration as people say it: "47 s", "1 min 44 s", "48 min", "4 h 47 min", "2 days 10 h"."""
    if not math.isfinite(seconds):
        return "for ever"
    whole, minutes, hours = round(seconds), round(seconds / 60), round(seconds / 3_600)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return _two(whole, 60, "min", "s")
    if minutes < 60:
        return f"{minutes} min"
    return _two(minutes, 60, "h", "min") if minutes < 2_880 else _two(hours, 24, "days", "h")


def _two(count: int, in_one: int, large: str, small: str) -> str:
    first, rest = divmod(count, in_one)
    return f"{first} {large} {rest} {small}" if rest else f"{first} {large}"


def clock_duration(seconds: float) -> str:
    """A duration as a clock shows it: minutes and seconds, or hours and minutes."""
    whole = int(seconds)
    if whole < 3_600:
        return f"{whole // 60:02d}:{whole % 60:02d}"
    return f"{whole // 3_600}h{whole % 3_600 // 60:02d}"


def iso_time(at: float) -> str:
    """ISO 8601, UTC, to the second; `at` is in seconds since 1970."""
    return _utc(at).isoformat(timespec="seconds")


def iso_date(at: float) -> str:
    """The day in UTC."""
    return _utc(at).date().isoformat()


def moment(at: float) -> str:
    """Date and time for people, in UTC."""
    return _utc(at).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock_time(at: float) -> str:
    """The time of the day in UTC."""
    return _utc(at).strftime("%H:%M:%S")


def _utc(at: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc)
