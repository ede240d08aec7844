"""The table of commands: each row leads to its function, and none is imported before it is called."""

from __future__ import annotations

import inspect
import os
import pathlib
import subprocess
import sys

import pytest

from octobot_volume_booster.cli.arguments import completers
from octobot_volume_booster.cli.commands import bundle, options
from octobot_volume_booster.cli.main import COMMANDS, Command, main

NEVER_AT_START = ("numpy", "matplotlib", "rich", "ccxt", "jinja2", "octobot", "cryptography")
NEVER_TO_LOOK = tuple(name for name in NEVER_AT_START if name != "rich")
AT_START = f"""
import sys
from octobot_volume_booster.cli import main
main.parser()
print([name for name in {NEVER_AT_START!r} if name in sys.modules])
from octobot_volume_booster.cli.commands import report_command, status
print([name for name in {NEVER_TO_LOOK!r} if name in sys.modules])
"""


def test_what_works_on_each_exchange_is_told_without_markup(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    out = capsys.readouterr().out
    assert " ok " in out and " not ok " in out
    assert "[red]" not in out and "[/" not in out


COMPLETED = "from octobot_volume_booster.cli.main import main; main()"


@pytest.mark.long
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("volume-booster sim", {"simulate"}),
        ("volume-booster simulate --tim", {"--timeout"}),
        ("volume-booster sandbox --set max_op", {"max_open_orders="}),
        ("volume-booster settings max_op", {"max_open_orders"}),
        ("volume-booster simulate --profile volume_booster_s", {"volume_booster_sandbox", "volume_booster_several"}),
        ("volume-booster completion ba", {"bash"}),
    ],
)
def test_a_shell_completes_commands_options_and_names(line: str, offered: set[str], tmp_path: pathlib.Path) -> None:
    out = tmp_path / "offered"
    asked = {"COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n"}
    environment = os.environ | asked | {"_ARGCOMPLETE_STDOUT_FILENAME": str(out), "_ARGCOMPLETE_SHELL": "bash"}
    command = [sys.executable, "-c", COMPLETED]
    subprocess.run(command, capture_output=True, check=False, cwd=tmp_path, env=environment)
    assert {one.strip() for one in out.read_text("utf-8").split("\n")} == offered


@pytest.mark.parametrize("shell", options.SHELLS)
def test_every_shell_gets_its_code(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "volume-booster" in capsys.readouterr().out


def test_the_profiles_that_are_offered_are_those_of_the_bundle() -> None:
    assert set(completers.BUNDLED) == set(bundle.profiles())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_row_names_a_function_of_the_arguments(command: Command) -> None:
    assert list(inspect.signature(command.function()).parameters) == ["arguments"]


def test_the_command_line_is_parsed_without_what_is_slow_to_import() -> None:
    seen = subprocess.run([sys.executable, "-c", AT_START], capture_output=True, text=True, check=True)
    assert seen.stdout.split("\n")[:2] == ["[]", "[]"]
