"""Stand-ins for OctoBot's classes of exchanges, which are not on PyPI: the same flags, and the same effect on an order.

What they do was read in the public sources of OctoBot's tentacles 2.0.15 and 2.1.1. The same suite runs against those
classes themselves when VOLUME_BOOSTER_REAL_TENTACLES names the folder that holds them.
"""

from __future__ import annotations

import typing

import ccxt
import octobot_trading.enums as trading_enums
import octobot_trading.errors
import octobot_trading.errors as errors
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


class OkxStandIn(exchanges.RestExchange):
    CAN_MAKE_AUTHENTICATED_REQUESTS_WHEN_LOADING_MARKETS = True
    FIX_MARKET_STATUS = True
    ADAPT_MARKET_STATUS_FOR_CONTRACT_SIZE = True
    ADJUST_FOR_TIME_DIFFERENCE = True
    """Of 2.1.1; 2.0.15 does not know it."""

    @classmethod
    def get_name(cls) -> str:
        return "okx"

    def get_adapter_class(self) -> type[exchanges.CCXTAdapter]:
        return _OkxAdapterStandIn


class MyOkxStandIn(OkxStandIn):
    @classmethod
    def get_name(cls) -> str:
        return "myokx"


class OkxUsStandIn(OkxStandIn):
    @classmethod
    def get_name(cls) -> str:
        return "okxus"


class GateioStandIn(exchanges.RestExchange):
    FIX_MARKET_STATUS = True
    REMOVE_MARKET_STATUS_PRICE_LIMITS = True
    ADJUST_FOR_TIME_DIFFERENCE = True
    """Of 2.1.1; 2.0.15 does not know it."""

    @classmethod
    def get_name(cls) -> str:
        return "gateio"


class BitgetStandIn(exchanges.RestExchange):
    FIX_MARKET_STATUS = True
    REMOVE_MARKET_STATUS_PRICE_LIMITS = True
    ENABLE_SPOT_BUY_MARKET_WITH_COST = True

    @classmethod
    def get_name(cls) -> str:
        return "bitget"

    def get_adapter_class(self) -> type[exchanges.CCXTAdapter]:
        return _BitgetAdapterStandIn

    def get_additional_connector_config(self) -> dict[str, typing.Any]:
        return {"options": {"createMarketBuyOrderRequiresPrice": False}}


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


class _BitgetAdapterStandIn(exchanges.CCXTAdapter):
    """The quantity of an order follows from what has filled, or from its cost; a fee must be told."""

    def fix_order(self, raw: dict[str, typing.Any], **options: typing.Any) -> typing.Any:
        fixed = super().fix_order(raw, **options)
        self.adapt_amount_from_filled_or_cost(fixed)
        return fixed

    def fix_trades(self, raw: list[dict[str, typing.Any]], **options: typing.Any) -> typing.Any:
        fixed = super().fix_trades(raw, **options)
        for trade in fixed:
            if "currency" not in trade["fee"]:
                trade["fee"]["currency"] = trade["fee"].get("code")
        return fixed


class _OkxAdapterStandIn(exchanges.CCXTAdapter):
    """An order of a type that is neither market nor limit is one of unknown type, or a stop."""

    def fix_order(self, raw: dict[str, typing.Any], symbol: str | None = None, **options: typing.Any) -> typing.Any:
        fixed = super().fix_order(raw, symbol=symbol, **options)
        told = fixed["info"]
        if fixed.get("type") not in ("market", "limit"):
            fixed["type"] = "unknown" if told.get("slTriggerPx") is None else "stop_loss"
        return fixed


class _CoinbaseAdapter(exchanges.CCXTAdapter):
    def fix_order(self, raw: typing.Any, **named: typing.Any) -> typing.Any:
        """Falls over a row that lacks one of these keys; completes type and amount."""
        fixed = super().fix_order(raw, **named)
        if fixed["type"] is None:
            fixed["type"] = "stop_loss" if fixed["stopPrice"] is not None else "limit" if fixed["price"] else "market"
        fixed["status"] = {"PENDING": "pending_creation", "CANCEL_QUEUED": "pending_cancel"}.get(
            fixed["status"], fixed["status"]
        )
        fixed["amount"] = fixed["amount"] or fixed["filled"] or fixed["amount"]
        return fixed

    def fix_trades(self, raw: typing.Any, **named: typing.Any) -> typing.Any:
        fixed = super().fix_trades(raw, **named)
        for trade in fixed:
            trade["status"] = "closed"
            if trade["amount"] is None and trade["cost"] and trade["price"]:
                trade["amount"] = trade["cost"] / trade["price"]
        return fixed


class CoinbaseStandIn(exchanges.RestExchange):
    FIX_MARKET_STATUS = True
    ADJUST_FOR_TIME_DIFFERENCE = True
    ALWAYS_REQUIRES_AUTHENTICATION = True
    ENABLE_SPOT_BUY_MARKET_WITH_COST = True
    EXCHANGE_ORDER_NOT_FOUND_ERRORS: typing.ClassVar[list[typing.Any]] = [("not_found", "order")]

    @classmethod
    def get_name(cls) -> str:
        return "coinbase"

    def get_adapter_class(self) -> typing.Any:
        return _CoinbaseAdapter

    async def _create_order_with_retry(self, **order: typing.Any) -> typing.Any:
        """Posts an order up to five times where the text of the error has a 429."""
        return await self._create(order, attempts=5)

    async def _create(self, order: dict[str, typing.Any], attempts: int) -> typing.Any:
        try:
            return await super()._create_order_with_retry(**order)
        except (ccxt.BaseError, errors.FailedRequest, errors.RateLimitExceeded) as error:
            if "429" not in str(error) or attempts == 1:
                raise
            return await self._create(order, attempts - 1)


class CryptocomStandIn(exchanges.RestExchange):
    FIX_MARKET_STATUS = True
    EXPECT_POSSIBLE_ORDER_NOT_FOUND_DURING_ORDER_CREATION = True
    SUPPORT_FETCHING_CANCELLED_ORDERS = False

    @classmethod
    def get_name(cls) -> str:
        return "cryptocom"


class _HyperliquidConnector(exchanges.CCXTConnector):
    """The key is the address of the wallet, the secret its private key."""

    def _client_factory(self, force_unauth: bool, keys_adapter: typing.Any = None) -> typing.Any:
        return super()._client_factory(force_unauth, keys_adapter=self._wallet)

    @staticmethod
    def _wallet(credentials: typing.Any) -> typing.Any:
        credentials.wallet_address, credentials.private_key = credentials.api_key, credentials.secret
        credentials.api_key = credentials.secret = None
        return credentials


class _HyperliquidAdapter(exchanges.CCXTAdapter):
    def fix_market_status(self, raw: typing.Any, remove_price_limits: bool = False, **named: typing.Any) -> typing.Any:
        """The least order is a tenth more."""
        fixed = super().fix_market_status(raw, remove_price_limits=remove_price_limits, **named)
        if fixed:
            fixed["limits"]["cost"]["min"] *= 1.1
        return fixed


class HyperliquidStandIn(exchanges.RestExchange):
    FIX_MARKET_STATUS = True
    REQUIRE_ORDER_FEES_FROM_TRADES = True
    EXPECT_POSSIBLE_ORDER_NOT_FOUND_DURING_ORDER_CREATION = True
    DEFAULT_CONNECTOR_CLASS = _HyperliquidConnector

    @classmethod
    def get_name(cls) -> str:
        return "hyperliquid"

    def get_adapter_class(self) -> typing.Any:
        return _HyperliquidAdapter

    def get_additional_connector_config(self) -> dict[str, typing.Any]:
        return {"options": {"fetchMarkets": {"types": ["spot"]}}}


class KrakenStandIn(exchanges.RestExchange):
    FIX_MARKET_STATUS = True
    ADJUST_FOR_TIME_DIFFERENCE = True

    @classmethod
    def get_name(cls) -> str:
        return "kraken"


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


class BybitStandIn(exchanges.RestExchange):
    """Multiplies the quantity of a market buy by its price, whatever the account, and takes no unified account."""

    FIX_MARKET_STATUS = True
    MARK_PRICE_IN_TICKER = True
    REQUIRE_ORDER_FEES_FROM_TRADES = True
    EXPECT_POSSIBLE_ORDER_NOT_FOUND_DURING_ORDER_CREATION = True
    CAN_HAVE_DELAYED_CANCELLED_ORDERS = True
    ADJUST_FOR_TIME_DIFFERENCE = True
    """Of 2.1.1; 2.0.15 does not know it."""

    @classmethod
    def get_name(cls) -> str:
        return "bybit"

    def get_adapter_class(self) -> type[exchanges.CCXTAdapter]:
        return _BybitAdapterStandIn

    def get_additional_connector_config(self) -> dict[str, typing.Any]:
        return {"options": {"recvWindow": 60_000, "createMarketBuyOrderRequiresPrice": False}}

    async def _check_unified_account(self) -> None:
        if any(await self.connector.client.is_unified_enabled()):
            raise octobot_trading.errors.NotSupported("unified trading accounts are not supported")

    async def get_order(self, exchange_order_id: str, symbol: str | None = None, **options: typing.Any) -> typing.Any:
        return await self.get_order_from_open_and_closed_orders(exchange_order_id, symbol=symbol, **options)

    async def create_order(
        self, order_type: typing.Any, symbol: str, quantity: typing.Any, **options: typing.Any
    ) -> typing.Any:
        if order_type is trading_enums.TraderOrderType.BUY_MARKET:
            quantity *= options.get("price") or options["current_price"]
        return await super().create_order(order_type, symbol, quantity, **options)


class _BybitAdapterStandIn(exchanges.CCXTAdapter):
    """The quantity of a market buy is taken for an amount of quote."""

    def fix_order(self, raw: dict[str, typing.Any], **options: typing.Any) -> typing.Any:
        fixed = super().fix_order(raw, **options)
        fixed["reduceOnly"] = raw["info"].get("reduceOnly", False)
        if (fixed["type"], fixed["side"]) == ("market", "buy"):
            fixed["amount"] = fixed.get("amount") / (fixed.get("average") or fixed.get("price") or 1)
        return fixed


STAND_INS: dict[str, type[exchanges.RestExchange]] = {
    "binance": BinanceStandIn,
    "bitmart": BitmartStandIn,
    "kucoin": KucoinStandIn,
    "mexc": MexcStandIn,
    "okx": OkxStandIn,
    "myokx": MyOkxStandIn,
    "okxus": OkxUsStandIn,
    "gateio": GateioStandIn,
    "bitget": BitgetStandIn,
    "coinbase": CoinbaseStandIn,
    "cryptocom": CryptocomStandIn,
    "hyperliquid": HyperliquidStandIn,
    "kraken": KrakenStandIn,
    "htx": HtxStandIn,
    "huobi": HuobiStandIn,
    "bybit": BybitStandIn,
}
