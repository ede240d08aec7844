"""Every way into an OctoBot, tried with the real OctoBot command, and proven by what OctoBot then says of itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from octobot_volume_booster.cli.commands import bundle, install
from octobot_volume_booster.cli.process.octobot_process import offline_environment, run_octobot

REPOSITORY = Path(__file__).resolve().parents[2]
MODE = Path("Trading", "Mode", "volume_booster_trading_mode")
EXCHANGE = Path("Trading", "Exchange", "offline_exchange")
PROFILES = ("volume_booster", "volume_booster_offline", "volume_booster_sandbox", "volume_booster_several")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "tests")

ASK_OCTOBOT = """
import json, os, sys
sys.path.append(os.getcwd())
import octobot_commons.profiles as profiles
import octobot_tentacles_manager.api as tentacles_manager
import octobot_trading.modes as modes

loaded = tentacles_manager.load_tentacles()
tentacles_manager.reload_tentacle_info()
import tentacles.Trading.Exchange, tentacles.Trading.Mode

def of_profile(name):
    profile = profiles.Profile(os.path.join("user", "profiles", name)).read_config()
    setup = tentacles_manager.get_tentacles_setup_config(profile.get_tentacles_config_path())
    mode = modes.get_activated_trading_mode(setup)
    return {
        "mode": mode.get_name(),
        "strategies": mode.get_required_strategies_names_and_count(setup)[0],
        "settings": tentacles_manager.get_tentacle_config(setup, mode),
        "exchanges": [name for name, options in profile.config["exchanges"].items() if options["enabled"]],
        "has_avatar": profile.avatar_path is not None,
    }

names = sorted(os.listdir("user/profiles")) if os.path.isdir("user/profiles") else []
print(json.dumps({
    "loaded": loaded,
    "modes": [name for name in dir(tentacles.Trading.Mode) if name.endswith("Mode")],
    "exchanges": [name for name in dir(tentacles.Trading.Exchange) if name.endswith("Exchange")],
    "version": tentacles_manager.get_tentacle_version("VolumeBoosterTradingMode"),
    "profiles": {name: of_profile(name) for name in names},
}))
"""


@dataclass(frozen=True)
class Answer:
    """What OctoBot says of a home."""

    loaded: bool
    modes: list[str]
    exchanges: list[str]
    version: str
    profiles: dict[str, dict[str, Any]]


def ask_octobot(home: Path) -> Answer:
    done = subprocess.run(
        [sys.executable, "-c", ASK_OCTOBOT], cwd=home, env=offline_environment(), capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return Answer(**json.loads(done.stdout.splitlines()[-1]))


def octobot_tentacles(home: Path, *args: str) -> None:
    exit_code, output = run_octobot(home, "tentacles", *args, timeout_s=200)
    assert exit_code == 0, output


def profile_octobot_starts_with(home: Path) -> str:
    code = (
        "import octobot.constants as constants, octobot_commons.configuration as configuration\n"
        "config = configuration.Configuration('user/config.json', 'user/profiles', constants.CONFIG_FILE_SCHEMA, "
        "constants.PROFILE_FILE_SCHEMA)\n"
        "config.read()\nconfig.validate()\nprint(config.profile.profile_id)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=home, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def assert_profiles_work(answer: Answer) -> None:
    assert sorted(answer.profiles) == sorted(PROFILES)
    for profile in answer.profiles.values():
        assert profile["mode"] == "VolumeBoosterTradingMode"
        assert profile["strategies"] == []
        assert profile["has_avatar"]
    assert answer.profiles["volume_booster"]["exchanges"] == ["binance"]
    assert answer.profiles["volume_booster"]["settings"]["max_buy_amount"] == 150
    assert answer.profiles["volume_booster_offline"]["exchanges"] == ["offline_exchange"]
    assert answer.profiles["volume_booster_offline"]["settings"]["order_type"] == "market"


def assert_tentacles_are_there(answer: Answer) -> None:
    assert answer.loaded
    assert "VolumeBoosterTradingMode" in answer.modes
    assert "OfflineExchange" in answer.exchanges
    assert answer.version == json.loads((REPOSITORY / "metadata.json").read_text(encoding="utf-8"))["version"]


@pytest.fixture(scope="module")
def bundle_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    packed: Path = bundle.pack(tmp_path_factory.mktemp("packed") / "bundle.zip")
    return packed


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "an OctoBot home"
    path.mkdir()
    return path


def copy_folders_and_repair(home: Path, _: Path) -> None:
    for tentacle in (MODE, EXCHANGE):
        shutil.copytree(REPOSITORY / tentacle, home / "tentacles" / tentacle, ignore=NOT_COPIED)
    shutil.copytree(REPOSITORY / "profiles", home / "user" / "profiles")
    octobot_tentacles(home, "-r")


def install_the_bundle(home: Path, bundle_zip: Path) -> None:
    octobot_tentacles(home, "-i", "-a", "-l", str(bundle_zip))


def install_each_tentacle_alone(home: Path, _: Path) -> None:
    octobot_tentacles(home, "-sti", str(REPOSITORY / MODE), str(MODE.parent))
    octobot_tentacles(home, "-sti", str(REPOSITORY / EXCHANGE), str(EXCHANGE.parent))


def answer_after(way: Callable[[Path, Path], None], home: Path, bundle_zip: Path) -> Answer:
    """What OctoBot says of a home into which the bundle came in this way."""
    way(home, bundle_zip)
    return ask_octobot(home)


@pytest.mark.once
def test_copied_folders_work_after_a_repair(home: Path, bundle_zip: Path) -> None:
    answer = answer_after(copy_folders_and_repair, home, bundle_zip)
    assert_tentacles_are_there(answer)
    assert_profiles_work(answer)


def test_the_bundle_installs_with_octobots_own_command(home: Path, bundle_zip: Path) -> None:
    answer = answer_after(install_the_bundle, home, bundle_zip)
    assert_tentacles_are_there(answer)
    assert_profiles_work(answer)


@pytest.mark.once
def test_each_tentacle_installs_alone(home: Path, bundle_zip: Path) -> None:
    answer = answer_after(install_each_tentacle_alone, home, bundle_zip)
    assert_tentacles_are_there(answer)
    assert answer.profiles == {}


# --- the bundle itself ---


def test_its_profiles_can_be_read_before_they_are_installed() -> None:
    assert tuple(bundle.profiles()) == PROFILES
    assert all((source / "profile.json").is_file() for source in bundle.profiles().values())


def test_the_bundle_holds_what_its_metadata_lists_and_nothing_else(bundle_zip: Path) -> None:
    listed = json.loads((REPOSITORY / "metadata.json").read_text(encoding="utf-8"))
    with zipfile.ZipFile(bundle_zip) as archive:
        names = archive.namelist()
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}, "the time of packing is left out"
        assert names == sorted(names)
        for path, classes in listed["tentacles"].items():
            metadata = json.loads(archive.read(f"reference_tentacles/{path}/metadata.json"))
            assert metadata["tentacles"] == classes
            assert metadata["origin_package"] == listed["name"]
    parts = [*listed["tentacles"], *(f"profiles/{name}" for name in listed["profiles"])]
    assert all(any(name.startswith(f"reference_tentacles/{part}/") for part in parts) for name in names)
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name or name.endswith(".pyc")]
    assert not [name for name in names if "_mode/bundle/" in name or "_mode/offline_exchange/" in name]


def test_packing_leaves_nothing_but_the_bundle(bundle_zip: Path) -> None:
    assert list(bundle_zip.parent.iterdir()) == [bundle_zip]


# --- into a home that is somebody's ---

OWN_PROFILE = "user/profiles/mine"


def furnish(home: Path) -> dict[str, bytes]:
    """A home with the user's own tentacle, profile and configuration: those files, as bytes."""
    files = {
        "user/config.json": '{"profile": "mine", "exchanges": {}}',
        f"{OWN_PROFILE}/profile.json": (REPOSITORY / "profiles" / "volume_booster" / "profile.json")
        .read_text(encoding="utf-8")
        .replace('"id": "volume_booster"', '"id": "mine"'),
        f"{OWN_PROFILE}/tentacles_config.json": json.dumps(
            {
                "tentacle_activation": {"Trading": {"ForeignTradingMode": True, "NotInstalledTradingMode": True}},
                "registered_tentacles": {"Foreign": "https://example.invalid/foreign.zip"},
                "installation_context": {"octobot_version": "0.4.0"},
            }
        ),
        f"{OWN_PROFILE}/specific_config/ForeignTradingMode.json": '{"required_strategies": [], "own": 1}',
        "user/profiles/just a folder/notes.txt": "mine",
        "tentacles/Trading/Mode/foreign_mode/__init__.py": "from .foreign import ForeignTradingMode\n",
        "tentacles/Trading/Mode/foreign_mode/foreign.py": "import octobot_trading.modes as modes\n\n\n"
        "class ForeignTradingMode(modes.AbstractTradingMode):\n    pass\n",
        "tentacles/Trading/Mode/foreign_mode/metadata.json": '{"version": "9.0.0", "origin_package": "Foreign", '
        '"tentacles": ["ForeignTradingMode"], "tentacles-requirements": []}',
        "tentacles/Trading/Mode/__init__.py": "from .foreign_mode import *\n",
    }
    for name, text in files.items():
        file = home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    del files["tentacles/Trading/Mode/__init__.py"]  # OctoBot's list: the new tentacle is added to it
    return {name: text.encode() for name, text in files.items()}


def newer(bundle_zip: Path, target: Path) -> Path:
    """The bundle as a later version of it: one module less, another changed."""
    with zipfile.ZipFile(bundle_zip) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("volume_booster_trading_mode/metadata.json"):
                content = json.dumps(json.loads(content) | {"version": "99.0.0"}).encode()
            if not name.endswith("volume_booster_trading_mode/cli/commands/bundle.py"):
                new.writestr(name, content)
    return target


@pytest.mark.once
def test_an_existing_home_keeps_everything_of_its_user(home: Path, bundle_zip: Path, tmp_path: Path) -> None:
    theirs = furnish(home)
    report = install.install(home, bundle_zip)
    assert {name: (home / name).read_bytes() for name in theirs} == theirs
    assert [path.name for path in (home / "user" / "profiles" / "just a folder").iterdir()] == ["notes.txt"]
    assert (report.new_profiles, report.kept_profiles) == (PROFILES, ())
    assert (report.other_profiles, report.selected_profile) == (("just a folder", "mine"), None)
    assert install.is_installed(home)

    settings = home / "user" / "profiles" / "volume_booster" / "specific_config" / "VolumeBoosterTradingMode.json"
    settings.write_text(settings.read_text(encoding="utf-8").replace("50000", "777"), encoding="utf-8")
    activation = home / "user" / "profiles" / "volume_booster" / "tentacles_config.json"
    activation.write_text(activation.read_text(encoding="utf-8").replace('Exchange": true', 'Exchange": false'))
    leftover = home / "tentacles" / MODE / "of_an_old_version.py"
    leftover.write_text("", encoding="utf-8")
    assert not install.is_installed(home)

    report = install.install(home, newer(bundle_zip, tmp_path / "newer.zip"))
    assert (report.version, report.new_profiles, report.kept_profiles) == ("99.0.0", (), PROFILES)
    assert not install.is_installed(home), "what is there now is not this package"
    assert not leftover.exists()
    assert not (home / "tentacles" / MODE / "cli" / "commands" / "bundle.py").exists()
    assert json.loads(settings.read_text(encoding="utf-8"))["volume_target"] == 777
    assert json.loads(activation.read_text(encoding="utf-8"))["tentacle_activation"]["Trading"] == {
        "ForeignTradingMode": False,
        "OfflineExchange": False,
        "SecondOfflineExchange": False,
        "VolumeBoosterTradingMode": True,
    }
    assert {name: (home / name).read_bytes() for name in theirs} == theirs
    shutil.rmtree(home / "user" / "profiles" / "just a folder")
    answer = ask_octobot(home)
    assert answer.version == "99.0.0"
    assert {"ForeignTradingMode", "VolumeBoosterTradingMode"} <= set(answer.modes)
    assert answer.profiles["mine"]["mode"] == "ForeignTradingMode"
    assert answer.profiles["volume_booster"]["settings"]["volume_target"] == 777


SPY = """
import sys

def note(event, args):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "socket.sendto"):
        with open({log!r}, "a", encoding="utf-8") as log:
            log.write(f"{{event}} {{args[1] if event in ('socket.connect', 'socket.sendto') else args[0]!r}}\\n")

sys.addaudithook(note)
"""


def test_a_new_home_is_made_without_asking_the_network(
    tmp_path: Path, bundle_zip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "network.log"
    (tmp_path / "sitecustomize.py").write_text(SPY.format(log=str(log)), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    report = install.install(tmp_path / "new home")
    asked = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    assert [line for line in asked if "127.0.0.1" not in line] == []
    assert (report.home, report.new_profiles) == (tmp_path / "new home", PROFILES)
    assert profile_octobot_starts_with(report.home) == report.selected_profile == "volume_booster"
    assert install.is_installed(report.home)
    assert report.bundle.read_bytes() == bundle_zip.read_bytes(), "packing again must give the same bytes"
    for changed in (MODE / "metadata.json", MODE.parent / "__init__.py"):
        file = report.home / "tentacles" / changed
        before = file.read_bytes()
        file.write_bytes(b"{}")
        assert not install.is_installed(report.home)
        file.write_bytes(before)
    assert install.is_installed(report.home)


# --- what can't be installed ---


def test_a_home_whose_parent_is_missing_is_not_made(tmp_path: Path, bundle_zip: Path) -> None:
    with pytest.raises(bundle.BundleError, match="can't be created"):
        install.install(tmp_path / "missing" / "home", bundle_zip)
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_is_a_file_is_refused(tmp_path: Path, bundle_zip: Path) -> None:
    (tmp_path / "home").write_text("", encoding="utf-8")
    with pytest.raises(bundle.BundleError, match="is a file"):
        install.install(tmp_path / "home", bundle_zip)


def test_a_file_that_is_no_zip_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "bundle.zip").write_text("not a zip", encoding="utf-8")
    with pytest.raises(bundle.BundleError, match="not a readable zip"):
        install.install(home, tmp_path / "bundle.zip")
    assert list(home.iterdir()) == []


def test_a_zip_that_octobot_would_take_and_install_nothing_from_is_refused(home: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "flat.zip", "w") as archive:
        archive.write(REPOSITORY / MODE / "metadata.json", f"{MODE.as_posix()}/metadata.json")
    with pytest.raises(bundle.BundleError, match="reference_tentacles"):
        install.install(home, tmp_path / "flat.zip")


def test_a_linked_tentacle_is_not_written_through(home: Path, tmp_path: Path, bundle_zip: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = home / "tentacles" / MODE
    link.parent.mkdir(parents=True)
    try:
        link.symlink_to(elsewhere, target_is_directory=True)
    except OSError:
        pytest.skip("this system lets this user make no links")
    with pytest.raises(bundle.BundleError, match="is a link"):
        install.install(home, bundle_zip)
    assert list(elsewhere.iterdir()) == []


@pytest.mark.once
def test_what_octobot_says_when_it_fails_reaches_the_user(home: Path, bundle_zip: Path) -> None:
    broken = home / "tentacles" / "Trading" / "Mode" / "broken" / "metadata.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{", encoding="utf-8")
    with pytest.raises(bundle.BundleError, match=r"Error when loading broken"):
        install.install(home, bundle_zip)


def test_a_bundle_is_not_written_over_a_directory(tmp_path: Path) -> None:
    with pytest.raises(bundle.BundleError, match="can't be written"):
        bundle.pack(tmp_path)
