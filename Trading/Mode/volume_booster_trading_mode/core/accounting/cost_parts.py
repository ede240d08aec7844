"""What a campaign has cost, in parts that add up to it exactly. Pure.

The cost of a fill is its fee and what its price was off the mid when it filled. After that the mid moves on: what it
does within a minute is the mark-out of the fill, what it does later is the move of the inventory. With both the cost is
all that the account has lost, the inventory at the last mid: the decomposition of a spread into what is kept and what
is given back (Huang and Stoll, Dealer versus Auction Markets, 1996), carried on to the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal

from ..model.basics import ZERO
from ..model.orders import Fill
from .progress import Progress
from .tallies import exact_add


@dataclass(frozen=True, slots=True)
class CostParts:
    """In the campaign's currency; above zero it was paid, below it was earned."""

    fees: Decimal = ZERO
    half_spread: Decimal = ZERO
    """What fills were off the mid when they filled: about half the spread, paid by a taker and earned by a maker."""
    markout: Decimal = ZERO
    """How far the mid went against the fills within a minute: what is given back of the half spread."""
    flattening: Decimal = ZERO
    """The half spread of the orders that only brought the inventory back to its start."""
    inventory: Decimal = ZERO
    """What the mid did after that minute, up to the last look at the market."""

    @property
    def total(self) -> Decimal:
        """All-in: what the account has lost by trading."""
        return _sum(getattr(self, field.name) for field in fields(self))

    def plus(self, other: CostParts) -> CostParts:
        return CostParts(*(exact_add(getattr(self, one.name), getattr(other, one.name)) for one in fields(self)))


def parts_of(progress: Progress) -> CostParts:
    """Of a campaign, or of one market or day of it."""
    return CostParts(
        fees=progress.fees_quote,
        half_spread=exact_add(progress.slippage_quote, -progress.flattening_quote),
        markout=progress.markout_quote,
        flattening=progress.flattening_quote,
        inventory=_sum((progress.off_last_mid_quote, -progress.slippage_quote, -progress.markout_quote)),
    )


def parts_of_fill(fill: Fill, last_mid: Decimal) -> CostParts:
    """Of one fill, at the last mid of its market. One that is not measured has all but its fee in the inventory."""
    at_fill = fill.slippage_quote or ZERO
    latest = at_fill if fill.marks and fill.slippage_quote is not None else None
    if latest is not None:
        latest = fill.off(fill.marks[-1][1])
    markout = ZERO if latest is None else exact_add(latest, -at_fill)
    return CostParts(
        fees=fill.fee_quote,
        half_spread=ZERO if fill.is_flattening else at_fill,
        markout=markout,
        flattening=at_fill if fill.is_flattening else ZERO,
        inventory=_sum((fill.off(last_mid), -at_fill, -markout)),
    )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for amount in amounts:
        total = exact_add(total, amount)
    return total
