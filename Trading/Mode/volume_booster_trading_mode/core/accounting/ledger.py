"""The ledger: counts fills, never intentions, and each once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, ClassVar

from ..model.basics import ZERO, OrderType, Role, Side
from ..model.instrument import Valuation
from ..model.orders import Fill, OrderIntent
from .fill_marks import AT_FILL, AwaitedFill, FillMarks, Measured
from .order_record import OrderRecord as OrderRecord
from .order_record import dump_order, load_order
from .position import Inventory
from .progress import NO_BASELINE, Whole
from .progress import Holding as Holding
from .progress import Progress as Progress
from .tallies import (
    DailyTotals,
    GuardBaseline,
    Market,
    MarketAccount,
    day_of,
    dump_account,
    exact_add,
    hour_of,
    load_account,
    spent_on,
    summed,
)
from .tallies import Outcome as Outcome

KEPT_ORDERS = 1_000
"""So many ended orders stay in memory; an older one is recalled from the journal should something of it still come."""


@dataclass(slots=True)
class Ledger:
    """The running account of one campaign. Feeding it the same thing twice changes nothing.

    Sums are kept for each market and each day: a fill counts on the day of the trade, an order and its end on the day
    it was sent. Only open and lately ended orders are in memory, so that it does not grow with the fills.
    """

    VERSION: ClassVar = 7
    """Of what `dump` gives: it changes when the same rows come to add up to something else."""

    _orders: dict[str, OrderRecord] = field(default_factory=dict)
    _open: dict[str, OrderRecord] = field(default_factory=dict)
    _ended: deque[str] = field(default_factory=deque)
    _accounts: dict[Market, MarketAccount] = field(default_factory=dict)
    marks: FillMarks = field(default_factory=FillMarks)
    """The fills that are to be measured yet; to be changed by `mark` alone."""
    _told: dict[tuple[Decimal, Market | None, int | None, Market | None], Progress] = field(default_factory=dict)
    """What `progress` has answered since something changed: one decision asks for it several times."""

    def place(self, order_id: str, intent: OrderIntent, at: float, exchange: str = "", symbol: str = "") -> None:
        """An order is about to be sent: from here its quantity is reserved."""
        if order_id in self._orders:
            return
        self._told.clear()
        market = (exchange, symbol)
        self._orders[order_id] = self._open[order_id] = OrderRecord(intent, at, market)
        account = self._accounts.get(market)
        if account is None:
            account = self._accounts[market] = MarketAccount()
        self._orders[order_id].fills_before = account.fills
        for totals in account.all_totals(day_of(at)):
            totals.count_order(at)

    def spend(self, order_id: str, quote_quantity: Decimal) -> None:
        """An unfilled order of ours spends this amount of quote: known after it, when a journal is replayed.

        :raises KeyError: when the order is not one of ours.
        """
        self._told.clear()
        record = self._orders[order_id]
        record.intent = replace(record.intent, quote_quantity=quote_quantity)

    def revalue(self, order_id: str, valuation: Valuation) -> None:
        """What an unfilled order of ours is worth: known after it, when a journal is replayed.

        :raises KeyError: when the order is not one of ours.
        """
        self._told.clear()
        record = self._orders[order_id]
        record.intent = replace(record.intent, valuation=valuation)

    def flatten(self, order_id: str) -> None:
        """An unfilled order of ours only brings the inventory back: known after it, when a journal is replayed.

        :raises KeyError: when the order is not one of ours.
        """
        record = self._orders[order_id]
        record.intent = replace(record.intent, is_flattening=True)

    def apply(self, fill: Fill) -> bool:
        """Count a fill, at the mid of then where it has one; False when it was counted before.

        :raises KeyError: when the fill's order is not one of ours, or ended so long ago that it has to be recalled.
        """
        amounts = fill.quantity, fill.price, fill.fee_quote
        is_news = self.count(fill.order_id, fill.fill_id, fill.at, fill.role, *amounts)
        if is_news and fill.estimated_fee_quote:
            self.mark_estimated(fill.order_id, fill.at, fill.estimated_fee_quote)
        if is_news and fill.mid_at_fill is not None:
            self.mark(fill.fill_id, AT_FILL, fill.at, fill.mid_at_fill)
        return is_news

    def mark(self, fill_id: str, after_s: int, at: float, mid_price: Decimal) -> Measured | None:
        """The mid so many seconds after a fill, seen at a moment; None when that is known already, or not awaited."""
        measured = self.marks.mark(fill_id, after_s, mid_price)
        if measured is None:
            return None
        self._told.clear()
        fill, added_quote = measured.fill, measured.added_quote
        account = self._accounts[fill.market]
        account.see(mid_price, at, fill_id, is_mid=True)
        for totals in account.all_totals(day_of(fill.at)):
            if after_s == AT_FILL:
                totals.count_slippage(fill.volume, added_quote, is_flattening=fill.is_flattening)
            else:
                totals.markout_quote = exact_add(totals.markout_quote, added_quote)
        return measured

    def mark_estimated(self, order_id: str, at: float, fee_quote: Decimal) -> None:
        """So much of the fee of a fill that was just counted, of this moment, is an estimate.

        :raises KeyError: as `apply`.
        """
        self._told.clear()
        for totals in self._accounts[self._orders[order_id].market].all_totals(day_of(at)):
            totals.estimated_fees_quote = exact_add(totals.estimated_fees_quote, fee_quote)

    def count(
        self, order_id: str, fill_id: str, at: float, role: Role, quantity: Decimal, price: Decimal, fee_quote: Decimal,
        *, is_of_old_kind: bool = False,
    ) -> bool:  # fmt: skip
        """`apply` in parts: a replay has no use for a Fill of every row.

        :param is_of_old_kind: an older version has written it down, so that its mid will never be known.
        """
        record = self._orders[order_id]
        if fill_id in record.fill_ids:
            return False
        self._told.clear()
        intent, day, account = record.intent, day_of(at), self._accounts[record.market]
        side, worth = intent.side, intent.valuation
        fill = quantity, price, fee_quote
        self._count_amounts(order_id, fill_id, at, role, fill, is_old=is_of_old_kind)
        account.net_quantity = exact_add(account.net_quantity, quantity if side is Side.BUY else -quantity)
        base, price_quote = worth.base(quantity, price), worth.price(price)
        account.inventory.add((at, fill_id, side, base, price_quote))
        planned = worth.price(intent.price - intent.mid_price)
        account.trips.add(order_id, side, base, price_quote, fee_quote, planned if side is Side.BUY else -planned, at)
        account.count_hour(at, worth.volume(quantity, price))
        self._mark(record, fill_id, day)
        record.filled_quantity = exact_add(record.filled_quantity, quantity)
        account.failures_in_a_row = 0
        if intent.quote_quantity is not None:
            # how much it buys is decided by the price: only the exchange's word ends it
            record.spent_quote = exact_add(record.spent_quote, worth.notional(quantity, price))
        elif record.filled_quantity >= intent.quantity:
            self._end(order_id, record, Outcome.FILLED)
        return True

    def _count_amounts(
        self, order_id: str, fill_id: str, at: float, role: Role, fill: tuple[Decimal, Decimal, Decimal], *,
        is_old: bool,
    ) -> None:  # fmt: skip
        """Quantity, price and fee of a fill, into the sums of its day."""
        record, (quantity, price, fee_quote) = self._orders[order_id], fill
        intent, account = record.intent, self._accounts[record.market]
        worth, is_buy = intent.valuation, intent.side is Side.BUY
        volume = worth.volume(quantity, price)
        arrival_quote = worth.slippage(intent.side, quantity, price, intent.mid_price)
        exposure = worth.exposure(quantity, price)
        amounts = volume, fee_quote, arrival_quote, exposure if is_buy else -exposure
        for totals in account.all_totals(day_of(at)):
            totals.count_fill(intent.side, role, at, amounts)
            totals.unmeasured_quote = exact_add(totals.unmeasured_quote, volume)
            if is_old:
                totals.count_slippage(volume, arrival_quote, is_flattening=False)
                totals.old_kind_quote = exact_add(totals.old_kind_quote, volume)
        account.is_inverse = account.is_inverse or worth.is_inverse
        account.see(price, at, fill_id, is_mid=False)
        if not is_old:
            who = fill_id, order_id, record.market, intent.side, role, at
            self.marks.expect(AwaitedFill(*who, *fill, worth, is_flattening=intent.is_flattening))

    def _mark(self, record: OrderRecord, fill_id: str, day: int) -> None:
        """An order has a fill: on this day, and altogether, it counts as filled once."""
        is_first, side, account = not record.fill_ids, record.intent.side, self._accounts[record.market]
        if day not in record.filled_on:
            record.filled_on += (day,)
            account.counted_again[side] += not is_first
            for totals in account.all_totals(day):
                totals.count_filled_order(side)
        record.fill_ids += (fill_id,)
        if is_first and record.outcome is not None:
            for totals in account.all_totals(day_of(record.placed_at)):
                totals.succeeded += 1

    def close(self, order_id: str, outcome: Outcome) -> bool:
        """An order ended: what is left of it is no longer reserved. False when it had ended before.

        :raises KeyError: when the order is not one of ours, or ended so long ago that it has to be recalled.
        """
        record = self._orders[order_id]
        if record.outcome is not None:
            return False
        if outcome is Outcome.REJECTED:
            self._accounts[record.market].failures_in_a_row += 1
        self._end(order_id, record, outcome)
        return True

    def _end(self, order_id: str, record: OrderRecord, outcome: Outcome) -> None:
        """An order has ended; one that turns out to have filled whole was not cancelled, whatever was said before."""
        self._told.clear()
        before, record.outcome = record.outcome, outcome
        for totals in self._accounts[record.market].all_totals(day_of(record.placed_at)):
            if before is None:
                totals.ended += 1
                totals.succeeded += bool(record.fill_ids)
            else:
                totals.count_outcome(before, by=-1)
            totals.count_outcome(outcome)
        if before is not None:
            return
        del self._open[order_id]
        self._keep_for_a_while(order_id)

    def _keep_for_a_while(self, order_id: str) -> None:
        self._ended.append(order_id)
        if len(self._ended) > KEPT_ORDERS:
            self._orders.pop(self._ended.popleft(), None)

    def reset_guard_counters(self) -> None:
        """Reset the guard counters: a person has resumed the campaign."""
        self._told.clear()
        for account in self._accounts.values():
            account.reset_guard_counters()

    def hour_filled(self, market: Market, now: float) -> Decimal:
        """What was filled on one market in the hour of the clock, in quote."""
        account = self._accounts.get(market)
        return account.hours.get(hour_of(now), ZERO) if account else ZERO

    def failures_in_a_row(self, market: Market) -> int:
        """How many orders of one market in a row were refused or never arrived."""
        account = self._accounts.get(market)
        return 0 if account is None else account.failures_in_a_row

    def drift(self, market: Market) -> tuple[Decimal, Decimal]:
        """What the fills of one market have added to its account: base, and quote with fees taken off."""
        account = self._accounts.get(market)
        if account is None:
            return ZERO, ZERO
        quote = ZERO
        for sums in account.sums(None):
            for amount in (sums.sold_quote, -sums.bought_quote, -sums.fees_quote):
                quote = exact_add(quote, amount)
        return account.inventory.position.base, quote

    def net_quantity(self, market: Market) -> Decimal:
        """What the fills of one market have added to its position, in what an order's quantity is; above zero: long."""
        account = self._accounts.get(market)
        return account.net_quantity if account else ZERO

    def recall(self, order_id: str, record: OrderRecord) -> None:
        """Take an ended order that has left the memory back into it, as it was counted."""
        if order_id not in self._orders:
            self._orders[order_id] = record
            self._keep_for_a_while(order_id)

    def dump(self) -> dict[str, Any]:
        """All that is needed to continue, as plain JSON values, exact: sums and open orders."""
        return {
            "version": self.VERSION,
            "books": [[*market, dump_account(account)] for market, account in self._accounts.items()],
            "open": [dump_order(order_id, record) for order_id, record in self._open.items()],
            "marks": self.marks.dump(),
        }

    @classmethod
    def load(cls, values: dict[str, Any]) -> Ledger:
        """The ledger that was dumped; ended orders have to be recalled."""
        open_orders = dict(map(load_order, values["open"]))
        accounts = {(exchange, symbol): load_account(account) for exchange, symbol, account in values["books"]}
        return cls(dict(open_orders), open_orders, deque(), accounts, FillMarks.load(values["marks"]))

    def knows(self, order_id: str) -> bool:
        """Whether the order is in memory: every open one of ours is."""
        return order_id in self._orders

    def record(self, order_id: str) -> OrderRecord:
        """:raises KeyError: when the order is not one of ours, or ended so long ago that it has to be recalled."""
        return self._orders[order_id]

    @property
    def open_order_ids(self) -> tuple[str, ...]:
        return tuple(self._open)

    @property
    def markets(self) -> tuple[Market, ...]:
        """In the order of their first order."""
        return tuple(self._accounts)

    @property
    def days(self) -> tuple[int, ...]:
        """The days on which something was sent or filled, in order."""
        return tuple(sorted({day for account in self._accounts.values() for day in account.days}))

    def fills_since(self, order_id: str) -> int | None:
        """How many fills the market of an order has had since it was sent; None where that is not known.

        :raises KeyError: as `record`.
        """
        record = self._orders[order_id]
        if record.fills_before is None:
            return None
        return self._accounts[record.market].fills - record.fills_before

    @property
    def last_mids(self) -> tuple[tuple[Market, Decimal], ...]:
        """The mid of each market at which a fill was measured last."""
        return tuple((market, account.last_mid) for market, account in self._accounts.items())

    def orders_placed(self, market: Market) -> int:
        """How many orders were ever sent on one market."""
        account = self._accounts.get(market)
        return sum(totals.orders for totals in account.sums(None)) if account else 0

    def progress(
        self,
        target_quote: Decimal,
        market: Market | None = None,
        day: int | None = None,
        seen_from: Market | None = None,
    ) -> Progress:
        """Where the campaign stands towards a target in quote: all of it, or one market, or one day, or both.

        What is open may fill today, so that it counts in the progress of any day. What went wrong in a row is the most
        of any market, or that of the one that it is `seen_from`.
        """
        asked = (target_quote, market, day, seen_from)
        if asked not in self._told:
            self._told[asked] = self._progress(*asked)
        return self._told[asked]

    def _progress(
        self, target_quote: Decimal, market: Market | None, day: int | None, seen_from: Market | None
    ) -> Progress:
        accounts = {one: account for one, account in self._accounts.items() if market in (None, one)}
        sums = summed([totals for account in accounts.values() for totals in account.sums(day)])
        values = {name: getattr(sums, name) for name in DailyTotals.__slots__ if name != "exposure"}
        if day is None:
            values["buys"] -= sum(account.counted_again[Side.BUY] for account in accounts.values())
            values["sells"] -= sum(account.counted_again[Side.SELL] for account in accounts.values())
        records = [record for record in self._open.values() if market in (None, record.market)]
        rows = [account for one, account in accounts.items() if seen_from in (None, one)]
        return Progress(
            target_quote=target_quote,
            **values,
            **_reserved(records),
            **({} if seen_from is None else _reserved_here([one for one in records if one.market == seen_from])),
            open_orders=len(records),
            failures_in_a_row=max((account.failures_in_a_row for account in rows), default=0),
            losses_in_a_row=max((account.trips.losses_in_a_row for account in rows), default=0),
            guard_baseline=_guard_baseline(accounts.values(), day),
            off_last_mid_quote=_off_last_mid(accounts.values(), day),
            markouts=self.marks.markouts.copy(),
            holdings=tuple(_holding(one, accounts[one].inventory) for one in sorted(accounts)),
            whole=self._whole(day),
        )

    def _whole(self, day: int | None) -> Whole:
        accounts = self._accounts.values()
        ever, period = (_spent(accounts, of) for of in (None, day))
        baseline = _guard_baseline(accounts, day)
        worth = (abs(account.inventory.position.base * account.inventory.last_price) for account in accounts)
        reserved = _reserved(list(self._open.values()))
        records = [record for record in self._open.values() if record.intent.order_type is not OrderType.MARKET]
        resting = sorted((record.placed_at, *record.market) for record in records)
        open_quote = exact_add(reserved["open_buy_quote"], reserved["open_sell_quote"])
        before = _guard_baseline(accounts, None).cost_quote
        return Whole(
            exact_add(period.cost_quote, -baseline.cost_quote),
            ever.cost_quote,
            before,
            open_quote,
            sum(worth, ZERO),
            tuple(resting),
            unmeasured_quote=max(exact_add(period.unmeasured_quote, -baseline.unmeasured_quote), ZERO),
            ever_unmeasured_quote=ever.unmeasured_quote,
        )


def _reserved(records: list[OrderRecord]) -> dict[str, Any]:
    open_quote = {Side.BUY: ZERO, Side.SELL: ZERO}
    unfilled = {Side.BUY: 0, Side.SELL: 0}
    for record in records:
        side = record.intent.side
        open_quote[side] = exact_add(open_quote[side], record.open_volume)
        unfilled[side] += not record.fill_ids
    return {
        "open_buy_quote": open_quote[Side.BUY],
        "open_sell_quote": open_quote[Side.SELL],
        "unfilled_buys": unfilled[Side.BUY],
        "unfilled_sells": unfilled[Side.SELL],
    }


def _reserved_here(records: list[OrderRecord]) -> dict[str, Any]:
    reserved = _reserved(records)
    return {f"open_{side}_here_quote": reserved[f"open_{side}_quote"] for side in ("buy", "sell")}


def _spent(accounts: Iterable[MarketAccount], day: int | None) -> GuardBaseline:
    """What all of these have cost and filled, on one day or altogether."""
    return spent_on([totals for account in accounts for totals in account.sums(day)])


def _guard_baseline(accounts: Iterable[MarketAccount], day: int | None) -> GuardBaseline:
    total = NO_BASELINE
    for account in accounts:
        total = total.plus(account.guard_baseline.get(day, NO_BASELINE))
    return total


def _off_last_mid(accounts: Iterable[MarketAccount], day: int | None) -> Decimal:
    total = ZERO
    for account in accounts:
        total = exact_add(total, account.off_last_mid(day))
    return total


def _holding(market: Market, inventory: Inventory) -> Holding:
    position = inventory.position
    return Holding(*market, position.base, position.average_price, inventory.last_price, position.realised_quote)
