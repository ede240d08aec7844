"""The offline exchange as OctoBot sees it: the ccxt client for Binance with every address turned to this machine.

Apart from its addresses and its throttle it behaves as OctoBot's own class for Binance, so that a rehearsal
follows the same path as a real exchange.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import ccxt.async_support as ccxt
import octobot_tentacles_manager.api as tentacles_manager_api
import octobot_trading.enums as trading_enums
import octobot_trading.errors as trading_errors
import octobot_trading.exchanges as exchanges
import octobot_trading.personal_data as personal_data

from .binance_adapter import BinanceAdapter

LOOPBACK = "127.0.0.1"
PORT_KEY = "port"
PORT_VARIABLE = "VOLUME_BOOSTER_EXCHANGE_PORT"
SECOND_PORT_VARIABLE = "VOLUME_BOOSTER_SECOND_EXCHANGE_PORT"
PAUSE_KEY = "request_pause_ms"
PAUSE_VARIABLE = "VOLUME_BOOSTER_EXCHANGE_REQUEST_PAUSE_MS"
CCXT_EXCHANGE = "binance"
LINEAR = "linear"
"""The only kind of contract here; OctoBot's own class also knows the inverse ones."""

_StopTypes = trading_enums.TraderOrderType
_SELF_MANAGED = [
    _StopTypes.STOP_LOSS_LIMIT,
    _StopTypes.TAKE_PROFIT,
    _StopTypes.TAKE_PROFIT_LIMIT,
    _StopTypes.TRAILING_STOP,
    _StopTypes.TRAILING_STOP_LIMIT,
]


def exchange_port(
    tentacle_config: Mapping[str, Any], environment: Mapping[str, str], variable: str = PORT_VARIABLE
) -> int:
    """TCP port of a local exchange: the environment variable when it is set, else the tentacle's configuration.

    Raises ValueError, naming where the value comes from, unless it is a whole number from 1 to 65535.
    """
    value, origin = _setting(tentacle_config, PORT_KEY, environment, variable)
    return _whole(value, origin, 65_535)


def request_pause_ms(tentacle_config: Mapping[str, Any], environment: Mapping[str, str]) -> int | None:
    """ccxt's pause between two requests of cost 1, in milliseconds; None for the exchange's own, which is the rule.

    A shorter one lets the mode trade faster than Binance would take it. Raises ValueError, naming where the value comes
    from, unless it is a whole number from 1 to 60000.
    """
    value, origin = _setting(tentacle_config, PAUSE_KEY, environment, PAUSE_VARIABLE)
    return None if value is None else _whole(value, origin, 60_000)


def _setting(
    tentacle_config: Mapping[str, Any], key: str, environment: Mapping[str, str], variable: str
) -> tuple[object, str]:
    """The value, and where it comes from."""
    if value := environment.get(variable):
        return value, f"environment variable {variable}"
    return tentacle_config.get(key), f"'{key}' of the offline exchange's configuration"


def _whole(value: object, origin: str, highest: int) -> int:
    text = "" if isinstance(value, bool) else str(value)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= highest):
        raise ValueError(f"{origin} must be a whole number from 1 to {highest}, not {value!r}")
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
    """An exchange on this machine for rehearsals: spot, or USD-M futures. It can reach no other address.

    The names in capitals and the methods that override RestExchange's are those of OctoBot's class for Binance, with
    the same values and effects.
    """

    DESCRIPTION = ""
    PORT_VARIABLE = PORT_VARIABLE

    FIX_MARKET_STATUS = True
    REQUIRE_ORDER_FEES_FROM_TRADES = True
    SUPPORTS_SET_MARGIN_TYPE_ON_OPEN_POSITIONS = False
    SUPPORTS_CUSTOM_LIMIT_ORDER_BOOK_FETCH = True
    ENABLE_SPOT_BUY_MARKET_WITH_COST = True
    ADJUST_FOR_TIME_DIFFERENCE = True  # only newer OctoBots read it
    LOCAL_FEES_CURRENCIES: ClassVar[list[str]] = ["BNB"]
    STOP_LOSS_EDIT_PRICE_PARAM = "stopPrice"
    SUPPORTED_ELEMENTS: ClassVar[dict[str, Any]] = {
        kind.value: {
            trading_enums.ExchangeSupportedElements.UNSUPPORTED_ORDERS.value: _SELF_MANAGED,
            trading_enums.ExchangeSupportedElements.SUPPORTED_BUNDLED_ORDERS.value: {},
        }
        for kind in (trading_enums.ExchangeTypes.FUTURE, trading_enums.ExchangeTypes.SPOT)
    }
    EXCHANGE_PERMISSION_ERRORS: ClassVar[list[tuple[str, ...]]] = [("key", "permissions for action")]
    EXCHANGE_ACCOUNT_TRADED_SYMBOL_PERMISSION_ERRORS: ClassVar[list[tuple[str, ...]]] = [
        ("symbol", "not permitted", "for this account"),
        ("symbol", "not whitelisted"),
    ]
    EXCHANGE_ORDER_IMMEDIATELY_TRIGGER_ERRORS: ClassVar[list[tuple[str, ...]]] = [("order would immediately trigger",)]
    EXCHANGE_ORDER_UNCANCELLABLE_ERRORS: ClassVar[list[tuple[str, ...]]] = [("Unknown order sent",)]

    @classmethod
    def get_name(cls) -> str:
        return "offline_exchange"

    @classmethod
    def get_rest_name(cls, exchange_manager: Any) -> str:
        return CCXT_EXCHANGE

    @classmethod
    def get_supported_exchange_types(cls) -> list[Any]:
        return [trading_enums.ExchangeTypes.SPOT, trading_enums.ExchangeTypes.FUTURE]

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

        Raises ValueError when the port or the pause between requests is unusable.
        """
        port = exchange_port(self.tentacle_config, os.environ, self.PORT_VARIABLE)
        pause_ms = request_pause_ms(self.tentacle_config, os.environ)
        urls = getattr(ccxt, CCXT_EXCHANGE)().describe()["urls"]
        return {
            "urls": {group: loopback_urls(urls[group], port) for group in ("api", "test", "demo") if group in urls},
            **({} if pause_ms is None else {"rateLimit": pause_ms}),
            "options": {
                "quoteOrderQty": True,
                "recvWindow": 60_000,
                # OctoBot learns of a contract from its position, even an empty one
                "fetchPositions": "account",
                "filterClosed": False,
                # not available here: other kinds of markets, and requests that need an account at Binance
                "fetchMarkets": {"types": [LINEAR if self.exchange_manager.is_future else "spot"]},
                "fetchCurrencies": False,
                "fetchMargins": False,
            },
        }

    def get_adapter_class(self) -> type[BinanceAdapter]:
        return BinanceAdapter

    def supports_native_edit_order(self, order_type: Any) -> bool:
        """Not on spot, as in newer OctoBots: an order is cancelled and placed again. Older ones would replace it."""
        is_stop = order_type in (_StopTypes.STOP_LOSS, _StopTypes.STOP_LOSS_LIMIT)
        return bool(self.exchange_manager.is_future) and not is_stop

    def uses_demo_trading_instead_of_sandbox(self) -> bool:
        return bool(self.exchange_manager.is_future)

    async def get_account_id(self, **kwargs: Any) -> str:
        client = self.connector.client
        if self.exchange_manager.is_future:
            return str((await client.fapiPrivateV3GetBalance())[0]["accountAlias"])
        return str((await client.fetch_balance())["info"]["uid"])

    def get_max_orders_count(self, symbol: str, order_type: Any) -> int:
        """From the market's filters; OctoBot's default where they have none."""
        is_stop = personal_data.is_stop_order(order_type)
        kind, name = ("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders") if is_stop else ("MAX_NUM_ORDERS", "maxNumOrders")
        for rule in self.get_market_status(symbol, with_fixer=False)["info"]["filters"]:
            if rule.get("filterType") == kind:
                return int(rule[name] if name in rule else rule["limit"])
        return int(super().get_max_orders_count(symbol, order_type))

    def is_authenticated_request(self, url: str, method: str, headers: dict[str, str], body: Any) -> bool:
        return any(part and "signature=" in part for part in (url, body))

    def get_order_additional_params(self, order: Any) -> dict[str, Any]:
        return {"reduceOnly": order.reduce_only} if self.exchange_manager.is_future else {}

    async def _create_market_sell_order(
        self, symbol: str, quantity: float, price: float | None = None, reduce_only: bool = False, params: Any = None
    ) -> Any:
        """Without its price: with one the client would sell for an amount of quote."""
        return await super()._create_market_sell_order(
            symbol, quantity, price=None, reduce_only=reduce_only, params=params
        )

    async def get_balance(self, **kwargs: Any) -> Any:
        kind = {"subType": LINEAR} if self.exchange_manager.is_future else {}
        return await super().get_balance(**kwargs, **kind)

    async def get_positions(self, symbols: list[str] | None = None, **kwargs: Any) -> list[Any]:
        """Including empty ones, which only the second version of the route returns."""
        options = {"useV2": True, "subType": LINEAR, **kwargs}
        positions = await super().get_positions(symbols=symbols, **options)
        return [position for position in positions if position is not None]

    async def get_position(self, symbol: str, **kwargs: Any) -> Any:
        return (await self.get_positions(symbols=[symbol], **kwargs))[0]

    async def get_symbol_leverage(self, symbol: str, **kwargs: Any) -> Any:
        return self.connector.adapter.adapt_leverage(await self.get_position(symbol))

    async def get_all_currencies_price_ticker(self, **kwargs: Any) -> Any:
        if self.exchange_manager.is_future:
            kwargs = {"subType": LINEAR, **kwargs}
        return await super().get_all_currencies_price_ticker(**kwargs)

    async def set_symbol_margin_type(self, symbol: str, isolated: bool, **kwargs: Any) -> Any:
        try:
            return await super().set_symbol_margin_type(symbol, isolated, **kwargs)
        except ccxt.ExchangeError as error:
            raise trading_errors.NotSupported(error) from error

    async def set_symbol_partial_take_profit_stop_loss(self, symbol: str, inverse: bool, tp_sl_mode: Any) -> None:
        """There is no such mode to be set."""

    def order_request_kwargs_factory(self, exchange_order_id: str, order_type: Any = None, **kwargs: Any) -> Any:
        """Called by newer OctoBots: stop orders have a request of their own."""
        if "stop" in kwargs:
            return kwargs
        if order_type is None:
            orders = self.exchange_manager.exchange_personal_data.orders_manager
            try:
                order_type = orders.get_order(None, exchange_order_id=exchange_order_id).order_type
            except KeyError:
                self.logger.warning(
                    f"OctoBot does not know the order {exchange_order_id}: assuming it is not a stop order"
                )
                return kwargs
        is_stop = personal_data.is_stop_order(order_type) or personal_data.is_take_profit_order(order_type)
        return {**kwargs, "stop": is_stop}

    def fetch_stop_order_in_different_request(self, symbol: str) -> bool:
        """Called by newer OctoBots."""
        return bool(self.exchange_manager.is_future)


class SecondOfflineExchange(OfflineExchange):
    """A second offline exchange on its own port, to rehearse a campaign on two exchanges."""

    PORT_VARIABLE = SECOND_PORT_VARIABLE

    @classmethod
    def get_name(cls) -> str:
        return "second_offline_exchange"
