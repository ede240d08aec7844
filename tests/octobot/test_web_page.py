"""What OctoBot's web page has of the mode, without the web page: the form, saving it, the buttons and the state."""

from __future__ import annotations

import enum
import pathlib
import typing

import octobot_commons.display as commons_display
import octobot_commons.enums as commons_enums
import octobot_tentacles_manager.api as tentacles_manager_api
import pytest

from octobot_volume_booster.core.decision.control import EMERGENCY, HOLD, PAUSE, RESUME, UNHOLD
from octobot_volume_booster.core.decision.guards import Halt
from octobot_volume_booster.core.settings.schema import Settings, SettingsError, parse_settings
from octobot_volume_booster.journal.journal import Journal
from octobot_volume_booster.reporting.report import read_report
from octobot_volume_booster.volume_booster_trading import VolumeBoosterTradingMode

from .conftest import START_PRICE, Bot, MakeBot, new_mode
from .live_bot import live_bot, until
from .test_announcements import EQUAL, texts
from .test_life import JOURNAL, Profile, bot_with_profile, home, notifications

__all__ = ["home", "notifications"]

RESTING = {"order_type": "limit", "max_open_orders": 2, "limit_order_timeout": 600, "price_offset_percent": 5}
NAME = VolumeBoosterTradingMode.get_name()


def shown_form() -> dict[str, dict[str, typing.Any]]:
    """The JSON schema that OctoBot makes of the mode's user inputs for its web page, setting by setting."""
    mode = VolumeBoosterTradingMode.create_local_instance({}, None, {})
    inputs: dict[str, typing.Any] = {}
    mode.init_user_inputs(inputs)
    display = commons_display.display_translator_factory()
    display.add_user_inputs([user_input.to_dict() for user_input in inputs.values()])
    (element,) = display.to_json()["data"]["elements"]
    return typing.cast(dict[str, dict[str, typing.Any]], element["schema"]["properties"])


def is_refused(key: str, value: float) -> bool:
    """Whether the settings refuse this value for itself, whatever the other end of a range is."""
    try:
        parse_settings({key: value})
    except SettingsError as error:
        return any(problem.startswith(f"{key}: ") for problem in error.problems)
    return False


def check_bounds(key: str, shown: dict[str, typing.Any]) -> None:
    """The form takes what the settings take, up to the bounds themselves."""
    low, high, step = shown["minimum"], shown["maximum"], shown.get("multipleOf", 1e-6)
    assert is_refused(key, low) == (shown.get("exclusiveMinimum") is True)
    assert is_refused(key, low - step)
    assert not is_refused(key, low + step)
    assert not is_refused(key, high)
    assert is_refused(key, high * (1 + 1e-6) if step < 1 else high + step)


@pytest.mark.parametrize("key", Settings.model_fields)
def test_the_form_has_of_each_setting_what_it_is(key: str) -> None:
    shown, field, default = shown_form()[key], Settings.model_fields[key], getattr(Settings(), key)
    plain = Settings().to_config()[key]
    place = list(Settings.model_fields).index(key) + 1
    assert (shown["propertyOrder"], shown["options"]["name"]) == (place, key)
    assert shown["title"].endswith(f" · {key.replace('_', ' ')}")
    assert str(field.description) in shown["description"]
    if plain is None or (isinstance(plain, str) and not isinstance(default, enum.Enum)):  # a text that may be empty
        assert (shown["type"], shown["minLength"], shown["default"]) == ("string", 0, plain or "")
        return
    if isinstance(default, enum.Enum):
        assert shown["enum"] == [member.value for member in type(default)]
        assert shown["default"] == (plain,)
        return
    kind = "boolean" if isinstance(default, bool) else "number"
    assert (shown["type"], shown["default"]) == (kind, plain)
    assert (shown.get("multipleOf") == 1) == (type(default) is int)
    if kind == "number":
        check_bounds(key, shown)


def test_the_form_has_every_setting_and_no_other_and_hides_only_what_may_be_left_out() -> None:
    form = shown_form()
    assert list(form) == list(Settings.model_fields)
    for shown in form.values():
        assert ("dependencies" in shown["options"]) == (shown.get("required") is False)


async def press(bot: Bot, button: str) -> None:
    """As the web page does it."""
    assert button in VolumeBoosterTradingMode.get_user_commands()
    await bot.mode.user_commands_callback(bot.manager.bot_id, NAME, button, {})


def commands() -> list[str]:
    journal = Journal.open_to_read(JOURNAL)
    kinds = [command.kind for command, is_handled in journal.commands() if is_handled]
    journal.close()
    return kinds


def state(bot: Bot) -> str:
    return bot.mode.get_current_state()[0]


def resting(bot: Bot) -> int:
    return len(bot.manager.exchange_personal_data.orders_manager.get_open_orders())


async def test_every_button_works_on_a_running_bot(make_bot: MakeBot, notifications: list[typing.Any]) -> None:
    bot = await live_bot(make_bot, **RESTING)
    await until(lambda: resting(bot) == 2)
    await press(bot, "Pause")
    await until(lambda: state(bot).startswith("Paused: 0.00 of 1,000,000.00 filled"))
    assert resting(bot) == 2, "what rests stays"
    await press(bot, "Resume")
    await until(lambda: state(bot).startswith(("Running", "Waiting")))
    await press(bot, "Stop")
    await until(lambda: resting(bot) == 0 and bot.progress.cancelled == 2)
    orders = bot.progress.orders
    report = read_report(JOURNAL)
    assert report is not None
    assert (report.state, report.progress.cancelled) == ("paused", 2)
    assert "until Start on OctoBot's web page" in str(report.reason)
    assert state(bot).startswith("Stopped: ")
    await press(bot, "Pause")  # is less than the stop, which stays
    await press(bot, "Start")
    await until(lambda: bot.progress.orders > orders and resting(bot) == 2)
    await press(bot, "Emergency stop")
    await until(lambda: resting(bot) == 0 and state(bot).startswith("Emergency stop: "))
    await until(lambda: any("Emergency stop on" in text for text in texts(notifications)))
    await press(bot, "Start")  # is too little to end it
    assert state(bot).startswith("Emergency stop: ")
    await press(bot, "Resume")
    await until(lambda: "enable_volume_booster is off" in state(bot))
    assert commands() == [PAUSE, RESUME, HOLD, UNHOLD, EMERGENCY, RESUME]
    answers = [text for text in texts(notifications) if text.startswith(("Pause changes nothing", "Start changes"))]
    assert len(answers) == 2


async def test_a_stop_holds_over_a_restart_and_cancels_what_is_left(make_bot: MakeBot) -> None:
    bot = await make_bot(**EQUAL)
    await press(bot, "Stop")
    await bot.tick()
    assert bot.progress.orders == 0
    campaign = bot.producer.session.campaign
    assert campaign is not None
    commands_so_far = campaign._journal.commands()
    assert [(command.kind, is_handled) for command, is_handled in commands_so_far] == [(HOLD, True)]
    campaign._has_begun = False  # as in a bot that is started again
    campaign.control = type(campaign.control)()
    campaign._take_up_what_was_asked_while_down(bot.producer.session.now())
    await bot.tick()
    assert bot.progress.orders == 0
    assert state(bot).startswith("Stopped: ")


async def test_a_button_before_the_campaign_has_begun_is_answered(
    make_bot: MakeBot, notifications: list[typing.Any]
) -> None:
    bot = await make_bot(start=False)
    assert state(bot) == "Starting"
    await press(bot, "Pause")
    (told,) = texts(notifications)
    assert told == "Pause was not taken up: the mode is still starting; press it again in a moment."


async def test_the_state_tells_of_a_halt_a_wait_and_the_end(make_bot: MakeBot) -> None:
    bot = await make_bot(**EQUAL)
    await bot.tick()
    assert state(bot).startswith("Running: 100.00 of 1,000.00 filled (10.0 %), fills 1, cost 0.10")
    assert bot.mode.get_current_state()[1] == pytest.approx(0.1, abs=1e-3)
    campaign = bot.producer.session.campaign
    assert campaign is not None
    campaign.halt(
        bot.producer.session.now(), bot.producer.session.source, Halt("costs are above max_cost_bps", "cost", True)
    )
    assert state(bot).startswith("Halted: ")
    assert state(bot).endswith(". costs are above max_cost_bps")
    await press(bot, "Start")
    assert state(bot).startswith("Halted: "), "only Resume ends a halt"
    await press(bot, "Resume")
    assert not state(bot).startswith("Halted")
    bot.advance(40)
    await bot.tick()
    assert state(bot).startswith("Waiting: ")
    assert "max_price_age" in state(bot)
    bot.set_price(START_PRICE)
    await bot.run(30)
    await bot.tick()
    assert state(bot).startswith("Target reached: ")


async def save(bot: Bot, profile: Profile, **settings: typing.Any) -> None:
    """As the web page does it: into the file, then a command."""
    tentacles_manager_api.update_tentacle_config(profile, VolumeBoosterTradingMode, settings)
    reload = commons_enums.UserCommands.RELOAD_CONFIG.value
    await bot.mode.user_commands_callback(bot.manager.bot_id, NAME, reload, {})


async def test_saving_takes_effect_at_once(make_bot: MakeBot, home: pathlib.Path) -> None:
    bot, profile = await bot_with_profile(make_bot, home, trade_frequency_min=60, trade_frequency_max=60)
    await until(lambda: bot.progress.fills == 1)
    await save(bot, profile, trade_frequency_min=0.05, trade_frequency_max=0.05, min_buy_amount=70, max_buy_amount=75)
    assert (bot.settings.min_buy_amount, bot.settings.max_buy_amount) == (70, 75)
    await until(lambda: bot.progress.fills >= 4)
    assert all(69 < trade.total_cost < 76 for trade in bot.trades()[1:] if trade.side.value == "buy")


async def test_a_value_that_can_not_be_used_is_told_in_one_sentence_and_the_settings_before_stay_in_use(
    make_bot: MakeBot, home: pathlib.Path, notifications: list[typing.Any]
) -> None:
    bot, profile = await bot_with_profile(make_bot, home)
    await until(lambda: bot.progress.fills >= 1)
    before = bot.settings
    for _ in range(2):
        await save(bot, profile, seed="abc", max_buy_amount=140)
    fills = bot.progress.fills
    await until(lambda: bot.progress.fills > fills + 1)
    assert bot.settings == before
    assert profile.read()["max_buy_amount"] == 140, "what was typed is not lost"
    (told,) = (text for text in texts(notifications) if "can't be used" in text)
    assert told.startswith("The saved settings can't be used, the ones before stay in use: seed: input should be ")
    assert "What you can do: fix it in the form" in told
    assert state(bot).startswith("Running: ")
    assert "seed: input should be" in state(bot)
    await save(bot, profile, seed="5")
    assert (bot.settings.seed, bot.settings.max_buy_amount) == (5, 140)
    assert "can't be used" not in state(bot)


async def test_what_is_switched_off_is_off_also_beside_a_value_that_can_not_be_used(
    make_bot: MakeBot, home: pathlib.Path
) -> None:
    bot, profile = await bot_with_profile(make_bot, home)
    await until(lambda: bot.progress.fills >= 1)
    await save(bot, profile, seed="abc", enable_volume_booster=False)
    await until(lambda: "enable_volume_booster is off" in state(bot))
    assert not bot.settings.enable_volume_booster


async def test_of_pairs_that_share_a_campaign_one_tells_of_it(
    make_bot: MakeBot, notifications: list[typing.Any]
) -> None:
    first = await make_bot(**EQUAL)
    second = Bot(first.manager, await new_mode(first.manager, {"seed": 7} | EQUAL, "ETH/USDT"), "ETH/USDT")
    first.manager.trading_modes.append(second.mode)
    await second.producer.start()
    bots = (first, second)
    for bot in bots:
        await press(bot, "Pause")
    for bot in bots:
        await press(bot, "Pause")
    assert len(texts(notifications)) == 1, "pressed once more within two seconds it is the same press"
    await press(first, "Resume")
    for _ in range(15):
        for bot in bots:
            bot.advance(await bot.tick())
            bot.set_price(START_PRICE)
    told = texts(notifications)
    assert first.progress.is_done
    assert sum(text.startswith("All pairs, 50 %: ") for text in told) == 1
    assert sum("Target reached" in text for text in told) == 1
    assert all(text.count("What you can do: ") == 1 for text in told if " %: " in text or "reached" in text)
