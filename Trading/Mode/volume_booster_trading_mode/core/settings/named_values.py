"""Settings written as text: "BTC/USDT = 2, ETH/USDT = 1", "binance, kraken", and durations as "48m". Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from ..model.escape import printable, quoted, shortened
from ..model.typed import plain_number

_THOUSANDS = re.compile(r"\d{3}(\.\d*)?\s*", re.ASCII)
NamedAmounts = tuple[tuple[str, Decimal], ...]
"""What each name is given, in the order in which they were written."""
Names = tuple[str, ...]


_SECONDS_OF = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def read_duration(value: object) -> object:
    """Seconds from a text such as 90s, 48m, 1.5h or 2d; anything else as it is, for its own type to judge."""
    if not isinstance(value, str) or not value.strip() or value.strip()[-1].lower() not in _SECONDS_OF:
        return value
    text = value.strip().lower()
    try:
        return float(text[:-1]) * _SECONDS_OF[text[-1]]
    except ValueError:
        return value


def read_amounts(value: object) -> NamedAmounts:
    """From a text, a JSON object, or pairs.

    :raises ValueError: naming the part that can't be read, and what would do.
    """
    if isinstance(value, str):
        pairs: Iterable[tuple[object, object]] = (_pair(part) for part in _parts(value))
    elif isinstance(value, Mapping):
        pairs = value.items()
    elif isinstance(value, (list, tuple)) and all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in value):
        pairs = ((pair[0], pair[1]) for pair in value)
    else:
        raise ValueError('must be names with numbers, as in "BTC/USDT = 2, ETH/USDT = 1"')
    amounts = [(_name(name), _amount(name, amount)) for name, amount in pairs]
    _check_named_once(name for name, _ in amounts)
    return tuple(amounts)


def read_names(value: object) -> Names:
    """From a text or a list.

    :raises ValueError: when it is neither, or names something twice.
    """
    if isinstance(value, str):
        value = [part for part in value.split(",") if part.strip()]
    if not isinstance(value, (list, tuple)) or not all(isinstance(part, str) for part in value):
        raise ValueError('must be names, as in "binance, kraken"')
    names = tuple(map(_name, value))
    _check_named_once(names)
    return names


def amounts_text(amounts: NamedAmounts) -> str:
    """As a person writes it."""
    return ", ".join(f"{name} = {amount:f}" for name, amount in amounts)


def names_text(names: Names) -> str:
    """As a person writes it."""
    return ", ".join(names)


def amount_of(amounts: NamedAmounts, exchange: str, symbol: str = "") -> Decimal | None:
    """What a market is given: under its exchange and symbol, else its symbol, else its exchange; None for nothing."""
    named = dict(amounts)
    names = (f"{exchange} {symbol}", symbol, exchange)
    return next((named[name] for name in names if name and name in named), None)


def unknown_names(names: Iterable[str], exchanges: Iterable[str], symbols: Iterable[str]) -> list[str]:
    """Those that are neither an exchange nor a symbol nor one on the other."""
    exchanges, symbols = set(exchanges), set(symbols)
    known = exchanges | symbols | {f"{exchange} {symbol}" for exchange in exchanges for symbol in symbols}
    return [name for name in names if name not in known]


def _parts(text: str) -> list[str]:
    """The pairs of a text, between its commas; a comma between thousands ends none."""
    parts: list[str] = []
    for part in filter(str.strip, text.split(",")):
        if parts and _THOUSANDS.fullmatch(part):
            parts[-1] += f",{part}"
        else:
            parts.append(part)
    return parts


def _pair(part: str) -> tuple[str, str]:
    name, equals, amount = part.partition("=")
    if not equals:
        raise ValueError(f'{quoted(part.strip())} has no number: write it as in "BTC/USDT = 2"')
    return name, amount


def _name(name: object) -> str:
    text = " ".join(str(name).split())
    if not text or "=" in text or "," in text:
        raise ValueError(f"{quoted(str(name))} is no name of a pair or an exchange")
    return text


def _amount(name: object, amount: object) -> Decimal:
    try:
        number = Decimal(plain_number(str(amount)))
    except InvalidOperation:
        number = Decimal("nan")
    if isinstance(amount, bool) or not number.is_finite() or not 0 <= number <= Decimal("1e12"):
        told = shortened(printable(str(name)))
        raise ValueError(f"the number of {told} must be from 0 to 1e12, not {quoted(str(amount).strip())}")
    return number


def _check_named_once(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{shortened(printable(name))} is named twice")
        seen.add(name)
