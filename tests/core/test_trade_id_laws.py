"""Trades of an order, told in any number of answers and with whatever ids: none is lost, and none counts twice."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.accounting import reconciliation
from octobot_volume_booster.core.accounting.reconciliation import (
    Charge,
    ExchangeOrder,
    ExchangeTrade,
    SentOrder,
    Standing,
)
from octobot_volume_booster.core.model.basics import OrderType, Role, Side
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.orders import Fill, OrderIntent
from octobot_volume_booster.journal.journal import Journal

RULES = MarketRules("BTC", "USDT", Decimal("0.01"), Decimal("0.001"), Decimal(0), Decimal(5))
MARKET = ("offline", "BTC/USDT")
STARTED_AT = 1_700_000_000.0
LARGE = Decimal(1_000)
"""More than any order here fills: only the exchange's word ends one."""
ID_KINDS = ("own", "text", "missing", "of the order", "one for all", "numbered anew", "made by ccxt")


@dataclass(frozen=True)
class Order:
    """An order of ours, and its trades as they really are: two may be the same but for the trade that each is."""

    order_id: str
    exchange_order_id: str
    trades: tuple[ExchangeTrade, ...]

    @property
    def filled(self) -> Decimal:
        return sum((trade.quantity for trade in self.trades), Decimal(0))


def trade_id(kind: str, order_id: str, number: int, row: ExchangeTrade) -> str:
    return {
        "own": f"{order_id}{number}",
        "text": f"0x{order_id}{number}ff",
        "missing": "",
        "of the order": order_id,
        "one for all": "1",
        "numbered anew": str(number),
        "made by ccxt": f"{int((row.at or 0) * 1000)}-buy-{row.quantity}-{row.price}-taker",
    }[kind]


@st.composite
def accounts(draw: st.DrawFn, kinds: tuple[str, ...] = ID_KINDS) -> list[Order]:
    """Orders whose trades often are equal: of few times, prices and quantities."""
    kind, has_times = draw(st.sampled_from(kinds)), draw(st.booleans())
    orders = []
    for number in range(draw(st.integers(1, 3))):
        exchange_order_id = str(100 + number)
        trades = []
        for place in range(draw(st.integers(0, 5))):
            at = STARTED_AT + draw(st.integers(0, 2)) if has_times else None
            quantity, price = Decimal(draw(st.integers(1, 2))), Decimal(100 + draw(st.integers(0, 1)))
            row = ExchangeTrade("", exchange_order_id, at, Role.TAKER, quantity, price, (Charge(quantity, "USDT"),))
            trades.append(replace(row, trade_id=trade_id(kind, exchange_order_id, place, row)))
        orders.append(Order(f"vb{number}", exchange_order_id, tuple(trades)))
    return orders


class Bot:
    """A campaign that reads its orders from what an exchange answers; it may be started again at any moment."""

    def __init__(self) -> None:
        self.journal = Journal.create_or_open(None)
        self.campaign = Campaign(self.journal)

    def start_again(self) -> None:
        self.campaign = Campaign(self.journal)

    def place(self, order: Order) -> None:
        intent = OrderIntent(Side.BUY, OrderType.MARKET, LARGE, Decimal(100), Decimal(100))
        self.campaign.place(order.order_id, *MARKET, intent, STARTED_AT)

    def read(self, order: Order, rows: list[ExchangeTrade], now: float, standing: Standing = Standing.OPEN) -> None:
        campaign, order_id = self.campaign, order.order_id
        known = campaign.fills_of(order_id)
        sent = SentOrder(order_id, *MARKET, campaign.record(order_id), order.exchange_order_id, known)
        found = ExchangeOrder(order.exchange_order_id, order_id, None, standing)
        owner_of = campaign.order_of_fill
        settlement = reconciliation.settle(sent, found, rows, RULES, lambda asset: None, now, owner_of=owner_of)
        for fill in settlement.fills:
            assert campaign.fill(fill), "a fill that is news was not counted"


def check_is_the_tape(bot: Bot, orders: list[Order]) -> None:
    """Each trade is written down once, and the ledger, live and replayed, is their sum to the last digit."""
    written = sorted((fill.order_id, fill.quantity, fill.price) for fill in bot.journal.fills())
    assert written == sorted((order.order_id, row.quantity, row.price) for order in orders for row in order.trades)
    for progress in (bot.campaign.progress(LARGE), bot.journal.replay(from_the_first_row=True).progress(LARGE)):
        rows = [row for order in orders for row in order.trades]
        assert progress.bought_quote == sum((row.quantity * row.price for row in rows), Decimal(0))
        assert progress.fees_quote == sum((row.quantity for row in rows), Decimal(0))
        assert progress.fills == len(rows)
    for order in orders:
        assert bot.campaign.record(order.order_id).filled_quantity == order.filled


@LAW
@given(accounts(tuple(kind for kind in ID_KINDS if kind != "one for all")), st.data())
def test_in_any_answers_of_any_part_and_order_every_trade_counts_once(orders: list[Order], data: st.DataObject) -> None:
    bot = Bot()
    for order in orders:
        bot.place(order)
    for now in itertools.count(int(STARTED_AT) + 10):
        if not data.draw(st.booleans()) or now > STARTED_AT + 20:
            break
        order = data.draw(st.sampled_from(orders))
        rows = data.draw(st.permutations(order.trades))
        bot.read(order, list(rows[: data.draw(st.integers(0, len(rows)))]), float(now))
        if data.draw(st.booleans()):
            bot.start_again()
    for order in orders:
        bot.read(order, list(data.draw(st.permutations(order.trades))), STARTED_AT + 100)
    check_is_the_tape(bot, orders)
    for order in orders:
        bot.read(order, list(data.draw(st.permutations(order.trades))), STARTED_AT + 200)
    check_is_the_tape(bot, orders)


@LAW
@given(accounts(("own", "text", "numbered anew")), st.data())
def test_a_trade_with_an_id_of_its_own_counts_once_however_often_an_answer_tells_it(
    orders: list[Order], data: st.DataObject
) -> None:
    bot = Bot()
    for order in orders:
        bot.place(order)
        twice = [*order.trades, *(data.draw(st.lists(st.sampled_from(order.trades))) if order.trades else [])]
        bot.read(order, list(data.draw(st.permutations(twice))), STARTED_AT + 10)
    check_is_the_tape(bot, orders)


@LAW
@given(accounts(("one for all",)), st.data())
def test_trades_that_differ_and_share_one_id_are_told_apart(orders: list[Order], data: st.DataObject) -> None:
    """Where two are the same in all that is told, the answer cannot be told from one that tells a trade twice."""
    different = [replace(order, trades=_without_equal_ones(order.trades)) for order in orders]
    bot = Bot()
    for order in different:
        bot.place(order)
        rows = data.draw(st.permutations(order.trades))
        bot.read(order, list(rows[: data.draw(st.integers(0, len(rows)))]), STARTED_AT + 10)
        bot.start_again()
        bot.read(order, list(order.trades), STARTED_AT + 20)
    check_is_the_tape(bot, different)


def _without_equal_ones(trades: tuple[ExchangeTrade, ...]) -> tuple[ExchangeTrade, ...]:
    return tuple({(row.at, row.quantity, row.price): row for row in trades}.values())


def a_trade(trade_id: str, at: float | None = STARTED_AT, quantity: str = "1", price: str = "100") -> ExchangeTrade:
    charges = (Charge(Decimal(quantity), "USDT"),)
    return ExchangeTrade(trade_id, "100", at, Role.TAKER, Decimal(quantity), Decimal(price), charges)


def test_a_fill_that_an_older_version_wrote_down_under_a_plain_id_is_known_again() -> None:
    """It wrote "None" for a trade without an id, and the order's id where the trade has that."""
    for trade_id in ("None", "100"):
        bot = Bot()
        first, second = a_trade(trade_id), a_trade(trade_id, STARTED_AT + 1)
        order = Order(
            "vb0", "100", tuple(replace(row, trade_id=trade_id.replace("None", "")) for row in (first, second))
        )
        bot.place(order)
        amounts = first.quantity, first.price, Decimal(1), Decimal(100)
        bot.campaign.fill(Fill(f"offline BTC/USDT {trade_id}", "vb0", STARTED_AT, Side.BUY, Role.TAKER, *amounts))
        bot.read(order, list(order.trades), STARTED_AT + 10)
        check_is_the_tape(bot, [order])


@pytest.mark.parametrize("trade_id", ["", "100", "vb0", "1700000000000-buy-1-100-taker"])
def test_equal_trades_without_an_id_of_their_own_are_as_many_as_an_answer_shows(trade_id: str) -> None:
    bot = Bot()
    order = Order("vb0", "100", (a_trade(trade_id), a_trade(trade_id)))
    bot.place(order)
    for now, rows in enumerate((order.trades[:1], order.trades, order.trades[1:], order.trades)):
        bot.read(order, list(rows), STARTED_AT + now)
    check_is_the_tape(bot, [order])


def test_a_trade_that_differs_from_the_one_with_its_id_is_another_one_also_where_it_comes_alone() -> None:
    bot = Bot()
    order = Order("vb0", "100", (a_trade("5"), a_trade("5", quantity="2")))
    bot.place(order)
    for now, row in enumerate(order.trades):
        bot.read(order, [row], STARTED_AT + now)
    check_is_the_tape(bot, [order])


def test_trades_of_one_id_and_size_at_two_times_are_two() -> None:
    bot = Bot()
    order = Order("vb0", "100", (a_trade("5"), a_trade("5", STARTED_AT + 1)))
    bot.place(order)
    bot.read(order, list(order.trades), STARTED_AT + 10)
    check_is_the_tape(bot, [order])


def test_an_order_with_the_id_of_another_orders_trade_does_not_hide_it() -> None:
    bot = Bot()
    orders = [
        Order("vb0", "100", (a_trade("1"),)),
        Order("vb1", "101", (replace(a_trade("1"), exchange_order_id="101"),)),
    ]
    for order in orders:
        bot.place(order)
        bot.read(order, list(order.trades), STARTED_AT + 10)
    check_is_the_tape(bot, orders)


def test_equal_rows_with_one_id_are_several_trades_when_the_order_stays_short_without_them() -> None:
    bot = Bot()
    rows = (a_trade("5"), a_trade("5"))
    order = Order("vb0", "100", rows)
    bot.place(order)
    watch = None
    for seconds, expected in ((0, 1), (reconciliation.STAYS_SHORT_AFTER_S, 2)):
        sent = SentOrder("vb0", *MARKET, bot.campaign.record("vb0"), "100", bot.campaign.fills_of("vb0"))
        found = ExchangeOrder("100", "vb0", Decimal(2), Standing.CANCELLED)
        now = STARTED_AT + seconds
        settlement = reconciliation.settle(sent, found, rows, RULES, lambda asset: None, now, watch=watch)
        watch = settlement.watch
        for fill in settlement.fills:
            bot.campaign.fill(fill)
        assert bot.campaign.record("vb0").filled_quantity == expected
    check_is_the_tape(bot, [order])


@pytest.mark.parametrize("later", ["", "5"])
def test_a_time_that_is_told_later_makes_no_other_trade(later: str) -> None:
    bot = Bot()
    order = Order("vb0", "100", (a_trade(later),))
    bot.place(order)
    bot.read(order, [a_trade(later, None)], STARTED_AT + 10)
    bot.read(order, [a_trade(later)], STARTED_AT + 20)
    check_is_the_tape(bot, [order])


def test_an_id_that_is_told_later_makes_no_other_trade() -> None:
    bot = Bot()
    order = Order("vb0", "100", (a_trade("5"),))
    bot.place(order)
    bot.read(order, [a_trade("")], STARTED_AT + 10)
    bot.read(order, [a_trade("5")], STARTED_AT + 20)
    check_is_the_tape(bot, [order])
