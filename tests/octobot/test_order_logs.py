"""OctoBot's loggers of our orders do not stay for ever."""

from __future__ import annotations

import logging

import pytest

from octobot_volume_booster.trading import executor

from .conftest import MakeBot


def of_orders() -> list[str]:
    return [name for name in logging.Logger.manager.loggerDict if "[exchange id: " in name]


async def test_the_loggers_of_ended_orders_go_and_those_of_others_stay(
    make_bot: MakeBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "FORGET_LOGS_EVERY", 5)
    other = logging.getLogger("BUY_LIMIT | somebody's [exchange id: 7]")
    before = len(of_orders())
    bot = await make_bot(order_type="market", volume_target=1_500)
    await bot.run(most_ticks=400)
    assert bot.progress.orders >= 10
    assert len(of_orders()) - before < 10
    assert logging.getLogger(other.name) is other
