"""The OctoBot that this mode runs in: how it is asked to end, and what its environment allows."""

from __future__ import annotations

import os
import threading

import octobot.commands as octobot_commands

from ...core.decision.guards import REAL_TRADING_VARIABLE


def end_octobot() -> bool:
    """Let OctoBot stop as it does on Ctrl-C: everything is stopped and saved. False when there is no bot to stop.

    In a thread of its own: called in the event loop that it stops, OctoBot's stop waits for itself.
    """
    bot = octobot_commands.GLOBAL_BOT_INSTANCE
    if bot is None:
        return False
    threading.Thread(target=octobot_commands.stop_bot, args=(bot,), name="end OctoBot", daemon=True).start()
    return True


def is_real_trading_allowed() -> bool:
    """Whether the environment of this process says that real funds may be traded."""
    return os.environ.get(REAL_TRADING_VARIABLE) == "yes"
