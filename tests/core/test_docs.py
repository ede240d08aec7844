"""What is written about the settings is what they are."""

from __future__ import annotations

import json
import pathlib
import re
from typing import Any

import pytest

from octobot_volume_booster.core.decision.guards import GUARDS, LOCKS, ORDER_GUARDS
from octobot_volume_booster.core.planning.planner import explain
from octobot_volume_booster.core.settings.presets import Preset
from octobot_volume_booster.core.settings.schema import Settings, parse_settings, without_octobot_keys

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = "VolumeBoosterTradingMode.json"
TENTACLES = ("Trading/Mode/volume_booster_trading_mode", "Trading/Exchange/offline_exchange")


EMPTY = dict.fromkeys(("seed", "max_cost_quote", "max_total_cost_quote", "deadline", "max_cancels_per_minute"), "")


def written(value: object) -> str:
    if value in (None, ""):
        return "(empty)"
    return str(value).lower() if isinstance(value, bool) else str(value)


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def test_the_settings_table_is_the_settings() -> None:
    expected = [
        f"| `{key}` | {written(value)} | {Settings.model_fields[key].description} |"
        for key, value in Settings().to_config().items()
    ]
    lines = page("settings.md").splitlines()
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


def test_every_preset_is_explained_as_it_is_computed() -> None:
    settings = page("settings.md")
    for preset in Preset:
        assert preset is Preset.CUSTOM or f"| `{preset.value}` | {explain(preset)} |" in settings


@pytest.mark.parametrize(
    "file", [f"{TENTACLES[0]}/config/{CONFIG}", f"profiles/volume_booster/specific_config/{CONFIG}"]
)
def test_the_configuration_that_ships_is_the_defaults(file: str) -> None:
    config = json.loads((ROOT / file).read_text("utf-8"))
    assert config == {"required_strategies": []} | Settings().to_config() | EMPTY


def test_the_configuration_of_the_offline_profile_has_every_setting() -> None:
    config = json.loads((ROOT / "profiles/volume_booster_offline/specific_config" / CONFIG).read_text("utf-8"))
    assert parse_settings(without_octobot_keys(config)).volume_target == 50_000
    assert set(config) == {"required_strategies", *Settings.model_fields}


def test_every_guard_is_explained_with_its_settings_and_with_the_way_out() -> None:
    guards, recovering = page("guards.md"), page("recovering-from-a-halt.md")
    for guard in (*LOCKS, *GUARDS, *ORDER_GUARDS):
        assert f"| `{guard.__name__}` | " in guards
        assert re.search(rf"^### .*\b{guard.__name__}\b", recovering, re.MULTILINE), guard.__name__
    explained = guards + page("emergency-stop.md")
    guarded = [key for key, field in Settings.model_fields.items() if _group(field) in ("Guards", "Emergency")]
    assert all(f"`{key}`" in explained for key in guarded)


def test_the_readme_is_short_and_names_the_decisions() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "## Decisions" in readme and "(docs/decisions.md)" in readme
    assert len(readme.split()) < 1_500, "a newcomer reads it in some minutes"


def _group(field: Any) -> str:
    return str(field.json_schema_extra["group"])
