"""What a person is told through OctoBot: its web page, Telegram and whatever else is connected."""

from __future__ import annotations

import asyncio
import typing

import octobot_services.api as services_api
import octobot_services.enums as services_enums

TITLE = "Volume booster"
_on_their_way: set[asyncio.Task[None]] = set()


async def notify(text: str, *, is_critical: bool = False) -> None:
    """Send a notification through OctoBot's channel; it is kept for later while no channel is up."""
    level = services_enums.NotificationLevel.CRITICAL if is_critical else services_enums.NotificationLevel.INFO
    await services_api.send_notification(
        services_api.create_notification(
            text,
            title=TITLE,
            markdown_text=text,
            level=level,
            category=services_enums.NotificationCategory.GLOBAL_INFO,
        )
    )


def notify_soon(text: str, *, is_critical: bool = False) -> None:
    """The same without waiting for it, from code that can't wait."""
    task: asyncio.Task[typing.Any] = asyncio.get_running_loop().create_task(notify(text, is_critical=is_critical))
    _on_their_way.add(task)
    task.add_done_callback(_on_their_way.discard)
