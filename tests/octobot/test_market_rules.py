"""The rules of a market, as ccxt's own classes state them: steps that ccxt writes, and never one that is made up."""

from __future__ import annotations

import copy
import types
import typing
from decimal import Decimal

import ccxt
import octobot_trading.errors as trading_errors
import pytest

from octobot_volume_booster.adapters import market_rules
from octobot_volume_booster.adapters.market_rules import NotReadableError, read_rules
from octobot_volume_booster.core.model.instrument import MarketRules

from .conftest import EXCHANGE, SYMBOL, MakeBot

Limits = dict[str, dict[str, typing.Any]]
NO_LIMITS: Limits = {kind: {"min": None, "max": None} for kind in ("amount", "cost", "price", "market")}
INVERSE = "BTC/USD:BTC"


def stated(symbol: str, amount: typing.Any, price: typing.Any, **others: typing.Any) -> dict[str, typing.Any]:
    """A market as ccxt parses it."""
    base, _, quote = symbol.partition(":")[0].partition("/")
    is_spot = ":" not in symbol
    market: dict[str, typing.Any] = {
        "id": f"{base}{quote}", "symbol": symbol, "base": base, "quote": quote, "baseId": base, "quoteId": quote,
        "type": "spot" if is_spot else "swap", "spot": is_spot, "swap": not is_spot, "contract": not is_spot,
        "linear": None if is_spot else False, "inverse": None if is_spot else True, "info": {},
        "precision": {"amount": amount, "price": price}, "limits": copy.deepcopy(NO_LIMITS),
        "maker": 0.001, "taker": 0.002,
    }  # fmt: skip
    return market | others


class Manager:
    """As much of OctoBot's exchange manager as the rules are read from; the ccxt client is a real one."""

    def __init__(self, ccxt_id: str, market: dict[str, typing.Any], correct: typing.Any = None) -> None:
        self.client = getattr(ccxt, ccxt_id)()
        self.client.set_markets([market])
        self.exchange_name, self.is_backtesting, self.is_future = ccxt_id, False, not market["spot"]
        self.trader = types.SimpleNamespace(simulate=True)
        self.exchange = types.SimpleNamespace(
            connector=types.SimpleNamespace(client=self.client),
            get_market_status=lambda symbol, with_fixer: (correct or _as_stated)(self.client.market(symbol)),
            get_fees=lambda symbol: self.client.market(symbol),
        )

    def rules(self) -> MarketRules:
        return read_rules(self, next(iter(self.client.markets)))


def _as_stated(market: dict[str, typing.Any]) -> dict[str, typing.Any]:
    return copy.deepcopy(market)


@pytest.mark.parametrize("ccxt_id", ["binance", "okx", "kraken", "gate", "coinbase", "bybit"])
@pytest.mark.parametrize(
    ("symbol", "amount", "price"),
    [("BTC/USDT", 0.00001, 0.01), ("DOGE/USDT", 1.0, 0.00001), ("SHIB/USDT", 1.0, 1e-8),
     ("SHIB/USDT", 1000.0, 1e-9), ("PEPE/USDT", 10, 5),
     ("X/USDT", 0.25, 0.5), ("X/USDT", "25", "0.05")],
)  # fmt: skip
def test_steps_are_those_that_ccxt_writes(ccxt_id: str, symbol: str, amount: typing.Any, price: typing.Any) -> None:
    """A step of 10 is no 0.1, 1000 no 0.001, and 1 is 1 whether it is a whole number or not."""
    manager = Manager(ccxt_id, stated(symbol, amount, price))
    rules = manager.rules()
    assert (rules.quantity_step, rules.price_tick) == (Decimal(str(amount)), Decimal(str(price)))
    for count in (1, 7, 12_345):
        quantity, at = rules.quantity_step * count, rules.price_tick * count
        assert Decimal(manager.client.amount_to_precision(symbol, float(quantity))) == quantity
        assert Decimal(manager.client.price_to_precision(symbol, float(at))) == at


@pytest.mark.parametrize(
    ("ccxt_id", "amount", "price", "quantity_step", "tick", "widest"),
    [("hyperliquid", 0.00001, 0.1, "0.00001", "0.1", 1), ("hyperliquid", 0.01, 0.0001, "0.01", "0.0001", 1),
     ("bitfinex", 8, 5, "1e-8", "1e-8", None)],
)  # fmt: skip
def test_where_significant_digits_count_every_price_on_its_tick_is_written(
    ccxt_id: str, amount: typing.Any, price: typing.Any, quantity_step: str, tick: str, widest: int | None
) -> None:
    manager = Manager(ccxt_id, stated("X/USDT", amount, price))
    rules = manager.rules()
    assert (rules.quantity_step, rules.price_tick) == (Decimal(quantity_step), Decimal(tick))
    assert (rules.price_digits, rules.widest_tick) == (5, widest)
    for power in range(-3, 6):
        for digits in (10_000, 12_345, 60_000, 99_999):
            about = Decimal(digits).scaleb(power - 4)
            at = (about / rules.tick_at(about)).to_integral_value() * rules.tick_at(about)
            assert not at or Decimal(manager.client.price_to_precision("X/USDT", float(at))) == at
    between = Decimal("12.345") + rules.price_tick
    is_written = Decimal(manager.client.price_to_precision("X/USDT", float(between))) == between
    digits_count_there = rules.tick_at(between) > rules.price_tick
    assert digits_count_there == (tick != "0.1")
    assert is_written != digits_count_there


@pytest.mark.parametrize(
    ("amount", "price", "sentence"),
    [(None, 0.01, "the quantity precision of X/USDT on kraken can't be used: the exchange states none"),
     (0.01, None, "the price precision of X/USDT on kraken can't be used: the exchange states none"),
     (0.0, 0.01,
      "the quantity precision of X/USDT on kraken can't be used: 0.0 is neither a step nor a count of decimals"),
     (0.01, "dust", "the price precision of X/USDT on kraken can't be used: 'dust' is no number")],
)  # fmt: skip
def test_a_precision_that_is_not_known_is_said_and_not_made_up(
    amount: typing.Any, price: typing.Any, sentence: str
) -> None:
    with pytest.raises(NotReadableError) as refused:
        Manager("kraken", stated("X/USDT", amount, price)).rules()
    assert str(refused.value) == sentence


def test_a_market_that_ccxt_does_not_know_is_named() -> None:
    with pytest.raises(
        NotReadableError, match="kraken does not state the rules of Y/USDT: kraken does not have market"
    ):
        read_rules(Manager("kraken", stated("X/USDT", 0.01, 0.01)), "Y/USDT")


def _with_min_funds(market: dict[str, typing.Any]) -> dict[str, typing.Any]:
    """As OctoBot's class of KuCoin: the larger one of two, which fails where ccxt states none."""
    cost = _as_stated(market)["limits"]["cost"]
    return {"limits": market["limits"] | {"cost": cost | {"min": max(cost["min"], 2.5)}}}


def _ten_percent_more(market: dict[str, typing.Any]) -> dict[str, typing.Any]:
    """As that of Hyperliquid, whose failures OctoBot wraps."""
    cost = market["limits"]["cost"]
    try:
        return {"limits": market["limits"] | {"cost": cost | {"min": cost["min"] * 1.1}}}
    except TypeError as error:
        raise trading_errors.UnexpectedAdapterError(str(error)) from error


def _without_quantities(market: dict[str, typing.Any]) -> dict[str, typing.Any]:
    """As that of BingX, which ignores the quantities that it states."""
    return {"limits": market["limits"] | {"amount": {"min": 0, "max": None}}}


@pytest.mark.parametrize(
    ("correct", "cost_min", "least", "min_quantity", "max_quantity"),
    [(None, 1.0, "1", "5", "900"), (_with_min_funds, 1.0, "2.5", "5", "900"),
     (_with_min_funds, 5.0, "5", "5", "900"), (_with_min_funds, None, "0", "5", "900"),
     (_ten_percent_more, 10.0, "11", "5", "900"), (_ten_percent_more, None, "0", "5", "900"),
     (_without_quantities, 1.0, "1", "0", "800"),
     (lambda market: {}, 1.0, "1", "5", "900"),
     (lambda market: {"limits": {"cost": {"min": 0.5}}}, 1.0, "1", "5", "900")],
)  # fmt: skip
def test_what_octobot_corrects_of_the_limits_holds(
    correct: typing.Any, cost_min: float | None, least: str, min_quantity: str, max_quantity: str
) -> None:
    limits = {
        "amount": {"min": 5.0, "max": 900.0}, "cost": {"min": cost_min, "max": 0}, "price": {"min": None, "max": None},
        "market": {"min": 0.0, "max": 800.0 if correct is _without_quantities else 1e6},
    }  # fmt: skip
    rules = Manager("okx", stated("X/USDT", 0.01, 0.01, limits=limits), correct).rules()
    assert rules.min_notional == Decimal(least)
    assert (rules.min_quantity, rules.max_quantity) == (Decimal(min_quantity), Decimal(max_quantity))
    assert rules.max_notional is None


def test_a_market_order_has_a_maximum_of_its_own() -> None:
    limits = NO_LIMITS | {"amount": {"min": 0.1, "max": 9_000.0}, "market": {"min": 0.0, "max": 107.5}}
    assert Manager("binance", stated("X/USDT", 0.1, 0.1, limits=limits)).rules().max_quantity == Decimal("107.5")


@pytest.mark.parametrize(
    ("ccxt_id", "maker", "taker"), [("okx", "0.001", "0.0015"), ("kraken", "0.0016", "0.0026"),
     ("hyperliquid", "0.0004", "0.0007")]
)  # fmt: skip
def test_a_fee_that_the_market_leaves_out_is_that_of_the_exchange(ccxt_id: str, maker: str, taker: str) -> None:
    market = stated("X/USDT", 0.01, 0.01, maker=None, taker=None)
    manager = Manager(ccxt_id, market)
    manager.client.markets["X/USDT"] |= {"maker": None, "taker": None}
    rules = manager.rules()
    assert (rules.maker_fee_rate, rules.taker_fee_rate) == (Decimal(maker), Decimal(taker))


def test_a_fee_that_nobody_states_is_no_fee_of_nothing() -> None:
    manager = Manager("bitget", stated("X/USDT", 0.01, 0.01, maker=0.0, taker=None))
    manager.client.fees = {"trading": {"maker": None, "taker": None}}
    with pytest.raises(NotReadableError, match="nobody states the taker fee of X/USDT on bitget"):
        manager.rules()
    manager.client.markets["X/USDT"]["taker"] = 0.001
    assert (manager.rules().maker_fee_rate, manager.rules().taker_fee_rate) == (0, Decimal("0.001"))


def test_a_contract_that_stands_for_a_hundred_is_never_split() -> None:
    """OctoBot's quantities of BTCUSD_PERP are in USD, and one contract is 100 of them."""
    limits = NO_LIMITS | {"amount": {"min": 1.0, "max": 1_000_000.0}, "market": {"min": 1.0, "max": 60_000.0}}
    market = stated(INVERSE, 1.0, 0.1, contractSize=100.0, limits=limits, settle="BTC", settleId="BTC")
    rules = Manager("binancecoinm", market).rules()
    assert (rules.quantity_step, rules.min_quantity, rules.max_quantity) == (100, 100, 6_000_000)
    assert rules.valuation.is_inverse


def test_rules_are_worked_out_again_when_the_exchange_changes_them() -> None:
    manager = Manager("okx", stated("X/USDT", 0.01, 0.01))
    before = manager.rules()
    assert manager.rules() is before
    manager.client.markets["X/USDT"]["precision"]["amount"] = 10.0  # in place, as OctoBot may
    assert manager.rules().quantity_step == 10
    manager.client.set_markets([stated("X/USDT", 0.01, 0.5, taker=0.003)])
    assert (manager.rules().price_tick, manager.rules().taker_fee_rate) == (Decimal("0.5"), Decimal("0.003"))


async def test_octobots_own_exchange_counts_decimals(make_bot: MakeBot) -> None:
    """Its backtesting and tests have a market of eight decimals."""
    bot = await make_bot(start=False)
    rules = read_rules(bot.manager, SYMBOL)
    assert (rules.price_tick, rules.quantity_step) == (Decimal("1e-8"), Decimal("1e-8"))
    assert (rules.min_quantity, rules.min_notional) == (Decimal("0.00001"), Decimal("0.001"))
    assert (rules.maker_fee_rate, rules.taker_fee_rate) == (Decimal("0.001"), Decimal("0.001"))


async def test_a_backtest_with_ccxts_own_markets_has_their_steps(
    make_bot: MakeBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where OctoBot has them: its market status says 1 for a step of 10."""
    bot = await make_bot(start=False)
    monkeypatch.setattr(bot.manager.exchange.connector, "_forced_market_statuses", {SYMBOL: stated(SYMBOL, 10.0, 0.5)})
    rules = read_rules(bot.manager, SYMBOL)
    assert (rules.price_tick, rules.quantity_step) == (Decimal("0.5"), 10)


async def test_a_backtest_without_the_market_says_so(make_bot: MakeBot, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = await make_bot(start=False)
    monkeypatch.setattr(bot.manager.exchange.connector, "_forced_market_statuses", {"X/USDT": {}})
    with pytest.raises(NotReadableError, match=f"{EXCHANGE} does not state the rules of {SYMBOL}: Missing too many"):
        read_rules(bot.manager, SYMBOL)


@pytest.mark.parametrize(
    ("ccxt_id", "method", "precisions", "step"),
    [("mexc", "cost_to_precision", (1.0, 1e-6), "0.01"), ("bitmart", "cost_to_precision", (1.0, 0.05), "0.1"),
     ("htx", "amount_to_precision", (0.0001, 1e-8), "0.01"), ("htx", "amount_to_precision", (10.0, 1e-8), "10"),
     ("coinbase", "cost_to_precision", (1.0, 1e-8), "0.01"), ("bitget", "cost_to_precision", (0.0001, 1.0), "1")],
)  # fmt: skip
def test_the_quote_to_spend_is_what_ccxt_writes(
    ccxt_id: str, method: str, precisions: tuple[float, float], step: str
) -> None:
    limits = NO_LIMITS | {"cost": {"min": 5.0, "max": None}}
    manager = Manager(ccxt_id, stated("X/USDT", *precisions, limits=limits))
    rules = market_rules.by_quote(manager.rules(), manager, "X/USDT", method)
    assert rules.quote_step == Decimal(step)
    for count in (1, 25, 12_345):
        spent = rules.quote_step * count
        assert Decimal(getattr(manager.client, method)("X/USDT", float(spent))) == spent


def test_a_quote_that_ccxt_can_not_write_is_said() -> None:
    manager = Manager("htx", stated("X/USDT", 1.0, 0.01))  # ccxt has no precision of costs here
    with pytest.raises(NotReadableError, match="the quote precision of X/USDT on htx can't be used"):
        market_rules.by_quote(manager.rules(), manager, "X/USDT")
