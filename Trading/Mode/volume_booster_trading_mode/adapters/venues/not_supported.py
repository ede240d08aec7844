"""The other exchanges that OctoBot has a class for, and why the real trader places no orders there."""

from __future__ import annotations

from .record import Venue, refused

_NOT_TRIED = "how it takes and shows orders was not tried"
_GONE = "the ccxt that OctoBot brings does not know it"

VENUES: tuple[Venue, ...] = (
    refused("ascendex", "AscendEX", "it puts an id of its own in place of ours, and does not list an account's trades"),
    refused("binanceus", "Binance.US", _NOT_TRIED),
    refused("bingx", "BingX", "it does not find an order by our id, and shows trades of the last 24 hours only"),
    refused("bitfinex", "Bitfinex", _NOT_TRIED),
    refused("bithumb", "Bithumb", _NOT_TRIED),
    refused("bitmex", "BitMEX", _NOT_TRIED),
    refused("bitso", "Bitso", _NOT_TRIED),
    refused("bitstamp", "Bitstamp", _NOT_TRIED),
    refused("coinbasepro", "Coinbase Pro", _GONE),
    refused("coinex", "CoinEx", _NOT_TRIED),
    refused("hitbtc", "HitBTC", _NOT_TRIED),
    refused("hollaex", "HollaEx", "its orders carry no id of ours, and its trades none at all"),
    refused("lbank", "LBank", _NOT_TRIED),
    refused("ndax", "NDAX", _NOT_TRIED),
    refused("okcoin", "Okcoin", _GONE),
    refused("phemex", "Phemex", _NOT_TRIED),
    refused("poloniex", "Poloniex", _NOT_TRIED),
    refused("polymarket", "Polymarket", _GONE),
    refused("upbit", "Upbit", _NOT_TRIED),
    refused("wavesexchange", "Waves.Exchange", _NOT_TRIED),
)
UNKNOWN: dict[str, str] = {"coinstore": "Coinstore"}
"""Exchanges that people ask for and that neither ccxt nor OctoBot knows, with their titles."""
UNKNOWN_WHY = "neither ccxt nor OctoBot knows it"
