"""What a person is told through OctoBot: its web page, Telegram and whatever else is connected."""

from __future__ import annotations

import asyncio
import typing

import octobot_commons.logging as commons_logging
import octobot_services.api as services_api
import octobot_services.enums as services_enums

from ...core.notify.notices import Notice, NoticeHistory, full_text, throttle

TITLE = "Volume booster"
_on_their_way: set[asyncio.Task[None]] = set()


class Listener(typing.Protocol):
    """Who is told, and what of it is remembered: a campaign."""

    notices: NoticeHistory


async def notify(campaign: Listener | None, now: float, notice: Notice) -> None:
    """Send a notice, unless the campaign's others were so many that it is held back; without a campaign always."""
    text: str | None = full_text(notice)
    if campaign is not None:
        campaign.notices, text = throttle(notice, now, campaign.notices)
    if text is None:
        commons_logging.get_logger(TITLE).info("Not notified, to be quiet: %s", notice.text)
        return
    await _send(text, is_critical=notice.is_critical)


def notify_soon(campaign: Listener | None, now: float, notice: Notice) -> None:
    """The same without waiting for it, from code that can't wait."""
    task: asyncio.Task[typing.Any] = asyncio.get_running_loop().create_task(notify(campaign, now, notice))
    _on_their_way.add(task)
    task.add_done_callback(_on_their_way.discard)


async def _send(text: str, *, is_critical: bool) -> None:
    """Through OctoBot's channel; it is kept for later while no channel is up."""
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
