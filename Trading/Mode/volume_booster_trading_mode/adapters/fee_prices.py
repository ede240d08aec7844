"""What fees are worth that were charged in neither base nor quote: through the exchange's other markets."""

from __future__ import annotations

import itertools
import typing
from collections.abc import Iterable, Iterator
from decimal import Decimal

import ccxt

from ..core.accounting import fees
from ..core.accounting.fees import Hop
from ..core.accounting.reconciliation import ExchangeTrade
from ..core.model.instrument import MarketRules
from . import market_data
from .exchange_client import ExchangeClient, ExchangeUnreachableError, is_caused_by

MOST_WAYS = 4
"""So many ways are tried to a price."""
KEPT_S = 10.0
"""How long a price that was asked for is good."""
_KINDS = ("spot", "swap")


class FeePrices:
    """Prices in the quote of one symbol. Asked for only when a fee is in an asset that OctoBot has no price of."""

    def __init__(self, exchange_manager: typing.Any, symbol: str, record: ExchangeClient) -> None:
        self._manager = exchange_manager
        self._symbol = symbol
        self._record = record
        self._kept: dict[str, tuple[float, Decimal | None]] = {}

    async def of(self, trades: Iterable[ExchangeTrade], rules: MarketRules, now: float) -> dict[str, Decimal | None]:
        """What is known of every asset that a fee of these was charged in and that is not of the symbol.

        :raises ExchangeUnreachableError: when the exchange does not answer.
        """
        charges = (charge for trade in trades for charge in trade.charges)
        assets = {charge.asset for charge in charges if charge.amount} - {rules.base, rules.quote, ""}
        return {asset: await self._price(asset, rules.quote, now) for asset in sorted(assets)}

    async def _price(self, asset: str, quote: str, now: float) -> Decimal | None:
        known = market_data.known_price(self._manager, f"{asset}/{quote}")
        if known is not None:
            return known
        at, price = self._kept.get(asset, (0.0, None))
        if not 0 <= now - at < KEPT_S:
            price = await self._ask(asset, quote)
            self._kept[asset] = now, price
        return price

    async def _ask(self, asset: str, quote: str) -> Decimal | None:
        told: dict[str, Decimal | None] = {}
        for way in itertools.islice(fees.ways(asset, quote, self._markets()), MOST_WAYS):
            for hop in way:
                if hop.symbol not in told:
                    told[hop.symbol] = await self._ticker_price(hop)
            price = fees.price_along(way, told.get)
            if price is not None:
                return price
        return None

    def _markets(self) -> Iterator[tuple[str, str, str]]:
        for market in (self._manager.exchange.connector.client.markets or {}).values():
            if market.get("type") in _KINDS and market.get("active") is not False:
                yield market["symbol"], market["base"], market["quote"]

    async def _ticker_price(self, hop: Hop) -> Decimal | None:
        """The price of a market now; None where the exchange tells none, as of one that is not traded any more."""
        client = self._manager.exchange.connector.client
        try:
            ticker = await self._record.ask(f"the price of {hop.symbol}", lambda: client.fetch_ticker(hop.symbol))
        except ExchangeUnreachableError as error:
            if is_caused_by(error, (ccxt.NetworkError,)):
                raise
            return None
        return fees.ticker_price(ticker)
