"""The journal deleted, or its disk full, while the mode trades: nothing leaves unseen, and the emergency stop works."""

from __future__ import annotations

import asyncio
import pathlib
import time
import typing

import octobot_services.api.notification as notification_api
import pytest

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.decision.control import ControlState
from octobot_volume_booster.journal.bot_channel import BotChannel
from octobot_volume_booster.journal.file import CAMPAIGN_FILE
from octobot_volume_booster.journal.file_watch import FileWatch

from .conftest import Bot, MakeBot
from .live_bot import live_bot, until

pytestmark = pytest.mark.long

RESTING = {"order_type": "limit", "max_open_orders": 50, "limit_order_timeout": 600, "price_offset_percent": 1}
JOURNAL = pathlib.Path("user") / CAMPAIGN_FILE


@pytest.fixture(autouse=True)
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def notifications(monkeypatch: pytest.MonkeyPatch) -> list[typing.Any]:
    pending: list[typing.Any] = []
    monkeypatch.setattr(notification_api, "pending_notifications", pending)
    return pending


def campaign_of(bot: Bot) -> Campaign:
    campaign = bot.producer.session.campaign
    assert campaign is not None
    return campaign


def open_on_octobot(bot: Bot) -> list[typing.Any]:
    return list(bot.manager.exchange_personal_data.orders_manager.get_open_orders())


async def resting_bot(make_bot: MakeBot) -> Bot:
    bot = await live_bot(make_bot, **RESTING)
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.open_orders >= 5)
    return bot


async def check_stops_sending(bot: Bot, why: str, notifications: list[typing.Any]) -> None:
    """It says so, nothing of it rests, and no further order goes out."""
    await until(lambda: any(f"No order is sent: {why}" in one.text for one in notifications))
    await until(lambda: not open_on_octobot(bot))
    sent = bot.progress.orders
    await asyncio.sleep(0.5)
    assert bot.progress.orders == sent
    notice = BotChannel(JOURNAL).notice(time.time())
    assert notice is not None
    assert notice.reason.startswith(why)


async def check_emergency_stop(bot: Bot) -> None:
    BotChannel(JOURNAL).request()
    await until(lambda: campaign_of(bot).guard.is_cancelled)
    assert campaign_of(bot).control.state is ControlState.EMERGENCY
    assert not bot.settings.enable_volume_booster
    assert bot.progress.open_orders == 0
    assert open_on_octobot(bot) == []
    assert len(list(JOURNAL.parent.glob("emergency-*.txt"))) == 1


async def test_a_journal_that_is_deleted(make_bot: MakeBot, notifications: list[typing.Any]) -> None:
    bot = await resting_bot(make_bot)
    for file in JOURNAL.parent.glob("campaign.sqlite*"):
        file.unlink()
    await check_stops_sending(bot, f"the journal's file {JOURNAL} is gone", notifications)
    await check_emergency_stop(bot)


async def test_a_full_disk(make_bot: MakeBot, notifications: list[typing.Any], monkeypatch: pytest.MonkeyPatch) -> None:
    bot = await resting_bot(make_bot)
    full = "nothing can be written beside the journal: No space left on device"
    monkeypatch.setattr(FileWatch, "disk_problem", lambda _: full)
    connection = campaign_of(bot)._journal._connection
    connection.execute("PRAGMA query_only = ON")
    await until(lambda: any("No order is sent: " in one.text for one in notifications))
    sent, resting = bot.progress.orders, bot.progress.open_orders
    await asyncio.sleep(0.5)
    assert bot.progress.orders == sent
    assert resting >= 5
    await check_emergency_stop(bot)


async def test_it_goes_on_by_itself_once_the_file_is_back(make_bot: MakeBot, notifications: list[typing.Any]) -> None:
    bot = await resting_bot(make_bot)
    JOURNAL.rename(JOURNAL.with_name("elsewhere"))
    await check_stops_sending(bot, f"the journal's file {JOURNAL} is gone", notifications)
    sent = bot.progress.orders
    JOURNAL.with_name("elsewhere").rename(JOURNAL)
    await until(lambda: bot.progress.orders > sent)
