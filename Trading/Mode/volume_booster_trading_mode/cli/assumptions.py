"""The conditions of a plan before anything runs: from the profile, the local exchange's own defaults, and the options.

The numbers of the local exchange are read from it, so that a plan and a rehearsal assume the same.
"""

from __future__ import annotations

import argparse
import importlib
import math
import pathlib
import typing
from dataclasses import dataclass
from decimal import Decimal

from ..core.conditions import ORDER_LATENCY_S, Conditions
from ..core.market import Balances, MarketRules, OrderType, Trading
from ..core.settings import Settings
from . import home

EXCHANGE_PACKAGE = f"{__package__.rpartition('.')[0]}.offline_exchange.server"


@dataclass(frozen=True, slots=True)
class Assumed:
    """The conditions, whose trader and market they are of, and where they come from, in words."""

    conditions: Conditions
    trading: Trading
    exchange: str
    symbol: str
    sources: tuple[str, ...]


def assume(arguments: argparse.Namespace, config: dict[str, typing.Any], settings: Settings) -> Assumed:
    """What a campaign of a profile with this configuration will meet.

    :raises HomeError: naming what the profile or the local exchange does not tell, and the option that would.
    """
    exchange = _first(config["exchanges"], "exchange")
    pairs = [
        pair for coin in config["crypto-currencies"].values() if coin.get("enabled", True) for pair in coin["pairs"]
    ]
    symbol = str(_first(pairs, "pair"))
    trading = _trading(config, exchange)
    spec, sources = _market(arguments, symbol)
    price = arguments.price or spec.start_price_quote
    simulator = config["trader-simulator"]
    spread_bps, why = _spread(arguments, trading, spec)
    sources += [why, *_fee_and_balance_sources(arguments)]
    mean_print_quote = spec.print_median_quote * math.exp(spec.size_log_deviation**2 / 2)
    conditions = Conditions(
        rules=_rules(arguments, spec, symbol, simulator["fees"]),
        price=price,
        balances=_balances(arguments, symbol, simulator["starting-portfolio"]),
        spread_bps=spread_bps,
        volatility_percent=_or(arguments.volatility_percent, spec.annual_volatility * 100),
        depth_quote=None
        if trading in (Trading.SIMULATION, Trading.BACKTEST)
        else _or(arguments.depth_quote, spec.level_median_quote),
        refill_per_second=spec.refill_per_second,
        order_latency_s=ORDER_LATENCY_S[trading],
        prints_per_second=spec.prints_per_second,
        print_quote=mean_print_quote,
        pairs=len(pairs) * len(config["exchanges"]),
        market_quote_per_hour=_market_volume(arguments, spec, mean_print_quote, exchange),
        orders_per_second=_order_limit(trading, settings),
    )
    return Assumed(conditions, trading, exchange, symbol, tuple(sources))


def _trading(config: dict[str, typing.Any], exchange: str) -> Trading:
    if not config["trader"]["enabled"]:
        return Trading.SIMULATION
    return Trading.SANDBOX if exchange == home.OFFLINE_EXCHANGE else Trading.LIVE


def _market(arguments: argparse.Namespace, symbol: str) -> tuple[typing.Any, list[str]]:
    """The local exchange's market of a symbol, or where it lists none its first one, and that in words.

    :raises HomeError: when it lists none and no price is given.
    """
    markets = importlib.import_module(f"{EXCHANGE_PACKAGE}.price_path").MARKETS
    spec = next((market for market in markets if f"{market.base}/{market.quote}" == symbol), None)
    if spec is None and arguments.price is None:
        raise home.HomeError(f"the local exchange has no {symbol}: tell its price with --price")
    of = symbol if spec is not None else f"{markets[0].base}/{markets[0].quote}"
    return spec or markets[0], [f"rules, volatility and depth: those of {of} on the local exchange"]


def _rules(arguments: argparse.Namespace, spec: typing.Any, symbol: str, fees: dict[str, typing.Any]) -> MarketRules:
    base, _, quote = symbol.partition("/")
    maker, taker = (
        Decimal(str(fees[name] if asked is None else asked)) / 100
        for name, asked in (("maker", arguments.maker_fee_percent), ("taker", arguments.taker_fee_percent))
    )
    return MarketRules(
        base, quote, spec.tick_quote, spec.step_base, spec.step_base,
        spec.minimum_notional_quote if arguments.min_notional is None else arguments.min_notional,
        spec.maximum_quantity_base, spec.maximum_notional_quote, maker, taker,
    )  # fmt: skip


def _spread(arguments: argparse.Namespace, trading: Trading, spec: typing.Any) -> tuple[float, str]:
    if arguments.spread_bps is not None:
        return float(arguments.spread_bps), f"spread: {arguments.spread_bps:g} bps, as given"
    if trading in (Trading.SIMULATION, Trading.BACKTEST):
        return 0.0, "spread: none, as OctoBot's simulator fills at the market price; --spread-bps tells a market's"
    return spec.spread_bps, f"spread: {spec.spread_bps:g} bps, that of the local exchange; --spread-bps tells another"


def _fee_and_balance_sources(arguments: argparse.Namespace) -> list[str]:
    are_given = arguments.maker_fee_percent is not None or arguments.taker_fee_percent is not None
    return [
        "fees: as given" if are_given else "fees: those of the profile's simulator",
        "balances: as given" if arguments.balance else "balances: the starting portfolio of the profile's simulator",
    ]


def _balances(arguments: argparse.Namespace, symbol: str, portfolio: dict[str, typing.Any]) -> Balances:
    held = {asset: Decimal(str(amount)) for asset, amount in portfolio.items()} | dict(arguments.balance)
    base, _, quote = symbol.partition("/")
    if missing := [asset for asset in (base, quote) if asset not in held]:
        raise home.HomeError(
            f"the profile tells no balance of {' and '.join(missing)}: use --balance {missing[0]}=AMOUNT"
        )
    return Balances(held[base], held[quote])


def _market_volume(
    arguments: argparse.Namespace, spec: typing.Any, mean_print_quote: float, exchange: str
) -> Decimal | None:
    if arguments.market_volume is not None:
        return Decimal(arguments.market_volume)
    if exchange != home.OFFLINE_EXCHANGE:
        return None
    return Decimal(round(spec.prints_per_second * mean_print_quote * 3_600))


def _order_limit(trading: Trading, settings: Settings) -> float | None:
    """A market order fills at once, which takes it off the exchange's count; the simulator sends none."""
    if trading in (Trading.SIMULATION, Trading.BACKTEST) or settings.order_type is OrderType.MARKET:
        return None
    limits = importlib.import_module(f"{EXCHANGE_PACKAGE}.rate_limits").RateLimits()
    return float(limits.orders_per_10s) / 10


def _first(values: typing.Iterable[typing.Any], what: str) -> typing.Any:
    for value in values:
        return value
    raise home.HomeError(f"the profile has no {what}")


def _or(value: typing.Any, otherwise: float) -> float:
    return otherwise if value is None else float(value)


def read_text(path: pathlib.Path) -> str:
    """:raises HomeError: when the file can't be read."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        raise home.HomeError(f"{path} can't be read: {error}") from error
