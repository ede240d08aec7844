"""Every command of the documentation, run as a reader would: page by page, in order, each page in an empty folder."""

from __future__ import annotations

import contextlib
import pathlib
import re
import shutil
import subprocess
import time
import typing
from collections.abc import Iterator

import pytest

from octobot_volume_booster.cli.commands.status import campaign_status
from octobot_volume_booster.cli.files.home import Home, HomeError

from .. import documents
from ..documents import ANYTHING, PAGES, Command
from .conftest import start_volume_booster, volume_booster

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.once]

BACKGROUND = "background"
"""The second word of a fence whose command goes on while the rest of the page is read."""
BEGINS_WITHIN_S = 300
LOOK_EVERY_S = 0.25
FROM_NOTHING = {"first-simulation"}
"""Whose reader has no OctoBot home yet; the others continue with the one that this guide has made."""
RUN = [page for page in PAGES if any(block.is_run and documents.commands(block) for block in documents.blocks(page))]


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_a_reader_who_follows_the_page_gets_what_it_promises(
    page: pathlib.Path, tmp_path: pathlib.Path, request: pytest.FixtureRequest
) -> None:
    if page.stem not in FROM_NOTHING and starts_octobot(page):
        shutil.copytree(request.getfixturevalue("installed_home"), tmp_path / ".octobot")
    with contextlib.ExitStack() as left_running:
        for block in documents.blocks(page):
            if len(block.info) == 2 and block.language == "csv":
                (tmp_path / block.info[1]).write_text("\n".join(block.lines) + "\n", "utf-8")
            for command in documents.commands(block) if block.is_run else ():
                if BACKGROUND in block.info:
                    left_running.enter_context(running(command, tmp_path))
                else:
                    follow(command, tmp_path)


def starts_octobot(page: pathlib.Path) -> bool:
    run = (command for block in documents.blocks(page) if block.is_run for command in documents.commands(block))
    return any(command.words[1] in ("simulate", "sandbox") for command in run)


def follow(command: Command, folder: pathlib.Path) -> None:
    arguments = typing.cast(list[str], command.arguments)
    done = volume_booster(*arguments, cwd=folder)
    assert done.exit_code == command.exit_code, f"{command}\n{done.output}\n{done.errors}"
    assert "Traceback" not in done.errors, f"{command}\n{done.errors}"
    printed = [*done.output.splitlines(), *done.errors.splitlines()]
    assert is_shown(command.shown, printed), "\n".join([f"{command} does not show", *command.shown, "but", *printed])


@contextlib.contextmanager
def running(command: Command, folder: pathlib.Path) -> Iterator[None]:
    """A campaign of the default home that is left running; at the end of the page it must end as the page promises."""
    launcher = start_volume_booster(*typing.cast(list[str], command.arguments), cwd=folder)
    try:
        until_it_trades(launcher, folder)
        yield
        _, errors = launcher.communicate(timeout=2 * BEGINS_WITHIN_S)
        assert launcher.returncode == command.exit_code, f"{command}\n{errors}"
    finally:
        if launcher.poll() is None:
            launcher.terminate()
            launcher.communicate()


def until_it_trades(launcher: subprocess.Popen[str], folder: pathlib.Path) -> None:
    octobot_home, deadline = Home(folder / ".octobot"), time.monotonic() + BEGINS_WITHIN_S
    while time.monotonic() < deadline:
        with contextlib.suppress(HomeError):  # it has not begun
            status = campaign_status(octobot_home)
            if status.process is not None and status.report.progress.orders:
                return
        assert launcher.poll() is None, launcher.communicate()
        time.sleep(LOOK_EVERY_S)
    raise AssertionError(f"no order within {BEGINS_WITHIN_S} s")


def is_shown(shown: list[str], printed: list[str]) -> bool:
    """Whether these lines were printed, one after the other; `...` stands for any lines, or for a part of one."""
    parts = (
        r"(?:.*\n)*" if line == ANYTHING else re.escape(line).replace(re.escape(ANYTHING), ".*") + r"\n"
        for line in shown
    )
    text = "".join(f"{line.rstrip()}\n" for line in printed)
    return re.search(f"^{''.join(parts)}", text, re.MULTILINE) is not None


def test_the_guides_are_among_the_pages_that_are_run() -> None:
    assert {page.stem for page in RUN} >= {"README", "first-simulation", "sandbox", "recovering-from-a-halt"}
