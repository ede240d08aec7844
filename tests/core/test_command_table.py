"""The table of commands: each row leads to its function, and none is imported before it is called."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

from octobot_volume_booster.cli import main as command_line
from octobot_volume_booster.cli.main import COMMANDS, Command

NEVER_AT_START = ("numpy", "matplotlib", "rich", "ccxt", "jinja2", "octobot")
AT_START = f"""
import sys
from octobot_volume_booster.cli import main
main.parser()
print([name for name in {NEVER_AT_START!r} if name in sys.modules])
"""


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_row_names_a_function_of_the_arguments(command: Command) -> None:
    module, function = command.place.split(".")
    found = getattr(importlib.import_module(f"{command_line.__package__}.commands.{module}"), function)
    assert list(inspect.signature(found).parameters) == ["arguments"]


def test_the_command_line_is_parsed_without_what_is_slow_to_import() -> None:
    seen = subprocess.run([sys.executable, "-c", AT_START], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"
