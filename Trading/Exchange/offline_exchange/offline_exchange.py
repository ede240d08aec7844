"""The offline exchange as OctoBot sees it: the ccxt client for Binance with every address turned to this machine."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import ccxt.async_support as ccxt
import octobot_tentacles_manager.api as tentacles_manager_api
import octobot_trading.enums as trading_enums
import octobot_trading.exchanges as exchanges

LOOPBACK = "127.0.0.1"
PORT_KEY = "port"
PORT_VARIABLE = "VOLUME_BOOSTER_EXCHANGE_PORT"
SECOND_PORT_VARIABLE = "VOLUME_BOOSTER_SECOND_EXCHANGE_PORT"
CCXT_EXCHANGE = "binance"


def exchange_port(
    tentacle_config: Mapping[str, Any], environment: Mapping[str, str], variable: str = PORT_VARIABLE
) -> int:
    """TCP port of a local exchange: the environment variable when it is set, else the tentacle's configuration.

    Raises ValueError, naming where the value comes from, unless it is a whole number from 1 to 65535.
    """
    value: object = environment.get(variable)
    origin = f"environment variable {variable}"
    if not value:
        value, origin = tentacle_config.get(PORT_KEY), f"'{PORT_KEY}' of the offline exchange's configuration"
    text = "" if isinstance(value, bool) else str(value)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65_535):
        raise ValueError(f"{origin} must be a whole number from 1 to 65535, not {value!r}")
    return int(text)


def loopback_urls(urls: Mapping[str, Any], port: int) -> dict[str, Any]:
    """The same tree of URLs with each scheme and host replaced by the local exchange's."""
    return {
        name: loopback_urls(url, port)
        if isinstance(url, Mapping)
        else urlsplit(url)._replace(scheme="http", netloc=f"{LOOPBACK}:{port}").geturl()
        for name, url in urls.items()
    }


class OfflineExchange(exchanges.RestExchange):
    """An exchange on this machine for rehearsals: spot, or USD-M futures. It can reach no other address."""

    DESCRIPTION = ""
    FIX_MARKET_STATUS = True
    PORT_VARIABLE = PORT_VARIABLE

    @classmethod
    def get_name(cls) -> str:
        return "offline_exchange"

    @classmethod
    def get_rest_name(cls, exchange_manager: Any) -> str:
        return CCXT_EXCHANGE

    @classmethod
    def get_supported_exchange_types(cls) -> list[Any]:
        return [trading_enums.ExchangeTypes.SPOT, trading_enums.ExchangeTypes.FUTURE]

    async def get_position(self, symbol: str, **kwargs: Any) -> Any:
        return (await self.get_positions(symbols=[symbol], **kwargs))[0]

    def get_order_additional_params(self, order: Any) -> dict[str, Any]:
        return {"reduceOnly": order.reduce_only} if self.exchange_manager.is_future else {}

    @classmethod
    def load_user_inputs_from_class(
        cls, tentacles_setup_config: Any, tentacle_config: dict[str, Any]
    ) -> dict[str, Any]:
        """Fills ``tentacle_config``, before the connector exists; there are no user inputs.

        OctoBot would look for files named after the exchange; a tentacle's files carry its class name.
        """
        tentacle_config.update(tentacles_manager_api.get_tentacle_config(tentacles_setup_config, cls.__name__))
        return {}

    def get_additional_connector_config(self) -> dict[str, Any]:
        """A new dict at each call, because the connector takes entries out of it.

        Raises ValueError when the port is unusable.
        """
        port = exchange_port(self.tentacle_config, os.environ, self.PORT_VARIABLE)
        urls = getattr(ccxt, CCXT_EXCHANGE)().describe()["urls"]
        return {
            "urls": {group: loopback_urls(urls[group], port) for group in ("api", "test", "demo") if group in urls},
            "rateLimit": 1,
            "options": {
                "fetchMarkets": {"types": ["linear" if self.exchange_manager.is_future else "spot"]},
                # OctoBot learns of a contract from its position, also from an empty one
                "fetchPositions": "account",
                "fetchAccountPositions": {"useV2": True},
                "filterClosed": False,
                "fetchCurrencies": False,
                "fetchMargins": False,
            },
        }


class SecondOfflineExchange(OfflineExchange):
    """Another one of these, on a port of its own: for rehearsals of a campaign on two exchanges."""

    PORT_VARIABLE = SECOND_PORT_VARIABLE

    @classmethod
    def get_name(cls) -> str:
        return "second_offline_exchange"
