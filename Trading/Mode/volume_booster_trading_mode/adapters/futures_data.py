"""OctoBot's futures -> core: the contract of a symbol, its margin and its position; and what can't be traded, and why.

OctoBot tells quantities of futures in base, or in quote where the contract is inverse, and not in contracts: it divides
by the contract size when an order leaves, and multiplies what comes back.
"""

from __future__ import annotations

import typing
from decimal import Decimal

import ccxt
import octobot
import octobot_commons.symbols as commons_symbols
import octobot_trading.enums as trading_enums
import octobot_trading.errors as trading_errors

from ..core.model.basics import ONE, ZERO
from ..core.model.instrument import SPOT, Valuation
from ..core.model.redact import text_of
from ..core.model.snapshot import FuturesAccount, Level
from ..core.model.versions import fails_at_fills_of_futures

_UNANSWERED = (
    ccxt.BaseError, NotImplementedError, trading_errors.OctoBotExchangeError, trading_errors.NotSupported,
    trading_errors.UnreachableExchange,
)  # fmt: skip


class NoContractError(Exception):
    """The contract can't be traded, or not yet; the message says why."""


def is_futures(exchange_manager: typing.Any) -> bool:
    """Whether OctoBot trades futures on this exchange."""
    return bool(exchange_manager.is_future)


def refusal(exchange_manager: typing.Any, symbol: str, octobot_version: str = octobot.VERSION) -> str:
    """Why this symbol is not traded, whatever else is well; empty when it may be."""
    is_contract = bool(commons_symbols.parse_symbol(symbol).is_future())
    name = exchange_manager.exchange_name
    if not is_futures(exchange_manager):
        told = f"{symbol} is a contract, and OctoBot trades {name} on spot: set its exchange-type to future"
        return told if is_contract else ""
    if not is_contract:
        return (
            f"{symbol} is no contract, and OctoBot trades futures on {name}: name one, as BTC/USDT:USDT or BTC/USD:BTC"
        )
    if not _is_real(exchange_manager) or not fails_at_fills_of_futures(octobot_version):
        return _unsupported(exchange_manager, symbol)
    return (
        f"OctoBot {octobot_version} fails at every fill of its real trader on futures (it says that they are not "
        f"supported yet): on {name} use OctoBot 2.0.15 (Python 3.10 or 3.11), or the trader simulator"
    )


def _is_real(exchange_manager: typing.Any) -> bool:
    return exchange_manager.trader is not None and not exchange_manager.trader.simulate


def _unsupported(exchange_manager: typing.Any, symbol: str) -> str:
    """What of a loaded contract this mode does not trade."""
    contract = _contract(exchange_manager, symbol)
    if contract is None:
        return ""
    name = exchange_manager.exchange_name
    if not contract.is_handled_contract():
        return f"OctoBot does not know what kind of contract {symbol} on {name} is"
    if contract.is_inverse_contract() != commons_symbols.parse_symbol(symbol).is_inverse():
        taken_for = "an inverse" if contract.is_inverse_contract() else "a linear"
        return (
            f"OctoBot takes {symbol} on {name} for {taken_for} contract, which it is not, and would count it wrongly: "
            "choose another pair; in a backtest use `volume-booster backtest`"
        )
    try:
        contract.ensure_supported_configuration()
    except trading_errors.UnsupportedHedgeContractError as error:
        return f"{text_of(error)}: switch {name} to the one-way position mode, in its own settings"
    return ""


def _contract(exchange_manager: typing.Any, symbol: str) -> typing.Any:
    exchange = exchange_manager.exchange
    return None if exchange is None else exchange.pair_contracts.get(symbol)


async def prepare(exchange_manager: typing.Any, symbol: str, leverage: Decimal, *, may_change: bool) -> None:
    """See to it that the contract is loaded and has this leverage, which is set when it has another one.

    :param may_change: whether anything of the account may be changed; if not, the leverage stays as it is.
    :raises NoContractError: when that can't be.
    """
    name, exchange = exchange_manager.exchange_name, exchange_manager.exchange
    try:
        if _contract(exchange_manager, symbol) is None and _is_real(exchange_manager):
            # newer OctoBots name it differently
            load = getattr(exchange, "load_pair_contract", None) or exchange.load_pair_future_contract
            await load(symbol)
        contract = _contract(exchange_manager, symbol)
        if contract is None:
            raise NoContractError(f"OctoBot has not loaded the contract {symbol} of {name} yet")
        if may_change and contract.current_leverage != leverage and contract.check_leverage_update(leverage):
            await exchange_manager.trader.set_leverage(symbol, None, leverage)
        if _is_real(exchange_manager):
            await _refresh_position(exchange_manager, symbol)
    except _UNANSWERED as error:
        raise NoContractError(f"{name} does not take leverage {leverage:g} for {symbol}: {text_of(error)}") from error


async def _refresh_position(exchange_manager: typing.Any, symbol: str) -> None:
    """The position as the exchange has it now: OctoBot asks for it every few seconds."""
    told = await exchange_manager.exchange.get_position(symbol)
    side = told[trading_enums.ExchangeConstantsPositionColumns.SIDE.value]
    await exchange_manager.exchange_personal_data.handle_position_update(symbol, side, told, should_notify=False)


def valuation(exchange_manager: typing.Any, symbol: str, quote_rate: Decimal = ONE) -> Valuation:
    """What a quantity of the symbol is worth, one of its quote being worth so much."""
    is_inverse = is_futures(exchange_manager) and commons_symbols.parse_symbol(symbol).is_inverse()
    return (
        Valuation(quote_rate, is_inverse=True) if is_inverse else SPOT if quote_rate == ONE else Valuation(quote_rate)
    )


def contract_size(exchange_manager: typing.Any, symbol: str) -> Decimal:
    """What one contract of the exchange is of OctoBot's quantities; OctoBot's backtesting knows no contracts."""
    client = getattr(getattr(exchange_manager.exchange, "connector", None), "client", None)
    if client is None or not is_futures(exchange_manager):
        return Decimal(1)
    return Decimal(str(client.market(symbol).get("contractSize") or 1))


def in_octobot_quantities(levels: tuple[Level, ...], size: Decimal) -> tuple[Level, ...]:
    """The levels of an order book whose quantities are contracts."""
    return levels if size == 1 else tuple(Level(level.price, level.quantity * size) for level in levels)


def settle_asset(symbol: str) -> str:
    """What margin, fees and profit of a contract are in."""
    parsed = commons_symbols.parse_symbol(symbol)
    return str(parsed.base if parsed.is_inverse() else parsed.quote)


def totals(exchange_manager: typing.Any, symbol: str) -> tuple[Decimal, Decimal]:
    """The margin balance, as base where the contract is inverse and as quote where it is linear."""
    total = Decimal(_asset(exchange_manager, symbol).total)
    return (total, ZERO) if commons_symbols.parse_symbol(symbol).is_inverse() else (ZERO, total)


def margin_free(exchange_manager: typing.Any, symbol: str) -> Decimal:
    """What is free of the margin, in the currency that the contract is settled in."""
    return Decimal(_asset(exchange_manager, symbol).available)


def _asset(exchange_manager: typing.Any, symbol: str) -> typing.Any:
    portfolio = exchange_manager.exchange_personal_data.portfolio_manager.portfolio
    return portfolio.get_currency_portfolio(settle_asset(symbol))


def read_account(
    exchange_manager: typing.Any, symbol: str, mid_price: Decimal, own_quantity: Decimal
) -> FuturesAccount:
    """Margin and position of a symbol, of which the campaign has made `own_quantity`.

    :raises NoContractError: when OctoBot has not loaded the contract.
    """
    contract = _contract(exchange_manager, symbol)
    if contract is None:
        raise NoContractError(f"OctoBot has not loaded the contract {symbol} of {exchange_manager.exchange_name} yet")
    position = _position(exchange_manager, symbol)
    free = margin_free(exchange_manager, symbol)
    return FuturesAccount(
        net_quantity=Decimal(position.size),
        own_quantity=own_quantity,
        margin_free_quote=free * mid_price if contract.is_inverse_contract() else free,
        leverage=Decimal(contract.current_leverage),
        max_leverage=None if contract.maximum_leverage is None else Decimal(contract.maximum_leverage),
        liquidation_price=_known(position.liquidation_price),
        funding_rate=_funding_rate(exchange_manager, symbol),
    )


def own_quantity(exchange_manager: typing.Any, symbol: str, booked: Decimal) -> Decimal:
    """What of the position the campaign has made, of which its ledger says `booked`.

    OctoBot's simulator begins without a position each time, and nobody else trades there: all of it is the campaign's.
    """
    if not exchange_manager.trader.simulate or _contract(exchange_manager, symbol) is None:
        return booked
    return Decimal(_position(exchange_manager, symbol).size)


def _position(exchange_manager: typing.Any, symbol: str) -> typing.Any:
    positions = exchange_manager.exchange_personal_data.positions_manager
    return positions.get_symbol_position(symbol, trading_enums.PositionSide.BOTH)


def _funding_rate(exchange_manager: typing.Any, symbol: str) -> Decimal | None:
    data = exchange_manager.exchange_symbols_data.get_exchange_symbol_data(symbol, allow_creation=False)
    if data is None:
        return None
    rate = Decimal(data.funding_manager.funding_rate)
    return rate if rate.is_finite() else None


def _known(price: typing.Any) -> Decimal | None:
    """OctoBot says 0 or NaN where it does not know."""
    told = Decimal(price or 0)
    return told if told.is_finite() and told > 0 else None


def order_options(exchange_manager: typing.Any, symbol: str, *, reduce_only: bool) -> dict[str, typing.Any]:
    """What an order of a contract is made with, beside side, quantity and price.

    Unless it is told the currency of the fees, OctoBot's simulator charges a buy quantity x rate of base: for an
    inverse contract that is the fee times the price.
    """
    contract = _contract(exchange_manager, symbol)
    if not is_futures(exchange_manager) or contract is None:
        return {}
    return {"reduce_only": reduce_only, "fees_currency_side": contract.get_fees_currency_side()}
