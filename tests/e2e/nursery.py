"""Brings up OctoBot after OctoBot: a process that has imported it once and forks, as the import takes most of a start.

`python nursery.py` in a home: each line of standard input is answered with the number of a new process in which OctoBot
runs there. When this process ends, so do they. For systems that can fork.
"""

from __future__ import annotations

import importlib
import os
import pathlib
import sys
import typing

SLOW_TO_IMPORT = (
    "octobot.cli", "octobot.commands", "octobot.octobot", "octobot_trading.api", "octobot_evaluators.api",
    "octobot_services.api", "octobot_tentacles_manager.api", "octobot.community", "ccxt.async_support",
)  # fmt: skip


def main() -> None:
    lifeline = importlib.import_module("octobot_volume_booster.cli.lifeline")
    for name in SLOW_TO_IMPORT:
        importlib.import_module(name)
    print("ready", flush=True)
    held_open: list[int] = []
    while sys.stdin.readline():
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(write_end)
            _become_octobot(read_end, lifeline)
        os.close(read_end)
        held_open.append(write_end)
        print(child, flush=True)


def _become_octobot(lifeline_end: int, lifeline: typing.Any) -> typing.NoReturn:
    pathlib.Path("logs").mkdir(exist_ok=True)
    console = os.open("logs/octobot-console.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for source, target in ((lifeline_end, 0), (console, 1), (console, 2)):
        os.dup2(source, target)
    sys.argv = ["OctoBot"]
    exit_code = 1
    try:
        exit_code = int(lifeline.main() or 0)
    finally:
        os._exit(exit_code)


if __name__ == "__main__":
    main()
