"""What is read from OctoBot of a market, and what is said when it can't be."""

from __future__ import annotations

import typing
from decimal import Decimal

import pytest

from octobot_volume_booster.adapters.market_data import NotReadableError, check_ready
from octobot_volume_booster.trading.risk_inputs_reader import day_volume

from .conftest import EXCHANGE, SYMBOL, MakeBot


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
