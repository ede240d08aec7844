"""OctoBot's own exchange manager with its real trader, in this process, on a local exchange: only the money is unreal.

Works on both lines of OctoBot, and leaves nothing of it behind, so that many tests can run in one process::

    async with real_exchange_manager(port, api_key, api_secret) as manager:
        await manager.trader.create_order(...)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import typing
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence

import octobot_commons.configuration as configuration
import octobot_commons.databases as databases
import octobot_commons.enums as commons_enums
import octobot_commons.optimization_campaign as optimization_campaign
import octobot_commons.tree as commons_tree
import octobot_trading.api as trading_api
import octobot_trading.exchange_channel as exchange_channel
import octobot_trading.exchanges as exchanges
import octobot_trading.modes as trading_modes
import octobot_trading.personal_data as personal_data

from octobot_volume_booster.offline_exchange.offline_exchange import PAUSE_VARIABLE, PORT_VARIABLE, OfflineExchange

SYMBOL = "BTC/USDT"
EXCHANGE = OfflineExchange.get_name()
READY_TIMEOUT_S = 180.0
_FOREIGN = ("octobot", "octobot_commons", "octobot_trading", "async_channel", "ccxt")
_DEFAULT_POLL_S: dict[str, float] = {
    name: getattr(personal_data.OrdersUpdater, name)
    for name in ("OPEN_ORDER_REFRESH_TIME", "ORDERS_STARTING_REFRESH_TIME", "TIME_BETWEEN_ORDERS_REFRESH")
}


@contextlib.asynccontextmanager
async def real_exchange_manager(
    port: int,
    api_key: str,
    api_secret: str,
    *,
    symbols: Sequence[str] = (SYMBOL,),
    poll_s: float | None = None,
    request_timeout_ms: int | None = None,
    is_future: bool = False,
    name: str = EXCHANGE,
    pause_ms: int | None = 1,
) -> AsyncIterator[typing.Any]:
    """An ExchangeManager with a real trader that is enabled, its portfolio and its open orders read.

    :param port: of the local exchange on this machine.
    :param name: of OctoBot's class of the exchange.
    :param poll_s: seconds between two looks at the open orders; OctoBot's own 7 s, after a first 12 s, unless given.
    :param request_timeout_ms: how long its client waits for an answer once it is ready; its own 20 s unless given.
    :param pause_ms: of its client between two requests of cost 1; None is the exchange's own throttle.
    :raises TimeoutError: when OctoBot has not read the open orders after a minute.
    """
    bot_id = str(uuid.uuid4())
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(_end_tasks)
        stack.callback(commons_tree.EventProvider.instance().remove_event_tree, bot_id)
        stack.enter_context(_environment(PORT_VARIABLE, str(port)))
        stack.enter_context(_environment(PAUSE_VARIABLE, "" if pause_ms is None else str(pause_ms)))
        stack.enter_context(_polling(poll_s))
        await databases.init_bot_storage(bot_id, _run_databases(), False)
        stack.push_async_callback(databases.close_bot_storage, bot_id)
        manager = await _build(bot_id, name, _config(name, api_key, api_secret, symbols), is_future=is_future)
        stack.push_async_callback(manager.stop)
        stack.callback(trading_api.cancel_ccxt_throttle_task)
        await _until_ready(manager, bot_id, symbols)
        if request_timeout_ms is not None:
            manager.exchange.connector.client.timeout = request_timeout_ms
        yield manager


async def poll_open_orders(manager: typing.Any) -> None:
    """What OctoBot does every few seconds by itself: it looks at the open orders, and at the closed ones after them."""
    updater = orders_updater(manager)
    updater.TIME_BETWEEN_ORDERS_REFRESH = 0  # it would sleep between the two
    await updater.fetch_and_push()


async def refresh_portfolio(manager: typing.Any) -> None:
    """What OctoBot does every eleven minutes by itself, and around orders: it reads the balances."""
    producer = exchange_channel.get_chan("Balance", manager.id).get_internal_producer()
    await producer.refresh_real_trader_portfolio(True)


def orders_updater(manager: typing.Any) -> typing.Any:
    """The part of OctoBot that polls the orders of this exchange manager."""
    producers = exchange_channel.get_chan("Orders", manager.id).get_producers()
    return next(producer for producer in producers if isinstance(producer, personal_data.OrdersUpdater))


def octobot_tasks() -> list[asyncio.Task[typing.Any]]:
    """Tasks of OctoBot and its libraries that are still alive in this event loop."""
    return [task for task in asyncio.all_tasks() if _module_of(task).split(".")[0] in _FOREIGN]


def _config(name: str, api_key: str, api_secret: str, symbols: Sequence[str]) -> dict[str, typing.Any]:
    return {
        "crypto-currencies": {symbol: {"pairs": [symbol], "enabled": True} for symbol in symbols},
        "exchanges": {
            name: {
                "enabled": True,
                "exchange-type": "spot",
                "sandboxed": False,
                "api-key": configuration.encrypt(api_key).decode(),
                "api-secret": configuration.encrypt(api_secret).decode(),
            }
        },
        "trading": {"reference-market": "USDT", "risk": 0.5},
        "trader": {"enabled": True, "load-trade-history": False},
        "trader-simulator": {"enabled": False, "starting-portfolio": {}, "fees": {"maker": 0.0, "taker": 0.0}},
        "backtesting": {"files": []},
        "time_frame": [commons_enums.TimeFrames.ONE_MINUTE],
        "tentacles_required_candles_count": 1,
    }


async def _build(bot_id: str, name: str, config: dict[str, typing.Any], *, is_future: bool) -> typing.Any:
    config["exchanges"][name]["exchange-type"] = "future" if is_future else "spot"
    builder = exchanges.create_exchange_builder_instance(config, name)
    builder.disable_trading_mode().set_bot_id(bot_id).use_cached_markets(False)
    (builder.is_future() if is_future else builder.is_spot_only()).is_rest_only().enable_storage(False).is_real()
    return await builder.build()


def _run_databases() -> typing.Any:
    campaign = optimization_campaign.OptimizationCampaign.get_campaign_name(None)
    return databases.RunDatabasesIdentifier(trading_modes.AbstractTradingMode, campaign, enable_storage=False)


async def _until_ready(manager: typing.Any, bot_id: str, symbols: Sequence[str]) -> None:
    """OctoBot's own ways: an event for the open orders, and a refresh of the portfolio, which tasks of its read."""
    topic = commons_enums.InitializationEventExchangeTopics.ORDERS.value
    for symbol in symbols:
        path = commons_tree.get_exchange_path(manager.exchange_name, topic, symbol=symbol)
        if not await commons_tree.EventProvider.instance().wait_for_event(bot_id, path, READY_TIMEOUT_S):
            raise TimeoutError(f"OctoBot has not read the open orders of {symbol} in {READY_TIMEOUT_S} s")
    await refresh_portfolio(manager)


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    previous = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
        if previous is not None:
            os.environ[name] = previous


@contextlib.contextmanager
def _polling(poll_s: float | None) -> Iterator[None]:
    """The pace is an attribute of OctoBot's class: its way to be set, and the reason to set it back."""
    for name in _DEFAULT_POLL_S if poll_s is not None else ():
        setattr(personal_data.OrdersUpdater, name, poll_s)
    try:
        yield
    finally:
        for name, seconds in _DEFAULT_POLL_S.items():
            setattr(personal_data.OrdersUpdater, name, seconds)


async def _end_tasks() -> None:
    """What OctoBot leaves running after its own stop would outlive the test."""
    tasks = octobot_tasks()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _module_of(task: asyncio.Task[typing.Any]) -> str:
    frame = getattr(task.get_coro(), "cr_frame", None)
    return "" if frame is None else str(frame.f_globals.get("__name__", ""))
