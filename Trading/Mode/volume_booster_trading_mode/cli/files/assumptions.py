"""The conditions of a plan before anything runs: from the profile, the local exchange's own defaults, and the options.

The numbers of the local exchange are read from it, so that a plan and a rehearsal assume the same.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import math
import pathlib
import typing
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from ...core.model.basics import OrderType, Side, Trading
from ...core.model.formats import shown
from ...core.model.instrument import MarketRules, base_of, quote_of
from ...core.model.redact import text_of
from ...core.model.snapshot import Balances
from ...core.planning.market_conditions import ORDER_INTERVAL_S, ORDER_LATENCY_S, Conditions
from ...core.settings.schema import Settings
from ...journal.journal import CONDITIONS, Journal
from . import home

EXCHANGE_PACKAGE = f"{__package__.rsplit('.', 2)[0]}.offline_exchange.server"
MONEY = ("USD", "USDT", "USDC", "FDUSD", "TUSD", "DAI", "EUR", "GBP")
"""Quotes of which one is worth about as much as one of the local exchange's."""
USUAL_DIGITS = 5
"""So many digits have the prices of most pairs."""
STEPS_IN_SMALLEST = 100
"""So many steps of quantity, or more, are in the smallest order of most pairs."""
SMALLEST_IN_AMOUNT = 5
"""Where nothing is known of a quote: the settings' smallest amount is so many of the exchange's smallest orders."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """The conditions with their trader and market, and their sources in words."""

    conditions: Conditions
    trading: Trading
    exchange: str
    symbol: str
    sources: tuple[str, ...]


def assume(arguments: argparse.Namespace, config: dict[str, typing.Any], settings: Settings) -> Assumed:
    """The conditions of a campaign with this profile.

    :raises HomeError: naming what neither the profile nor the local exchange has, and the option for it.
    """
    exchange = _first(config["exchanges"], "exchange")
    home.check_trades_pairs(config)
    pairs = home.enabled_pairs(config)
    symbol = pairs[0]
    trading = _trading(config, exchange)
    recorded = _recorded(arguments, exchange, symbol)
    spec = _market(arguments, symbol, recorded)
    price = arguments.price or (spec.start_price_quote if recorded is None else recorded.price)
    terms = _terms(arguments, spec, symbol, price, settings, recorded)
    simulator = config["trader-simulator"]
    spread_bps, why = _spread(arguments, trading, spec)
    sources = [*terms.sources, why, *_fee_and_balance_sources(arguments)]
    interval_s = ORDER_INTERVAL_S.get((trading, settings.order_type.sends), 0.0)
    if interval_s:
        sources.append(f"pace: at most {1 / interval_s:.1f} orders a second, as the client's throttle lets through")
    mean_print_quote = terms.unit * spec.print_median_quote * math.exp(spec.size_log_deviation**2 / 2)
    conditions = Conditions(
        rules=_rules(arguments, terms, symbol, simulator["fees"]),
        price=price,
        balances=_balances(arguments, symbol, simulator["starting-portfolio"], price),
        spread_bps=spread_bps,
        volatility_percent=_or(arguments.volatility_percent, spec.annual_volatility * 100),
        depth_quote=None
        if trading in (Trading.SIMULATION, Trading.BACKTEST)
        else _or(arguments.depth_quote, terms.unit * spec.level_median_quote),
        refill_per_second=spec.refill_per_second,
        order_latency_s=ORDER_LATENCY_S[trading],
        order_interval_s=interval_s,
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


def _recorded(arguments: argparse.Namespace, exchange: str, symbol: str) -> Conditions | None:
    """What a campaign of this home met on a market that the local exchange does not list; None where there was none.

    :raises JournalError: when its journal can't be read.
    """
    octobot_home = home.Home(arguments.home.absolute())
    if _listed(symbol) or not octobot_home.campaign.is_file():
        return None
    with contextlib.closing(Journal.open_to_read(octobot_home.campaign, in_depth=False)) as journal:
        met = [
            one.reason for one in journal.events() if one.kind == CONDITIONS and one.source == f"{exchange} {symbol}"
        ]
    return Conditions.from_json(json.loads(met[-1])) if met else None


def _listed(symbol: str) -> typing.Any:
    """The local exchange's market of a pair, or of the pair that a contract is on; None where it lists none."""
    of = f"{base_of(symbol)}/{quote_of(symbol)}"
    return next((market for market in _markets() if f"{market.base}/{market.quote}" == of), None)


def _market(arguments: argparse.Namespace, symbol: str, recorded: Conditions | None) -> typing.Any:
    """The local exchange's market of a symbol, or where it lists none its first one.

    :raises HomeError: when it lists none and no price is given.
    """
    spec = _listed(symbol)
    if spec is None and arguments.price is None and recorded is None:
        raise home.HomeError(f"the local exchange has no {symbol}: give its price with --price")
    return _of_character(spec or _markets()[0], arguments.market)


def _of_character(spec: typing.Any, name: str | None) -> typing.Any:
    """A market of the local exchange as the preset or file of `--market` has it."""
    if name is None:
        return spec
    try:
        return importlib.import_module(f"{EXCHANGE_PACKAGE}.market.character").character_named(name).of(spec)
    except ValueError as error:
        raise home.HomeError(text_of(error)) from error


def listed_price(symbol: str) -> Decimal | None:
    """What the local exchange's market of a pair, or of the pair that a contract is on, starts from; None for none."""
    market = _listed(symbol)
    return None if market is None else typing.cast(Decimal, market.start_price_quote)


def small_target(settings: Settings, symbols: typing.Iterable[str]) -> list[str]:
    """What is wrong with a target that the smallest order of the local exchange passes: nobody asked for that order.

    :param symbols: pairs and contracts; those that the local exchange does not list are passed over.
    """
    listed = ((symbol, _listed(symbol)) for symbol in symbols)
    smallest = [(symbol, Decimal(market.minimum_notional_quote)) for symbol, market in listed if market is not None]
    if not smallest:
        return []
    symbol, least = min(smallest, key=lambda one: one[1])
    if settings.volume_target >= least:
        return []
    quote = quote_of(symbol)
    target, order = (shown(value, quote) for value in (settings.volume_target, least))
    problem = (
        f"volume_target: {target} is below the smallest order of {order} {quote} that the exchange takes on {symbol}: "
        "name a larger target"
    )
    return [problem]


def _markets() -> tuple[typing.Any, ...]:
    return tuple(importlib.import_module(f"{EXCHANGE_PACKAGE}.market.price_path").MARKETS)


@dataclass(frozen=True, slots=True)
class _Terms:
    """Steps and limits of a market, and what one of the local exchange's quote is in its own."""

    tick: Decimal
    step: Decimal
    min_notional: Decimal
    max_quantity: Decimal | None
    max_notional: Decimal | None
    unit: float
    sources: tuple[str, ...]


def _terms(
    arguments: argparse.Namespace,
    spec: typing.Any,
    symbol: str,
    price: Decimal,
    settings: Settings,
    recorded: Conditions | None,
) -> _Terms:
    """Terms from the options, else of the local exchange, else usual ones for such a price.

    :raises HomeError: when a price of the pair would be nothing.
    """
    of = f"{spec.base}/{spec.quote}"
    is_listed = _listed(symbol) is not None
    unit = Decimal(1) if is_listed else _unit(symbol, spec, settings)
    usual = (
        (spec.tick_quote, spec.step_base, spec.minimum_notional_quote, spec.maximum_quantity_base)
        if is_listed
        else _usual(price, spec.minimum_notional_quote * unit, arguments.min_notional)
        if recorded is None
        else _rules_of(recorded.rules)
    )
    given = arguments.price_tick, arguments.quantity_step, arguments.min_notional, arguments.max_quantity
    tick, step, least, most = (one if asked is None else asked for asked, one in zip(given, usual, strict=True))
    if tick > price:
        raise home.HomeError(f"a price of {price:f} is less than a price tick of {tick:f}: give a smaller --price-tick")
    others = f"volatility and depth: those of {of} on the local exchange"
    are_given = given != (None, None, None, None)
    sources: tuple[str, ...] = (_rules_source(tick, step, least, most), others)
    if is_listed and not are_given:
        sources = (f"rules, {others}",)
    elif recorded is not None and not are_given:
        sources = ("rules and price: those that this home's campaign met when it began", others)
    max_notional = spec.maximum_notional_quote if is_listed else None
    return _Terms(tick, step, least, most, max_notional, float(unit), sources)


def _rules_of(rules: MarketRules) -> tuple[Decimal, Decimal, Decimal, Decimal | None]:
    return rules.price_tick, rules.quantity_step, rules.min_notional, rules.max_quantity


def _rules_source(tick: Decimal, step: Decimal, least: Decimal, most: Decimal | None) -> str:
    largest = "no largest one" if most is None else f"a largest one of {most:f}"
    return (
        f"rules: a price tick of {tick:f}, a quantity step of {step:f}, a smallest order of {least:f} and {largest}, "
        "as given or as usual at such a price"
    )


def _usual(
    price: Decimal, min_notional: Decimal, asked: Decimal | None
) -> tuple[Decimal, Decimal, Decimal, Decimal | None]:
    """Price tick, quantity step, smallest and largest order of a pair of which only the price is known."""
    least = _first_digit(min_notional, ROUND_CEILING)
    step = (asked or least) / STEPS_IN_SMALLEST / price
    one = Decimal(1)
    return one.scaleb(price.adjusted() + 1 - USUAL_DIGITS), one.scaleb(step.adjusted()), least, None


def _first_digit(value: Decimal, rounding: str) -> Decimal:
    return value.quantize(Decimal(1).scaleb(value.adjusted()), rounding)


def _unit(symbol: str, spec: typing.Any, settings: Settings) -> Decimal:
    """What one of the local exchange's quote is in that of a symbol."""
    quote = quote_of(symbol)
    if quote in MONEY:
        return Decimal(1)
    prices = {market.base: market.start_price_quote for market in _markets() if market.quote == spec.quote}
    if quote in prices:
        return 1 / Decimal(prices[quote])
    smallest = min(settings.amount_range(side)[0] for side in Side)
    return smallest / SMALLEST_IN_AMOUNT / Decimal(spec.minimum_notional_quote)


def _rules(arguments: argparse.Namespace, terms: _Terms, symbol: str, fees: dict[str, typing.Any]) -> MarketRules:
    base, quote = base_of(symbol), quote_of(symbol)
    maker, taker = (
        Decimal(str(fees[name] if asked is None else asked)) / 100
        for name, asked in (("maker", arguments.maker_fee_percent), ("taker", arguments.taker_fee_percent))
    )
    return MarketRules(
        base, quote, terms.tick, terms.step, terms.step, terms.min_notional, terms.max_quantity, terms.max_notional,
        maker, taker,
    )  # fmt: skip


def _spread(arguments: argparse.Namespace, trading: Trading, spec: typing.Any) -> tuple[float, str]:
    if arguments.spread_bps is not None:
        return float(arguments.spread_bps), f"spread: {arguments.spread_bps:g} bps, as given"
    if trading in (Trading.SIMULATION, Trading.BACKTEST):
        return 0.0, "spread: none, as OctoBot's simulator fills at the market price; --spread-bps sets a market's"
    return spec.spread_bps, f"spread: {spec.spread_bps:g} bps, that of the local exchange; --spread-bps sets another"


def _fee_and_balance_sources(arguments: argparse.Namespace) -> list[str]:
    are_given = arguments.maker_fee_percent is not None or arguments.taker_fee_percent is not None
    return [
        "fees: as given" if are_given else "fees: those of the profile's simulator",
        "balances: as given" if arguments.balance else "balances: the starting portfolio of the profile's simulator",
    ]


def _balances(arguments: argparse.Namespace, symbol: str, portfolio: dict[str, typing.Any], price: Decimal) -> Balances:
    """What is free of base and quote; on futures what the margin is worth of each."""
    held = {asset: Decimal(str(amount)) for asset, amount in portfolio.items()} | dict(arguments.balance)
    base, quote, margin = base_of(symbol), quote_of(symbol), symbol.partition(":")[2]
    if margin:
        free = held.get(margin)
        if free is None:
            raise home.HomeError(f"the profile has no balance of {margin}: use --balance {margin}=AMOUNT")
        return Balances(free / price, free) if margin == quote else Balances(free, free * price)
    if missing := [asset for asset in (base, quote) if asset not in held]:
        raise home.HomeError(
            f"the profile has no balance of {' and '.join(missing)}: use --balance {missing[0]}=AMOUNT"
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
    if trading in (Trading.SIMULATION, Trading.BACKTEST) or settings.order_type.sends is OrderType.MARKET:
        return None
    limits = importlib.import_module(f"{EXCHANGE_PACKAGE}.rest.rate_limits").RateLimits()
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
        raise home.HomeError(f"{path} can't be read: {text_of(error)}") from error
