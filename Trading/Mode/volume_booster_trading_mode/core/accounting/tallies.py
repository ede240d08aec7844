"""The accounts of a ledger: running sums of one market, for each day and altogether. Exact, in whatever order."""

from __future__ import annotations

import decimal
import enum
import functools
import operator
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any

from ..model.basics import ZERO, CampaignAmount, Role, Side
from .position import Inventory
from .round_trips import RoundTrips

DAY_S = 86_400
HOUR_S = 3_600
KEPT_HOURS = 2

# sums of any order come out the same only when nothing is ever rounded away
_EXACT = decimal.Context(prec=400)
exact_add = _EXACT.add
exact_multiply = _EXACT.multiply

Amounts = tuple[Decimal, Decimal, Decimal, Decimal]
"""Notional, fee, slippage against the mid of the decision, and signed exposure of a fill: see `DailyTotals`."""
Market = tuple[str, str]
"""Exchange and symbol."""


def day_of(at: float) -> int:
    """The day of a moment: days begin at 00:00 UTC."""
    return int(at // DAY_S)


def hour_of(at: float) -> int:
    """The hour of a moment, counted as days are."""
    return int(at // HOUR_S)


class Outcome(enum.Enum):
    """How an order ended."""

    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    LOST = "lost"
    """It was open when the simulator that held it ended; or its exchange never showed what became of it, and a person
    has resumed the campaign."""


@dataclass(slots=True)
class DailyTotals:
    """Sums over the orders and fills of one market, of one day or of several."""

    bought_quote: Decimal = ZERO
    sold_quote: Decimal = ZERO
    maker_quote: Decimal = ZERO
    fees_quote: Decimal = ZERO
    slippage_quote: Decimal = ZERO
    """Of the fills whose mid is measured; of fills in a journal of an older version against the mid of the decision."""
    arrival_slippage_quote: Decimal = ZERO
    """Against the mid of the decision, of all fills."""
    unmeasured_quote: Decimal = ZERO
    """The volume of the fills whose mid is not measured yet, or never was."""
    old_kind_quote: Decimal = ZERO
    """The volume of the fills that an older version has written down."""
    markout_quote: Decimal = ZERO
    flattening_quote: Decimal = ZERO
    """What of the slippage is that of orders which only brought the inventory back."""
    exposure: Decimal = ZERO
    """Bought less sold: what the price has to be multiplied with, or of an inverse contract be divided into."""
    estimated_fees_quote: Decimal = ZERO
    """What of the fees is an estimate."""
    orders: int = 0
    fills: int = 0
    buys: int = 0
    sells: int = 0
    cancelled: int = 0
    rejected: int = 0
    ended: int = 0
    succeeded: int = 0
    first_order_at: float | None = None
    last_fill_at: float | None = None

    def count_order(self, at: float) -> None:
        self.orders += 1
        if self.first_order_at is None or at < self.first_order_at:
            self.first_order_at = at

    def count_fill(self, side: Side, role: Role, at: float, amounts: Amounts) -> None:
        notional, fee_quote, slippage_quote, exposure = amounts
        self.fills += 1
        if side is Side.BUY:
            self.bought_quote = exact_add(self.bought_quote, notional)
        else:
            self.sold_quote = exact_add(self.sold_quote, notional)
        if role is Role.MAKER:
            self.maker_quote = exact_add(self.maker_quote, notional)
        self.fees_quote = exact_add(self.fees_quote, fee_quote)
        self.arrival_slippage_quote = exact_add(self.arrival_slippage_quote, slippage_quote)
        self.exposure = exact_add(self.exposure, exposure)
        if self.last_fill_at is None or at > self.last_fill_at:
            self.last_fill_at = at

    def count_slippage(self, notional: Decimal, slippage_quote: Decimal, *, is_flattening: bool) -> None:
        """The mid of a fill that counts as not measured is known now."""
        self.unmeasured_quote = exact_add(self.unmeasured_quote, -notional)
        self.slippage_quote = exact_add(self.slippage_quote, slippage_quote)
        if is_flattening:
            self.flattening_quote = exact_add(self.flattening_quote, slippage_quote)

    def count_filled_order(self, side: Side) -> None:
        if side is Side.BUY:
            self.buys += 1
        else:
            self.sells += 1

    def count_outcome(self, outcome: Outcome, by: int = 1) -> None:
        if outcome is Outcome.REJECTED:
            self.rejected += by
        elif outcome is not Outcome.FILLED:
            self.cancelled += by


AMOUNTS = tuple(field.name for field in fields(DailyTotals) if field.type == "Decimal")
COUNTS = tuple(field.name for field in fields(DailyTotals) if field.type == "int")


@dataclass(frozen=True, slots=True)
class GuardBaseline:
    """What was spent and filled up to a person's last resume: the guards count what came after it."""

    cost_quote: CampaignAmount = ZERO
    filled_quote: CampaignAmount = ZERO
    unmeasured_quote: CampaignAmount = ZERO
    """What of the filled volume was not measured then."""

    def plus(self, other: GuardBaseline) -> GuardBaseline:
        return GuardBaseline(
            exact_add(self.cost_quote, other.cost_quote),
            exact_add(self.filled_quote, other.filled_quote),
            exact_add(self.unmeasured_quote, other.unmeasured_quote),
        )


@dataclass(slots=True)
class MarketAccount:
    """What is kept of one market: the sums of each day, of all days before the latest one, and the inventory."""

    days: dict[int, DailyTotals] = field(default_factory=dict)
    latest_day: int = -1
    before: DailyTotals = field(default_factory=DailyTotals)
    counted_again: dict[Side, int] = field(default_factory=lambda: {Side.BUY: 0, Side.SELL: 0})
    """Orders that filled on more than one day: each further day counts them too."""
    net_quantity: Decimal = ZERO
    """Bought less sold, in what an order's quantity is: on futures the position that the fills have made."""
    inventory: Inventory = field(default_factory=Inventory)
    trips: RoundTrips = field(default_factory=RoundTrips)
    failures_in_a_row: int = 0
    """Orders refused since the last fill: a number that depends on the order in which events arrive."""
    hours: dict[int, Decimal] = field(default_factory=dict)
    """What was filled in each of the latest hours, in quote."""
    guard_baseline: dict[int | None, GuardBaseline] = field(default_factory=dict)
    """Of the latest day, and with None as its key altogether."""
    last_mid: Decimal = ZERO
    """The mid that a fill was measured at last; as long as none was the price of the last fill."""
    last_mid_at: tuple[int, float, str] = (0, 0.0, "")
    is_inverse: bool = False

    def see(self, price: Decimal, at: float, fill_id: str, *, is_mid: bool) -> None:
        """A mid of the market, or the price of a fill."""
        seen_at = int(is_mid), at, fill_id
        if seen_at >= self.last_mid_at:
            self.last_mid, self.last_mid_at = price, seen_at

    def off_last_mid(self, day: int | None) -> Decimal:
        """What the fills cost against the last mid: the loss by trading without fees, the inventory at that mid."""
        total = ZERO
        for sums in self.sums(day):
            paid = exact_add(sums.bought_quote, -sums.sold_quote)
            if self.is_inverse:
                total = exact_add(total, exact_add(sums.exposure / self.last_mid, -paid) if self.last_mid else ZERO)
            else:
                total = exact_add(total, exact_add(paid, -exact_multiply(sums.exposure, self.last_mid)))
        return total

    def count_hour(self, at: float, notional: Decimal) -> None:
        """A fill in the hour of a moment; one of an hour that has left the memory counts nowhere."""
        hour, latest = hour_of(at), max(self.hours, default=0)
        if hour <= latest - KEPT_HOURS:
            return
        self.hours[hour] = exact_add(self.hours.get(hour, ZERO), notional)
        for old in [one for one in self.hours if one <= max(hour, latest) - KEPT_HOURS]:
            del self.hours[old]

    def reset_guard_counters(self) -> None:
        """Reset the guard counters: a person has resumed the campaign."""
        self.trips.reset_guard_counters()
        self.failures_in_a_row = 0
        self.guard_baseline = {day: spent_on(self.sums(day)) for day in (None, self.latest_day)}

    def all_totals(self, day: int) -> tuple[DailyTotals, ...]:
        """Those in which something of this day counts."""
        if day > self.latest_day:
            if self.days:
                self.before = replace(summed((self.before, self.days[self.latest_day])))
            self.latest_day = day
        totals = self.days.get(day)
        if totals is None:
            totals = self.days[day] = DailyTotals()
        return (totals,) if day == self.latest_day else (totals, self.before)

    def sums(self, day: int | None) -> tuple[DailyTotals, ...]:
        """Those that add up to one day, or to all."""
        if day is not None:
            return (self.days[day],) if day in self.days else ()
        return (self.before, self.days[self.latest_day])

    @property
    def fills(self) -> int:
        """How many fills the market has had."""
        return sum(totals.fills for totals in self.sums(None)) if self.days else 0


def spent_on(all_totals: Iterable[DailyTotals]) -> GuardBaseline:
    """What was spent and filled in all of these."""
    total = summed(all_totals)
    return GuardBaseline(
        exact_add(total.fees_quote, total.slippage_quote),
        exact_add(total.bought_quote, total.sold_quote),
        total.unmeasured_quote,
    )


def summed(all_totals: Iterable[DailyTotals]) -> DailyTotals:
    """The totals of all: amounts and counts add up, the first order is the earliest and the last fill the latest.

    It may be one of them, and is not to be changed.
    """
    parts = [totals for totals in all_totals if totals.orders or totals.fills]
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return DailyTotals()
    amounts = [functools.reduce(exact_add, column) for column in zip(*map(_amounts_of, parts), strict=True)]
    counts = map(sum, zip(*map(_counts_of, parts), strict=True))
    first_order_at = min((part.first_order_at for part in parts if part.first_order_at is not None), default=None)
    last_fill_at = max((part.last_fill_at for part in parts if part.last_fill_at is not None), default=None)
    values: list[Any] = [*amounts, *counts, first_order_at, last_fill_at]
    return DailyTotals(*values)


_amounts_of = operator.attrgetter(*AMOUNTS)
_counts_of = operator.attrgetter(*COUNTS)


def _dump_totals(totals: DailyTotals) -> list[Any]:
    amounts = [str(getattr(totals, name)) for name in AMOUNTS]
    return [*amounts, *(getattr(totals, name) for name in COUNTS), totals.first_order_at, totals.last_fill_at]


def _load_totals(values: list[Any]) -> DailyTotals:
    amounts: list[Any] = [Decimal(text) for text in values[: len(AMOUNTS)]]
    return DailyTotals(*amounts, *values[len(AMOUNTS) :])


def dump_account(account: MarketAccount) -> dict[str, Any]:
    """An account as plain JSON values, exact."""
    return {
        "days": [[day, _dump_totals(totals)] for day, totals in account.days.items()],
        "latest_day": account.latest_day,
        "before": _dump_totals(account.before),
        "counted_again": [account.counted_again[Side.BUY], account.counted_again[Side.SELL]],
        "net_quantity": str(account.net_quantity),
        "inventory": account.inventory.dump(),
        "trips": account.trips.dump(),
        "failures_in_a_row": account.failures_in_a_row,
        "hours": [[hour, str(notional)] for hour, notional in account.hours.items()],
        "forgiven": [
            [day, str(one.cost_quote), str(one.filled_quote), str(one.unmeasured_quote)]
            for day, one in account.guard_baseline.items()
        ],
        "last_mid": [str(account.last_mid), list(account.last_mid_at), account.is_inverse],
    }


def load_account(values: dict[str, Any]) -> MarketAccount:
    """The account that was dumped."""
    return MarketAccount(
        days={day: _load_totals(totals) for day, totals in values["days"]},
        latest_day=values["latest_day"],
        before=_load_totals(values["before"]),
        counted_again=dict(zip((Side.BUY, Side.SELL), values["counted_again"], strict=True)),
        net_quantity=Decimal(values["net_quantity"]),
        inventory=Inventory.load(values["inventory"]),
        trips=RoundTrips.load(values["trips"]),
        failures_in_a_row=values["failures_in_a_row"],
        hours={hour: Decimal(notional) for hour, notional in values["hours"]},
        guard_baseline={day: GuardBaseline(*map(Decimal, amounts)) for day, *amounts in values["forgiven"]},
        last_mid=Decimal(values["last_mid"][0]),
        last_mid_at=tuple(values["last_mid"][1]),
        is_inverse=values["last_mid"][2],
    )
