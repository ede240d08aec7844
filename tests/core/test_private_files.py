"""What holds keys or trades is for its owner only from the first byte, there whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import sys
import typing
from collections.abc import Iterator

import pytest

from octobot_volume_booster.cli.commands.bundle import write_zip
from octobot_volume_booster.cli.commands.sweep import Run, write_csv
from octobot_volume_booster.cli.files import candle_files, home, octobot_keys
from octobot_volume_booster.core.planning.candles import read_csv
from octobot_volume_booster.journal.bot_lock import BotLock
from octobot_volume_booster.journal.journal import Journal
from octobot_volume_booster.storage import private_files

MODE = pathlib.Path(__file__).parents[2] / "Trading" / "Mode" / "volume_booster_trading_mode"
posix = pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")


@pytest.fixture(autouse=True)
def open_to_all() -> Iterator[None]:
    """The widest umask, so that nothing is private by chance."""
    before = os.umask(0)
    yield
    os.umask(before)


def rights(path: pathlib.Path) -> int:
    return path.stat().st_mode & 0o777


def journal(path: pathlib.Path) -> None:
    Journal.create_or_open(path).close()


def bot_lock(path: pathlib.Path) -> None:
    lock = BotLock(path)
    lock.take()
    lock.release()
    path.touch(0o600)  # the lock itself is no secret, its folder is


def candles(path: pathlib.Path) -> None:
    series = read_csv(["1700006400,10,12,9,11,5", "1700006460,11,13,10,12,5"])
    candle_files.write_data_file(path, {"BTC/USDT": series}, "binance")


WRITERS: dict[str, typing.Callable[[pathlib.Path], None]] = {
    "bytes": lambda path: private_files.write_whole(path, b"secret"),
    "JSON": lambda path: home.write_json(path, {"api-key": "secret"}),
    "journal": journal,
    "bot lock": bot_lock,
    "candles": candles,
    "sweep": lambda path: write_csv(path, [Run({"seed": "1"}, problem="none")]),
    "bundle": lambda path: write_zip({}, path),
}


@contextlib.contextmanager
def watched(folder: pathlib.Path) -> Iterator[list[tuple[str, int]]]:
    """The rights of every file of a folder at each moment at which something is opened, moved or removed."""
    seen: list[tuple[str, int]] = []
    is_on = True

    def look(event: str, arguments: object) -> None:
        if is_on and event in ("open", "os.rename", "os.remove", "sqlite3.connect"):
            for entry in _entries(folder):
                with contextlib.suppress(OSError):
                    seen.append((entry, os.lstat(entry).st_mode & 0o777))

    sys.addaudithook(look)
    yield seen
    is_on = False


def _entries(folder: pathlib.Path) -> list[str]:
    try:
        return [f"{folder}/{name}" for name in os.listdir(folder)]  # noqa: PTH208 - scandir is what is watched here
    except OSError:
        return []


@posix
@pytest.mark.parametrize("write", WRITERS.values(), ids=list(WRITERS))
def test_a_file_and_its_folders_are_for_their_owner_only(
    tmp_path: pathlib.Path, write: typing.Callable[[pathlib.Path], None]
) -> None:
    path = tmp_path / "made" / "too" / "file"
    with watched(path.parent) as seen:
        write(path)
    assert rights(path) == 0o600
    assert rights(path.parent) == rights(path.parent.parent) == 0o700
    assert {one for name, one in seen if not name.endswith("bot.lock")} <= {0o600}


@posix
@pytest.mark.parametrize("write", WRITERS.values(), ids=list(WRITERS))
def test_a_planted_link_is_not_written_through(
    tmp_path: pathlib.Path, write: typing.Callable[[pathlib.Path], None]
) -> None:
    victim, path = tmp_path / "victim", tmp_path / "home" / "file"
    victim.write_text("theirs")
    path.parent.mkdir()
    for name in ("file.part", f"file.{os.getpid()}.part", ".file.part", "file.tmp"):
        (path.parent / name).symlink_to(victim)
    write(path)
    assert victim.read_text() == "theirs" and not path.is_symlink()


def test_a_file_that_is_there_is_not_created_again(tmp_path: pathlib.Path) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        private_files.create(tmp_path / "dangling")
    assert not (tmp_path / "nowhere").exists()


def test_what_fails_halfway_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "config.json"
    path.write_text("before")
    with pytest.raises(KeyboardInterrupt), private_files.replacing(path) as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_what_a_kill_left_half_is_removed_and_nothing_else(tmp_path: pathlib.Path) -> None:
    parts = ["config.json.0123456789abcdef.part", "campaign.sqlite.0123456789abcdef.part-journal"]
    others = ["config.json", "notes.part", "spare.parts"]
    for name in (*parts, *others):
        (tmp_path / name).touch()
    private_files.remove_parts(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(others)


@posix
def test_an_older_home_is_closed_to_others(tmp_path: pathlib.Path) -> None:
    octobot_home = home.Home(tmp_path)
    for folder in (octobot_home.config.parent, octobot_home.campaign.parent, octobot_home.logs):
        folder.mkdir(0o755)
    octobot_home.close()
    assert {rights(path) for path in (tmp_path / "user", tmp_path / "logs", tmp_path / "user/volume_booster")} == {
        0o700
    }


@posix
def test_keys_never_stand_in_the_configuration_in_plain_text(tmp_path: pathlib.Path) -> None:
    octobot_home = home.Home(tmp_path)
    home.write_json(octobot_home.config, home.new_configuration("volume_booster_sandbox"))
    octobot_home.use_keys("offline_exchange", "the key", "the secret")
    text = octobot_home.config.read_text("utf-8")
    assert "the key" not in text and "the secret" not in text
    assert rights(octobot_home.config) == 0o600
    fields_utils = pytest.importorskip("octobot_commons.configuration.fields_utils")
    entry = json.loads(text)["exchanges"]["offline_exchange"]
    assert [fields_utils.decrypt(entry[name]) for name in ("api-key", "api-secret")] == ["the key", "the secret"]


def test_an_octobot_that_does_not_say_how_it_encrypts_gets_no_keys(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(octobot_keys, "_NAME", "NOBODYS_KEY")
    octobot_home = home.Home(tmp_path)
    home.write_json(octobot_home.config, home.new_configuration("volume_booster_sandbox"))
    with pytest.raises(home.HomeError, match="does not say how it encrypts keys"):
        octobot_home.use_keys("offline_exchange", "the key", "the secret")
    assert "exchanges" in octobot_home.config.read_text("utf-8")


WRITES = re.compile(r"\.(write_text|write_bytes|mkdir|touch)\(")
MAY_WRITE = {
    "storage/private_files.py": "is the one place",
    "cli/commands/bundle.py": "a scratch folder that lives as long as the job",
}


def test_nothing_else_writes_files_or_makes_folders() -> None:
    files = [file for file in MODE.rglob("*.py") if WRITES.search(file.read_text("utf-8"))]
    assert {file.relative_to(MODE).as_posix() for file in files} == set(MAY_WRITE)
