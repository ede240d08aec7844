"""OctoBot's own class of an exchange with the keys of a home, and nothing else of a bot: it asks nothing by itself.

Works in the folder of the home, as OctoBot does.
"""

from __future__ import annotations

import contextlib
import copy
import json
import pathlib
import sys
import types
import typing
from collections.abc import AsyncIterator, Callable

import octobot_commons.configuration as configuration
import octobot_commons.enums as commons_enums
import octobot_tentacles_manager.api as tentacles_manager_api
import octobot_trading.exchanges as exchanges
import octobot_trading.exchanges.connectors.ccxt.ccxt_client_util as ccxt_client_util
import octobot_trading.personal_data as personal_data
import trading_backend

from ..core.model.instrument import quote_of

TENTACLES = "tentacles"
USER_CONFIG = pathlib.PurePath("user", "config.json")


class NoAccountError(Exception):
    """The exchange can't be asked; the message says why, and what would do."""


def import_exchange_classes(home: pathlib.Path) -> None:
    """Make the exchange classes known that are installed in a home, and nothing else that is.

    :raises NoAccountError: when there are none, or they can't be loaded.
    """
    folder = home / TENTACLES
    if not (folder / "Trading" / "Exchange").is_dir():
        raise NoAccountError(f"no exchange class of OctoBot's is installed in {home}: start OctoBot there once")
    name, path = "", folder
    for part in (TENTACLES, "Trading"):  # not their own __init__, which loads every tentacle that there is
        name, path = f"{name}.{part}".removeprefix("."), path / part if part != TENTACLES else folder
        package = sys.modules[name] = types.ModuleType(name)
        package.__path__ = [str(path)]
    tentacles_manager_api.reload_tentacle_info()
    try:
        __import__(f"{TENTACLES}.Trading.Exchange")
    except ImportError as error:
        raise NoAccountError(f"the exchange classes installed in {home} can't be loaded: {error}") from error


def setup_config_of(profile: pathlib.Path) -> typing.Any:
    """Which tentacles a profile has switched on.

    :raises NoAccountError: when that can't be read: OctoBot would write the file anew.
    """
    file = profile / "tentacles_config.json"
    try:
        is_whole = isinstance(json.loads(file.read_text("utf-8")), dict)
    except (OSError, ValueError):
        is_whole = False
    if not is_whole:
        raise NoAccountError(f"{file} can't be read: choose another --profile, or start OctoBot with this one once")
    return tentacles_manager_api.get_tentacles_setup_config(str(file))


def exchange_class(name: str, setup_config: typing.Any) -> type[exchanges.RestExchange]:
    """OctoBot's own class of an exchange.

    :raises NoAccountError: when it has none: its plain one does what no exchange is proven with.
    """
    found = exchanges.get_rest_exchange_class(name, setup_config, None)
    if found is None or found.is_default_exchange() or found.HAS_FETCHED_DETAILS:
        raise NoAccountError(
            f"OctoBot's own class of {name} is not installed here, or switched off in this profile: start OctoBot "
            "once, which installs its default tentacles"
        )
    return typing.cast("type[exchanges.RestExchange]", found)


def config_of(name: str, of_profile: dict[str, typing.Any], symbols: list[str]) -> dict[str, typing.Any]:
    """OctoBot's configuration of one exchange, with the keys of the home in the working folder.

    :raises NoAccountError: when there are no keys, or they can't be read.
    """
    try:
        of_user = json.loads(pathlib.Path(USER_CONFIG).read_text("utf-8"))["exchanges"][name]
        one = {"exchange-type": "spot", **of_profile, **of_user, "enabled": True}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoAccountError(
            f"{USER_CONFIG} has no entry of {name} that can be read: {type(error).__name__}"
        ) from error
    config = {
        "crypto-currencies": {symbol: {"pairs": [symbol], "enabled": True} for symbol in symbols},
        "exchanges": {name: one},
        "trading": {"reference-market": quote_of(symbols[0]), "risk": 0.5},
        "trader": {"enabled": True, "load-trade-history": False},
        "trader-simulator": {"enabled": False, "starting-portfolio": {}, "fees": {"maker": 0.0, "taker": 0.0}},
        "backtesting": {"files": []},
        "time_frame": [commons_enums.TimeFrames.ONE_MINUTE],
    }
    configuration.encrypt_values_if_necessary(config)  # OctoBot would say a key aloud that it finds in plain text
    return config


@contextlib.asynccontextmanager
async def exchange_manager(
    name: str, config: dict[str, typing.Any], class_of_exchange: type[exchanges.RestExchange],
    setup_config: typing.Any, on_client: Callable[[typing.Any], None],
) -> AsyncIterator[typing.Any]:  # fmt: skip
    """An exchange manager of OctoBot's that has asked nothing yet.

    :param on_client: given the ccxt client when it is made, before anything can leave.
    """
    one = config["exchanges"][name]
    manager = exchanges.ExchangeManager(copy.deepcopy(config), name)
    manager.tentacles_setup_config = setup_config
    manager.use_cached_markets, manager.rest_only, manager.enable_storage = False, True, False
    manager.is_future = one["exchange-type"] == "future"
    manager.is_margin = one["exchange-type"] == "margin"
    manager.is_spot_only = not (manager.is_future or manager.is_margin)
    manager.is_sandboxed = bool(one.get("sandboxed", False))
    manager.exchange = class_of_exchange(manager.config, manager, None)
    manager.exchange_name = manager.exchange.name
    connector = manager.exchange.connector
    on_client(connector.client)
    try:
        await equip(manager)
        manager.exchange_backend = trading_backend.exchange_factory.create_exchange_backend(manager.exchange)
        if manager.exchange.is_supporting_sandbox():
            ccxt_client_util.set_sandbox_mode(connector, manager.is_sandboxed)
        yield manager
    finally:
        await connector.client.close()


async def equip(manager: typing.Any) -> None:
    """Give an exchange manager what some classes of exchanges look into when they read an order; it asks nothing."""
    manager.trader = exchanges.Trader(manager.config, manager)
    data = manager.exchange_personal_data
    data.orders_manager = personal_data.OrdersManager(manager.trader)
    data.positions_manager = personal_data.PositionsManager(manager.trader)
    await data.orders_manager.initialize()
    await data.positions_manager.initialize()
