"""Every exchange that the mode knows, by its ccxt id."""

from __future__ import annotations

from . import binance, coinbase, cryptocom, hyperliquid, kraken, not_supported
from .record import MarketBuy as MarketBuy
from .record import Venue as Venue

_ALL = (
    binance.VENUE,
    coinbase.VENUE,
    cryptocom.VENUE,
    hyperliquid.VENUE,
    kraken.VENUE,
    *not_supported.VENUES,
)  # fmt: skip
VENUES: dict[str, Venue] = {venue.ccxt_id: venue for venue in _ALL}


def venue_of(ccxt_id: str) -> Venue | None:
    """What is known of an exchange; None when nothing is."""
    return VENUES.get(ccxt_id)


def working() -> list[str]:
    """The titles of the exchanges on which orders are placed."""
    return sorted(venue.title for venue in VENUES.values() if not venue.refused and venue.proven)
