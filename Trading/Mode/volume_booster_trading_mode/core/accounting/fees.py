"""Fees in quote, whatever they were charged in; one that is unknown or has no value is estimated and marked so. Pure.

A part in base is worth the fill's own price, one in another asset what that asset is worth now, through other markets
where there is none with the quote. What is unknown, or in an asset without a price, is taken to be the market's rate
for the fill's role, and never below zero: so that a budget is not exceeded by a fee that nobody has stated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..model.basics import ZERO, Role
from ..model.instrument import MarketRules
from .trade_ids import Charge

NOT_TOLD = "not told"
MOST_HOPS = 3
"""So many markets at most stand between an asset and the quote."""

PriceOf = Callable[[str], Decimal | None]
"""The price in quote of an asset that is neither base nor quote; None when it is not known."""


@dataclass(frozen=True, slots=True)
class Fee:
    """The fee of one fill.

    `quote` is in the market's quote, what is estimated included. `amount` is what was charged in `asset`, where it was
    one part in one asset; else, and where something is unknown or has no value, `told` has it in words.
    """

    quote: Decimal
    estimated_quote: Decimal = ZERO
    amount: Decimal = ZERO
    asset: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True)
class Hop:
    """A market on the way from one asset to another; at its price, or at one over it where it `is_inverted`."""

    symbol: str
    is_inverted: bool


def fee_of(
    charges: Iterable[Charge], price: Decimal, notional: Decimal, role: Role, rules: MarketRules, price_of: PriceOf
) -> Fee:
    """The fee of a fill at a price, which is worth so much of the market's quote."""
    parts = tuple(charges)
    values = [_value(part, price, rules, price_of) for part in parts]
    known = sum((value for value in values if value is not None), ZERO)
    if not parts or None in values:
        estimated = notional * max(rules.fee_rate(role), ZERO)
        return _as_charged(Fee(known + estimated, estimated, told=_in_words(parts)), parts)
    fee = _as_charged(Fee(known), parts)
    return fee if len(parts) == 1 else Fee(known, told=_in_words(parts))


def _as_charged(fee: Fee, parts: tuple[Charge, ...]) -> Fee:
    if len(parts) != 1 or parts[0].amount is None:
        return fee
    return Fee(fee.quote, fee.estimated_quote, parts[0].amount, parts[0].asset, fee.told)


def in_quote(amount: Decimal, asset: str, price: Decimal, base: str, quote: str, price_of: PriceOf) -> Decimal | None:
    """What an amount of an asset is worth in the quote of a market, at the price of a fill; None when not known."""
    if not amount or asset == quote:
        return amount
    if asset == base:
        return amount * price
    asset_price = price_of(asset) if asset else None
    return None if asset_price is None else amount * asset_price


def _value(part: Charge, price: Decimal, rules: MarketRules, price_of: PriceOf) -> Decimal | None:
    if part.amount is None:
        return None
    return in_quote(part.amount, part.asset, price, rules.base, rules.quote, price_of)


def _in_words(parts: tuple[Charge, ...]) -> str:
    if all(part.amount is None for part in parts):
        return NOT_TOLD
    return " + ".join(
        NOT_TOLD if part.amount is None else f"{part.amount.normalize():f} {part.asset or 'of an asset not told'}"
        for part in parts
    )


def ways(asset: str, quote: str, markets: Iterable[tuple[str, str, str]]) -> Iterator[tuple[Hop, ...]]:
    """The ways from an asset to a quote over the markets of an exchange, the shortest first.

    Of equally short ones those come first that go over what most markets are with: there the prices are good.

    :param markets: symbol, base and quote of each.
    """
    hops: dict[str, dict[str, Hop]] = {}
    for symbol, base, market_quote in markets:
        hops.setdefault(base, {}).setdefault(market_quote, Hop(symbol, is_inverted=False))
        hops.setdefault(market_quote, {}).setdefault(base, Hop(symbol, is_inverted=True))
    begun: list[tuple[str, tuple[str, ...], tuple[Hop, ...]]] = [(asset, (asset,), ())]
    for _ in range(MOST_HOPS):
        longer = []
        for place, seen, way in begun:
            for other, hop in sorted(hops.get(place, {}).items(), key=lambda one: (-len(hops[one[0]]), one[0])):
                if other == quote:
                    yield (*way, hop)
                elif other not in seen:
                    longer.append((other, (*seen, other), (*way, hop)))
        begun = longer


def price_along(way: Iterable[Hop], prices: Callable[[str], Decimal | None]) -> Decimal | None:
    """What one of the asset is worth at the end of a way; None when a market on it has no price."""
    worth = Decimal(1)
    for hop in way:
        price = prices(hop.symbol)
        if price is None or price <= 0:
            return None
        worth = worth / price if hop.is_inverted else worth * price
    return worth


def ticker_price(ticker: Mapping[str, Any]) -> Decimal | None:
    """The price of a market in a ticker of ccxt's: the last, or the middle of the best two; None without."""
    last, *best = (_price(ticker.get(name)) for name in ("last", "bid", "ask"))
    if last is not None or None in best:
        return last
    bid, ask = (price or ZERO for price in best)
    return (bid + ask) / 2


def _price(told: object) -> Decimal | None:
    price = ZERO if told is None else Decimal(str(told))
    return price if price.is_finite() and price > 0 else None
