"""A matching engine as simple as can be, to hold the real one against: one list of orders, gone through every time.

Amounts are fractions. Whether an order can be filled whole, and what it costs, is found by trying it on a copy.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from engine_operations import (
    CROWD,
    DEPOSITS,
    FEES,
    MAKER,
    RULES,
    Cancel,
    Operation,
    PayIn,
    Quote,
    Submit,
    ThinOut,
    TradeForMarket,
)

from octobot_volume_booster.offline_exchange.server.engine.accounts import FeeAsset, FeeSchedule
from octobot_volume_booster.offline_exchange.server.engine.orders import (
    Kind,
    Request,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from octobot_volume_booster.offline_exchange.server.market.markets import MarketRules

UNIT = 10**8
MARKETS = {rules.id: rules for rules in RULES}
ALL_FEES = {**FEES, MAKER: FeeSchedule(Decimal(0), Decimal("0.001")), CROWD: FeeSchedule(Decimal(0), Decimal("0.001"))}


class RefusalError(Exception):
    """Its text is the name of the reason."""


@dataclass
class Order:
    number: int
    account: str
    request: Request
    wanted: Fraction | None  # None for one that spends
    done: Fraction = Fraction(0)
    done_quote: Fraction = Fraction(0)
    status: str = "NEW"

    @property
    def is_buy(self) -> bool:
        return self.request.side is Side.BUY

    @property
    def limit(self) -> Fraction:
        if self.request.price_quote is None:
            return Fraction(10**40 if self.is_buy else 0)
        return Fraction(self.request.price_quote)

    @property
    def left(self) -> Fraction:
        assert self.wanted is not None
        return self.wanted - self.done

    def wanted_at(self, price: Fraction, step: Fraction) -> Fraction:
        if self.wanted is not None:
            return self.left
        assert self.request.spend_quote is not None
        return (Fraction(self.request.spend_quote) - self.done_quote) // (price * step) * step


class Reference:
    """Balances are what an account owns; what is locked is worked out from its open orders."""

    def __init__(self) -> None:
        self.owned: dict[str, dict[str, Fraction]] = {name: defaultdict(Fraction) for name in ALL_FEES}
        for name in FEES:
            self.owned[name].update({asset: Fraction(amount) for asset, amount in DEPOSITS.items()})
        self.book: list[Order] = []  # oldest first
        self.orders: dict[int, Order] = {}
        self.trades: list[tuple[Any, ...]] = []
        self.self_matches = self.prevented_matches = self.last_number = 0

    def carry_out(self, operation: Operation) -> str:
        try:
            self._do(operation)
        except RefusalError as refusal:
            return str(refusal)
        return ""

    def locked(self, account: str, asset: str) -> Fraction:
        return sum((cost(order) for order in self.book if order.account == account and pays_in(order) == asset),
                   Fraction(0))  # fmt: skip

    def free(self, account: str, asset: str) -> Fraction:
        return self.owned[account][asset] - self.locked(account, asset)

    def _do(self, operation: Operation) -> None:
        if isinstance(operation, Submit):
            self._submit(operation.account, operation.request)
        elif isinstance(operation, TradeForMarket):
            self._accept(CROWD, operation.request)
        elif isinstance(operation, Quote):
            self._quote(operation)
        elif isinstance(operation, ThinOut):
            for place, most in operation.most:
                self._thin_out(operation.market_id, place, Fraction(most))
        elif isinstance(operation, Cancel):
            self._cancel(operation)
        else:
            self._pay_in(operation)

    def _pay_in(self, operation: PayIn) -> None:
        amount = Fraction(operation.amount)
        if (amount * UNIT).denominator != 1 or (amount < 0 and self.free(operation.account, operation.asset) < -amount):
            raise RefusalError("WITHDRAWAL")
        self.owned[operation.account][operation.asset] += amount

    def _cancel(self, operation: Cancel) -> None:
        for order in self.book:
            found = order.number, order.account, order.request.market_id
            if found == (operation.order_id, operation.account, operation.market_id):
                self._end(order, "CANCELED")
                self._join(order.request.market_id, place_of(order))
                return
        raise RefusalError("UNKNOWN_ORDER")

    def _quote(self, operation: Quote) -> None:
        wanted: dict[tuple[Side, Decimal], Fraction] = defaultdict(Fraction)
        for side, price, quantity in operation.levels:
            wanted[side, price] += Fraction(quantity)
        own = [order for order in self.book if (order.account, order.request.market_id) == (MAKER, operation.market_id)]
        for place in {place_of(order) for order in own}:
            self._thin_out(operation.market_id, place, wanted.get(place, Fraction(0)))
        for (side, price), quantity in wanted.items():
            held = sum(order.left for order in self._at(operation.market_id, (side, price)))
            queue = self._queue(operation.market_id, (side, price))
            if held < quantity and queue and queue[-1].account == MAKER:
                assert queue[-1].wanted is not None
                queue[-1].wanted += quantity - held
            elif held < quantity:
                more = Decimal((quantity - held).numerator) / Decimal((quantity - held).denominator)
                self._accept(MAKER, Request(operation.market_id, side, Kind.LIMIT, more, price))

    def _queue(self, market_id: str, place: tuple[Side, Decimal]) -> list[Order]:
        return [order for order in self.book if (order.request.market_id, place_of(order)) == (market_id, place)]

    def _at(self, market_id: str, place: tuple[Side, Decimal]) -> list[Order]:
        return [order for order in self._queue(market_id, place) if order.account == MAKER]

    def _join(self, market_id: str, place: tuple[Side, Decimal]) -> None:
        """Two orders of the market maker next to each other are one."""
        for one, other in itertools.pairwise(self._queue(market_id, place)):
            if one.account == other.account == MAKER:
                assert one.wanted is not None
                one.wanted += other.left
                self._end(other, "CANCELED")
                return

    def _thin_out(self, market_id: str, place: tuple[Side, Decimal], most: Fraction) -> None:
        """Take away from the newest until it is not too much."""
        while (too_much := sum(order.left for order in self._at(market_id, place)) - most) > 0:
            newest = self._at(market_id, place)[-1]
            if newest.left <= too_much:
                self._end(newest, "CANCELED")
            else:
                assert newest.wanted is not None
                newest.wanted -= too_much

    def _submit(self, account: str, request: Request) -> None:
        self._check_filters(request)
        names = [order.request.client_order_id for order in self.book if order.account == account]
        if request.client_order_id and request.client_order_id in names:
            raise RefusalError("DUPLICATE")
        self._check_funds(account, request)
        if request.kind is Kind.LIMIT_MAKER and self._counterparts(new_order(0, account, request)):
            raise RefusalError("WOULD_TAKE")
        if request.time_in_force is TimeInForce.FOK and self._tried(account, request).status != "FILLED":
            self.last_number += 1
            order = self.orders[self.last_number] = new_order(self.last_number, account, request)
            order.status = "EXPIRED"
        else:
            self._accept(account, request)

    def _tried(self, account: str, request: Request) -> Order:
        return copy.deepcopy(self)._accept(account, request)

    def _check_filters(self, request: Request) -> None:
        rules = MARKETS[request.market_id]
        if not fits(request.price_quote, rules.tick_quote, rules.maximum_price_quote):
            raise RefusalError("PRICE_FILTER")
        if not fits(request.quantity_base, rules.step_base, rules.maximum_quantity_base):
            raise RefusalError("LOT_SIZE")
        most = rules.maximum_price_quote * rules.maximum_quantity_base
        if not fits(request.spend_quote, Decimal(1) / UNIT, most):
            raise RefusalError("NOTIONAL")
        notional = self._notional(request)
        if notional is not None and notional < Fraction(rules.minimum_notional_quote):
            raise RefusalError("NOTIONAL")
        if notional is not None and request.price_quote and notional > Fraction(rules.maximum_notional_quote):
            raise RefusalError("NOTIONAL")

    def _notional(self, request: Request) -> Fraction | None:
        if request.spend_quote is not None:
            return Fraction(request.spend_quote)
        assert request.quantity_base is not None
        if request.price_quote is not None:
            return Fraction(request.quantity_base) * Fraction(request.price_quote)
        counterparts = self._counterparts(new_order(0, "", request))
        return Fraction(request.quantity_base) * counterparts[0].limit if counterparts else None

    def _check_funds(self, account: str, request: Request) -> None:
        order = new_order(0, account, request)
        if request.kind is Kind.MARKET:
            tried = self._tried(account, request)
            paid = tried.done_quote if order.is_buy else max(tried.done, tried.wanted or Fraction(0))
            needed = paid * (1 + reserve(order))
            if order.is_buy and request.spend_quote is not None:
                needed = max(needed, Fraction(request.spend_quote))
        else:
            needed = cost(order)
        if self.free(account, pays_in(order)) < needed:
            raise RefusalError("INSUFFICIENT_BALANCE")

    def _accept(self, account: str, request: Request) -> Order:
        self.last_number += 1
        order = self.orders[self.last_number] = new_order(self.last_number, account, request)
        while order.status in ("NEW", "PARTIALLY_FILLED"):
            counterparts = self._counterparts(order)
            if not counterparts:
                break
            self._meet(order, counterparts[0])
        if order.status in ("NEW", "PARTIALLY_FILLED"):
            if request.kind is Kind.MARKET or request.time_in_force is not TimeInForce.GTC:
                order.status = "EXPIRED"
            else:
                self.book.append(order)
        return order

    def _counterparts(self, order: Order) -> list[Order]:
        """Best price first, then oldest first."""
        sign = 1 if order.is_buy else -1
        found = [other for other in self.book
                 if other.request.market_id == order.request.market_id and other.is_buy is not order.is_buy
                 and sign * other.limit <= sign * order.limit]  # fmt: skip
        return sorted(found, key=lambda other: sign * other.limit)

    def _meet(self, taker: Order, maker: Order) -> None:
        policy = taker.request.self_trade_prevention
        wanted = taker.wanted_at(maker.limit, Fraction(MARKETS[taker.request.market_id].step_base))
        if not wanted:
            taker.status = "FILLED" if taker.done else "EXPIRED"
        elif taker.account == maker.account and policy is not SelfTradePrevention.NONE:
            self.prevented_matches += 1
            if policy in (SelfTradePrevention.EXPIRE_MAKER, SelfTradePrevention.EXPIRE_BOTH):
                self._end(maker, "EXPIRED_IN_MATCH")
            if policy in (SelfTradePrevention.EXPIRE_TAKER, SelfTradePrevention.EXPIRE_BOTH):
                taker.status = "EXPIRED_IN_MATCH"
        else:
            self._trade(taker, maker, min(wanted, maker.left))
            taker.status = "PARTIALLY_FILLED"
            if not taker.wanted_at(maker.limit, Fraction(MARKETS[taker.request.market_id].step_base)):
                taker.status = "FILLED"

    def _trade(self, taker: Order, maker: Order, quantity: Fraction) -> None:
        quote = quantity * maker.limit
        parties = {}
        for order in (taker, maker):
            order.done, order.done_quote = order.done + quantity, order.done_quote + quote
            fee, asset = fee_of(order, quantity, quote, is_maker=order is maker)
            sign, rules = 1 if order.is_buy else -1, MARKETS[order.request.market_id]
            self.owned[order.account][rules.base] += sign * quantity
            self.owned[order.account][rules.quote] -= sign * quote
            self.owned[order.account][asset] -= fee
            parties[order.is_buy] = order.account, order.number, order.request.client_order_id, fee, asset
        maker.status = "PARTIALLY_FILLED" if maker.left else "FILLED"
        if not maker.left:
            self.book.remove(maker)
        if not {taker.account, maker.account} <= {MAKER, CROWD}:
            self.self_matches += taker.account == maker.account
            market_id = taker.request.market_id
            self.trades.append((market_id, maker.limit, quantity, parties[True], parties[False], maker.is_buy))

    def _end(self, order: Order, status: str) -> None:
        order.status = status
        self.book.remove(order)


def new_order(number: int, account: str, request: Request) -> Order:
    return Order(number, account, request, None if request.quantity_base is None else Fraction(request.quantity_base))


def place_of(order: Order) -> tuple[Side, Decimal]:
    assert order.request.price_quote is not None
    return order.request.side, order.request.price_quote


def pays_in(order: Order) -> str:
    rules: MarketRules = MARKETS[order.request.market_id]
    return rules.quote if order.is_buy else rules.base


def reserve(order: Order) -> Fraction:
    """The share kept for fees that are paid in the same asset as the price."""
    fees = ALL_FEES[order.account]
    same = FeeAsset.QUOTE if order.is_buy else FeeAsset.BASE
    return max(Fraction(fees.maker_rate), Fraction(fees.taker_rate), Fraction(0)) if fees.asset is same else Fraction(0)


def cost(order: Order) -> Fraction:
    paid = order.left * order.limit if order.is_buy else order.left
    return Fraction(math.ceil(paid * (1 + reserve(order)) * UNIT), UNIT)


def fee_of(order: Order, quantity: Fraction, quote: Fraction, *, is_maker: bool) -> tuple[Fraction, str]:
    fees, rules = ALL_FEES[order.account], MARKETS[order.request.market_id]
    in_base = {FeeAsset.RECEIVED: order.is_buy, FeeAsset.BASE: True, FeeAsset.QUOTE: False}[fees.asset]
    exact = Fraction(fees.maker_rate if is_maker else fees.taker_rate) * (quantity if in_base else quote)
    return Fraction(math.trunc(exact * UNIT), UNIT), rules.base if in_base else rules.quote


def fits(amount: Decimal | None, unit: Decimal, most: Decimal) -> bool:
    if amount is None:
        return True
    return amount.is_finite() and 0 < amount <= most and (Fraction(amount) / Fraction(unit)).denominator == 1
