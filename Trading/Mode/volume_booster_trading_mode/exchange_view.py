"""OctoBot -> core: one frozen View of a symbol. What can't be read is said, never made up."""

from __future__ import annotations

import typing
from collections.abc import Callable
from decimal import Decimal

import octobot_commons.symbols as commons_symbols
import octobot_trading.enums as trading_enums
import octobot_trading.personal_data as trading_personal_data

from .core.market import Balances, MarketRules, OpenOrder, Side, Trading, View

MarketStatus = trading_enums.ExchangeConstantsMarketStatusColumns
FeeColumns = trading_enums.ExchangeConstantsMarketPropertyColumns


class NotReadableError(Exception):
    """Something that a decision needs is missing; the message says what."""


def trading_of(exchange_manager: typing.Any) -> Trading:
    """Whose money OctoBot's trader of this exchange moves."""
    if exchange_manager.is_backtesting:
        return Trading.BACKTEST
    return Trading.SIMULATION if exchange_manager.trader.simulate else Trading.LIVE


def read_view(exchange_manager: typing.Any, symbol: str, placed_at: Callable[[str], float | None]) -> View:
    """What a decision on this symbol may look at, now.

    :param placed_at: the moment at which we placed the order of an id; None when we did not.
    :raises NotReadableError: naming what is missing.
    """
    _check_ready(exchange_manager, symbol)
    now = exchange_manager.exchange.get_exchange_current_time()
    mid_price, price_age_s = _market_price(exchange_manager, symbol, now)
    return View(
        exchange=exchange_manager.exchange_name,
        symbol=symbol,
        trading=trading_of(exchange_manager),
        now=now,
        mid_price=mid_price,
        price_age_s=price_age_s,
        rules=read_rules(exchange_manager, symbol),
        balances=_balances(exchange_manager, symbol),
        open_orders=_open_orders(exchange_manager, symbol, placed_at),
    )


def _check_ready(exchange_manager: typing.Any, symbol: str) -> None:
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
        raise NotReadableError(f"OctoBot's trader of {name} is disabled")
    if exchange_manager.exchange_personal_data.portfolio_manager.portfolio is None:
        raise NotReadableError(f"OctoBot has not read the portfolio on {name} yet")


def read_rules(exchange_manager: typing.Any, symbol: str) -> MarketRules:
    """The exchange's rules for a symbol.

    :raises NotReadableError: when the exchange does not list the symbol, or not its precision.
    """
    status = exchange_manager.exchange.get_market_status(symbol, with_fixer=False)
    parsed = commons_symbols.parse_symbol(symbol)
    fees = exchange_manager.exchange.get_fees(symbol)
    precision, limits = status[MarketStatus.PRECISION.value], status[MarketStatus.LIMITS.value]
    amount, cost = limits[MarketStatus.LIMITS_AMOUNT.value], limits[MarketStatus.LIMITS_COST.value]
    return MarketRules(
        base=parsed.base,
        quote=parsed.quote,
        price_tick=_step(precision.get(MarketStatus.PRECISION_PRICE.value), symbol, "price"),
        quantity_step=_step(precision.get(MarketStatus.PRECISION_AMOUNT.value), symbol, "quantity"),
        min_quantity=_limit(amount.get(MarketStatus.LIMITS_AMOUNT_MIN.value)) or Decimal(0),
        min_notional=_limit(cost.get(MarketStatus.LIMITS_COST_MIN.value)) or Decimal(0),
        max_quantity=_limit(amount.get(MarketStatus.LIMITS_AMOUNT_MAX.value)),
        max_notional=_limit(cost.get(MarketStatus.LIMITS_COST_MAX.value)),
        maker_fee_rate=Decimal(str(fees[FeeColumns.MAKER.value])),
        taker_fee_rate=Decimal(str(fees[FeeColumns.TAKER.value])),
    )


def _market_price(exchange_manager: typing.Any, symbol: str, now: float) -> tuple[Decimal, float]:
    prices = exchange_manager.exchange_symbols_data.get_exchange_symbol_data(symbol).prices_manager
    price = Decimal(prices.mark_price)
    if not price.is_finite() or price <= 0:
        raise NotReadableError(f"{exchange_manager.exchange_name} has told no market price of {symbol} yet")
    return price, max(now - prices.mark_price_set_time, 0.0)


def _step(precision: float | int | None, symbol: str, what: str) -> Decimal:
    """The step of a price or a quantity.

    OctoBot tells it as a count of digits, an int, where its exchange class fixes the market status, and else as ccxt
    does, as the step itself, a float: 1 is a tenth there and 1.0 is a whole one.
    """
    if precision is None:
        raise NotReadableError(f"the exchange does not tell the {what} precision of {symbol}")
    if isinstance(precision, int):
        return Decimal(1).scaleb(-precision)
    return Decimal(str(precision))


def _limit(value: float | None) -> Decimal | None:
    return Decimal(str(value)) if value else None


def _balances(exchange_manager: typing.Any, symbol: str) -> Balances:
    base_free, quote_free, _ = trading_personal_data.get_portfolio_amounts(exchange_manager, symbol, Decimal(1))
    return Balances(base_free=base_free, quote_free=quote_free)


def _open_orders(
    exchange_manager: typing.Any, symbol: str, placed_at: Callable[[str], float | None]
) -> tuple[OpenOrder, ...]:
    orders = exchange_manager.exchange_personal_data.orders_manager.get_open_orders(symbol=symbol)
    return tuple(_open_order(order, placed_at(order.order_id)) for order in orders)


def _open_order(order: typing.Any, placed_at: float | None) -> OpenOrder:
    return OpenOrder(
        order_id=order.order_id,
        side=Side(order.side.value),
        price=order.origin_price,
        remaining_quantity=order.origin_quantity - order.filled_quantity,
        placed_at=order.creation_time if placed_at is None else placed_at,
        is_ours=placed_at is not None,
    )
