"""Stand-ins for OctoBot's classes of exchanges, which are not on PyPI: the same flags, and the same effect on an order.

What they do was read in the public sources of OctoBot's tentacles 2.0.15 and 2.1.1. The same suite runs against those
classes themselves when VOLUME_BOOSTER_REAL_TENTACLES names the folder that holds them.
"""

from __future__ import annotations

import typing

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


class KrakenStandIn(exchanges.RestExchange):
    FIX_MARKET_STATUS = True
    ADJUST_FOR_TIME_DIFFERENCE = True

    @classmethod
    def get_name(cls) -> str:
        return "kraken"


STAND_INS: dict[str, type[exchanges.RestExchange]] = {
    "binance": BinanceStandIn,
    "kraken": KrakenStandIn,
}
