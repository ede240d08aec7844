"""A campaign that continues keeps what the run before was given: no restart takes off a limit that a person has set."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from octobot_volume_booster.cli.files import home as homes
from octobot_volume_booster.cli.files import run_options

PROFILE = "mine"
GIVEN = {"volume_target": "30,000", "max_cost_quote": "5", "seed": "7", "trade_frequency_min": "1"}


@pytest.fixture
def home(tmp_path: pathlib.Path) -> homes.Home:
    """A home with a profile, in which a run was started."""
    octobot_home = homes.Home(tmp_path)
    change(octobot_home, volume_target=50_000)
    run_options.written(octobot_home, PROFILE, GIVEN)
    return octobot_home


def change(home: homes.Home, **settings: Any) -> None:
    file = home.profile(PROFILE) / homes.MODE_CONFIG
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(settings), "utf-8")


def kept(home: homes.Home, profile: str = PROFILE, **requested: Any) -> dict[str, Any]:
    return run_options.kept(home, home.profile(profile), requested)


def test_all_is_kept_but_the_seed_which_the_campaign_keeps_itself(home: homes.Home) -> None:
    assert kept(home) == {key: value for key, value in GIVEN.items() if key != "seed"}


def test_a_consent_is_never_kept(home: homes.Home) -> None:
    run_options.written(home, PROFILE, {"i_accept_real_trading": "true", "max_cost_quote": "5"})
    assert kept(home) == {"max_cost_quote": "5"}


def test_what_is_given_anew_is_not_kept(home: homes.Home) -> None:
    assert kept(home, max_cost_quote="6", seed="8") == {"volume_target": "30,000", "trade_frequency_min": "1"}


def test_what_was_changed_in_the_profile_since_is_the_profiles(home: homes.Home) -> None:
    change(home, volume_target=60_000)
    assert kept(home) == {"max_cost_quote": "5", "trade_frequency_min": "1"}
    change(home, volume_target=50_000, max_cost_quote=9)
    assert kept(home) == {"volume_target": "30,000", "trade_frequency_min": "1"}


def test_a_preset_decides_its_own(home: homes.Home) -> None:
    assert kept(home, preset="aggressive") == {"volume_target": "30,000", "max_cost_quote": "5"}


def test_another_profile_and_a_home_without_a_run_keep_nothing(home: homes.Home, tmp_path: pathlib.Path) -> None:
    assert kept(home, "another") == {}
    assert kept(homes.Home(tmp_path / "new")) == {}


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"profile_id": "mine"}', '{"profile_id": "mine", "given": [], "of_profile": {}}']
)
def test_a_damaged_file_is_told_and_not_passed_over(home: homes.Home, text: str) -> None:
    file = home.campaign.with_name(run_options.FILE)
    file.write_text(text, "utf-8")
    with pytest.raises(homes.HomeError, match=r"last_run\.json"):
        kept(home)
