"""Random operations on a matching engine: three markets that share assets, accounts with every kind of fee."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from octobot_volume_booster.offline_exchange.server.engine.accounts import FeeAsset, FeeSchedule
from octobot_volume_booster.offline_exchange.server.engine.matching import Engine
from octobot_volume_booster.offline_exchange.server.engine.orders import (
    Kind,
    RefusedError,
    Request,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from octobot_volume_booster.offline_exchange.server.market.markets import MarketRules

RULES = (
    MarketRules("BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal(5), Decimal(9_000)),
    MarketRules("ETH", "USDT", Decimal("0.1"), Decimal("0.0003"), Decimal(5), Decimal(900_000)),
    MarketRules("ETH", "BTC", Decimal("0.00001"), Decimal("0.001"), Decimal("0.0001")),
)
MIDS = {"BTCUSDT": Decimal(60_000), "ETHUSDT": Decimal(3_000), "ETHBTC": Decimal("0.05")}
ASSETS = ("BTC", "ETH", "USDT")
FEES = {
    "received": FeeSchedule(),
    "quote": FeeSchedule(Decimal("-0.0002"), Decimal("0.00075"), FeeAsset.QUOTE),
    "base": FeeSchedule(Decimal("0.00075"), Decimal("0.00123"), FeeAsset.BASE),
    "free": FeeSchedule(Decimal(0), Decimal(0)),
    "odd": FeeSchedule(Decimal("0.0007512345678901"), Decimal("-0.01"), FeeAsset.BASE),
    "dear": FeeSchedule(Decimal("0.1"), Decimal("0.0999999"), FeeAsset.QUOTE),
}
ACCOUNTS = tuple(FEES)
MAKER, CROWD = "maker", "crowd"
DEPOSITS = {"BTC": Decimal("0.3"), "ETH": Decimal(6), "USDT": Decimal(20_000)}


@dataclass(frozen=True)
class Submit:
    account: str
    request: Request


@dataclass(frozen=True)
class TradeForMarket:
    request: Request


@dataclass(frozen=True)
class Quote:
    market_id: str
    levels: tuple[tuple[Side, Decimal, Decimal], ...]


@dataclass(frozen=True)
class ThinOut:
    market_id: str
    most: tuple[tuple[tuple[Side, Decimal], Decimal], ...]


@dataclass(frozen=True)
class Cancel:
    account: str
    market_id: str
    order_id: int


@dataclass(frozen=True)
class PayIn:
    account: str
    asset: str
    amount: Decimal


Operation = Submit | TradeForMarket | Quote | ThinOut | Cancel | PayIn


def market_of(operation: Operation) -> str | None:
    """The market on which it happens, if it is on one."""
    if isinstance(operation, Submit | TradeForMarket):
        return operation.request.market_id
    return None if isinstance(operation, PayIn) else operation.market_id


def new_engine() -> Engine:
    engine = Engine(RULES)
    for name, fees in FEES.items():
        engine.open_account(name, fees)
        for asset, amount in DEPOSITS.items():
            engine.pay_in(name, asset, amount)
    for name in (MAKER, CROWD):
        engine.open_account(name, FeeSchedule(Decimal(0), Decimal("0.001")), is_market=True)
    return engine


def carry_out(engine: Engine, operation: Operation, now_ms: int) -> str:
    """Do it; gives why it was refused, or nothing."""
    try:
        if isinstance(operation, Submit):
            engine.submit(operation.account, operation.request, now_ms)
        elif isinstance(operation, TradeForMarket):
            engine.trade_for_market(CROWD, operation.request, now_ms)
        elif isinstance(operation, Quote):
            engine.quote(MAKER, operation.market_id, operation.levels, now_ms)
        elif isinstance(operation, ThinOut):
            engine.thin_out(MAKER, operation.market_id, dict(operation.most), now_ms)
        elif isinstance(operation, Cancel):
            engine.cancel(operation.account, operation.market_id, operation.order_id, now_ms)
        else:
            engine.pay_in(operation.account, operation.asset, operation.amount)
    except RefusedError as refused:
        return refused.reason.name
    except ValueError:
        return "WITHDRAWAL"
    return ""


def draw_operation(rng: random.Random, engine: Engine) -> Operation:
    """Any operation; prices are near each other, so that many orders meet."""
    rules, account = rng.choice(RULES), rng.choice(ACCOUNTS)
    return _DRAWN[rng.choices(range(len(_DRAWN)), _WEIGHTS)[0]](rng, engine, rules, account)


def _submit(rng: random.Random, engine: Engine, rules: MarketRules, account: str) -> Operation:
    side, stp = rng.choice(tuple(Side)), rng.choice(tuple(SelfTradePrevention))
    client_id = f"id {rng.randrange(20)}" if not rng.randrange(4) else ""
    kind = rng.choice((Kind.LIMIT, Kind.LIMIT, Kind.LIMIT, Kind.LIMIT_MAKER, Kind.MARKET))
    in_force = rng.choice((TimeInForce.GTC, *TimeInForce)) if kind is Kind.LIMIT else TimeInForce.GTC
    quantity: Decimal | None = _quantity(rng, rules)
    price: Decimal | None = _price(rng, rules, side)
    spend = None
    if kind is Kind.MARKET:
        price = None
        if rng.randrange(2):
            quantity, spend = None, _spend(rng, rules)
    request = Request(rules.id, side, kind, quantity, price, spend, in_force, client_id, stp)
    return Submit(account, request)


def _quantity(rng: random.Random, rules: MarketRules) -> Decimal:
    odd = (Decimal(0), -rules.step_base, rules.step_base / 2, rules.step_base, Decimal(10) ** 30, Decimal("NaN"))
    if not rng.randrange(25):
        return rng.choice(odd)
    typical = rng.choice((10, 100, 100, 1_000, 5_000)) / MIDS[f"{rules.base}USDT"]
    return rules.quantity(max(1, int(typical / rules.step_base * rng.randrange(1, 100) / 50)))


def _price(rng: random.Random, rules: MarketRules, side: Side) -> Decimal:
    """Near the middle on any side of it, or further away where it rests."""
    if not rng.randrange(40):
        odd = (Decimal(0), -rules.tick_quote, rules.tick_quote / 3, Decimal(10) ** 30, Decimal("Infinity"))
        return rng.choice((*odd, rules.tick_quote, MIDS[rules.id] * 2))
    away = -1 if side is Side.BUY else 1
    ticks = rng.choice((rng.randint(-5, 5), away * rng.randint(1, 5), away * rng.randint(1, 40)))
    return MIDS[rules.id] + rules.price(ticks)


def _spend(rng: random.Random, rules: MarketRules) -> Decimal:
    if not rng.randrange(20):
        return rng.choice((Decimal(0), Decimal("1E-9"), Decimal(-5), Decimal(10) ** 30, Decimal("NaN")))
    in_usdt = Decimal(rng.randrange(4 * 10**8, 4_000 * 10**8)).scaleb(-8)
    return in_usdt if rules.quote == "USDT" else (in_usdt / 60_000).quantize(Decimal("1E-8"))


def _crowd(rng: random.Random, engine: Engine, rules: MarketRules, account: str) -> Operation:
    quantity = rules.quantity(rng.randint(1, int(Decimal(5_000) / MIDS[f"{rules.base}USDT"] / rules.step_base)))
    side, price = rng.choice(tuple(Side)), MIDS[rules.id] + rules.price(rng.randint(-4, 4))
    return TradeForMarket(Request(rules.id, side, Kind.LIMIT, quantity, price, time_in_force=TimeInForce.IOC))


def _quote(rng: random.Random, engine: Engine, rules: MarketRules, account: str) -> Operation:
    middle, levels = rng.randint(-6, 6), []
    for side, away in ((Side.BUY, -1), (Side.SELL, 1)):
        for distance in rng.sample(range(1, 9), rng.randrange(6)):
            steps = rng.randint(1, int(Decimal(3_000) / MIDS[f"{rules.base}USDT"] / rules.step_base))
            levels.append((side, MIDS[rules.id] + rules.price(middle + away * distance), rules.quantity(steps)))
    return Quote(rules.id, tuple(levels))


def _thin_out(rng: random.Random, engine: Engine, rules: MarketRules, account: str) -> Operation:
    prices = [MIDS[rules.id] + rules.price(ticks) for ticks in rng.sample(range(-6, 7), 4)]
    steps = int(Decimal(1_000) / MIDS[f"{rules.base}USDT"] / rules.step_base)
    most = {(rng.choice(tuple(Side)), price): rules.quantity(rng.randint(0, steps)) for price in prices}
    return ThinOut(rules.id, tuple(most.items()))


def _cancel(rng: random.Random, engine: Engine, rules: MarketRules, account: str) -> Operation:
    own = tuple(engine.accounts[account].open_orders)
    order_id = rng.choice(own) if own and rng.randrange(10) else rng.randint(0, engine.last_order_id)
    order = engine.accounts[account].open_orders.get(order_id)
    return Cancel(account, rules.id if order is None or not rng.randrange(20) else order.request.market_id, order_id)


def _pay_in(rng: random.Random, engine: Engine, rules: MarketRules, account: str) -> Operation:
    asset = rng.choice(ASSETS)
    amount = Decimal(rng.randrange(int(DEPOSITS[asset] * 10**8))).scaleb(-8)
    return PayIn(account, asset, rng.choice((amount, amount, -amount, -amount, Decimal("1E-9"))))


_DRAWN: tuple[Callable[[random.Random, Engine, MarketRules, str], Operation], ...] = (
    _submit, _cancel, _pay_in, _crowd, _quote, _thin_out,
)  # fmt: skip
_WEIGHTS = (80, 10, 4, 2, 3, 1)
