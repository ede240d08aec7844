"""Two launchers on one home, and one that is killed while it installs: one clear sentence, and a home that works."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys
import time

import pytest

from octobot_volume_booster.cli.files.installation import is_cut_off

from .conftest import QUICK, Finished, start_volume_booster, volume_booster

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.once]

RUN = ("--target", "600", "--seed", "7", "--json", "--quiet", *QUICK)
OF_OTHERS = 0o077


def finished(launcher: subprocess.Popen[str]) -> Finished:
    output, errors = launcher.communicate(timeout=240)
    return Finished(launcher.returncode, output, errors)


def open_to_others(home: pathlib.Path) -> list[str]:
    """What holds keys or trades and can be read by others, although every folder is closed, too."""
    private = [home / "user", home / "user" / "volume_booster", home / "logs", home / "user" / "config.json"]
    private += [file for file in (home / "logs").iterdir() if b"FILLED" in file.read_bytes().upper()]
    for folder in ("volume_booster", "data"):
        private += [file for file in (home / "user" / folder).rglob("*") if file.is_file()]
    return [str(file) for file in private if file.stat().st_mode & OF_OTHERS]


@pytest.mark.parametrize("is_new", [True, False], ids=["new home", "older campaign"])
def test_of_three_launchers_at_once_one_runs_and_the_others_say_who_holds_the_home(
    home: pathlib.Path, is_new: bool
) -> None:
    if is_new:
        shutil.rmtree(home)
    else:
        home.chmod(0o755)
    started = [start_volume_booster("sandbox", "--home", str(home), *RUN, cwd=home.parent) for _ in range(3)]
    done = sorted((finished(one) for one in started), key=lambda one: one.exit_code)
    assert [one.exit_code for one in done] == [0, 2, 2], [one.errors for one in done]
    assert done[0].result["orders"] > 0 and done[0].result["state"] == "done"
    for refused in done[1:]:
        assert "`volume-booster sandbox` (process " in refused.errors
        assert len(refused.errors.splitlines()) == 1
    again = volume_booster("sandbox", "--home", str(home), *RUN, cwd=home.parent)
    assert (again.exit_code, again.result["state"]) == (0, "done"), again.errors
    if sys.platform != "win32":
        assert open_to_others(home) == []


MOMENTS = (
    "user/volume_booster/installation.json",
    "tentacles/Trading/Mode/volume_booster_trading_mode/core",
    "user/profiles/volume_booster_several/profile.json",
)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_first_installation_that_was_killed_is_ended_by_the_next_start(new_home: pathlib.Path, moment: str) -> None:
    first = start_volume_booster("simulate", "--home", str(new_home), *RUN, cwd=new_home.parent)
    deadline = time.monotonic() + 120
    while not (new_home / moment).exists():
        assert first.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)
    first.kill()
    first.communicate()
    assert is_cut_off(new_home)
    done = volume_booster("simulate", "--home", str(new_home), *RUN, cwd=new_home.parent)
    assert done.exit_code == 0, done.errors
    assert done.result["orders"] > 0
    assert not is_cut_off(new_home)
