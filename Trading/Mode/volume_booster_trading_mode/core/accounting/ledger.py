"""The ledger: counts fills, never intentions, and each once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, ClassVar

from ..model.basics import ZERO, OrderType, Role, Side
from ..model.instrument import SPOT, Valuation
from ..model.orders import Fill, OpenOrder, OrderIntent
from .position import Inventory
from .progress import NO_BASELINE
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
    summed,
)
from .tallies import Outcome as Outcome

KEPT_ORDERS = 1_000
"""So many ended orders stay in memory; an older one is recalled from the journal should something of it still come."""


@dataclass(slots=True)
class OrderRecord:
    """One order of ours as the ledger knows it."""

    intent: OrderIntent
    placed_at: float
    market: Market = ("", "")
    filled_quantity: Decimal = ZERO
    outcome: Outcome | None = None
    fill_ids: tuple[str, ...] = ()
    filled_on: tuple[int, ...] = ()
    """The days on which something of it was filled."""
    spent_quote: Decimal = ZERO
    """Of an order that spends an amount of quote: what it has spent of it so far, in the market's quote."""

    @property
    def open_quantity(self) -> Decimal:
        """What may still fill, in base; of an order that spends an amount of quote what that is expected to buy."""
        return ZERO if self.outcome else max(self.intent.quantity - self.filled_quantity, ZERO)

    @property
    def open_volume(self) -> Decimal:
        """What is reserved for what may still fill, in the campaign's currency."""
        intent = self.intent
        if intent.quote_quantity is None:
            return intent.valuation.volume(self.open_quantity, intent.price)
        left_quote = ZERO if self.outcome else max(intent.quote_quantity - self.spent_quote, ZERO)
        return intent.valuation.price(left_quote)

    def as_open_order(self, order_id: str) -> OpenOrder:
        """What may still fill of it, as it stands in a MarketSnapshot."""
        intent = self.intent
        return OpenOrder(order_id, intent.side, intent.price, self.open_quantity, self.placed_at)


@dataclass(slots=True)
class Ledger:
    """The running account of one campaign. Feeding it the same thing twice changes nothing.

    Sums are kept for each market and each day: a fill counts on the day of the trade, an order and its end on the day
    it was sent. Only open and lately ended orders are in memory, so that it does not grow with the fills.
    """

    VERSION: ClassVar = 6
    """Of what `dump` gives: it changes when the same rows come to add up to something else."""

    _orders: dict[str, OrderRecord] = field(default_factory=dict)
    _open: dict[str, OrderRecord] = field(default_factory=dict)
    _ended: deque[str] = field(default_factory=deque)
    _accounts: dict[Market, MarketAccount] = field(default_factory=dict)
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

    def apply(self, fill: Fill) -> bool:
        """Count a fill; False when it was counted before.

        :raises KeyError: when the fill's order is not one of ours, or ended so long ago that it has to be recalled.
        """
        amounts = fill.quantity, fill.price, fill.fee_quote
        is_news = self.count(fill.order_id, fill.fill_id, fill.at, fill.role, *amounts)
        if is_news and fill.estimated_fee_quote:
            self.mark_estimated(fill.order_id, fill.at, fill.estimated_fee_quote)
        return is_news

    def mark_estimated(self, order_id: str, at: float, fee_quote: Decimal) -> None:
        """So much of the fee of a fill that was just counted, of this moment, is an estimate.

        :raises KeyError: as `apply`.
        """
        self._told.clear()
        for totals in self._accounts[self._orders[order_id].market].all_totals(day_of(at)):
            totals.estimated_fees_quote = exact_add(totals.estimated_fees_quote, fee_quote)

    def count(
        self, order_id: str, fill_id: str, at: float, role: Role, quantity: Decimal, price: Decimal, fee_quote: Decimal
    ) -> bool:
        """`apply` in parts: a replay has no use for a Fill of every row."""
        record = self._orders[order_id]
        if fill_id in record.fill_ids:
            return False
        self._told.clear()
        intent, day, account = record.intent, day_of(at), self._accounts[record.market]
        side, worth = intent.side, intent.valuation
        slippage_quote = worth.slippage(side, quantity, price, intent.mid_price)
        amounts = worth.volume(quantity, price), fee_quote, slippage_quote
        for totals in account.all_totals(day):
            totals.count_fill(side, role, at, amounts)
        account.net_quantity = exact_add(account.net_quantity, quantity if side is Side.BUY else -quantity)
        base, price_quote = worth.base(quantity, price), worth.price(price)
        account.inventory.add((at, fill_id, side, base, price_quote))
        planned = worth.price(intent.price - intent.mid_price)
        account.trips.add(order_id, side, base, price_quote, fee_quote, planned if side is Side.BUY else -planned, at)
        account.count_hour(at, amounts[0])
        self._mark(record, fill_id, day)
        record.filled_quantity = exact_add(record.filled_quantity, quantity)
        account.failures_in_a_row = 0
        if intent.quote_quantity is not None:
            # how much it buys is decided by the price: only the exchange's word ends it
            record.spent_quote = exact_add(record.spent_quote, worth.notional(quantity, price))
        elif record.filled_quantity >= intent.quantity:
            self._end(order_id, record, Outcome.FILLED)
        return True

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
            "open": [_dump_order(order_id, record) for order_id, record in self._open.items()],
        }

    @classmethod
    def load(cls, values: dict[str, Any]) -> Ledger:
        """The ledger that was dumped; ended orders have to be recalled."""
        open_orders = dict(map(_load_order, values["open"]))
        accounts = {(exchange, symbol): load_account(account) for exchange, symbol, account in values["books"]}
        return cls(dict(open_orders), open_orders, deque(), accounts)

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
        values = {name: getattr(sums, name) for name in DailyTotals.__slots__}
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
            holdings=tuple(_holding(one, accounts[one].inventory) for one in sorted(accounts)),
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


def _guard_baseline(accounts: Iterable[MarketAccount], day: int | None) -> GuardBaseline:
    total = NO_BASELINE
    for account in accounts:
        total = total.plus(account.guard_baseline.get(day, NO_BASELINE))
    return total


def _holding(market: Market, inventory: Inventory) -> Holding:
    position = inventory.position
    return Holding(*market, position.base, position.average_price, inventory.last_price, position.realised_quote)


def _dump_order(order_id: str, record: OrderRecord) -> list[Any]:
    intent = record.intent
    amounts = intent.quantity, intent.price, intent.mid_price, record.filled_quantity
    kinds = intent.side.value, intent.order_type.value
    filled = record.fill_ids, record.filled_on, _dump_valuation(intent.valuation)
    spends = None if intent.quote_quantity is None else [str(intent.quote_quantity), str(record.spent_quote)]
    return [order_id, record.placed_at, record.market, *kinds, *map(str, amounts), *filled, spends]


def _dump_valuation(worth: Valuation) -> list[Any] | None:
    return None if worth is SPOT else [str(worth.quote_rate), str(worth.contract_size), worth.is_inverse]


def _load_valuation(values: list[Any] | None) -> Valuation:
    return SPOT if values is None else Valuation(Decimal(values[0]), Decimal(values[1]), values[2])


def _load_order(values: list[Any]) -> tuple[str, OrderRecord]:
    order_id, placed_at, market, side, order_type, *amounts, fill_ids, filled_on, worth, spends = values
    quantity, price, mid_price, filled_quantity = map(Decimal, amounts)
    intent = OrderIntent(Side(side), OrderType(order_type), quantity, price, mid_price, _load_valuation(worth))
    exchange, symbol = market
    filled = filled_quantity, None, tuple(fill_ids), tuple(filled_on)
    record = OrderRecord(intent, placed_at, (exchange, symbol), *filled)
    if spends is not None:
        quote_quantity, record.spent_quote = map(Decimal, spends)
        record.intent = replace(intent, quote_quantity=quote_quantity)
    return order_id, record
