"""The character of a generated market: one frozen object, presets of it, and the file that holds one.

What real markets of these kinds are like, from public order books and trades: the largest pairs of the largest
exchanges have a spread of a basis point or less, several prints a second and levels of some thousand dollars; pairs of
the middle 5 bps and a print every few seconds; small ones 20 bps and a few prints a minute. In all of them the spread
is one to two times the volatility from one trade to the next (Wyart et al., "Relation between bid-ask spread, impact
and volatility in order-driven markets", 2008), and a print moves the mid by a large part of the half spread.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .markets import FINEST, MOST_DECIMALS
from .spec import KIND_RATIO, MOST_PERSISTENT, MarketSpec

BOUNDS: Mapping[str, tuple[float, float]] = {
    "spread_bps": (0, 5_000),
    "tick_bps": (0, 5_000),
    "depth_quote": (1, 10**9),
    "volatility_percent": (0, 1_000),
    "prints_per_second": (0.001, 100),
    "print_quote": (1, 10**9),
    "toxicity": (0, 1),
    "sign_persistence": (0, MOST_PERSISTENT),
    "level_seconds": (1, 86_400),
}
"""The lowest and highest value of each figure."""
DEFAULT = "tight"
_NAME = "name"


class CharacterError(ValueError):
    """No character: a file or a name that can't be used. The message says which figure, and what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketCharacter:
    """What a generated market is like. Amounts are in quote, `_bps` are relative to the mid."""

    name: str
    spread_bps: float  # best ask minus best bid; at least one tick
    tick_bps: float = 0.0  # step of prices, rounded down to 1, 2 or 5 of a decimal place; 0: that of the market
    tick: Decimal | None = None  # step of prices in quote, instead
    depth_quote: float  # median of what rests at one price
    volatility_percent: float  # standard deviation of a year's log return of the mid
    prints_per_second: float  # of others, on average
    print_quote: float  # median of one
    toxicity: float = 0.8  # 0..1: share of the half spread by which the mid has followed a print after ten seconds
    sign_persistence: float = 0.5  # 0..0.9: correlation of the aggressors' sides of neighbouring prints
    level_seconds: float = 30.0  # mean time for which orders stand; they are cancelled in proportion
    competitor: bool = True  # whether somebody improves on an order that improves on the touch

    def of(self, spec: MarketSpec) -> MarketSpec:
        """A market of this character. Raises ValueError when its tick can't be one of this market."""
        return dataclasses.replace(
            spec,
            tick_quote=self._tick_quote(spec),
            spread_bps=self.spread_bps,
            level_median_quote=self.depth_quote,
            annual_volatility=self.volatility_percent / 100,
            prints_per_second=self.prints_per_second,
            print_median_quote=self.print_quote,
            toxicity=self.toxicity,
            sign_persistence=self.sign_persistence,
            level_seconds=self.level_seconds,
            competitor=self.competitor,
        )

    def _tick_quote(self, spec: MarketSpec) -> Decimal:
        if self.tick is not None:
            return self.tick
        wanted = spec.start_price_quote * Decimal(str(self.tick_bps)) / 10_000
        if not wanted:
            return spec.tick_quote
        digit = next(one for one in (5, 2, 1) if one <= int(wanted.scaleb(-wanted.adjusted())))
        return _plain(max(Decimal(digit).scaleb(wanted.adjusted()), FINEST))

    def to_json(self) -> dict[str, Any]:
        """Every figure; the tick in quote as text, where there is one."""
        figures = dataclasses.asdict(self) | {"tick": None if self.tick is None else str(self.tick)}
        return {name: value for name, value in figures.items() if value is not None}


PRESETS: Mapping[str, MarketCharacter] = {
    one.name: one
    for one in (
        MarketCharacter(
            name="tight", spread_bps=1, depth_quote=5_000, volatility_percent=50, prints_per_second=2.5, print_quote=300
        ),
        MarketCharacter(
            name="ordinary", spread_bps=5, tick_bps=0.5, depth_quote=3_000, volatility_percent=90,
            prints_per_second=0.3, print_quote=300,
        ),
        MarketCharacter(
            name="wide", spread_bps=20, tick_bps=2, depth_quote=1_500, volatility_percent=150, prints_per_second=0.05,
            print_quote=150, level_seconds=60,
        ),
        MarketCharacter(
            name="thin", spread_bps=10, tick_bps=10, depth_quote=200, volatility_percent=120, prints_per_second=0.1,
            print_quote=60, level_seconds=60,
        ),
    )
}  # fmt: skip


def character_from(values: Mapping[str, Any]) -> MarketCharacter:
    """A character from its figures by name. Raises CharacterError, naming the figure."""
    fields = {field.name: field for field in dataclasses.fields(MarketCharacter)}
    if unknown := [name for name in values if name not in fields]:
        raise CharacterError(f"{unknown[0]!r} is no figure of a market; they are {', '.join(fields)}")
    needed = [name for name, field in fields.items() if field.default is dataclasses.MISSING]
    if missing := [name for name in needed if name not in values]:
        raise CharacterError(f"{', '.join(missing)} is missing; a market has {', '.join(needed)}")
    for name, value in values.items():
        if name in BOUNDS:
            _check_number(name, value)
    if not isinstance(values.get("competitor", True), bool):
        raise CharacterError(f"competitor must be true or false, not {values['competitor']!r}")
    if not isinstance(values[_NAME], str) or not values[_NAME].isprintable() or not 0 < len(values[_NAME]) <= 40:
        raise CharacterError(f"name must be a text of 1 to 40 characters, not {values[_NAME]!r}")
    tick = values.get("tick")
    return MarketCharacter(**{**values, "tick": None if tick is None else read_tick(tick)})


def _check_number(name: str, value: object) -> None:
    lowest, highest = BOUNDS[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not lowest <= float(str(value)) <= highest:
        raise CharacterError(f"{name} must be a number from {lowest:g} to {highest:g}, not {value!r}")


def read_tick(text: object) -> Decimal:
    """A step of prices in quote. Raises CharacterError."""
    try:
        tick = Decimal(str(text))
    except ArithmeticError:
        tick = Decimal("NaN")
    if not tick.is_finite() or not 0 < tick <= 10**6 or tick % FINEST:
        raise CharacterError(
            f"tick must be above 0, such as 0.01, and have at most {MOST_DECIMALS} decimals, not {text!r}"
        )
    return _plain(tick)


def _plain(tick: Decimal) -> Decimal:
    """Without an exponent, so that prices are shown without one."""
    return Decimal(f"{tick:f}")


def character_named(text: str) -> MarketCharacter:
    """A preset by its name, or the character in a JSON file. Raises CharacterError."""
    if text in PRESETS:
        return PRESETS[text]
    path = pathlib.Path(text)
    if path.suffix != ".json":
        raise CharacterError(f"market must be {', '.join(PRESETS)} or a file that ends in .json, not {text}")
    try:
        values = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise CharacterError(f"{text} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise CharacterError(f"{text} is no JSON in UTF-8: {error}") from error
    if not isinstance(values, dict):
        raise CharacterError(f"{text} must be a JSON object with the figures of a market")
    try:
        return character_from({_NAME: path.stem[:40], **values})
    except CharacterError as error:
        raise CharacterError(f"{text}: {error}") from error


def too_kind(market: MarketSpec) -> str | None:
    """A warning where resting orders would earn what no real market pays them."""
    if market.spread_ratio <= KIND_RATIO:
        return None
    ratio = "over 1000" if market.spread_ratio > 1_000 else f"{market.spread_ratio:.1f}"
    return (
        f"the spread of {market.id} is {ratio} times its volatility from one trade to the next; on real markets it is "
        f"1 to 2 times, so above {KIND_RATIO:g} resting orders look cheaper here than they are"
    )
