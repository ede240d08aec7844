"""OctoBot's simulated futures: the same bot as on spot, with a contract, a position and a margin account."""

from __future__ import annotations

import contextlib
import typing
from decimal import Decimal

import octobot_commons.enums as commons_enums
import octobot_trading.constants as trading_constants
import octobot_trading.enums as trading_enums

from . import conftest
from .conftest import Bot, new_mode, simulated_exchange

LINEAR, INVERSE = "BTC/USDT:USDT", "BTC/USD:BTC"
KINDS = {
    LINEAR: trading_enums.FutureContractType.LINEAR_PERPETUAL,
    INVERSE: trading_enums.FutureContractType.INVERSE_PERPETUAL,
}


async def futures_exchange(stack: contextlib.AsyncExitStack, symbol: str, **portfolio: typing.Any) -> typing.Any:
    """An exchange manager with the contract of a symbol, as OctoBot's own updater of simulated positions makes it."""
    config = conftest.CONFIG | {
        "crypto-currencies": {"Bitcoin": {"pairs": [symbol], "enabled": True}},
        "exchanges": {conftest.EXCHANGE: {"enabled": True, "exchange-type": "future"}},
        "trader-simulator": conftest.CONFIG["trader-simulator"] | {"starting-portfolio": portfolio},
        "time_frame": [commons_enums.TimeFrames.ONE_MINUTE],
    }
    manager = await simulated_exchange(stack, config, symbol, is_future=True)
    load_contract(manager, symbol)
    return manager


def load_contract(manager: typing.Any, symbol: str, **changes: typing.Any) -> None:
    terms = {
        "pair": symbol,
        "current_leverage": trading_constants.DEFAULT_SYMBOL_LEVERAGE,
        "contract_size": trading_constants.DEFAULT_SYMBOL_CONTRACT_SIZE,
        "margin_type": trading_constants.DEFAULT_SYMBOL_MARGIN_TYPE,
        "contract_type": KINDS[symbol],
        "position_mode": trading_constants.DEFAULT_SYMBOL_POSITION_MODE,
        "maintenance_margin_rate": trading_constants.DEFAULT_SYMBOL_MAINTENANCE_MARGIN_RATE,
        "maximum_leverage": trading_constants.DEFAULT_SYMBOL_MAX_LEVERAGE,
    }
    manager.exchange.create_pair_contract(**terms | changes)


async def futures_bot(stack: contextlib.AsyncExitStack, symbol: str, **settings: typing.Any) -> Bot:
    """A started bot on one contract, with 1 BTC and 10,000 USDT of margin."""
    manager = await futures_exchange(stack, symbol, BTC=1, USDT=10_000)
    mode = await new_mode(manager, {"seed": 7} | settings, symbol)
    manager.trading_modes.append(mode)
    bot = Bot(manager, mode, symbol)
    await bot.producer.start()
    return bot


def position(bot: Bot) -> typing.Any:
    """OctoBot's own."""
    positions = bot.manager.exchange_personal_data.positions_manager
    return positions.get_symbol_position(bot.symbol, trading_enums.PositionSide.BOTH)


def worth(bot: Bot, quantity: Decimal, price: Decimal) -> Decimal:
    """A quantity of OctoBot's in quote, worked out here once more."""
    return quantity if bot.symbol == INVERSE else quantity * price
