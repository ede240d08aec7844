"""What a person is told without asking: the plan, progress on the way, halts and the end."""

from __future__ import annotations

import json
import typing

from octobot_volume_booster.core.planning.market_conditions import Conditions
from octobot_volume_booster.core.planning.planner import estimate
from octobot_volume_booster.journal.journal import CONDITIONS, Journal
from octobot_volume_booster.reporting.history import plan_of
from octobot_volume_booster.reporting.report import read_report

from .conftest import START_PRICE, MakeBot
from .test_life import JOURNAL, home, live_bot, notifications, until

__all__ = ["home", "notifications"]

EQUAL: dict[str, typing.Any] = {
    "volume_target": 1_000,
    "min_buy_amount": 100, "max_buy_amount": 100, "min_sell_amount": 100, "max_sell_amount": 100,
}  # fmt: skip


def texts(told: list[typing.Any]) -> list[str]:
    return [notification.text for notification in told]


async def test_the_plan_is_told_when_it_begins_and_is_the_one_of_its_journal(
    make_bot: MakeBot, notifications: list[typing.Any]
) -> None:
    bot = await live_bot(make_bot, volume_target=50_000)
    await until(lambda: any("begins" in text for text in texts(notifications)))
    (told,) = (text for text in texts(notifications) if "begins" in text)
    assert "50,000.00 USDT in about 57" in told
    assert "at a cost of about 50.00 USDT (10.00 bps)" in told
    report, journal = read_report(JOURNAL), Journal.open_to_read(JOURNAL)
    assert report is not None
    (met,) = (event for event in journal.events() if event.kind == CONDITIONS)
    plan = plan_of(journal.settings(), journal.events(), report)
    journal.close()
    conditions = Conditions.from_json(json.loads(met.reason))
    assert conditions.price == START_PRICE
    assert plan == estimate(bot.settings, conditions)
    assert report.reason is None, "what nobody has to be told of is no reason"


async def test_progress_is_told_at_every_quarter_and_the_end_once(
    make_bot: MakeBot, notifications: list[typing.Any]
) -> None:
    bot = await make_bot(**EQUAL)
    await bot.run(20)
    await bot.tick()
    told = texts(notifications)
    for percent in (25, 50, 75):
        (text,) = (text for text in told if f", {percent} %: " in text)
        filled = float(text.partition(" %: ")[2].partition(" of ")[0])
        assert percent * 10 <= filled <= percent * 10 + 100
        assert "cost" in text
    assert sum("Target reached" in text for text in told) == 1
    assert not any(", 100 %" in text for text in told)


async def test_a_start_in_the_middle_does_not_tell_again_what_was_told(
    make_bot: MakeBot, notifications: list[typing.Any]
) -> None:
    bot = await make_bot(**EQUAL | {"notify_every_percent": 50})
    for _ in range(7):
        bot.advance(await bot.tick())
        bot.set_price(START_PRICE)
    assert bot.producer.session.campaign is not None
    bot.producer.session.campaign.told_percent.clear()  # as in a bot that was started again
    await bot.run(20)
    assert sum(", 50 %" in text for text in texts(notifications)) == 1


async def test_nothing_is_told_on_the_way_when_it_is_not_wanted(
    make_bot: MakeBot, notifications: list[typing.Any]
) -> None:
    bot = await make_bot(**EQUAL | {"notify_every_percent": 0})
    await bot.run(20)
    assert not any(" %: " in text for text in texts(notifications))


async def test_a_halt_is_told_once(make_bot: MakeBot, notifications: list[typing.Any]) -> None:
    bot = await live_bot(make_bot)
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.fills >= 1)
    bot.producer.session.ended = "the disk is full"
    await until(lambda: any("Halted on" in text for text in texts(notifications)))
    await bot.producer.tick()
    await bot.producer.tick()
    halts = [notification for notification in notifications if "Halted on" in notification.text]
    assert len(halts) == 1
    assert "the disk is full" in halts[0].text
    assert halts[0].level.value == "critical"


async def test_a_backtest_writes_down_what_it_met_and_takes_no_time_to_plan(
    make_bot: MakeBot, notifications: list[typing.Any]
) -> None:
    bot = await make_bot(**EQUAL)
    await bot.run(20)
    assert not any("begins" in text for text in texts(notifications))
    campaign = bot.producer.session.campaign
    assert campaign is not None
    again = Conditions(*[None] * 3)  # type: ignore[arg-type]
    assert not campaign.note_conditions(0.0, bot.producer.session.source, again), "they are there already"
