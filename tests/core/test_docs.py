"""What is written about the settings is what they are."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from octobot_volume_booster.core.guards import GUARDS, ORDER_GUARDS, thin_market
from octobot_volume_booster.core.planner import explain
from octobot_volume_booster.core.presets import Preset
from octobot_volume_booster.core.settings import Settings, parse_settings, without_octobot_keys

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = "VolumeBoosterTradingMode.json"
TENTACLES = ("Trading/Mode/volume_booster_trading_mode", "Trading/Exchange/offline_exchange")


def written(value: object) -> str:
    if value in (None, ""):
        return "(empty)"
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_the_settings_table_of_the_readme_is_the_settings() -> None:
    expected = [
        f"| `{key}` | {written(value)} | {Settings.model_fields[key].description} |"
        for key, value in Settings().to_config().items()
    ]
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    first = lines.index("| setting | default | what it does |") + 2
    assert lines[first : first + len(expected)] == expected
    assert lines[first + len(expected)] == ""


def test_the_bundle_and_its_tentacles_have_one_version_and_one_origin() -> None:
    bundle = json.loads((ROOT / "metadata.json").read_text("utf-8"))
    for tentacle in TENTACLES:
        metadata = json.loads((ROOT / tentacle / "metadata.json").read_text("utf-8"))
        assert metadata["version"] == bundle["version"]
        assert metadata["origin_package"] == bundle["name"]
        assert metadata["tentacles"] == bundle["tentacles"][tentacle]
    assert f"## {bundle['version']} " in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_every_preset_is_explained_in_the_readme_as_it_is_computed() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for preset in Preset:
        assert preset is Preset.CUSTOM or f"| `{preset.value}` | {explain(preset)} |" in readme


@pytest.mark.parametrize(
    "file", [f"{TENTACLES[0]}/config/{CONFIG}", f"profiles/volume_booster/specific_config/{CONFIG}"]
)
def test_the_configuration_that_ships_is_the_defaults(file: str) -> None:
    config = json.loads((ROOT / file).read_text("utf-8"))
    assert config == {"required_strategies": []} | Settings().to_config() | {"seed": "", "max_cost_quote": ""}


def test_the_configuration_of_the_offline_profile_has_every_setting() -> None:
    config = json.loads((ROOT / "profiles/volume_booster_offline/specific_config" / CONFIG).read_text("utf-8"))
    assert parse_settings(without_octobot_keys(config)).volume_target == 50_000
    assert set(config) == {"required_strategies", *Settings.model_fields}


def test_every_guard_stands_in_the_readme_with_its_settings() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    lasting = [guard for guard in (*GUARDS, *ORDER_GUARDS) if guard is not thin_market]
    assert all(f"| `{guard.__name__}` | " in readme for guard in lasting)
    guarded = [key for key, field in Settings.model_fields.items() if _group(field) in ("Guards", "Emergency")]
    assert all(readme.count(f"`{key}`") >= 2 for key in guarded), "in the table of settings, and where it is explained"


def _group(field: Any) -> str:
    return str(field.json_schema_extra["group"])
