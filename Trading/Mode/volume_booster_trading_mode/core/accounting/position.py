"""The inventory of one market: what the campaign holds of the base, what it cost, and what round trips earned."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..model.basics import ZERO, Side

LATENESS = 64
"""A fill that arrives later than this many others of its market is booked as the first of them."""

Trade = tuple[float, str, Side, Decimal, Decimal]
"""When, the fill's id, side, quantity, price: sorting by the first two is the order in which trades are booked."""


@dataclass(slots=True)
class Position:
    """Base held and its average price, by the average cost method; fees are not in it.

    A trade that makes the position larger moves the average price; one that makes it smaller leaves the average and
    realises the difference. What is sold beyond the inventory is a position below zero: base of the account's own, lent
    to the campaign at the price it was sold for, and a later buy realises against that. A trade through zero does both.
    """

    base: Decimal = ZERO
    average_price: Decimal = ZERO
    realised_quote: Decimal = ZERO

    def trade(self, side: Side, quantity: Decimal, price: Decimal) -> None:
        """Book a trade; quantity in base, price in quote per base."""
        signed = quantity if side is Side.BUY else -quantity
        if self.base * signed >= 0:
            total = abs(self.base) + quantity
            self.average_price = (abs(self.base) * self.average_price + quantity * price) / total if total else ZERO
            self.base += signed
            return
        closed = min(quantity, abs(self.base))
        gain = price - self.average_price if self.base > 0 else self.average_price - price
        self.realised_quote += closed * gain
        self.base += signed
        if closed < quantity:
            self.average_price = price
        elif not self.base:
            self.average_price = ZERO


@dataclass(slots=True)
class Inventory:
    """A position that comes out the same whatever the order in which its trades arrive.

    Average cost depends on the order of trades, so they are booked by the time of the trade and then by its id. Those
    that arrived last are kept, to let a late one in before them.
    """

    last_price: Decimal = ZERO
    _settled: Position = field(default_factory=Position)
    _recent: list[Trade] = field(default_factory=list)
    _now: Position | None = None

    def add(self, trade: Trade) -> None:
        """Take in a trade."""
        recent = self._recent
        if not recent or trade >= recent[-1]:
            recent.append(trade)
            if self._now is not None:
                self._now.trade(*trade[2:])
        else:
            bisect.insort(recent, trade)
            self._now = None
        self.last_price = recent[-1][4]
        if len(recent) > 2 * LATENESS:
            for old in recent[:LATENESS]:
                self._settled.trade(*old[2:])
            del recent[:LATENESS]

    @property
    def position(self) -> Position:
        """The position after all trades so far; not to be changed."""
        if self._now is None:
            settled = self._settled
            self._now = Position(settled.base, settled.average_price, settled.realised_quote)
            for trade in self._recent:
                self._now.trade(*trade[2:])
        return self._now

    def dump(self) -> dict[str, Any]:
        """The inventory as plain JSON values, exact."""
        settled = self._settled
        return {
            "last_price": str(self.last_price),
            "settled": [str(settled.base), str(settled.average_price), str(settled.realised_quote)],
            "recent": [
                [at, fill_id, side.value, str(base), str(price)] for at, fill_id, side, base, price in self._recent
            ],
        }

    @classmethod
    def load(cls, values: dict[str, Any]) -> Inventory:
        """The inventory that was dumped."""
        recent = [
            (at, fill_id, Side(side), Decimal(base), Decimal(price))
            for at, fill_id, side, base, price in values["recent"]
        ]
        return cls(Decimal(values["last_price"]), Position(*map(Decimal, values["settled"])), recent)
