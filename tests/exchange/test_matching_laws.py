"""Properties of the matching engine: conservation, price-time priority, exactness."""

from __future__ import annotations

import decimal
import random
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from engine_operations import (
    ACCOUNTS,
    ASSETS,
    CROWD,
    MAKER,
    RULES,
    Cancel,
    Operation,
    PayIn,
    Submit,
    carry_out,
    draw_operation,
    market_of,
    new_engine,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference_matcher import Reference, cost, fee_of, new_order

from octobot_volume_booster.offline_exchange.server.engine.matching import Engine
from octobot_volume_booster.offline_exchange.server.engine.orders import (
    Kind,
    Order,
    Reason,
    SelfTradePrevention,
    Side,
    Status,
    TimeInForce,
    Trade,
)

pytestmark = pytest.mark.once
PROPERTY = settings(deadline=None, derandomize=True, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
SEEDS = st.integers(0, 2**32)
OPEN = (Status.NEW, Status.PARTIALLY_FILLED)
UNIT = Decimal("0.00000001")


def picture(engine: Engine) -> str:
    """Everything that the engine is, as text."""
    books = {place: vars(side) for market_id, book in engine._books.items() for place, side in book.items()}
    return repr({**vars(engine), "_books": [(market_id, vars(engine._books[market_id][side])) for market_id in
                                            engine._books for side in Side], "count": len(books)})  # fmt: skip


def steps(seed: int, count: int) -> tuple[Engine, list[tuple[Operation, str]]]:
    """An engine after some random operations, and what became of each."""
    rng, engine, done = random.Random(seed), new_engine(), []
    for now_ms in range(count):
        operation = draw_operation(rng, engine)
        done.append((operation, carry_out(engine, operation, now_ms)))
    return engine, done


def all_orders(engine: Engine) -> list[Order]:
    return [order for name in ACCOUNTS for order in engine.accounts[name].orders.values()]


def shown(trade: Trade) -> tuple[Any, ...]:
    """A trade as the reference tells it."""
    buyer, seller = ((one.account, one.order_id, one.client_order_id, Fraction(one.fee), one.fee_asset)
                     for one in (trade.buyer, trade.seller))  # fmt: skip
    amounts = Fraction(trade.price_quote), Fraction(trade.quantity_base)
    return trade.market_id, *amounts, buyer, seller, trade.buyer_is_maker


@PROPERTY
@given(SEEDS)
def test_it_does_trade_by_trade_what_a_simple_matcher_does(seed) -> None:
    rng, engine, reference = random.Random(seed), new_engine(), Reference()
    for now_ms in range(150):
        operation, known = draw_operation(rng, engine), len(engine.trades)
        assert carry_out(engine, operation, now_ms) == reference.carry_out(operation), operation
        assert [shown(trade) for trade in engine.trades[known:]] == reference.trades[known:], operation
    assert_same(engine, reference)


def assert_same(engine: Engine, reference: Reference) -> None:
    for order in all_orders(engine):
        other = reference.orders[order.order_id]
        assert (order.status.value, order.executed_base, order.executed_quote) == (
            other.status, other.done, other.done_quote
        )  # fmt: skip
    for name in ACCOUNTS:
        balances = engine.accounts[name].balances()
        for asset in ASSETS:
            assert balances[asset] == (reference.free(name, asset), reference.locked(name, asset))
    for rules in RULES:
        resting = [order.order_id for side in Side for order in engine.resting(rules.id, side)]
        assert sorted(resting) == [order.number for order in reference.book if order.request.market_id == rules.id]
    counts = engine.self_matches, engine.prevented_matches, engine.last_order_id
    assert counts == (reference.self_matches, reference.prevented_matches, reference.last_number)


@PROPERTY
@given(SEEDS)
def test_what_is_refused_changes_nothing_at_all(seed) -> None:
    rng, engine, refused = random.Random(seed), new_engine(), 0
    for now_ms in range(120):
        operation, before = draw_operation(rng, engine), picture(engine)
        if carry_out(engine, operation, now_ms):
            refused += 1
            assert picture(engine) == before, operation
    assert refused


@PROPERTY
@given(SEEDS)
def test_the_decimal_context_of_the_caller_changes_nothing(seed) -> None:
    """ccxt, for one, sets traps in the context of the process."""
    engine, done = steps(seed, 100)
    again, rng = new_engine(), random.Random(seed)
    for now_ms, (_, refused) in enumerate(done):
        operation = draw_operation(rng, again)
        with decimal.localcontext(decimal.Context(prec=2, traps=[decimal.Inexact, decimal.FloatOperation])):
            assert carry_out(again, operation, now_ms) == refused
    assert picture(again) == picture(engine)


@PROPERTY
@given(SEEDS)
def test_everything_holds_after_every_operation(seed) -> None:
    rng, engine = random.Random(seed), new_engine()
    watch = Watch(engine)
    for now_ms in range(120):
        watch.carry_out(draw_operation(rng, engine), now_ms)
        assert_everything_holds(engine)


@pytest.mark.long
def test_everything_holds_through_100_000_random_operations() -> None:
    rng, engine = random.Random(20_240_101), new_engine()
    watch = Watch(engine)
    for now_ms in range(100_000):
        watch.carry_out(draw_operation(rng, engine), now_ms)
        if not now_ms % 1_000:
            assert_books_hold_what_is_open(engine)
            assert_locks_are_what_open_orders_need(engine)
    assert_everything_holds(engine)
    of_the_exchange = {Reason.MAX_NUM_ORDERS.name}  # which counts them before the engine sees an order
    assert {reason.name for reason in Reason} - of_the_exchange | {"", "WITHDRAWAL"} == set(watch.outcomes)
    assert {order.status for order in all_orders(engine)} >= set(Status) - set(OPEN)
    assert engine.self_matches > 100
    assert engine.prevented_matches > 100
    assert len(engine.trades) > 10_000


class Watch:
    """Looks at what each operation does, at the cost of the operation."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.outcomes: Counter[str] = Counter()
        self.base: dict[int, Decimal] = {}
        self.quote: dict[int, Decimal] = {}

    def carry_out(self, operation: Operation, now_ms: int) -> None:
        engine, known = self.engine, len(self.engine.trades)
        queue = self._queue(operation)
        prevented, matched = engine.prevented_matches, engine.self_matches
        refused = carry_out(engine, operation, now_ms)
        self.outcomes[refused] += 1
        trades = engine.trades[known:]
        for trade in trades:
            assert_exact_fees(engine, trade)
        self._add_up(trades)
        if isinstance(operation, Submit) and not refused:
            taker = engine.accounts[operation.account].orders[engine.last_order_id]
            assert_turns_were_kept(taker, queue, trades)
            assert_conditions_were_kept(taker, trades, engine)
            own = sum(trade.is_self_match for trade in trades)
            assert engine.self_matches - matched == own
            assert not own or taker.request.self_trade_prevention is SelfTradePrevention.NONE
            ended = sum(order.status is Status.EXPIRED_IN_MATCH for order, _ in queue)
            assert engine.prevented_matches - prevented == max(ended, taker.status is Status.EXPIRED_IN_MATCH)
        self._assert_sound(operation)

    def _add_up(self, trades: list[Trade]) -> None:
        """What is executed of an order is the sum of its trades, and not more than it asked for."""
        touched = [(one, trade) for trade in trades for one in (trade.buyer, trade.seller) if one.account in ACCOUNTS]
        for party, trade in touched:
            order_id, notional = party.order_id, trade.price_quote * trade.quantity_base
            self.base[order_id] = self.base.get(order_id, Decimal(0)) + trade.quantity_base
            self.quote[order_id] = self.quote.get(order_id, Decimal(0)) + notional
        for party, _ in touched:
            order = self.engine.accounts[party.account].orders[party.order_id]
            assert (order.executed_base, order.executed_quote) == (
                self.base[party.order_id],
                self.quote[party.order_id],
            )
            assert order.executed_base <= order.quantity_base

    def _queue(self, operation: Operation) -> list[tuple[Order, Decimal]]:
        """The orders that a new one may meet, in their turn, with what is open of each."""
        if not isinstance(operation, Submit):
            return []
        resting = self.engine.resting(operation.request.market_id, operation.request.side.opposite)
        return [(order, order.open_base) for order in resting]

    def _assert_sound(self, operation: Operation) -> None:
        for asset in ASSETS:
            assert self.engine.surplus(asset) == 0
        if isinstance(operation, Submit | Cancel | PayIn):
            balances = self.engine.accounts[operation.account].balances()
            assert all(free >= 0 and locked >= 0 for free, locked in balances.values()), operation
        if market_id := market_of(operation):
            bids, asks = (self.engine.book(market_id, side, 1) for side in Side)
            assert not bids or not asks or bids[0][0] < asks[0][0]


def assert_exact_fees(engine: Engine, trade: Trade) -> None:
    notional = Fraction(trade.price_quote) * Fraction(trade.quantity_base)
    for side, party in ((Side.BUY, trade.buyer), (Side.SELL, trade.seller)):
        is_maker = (side is Side.BUY) is trade.buyer_is_maker
        if party.account in ACCOUNTS:
            order = new_order(0, party.account, engine.accounts[party.account].orders[party.order_id].request)
            exact = fee_of(order, Fraction(trade.quantity_base), notional, is_maker=is_maker)
            assert (Fraction(party.fee), party.fee_asset) == exact


def assert_turns_were_kept(taker: Order, queue: list[tuple[Order, Decimal]], trades: list[Trade]) -> None:
    """Each trade is with whose turn it was, at the price of that order; only the last one may be left with a rest."""
    sign = 1 if taker.side is Side.BUY else -1
    assert [order.order_id for order, _ in queue] == [
        order.order_id for order, _ in sorted(queue, key=lambda pair: (sign * pair[0].price_quote, pair[0].order_id))
    ]
    met = [(order, open_base) for order, open_base in queue if order.status is not Status.EXPIRED_IN_MATCH]
    for trade, (maker, open_base) in zip(trades, met, strict=False):
        party = trade.seller if taker.side is Side.BUY else trade.buyer
        assert (party.order_id, trade.price_quote) == (maker.order_id, maker.price_quote)
        assert trade.quantity_base == open_base or trade is trades[-1]
    assert len(trades) <= len(met)


def assert_conditions_were_kept(taker: Order, trades: list[Trade], engine: Engine) -> None:
    request = taker.request
    rests = any(order is taker for order in engine.resting(request.market_id, taker.side))
    assert rests == taker.is_open
    if request.kind is Kind.MARKET or request.time_in_force is not TimeInForce.GTC:
        assert not rests
    if request.time_in_force is TimeInForce.FOK:
        assert taker.executed_base in (0, request.quantity_base) or taker.status is Status.EXPIRED_IN_MATCH
    if request.kind is Kind.LIMIT_MAKER:
        assert not trades
    if request.spend_quote is not None:
        assert taker.executed_quote <= request.spend_quote
    assert all(taker.accepts(trade.price_quote) for trade in trades)


def assert_everything_holds(engine: Engine) -> None:
    """What is too dear to look at after each of many operations."""
    assert_books_hold_what_is_open(engine)
    assert_locks_are_what_open_orders_need(engine)
    assert_trades_add_up(engine)


def assert_books_hold_what_is_open(engine: Engine) -> None:
    resting = {order.order_id: order for rules in RULES for side in Side for order in engine.resting(rules.id, side)}
    open_orders = [order for name in (*ACCOUNTS, MAKER, CROWD) for order in engine.accounts[name].open_orders.values()]
    assert resting == {order.order_id: order for order in open_orders}
    assert all(order.status in OPEN and order.open_base > 0 for order in open_orders)
    for rules in RULES:
        assert engine.has_resting_orders(rules.id) == any(True for _ in engine.account_orders(rules.id))
        for side in Side:
            levels = engine.book(rules.id, side, 1_000)
            assert sum(quantity for _, quantity in levels) == sum(o.open_base for o in engine.resting(rules.id, side))
            prices = [price for price, _ in levels]
            assert prices == sorted(set(prices), reverse=side is Side.BUY)


def assert_locks_are_what_open_orders_need(engine: Engine) -> None:
    for name in ACCOUNTS:
        account, needed = engine.accounts[name], dict.fromkeys(ASSETS, Fraction(0))
        for order in account.open_orders.values():
            rest = new_order(0, name, order.request)
            rest.done = Fraction(order.executed_base)
            rules = engine.rules[order.request.market_id]
            needed[rules.quote if order.side is Side.BUY else rules.base] += cost(rest)
        assert {asset: locked for asset, (_, locked) in account.balances().items()} == needed
        assert all(free >= 0 and free % UNIT == 0 for free, _ in account.balances().values())
    assert not any(engine.accounts[MAKER].locked.values())


def assert_trades_add_up(engine: Engine) -> None:
    base: dict[int, Fraction] = {}
    quote: dict[int, Fraction] = {}
    for trade in engine.trades:
        quantity = Fraction(trade.quantity_base)
        for order_id in (trade.buyer.order_id, trade.seller.order_id):
            base[order_id] = base.get(order_id, Fraction(0)) + quantity
            quote[order_id] = quote.get(order_id, Fraction(0)) + quantity * Fraction(trade.price_quote)
    for order in all_orders(engine):
        executed = order.executed_base, order.executed_quote
        assert executed == (base.get(order.order_id, 0), quote.get(order.order_id, 0))
        assert order.request.quantity_base is None or order.executed_base <= order.request.quantity_base
        assert order.status is not Status.FILLED or order.open_base == 0
    for rules in RULES:
        ids = [trade.trade_id for trade in engine.trades if trade.market_id == rules.id]
        assert ids == list(range(1, len(ids) + 1))


@PROPERTY
@given(SEEDS)
def test_the_time_and_the_names_of_orders_change_no_trade(seed) -> None:
    """Turns are those of arrival: not of the clock, which may stand still."""
    engine, done = steps(seed, 100)
    still, rng = new_engine(), random.Random(seed)
    for _ in done:
        carry_out(still, draw_operation(rng, still), 0)
    assert [shown(trade) for trade in still.trades] == [shown(trade) for trade in engine.trades]
