"""The log of a child stays within its budget, and nothing that happens to it ends the thread that writes it."""

from __future__ import annotations

import os
import pathlib
import shutil
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octobot_volume_booster.cli.process.launch import Child, LaunchError
from octobot_volume_booster.storage.bounded_log import OLD_SUFFIX, BoundedLog

TALKER = "import sys\nfor n in range(200):\n print(n, flush=True)\n print('error', n, file=sys.stderr, flush=True)\n"


def logs(folder: pathlib.Path) -> list[pathlib.Path]:
    return [folder / "a.log", folder / f"a.log{OLD_SUFFIX}"]


@given(lines=st.lists(st.integers(0, 400), max_size=60))
def test_it_never_outgrows_its_budget_and_keeps_the_newest(
    tmp_path_factory: pytest.TempPathFactory, lines: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("log")
    log, written = BoundedLog(folder / "a.log", largest_bytes=500), b""
    for number, length in enumerate(lines):
        line = (b"%d" % (number % 10)) * length + b"\n"
        log.add(line)
        written += line[:250]
        assert all(file.stat().st_size <= 500 for file in logs(folder) if file.exists())
    kept = b"".join(file.read_bytes() for file in reversed(logs(folder)) if file.exists())
    assert written.endswith(kept) and len(kept) >= min(len(written), 250)


def test_an_old_log_without_a_budget_is_brought_into_it(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.log").write_bytes(b"x" * 10_000)
    BoundedLog(tmp_path / "a.log", largest_bytes=500).add(b"new\n")
    assert (tmp_path / "a.log").read_bytes() == b"new\n"


def test_a_log_that_is_taken_away_is_begun_anew_and_what_was_lost_is_counted(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log = BoundedLog(folder / "a.log")
    log.add(b"1\n")
    (folder / "a.log").unlink()
    log.add(b"2\n")
    assert (folder / "a.log").read_bytes() == b"2\n"
    shutil.rmtree(folder)
    log.add(b"3\n")
    log.add(b"4\n")
    folder.mkdir()
    log.add(b"5\n")
    assert (folder / "a.log").read_bytes() == b"\n[4 bytes could not be written here]\n5\n"


@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="no full disk to be had")
def test_on_a_full_disk_nothing_is_raised(tmp_path: pathlib.Path) -> None:
    log = BoundedLog(tmp_path / "a.log")
    log.path = pathlib.Path("/dev/full")
    log.add(b"lost\n")
    log.path = tmp_path / "a.log"
    log.add(b"kept\n")
    assert (tmp_path / "a.log").read_bytes() == b"\n[5 bytes could not be written here]\nkept\n"


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_child_is_listened_to_until_it_ends_also_when_its_log_is_gone(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "logs" / "child.log"
    child = Child("the child", [sys.executable, "-c", TALKER], tmp_path, log, dict(os.environ))
    assert child.first_line(30) == "0\n"
    shutil.rmtree(log.parent, ignore_errors=True)
    assert child.stop()
    assert child.exit_code == 0


LATE = "import os, sys, time\nos.close(1)\ntime.sleep(0.3)\nsys.stderr.write('the reason')"


@pytest.mark.parametrize("code", ["raise SystemExit('the reason')", LATE])
def test_why_a_child_ended_is_in_its_log_whichever_pipe_ends_first(tmp_path: pathlib.Path, code: str) -> None:
    child = Child("the child", [sys.executable, "-c", code], tmp_path, tmp_path / "child.log", dict(os.environ))
    with pytest.raises(LaunchError, match="the child ended at once: the reason"):
        child.first_line(30)
    child.stop()
