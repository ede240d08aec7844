"""OctoBot -> core: the rules of a market. Steps are ccxt's own, by which it writes orders; what is not known is said.

OctoBot's own market status has no steps: it counts the decimals of a step with abs(log10), so that 10 reads as 0.1.
"""

from __future__ import annotations

import copy
import typing
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

import ccxt
import octobot_commons.symbols as commons_symbols
import octobot_trading.enums as trading_enums
import octobot_trading.errors as trading_errors

from ..core.model import precision
from ..core.model.basics import ZERO
from ..core.model.instrument import MarketRules
from ..core.model.redact import text_of
from . import futures_data
from .venues import MarketBuy, venue_of

_Market = dict[str, typing.Any]
_STATUS = trading_enums.ExchangeConstantsMarketStatusColumns
_FEES = ("maker", "taker")
_UNREADABLE = (
    ArithmeticError, AttributeError, KeyError, TypeError, ValueError, trading_errors.NotSupported,
    trading_errors.UnexpectedAdapterError,
)  # fmt: skip
"""How OctoBot's classes end when they calculate with something that ccxt leaves out."""


class NotReadableError(Exception):
    """Something that a decision needs is missing; the message says what."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the rules of a market are read: what is stated, in which way, and what writes them into an order."""

    market: _Market
    mode: int
    client: typing.Any
    """A ccxt client that knows the market; None where OctoBot only plays an exchange, which takes any number."""

    def written(self, method: str) -> precision.Formatter:
        """What a method of the client, such as `amount_to_precision`, makes of a number."""
        if self.client is None:
            return lambda number: number
        write, symbol = getattr(self.client, method), self.market["symbol"]

        def written(number: Decimal) -> Decimal | None:
            try:
                return Decimal(str(write(symbol, float(number))))
            except (ccxt.InvalidOrder, ArithmeticError, AssertionError, AttributeError, TypeError):
                return None  # so little is nothing, or it calculates with what the market leaves out

        return written


def read_rules(exchange_manager: typing.Any, symbol: str) -> MarketRules:
    """The exchange's rules for a symbol; worked out again only when the exchange states something else than before.

    :raises NotReadableError: naming what is missing, or can't be made sense of.
    """
    known = _RULES.setdefault(exchange_manager, {})
    before = known.get(symbol)
    if before is not None and exchange_manager.is_backtesting:
        return before[1]  # data do not change the rules of a market
    source = _source(exchange_manager, symbol)
    fees = _stated_fees(exchange_manager, symbol, source)
    stated = source.market["precision"], source.market["limits"], source.market.get("contractSize"), fees
    if before is None or before[0] != stated:
        # a copy, as OctoBot may change what ccxt states
        rules = _as_ordered(_rules(exchange_manager, symbol, source, fees), exchange_manager, symbol)
        before = known[symbol] = copy.deepcopy(stated), rules
    return before[1]


def _as_ordered(rules: MarketRules, exchange_manager: typing.Any, symbol: str) -> MarketRules:
    """The rules, with the step of the quote to spend where a real exchange takes market buys by nothing else."""
    client, trader = getattr(exchange_manager.exchange.connector, "client", None), exchange_manager.trader
    venue = None if client is None else venue_of(str(client.id))
    is_simulated = exchange_manager.is_backtesting or (trader is not None and trader.simulate)
    is_spot = not futures_data.is_futures(exchange_manager)
    if venue is None or is_simulated or not is_spot or venue.market_buy is MarketBuy.QUANTITY:
        return rules
    return by_quote(rules, exchange_manager, symbol, venue.quote_written_by)


_RULES: weakref.WeakKeyDictionary[typing.Any, dict[str, tuple[typing.Any, MarketRules]]] = weakref.WeakKeyDictionary()


def by_quote(
    rules: MarketRules, exchange_manager: typing.Any, symbol: str, method: str = "cost_to_precision"
) -> MarketRules:
    """The same rules where market buys are placed by the quote to spend.

    :param method: of the ccxt client, what writes that amount into an order.
    :raises NotReadableError: when ccxt leaves no step of it as it is.
    """
    written = _source(exchange_manager, symbol).written(method)
    step = _made(exchange_manager, symbol, "quote", lambda: precision.quote_step(rules.min_notional, written))
    return replace(rules, quote_step=step)


def _source(exchange_manager: typing.Any, symbol: str) -> _Source:
    """:raises NotReadableError: when nobody states the rules of the symbol."""
    name, connector = exchange_manager.exchange_name, exchange_manager.exchange.connector
    client = getattr(connector, "client", None)
    try:
        if client is not None:
            return _Source(client.market(symbol), client.precisionMode, client)
        status, is_from_ccxt = connector.get_market_status(symbol, with_fixer=False)
    except (ccxt.BaseError, trading_errors.NotSupported) as error:
        raise NotReadableError(f"{name} does not state the rules of {symbol}: {text_of(error)}") from error
    if not is_from_ccxt:
        return _Source({**status, "symbol": symbol}, precision.DECIMAL_PLACES, None)
    client = getattr(ccxt, connector._get_exchange_class_rest_name())()
    client.markets = {symbol: status}
    return _Source(status, client.precisionMode, client)


def _rules(exchange_manager: typing.Any, symbol: str, source: _Source, fees: dict[str, typing.Any]) -> MarketRules:
    parsed, stated = commons_symbols.parse_symbol(symbol), source.market["precision"]
    step = _made(
        exchange_manager, symbol, "quantity",
        lambda: precision.quantity_step(stated.get("amount"), source.mode, source.written("amount_to_precision")),
    )  # fmt: skip
    prices = _made(
        exchange_manager, symbol, "price",
        lambda: precision.price_steps(stated.get("price"), source.mode, source.written("price_to_precision")),
    )  # fmt: skip
    size = futures_data.contract_size(exchange_manager, symbol)
    limits = _limits(exchange_manager, symbol, source, size)
    maker, taker = (_fee_rate(exchange_manager, symbol, fees[role], role) for role in _FEES)
    return MarketRules(
        base=parsed.base,
        quote=parsed.quote,
        price_tick=prices.tick,
        quantity_step=step * size,
        min_quantity=limits.min_quantity,
        min_notional=limits.min_notional,
        max_quantity=limits.max_quantity,
        max_notional=limits.max_notional,
        maker_fee_rate=maker,
        taker_fee_rate=taker,
        valuation=futures_data.valuation(exchange_manager, symbol),
        price_digits=prices.digits,
        widest_tick=prices.widest_tick,
    )


_Made = typing.TypeVar("_Made")


def _made(exchange_manager: typing.Any, symbol: str, what: str, make: Callable[[], _Made]) -> _Made:
    try:
        return make()
    except precision.PrecisionError as error:
        name = exchange_manager.exchange_name
        raise NotReadableError(f"the {what} precision of {symbol} on {name} can't be used: {error}") from error


@dataclass(frozen=True, slots=True)
class _Limits:
    """Of one order, in OctoBot's quantities and in quote."""

    min_quantity: Decimal
    min_notional: Decimal
    max_quantity: Decimal | None
    max_notional: Decimal | None


def _limits(exchange_manager: typing.Any, symbol: str, source: _Source, size: Decimal) -> _Limits:
    """Smallest and largest order.

    Where an exchange does not mean what it states, its class in OctoBot corrects that: KuCoin's smallest funds, and
    quantities that BingX states and ignores. Of two smallest notionals the larger one holds.
    """
    stated = source.market["limits"]
    corrected = {} if futures_data.is_futures(exchange_manager) else _octobots_limits(exchange_manager, symbol)
    amount = corrected.get("amount", stated.get("amount")) or {}
    costs = [limits.get("cost") or {} for limits in (stated, corrected)]
    quantities = [_limit(limits.get("max")) for limits in (amount, stated.get("market") or {})]
    return _Limits(
        min_quantity=(_limit(amount.get("min")) or ZERO) * size,
        min_notional=max(_limit(cost.get("min")) or ZERO for cost in costs),
        max_quantity=_least(limit and limit * size for limit in quantities),
        max_notional=_least(_limit(cost.get("max")) for cost in costs),
    )


def _octobots_limits(exchange_manager: typing.Any, symbol: str) -> dict[str, typing.Any]:
    """The limits in OctoBot's market status; empty where its class fails at what ccxt leaves out."""
    try:
        status = exchange_manager.exchange.get_market_status(symbol, with_fixer=False)
        return dict(status[_STATUS.LIMITS.value])
    except _UNREADABLE:
        return {}


def _least(limits: Iterable[Decimal | None]) -> Decimal | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _limit(value: typing.Any) -> Decimal | None:
    """An exchange that has no limit states none, 0, or something endless."""
    limit = Decimal(str(value or 0))
    return limit if limit.is_finite() and limit > 0 else None


def _stated_fees(exchange_manager: typing.Any, symbol: str, source: _Source) -> dict[str, typing.Any]:
    """Maker and taker fee: OctoBot's, which are those of the market, or what ccxt states of all such markets."""
    stated = exchange_manager.exchange.get_fees(symbol)
    of_all = {} if source.client is None else source.client.fees
    others = [of_all.get(kind) or {} for kind in (source.market.get("type"), "trading")]
    return {role: _first(fees.get(role) for fees in (stated, *others)) for role in _FEES}


def _first(values: Iterable[typing.Any]) -> typing.Any:
    return next((value for value in values if value is not None), None)


def _fee_rate(exchange_manager: typing.Any, symbol: str, rate: typing.Any, role: str) -> Decimal:
    try:
        found = Decimal(str(rate))
    except ArithmeticError:
        found = Decimal("NaN")
    if not found.is_finite():
        raise NotReadableError(f"nobody states the {role} fee of {symbol} on {exchange_manager.exchange_name}")
    return found
