"""What a person is told through OctoBot: its web page, Telegram and whatever else is connected."""

from __future__ import annotations

import octobot_services.api as services_api
import octobot_services.enums as services_enums

TITLE = "Volume booster"


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
