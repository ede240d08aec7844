"""A whole backtest of a campaign, beside OctoBot's backtest of a mode that only places the same orders.

`python tests/bench/backtest_bench.py [RUNS]` (default: 7). In one process, turn by turn, with the same candles: the
volume booster with its journal on the disk, and a mode that knows the orders beforehand and sends each of them through
OctoBot's mode channel as every trading mode does. From the beginning of OctoBot's backtesting to its end; both start a
new one each time.
"""

from __future__ import annotations

import asyncio
import json
import logging
import pathlib
import sqlite3
import sys
import tempfile
import time
import typing
from decimal import Decimal

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import octobot_trading.constants as trading_constants
import octobot_trading.enums as trading_enums
import octobot_trading.modes as trading_modes
import octobot_trading.personal_data as personal_data

from octobot_volume_booster import backtest_engine
from octobot_volume_booster.cli.files import candle_files
from octobot_volume_booster.volume_booster_trading import VolumeBoosterTradingMode
from tests.bench.figures import Figures, Row

EXCHANGE, SYMBOL, MINUTE_S = "binance", "BTC/USDT", 60
PROFILE = pathlib.Path(__file__).parents[2] / "profiles" / "volume_booster" / "profile.json"
Kind = trading_enums.TraderOrderType
KINDS = {
    ("market", "buy"): Kind.BUY_MARKET, ("market", "sell"): Kind.SELL_MARKET,
    ("limit", "buy"): Kind.BUY_LIMIT, ("limit", "sell"): Kind.SELL_LIMIT,
}  # fmt: skip
Order = tuple[float, str, str, Decimal, Decimal]
"""When, kind, side, quantity, price."""


class PlainConsumer(trading_modes.AbstractTradingModeConsumer):  # type: ignore[misc]
    """Makes the orders that it is told to make."""

    def skip_portfolio_available_check_before_creating_orders(self) -> bool:
        return True

    async def create_new_orders(
        self, symbol: str, final_note: typing.Any, state: typing.Any, **kwargs: typing.Any
    ) -> list[typing.Any]:
        _, kind, side, quantity, price = kwargs[self.CREATE_ORDER_DATA_PARAM]["order"]
        order = personal_data.create_order_instance(
            self.exchange_manager.trader, KINDS[kind, side], symbol, price, quantity, price=price
        )
        created = await self.trading_mode.create_order(order)
        return [created] if created else []


class PlainProducer(trading_modes.AbstractTradingModeProducer):  # type: ignore[misc]
    """Sends the orders of each candle."""

    def get_channels_registration(self) -> list[str]:
        return [trading_constants.OHLCV_CHANNEL]

    async def ohlcv_callback(
        self, exchange: str, exchange_id: str, cryptocurrency: str, symbol: str, time_frame: str, candle: typing.Any
    ) -> None:
        until = self.exchange_manager.exchange.get_exchange_current_time() + MINUTE_S
        orders = PlainMode.orders
        while orders and orders[-1][0] < until:
            await self.submit_trading_evaluation(
                cryptocurrency=self.trading_mode.cryptocurrency, symbol=symbol, time_frame=None,
                state=trading_enums.EvaluatorStates.NEUTRAL, data={"order": orders.pop()},
            )  # fmt: skip
            await self.synchronized_perform_consumers_queue(self.priority_level, True, None)


class PlainMode(trading_modes.AbstractTradingMode):  # type: ignore[misc]
    """Places orders that are known beforehand, and does nothing else."""

    MODE_PRODUCER_CLASSES: typing.ClassVar = [PlainProducer]
    MODE_CONSUMER_CLASSES: typing.ClassVar = [PlainConsumer]
    orders: typing.ClassVar[list[Order]] = []
    """The latest first."""

    @classmethod
    def get_is_symbol_wildcard(cls) -> bool:
        return False


def request(folder: pathlib.Path, settings: dict[str, typing.Any], minutes: int) -> backtest_engine.Request:
    data = folder / f"candles_{minutes}.data"
    candle_files.write_data_file(data, {SYMBOL: candle_files.draw(7, SYMBOL, minutes)}, EXCHANGE)
    config = json.loads(PROFILE.read_text("utf-8"))["config"] | {"backtesting": {"files": []}}
    return backtest_engine.Request(config, [str(data)], settings, str(folder / "campaign.sqlite"))


def run(asked: backtest_engine.Request, mode: type[typing.Any]) -> float:
    """The seconds of one backtest."""
    start = time.perf_counter()
    with backtest_engine.configured(asked):
        assert asyncio.run(backtest_engine.run(asked, mode))
    return time.perf_counter() - start


def orders_of(journal: str) -> list[Order]:
    """The orders of the campaign that was run last, the latest first."""
    connection = sqlite3.connect(journal)
    rows = connection.execute("SELECT at, order_type, side, quantity, price FROM orders ORDER BY seq DESC").fetchall()
    connection.close()
    return [(at, kind, side, Decimal(quantity), Decimal(price)) for at, kind, side, quantity, price in rows]


def measure(asked: backtest_engine.Request, runs: int) -> tuple[list[float], list[float], int]:
    """Seconds of OctoBot's backtests and of ours, turn by turn, and how many orders each made."""
    run(asked, VolumeBoosterTradingMode)  # the first one loads what both need
    orders, plain, ours = orders_of(asked.journal), list[float](), list[float]()
    for _ in range(runs):
        PlainMode.orders = list(orders)
        plain.append(run(asked, PlainMode))
        assert not PlainMode.orders, "the plain mode did not place every order"
        ours.append(run(asked, VolumeBoosterTradingMode))
    return plain, ours, len(orders)


CASES: tuple[tuple[str, dict[str, typing.Any], int], ...] = (
    ("market orders", {"seed": 7, "volume_target": 50_000}, 60),
    ("limit orders", {"seed": 7, "volume_target": 50_000, "order_type": "limit", "price_offset_percent": 0.02}, 180),
)


def figures(runs: int, target: int | None = None) -> Figures:
    rows = []
    for name, settings, minutes in CASES:
        with tempfile.TemporaryDirectory() as folder:
            asked = request(pathlib.Path(folder), settings | ({"volume_target": target} if target else {}), minutes)
            plain, ours, orders = measure(asked, runs)
        volume = asked.settings["volume_target"]
        rows.append(Row.of(f"{volume:,} of volume, {orders} {name}, {minutes} min of candles", plain, ours))
    return Figures("A whole backtest, beside a mode that only places the same orders", rows)


def main(runs: int) -> None:
    logging.disable(logging.CRITICAL)
    figures(runs).show()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
