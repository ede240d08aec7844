"""The matching engine: accounts, price-time priority books, trades and fees. Pure and exact.

An incoming order trades with the best price of the other side first, at one price with the order that came first, and
always at the price of the order that rested. Nothing is created or lost: what the accounts hold and the fees collected
always add up to what was paid in. Time comes in as an argument, in milliseconds.
"""

from __future__ import annotations

import bisect
import dataclasses
import decimal
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import ParamSpec, TypeVar

from ..market.markets import SMALLEST, MarketRules, is_multiple, paid
from .accounts import Account, FeeSchedule
from .orders import (
    ZERO,
    Kind,
    Order,
    Party,
    Reason,
    RefusedError,
    Request,
    SelfTradePrevention,
    Side,
    Status,
    TimeInForce,
    Trade,
)

_EXACT = decimal.Context(
    prec=100, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow]
)
"""Wide enough for a product of price, quantity and rate, and it raises if it were not: only fees are ever rounded,
and those are truncated by division."""

_LARGEST_DEPOSIT = Decimal(10) ** 20

_Place = tuple[Side, Decimal]  # a price of one side of a book
_Quantities = Mapping[_Place, Decimal]
_Result = TypeVar("_Result")
_Parameters = ParamSpec("_Parameters")


def _exact(method: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Runs a method in a decimal context that is wide enough."""

    @functools.wraps(method)
    def run(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        with decimal.localcontext(_EXACT):
            return method(*args, **kwargs)

    return run


class BookSide:
    """The resting orders of one side of one market, best price first, then first come first served."""

    def __init__(self, side: Side) -> None:
        self._is_bid = side is Side.BUY
        self._prices: list[Decimal] = []
        self._orders: dict[Decimal, dict[int, Order]] = {}

    def add(self, order: Order) -> None:
        if order.price_quote not in self._orders:
            bisect.insort(self._prices, order.price_quote)
        self._orders.setdefault(order.price_quote, {})[order.order_id] = order

    def remove(self, order: Order) -> None:
        level = self._orders[order.price_quote]
        del level[order.order_id]
        if not level:
            del self._orders[order.price_quote]
            del self._prices[bisect.bisect_left(self._prices, order.price_quote)]

    def holds(self, order: Order) -> bool:
        return order.order_id in self._orders.get(order.price_quote, {})

    def __iter__(self) -> Iterator[Order]:
        for price in reversed(self._prices) if self._is_bid else self._prices:
            yield from self._orders[price].values()

    def first(self) -> Order | None:
        """The order that trades next."""
        if not self._prices:
            return None
        return next(iter(self._orders[self._prices[-1 if self._is_bid else 0]].values()))

    def at(self, price_quote: Decimal) -> list[Order]:
        """The orders at one price, first come first served."""
        return list(self._orders.get(price_quote, {}).values())

    def last_at(self, price_quote: Decimal) -> Order | None:
        """The last order in the queue at one price."""
        return next(reversed(self._orders.get(price_quote, {}).values()), None)

    def levels(self, count: int) -> list[tuple[Decimal, Decimal]]:
        """Price and open quantity of the best levels."""
        prices = self._prices[: -count - 1 : -1] if self._is_bid else self._prices[:count]
        return [(price, sum((order.open_base for order in self._orders[price].values()), ZERO)) for price in prices]


class Engine:
    """All markets and accounts of an exchange."""

    def __init__(self, markets: Iterable[MarketRules]) -> None:
        self.rules = {rules.id: rules for rules in markets}
        self.accounts: dict[str, Account] = {}
        self.trades: list[Trade] = []
        """Every trade of an account that is not the market's own, oldest first."""
        self.fees_collected: dict[str, Decimal] = {}
        self.paid_in: dict[str, Decimal] = {}
        self.self_matches = 0
        self.prevented_matches = 0
        self.last_order_id = 0
        self.last_trade_ids = dict.fromkeys(self.rules, 0)
        self._books = {market_id: {side: BookSide(side) for side in Side} for market_id in self.rules}
        self._watched = dict.fromkeys(self.rules, 0)

    def open_account(self, name: str, fees: FeeSchedule | None = None, *, is_market: bool = False) -> Account:
        """A new account with nothing in it. Raises ValueError when the name is taken."""
        if name in self.accounts:
            raise ValueError(f"there is an account {name!r} already")
        account = self.accounts[name] = Account(name, fees or FeeSchedule(), is_market)
        return account

    @_exact
    def pay_in(self, account: str, asset: str, amount: Decimal) -> None:
        """A deposit, or with a negative amount a withdrawal.

        Raises ValueError when less is free, or when the amount is not a multiple of 1e-8 below 1e20.
        """
        owner = self.accounts[account]
        if not amount.is_finite() or abs(amount) >= _LARGEST_DEPOSIT or not is_multiple(amount, SMALLEST):
            raise ValueError(f"an amount must be a multiple of {SMALLEST:f} below {_LARGEST_DEPOSIT:.0e}, not {amount}")
        if amount < 0 and not owner.can_pay(asset, -amount):
            raise ValueError(f"{account} has less than {-amount} {asset} free")
        owner.add(asset, amount)
        self.paid_in[asset] = self.paid_in.get(asset, ZERO) + amount

    @_exact
    def submit(self, account: str, request: Request, now_ms: int) -> Order:
        """Accept an order and match it.

        Raises RefusedError, with nothing changed, when a rule of the market or the balance forbids it.
        """
        owner = self.accounts[account]
        self.check_filters(request)
        known = owner.by_client_id.get(request.client_order_id) if request.client_order_id else None
        if known is not None and known.is_open:
            raise RefusedError(Reason.DUPLICATE)
        self._check_funds(owner, Order(0, account, request, now_ms, now_ms))
        return self._accept(owner, request, now_ms)

    @_exact
    def check_filters(self, request: Request) -> None:
        """Raises RefusedError when a rule of the market forbids an order."""
        rules, price, quantity = self.rules[request.market_id], request.price_quote, request.quantity_base
        if price is not None and not rules.accepts_price(price):
            raise RefusedError(Reason.PRICE_FILTER)
        if quantity is not None and not rules.accepts_quantity(quantity):
            raise RefusedError(Reason.LOT_SIZE)
        if not self._accepts_notional(rules, request):
            raise RefusedError(Reason.NOTIONAL)

    @_exact
    def trade_for_market(self, account: str, request: Request, now_ms: int) -> Order:
        """Match an order of an account of the market's own: no rule and no balance holds it back."""
        return self._accept(self._market_account(account), request, now_ms)

    @_exact
    def cancel(self, account: str, market_id: str, order_id: int, now_ms: int) -> Order:
        """End an open order. Raises RefusedError when there is no such order."""
        order = self.accounts[account].open_orders.get(order_id)
        if order is None or order.request.market_id != market_id:
            raise RefusedError(Reason.UNKNOWN_ORDER)
        queue = self._books[order.request.market_id][order.side].at(order.price_quote)
        self._end(order, Status.CANCELED, now_ms)
        place = next(place for place, resting in enumerate(queue) if resting is order)
        if 0 < place < len(queue) - 1:
            before, after = queue[place - 1], queue[place + 1]
            if before.account == after.account and self.accounts[before.account].is_market:
                self._end(after, Status.CANCELED, now_ms)
                _resize(before, before.open_base + after.open_base)
        return order

    @_exact
    def quote(self, account: str, market_id: str, levels: Sequence[tuple[Side, Decimal, Decimal]], now_ms: int) -> None:
        """Make limit orders (side, price, quantity) the only ones of an account of the market's own on one market.

        What it already has at one of these prices keeps its place; only the increase joins the end of the queue.
        Its adjacent orders are merged, so that trades do not depend on how they came about.
        """
        maker = self._market_account(account)
        wanted: dict[_Place, Decimal] = {}
        for side, price_quote, quantity_base in levels:
            wanted[side, price_quote] = wanted.get((side, price_quote), ZERO) + quantity_base
        kept = self._keep_wanted(maker, market_id, wanted, now_ms)
        for (side, price_quote), quantity_base in wanted.items():
            more_base = quantity_base - kept.get((side, price_quote), ZERO)
            last = self._books[market_id][side].last_at(price_quote) if more_base > 0 else None
            if last is not None and last.account == maker.name:
                _resize(last, last.open_base + more_base)
            elif more_base > 0:
                self._accept(maker, Request(market_id, side, Kind.LIMIT, more_base, price_quote), now_ms)

    @_exact
    def thin_out(self, account: str, market_id: str, most: _Quantities, now_ms: int) -> None:
        """Reduce what an account of the market's own has at some prices to at most a quantity, newest orders first."""
        self._market_account(account)
        for (side, price_quote), left_base in most.items():
            for order in self._books[market_id][side].at(price_quote):
                if order.account == account:
                    self._shrink(order, left_base, now_ms)
                    left_base -= order.open_base if order.is_open else ZERO

    @_exact
    def cancel_share(self, account: str, market_id: str, place: _Place, kept: Fraction, now_ms: int) -> None:
        """Reduce each order of the market's own at one price that has another account's behind it to a share."""
        self._market_account(account)
        step_base, waiting = self.rules[market_id].step_base, False
        for order in reversed(self._books[market_id][place[0]].at(place[1])):
            if order.account != account:
                waiting = True
            elif waiting:
                steps = int(order.open_base // step_base) * kept.numerator // kept.denominator
                self._shrink(order, steps * step_base, now_ms)

    @_exact
    def book(self, market_id: str, side: Side, count: int) -> list[tuple[Decimal, Decimal]]:
        """Price and open quantity of the best `count` levels of one side, best first."""
        return self._books[market_id][side].levels(count)

    def resting(self, market_id: str, side: Side) -> Iterator[Order]:
        """The resting orders of one side, in the order in which they would trade."""
        return iter(self._books[market_id][side])

    def queue(self, market_id: str, side: Side, price_quote: Decimal) -> list[Order]:
        """The resting orders at one price, in the order in which they would trade."""
        return self._books[market_id][side].at(price_quote)

    def account_orders(self, market_id: str) -> Iterator[Order]:
        """The orders in the book of one market that are not the market's own."""
        for account in self.accounts.values():
            if not account.is_market:
                yield from (order for order in account.open_orders.values() if order.request.market_id == market_id)

    def has_resting_orders(self, market_id: str) -> bool:
        """Whether an account that is not the market's own has an order in the book."""
        return self._watched[market_id] > 0

    @_exact
    def surplus(self, asset: str) -> Decimal:
        """Holdings and fees beyond what was paid in: always 0."""
        owned = (part.get(asset, ZERO) for account in self.accounts.values() for part in (account.free, account.locked))
        return sum(owned, self.fees_collected.get(asset, ZERO) - self.paid_in.get(asset, ZERO))

    def _market_account(self, name: str) -> Account:
        if not self.accounts[name].is_market:
            raise ValueError(f"{name!r} is not an account of the market's own")
        return self.accounts[name]

    def _keep_wanted(self, maker: Account, market_id: str, wanted: _Quantities, now_ms: int) -> dict[_Place, Decimal]:
        """Reduce the maker's orders to what is wanted at each price; returns what is left of them."""
        kept: dict[_Place, Decimal] = {}
        for order in tuple(maker.open_orders.values()):  # oldest first
            if order.request.market_id == market_id:
                place = order.side, order.price_quote
                self._shrink(order, wanted.get(place, ZERO) - kept.get(place, ZERO), now_ms)
                kept[place] = kept.get(place, ZERO) + (order.open_base if order.is_open else ZERO)
        return kept

    def _shrink(self, order: Order, most_base: Decimal, now_ms: int) -> None:
        """Reduce a resting order of the market's own to at most a quantity; it keeps its place."""
        if most_base <= 0:
            self._end(order, Status.CANCELED, now_ms)
        elif order.open_base > most_base:
            _resize(order, most_base)

    def _accept(self, account: Account, request: Request, now_ms: int) -> Order:
        order = Order(self.last_order_id + 1, account.name, request, now_ms, now_ms)
        if request.kind is Kind.LIMIT_MAKER and any(True for _ in self._counterparts(order)):
            raise RefusedError(Reason.WOULD_TAKE)
        self.last_order_id += 1
        if not account.is_market:
            account.orders[order.order_id] = order
            account.by_client_id[request.client_order_id] = order
        account.open_orders[order.order_id] = order
        if request.kind is not Kind.MARKET:
            account.lock_for(order, self.rules[request.market_id])
        if request.time_in_force is TimeInForce.FOK and self._reachable(order)[0] < order.open_base:
            self._end(order, Status.EXPIRED, now_ms)
            return order
        self._match(order, now_ms)
        self._rest_or_end(order, now_ms)
        return order

    def _accepts_notional(self, rules: MarketRules, request: Request) -> bool:
        """A market order has no maximum notional; the notional of its quantity is taken at the best price."""
        if request.spend_quote is not None:
            spend, most = request.spend_quote, rules.maximum_price_quote * rules.maximum_quantity_base
            in_range = spend.is_finite() and rules.minimum_notional_quote <= spend <= most
            return in_range and is_multiple(spend, SMALLEST)
        best = self._books[request.market_id][request.side.opposite].first()
        price = best.price_quote if request.price_quote is None and best else request.price_quote
        if price is None:
            return True
        notional = (request.quantity_base or ZERO) * price
        is_too_much = request.kind is not Kind.MARKET and notional > rules.maximum_notional_quote
        return notional >= rules.minimum_notional_quote and not is_too_much

    def _check_funds(self, account: Account, order: Order) -> None:
        rules, request = self.rules[order.request.market_id], order.request
        if request.kind is not Kind.MARKET:
            needed = account.cost_of(order, order.open_base)
        else:
            base, quote = self._reachable(order)
            paid = quote if order.side is Side.BUY else max(base, order.open_base)
            needed = paid * (1 + account.fees.reserve_rate(order.side))
            if order.side is Side.BUY and request.spend_quote is not None:
                needed = max(needed, request.spend_quote)
        if not account.can_pay(rules.quote if order.side is Side.BUY else rules.base, needed):
            raise RefusedError(Reason.INSUFFICIENT_BALANCE)

    def _counterparts(self, order: Order) -> Iterator[Order]:
        """The resting orders that this one would match, in order, including its own account's."""
        for maker in self._books[order.request.market_id][order.side.opposite]:
            if not order.accepts(maker.price_quote):
                return
            yield maker

    def _reachable(self, order: Order) -> tuple[Decimal, Decimal]:
        """How much base, and for how much quote, it would trade at once with others."""
        base = quote = ZERO
        policy = order.request.self_trade_prevention
        for maker in self._counterparts(order):
            if maker.account == order.account and policy is not SelfTradePrevention.NONE:
                if policy is SelfTradePrevention.EXPIRE_MAKER:
                    continue
                break
            wanted = self._wanted(order, maker.price_quote, base, quote)
            quantity = min(wanted, maker.open_base)
            base, quote = base + quantity, quote + quantity * maker.price_quote
            if quantity == wanted:
                break
        return base, quote

    def _wanted(self, order: Order, price_quote: Decimal, done_base: Decimal, done_quote: Decimal) -> Decimal:
        """Base that is still wanted at a price beyond what is done; less than a step counts as nothing."""
        if order.request.spend_quote is None:
            return order.quantity_base - done_base
        step = self.rules[order.request.market_id].step_base
        return (order.request.spend_quote - done_quote) // (price_quote * step) * step

    def _match(self, taker: Order, now_ms: int) -> None:
        opposite = self._books[taker.request.market_id][taker.side.opposite]
        while taker.is_open and (maker := opposite.first()) is not None and taker.accepts(maker.price_quote):
            wanted = self._wanted(taker, maker.price_quote, taker.executed_base, taker.executed_quote)
            if wanted == 0:  # the rest of the budget is less than a step
                self._end(taker, Status.FILLED if taker.executed_base else Status.EXPIRED, now_ms)
            elif maker.account == taker.account and taker.request.self_trade_prevention is not SelfTradePrevention.NONE:
                self._prevent(taker, maker, now_ms)
            else:
                quantity = min(wanted, maker.open_base)
                self._trade(taker, maker, quantity, now_ms)
                if quantity == wanted:
                    self._end(taker, Status.FILLED, now_ms)

    def _prevent(self, taker: Order, maker: Order, now_ms: int) -> None:
        """End one or both of two matching orders of the same account."""
        self.prevented_matches += 1
        policy = taker.request.self_trade_prevention
        if policy is not SelfTradePrevention.EXPIRE_TAKER:
            self._end(maker, Status.EXPIRED_IN_MATCH, now_ms)
        if policy is not SelfTradePrevention.EXPIRE_MAKER:
            self._end(taker, Status.EXPIRED_IN_MATCH, now_ms)

    def _trade(self, taker: Order, maker: Order, quantity_base: Decimal, now_ms: int) -> None:
        price = maker.price_quote
        parties = {
            order.side: self._settle(order, quantity_base, paid(price, quantity_base), now_ms, is_maker=order is maker)
            for order in (taker, maker)
        }
        if maker.open_base == 0:
            self._end(maker, Status.FILLED, now_ms)
        accounts = self.accounts[taker.account], self.accounts[maker.account]
        if all(account.is_market for account in accounts):
            return
        self.self_matches += taker.account == maker.account
        market_id, is_maker = taker.request.market_id, maker.side is Side.BUY
        self.last_trade_ids[market_id] += 1
        trade_id = self.last_trade_ids[market_id]
        buyer, seller = parties[Side.BUY], parties[Side.SELL]
        self.trades.append(Trade(trade_id, market_id, now_ms, price, quantity_base, buyer, seller, is_maker))

    def _settle(
        self, order: Order, quantity_base: Decimal, notional_quote: Decimal, now_ms: int, *, is_maker: bool
    ) -> Party:
        """Pay and receive one side of a trade, and the fee."""
        rules, account = self.rules[order.request.market_id], self.accounts[order.account]
        order.executed_base += quantity_base
        order.executed_quote += notional_quote
        order.status, order.updated_ms = Status.PARTIALLY_FILLED, now_ms
        fee, fee_asset = account.fees.fee(rules, order.side, quantity_base, notional_quote, is_maker=is_maker)
        sign = 1 if order.side is Side.BUY else -1
        account.add(rules.base, sign * quantity_base)
        account.add(rules.quote, -sign * notional_quote)
        account.add(fee_asset, -fee)
        self.fees_collected[fee_asset] = self.fees_collected.get(fee_asset, ZERO) + fee
        if order.request.kind is not Kind.MARKET:
            account.lock_for(order, rules)
        return Party(account.name, order.order_id, order.request.client_order_id, fee, fee_asset)

    def _rest_or_end(self, order: Order, now_ms: int) -> None:
        if not order.is_open:
            return
        if order.request.kind is Kind.MARKET or order.request.time_in_force is not TimeInForce.GTC:
            self._end(order, Status.EXPIRED, now_ms)
        else:
            self._books[order.request.market_id][order.side].add(order)
            self._watched[order.request.market_id] += not self.accounts[order.account].is_market

    def _end(self, order: Order, status: Status, now_ms: int) -> None:
        market_id, account = order.request.market_id, self.accounts[order.account]
        if order.price_quote and self._books[market_id][order.side].holds(order):
            self._books[market_id][order.side].remove(order)
            self._watched[market_id] -= not account.is_market
        order.status, order.updated_ms = status, now_ms
        if order.request.kind is not Kind.MARKET:
            account.lock_for(order, self.rules[market_id])
        del account.open_orders[order.order_id]


def _resize(order: Order, open_base: Decimal) -> None:
    """Let a resting order of the market's own, which locks nothing, be open for another quantity."""
    order.request = dataclasses.replace(order.request, quantity_base=order.executed_base + open_base)
