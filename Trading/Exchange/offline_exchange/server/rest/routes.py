"""The API's routes: a call in, a reply out, and an interceptor between them for faults."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..market.markets import MOST_DECIMALS
from .query import DECIMAL_PLACES, Query


class DroppedError(Exception):
    """Raised by an interceptor: the connection is closed without a reply."""


class UnsettledError(Exception):
    """What was done could not be made safe: whether it is remembered after a restart is unknown."""


@dataclass(slots=True)
class Call:
    """One request. `account` is whose key was sent, before anything is checked; None when the key is nobody's.

    `now_ms` is the exchange's present; `skew_ms` is by how much the clock that it shows, and holds timestamps against,
    is ahead of that.
    """

    method: str
    path: str
    query: Query
    now_ms: int
    address: str
    account: str | None = None
    api_key: str | None = None
    signed_payload: bytes = b""
    skew_ms: int = 0

    @property
    def shown_ms(self) -> int:
        """The time that the exchange reports."""
        return self.now_ms + self.skew_ms


@dataclass(slots=True)
class Reply:
    """What is sent back: a JSON `body`, or a text where `body` is a str."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Any]
"""Turns a call into a JSON body, or raises ApiError."""
Weight = Callable[[Query], int]
Execute = Callable[[Call], Awaitable[Reply]]
Settle = Callable[[], Awaitable[None]]
"""Waits until all that was done so far is safe. Raises UnsettledError when that can't be."""
Interceptor = Callable[[Call, Execute], Awaitable[Reply]]
"""Wraps every call of the API: acts before it, executes it once or not at all, and returns the reply.

Refusals are replies of `execute`, too. It may raise DroppedError.
"""


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `weight` is what a call costs of the address's allowance of a minute."""

    method: str
    path: str
    handler: Handler
    weight: Weight
    is_signed: bool = False
    is_order: bool = False  # counts as a new order


def flat(weight: int) -> Weight:
    """A constant weight."""
    return lambda query: weight


def money(value: Decimal) -> str:
    """A decimal string with eight decimals, or as many as a price or quantity of a finer market has.

    An average, which has no end, is rounded to eight decimals, below 0.0001 to five digits.
    """
    places = decimals_of(value)
    if places > MOST_DECIMALS:
        places = 4 - value.adjusted() if value else 0
    return f"{value:.{max(places, DECIMAL_PLACES)}f}"


def decimals_of(value: Decimal) -> int:
    """How many decimals a number has, without zeros at its end."""
    return max(0, -int(value.normalize().as_tuple().exponent))
