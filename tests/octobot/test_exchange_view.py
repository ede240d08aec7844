"""What is read from OctoBot of a market, and what is said when it can't be."""

from __future__ import annotations

import typing
from decimal import Decimal

import pytest

from octobot_volume_booster.exchange_view import NotReadableError, check_ready, read_rules
from octobot_volume_booster.lookout import day_volume

from .conftest import EXCHANGE, SYMBOL, Bot, MakeBot


def with_status(bot: Bot, monkeypatch: pytest.MonkeyPatch, price: object, amount: object, **limits: object) -> Bot:
    """The exchange tells this of the market."""
    status = {
        "precision": {"price": price, "amount": amount},
        "limits": {"amount": {"min": 0.001, "max": None}, "cost": {"min": 5, "max": 9_000}, "price": {}} | limits,
    }
    monkeypatch.setattr(bot.manager.exchange, "get_market_status", lambda *_, **__: status)
    return bot


@pytest.mark.parametrize(
    ("price", "amount", "tick", "step"),
    [(2, 5, "0.01", "0.00001"), (0.01, 1e-05, "0.01", "0.00001"), (0, 1, "1", "0.1"), (0.5, 1.0, "0.5", "1")],
)
async def test_digits_and_steps_are_told_apart(
    make_bot: MakeBot, monkeypatch: pytest.MonkeyPatch, price: object, amount: object, tick: str, step: str
) -> None:
    bot = with_status(await make_bot(start=False), monkeypatch, price, amount)
    rules = read_rules(bot.manager, SYMBOL)
    assert (rules.price_tick, rules.quantity_step) == (Decimal(tick), Decimal(step))
    assert (rules.min_quantity, rules.max_quantity) == (Decimal("0.001"), None)
    assert (rules.min_notional, rules.max_notional) == (5, 9_000)


async def test_a_precision_that_is_not_told_is_not_made_up(make_bot: MakeBot, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = with_status(await make_bot(start=False), monkeypatch, 2, None)
    with pytest.raises(NotReadableError, match="does not tell the quantity precision of BTC/USDT"):
        read_rules(bot.manager, SYMBOL)


@pytest.mark.parametrize(
    ("part", "value", "sentence"),
    [
        ("client_symbols", ["ETH/USDT"], f"{EXCHANGE} does not list {SYMBOL}"),
        ("trader", None, f"OctoBot has made no trader for {EXCHANGE} yet"),
        ("exchange", None, f"OctoBot has not connected to {EXCHANGE} yet"),
    ],
)
async def test_what_is_missing_is_named(
    make_bot: MakeBot, monkeypatch: pytest.MonkeyPatch, part: str, value: typing.Any, sentence: str
) -> None:
    bot = await make_bot(start=False)
    with monkeypatch.context() as patched:
        patched.setattr(bot.manager, part, value)
        with pytest.raises(NotReadableError, match=sentence):
            check_ready(bot.manager, SYMBOL)


async def test_without_a_portfolio_it_is_named(make_bot: MakeBot, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = await make_bot(start=False)
    manager = bot.manager.exchange_personal_data.portfolio_manager
    with monkeypatch.context() as patched:
        patched.setattr(manager, "portfolio", None)
        with pytest.raises(NotReadableError, match="has not read the portfolio"):
            check_ready(bot.manager, SYMBOL)


@pytest.mark.parametrize(
    ("ticker", "volume"),
    [
        ({"quoteVolume": 1200.5, "baseVolume": 9.0, "last": 3.0}, "1200.5"),
        ({"quoteVolume": None, "baseVolume": 10.0, "vwap": 2.5, "last": 3.0}, "25"),
        ({"baseVolume": 10.0, "last": 3.0}, "30"),
        ({"baseVolume": 10.0}, None),
        ({"quoteVolume": 0, "baseVolume": 0, "last": 3.0}, None),
        ({"quoteVolume": float("nan")}, None),
        ({}, None),
    ],
)
def test_the_volume_of_a_day_is_told_in_quote_or_not_at_all(ticker: dict[str, typing.Any], volume: str | None) -> None:
    assert day_volume(ticker) == (None if volume is None else Decimal(volume))
