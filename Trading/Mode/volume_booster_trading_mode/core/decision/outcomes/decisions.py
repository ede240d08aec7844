"""What may be decided: place, cancel, wait, or done. A halt is in `guards`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ...model.basics import ZERO
from ...model.orders import OpenOrder, OrderIntent
from .halts import Halt


@dataclass(frozen=True, slots=True)
class Place:
    """Send this order, then decide again after `delay_s` seconds."""

    intent: OrderIntent
    delay_s: float
    min_order_quote: Decimal | None = ZERO
    """The smallest order of the exchange: by less than that the order may exceed the target. None for an order that
    closes a position, which has to be closed whatever it is worth by then."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel these orders of ours, then decide again at once."""

    orders: tuple[OpenOrder, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for `delay_s` seconds, for this reason."""

    delay_s: float
    reason: str
    is_unfunded: bool = False
    """A balance does not pay for the order that has to be next: wait longer and longer until it does."""
    is_pace: bool = False
    """Nothing stands in the way but the pause after an order: no news for a person."""
    yields_to_other_markets: bool = False
    """This market could trade, and the campaign leaves what there is to do to others."""
    releases_share: bool = False
    """This market can't take an order now: its share goes to others at once."""


@dataclass(frozen=True, slots=True)
class Done:
    """The target is reached; `leftovers` are orders of ours that still rest."""

    leftovers: tuple[OpenOrder, ...] = ()
    rest: str = ""
    """What of the inventory should have gone back to its start and stays, and why; empty where nothing does."""


Decision = Place | Cancel | Wait | Halt | Done
