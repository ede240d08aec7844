"""Stand-ins for OctoBot's classes of exchanges, which are not on PyPI: the same flags, and the same effect on an order.

What they do was read in the public sources of OctoBot's tentacles 2.0.15 and 2.1.1. The same suite runs against those
classes themselves when VOLUME_BOOSTER_REAL_TENTACLES names the folder that holds them.
"""

from __future__ import annotations

import typing

import octobot_trading.enums as trading_enums
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


STAND_INS: dict[str, type[exchanges.RestExchange]] = {
    "binance": BinanceStandIn,
    "okx": OkxStandIn,
    "myokx": MyOkxStandIn,
    "okxus": OkxUsStandIn,
    "gateio": GateioStandIn,
    "bitget": BitgetStandIn,
    "bybit": BybitStandIn,
}
