"""The form that OctoBot shows against the settings."""

from __future__ import annotations

import typing

import pytest

from octobot_volume_booster.core.planning.planner import explain
from octobot_volume_booster.core.settings.presets import Preset
from octobot_volume_booster.core.settings.schema import Settings, SettingsError, parse_settings, without_octobot_keys
from octobot_volume_booster.volume_booster_trading import VolumeBoosterTradingMode

from .conftest import MakeBot


async def test_the_form_has_every_setting_with_its_default(make_bot: MakeBot) -> None:
    bot = await make_bot(start=False, seed="")
    config = without_octobot_keys(bot.mode.trading_config)
    empty = ("seed", "max_cost_quote", "max_total_cost_quote", "deadline", "max_cancels_per_minute")
    assert config == Settings().to_config() | dict.fromkeys(empty, "")


async def test_every_setting_is_grouped_bounded_explained_and_shown_only_where_it_has_an_effect(
    make_bot: MakeBot,
) -> None:
    bot = await make_bot(start=False)
    inputs: dict[str, typing.Any] = {}
    bot.mode.init_user_inputs(inputs)
    form = {user_input.name: user_input for user_input in inputs.values()}
    assert list(form) == list(Settings.model_fields)
    assert [user_input.order for user_input in form.values()] == sorted(range(1, len(form) + 1))
    for key, user_input in form.items():
        assert " · " in user_input.title
        assert str(Settings.model_fields[key].description) in user_input.other_schema_values["description"]
    offset = form["price_offset_percent"]
    assert (offset.min_val, offset.max_val) == (0, 50)
    assert offset.editor_options == {"dependencies": {"preset": "custom", "order_type": "limit"}}
    assert form["order_type"].options == ["limit", "market", "passive", "pair"]
    assert form["deadline"].editor_options == {"dependencies": {"order_type": ["passive", "pair"]}}
    assert form["volume_target"].editor_options is None
    explained = form["preset"].other_schema_values["description"]
    assert all(explain(preset) in explained for preset in Preset if preset is not Preset.CUSTOM)


def test_the_form_can_be_made_without_an_exchange() -> None:
    mode = VolumeBoosterTradingMode({}, None)
    mode.trading_config = {}
    inputs: dict[str, typing.Any] = {}
    mode.init_user_inputs(inputs)
    assert len(inputs) == len(Settings.model_fields)


def test_a_key_of_octobot_is_left_aside_and_any_other_is_named() -> None:
    with pytest.raises(SettingsError, match="max_buy_amont: unknown setting"):
        parse_settings(without_octobot_keys({"required_strategies": [], "max_buy_amont": 5}))
