"""Stand-ins for OctoBot's classes of exchanges, which are not on PyPI: the same flags, and the same effect on an order.

What they do was read in the public sources of OctoBot's tentacles 2.0.15 and 2.1.1. The same suite runs against those
classes themselves when VOLUME_BOOSTER_REAL_TENTACLES names the folder that holds them.
"""

from __future__ import annotations

import typing

import ccxt
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


STAND_INS: dict[str, type[exchanges.RestExchange]] = {
    "binance": BinanceStandIn,
    "coinbase": CoinbaseStandIn,
    "cryptocom": CryptocomStandIn,
    "hyperliquid": HyperliquidStandIn,
    "kraken": KrakenStandIn,
}
