"""The law of borrowed settings: after a run, however it ended, a profile has its own settings again."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest

from octobot_volume_booster.cli.files.home import (
    KEPT_SUFFIX,
    MODE_CONFIG,
    Home,
    HomeError,
    mode_settings,
    settings_of_this_run,
)

OWN = '{"required_strategies": [],\n  "volume_target": 50000, "seed": 3}'
OF_A_RUN: dict[str, Any] = {"volume_target": 100, "order_type": "market"}
TWO_KILLED_RUNS = """
import os, pathlib, sys
from octobot_volume_booster.cli.files.home import settings_of_this_run
profile = pathlib.Path(sys.argv[1])
with settings_of_this_run(profile, {"volume_target": 1}):
    with settings_of_this_run(profile, {"volume_target": 2}):
        os._exit(9)
"""


@pytest.fixture
def profile(tmp_path: pathlib.Path) -> pathlib.Path:
    file = tmp_path / "my_profile" / MODE_CONFIG
    file.parent.mkdir(parents=True)
    file.write_text(OWN, "utf-8")
    return tmp_path / "my_profile"


def read(profile: pathlib.Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((profile / MODE_CONFIG).read_text("utf-8"))
    return content


def killed_run(profile: pathlib.Path, settings: dict[str, Any]) -> None:
    """What a run leaves behind that gets no chance to tidy up: its settings, and the profile's own beside them."""
    file = profile / MODE_CONFIG
    kept = file.with_name(file.name + KEPT_SUFFIX)
    kept.write_bytes(file.read_bytes())
    file.write_text(json.dumps(json.loads(OWN) | settings), "utf-8")


def check_has_its_own(profile: pathlib.Path) -> None:
    assert (profile / MODE_CONFIG).read_text("utf-8") == OWN
    assert [file.name for file in (profile / MODE_CONFIG).parent.iterdir()] == [MODE_CONFIG.name]


def test_a_run_has_its_settings_on_top_of_the_profiles_own(profile: pathlib.Path) -> None:
    with settings_of_this_run(profile, OF_A_RUN):
        assert read(profile) == {"required_strategies": [], "volume_target": 100, "seed": 3, "order_type": "market"}
        assert mode_settings(profile) == json.loads(OWN)
    check_has_its_own(profile)


def test_a_run_that_fails_gives_the_settings_back(profile: pathlib.Path) -> None:
    with pytest.raises(KeyboardInterrupt), settings_of_this_run(profile, OF_A_RUN):
        raise KeyboardInterrupt
    check_has_its_own(profile)


def test_the_run_after_a_killed_one_starts_from_the_profiles_own_settings(profile: pathlib.Path) -> None:
    killed_run(profile, {"volume_target": 77, "max_open_orders": 1})
    assert mode_settings(profile) == json.loads(OWN)
    with settings_of_this_run(profile, OF_A_RUN):
        assert read(profile) == json.loads(OWN) | OF_A_RUN
    check_has_its_own(profile)


def test_so_does_the_run_after_two_that_were_really_killed(profile: pathlib.Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", TWO_KILLED_RUNS, str(profile)], env=environment, check=False)
    assert killed.returncode == 9
    assert read(profile)["volume_target"] == 2
    with settings_of_this_run(profile, OF_A_RUN):
        assert read(profile) == json.loads(OWN) | OF_A_RUN
    check_has_its_own(profile)


def test_a_profile_without_readable_settings_is_told_by_its_file(profile: pathlib.Path) -> None:
    (profile / MODE_CONFIG).write_text("not JSON", "utf-8")
    with pytest.raises(HomeError, match=MODE_CONFIG.name), settings_of_this_run(profile, OF_A_RUN):
        pass
    assert (profile / MODE_CONFIG).read_text("utf-8") == "not JSON"


@pytest.mark.parametrize("left", ["", '{"profile": "mi', None], ids=["emptied", "half written", "not begun"])
@pytest.mark.parametrize("name", ["config.json", "profiles/mine/profile.json"])
def test_what_octobot_was_writing_when_it_was_killed_is_as_it_was_before(
    tmp_path: pathlib.Path, name: str, left: str | None
) -> None:
    whole = '{"profile": "mine", "config": {}}'
    file = tmp_path / "user" / name
    file.parent.mkdir(parents=True)
    file.write_text(whole if left is None else left, "utf-8")
    file.with_name(file.name + ".back").write_text(whole, "utf-8")
    Home(tmp_path).restore_interrupted_writes()
    assert file.read_text("utf-8") == whole


@pytest.mark.parametrize(
    ("is_file", "copy"), [(True, None), (True, '{"profile": "mi'), (True, '{"a": "copy"}'), (False, None)]
)
def test_what_can_be_read_or_has_no_whole_copy_stays_as_it_is(
    tmp_path: pathlib.Path, is_file: bool, copy: str | None
) -> None:
    home = Home(tmp_path)
    home.config.parent.mkdir()
    if is_file:
        home.config.write_text('{"profile": "mine"}' if copy == '{"a": "copy"}' else '{"prof', "utf-8")
    if copy is not None:
        home.config.with_name("config.json.back").write_text(copy, "utf-8")
    before = sorted((file.name, file.read_bytes()) for file in home.config.parent.iterdir())
    home.restore_interrupted_writes()
    assert sorted((file.name, file.read_bytes()) for file in home.config.parent.iterdir()) == before
