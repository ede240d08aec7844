"""OctoBot -> core: one frozen MarketSnapshot of a symbol. What can't be read is said, never made up."""

from __future__ import annotations

import typing
import urllib.parse
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

import ccxt
import octobot_commons.constants as commons_constants
import octobot_commons.symbols as commons_symbols
import octobot_trading.enums as trading_enums
import octobot_trading.errors as trading_errors
import octobot_trading.personal_data as trading_personal_data

from ..core.accounting.currency import rounded_rate
from ..core.model import sandbox
from ..core.model.basics import Side, Trading
from ..core.model.books import levels_of_others
from ..core.model.instrument import SPOT, Valuation
from ..core.model.orders import OpenOrder
from ..core.model.redact import text_of
from ..core.model.snapshot import Balances, FuturesAccount, Level, MarketSnapshot, RiskInputs
from . import futures_data, loopback
from .market_rules import NotReadableError as NotReadableError
from .market_rules import read_rules as read_rules

BOOK_LEVELS = 20
_ENDED = tuple(trading_enums.OrderStatus[name] for name in ("FILLED", "CANCELED", "CLOSED", "EXPIRED", "REJECTED"))
UNANSWERED = (
    ccxt.BaseError, trading_errors.OctoBotExchangeError, trading_errors.NotSupported, trading_errors.UnreachableExchange
)  # fmt: skip
"""Whatever OctoBot lets through when an exchange refuses a question or does not answer it."""


class TraderPausedError(NotReadableError):
    """A person has paused OctoBot's trader."""


def trading_of(exchange_manager: typing.Any) -> Trading:
    """Whose money OctoBot's trader of this exchange moves.

    A sandbox is known by the addresses that the client can reach, and by nothing else: all of them are loopback.
    """
    if exchange_manager.is_backtesting:
        return Trading.BACKTEST
    if exchange_manager.trader.simulate:
        return Trading.SIMULATION
    client = getattr(exchange_manager.exchange.connector, "client", None)
    is_sandbox = client is not None and sandbox.reaches_only_loopback(loopback.addresses(client))
    return Trading.SANDBOX if is_sandbox else Trading.LIVE


@dataclass(frozen=True, slots=True)
class Book:
    """The best levels of the order book, read at the moment `at`; neither side is empty, and they do not cross."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    at: float


async def read_book(exchange_manager: typing.Any, symbol: str) -> Book:
    """The order book, asked of the exchange now: OctoBot's own market price may be minutes old.

    :raises NotReadableError: when the exchange does not report, or the book is empty or crossed.
    """
    name = exchange_manager.exchange_name
    try:
        told = await exchange_manager.exchange.get_order_book(symbol, limit=BOOK_LEVELS)
    except UNANSWERED as error:
        raise NotReadableError(f"{name} does not report the order book of {symbol}: {text_of(error)}") from error
    bids, asks = (_levels((told or {}).get(side) or ()) for side in ("bids", "asks"))
    if not bids or not asks:
        raise NotReadableError(f"the order book of {symbol} on {name} has no {'asks' if bids else 'bids'}")
    if not 0 < bids[0].price < asks[0].price:
        crossed = f"bid {bids[0].price}, ask {asks[0].price}"
        raise NotReadableError(f"the order book of {symbol} on {name} is crossed: {crossed}")
    size = futures_data.contract_size(exchange_manager, symbol)
    bids, asks = (futures_data.in_octobot_quantities(levels, size) for levels in (bids, asks))
    return Book(bids, asks, exchange_manager.exchange.get_exchange_current_time())


def without_own(book: Book, orders: Iterable[OpenOrder], symbol: str, name: str) -> Book:
    """The same book without the orders of this bot: prices made from it do not chase themselves.

    Nobody can tell an order of ours that was filled a moment ago from one of somebody else at its price: then less of
    the others is seen there than there is.

    :raises NotReadableError: when nobody else is on one of its sides.
    """
    own = tuple(orders)
    if not own:
        return book
    bids, asks = levels_of_others(Side.BUY, book.bids, own), levels_of_others(Side.SELL, book.asks, own)
    if not bids or not asks:
        raise NotReadableError(f"the order book of {symbol} on {name} has no {'asks' if bids else 'bids'} but ours")
    return Book(bids, asks, book.at)


def _levels(rows: Iterable[typing.Any]) -> tuple[Level, ...]:
    return tuple(Level(Decimal(str(price)), Decimal(str(quantity))) for price, quantity, *_ in rows)


@dataclass(frozen=True, slots=True)
class Price:
    """The market price of a symbol in quote, and its age in seconds."""

    mid_price: Decimal
    age_s: float


def read_price(exchange_manager: typing.Any, symbol: str, now: float, book: Book | None) -> Price:
    """The middle of the order book where it was read, else OctoBot's market price.

    :raises NotReadableError: when there is none.
    """
    if book is None:
        return Price(*_market_price(exchange_manager, symbol, now))
    return Price((book.bids[0].price + book.asks[0].price) / 2, max(now - book.at, 0.0))


def read_snapshot(
    exchange_manager: typing.Any,
    symbol: str,
    now: float,
    price: Price,
    risk_inputs: RiskInputs,
    orders: tuple[OpenOrder, ...],
    book: Book | None = None,
    running_since: float = 0.0,
    valuation: Valuation = SPOT,
    futures: FuturesAccount | None = None,
) -> MarketSnapshot:
    """What a decision on this symbol may look at, at the moment `now` of OctoBot's clock.

    :param orders: what `open_orders` tells.
    :param running_since: when this run of the bot began, in seconds of OctoBot's clock.
    :param futures: margin and position, None on spot.
    :raises NotReadableError: naming what is missing.
    """
    return MarketSnapshot(
        exchange=exchange_manager.exchange_name,
        symbol=symbol,
        trading=trading_of(exchange_manager),
        now=now,
        mid_price=price.mid_price,
        price_age_s=price.age_s,
        rules=read_rules(exchange_manager, symbol),
        balances=read_balances(exchange_manager, symbol, price.mid_price),
        risk_inputs=risk_inputs,
        open_orders=orders,
        best_bid=book.bids[0].price if book else None,
        best_ask=book.asks[0].price if book else None,
        bids=book.bids if book else (),
        asks=book.asks if book else (),
        running_since=running_since,
        valuation=valuation,
        futures=futures,
    )


def check_ready(exchange_manager: typing.Any, symbol: str) -> None:
    """:raises NotReadableError: naming the first part of OctoBot that is not ready for this symbol."""
    name = exchange_manager.exchange_name
    listed = exchange_manager.client_symbols
    if exchange_manager.exchange is None:
        raise NotReadableError(f"OctoBot has not connected to {name} yet")
    if listed and symbol not in listed:
        raise NotReadableError(f"{name} does not list {symbol}")
    if exchange_manager.trader is None:
        raise NotReadableError(f"OctoBot has made no trader for {name} yet")
    if not exchange_manager.trader.is_enabled:
        raise TraderPausedError(
            f"OctoBot's trader of {name} is paused or disabled; enabled again, it continues on its own"
        )
    if exchange_manager.exchange_personal_data.portfolio_manager.portfolio is None:
        raise NotReadableError(f"OctoBot has not read the portfolio on {name} yet")


def known_price(exchange_manager: typing.Any, symbol: str) -> Decimal | None:
    """The price that OctoBot has of any symbol, however old; None when it has none."""
    data = exchange_manager.exchange_symbols_data.exchange_symbol_data.get(symbol)
    price = Decimal(data.prices_manager.mark_price) if data is not None else Decimal(0)
    return price if price.is_finite() and price > 0 else None


def known_price_since(exchange_manager: typing.Any, symbol: str) -> tuple[float, Decimal] | None:
    """OctoBot's price of a symbol and since when it is that, in seconds of its clock; None when it has none."""
    price = known_price(exchange_manager, symbol)
    if price is None:
        return None
    prices = exchange_manager.exchange_symbols_data.exchange_symbol_data[symbol].prices_manager
    return float(prices.mark_price_set_time), rounded_rate(price)  # it may be a mean, of endless decimals


def known_rate(exchange_manager: typing.Any, quote: str, currency: str) -> Decimal | None:
    """What one of a quote is worth in a currency at the prices that OctoBot has; None when it has none."""
    if (price := known_price(exchange_manager, f"{quote}/{currency}")) is not None:
        return price
    if (price := known_price(exchange_manager, f"{currency}/{quote}")) is not None:
        return 1 / price
    manager = exchange_manager.exchange_personal_data.portfolio_manager
    converter = manager.portfolio_value_holder.value_converter
    try:
        rate = Decimal(converter.convert_currency_value_using_last_prices(Decimal(1), quote, currency))
    except (trading_errors.MissingPriceDataError, trading_errors.PendingPriceDataError):
        return None
    return rate if rate.is_finite() and rate > 0 else None


def enabled_pairs(exchange_manager: typing.Any) -> list[str]:
    """The pairs of the profile that are enabled, and those that this exchange trades."""
    currencies = (exchange_manager.config or {}).get(commons_constants.CONFIG_CRYPTO_CURRENCIES, {})
    enabled = [
        pair
        for currency in currencies.values()
        if currency.get(commons_constants.CONFIG_ENABLED_OPTION, True)
        for pair in currency.get(commons_constants.CONFIG_CRYPTO_PAIRS, ())
        if "/" in pair
    ]
    return list(dict.fromkeys([*exchange_manager.exchange_config.traded_symbol_pairs, *enabled]))


def enabled_exchanges(exchange_manager: typing.Any) -> list[str]:
    """The exchanges of the profile that are enabled, and this one."""
    exchanges = (exchange_manager.config or {}).get(commons_constants.CONFIG_EXCHANGES, {})
    enabled = [name for name, one in exchanges.items() if one.get(commons_constants.CONFIG_ENABLED_OPTION, True)]
    return list(dict.fromkeys([exchange_manager.exchange_name, *enabled]))


def venue_of(exchange_manager: typing.Any) -> str:
    """Where the orders of an exchange go: the same for two names of one exchange. A simulated one is for itself."""
    client = getattr(exchange_manager.exchange.connector, "client", None)
    if client is None or trading_of(exchange_manager).is_simulated:
        return f"simulated {exchange_manager.exchange_name}"
    hosts = {urllib.parse.urlsplit(address).netloc for address in loopback.texts(client.urls.get("api"))}
    return " ".join(sorted(hosts))


def _market_price(exchange_manager: typing.Any, symbol: str, now: float) -> tuple[Decimal, float]:
    prices = exchange_manager.exchange_symbols_data.get_exchange_symbol_data(symbol).prices_manager
    price = Decimal(prices.mark_price)
    if not price.is_finite() or price <= 0:
        raise NotReadableError(f"{exchange_manager.exchange_name} has reported no market price of {symbol} yet")
    return price, max(now - prices.mark_price_set_time - _coarseness_s(exchange_manager), 0.0)


def _coarseness_s(exchange_manager: typing.Any) -> float:
    """How far apart the prices of a backtest's data are: within that time a newer one can't be known."""
    if not exchange_manager.is_backtesting:
        return 0.0
    return float(exchange_manager.exchange.backtesting.time_manager.time_interval)


def read_futures(
    exchange_manager: typing.Any, symbol: str, mid_price: Decimal, own_quantity: Decimal
) -> FuturesAccount | None:
    """Margin and position of a contract; None on spot.

    :raises NotReadableError: when OctoBot has not loaded the contract.
    """
    if not futures_data.is_futures(exchange_manager):
        return None
    try:
        return futures_data.read_account(exchange_manager, symbol, mid_price, own_quantity)
    except futures_data.NoContractError as error:
        raise NotReadableError(text_of(error)) from error


def read_balances(exchange_manager: typing.Any, symbol: str, price: Decimal) -> Balances:
    """What is free of base and quote; on futures what the free margin is worth of each."""
    if futures_data.is_futures(exchange_manager):
        return _margin_as_balances(exchange_manager, symbol, price)
    base_free, quote_free, _ = trading_personal_data.get_portfolio_amounts(exchange_manager, symbol, Decimal(1))
    return Balances(base_free=base_free, quote_free=quote_free)


def _margin_as_balances(exchange_manager: typing.Any, symbol: str, price: Decimal) -> Balances:
    free = futures_data.margin_free(exchange_manager, symbol)
    if futures_data.valuation(exchange_manager, symbol).is_inverse:
        return Balances(base_free=free, quote_free=free * price)
    return Balances(base_free=free / price, quote_free=free)


def totals(exchange_manager: typing.Any, symbol: str) -> tuple[Decimal, Decimal]:
    """All that the account holds of base and quote, what open orders keep included."""
    if futures_data.is_futures(exchange_manager):
        return futures_data.totals(exchange_manager, symbol)
    parsed = commons_symbols.parse_symbol(symbol)
    portfolio = exchange_manager.exchange_personal_data.portfolio_manager.portfolio
    base, quote = (portfolio.get_currency_portfolio(currency).total for currency in (parsed.base, parsed.quote))
    return base, quote


def orders_of_octobot(
    exchange_manager: typing.Any, symbol: str, own_id: Callable[[typing.Any], str | None]
) -> list[tuple[typing.Any, str | None]]:
    """OctoBot's orders on a symbol that may still fill, each with our id of it or None.

    Once each: when OctoBot's own look at the exchange and ours find an order at the same moment, OctoBot has it twice.
    """
    orders = exchange_manager.exchange_personal_data.orders_manager.get_all_orders(symbol=symbol)
    named = [(order, own_id(order)) for order in orders if order.status not in _ENDED]
    named.sort(key=lambda one: one[1] is not None)  # of two the last one stays: that which is known to be ours
    return list({order.exchange_order_id or order.order_id: (order, name) for order, name in named}.values())


def open_order(order: typing.Any, placed_at: float | None) -> OpenOrder:
    """An order of OctoBot's as the core sees it.

    :param placed_at: the moment at which we placed it; None when we did not.
    """
    return OpenOrder(
        order_id=order.order_id,
        side=Side(order.side.value),
        price=order.origin_price,
        remaining_quantity=order.origin_quantity - order.filled_quantity,
        placed_at=order.creation_time if placed_at is None else placed_at,
        is_ours=placed_at is not None,
        is_cancelling=order.status is trading_enums.OrderStatus.PENDING_CANCEL,
    )
