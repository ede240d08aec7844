"""Whole campaigns through OctoBot's own simulated trader, while the price walks at random."""

from __future__ import annotations

import decimal
import logging
import random
import typing
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import octobot_trading.enums as trading_enums
import pytest

from octobot_volume_booster.adapters.market_data import read_rules
from octobot_volume_booster.core.model.basics import round_to_step
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.journal.journal import DONE

from .conftest import START_PRICE, SYMBOL, Bot, MakeBot

SEEDS = range(50)
pytestmark = pytest.mark.long

ORDER_TYPES = pytest.mark.parametrize("order_type", ["market", "limit"])
TARGET = 50_000
MOST_TICKS = 3_000
WALK_STEP = 0.001
"""The standard deviation of the price's change from one decision to the next, as a ratio."""
WILD = 200
"""Losses in a row that are let pass: this market moves five times as much in a year as Bitcoin does."""
FEE_RATE = Decimal("0.001")
BASE, QUOTE = "BTC", "USDT"
START = {BASE: Decimal(1), QUOTE: Decimal(10_000)}
LARGE: dict[str, typing.Any] = {
    "min_buy_amount": 500,
    "max_buy_amount": 1_500,
    "min_sell_amount": 500,
    "max_sell_amount": 1_500,
}
"""A campaign of some 50 orders instead of 570; ten of them can ask for more than the bot has."""


@pytest.fixture(autouse=True)
def only_errors_are_logged() -> Iterator[None]:
    """OctoBot writes more than ten lines about every order."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


class Sent(typing.NamedTuple):
    """An order as OctoBot has it, `offset` being its price less the market price when it was decided."""

    side: str
    quantity: Decimal
    price: Decimal
    offset: Decimal
    delay_s: float


@dataclass
class Walk:
    """A bot on a market whose price walks at random, and what OctoBot itself says about its orders."""

    bot: Bot
    path: random.Random
    rules: MarketRules
    unseen_trades: float = 0.0
    """The share of moves of the price that fill no resting order, as OctoBot has not seen a trade there yet."""
    price: Decimal = START_PRICE
    highest_price: Decimal = START_PRICE
    sent: list[Sent] = field(default_factory=list, repr=False)
    fills: list[typing.Any] = field(default_factory=list, repr=False)
    filled_quote: Decimal = Decimal(0)
    _seen_orders: set[str] = field(default_factory=set, repr=False)
    _seen_trades: int = 0

    async def looks(self) -> AsyncIterator[None]:
        """After every decision and after every move of the price, until the mode says that it is done."""
        for _ in range(MOST_TICKS):
            delay_s = await self.bot.tick()
            self.read_octobot(delay_s)
            yield
            if self.is_said_to_be_done:
                return
            self.bot.advance(delay_s)
            await self.move_price()
            self.read_octobot(delay_s)
            yield
        raise AssertionError(f"not done after {MOST_TICKS} ticks: {self.bot.mode.get_current_state()}")

    async def to_the_end(self) -> Walk:
        async for _ in self.looks():
            pass
        return self

    async def move_price(self) -> None:
        """The next price of the path, on the exchange's tick.

        Between two ticks OctoBot's backtesting would fill a market order beside the price that it reserved funds for.
        """
        moved = self.price * Decimal(str(self.path.gauss(1, WALK_STEP)))
        self.price = round_to_step(moved, self.rules.price_tick, decimal.ROUND_HALF_EVEN)
        self.highest_price = max(self.highest_price, self.price)
        if self.unseen_trades and self.path.random() < self.unseen_trades:
            self.bot.set_price(self.price)
        else:
            await self.bot.fill_resting_orders_at(self.price)

    def read_octobot(self, delay_s: float) -> None:
        """What is new among OctoBot's trades and open orders; a cancelled order may stand among the trades."""
        trades = self.bot.trades()[self._seen_trades :]
        self._seen_trades += len(trades)
        fills = [trade for trade in trades if trade.status is trading_enums.OrderStatus.FILLED]
        self.fills += fills
        self.filled_quote += sum(fill.total_cost for fill in fills)
        orders = [(fill.origin_order_id, fill.side, fill.executed_quantity, fill.executed_price) for fill in fills]
        orders += [(order.order_id, order.side, order.origin_quantity, order.origin_price) for order in self.open]
        for order_id, side, quantity, price in orders:
            if order_id not in self._seen_orders:
                self._seen_orders.add(order_id)
                self.sent.append(Sent(side.value, quantity, price, price - self.price, delay_s))

    @property
    def is_said_to_be_done(self) -> bool:
        campaign = self.bot.producer.session.campaign
        assert campaign is not None
        note = campaign.reason_of(self.bot.producer.session.source)
        return note is not None and note[0] == DONE

    @property
    def open(self) -> list[typing.Any]:
        return list(self.bot.manager.exchange_personal_data.orders_manager.get_open_orders())

    @property
    def largest_minimum(self) -> Decimal:
        """What the exchange's smallest order is worth at the highest price so far, in quote."""
        return self.rules.min_order_notional(self.highest_price)

    def holding(self, currency: str) -> typing.Any:
        return self.bot.manager.exchange_personal_data.portfolio_manager.portfolio.get_currency_portfolio(currency)


async def start_walk(make_bot: MakeBot, order_type: str, seed: int, path: int, **settings: typing.Any) -> Walk:
    base = {"order_type": order_type, "seed": seed, "volume_target": TARGET, "max_consecutive_losses": WILD}
    bot = await make_bot(**base | settings)
    return Walk(bot, random.Random(f"path {path}"), read_rules(bot.manager, SYMBOL))


def random_settings(seed: int) -> dict[str, typing.Any]:
    """What decides how orders rest, time out and lean to one side, chosen by the seed."""
    chance = random.Random(f"settings {seed}")
    return {
        "price_offset_percent": chance.choice(("0.05", "0.1", "0.2")),
        "limit_order_timeout": chance.choice((15, 30, 60)),
        "max_open_orders": chance.randint(3, 10),
        "side_policy": chance.choice(("balanced", "alternate")),
        "max_position_imbalance": chance.choice(("0.05", "0.1", "0.2")),
    }


def check_volume(walk: Walk) -> None:
    """The law of the target, by OctoBot's own figures; and ours agree with them to the last digit."""
    resting = sum(order.origin_quantity * order.origin_price for order in walk.open)
    progress = walk.bot.progress
    assert walk.filled_quote + resting <= TARGET + walk.largest_minimum
    assert progress.filled_quote == walk.filled_quote
    assert progress.open_buy_quote + progress.open_sell_quote == resting


def check_nothing_is_owed(walk: Walk) -> None:
    for currency in START:
        assert 0 <= walk.holding(currency).available <= walk.holding(currency).total


def check_no_own_orders_cross(walk: Walk) -> None:
    prices: dict[str, list[Decimal]] = {"buy": [], "sell": []}
    for order in walk.open:
        prices[order.side.value].append(order.origin_price)
    assert max(prices["buy"], default=Decimal(0)) < min(prices["sell"], default=Decimal("Infinity"))


def check_portfolio(walk: Walk) -> None:
    """To the last digit: as in OctoBot's backtesting, a buy pays its fee in base and a sell in quote."""
    expected = dict(START)
    for fill in walk.fills:
        quantity, cost = fill.executed_quantity, fill.executed_quantity * fill.executed_price
        if fill.side is trading_enums.TradeOrderSide.BUY:
            expected[BASE] += quantity - quantity * FEE_RATE
            expected[QUOTE] -= cost
        else:
            expected[BASE] -= quantity
            expected[QUOTE] += cost - cost * FEE_RATE
    for currency, amount in expected.items():
        assert walk.holding(currency).total == walk.holding(currency).available == amount
    assert walk.bot.progress.fees_quote == walk.filled_quote * FEE_RATE


@ORDER_TYPES
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_campaign_keeps_its_laws_at_every_step_and_ends_within_one_smallest_order_of_its_target(
    make_bot: MakeBot, order_type: str, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    walk = await start_walk(make_bot, order_type, seed, path=seed, **LARGE | random_settings(seed))
    async for _ in walk.looks():
        check_volume(walk)
        check_nothing_is_owed(walk)
        check_no_own_orders_cross(walk)
    assert TARGET <= walk.filled_quote <= TARGET + walk.largest_minimum
    assert (walk.open, walk.bot.progress.open_orders) == ([], 0)
    assert len(walk.sent) == walk.bot.progress.orders
    check_portfolio(walk)
    assert caplog.messages == [], "OctoBot logged errors"


async def test_on_this_market_limit_orders_fill_as_maker_and_some_time_out(make_bot: MakeBot) -> None:
    walk = await start_walk(make_bot, "limit", seed=1, path=1, limit_order_timeout=30, **LARGE)
    await walk.to_the_end()
    assert walk.bot.progress.maker_share == 1
    assert walk.bot.progress.fills > 30
    assert walk.bot.progress.cancelled > 10


@pytest.mark.parametrize("seed", range(8))
async def test_no_own_orders_cross_when_the_market_price_runs_past_resting_orders(make_bot: MakeBot, seed: int) -> None:
    walk = await start_walk(make_bot, "limit", seed, path=seed, price_offset_percent="0.05", **LARGE)
    walk.unseen_trades = 0.7
    async for _ in walk.looks():
        check_no_own_orders_cross(walk)
        check_volume(walk)
        check_nothing_is_owed(walk)


async def test_a_target_that_is_lowered_to_what_is_filled_leaves_no_order_open(make_bot: MakeBot) -> None:
    walk = await start_walk(make_bot, "limit", seed=1, path=1, **LARGE)
    async for _ in walk.looks():
        if walk.filled_quote > TARGET / 2 and len(walk.open) > 1:
            break
    enough = {"order_type": "limit", "seed": 1, "volume_target": str(walk.filled_quote)}
    await walk.bot.mode.reload_config(walk.bot.manager.bot_id, trading_config=enough)
    await walk.to_the_end()
    assert walk.open == []
    check_portfolio(walk)


@ORDER_TYPES
async def test_the_same_seed_gives_the_same_orders_on_the_same_path_and_another_seed_others(
    make_bot: MakeBot, order_type: str
) -> None:
    walks = [await start_walk(make_bot, order_type, seed, path=1, **LARGE) for seed in (1, 1, 2)]
    first, again, other = [(await walk.to_the_end()).sent for walk in walks]
    assert first == again
    assert len(first) > 40
    assert first != other


@ORDER_TYPES
async def test_with_the_default_amounts_the_portfolio_is_what_some_570_fills_and_their_fees_leave(
    make_bot: MakeBot, order_type: str
) -> None:
    check_portfolio(await (await start_walk(make_bot, order_type, seed=3, path=3)).to_the_end())
