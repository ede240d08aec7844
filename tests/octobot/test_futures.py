"""Futures through OctoBot's own simulated trader: the position within its cap, flat at the end, the target reached."""

from __future__ import annotations

import contextlib
import decimal
import logging
import random
import typing
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import octobot_trading.enums as trading_enums
import pytest

from octobot_volume_booster.core.model.basics import round_to_step
from octobot_volume_booster.journal.journal import DONE

from .conftest import START_PRICE, Bot
from .futures_bot import INVERSE, LINEAR, futures_bot, position, worth

KINDS = pytest.mark.parametrize("symbol", [LINEAR, INVERSE])
ORDER_TYPES = pytest.mark.parametrize("order_type", ["market", "limit"])
TARGET = 20_000
MOST_TICKS = 3_000
WALK_STEP = 0.001
FEE_RATE = Decimal("0.001")
CAP_PERCENT = 20
SETTINGS: dict[str, typing.Any] = {
    "volume_target": TARGET,
    "max_exposure_percent": CAP_PERCENT,
    "max_position_imbalance": 1,
    "max_position_percent": 20,
    "max_consecutive_losses": 200,
    "leverage": 3,
    "price_offset_percent": "0.05",
    "limit_order_timeout": 30,
    **{f"{end}_{side}_amount": amount for side in ("buy", "sell") for end, amount in (("min", 200), ("max", 900))},
}


@pytest.fixture(autouse=True)
def only_errors_are_logged() -> Iterator[None]:
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@dataclass
class Walk:
    """A campaign on a contract whose price walks at random, and what OctoBot says of its position after every fill."""

    bot: Bot
    path: random.Random
    price: Decimal = START_PRICE
    largest_position: Decimal = Decimal(0)
    """In quote, as a share of the equity at that moment."""
    flips: int = 0
    fills: list[typing.Any] = field(default_factory=list, repr=False)
    _seen: int = 0
    _size: Decimal = Decimal(0)

    async def looks(self) -> AsyncIterator[None]:
        for _ in range(MOST_TICKS):
            delay_s = await self.bot.tick()
            self.read_octobot()
            yield
            if self.is_said_to_be_done:
                return
            self.bot.advance(delay_s)
            moved = self.price * Decimal(str(self.path.gauss(1, WALK_STEP)))
            self.price = round_to_step(moved, Decimal("0.1"), decimal.ROUND_HALF_EVEN)
            await self.bot.fill_resting_orders_at(self.price)
            self.read_octobot()
            yield
        raise AssertionError(f"not done after {MOST_TICKS} ticks: {self.bot.mode.get_current_state()}")

    def read_octobot(self) -> None:
        trades = self.bot.trades()[self._seen :]
        self._seen += len(trades)
        self.fills += [trade for trade in trades if trade.status is trading_enums.OrderStatus.FILLED]
        size = position(self.bot).size
        self.flips += self._size * size < 0
        self._size = size
        share = worth(self.bot, abs(size), self.price) / self.equity
        self.largest_position = max(self.largest_position, share)

    @property
    def equity(self) -> Decimal:
        """In quote, by OctoBot's own books."""
        manager = self.bot.manager.exchange_personal_data.portfolio_manager
        if self.bot.symbol == LINEAR:
            return Decimal(manager.portfolio.get_currency_portfolio("USDT").total)
        return Decimal(manager.portfolio.get_currency_portfolio("BTC").total) * self.price

    @property
    def is_said_to_be_done(self) -> bool:
        campaign = self.bot.producer.session.campaign
        assert campaign is not None
        note = campaign.reason_of(self.bot.producer.session.source)
        return note is not None and note[0] == DONE


async def walked(symbol: str, order_type: str, seed: int, **settings: typing.Any) -> Walk:
    """A whole campaign, with the laws checked after every fill."""
    async with contextlib.AsyncExitStack() as stack:
        bot = await futures_bot(stack, symbol, **SETTINGS | {"order_type": order_type, "seed": seed} | settings)
        walk = Walk(bot, random.Random(f"path {seed}"))
        async for _ in walk.looks():
            check_position(walk)
        check_end(walk)
        check_ledger(walk)
    return walk


def check_position(walk: Walk) -> None:
    """The net position is what the ledger says, within the cap, and was never turned over in one fill."""
    campaign = walk.bot.producer.session.campaign
    assert campaign is not None
    assert campaign.ledger.net_quantity((walk.bot.producer.exchange_name, walk.bot.symbol)) == position(walk.bot).size
    assert walk.largest_position <= Decimal(CAP_PERCENT) / 100
    assert walk.flips == 0


def check_end(walk: Walk) -> None:
    """The target is reached and the position flat, without more volume than that takes."""
    progress = walk.bot.progress
    assert position(walk.bot).size == 0
    assert progress.filled_quote >= TARGET
    assert progress.filled_quote - TARGET < 50, "a twentieth of an order: what the price moved while it was closed"
    assert not progress.open_orders


def check_ledger(walk: Walk) -> None:
    """Volume, fees and fills are those of OctoBot's own trades."""
    progress, bot = walk.bot.progress, walk.bot
    volumes = {
        side: sum(worth(bot, fill.executed_quantity, fill.executed_price) for fill in walk.fills if fill.side is side)
        for side in trading_enums.TradeOrderSide
    }
    assert progress.bought_quote == volumes[trading_enums.TradeOrderSide.BUY]
    assert progress.sold_quote == volumes[trading_enums.TradeOrderSide.SELL]
    assert progress.fills == len(walk.fills)
    fees = [fill.fee["cost"] * (fill.executed_price if bot.symbol == INVERSE else 1) for fill in walk.fills]
    assert abs(progress.fees_quote - sum(fees)) < Decimal("1e-20"), "OctoBot rounds a fee in base to 28 digits"
    assert abs(progress.fees_quote - progress.filled_quote * FEE_RATE) < Decimal("1e-15")
    campaign = bot.producer.session.campaign
    assert campaign is not None
    totals = (Decimal(1), Decimal(0)) if bot.symbol == INVERSE else (Decimal(0), Decimal(10_000))
    equity = campaign.equity(bot.producer.exchange_name, bot.symbol, bot.producer.session.now(), walk.price, *totals)
    assert abs(equity.now_quote - walk.equity) < (1 if bot.symbol == INVERSE else Decimal("1e-15")), "fees were in base"
    assert {fill.fee["currency"] for fill in walk.fills} == {"BTC" if bot.symbol == INVERSE else "USDT"}


@KINDS
@ORDER_TYPES
async def test_a_campaign_keeps_its_position_within_the_cap_and_ends_flat(symbol: str, order_type: str) -> None:
    await walked(symbol, order_type, seed=1)


@pytest.mark.long
@KINDS
@ORDER_TYPES
@pytest.mark.parametrize("seed", range(2, 51))
async def test_it_does_with_any_seed(symbol: str, order_type: str, seed: int) -> None:
    await walked(symbol, order_type, seed)
