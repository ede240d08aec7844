"""OctoBot's own exchange manager, simulated trader and channels; only the market and the clock are ours."""

from __future__ import annotations

import contextlib
import typing
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal

import octobot_backtesting.backtesting as backtesting
import octobot_commons.asyncio_tools as asyncio_tools
import octobot_commons.databases as databases
import octobot_commons.enums as commons_enums
import octobot_commons.optimization_campaign as optimization_campaign
import octobot_trading.api as trading_api
import octobot_trading.exchange_channel as exchange_channel
import octobot_trading.exchanges as exchanges
import octobot_trading.modes as trading_modes
import pytest

from octobot_volume_booster.core.settings.schema import Settings
from octobot_volume_booster.trading.consumer import VolumeBoosterTradingModeConsumer
from octobot_volume_booster.trading.producer import VolumeBoosterTradingModeProducer
from octobot_volume_booster.volume_booster_trading import VolumeBoosterTradingMode

SYMBOL = "BTC/USDT"
EXCHANGE = "binance"
START_PRICE = Decimal(60_000)
START_TIME = 1_700_000_000.0
DRAINED = ("Mode", "Orders", "Trades", "Balance")

CONFIG: dict[str, typing.Any] = {
    "crypto-currencies": {"Bitcoin": {"pairs": [SYMBOL], "enabled": True}},
    "exchanges": {EXCHANGE: {"enabled": True, "exchange-type": "spot"}},
    "trading": {"reference-market": "USDT", "risk": 0.5},
    "trader": {"enabled": False, "load-trade-history": False},
    "trader-simulator": {
        "enabled": True,
        "starting-portfolio": {"BTC": 1, "USDT": 10_000},
        "fees": {"maker": 0.1, "taker": 0.1},
    },
    "backtesting": {"files": []},
    "time_frame": [commons_enums.TimeFrames.ONE_MINUTE],
}


class Bot:
    """A mode in a simulated exchange manager: what a test may do to the world around it."""

    def __init__(self, manager: typing.Any, mode: VolumeBoosterTradingMode, symbol: str = SYMBOL) -> None:
        self.manager = manager
        self.mode = mode
        self.symbol = symbol

    @property
    def producer(self) -> VolumeBoosterTradingModeProducer:
        return typing.cast(VolumeBoosterTradingModeProducer, self.mode.producers[0])

    @property
    def consumer(self) -> VolumeBoosterTradingModeConsumer:
        return typing.cast(VolumeBoosterTradingModeConsumer, self.mode.get_trading_mode_consumers()[0])

    @property
    def settings(self) -> Settings:
        assert self.mode.settings is not None
        return self.mode.settings

    @property
    def progress(self) -> typing.Any:
        assert self.producer.session.campaign is not None
        return self.producer.session.campaign.progress(self.settings.volume_target)

    def set_price(self, price: Decimal) -> None:
        trading_api.force_set_mark_price(self.manager, self.symbol, price)

    async def fill_resting_orders_at(self, price: Decimal) -> None:
        """A public trade at this price: OctoBot's simulator fills the orders that it touches."""
        self.set_price(price)
        events = self.manager.exchange_symbols_data.get_exchange_symbol_data(self.symbol).price_events_manager
        events.handle_price(price, self.manager.exchange.get_exchange_current_time())
        for _ in range(3):  # an order that is hit fills in a task of its own
            await asyncio_tools.wait_asyncio_next_cycle()
        await self.drain()

    def advance(self, seconds: float) -> None:
        time_manager = self.manager.backtesting.time_manager
        time_manager.set_current_timestamp(time_manager.current_timestamp + seconds)

    async def tick(self) -> float:
        delay_s = await self.producer.tick()
        await self.drain()
        return delay_s

    async def run(self, most_ticks: int) -> int:
        """Tick on the market's clock until the target is reached; how many ticks it took."""
        for number in range(1, most_ticks + 1):
            self.advance(await self.tick())
            self.set_price(self.manager_price())
            if self.progress.is_done:
                return number
        raise AssertionError(f"not done after {most_ticks} ticks: {self.mode.get_current_state()}")

    def manager_price(self) -> Decimal:
        prices = self.manager.exchange_symbols_data.get_exchange_symbol_data(self.symbol).prices_manager
        return Decimal(prices.mark_price)

    async def drain(self) -> None:
        """OctoBot's channels are synchronized here: what they carry is delivered now."""
        if not exchange_channel.get_chan("Mode", self.manager.id).is_synchronized:
            return  # in a bot that lives they deliver by themselves
        for name in DRAINED:
            producer = exchange_channel.get_chan(name, self.manager.id).get_internal_producer()
            await producer.synchronized_perform_consumers_queue(3, True, 1)

    def trades(self) -> list[typing.Any]:
        """What OctoBot itself recorded."""
        return list(self.manager.exchange_personal_data.trades_manager.trades.values())


MakeBot = typing.Callable[..., typing.Awaitable[Bot]]


@pytest.fixture
async def make_bot() -> AsyncIterator[MakeBot]:
    """Makes bots with the given settings of the mode, and ends them after the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(*, start: bool = True, **settings: typing.Any) -> Bot:
            manager = await simulated_exchange(stack)
            mode = await new_mode(manager, {"seed": 7} | settings)
            manager.trading_modes.append(mode)
            bot = Bot(manager, mode)
            if start:
                await bot.producer.start()
            return bot

        yield make


async def new_mode(
    manager: typing.Any, settings: dict[str, typing.Any] | None, symbol: str = SYMBOL
) -> VolumeBoosterTradingMode:
    """A mode as OctoBot makes it; without settings it reads those of the profile."""
    mode = await trading_modes.create_trading_mode(
        VolumeBoosterTradingMode,
        manager.config,
        manager,
        cryptocurrency="Bitcoin",
        symbol=symbol,
        bot_id=manager.bot_id,
        trading_config=None if settings is None else {"required_strategies": []} | settings,
    )
    return typing.cast(VolumeBoosterTradingMode, mode)


async def simulated_exchange(
    stack: contextlib.AsyncExitStack, config: dict[str, typing.Any] = CONFIG, symbol: str = SYMBOL, *,
    is_future: bool = False,
) -> typing.Any:  # fmt: skip
    config = {**config}
    manager = exchanges.ExchangeManager(config, EXCHANGE)
    manager.bot_id = str(uuid.uuid4())
    manager.is_simulated = manager.is_backtesting = True
    manager.is_future, manager.is_spot_only = is_future, not is_future
    manager.use_cached_markets = False
    manager.enable_storage = False
    manager.backtesting = backtesting.Backtesting(config, [manager.id], None, [], bot_id=manager.bot_id)
    await manager.backtesting.initialize()
    manager.backtesting.time_manager.set_current_timestamp(START_TIME)
    manager.backtesting.time_manager.time_interval = 0  # a test may tell a price at any moment
    stack.push_async_callback(manager.backtesting.stop)
    await databases.init_bot_storage(
        manager.bot_id,
        databases.RunDatabasesIdentifier(
            VolumeBoosterTradingMode,
            optimization_campaign.OptimizationCampaign.get_campaign_name(None),
            enable_storage=False,
        ),
        False,
    )
    stack.push_async_callback(databases.close_bot_storage, manager.bot_id)
    await manager.initialize(exchange_config_by_exchange=None)
    stack.push_async_callback(manager.stop)
    exchanges.Exchanges.instance().add_exchange(manager, "matrix")
    trader = exchanges.TraderSimulator(config, manager)
    await trader.initialize()
    trading_api.force_set_mark_price(manager, symbol, START_PRICE)
    return manager
