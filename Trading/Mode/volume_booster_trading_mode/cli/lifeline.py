"""Runs OctoBot in this process for exactly as long as its launcher holds the other end of standard input.

`python -m octobot_volume_booster.cli.lifeline OCTOBOT_ARGUMENTS...`

When the launcher closes its end, or dies in whatever way, also by SIGKILL, OctoBot's own stop is called and the process
ends. A pipe does this on every platform, which signals and process groups do not.
"""

from __future__ import annotations

import os
import pathlib
import sys
import threading
import typing

STOP_TIMEOUT_S = 20.0
"""OctoBot gives itself 10 s to stop; after this the process ends without it."""


def main() -> typing.Any:
    """OctoBot's own console command, with the arguments of this process."""
    threading.Thread(target=_end_with_launcher, name="lifeline", daemon=True).start()
    # a file of the home, which is the working directory, must not hide a module; OctoBot restarts argv[0]
    here = pathlib.Path.cwd()
    sys.path[:] = [entry for entry in sys.path if entry and pathlib.Path(entry).absolute() != here]
    sys.argv[0] = str(pathlib.Path(sys.executable).with_name("OctoBot"))
    from octobot.cli import main as octobot_main

    return octobot_main()


def _end_with_launcher() -> None:
    while os.read(0, 4096):
        pass
    killer = threading.Timer(STOP_TIMEOUT_S, os._exit, (1,))
    killer.daemon = True
    killer.start()
    commands: typing.Any = sys.modules.get("octobot.commands")
    bot = commands and commands.GLOBAL_BOT_INSTANCE
    if bot is None:
        os._exit(1)
    try:
        commands.stop_bot(bot)
    finally:
        # stopped or, where it had not come up far enough to be stopped, ended
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
