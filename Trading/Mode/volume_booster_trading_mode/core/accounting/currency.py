"""The currency that a campaign counts in, and what a market of another quote sees of it. Pure.

Target, amounts and sums are in the campaign's currency; prices, balances and the exchange's rules are in the quote of a
market. A decision is made in the market's quote: what is in the campaign's currency is brought into it first.
"""

from __future__ import annotations

import dataclasses
import decimal
import functools
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, TypeVar, get_args, get_type_hints

from ..model.basics import ONE, Unit
from ..model.snapshot import MarketSnapshot
from ..settings.schema import Settings
from .ledger import Progress

RATE_DIGITS = decimal.Context(prec=12)
_T = TypeVar("_T")


class CurrencyError(ValueError):
    """The campaign can't tell what its amounts are in; one sentence says why and what would do."""


def campaign_currency(settings: Settings, quotes: Iterable[str], counted_in: str | None) -> str:
    """What target and amounts are in: the one quote that all pairs have, or the one that is set.

    :param quotes: those of all enabled pairs.
    :param counted_in: what the campaign has counted in so far; None for one that begins.
    :raises CurrencyError: when the quotes differ and none is set, or when another one was counted in.
    """
    told = sorted(set(quotes))
    if not settings.target_currency and len(told) > 1 and counted_in is None:
        raise CurrencyError(
            f"the pairs have the quotes {', '.join(told)}: set target_currency to the one that volume_target and the "
            "amounts are in"
        )
    wanted = settings.target_currency or counted_in or told[0]
    if counted_in not in (None, wanted):
        raise CurrencyError(
            f"the campaign has counted in {counted_in} so far, and target_currency is {wanted}: set it back, or "
            "start a new campaign: move campaign.sqlite aside, or start with --fresh, which does that"
        )
    return wanted


def rounded_rate(rate: Decimal) -> Decimal:
    """A rate with twelve digits: what is counted with it stays short and exact."""
    return RATE_DIGITS.plus(rate)


def settings_in_quote(settings: Settings, rate: Decimal) -> Settings:
    """The settings with their amounts in a quote of which one is worth `rate` of the campaign's currency."""
    return _in_quote(settings, rate)


def progress_in_quote(progress: Progress, rate: Decimal) -> Progress:
    """The same of a progress."""
    return _in_quote(progress, rate)


def snapshot_in_quote(snapshot: MarketSnapshot, rate: Decimal) -> MarketSnapshot:
    """The same of a snapshot: its equity, and what the campaign has filled."""
    return _in_quote(snapshot, rate)


def _in_quote(counted: _T, rate: Decimal) -> _T:
    converted: _T = counted if rate == ONE else _converted(counted, rate)
    return converted


def _converted(value: Any, rate: Decimal) -> Any:
    if isinstance(value, Decimal):
        return value and value / rate
    if isinstance(value, tuple):
        return tuple(_converted(part, rate) for part in value)
    if isinstance(value, dict):
        return {key: _converted(part, rate) for key, part in value.items()}
    kind: Any = type(value)
    changes = {name: _converted(getattr(value, name), rate) for name in _counted_fields(kind)}
    if not changes:
        return value
    return value.model_copy(update=changes) if isinstance(value, Settings) else dataclasses.replace(value, **changes)


@functools.cache
def _counted_fields(kind: Any) -> tuple[str, ...]:
    """The fields of a class that are in the campaign's currency, or hold something with such a field."""
    return tuple(name for name, hint in type_hints(kind).items() if any(map(_is_counted, parts_of(hint))))


def _is_counted(part: Any) -> bool:
    return part is Unit.CAMPAIGN or (isinstance(part, type) and bool(_counted_fields(part)))


def type_hints(kind: type) -> dict[str, Any]:
    """The types of the fields of a dataclass or of settings, with their units; none of any other class."""
    if issubclass(kind, Settings):
        return {name: (info.annotation, *info.metadata) for name, info in kind.model_fields.items()}
    return get_type_hints(kind, include_extras=True) if dataclasses.is_dataclass(kind) else {}


def parts_of(hint: Any) -> Iterator[Any]:
    """A type and all that it is made of, the unit of a number included."""
    yield hint
    for part in hint if isinstance(hint, tuple) else get_args(hint):
        yield from parts_of(part)
