"""The mids at which fills are measured: the one at the fill, and those 1, 10 and 60 seconds after it. Pure.

The mid at a fill is that of the first look at the market after it, and not one between the looks before and after: an
order that rests fills because the market comes to it, so that a line drawn through both looks lies on the near side of
the mid. Where trades do not move the mid (spread 1 bp, 50 % a year, looks every 0.5 to 5 s) the first look after is off
by 0.00 to 0.02 bps on the mean, the line by -0.19 to -0.57 and the last look before by -0.35 to -1.18. Where they do,
as on the local exchange and on real ones, the mid moves on against an order that rested until it is looked at: with
looks every 2 s limit orders cost 0.06 to 0.10 bps more than at the very moment on the local exchange's `tight`, and
0.4 bps more on its `ordinary`. That is the first part of the mark-out, and errs on the careful side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..model.basics import ZERO, CampaignAmount, Role, Side, bps
from ..model.instrument import SPOT, Valuation
from .tallies import Market, exact_add

AT_FILL = 0
HORIZONS_S = (1, 10, 60)
"""So many seconds after a fill its mark-outs are taken."""
LATEST_S = {AT_FILL: 60.0, 1: 2.0, 10: 5.0, 60: 15.0}
"""So much later than due a look may be: one that is later says nothing of that moment any more."""
KEPT_S = HORIZONS_S[-1] + 4 * LATEST_S[AT_FILL]


@dataclass(slots=True)
class AwaitedFill:
    """A fill that is not measured to its end yet."""

    fill_id: str
    order_id: str
    market: Market
    side: Side
    role: Role
    at: float
    quantity: Decimal
    price: Decimal
    fee_quote: Decimal
    worth: Valuation = SPOT
    due_s: tuple[int, ...] = (AT_FILL, *HORIZONS_S)
    """Seconds after the fill at which it is to be measured yet, the first one first."""
    at_fill_quote: Decimal | None = None
    """What it was off the mid when it filled; None while that is not measured."""
    latest_quote: Decimal | None = None
    """The same against the mid that was taken last."""
    is_flattening: bool = False

    @property
    def volume(self) -> Decimal:
        """In the campaign's currency."""
        return self.worth.volume(self.quantity, self.price)

    def off(self, mid_price: Decimal) -> Decimal:
        """What it cost against a mid, in the campaign's currency."""
        return self.worth.slippage(self.side, self.quantity, self.price, mid_price)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a mark has added: the slippage of a fill, or how much more it cost since its mark before."""

    fill: AwaitedFill
    after_s: int
    added_quote: Decimal


@dataclass(slots=True)
class Markouts:
    """What fills of each role gave back after so many seconds, in the campaign's currency, and the volume of those."""

    given_back: dict[tuple[Role, int], tuple[CampaignAmount, CampaignAmount]] = field(default_factory=dict)

    def add(self, role: Role, after_s: int, quote: Decimal, volume: Decimal) -> None:
        before, of = self.given_back.get((role, after_s), (ZERO, ZERO))
        self.given_back[role, after_s] = exact_add(before, quote), exact_add(of, volume)

    def copy(self) -> Markouts:
        return Markouts(dict(self.given_back))

    def bps(self, role: Role, after_s: int) -> Decimal | None:
        """Above zero the mid went against the fills; None where none is measured."""
        quote, volume = self.given_back.get((role, after_s), (ZERO, ZERO))
        return bps(quote, volume) if volume else None


@dataclass(slots=True)
class FillMarks:
    """The fills that are to be measured yet, and what the measured ones gave back."""

    markouts: Markouts = field(default_factory=Markouts)
    _awaited: dict[str, AwaitedFill] = field(default_factory=dict)

    def expect(self, fill: AwaitedFill) -> None:
        """A fill has happened; those that are too old to be measured are forgotten."""
        self._awaited[fill.fill_id] = fill
        for old in [one.fill_id for one in self._awaited.values() if one.at < fill.at - KEPT_S]:
            del self._awaited[old]

    def mark(self, fill_id: str, after_s: int, mid_price: Decimal) -> Measured | None:
        """The mid so many seconds after a fill; None when it is known already, or not awaited."""
        fill = self._awaited.get(fill_id)
        if fill is None or after_s not in fill.due_s:
            return None
        fill.due_s = tuple(due for due in fill.due_s if due > after_s)
        off = fill.off(mid_price)
        before, fill.latest_quote = fill.latest_quote, off
        if after_s == AT_FILL:
            fill.at_fill_quote = off
        if not fill.due_s or fill.at_fill_quote is None:
            del self._awaited[fill_id]
        if fill.at_fill_quote is None:
            return None
        if after_s != AT_FILL:
            self.markouts.add(fill.role, after_s, exact_add(off, -fill.at_fill_quote), fill.volume)
        return Measured(fill, after_s, exact_add(off, -(before or ZERO)))

    def awaited(self, market: Market) -> Iterator[AwaitedFill]:
        """Those of one market, in the order in which they became known."""
        return (fill for fill in self._awaited.values() if fill.market == market)

    def get(self, fill_id: str) -> AwaitedFill | None:
        """A fill that is not measured to its end yet."""
        return self._awaited.get(fill_id)

    def dump(self) -> dict[str, Any]:
        """As plain JSON values, exact."""
        return {
            "awaited": [_dump(fill) for fill in self._awaited.values()],
            "given_back": [
                [role.value, after_s, str(quote), str(volume)]
                for (role, after_s), (quote, volume) in self.markouts.given_back.items()
            ],
        }

    @classmethod
    def load(cls, values: dict[str, Any]) -> FillMarks:
        """The marks that were dumped."""
        given_back = {
            (Role(role), after_s): (Decimal(quote), Decimal(volume))
            for role, after_s, quote, volume in values["given_back"]
        }
        fills = map(_load, values["awaited"])
        return cls(Markouts(given_back), {fill.fill_id: fill for fill in fills})


def _dump(fill: AwaitedFill) -> list[Any]:
    worth = fill.worth
    valued = None if worth is SPOT else [str(worth.quote_rate), str(worth.contract_size), worth.is_inverse]
    amounts = [str(fill.quantity), str(fill.price), str(fill.fee_quote)]
    off = [None if one is None else str(one) for one in (fill.at_fill_quote, fill.latest_quote)]
    who = [fill.fill_id, fill.order_id, list(fill.market), fill.side.value, fill.role.value, fill.at]
    return [*who, *amounts, valued, list(fill.due_s), fill.is_flattening, *off]


def _load(values: list[Any]) -> AwaitedFill:
    fill_id, order_id, (exchange, symbol), side, role, at, quantity, price, fee_quote, valued, due_s, *rest = values
    worth = SPOT if valued is None else Valuation(Decimal(valued[0]), Decimal(valued[1]), valued[2])
    at_fill, latest = (None if one is None else Decimal(one) for one in rest[1:])
    who = fill_id, order_id, (exchange, symbol), Side(side), Role(role), at
    amounts = Decimal(quantity), Decimal(price), Decimal(fee_quote)
    return AwaitedFill(*who, *amounts, worth, tuple(due_s), at_fill, latest, rest[0])
