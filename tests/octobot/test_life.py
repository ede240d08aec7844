"""The loop as OctoBot runs it: in a task, with real channels; started, stopped, and changed while it runs."""

from __future__ import annotations

import asyncio
import json
import pathlib
import typing

import octobot_services.api.notification as notification_api
import pytest

from octobot_volume_booster.core.accounting import outside
from octobot_volume_booster.core.decision.control import RESUME
from octobot_volume_booster.core.settings.schema import Settings
from octobot_volume_booster.reporting.report import read_report

from .conftest import START_PRICE, Bot, MakeBot, new_mode
from .live_bot import QUICK, live_bot, loops, until

JOURNAL = pathlib.Path("user", "volume_booster", "campaign.sqlite")


@pytest.fixture(autouse=True)
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def notifications(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would be sent: OctoBot keeps it while no channel is up."""
    pending: list[typing.Any] = []
    monkeypatch.setattr(notification_api, "pending_notifications", pending)
    return typing.cast(list[str], pending)


async def test_it_starts_by_itself_and_writes_its_campaign_into_the_home(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot)
    await until(lambda: JOURNAL.exists() and bot.producer.session.campaign is not None and bot.progress.fills >= 3)
    report = read_report(JOURNAL)
    assert report is not None
    assert report.state == "running"
    assert report.progress.fills >= 3


async def test_started_twice_there_is_one_loop(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot)
    await bot.producer.run()
    await bot.producer.run()
    assert len(loops()) == 1
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.fills >= 5)
    assert bot.progress.fills == len(bot.trades())


@pytest.mark.long
async def test_stopped_and_started_ten_times_nothing_is_left_over_and_nothing_counts_twice(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot)
    for round_number in range(10):
        await until(lambda: bot.producer.session.campaign is not None)
        before = bot.progress.fills
        await until(lambda: bot.progress.fills >= before + 2)  # noqa: B023 - awaited before the next round
        assert len(loops()) == 1
        bot.manager.trading_modes.remove(bot.mode)
        await bot.mode.stop()
        await asyncio.sleep(0)
        assert loops() == [], f"round {round_number}"
        bot.mode = await new_mode(bot.manager, QUICK)
        bot.manager.trading_modes.append(bot.mode)
    await until(lambda: bot.producer.session.campaign is not None)
    report = read_report(JOURNAL)
    assert report is not None
    assert report.restarts == 10
    assert report.progress.fills == len(bot.trades())
    assert report.progress.filled_quote == sum(trade.total_cost for trade in bot.trades())


CHANGED = Settings(
    enable_volume_booster=True,
    volume_target=900_000,
    order_type="market",
    trade_frequency_min=0.06,
    trade_frequency_max=0.07,
    min_buy_amount=30,
    max_buy_amount=40,
    min_sell_amount=50,
    max_sell_amount=60,
    price_offset_percent=1,
    limit_order_timeout=5,
    max_open_orders=3,
    side_policy="alternate",
    max_position_imbalance="0.1",
    fee_buffer_percent=2,
    max_price_age=20,
).to_config()


@pytest.mark.long
async def test_every_setting_can_be_changed_while_it_runs(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot)
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.fills >= 2)
    config: dict[str, typing.Any] = dict(QUICK)
    for key, value in CHANGED.items():
        config[key] = value
        await bot.mode.reload_config(bot.manager.bot_id, trading_config=dict(config))
        await asyncio.sleep(0.01)
    before = bot.progress.orders
    await until(lambda: bot.progress.orders >= before + 4)
    assert bot.settings.to_config() == CHANGED
    assert len(loops()) == 1
    assert bot.progress.fills == len(bot.trades())
    assert all(30 <= trade.total_cost <= 61 for trade in bot.trades()[-3:])


async def test_switched_off_while_it_runs_no_further_order_is_sent_until_it_is_on_again(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot)
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.fills >= 2)
    await bot.mode.reload_config(bot.manager.bot_id, trading_config=QUICK | {"enable_volume_booster": False})
    await asyncio.sleep(0.1)
    orders = bot.progress.orders
    await asyncio.sleep(0.3)
    assert bot.progress.orders == orders
    await bot.mode.reload_config(bot.manager.bot_id, trading_config=dict(QUICK))
    await until(lambda: bot.progress.orders > orders)


async def test_being_woken_again_and_again_does_not_make_it_trade_faster(make_bot: MakeBot) -> None:
    slow = QUICK | {"trade_frequency_min": 60, "trade_frequency_max": 60}
    bot = await live_bot(make_bot, **slow)
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.fills == 1)
    for _ in range(20):
        await bot.mode.reload_config(bot.manager.bot_id, trading_config=dict(slow))
        await asyncio.sleep(0.01)
    assert bot.progress.orders == 1


class Profile:
    """The configuration folder of a profile, as OctoBot's own API sees it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.file = folder / "specific_config" / "VolumeBoosterTradingMode.json"
        self.file.parent.mkdir(parents=True)
        self._folder = folder

    def get_config_folder(self) -> str:
        return str(self._folder)

    def write(self, **settings: typing.Any) -> None:
        self.file.write_text(json.dumps({"required_strategies": [], **settings}), "utf-8")

    def read(self) -> dict[str, typing.Any]:
        return typing.cast(dict[str, typing.Any], json.loads(self.file.read_text("utf-8")))


async def bot_with_profile(make_bot: MakeBot, home: pathlib.Path, **settings: typing.Any) -> tuple[Bot, Profile]:
    profile = Profile(home / "profile")
    profile.write(**QUICK | settings)
    bot = await live_bot(make_bot)
    bot.manager.trading_modes.remove(bot.mode)
    await bot.mode.stop()
    bot.manager.tentacles_setup_config = profile
    bot.mode = await new_mode(bot.manager, None)
    bot.manager.trading_modes.append(bot.mode)
    await until(lambda: bot.producer.session.campaign is not None)
    return bot, profile


async def test_a_changed_file_is_taken_up_long_before_the_next_order_is_due(
    make_bot: MakeBot, home: pathlib.Path
) -> None:
    bot, profile = await bot_with_profile(make_bot, home, trade_frequency_min=600, trade_frequency_max=600)
    await until(lambda: bot.progress.fills == 1)
    profile.write(**QUICK, side_policy="alternate")
    await until(lambda: bot.settings.side_policy.value == "alternate")
    await until(lambda: bot.progress.fills >= 3)


async def test_a_half_written_file_holds_orders_back_and_changes_nothing_else(
    make_bot: MakeBot, home: pathlib.Path
) -> None:
    """It does not say that the mode is on: until it does, no order is sent."""
    bot, profile = await bot_with_profile(make_bot, home)
    await until(lambda: bot.progress.fills >= 1)
    profile.file.write_text('{"volume_target": 5', "utf-8")
    before = bot.progress.fills
    await asyncio.sleep(0.7)
    assert bot.progress.fills == before
    assert bot.settings.volume_target == 1_000_000
    assert "can't be read" in bot.mode.get_current_state()[0]
    profile.write(**QUICK | {"volume_target": 2_000_000})
    await until(lambda: bot.settings.volume_target == 2_000_000)
    await until(lambda: bot.progress.fills > before)


async def test_settings_that_are_put_right_are_told_once_and_written_back(
    make_bot: MakeBot, home: pathlib.Path, notifications: list[typing.Any]
) -> None:
    wrong = {"min_buy_amount": 150, "max_buy_amount": 50, "min_sell_amount": 0.1, "max_sell_amount": 0.2}
    bot, profile = await bot_with_profile(make_bot, home, **wrong)
    await until(lambda: bot.progress.fills >= 2)
    assert (profile.read()["min_buy_amount"], profile.read()["max_buy_amount"]) == (50, 150)
    assert profile.read()["min_sell_amount"] == profile.read()["max_sell_amount"] > 0.5
    texts = [notification.text for notification in notifications]
    assert sum("min_buy_amount 150 was above max_buy_amount 50" in text for text in texts) == 1
    assert sum("min_sell_amount 0.1 is too small for the exchange" in text for text in texts) == 1
    assert bot.settings.min_sell_amount == bot.settings.max_sell_amount


async def test_the_form_shows_what_a_preset_decided(make_bot: MakeBot, home: pathlib.Path) -> None:
    bot, profile = await bot_with_profile(make_bot, home, preset="high_volume")
    assert bot.settings.max_buy_amount == 1_000
    assert profile.read()["max_buy_amount"] == 1_000
    assert profile.read()["volume_target"] == 1_000_000


async def test_without_funds_it_waits_longer_and_longer_tells_it_once_and_goes_on_by_itself(
    make_bot: MakeBot, notifications: list[typing.Any]
) -> None:
    bot = await make_bot(**QUICK)
    portfolio = bot.manager.exchange_personal_data.portfolio_manager.portfolio
    kept = {currency: asset.available for currency, asset in portfolio.portfolio.items()}
    for asset in portfolio.portfolio.values():
        asset.available = asset.available * 0
    delays = []
    for _ in range(6):
        delays.append(await bot.tick())
        bot.advance(delays[-1])
        bot.set_price(START_PRICE)
    assert delays[0] < delays[2] < delays[4] <= 30
    assert bot.progress.orders == 0
    assert sum("waits for funds" in notification.text for notification in notifications) == 1
    for currency, asset in portfolio.portfolio.items():
        asset.available = kept[currency]
    await bot.tick()
    assert bot.progress.fills == 1


async def test_the_end_is_told(make_bot: MakeBot, notifications: list[typing.Any]) -> None:
    bot = await live_bot(make_bot, volume_target=300)
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.is_done)
    await until(lambda: any("Target reached" in notification.text for notification in notifications))
    await asyncio.sleep(0.2)
    assert len(loops()) == 1, "it stays loaded and idle"
    assert sum("Target reached" in notification.text for notification in notifications) == 1


async def test_a_limit_order_that_rests_while_the_mode_is_started_again_counts_once_when_it_fills(
    make_bot: MakeBot,
) -> None:
    resting = QUICK | {"order_type": "limit", "max_open_orders": 1, "limit_order_timeout": 60}
    bot = await live_bot(make_bot, **resting)
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.open_orders == 1)
    bot.manager.trading_modes.remove(bot.mode)
    await bot.mode.stop()
    bot.mode = await new_mode(bot.manager, resting)
    bot.manager.trading_modes.append(bot.mode)
    await until(lambda: bot.producer.session.campaign is not None)
    await asyncio.sleep(0.1)
    assert (bot.progress.open_orders, bot.progress.orders, bot.progress.cancelled) == (1, 1, 0)
    (order,) = bot.manager.exchange_personal_data.orders_manager.get_open_orders()
    await bot.fill_resting_orders_at(order.origin_price)
    await until(lambda: bot.progress.fills == 1)


async def test_when_a_fill_can_not_be_written_down_no_further_order_is_sent(make_bot: MakeBot) -> None:
    bot = await live_bot(make_bot, order_type="limit", max_open_orders=1)
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.open_orders == 1)
    (order,) = bot.manager.exchange_personal_data.orders_manager.get_open_orders()
    assert bot.producer.session.campaign is not None
    bot.producer.session.campaign.close_journal()
    await bot.fill_resting_orders_at(order.origin_price)
    await until(lambda: "could not be written down" in bot.producer.session.problem)
    await asyncio.sleep(0.2)
    assert len(bot.manager.exchange_personal_data.orders_manager.get_open_orders()) == 0
    assert len(bot.trades()) == 1
    assert "could not be written down" in bot.mode.get_current_state()[0]


@pytest.mark.long
async def test_coins_that_are_sold_by_hand_halt_it_once_and_a_resume_goes_on(
    make_bot: MakeBot, monkeypatch: pytest.MonkeyPatch, notifications: list[str]
) -> None:
    """As OctoBot's `/sell_all` sells them. A deposit before that halts nothing."""
    monkeypatch.setattr(outside, "LASTS_S", 0.4)
    bot = await live_bot(make_bot)
    await until(lambda: bot.producer.session.campaign is not None and bot.progress.fills >= 3)
    portfolio = bot.manager.exchange_personal_data.portfolio_manager.portfolio
    quote = portfolio.get_currency_portfolio("USDT")
    quote.available, quote.total = quote.available + 5_000, quote.total + 5_000
    fills = bot.progress.fills
    await until(lambda: bot.progress.fills >= fills + 10)
    await asyncio.sleep(1)
    assert "Halted" not in bot.mode.get_current_state()[0]
    await bot.manager.trader.sell_all(["BTC"])
    await until(lambda: "somebody else has traded" in bot.mode.get_current_state()[0])
    halts = [one for one in notifications if "somebody else has traded" in str(getattr(one, "text", one))]
    assert len(halts) <= 1
    sent = bot.progress.orders
    await asyncio.sleep(0.5)
    assert bot.progress.orders == sent
    campaign = bot.producer.session.campaign
    assert campaign is not None
    campaign.command(RESUME, bot.producer.session.now())
    await asyncio.sleep(1.5)
    assert "somebody else" not in bot.mode.get_current_state()[0]
