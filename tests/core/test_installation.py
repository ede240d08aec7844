"""An installation that is cut off after any of its file operations: the next one ends it as if nothing had happened."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import sys
import typing
import zipfile
from collections.abc import Callable, Iterator

import pytest

from octobot_volume_booster.cli.commands import bundle, install
from octobot_volume_booster.cli.commands.run import find_profile
from octobot_volume_booster.cli.files import installation
from octobot_volume_booster.cli.files.home import Home, HomeError

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"}
FOREIGN_LISTING = "from .foreign import *\n"
OWN = "volume_booster"


class Killed(BaseException):
    """The process is dead: no `finally` of it changes anything any more."""


class Death:
    """Counts what changes the disk, and from one moment on lets nothing change any more."""

    def __init__(self) -> None:
        self.is_on = False
        self.steps = 0
        self.at: int | None = None
        sys.addaudithook(self._look)

    def _look(self, event: str, arguments: tuple[typing.Any, ...]) -> None:
        if event in CHANGES or (event == "open" and _writes(arguments)):
            self.step()

    def step(self) -> None:
        self.steps += self.is_on
        if self.is_on and self.at is not None and self.steps > self.at:
            raise Killed

    @contextlib.contextmanager
    def after(self, steps: int | None) -> Iterator[None]:
        self.steps, self.at, self.is_on = 0, steps, True
        try:
            yield
        except Killed:
            pass
        finally:
            self.is_on = False


def _writes(arguments: tuple[typing.Any, ...]) -> bool:
    return bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


@pytest.fixture(scope="module")
def death() -> Death:
    return Death()


@pytest.fixture(scope="module")
def bundle_zip(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The bundle with one file of each part, so that there are few steps; a profile has all of its own."""
    parts = bundle.own_parts()
    files = {path: source.read_bytes() for path, source in parts.marker_files().items()}
    for path, source in parts.profiles.items():
        for name in ("tentacles_config.json", "specific_config/VolumeBoosterTradingMode.json"):
            files[path / name] = (source / name).read_bytes()
    target = tmp_path_factory.mktemp("bundle") / "bundle.zip"
    bundle.write_zip(files, target)
    return target


def in_two_steps(file: pathlib.Path, text: str, step: Callable[[], None]) -> None:
    """As OctoBot writes: a kill leaves half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as opened:
        opened.write(text[: len(text) // 2])
        opened.flush()
        step()
        opened.write(text[len(text) // 2 :])


def octobot(death: Death) -> Callable[..., None]:
    """What OctoBot's own command does to a home, in its order and in its way of writing."""

    def command(home: pathlib.Path, *arguments: str) -> None:
        with zipfile.ZipFile(home / arguments[-1]) as archive:
            files = {pathlib.PurePosixPath(name): archive.read(name).decode() for name in archive.namelist()}
        files = {path.relative_to("reference_tentacles"): text for path, text in files.items()}
        for path, text in files.items():
            if path.parts[0] != "profiles":
                in_two_steps(home / "tentacles" / path, text, death.step)
                _list(home / "tentacles" / path.parent, death.step)
        new = [p for p in {path.parts[1] for path in files} if not (home / "user" / "profiles" / p).exists()]
        for path, text in files.items():
            if path.parts[0] == "profiles" and path.parts[1] in new:
                in_two_steps(home / "user" / path, text, death.step)
        in_two_steps(home / installation.INVENTORY, '{"tentacle_activation": {}}', death.step)
        for file in sorted((home / "user" / "profiles").glob("*/tentacles_config.json")):
            config = json.loads(file.read_text("utf-8"))
            config["tentacle_activation"] = {"Trading": {"VolumeBoosterTradingMode": True}}
            config["installation_context"] = {"octobot_version": "now"}
            in_two_steps(file, json.dumps(config), death.step)

    return command


def _list(tentacle: pathlib.Path, step: Callable[[], None]) -> None:
    listing = tentacle.with_name("__init__.py")
    before = listing.read_text("utf-8") if listing.is_file() else ""
    line = f"from .{tentacle.name} import *\n"
    if line not in before:
        in_two_steps(listing, before + line, step)


def a_new_home(home: pathlib.Path) -> None:
    """Nothing: it does not exist."""


def an_empty_home(home: pathlib.Path) -> None:
    home.mkdir()


def somebodys_home(home: pathlib.Path) -> None:
    """With keys, a tentacle and a profile of its own, and one of ours that its user has edited."""
    files = {
        "user/config.json": '{"profile": "mine", "exchanges": {"binance": {"api-key": "encrypted"}}}',
        "user/profiles/mine/profile.json": "{}",
        "user/profiles/mine/tentacles_config.json": '{"tentacle_activation": {"Trading": {"Foreign": true}}}',
        f"user/profiles/{OWN}/profile.json": '{"edited": true}',
        f"user/profiles/{OWN}/tentacles_config.json": json.dumps(
            {"tentacle_activation": {"Trading": {"VolumeBoosterTradingMode": False}}}
        ),
        f"user/profiles/{OWN}/specific_config/VolumeBoosterTradingMode.json": '{"volume_target": 777}',
        "tentacles/__init__.py": "",
        "tentacles/Trading/Mode/__init__.py": FOREIGN_LISTING,
        "tentacles/Trading/Mode/foreign/__init__.py": "",
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)


HOMES = (a_new_home, an_empty_home, somebodys_home)


def tree(home: pathlib.Path) -> dict[str, bytes]:
    return {file.relative_to(home).as_posix(): file.read_bytes() for file in home.rglob("*") if file.is_file()}


def installed(
    folder: pathlib.Path,
    furnish: Callable[[pathlib.Path], None],
    zip_file: pathlib.Path,
    death: Death,
    cuts: tuple[int | None, ...],
) -> pathlib.Path:
    """A home after an installation for each cut; None is one that runs to its end."""
    home = folder / "home"
    if not home.exists():
        furnish(home)
    for steps in cuts:
        with death.after(steps):
            install.install(home, zip_file, octobot(death))
    return home


@pytest.mark.parametrize("every", [23, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("furnish", HOMES)
def test_cut_off_after_any_step_it_is_whole_after_the_next_one(
    tmp_path: pathlib.Path, furnish: Callable[[pathlib.Path], None], every: int, bundle_zip: pathlib.Path, death: Death
) -> None:
    (tmp_path / "whole").mkdir()
    whole = tree(installed(tmp_path / "whole", furnish, bundle_zip, death, (None,)))
    assert installation.RECORD.as_posix() not in whole
    steps = death.steps
    assert steps > 40
    for cut in range(HOMES.index(furnish) % every, steps, every):
        folder = tmp_path / str(cut)
        folder.mkdir()
        # every seventh is cut off a second time, at another moment
        cuts = (cut, (cut * 5) % steps, None) if cut % 7 == 0 else (cut, None)
        home = installed(folder, furnish, bundle_zip, death, cuts)
        assert tree(home) == whole, f"cut off after {cut} steps"
        shutil.rmtree(folder)


def test_in_somebodys_home_nothing_of_theirs_is_lost(
    tmp_path: pathlib.Path, bundle_zip: pathlib.Path, death: Death
) -> None:
    home = installed(tmp_path, somebodys_home, bundle_zip, death, (None,))
    before = tmp_path / "before"
    somebodys_home(before)
    theirs = {name: text for name, text in tree(before).items() if OWN not in name and "Mode/__init__" not in name}
    assert {name: tree(home)[name] for name in theirs} == theirs
    assert FOREIGN_LISTING in (home / "tentacles/Trading/Mode/__init__.py").read_text()
    assert json.loads((home / "user/profiles" / OWN / "tentacles_config.json").read_text())["tentacle_activation"] == {
        "Trading": {"VolumeBoosterTradingMode": False}
    }
    assert json.loads((home / "user/profiles" / OWN / "profile.json").read_text()) == {"edited": True}


def cut_off(folder: pathlib.Path, zip_file: pathlib.Path, death: Death) -> pathlib.Path:
    """A new home in which everything is installed and nothing is signed off yet."""
    installed(folder, a_new_home, zip_file, death, (None,))
    shutil.rmtree(folder / "home")
    for cut in reversed(range(death.steps)):  # the last steps are those of the scratch folder
        home = installed(folder, a_new_home, zip_file, death, (cut,))
        if installation.is_cut_off(home):
            return home
        shutil.rmtree(home)
    raise AssertionError("it is signed off before its first step")


def test_what_was_changed_long_after_the_cut_is_left_as_it_is(
    tmp_path: pathlib.Path, bundle_zip: pathlib.Path, death: Death
) -> None:
    home = cut_off(tmp_path, bundle_zip, death)
    edited = home / "user" / "config.json"
    edited.write_text('{"profile": "mine"}')
    later = edited.stat().st_mtime + 2 * installation.LONGEST_S
    os.utime(edited, (later, later))
    with pytest.raises(bundle.BundleError, match="it failed"):
        install.install(home, bundle_zip, _fails)
    assert edited.read_text() == '{"profile": "mine"}'


def _fails(*_: typing.Any) -> None:
    raise bundle.BundleError("it failed")


def test_when_octobots_command_fails_the_home_stays_half_and_says_so(
    tmp_path: pathlib.Path, bundle_zip: pathlib.Path, death: Death
) -> None:
    home = tmp_path / "home"
    somebodys_home(home)
    before = tree(home)
    with pytest.raises(bundle.BundleError, match="it failed"):
        install.install(home, bundle_zip, _fails)
    assert {name: tree(home)[name] for name in before} == before
    assert installation.is_cut_off(home)
    install.install(home, bundle_zip, octobot(death))
    assert not installation.is_cut_off(home)


def test_half_a_profile_is_read_from_the_bundle_and_one_of_the_users_is_not(
    tmp_path: pathlib.Path, bundle_zip: pathlib.Path
) -> None:
    home = tmp_path / "home"
    somebodys_home(home)
    (home / "user/profiles/volume_booster_offline").mkdir()
    with pytest.raises(bundle.BundleError):
        install.install(home, bundle_zip, _fails)
    assert find_profile(Home(home), OWN) == home / "user/profiles" / OWN
    own = bundle.profiles()
    assert find_profile(Home(home), "volume_booster_offline") == own["volume_booster_offline"]


def test_a_record_that_somebody_changed_is_told(tmp_path: pathlib.Path, bundle_zip: pathlib.Path) -> None:
    record = tmp_path / installation.RECORD
    record.parent.mkdir(parents=True)
    for content in ("{}", '{"began_at": 1, "is_new": true, "kept": [], "files": []}', "{"):
        record.write_text(content)
        with pytest.raises(HomeError, match="installation"):
            install.install(tmp_path, bundle_zip, _fails)


def test_a_home_that_an_older_version_left_without_its_configuration_gets_one(
    tmp_path: pathlib.Path, bundle_zip: pathlib.Path, death: Death
) -> None:
    home = installed(tmp_path, a_new_home, bundle_zip, death, (None,))
    for empty in (False, True):
        (home / "user/config.json").unlink()
        if empty:
            (home / "user/config.json").touch()
        Home(home).select_profile("volume_booster_offline")
        assert json.loads((home / "user/config.json").read_text())["profile"] == "volume_booster_offline"
