"""The OctoBot that this mode runs in: how it is asked to end."""

from __future__ import annotations

import threading

import octobot.commands as octobot_commands


def end_octobot() -> bool:
    """Let OctoBot stop as it does on Ctrl-C: everything is stopped and saved. False when there is no bot to stop.

    In a thread of its own: called in the event loop that it stops, OctoBot's stop waits for itself.
    """
    bot = octobot_commands.GLOBAL_BOT_INSTANCE
    if bot is None:
        return False
    threading.Thread(target=octobot_commands.stop_bot, args=(bot,), name="end OctoBot", daemon=True).start()
    return True
