"""Every exchange that the mode knows, by its ccxt id."""

from __future__ import annotations

from . import (
    binance,
    bitget,
    bitmart,
    bybit,
    coinbase,
    cryptocom,
    gateio,
    htx,
    hyperliquid,
    kraken,
    kucoin,
    mexc,
    not_supported,
    okx,
)
from .record import MarketBuy as MarketBuy
from .record import Venue as Venue

_ALL = (
    binance.VENUE,
    bitmart.VENUE,
    htx.VENUE,
    htx.HUOBI,
    kucoin.VENUE,
    kucoin.FUTURES,
    mexc.VENUE,
    okx.VENUE,
    okx.EEA,
    okx.US,
    gateio.VENUE,
    bitget.VENUE,
    coinbase.VENUE,
    cryptocom.VENUE,
    hyperliquid.VENUE,
    kraken.VENUE,
    bybit.VENUE,
)
_OTHERS = {venue.ccxt_id: venue for venue in not_supported.VENUES}
VENUES: dict[str, Venue] = {**_OTHERS, **{venue.ccxt_id: venue for venue in _ALL}}


def venue_of(ccxt_id: str) -> Venue | None:
    """What is known of an exchange; None when nothing is."""
    return VENUES.get(ccxt_id)


def working() -> list[str]:
    """The titles of the exchanges on which orders are placed."""
    return sorted(venue.title for venue in VENUES.values() if not venue.refused and venue.proven)
