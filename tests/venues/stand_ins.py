"""Stand-ins for OctoBot's classes of exchanges, which are not on PyPI: the same flags, and the same effect on an order.

What they do was read in the public sources of OctoBot's tentacles 2.0.15 and 2.1.1. The same suite runs against those
classes themselves when VOLUME_BOOSTER_REAL_TENTACLES names the folder that holds them.
"""

from __future__ import annotations

import typing

import ccxt
import octobot_trading.errors
import octobot_trading.exchanges as exchanges


class BinanceStandIn(exchanges.RestExchange):
    FIX_MARKET_STATUS = True
    REQUIRE_ORDER_FEES_FROM_TRADES = True
    ENABLE_SPOT_BUY_MARKET_WITH_COST = True
    SUPPORTS_CUSTOM_LIMIT_ORDER_BOOK_FETCH = True

    @classmethod
    def get_name(cls) -> str:
        return "binance"

    def get_additional_connector_config(self) -> dict[str, typing.Any]:
        return {"options": {"quoteOrderQty": True, "recvWindow": 60_000, "fetchMarkets": ["spot"]}}


class _BitmartConnector(exchanges.CCXTConnector):
    def _client_factory(self, force_unauth: bool, keys_adapter: typing.Any = None) -> typing.Any:
        return super()._client_factory(force_unauth, keys_adapter=self._password_as_uid)

    @staticmethod
    def _password_as_uid(credentials: typing.Any) -> typing.Any:
        credentials.uid, credentials.password = credentials.password, None
        return credentials


class _BitmartAdapter(exchanges.CCXTAdapter):
    def fix_order(self, raw: typing.Any, **options: typing.Any) -> typing.Any:
        fixed = super().fix_order(raw, **options)
        self.adapt_amount_from_filled_or_cost(fixed)
        if (fixed["type"], fixed["status"]) == ("market", "canceled") and fixed["filled"]:
            fixed["status"] = "closed"
        return fixed


class BitmartStandIn(exchanges.RestExchange):
    FIX_MARKET_STATUS = True
    REQUIRE_ORDER_FEES_FROM_TRADES = True
    ENABLE_SPOT_BUY_MARKET_WITH_COST = True
    SUPPORT_FETCHING_CANCELLED_ORDERS = False
    ADJUST_FOR_TIME_DIFFERENCE = True
    DEFAULT_CONNECTOR_CLASS = _BitmartConnector

    @classmethod
    def get_name(cls) -> str:
        return "bitmart"

    def get_adapter_class(self) -> type[exchanges.CCXTAdapter]:
        return _BitmartAdapter

    def get_additional_connector_config(self) -> dict[str, typing.Any]:
        return {"options": {"createMarketBuyOrderRequiresPrice": False}}


class _HtxAdapter(exchanges.CCXTAdapter):
    def fix_order(self, raw: typing.Any, **options: typing.Any) -> typing.Any:
        fixed = super().fix_order(raw, **options)
        self.adapt_amount_from_filled_or_cost(fixed)
        return fixed


class HtxStandIn(exchanges.RestExchange):
    FIX_MARKET_STATUS = True
    REMOVE_MARKET_STATUS_PRICE_LIMITS = True
    ENABLE_SPOT_BUY_MARKET_WITH_COST = True
    ADJUST_FOR_TIME_DIFFERENCE = True

    @classmethod
    def get_name(cls) -> str:
        return "htx"

    def get_adapter_class(self) -> type[exchanges.CCXTAdapter]:
        return _HtxAdapter

    def get_additional_connector_config(self) -> dict[str, typing.Any]:
        return {"options": {"createMarketBuyOrderRequiresPrice": False}}


class HuobiStandIn(HtxStandIn):
    @classmethod
    def get_name(cls) -> str:
        return "huobi"


class _KucoinAdapter(exchanges.CCXTAdapter):
    def fix_order(self, raw: typing.Any, symbol: typing.Any = None, **options: typing.Any) -> typing.Any:
        fixed = super().fix_order(raw, symbol=symbol, **options)
        self._ensure_fees(fixed)
        assert not fixed["info"].get("stop", None), "an order of ours has no trigger"
        return fixed


class KucoinStandIn(exchanges.RestExchange):
    """Sends an order up to five times when an answer holds 429000."""

    FIX_MARKET_STATUS = True
    REMOVE_MARKET_STATUS_PRICE_LIMITS = True
    CAN_HAVE_DELAYED_OPEN_ORDERS = True
    CAN_HAVE_DELAYED_CANCELLED_ORDERS = True
    CAN_MAKE_AUTHENTICATED_REQUESTS_WHEN_LOADING_MARKETS = True
    ENABLE_SPOT_BUY_MARKET_WITH_COST = True
    ALLOW_TRADES_FROM_CLOSED_ORDERS = True
    ADJUST_FOR_TIME_DIFFERENCE = True

    @classmethod
    def get_name(cls) -> str:
        return "kucoin"

    @classmethod
    def get_rest_name(cls, exchange_manager: typing.Any) -> str:
        return "kucoinfutures" if exchange_manager.is_future else cls.get_name()

    def get_adapter_class(self) -> type[exchanges.CCXTAdapter]:
        return _KucoinAdapter

    async def _create_order_with_retry(self, *order: typing.Any, **named: typing.Any) -> typing.Any:
        for _ in range(5):
            try:
                return await super()._create_order_with_retry(*order, **named)
            except ccxt.ExchangeError:  # noqa: PERF203 - a stand-in for a loop that is so
                if "429000" not in (self.connector.client.last_http_response or ""):
                    raise
        raise octobot_trading.errors.FailedRequest("refused five times")


class _MexcAdapter(exchanges.CCXTAdapter):
    def fix_order(self, raw: typing.Any, **options: typing.Any) -> typing.Any:
        fixed = super().fix_order(raw, **options)
        if fixed.get("status") == "canceled" and fixed.get("fee", 0) is None:
            quote = str(fixed.get("symbol") or "").partition("/")[2]
            fixed["fee"] = {"currency": quote, "cost": 0.0, "is_from_exchange": False, "exchange_original_cost": 0.0}
        return fixed


class MexcStandIn(exchanges.RestExchange):
    """Signs public requests too, which changes no order."""

    FIX_MARKET_STATUS = True
    REMOVE_MARKET_STATUS_PRICE_LIMITS = True
    REQUIRE_ORDER_FEES_FROM_TRADES = True
    ENABLE_SPOT_BUY_MARKET_WITH_COST = True
    EXPECT_POSSIBLE_ORDER_NOT_FOUND_DURING_ORDER_CREATION = True
    INCLUDE_DISABLED_SYMBOLS_IN_AVAILABLE_SYMBOLS = True
    ADJUST_FOR_TIME_DIFFERENCE = True

    @classmethod
    def get_name(cls) -> str:
        return "mexc"

    def get_adapter_class(self) -> type[exchanges.CCXTAdapter]:
        return _MexcAdapter

    def get_additional_connector_config(self) -> dict[str, typing.Any]:
        return {"options": {"createMarketBuyOrderRequiresPrice": False, "recvWindow": 60_000}}


STAND_INS: dict[str, type[exchanges.RestExchange]] = {
    "binance": BinanceStandIn,
    "bitmart": BitmartStandIn,
    "htx": HtxStandIn,
    "huobi": HuobiStandIn,
    "kucoin": KucoinStandIn,
    "mexc": MexcStandIn,
}
