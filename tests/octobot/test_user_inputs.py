"""The form that OctoBot shows, and the configuration that ships, against the settings."""

from __future__ import annotations

import json
import pathlib

import pytest

import octobot_volume_booster
from octobot_volume_booster import user_inputs
from octobot_volume_booster.core.settings import Settings, SettingsError, without_octobot_keys

from .conftest import MakeBot

PACKAGE = pathlib.Path(octobot_volume_booster.__file__).parent
ROOT = pathlib.Path(__file__).parents[2]


async def test_the_form_has_every_setting_with_its_default(make_bot: MakeBot) -> None:
    bot = await make_bot(start=False, seed="")
    config = without_octobot_keys(bot.mode.trading_config)
    assert config == Settings().to_config() | {"seed": ""}


def test_the_configuration_that_ships_has_nothing_but_defaults() -> None:
    config = json.loads((PACKAGE / "config" / "VolumeBoosterTradingMode.json").read_text("utf-8"))
    assert config["required_strategies"] == []
    assert user_inputs.read_settings(config) == Settings()


@pytest.mark.parametrize("profile", ["volume_booster", "volume_booster_offline"])
def test_the_settings_of_every_profile_can_be_used(profile: str) -> None:
    file = ROOT / "profiles" / profile / "specific_config" / "VolumeBoosterTradingMode.json"
    settings = user_inputs.read_settings(json.loads(file.read_text("utf-8")))
    assert settings.volume_target == 50_000
    assert profile != "volume_booster" or settings == Settings()


def test_a_key_of_octobot_is_left_aside_and_any_other_is_named() -> None:
    with pytest.raises(SettingsError, match="max_buy_amont: unknown setting"):
        user_inputs.read_settings({"required_strategies": [], "max_buy_amont": 5})
