"""One launcher for each home, until the last of its children has ended, however it ends itself."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from octobot_volume_booster.cli.files.home import Home, HomeError
from octobot_volume_booster.cli.process.octobot_process import own_group
from octobot_volume_booster.storage import home_lock
from octobot_volume_booster.storage.home_lock import CHILDREN_LOCK, LAUNCHER_LOCK, HeldError, Holder, held

FIRST = Holder(1234, 1_700_000_000.0, "simulate")
SECOND = Holder(5678, 1_700_000_100.0, "sandbox")
LAUNCHER = """
import pathlib, subprocess, sys, time
from octobot_volume_booster.cli.process.octobot_process import own_group
from octobot_volume_booster.storage.home_lock import Holder, held

with held(pathlib.Path(sys.argv[1]), Holder(1234, 1_700_000_000.0, "simulate"), 0.0):
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, **own_group())
    print(child.pid, flush=True)
    time.sleep(60)
"""
inherits = pytest.mark.skipif(sys.platform == "win32", reason="a child inherits no lock there")


def files(folder: pathlib.Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_second_one_is_told_who_holds_it_and_changes_nothing(tmp_path: pathlib.Path) -> None:
    with held(tmp_path, FIRST, 0.0):
        before = files(tmp_path)
        for _ in range(3):
            with pytest.raises(HeldError) as refused, held(tmp_path, SECOND, 0.0):
                raise AssertionError("two hold it")
            assert (refused.value.holder, refused.value.is_ending) == (FIRST, False)
        assert files(tmp_path) == before
    with held(tmp_path, SECOND, 0.0):
        pass


def test_it_is_given_back_whatever_happens(tmp_path: pathlib.Path) -> None:
    with pytest.raises(KeyboardInterrupt), held(tmp_path, FIRST, 0.0):
        raise KeyboardInterrupt
    assert home_lock.inherited() == ()
    with held(tmp_path, SECOND, 0.0):
        assert len(home_lock.inherited()) == (0 if sys.platform == "win32" else 1)


def test_of_many_that_come_at_the_same_moment_one_gets_it(tmp_path: pathlib.Path) -> None:
    start, release, got = threading.Barrier(8), threading.Event(), []

    def come(number: int) -> None:
        start.wait()
        with contextlib.suppress(HeldError), held(tmp_path, Holder(number, 1.0, "simulate"), 0.0):
            got.append(number)
            release.wait(10)

    comers = [threading.Thread(target=come, args=(number,)) for number in range(1, 9)]
    for one in comers:
        one.start()
    while sum(one.is_alive() for one in comers) > 1:
        time.sleep(0.01)
    release.set()
    for one in comers:
        one.join()
    assert len(got) == 1


@contextlib.contextmanager
def launcher(folder: pathlib.Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that holds the folder, and the number of a child of it."""
    with subprocess.Popen([sys.executable, "-c", LAUNCHER, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


@inherits
def test_when_a_launcher_is_killed_its_children_hold_the_home_until_they_have_ended(tmp_path: pathlib.Path) -> None:
    # the child must not end with its launcher here: this test holds the other end of its pipe
    read_end, write_end = os.pipe()
    code = LAUNCHER.replace("stdin=subprocess.PIPE", f"stdin={read_end}")
    first = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, pass_fds=[read_end]
    )
    with first:
        assert first.stdout is not None and first.stdout.readline()
        first.kill()
    os.close(read_end)
    with pytest.raises(HeldError) as refused, held(tmp_path, SECOND, 0.2):
        raise AssertionError("a child of the first one still runs")
    assert (refused.value.holder, refused.value.is_ending) == (FIRST, True)
    waited: list[bool] = []
    threading.Timer(0.3, os.close, (write_end,)).start()
    with held(tmp_path, SECOND, 30.0, lambda: waited.append(True)):
        assert waited == [True]


def test_a_launcher_that_was_killed_holds_nothing(tmp_path: pathlib.Path) -> None:
    with launcher(tmp_path) as (first, _):
        with pytest.raises(HeldError), held(tmp_path, SECOND, 0.0):
            raise AssertionError("two hold it")
        first.kill()
        first.wait()
    with held(tmp_path, SECOND, 30.0):
        pass


def test_a_process_that_is_started_without_a_home_inherits_nothing() -> None:
    assert own_group().get("pass_fds", ()) == ()


def test_the_home_says_in_a_sentence_who_holds_it(tmp_path: pathlib.Path) -> None:
    home = Home(tmp_path)
    with home.held("simulate"), pytest.raises(HomeError) as refused, home.held("sandbox"):
        raise AssertionError("two hold it")
    sentence = str(refused.value)
    assert f"`volume-booster simulate` (process {os.getpid()}, since 20" in sentence
    assert "choose another --home" in sentence and str(tmp_path) in sentence


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"process": null}', b"\xff"])
def test_a_holder_that_can_not_be_read_is_another_one(tmp_path: pathlib.Path, content: bytes) -> None:
    home, folder = Home(tmp_path), Home(tmp_path).campaign.parent
    with home.held("simulate"):
        (folder / LAUNCHER_LOCK).write_bytes(content)
        with pytest.raises(HomeError, match=r"^another `volume-booster` is using"), home.held("sandbox"):
            raise AssertionError("two hold it")


def test_a_home_that_can_not_be_locked_is_told(tmp_path: pathlib.Path) -> None:
    home = Home(tmp_path)
    (home.campaign.parent / CHILDREN_LOCK).mkdir(parents=True)
    with pytest.raises(HomeError, match="can't be locked"), home.held("simulate"):
        raise AssertionError("it was not locked")
