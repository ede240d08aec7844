"""Amounts, rates and times as text, one way each. Pure."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal

CENT = Decimal("0.01")
QUOTIENT_STEP = Decimal("1e-12")
LARGEST_ROUNDED = Decimal("1e12")


def money(value: Decimal) -> str:
    """An exact decimal string without exponent, with at least two decimals."""
    whole, _, decimals = f"{value:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def money_of_quotient(value: Decimal) -> str:
    """The result of a division as `money`, without its endless decimals."""
    return money(value.quantize(QUOTIENT_STEP) if abs(value) < LARGEST_ROUNDED else value)


def shown(value: Decimal) -> str:
    """An amount for people: to the cent, with thousands separators."""
    return f"{value.quantize(CENT) + 0:,}"


def number(value: str | float | None) -> str:
    """A figure for people: a count as it is, else two decimals; "none" where there is none, and text as it is."""
    if value is None:
        return "none"
    try:
        figure = float(value)
    except ValueError:
        return str(value)
    return f"{figure:,.0f}" if isinstance(value, int) else f"{figure:,.2f}"


def percent(rate: Decimal) -> str:
    """A rate as an exact percentage."""
    return f"{(rate * 100).normalize():f} %"


def duration(seconds: float) -> str:
    """A duration for people."""
    if not math.isfinite(seconds):
        return "for ever"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7_200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"


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
