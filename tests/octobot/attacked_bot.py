"""A bot that trades on OctoBot's real trader while somebody tries to make it send orders where it must not."""

from __future__ import annotations

import contextlib
import json
import pathlib
import typing
from collections.abc import AsyncIterator, Callable, Sequence

from octobot_volume_booster.journal.journal import HALT

from ..exchange.faulty_exchange import CREDENTIALS, FaultyExchange
from ..exchange.real_octobot import SYMBOL, real_exchange_manager
from .conftest import new_mode
from .sandbox_bot import POLL_S, SETTINGS, SandboxBot
from .stranger import Stranger

ENDLESS: dict[str, typing.Any] = SETTINGS | {"volume_target": 1_000_000}
CONSENT: dict[str, typing.Any] = {"i_accept_real_trading": True}
ATTACKED_FOR_S = 0.7
"""So long an attack has time to succeed: an unlocked bot sends some ten orders in it."""


class Profile:
    """The configuration folder of a profile, as OctoBot's own API sees it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    @property
    def file(self) -> pathlib.Path:
        return self.folder / "specific_config" / "VolumeBoosterTradingMode.json"

    def get_config_folder(self) -> str:
        return str(self.folder)

    def write(self, **settings: typing.Any) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps({"required_strategies": [], **settings}), "utf-8")


class AttackedBot(SandboxBot):
    """It also says what its client is, and how it stands."""

    @property
    def client(self) -> typing.Any:
        return self.manager.exchange.connector.client

    @property
    def state(self) -> str:
        return self.mode.get_current_state()[0]

    @property
    def is_halted(self) -> bool:
        return (self.campaign.reason_of(self.producer.session.source) or ("",))[0] == HALT


@contextlib.asynccontextmanager
async def attacked_bot(
    exchange: FaultyExchange, before: Callable[[typing.Any], None] = lambda client: None, *,
    profile: Profile | None = None, symbols: Sequence[str] = (SYMBOL,), is_future: bool = False, **settings: typing.Any,
) -> AsyncIterator[AttackedBot]:  # fmt: skip
    """A bot in the sandbox, unless its client is led elsewhere `before` its mode is made.

    :param profile: where its settings are; without one they have no file.
    """
    keys = CREDENTIALS.api_key, CREDENTIALS.api_secret
    async with real_exchange_manager(
        exchange.port, *keys, symbols=symbols, poll_s=POLL_S, is_future=is_future
    ) as manager:
        before(manager.exchange.connector.client)
        if profile is not None:
            profile.write(**ENDLESS | settings)
            manager.tentacles_setup_config = profile
        mode = await new_mode(manager, None if profile else ENDLESS | settings, symbols[0])
        manager.trading_modes.append(mode)
        bot = AttackedBot(exchange, manager, mode)
        try:
            await bot.until(lambda: bot.producer.session.campaign is not None)
            yield bot
        finally:
            manager.trading_modes.remove(mode)
            await mode.stop()


def moved(urls: typing.Any, old: str, new: str) -> typing.Any:
    """A client's URLs with a part of each replaced."""
    if isinstance(urls, dict):
        return {key: moved(value, old, new) for key, value in urls.items()}
    return urls.replace(old, new) if isinstance(urls, str) else urls


def live_at(other: Stranger, exchange: FaultyExchange) -> Callable[[typing.Any], None]:
    """Its account is at somebody else's exchange, under a name: real, as far as anybody can tell."""

    def lead(client: typing.Any) -> None:
        client.urls = moved(client.urls, f"http://127.0.0.1:{exchange.port}", other.name)

    return lead
