"""A consent to trade with real funds that is withdrawn, in whatever way: no order leaves after that moment."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pathlib
import shutil
import time
import typing
from collections.abc import AsyncIterator, Callable

import pytest

from octobot_volume_booster.core.decision.control import EMERGENCY, PAUSE
from octobot_volume_booster.core.decision.guards import REAL_TRADING_VARIABLE
from octobot_volume_booster.journal.journal import Journal

from ..exchange.faulty_exchange import FaultyExchange, faulty_exchange
from .attacked_bot import ATTACKED_FOR_S, ENDLESS, AttackedBot, Profile, attacked_bot, live_at
from .sandbox_bot import LIMIT, journal_path
from .stranger import Stranger, stranger

pytestmark = [pytest.mark.long, pytest.mark.once]

GIVEN: dict[str, typing.Any] = ENDLESS | {"i_accept_real_trading": True, "enable_volume_booster": True}
Withdraw = Callable[[Profile], None]


@pytest.fixture(autouse=True)
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(REAL_TRADING_VARIABLE, "yes")
    return tmp_path


@pytest.fixture
async def exchange() -> AsyncIterator[FaultyExchange]:
    async with faulty_exchange() as faulty:
        yield faulty


@pytest.fixture
async def other(exchange: FaultyExchange) -> AsyncIterator[Stranger]:
    async with stranger(exchange) as met:
        yield met


@contextlib.asynccontextmanager
async def live_bot(
    exchange: FaultyExchange, other: Stranger, home: pathlib.Path, **settings: typing.Any
) -> AsyncIterator[tuple[AttackedBot, Profile]]:
    """A bot with both consents that trades at somebody else's exchange; its settings are in a file."""
    profile = Profile(home / "profile")
    lead = live_at(other, exchange)
    async with attacked_bot(exchange, lead, profile=profile, **{"i_accept_real_trading": True, **settings}) as bot:
        await bot.until(lambda: bot.progress.fills >= 1)
        yield bot, profile


def saying(**changes: typing.Any) -> Withdraw:
    return lambda profile: profile.write(**GIVEN | changes)


def holding(content: str | bytes) -> Withdraw:
    raw = content.encode() if isinstance(content, str) else content
    return lambda profile: typing.cast(None, profile.file.write_bytes(raw))


def as_folder(profile: Profile) -> None:
    profile.file.unlink()
    profile.file.mkdir()


def as_loop(profile: Profile) -> None:
    profile.file.unlink()
    profile.file.symlink_to(profile.file)


def as_pipe(profile: Profile) -> None:
    profile.file.unlink()
    os.mkfifo(profile.file)


def as_another_profile(profile: Profile) -> None:
    """OctoBot's profile is another one from now on, and this one never consented."""
    profile.folder = profile.folder.with_name("another")
    profile.write(**ENDLESS)


def unnoticed(profile: Profile) -> None:
    """As long as before, and as old."""
    before = profile.file.stat()
    text = profile.file.read_text("utf-8").replace('"i_accept_real_trading": true', '"i_accept_real_trading": null')
    profile.file.write_text(text, "utf-8")
    os.utime(profile.file, ns=(before.st_atime_ns, before.st_mtime_ns))


WAYS: dict[str, Withdraw] = {
    "false": saying(i_accept_real_trading=False),
    "null": saying(i_accept_real_trading=None),
    "nope": saying(i_accept_real_trading="nope"),
    "2": saying(i_accept_real_trading=2),
    "a list with true in it": saying(i_accept_real_trading=[True]),
    "off beside another unusable setting": saying(i_accept_real_trading="off", volume_target="much"),
    "null beside an unknown setting": saying(i_accept_real_trading=None, unknown=1),
    "true beside an unusable setting, and the mode null": saying(enable_volume_booster=None, volume_target=-1),
    "the mode nope": saying(enable_volume_booster="nope"),
    "the mode off beside an unusable setting": saying(enable_volume_booster="off", min_buy_amount={}),
    "broken JSON": holding('{"i_accept_real_trading": true'),
    "two JSON objects": holding('{"i_accept_real_trading": true} {}'),
    "nothing at all": holding(""),
    "an empty object": holding("{}"),
    "null alone": holding("null"),
    "a list": holding('[{"i_accept_real_trading": true}]'),
    "an empty list": holding("[]"),
    "a number": holding("7"),
    "a string": holding('"i_accept_real_trading"'),
    "true alone": holding("true"),
    "no text": holding(b'{"i_accept_real_trading": true, "\xff\xfe": 1}'),
    "nested too deep": holding('{"i_accept_real_trading": true, "x": ' + "[" * 100_000 + "]" * 100_000 + "}"),
    "too large": holding('{"i_accept_real_trading": true}' + " " * 2_000_000),
    "deleted": lambda profile: profile.file.unlink(),
    "its folder deleted": lambda profile: shutil.rmtree(profile.folder),
    "a folder in its place": as_folder,
    "a loop of links": as_loop,
    "a pipe": as_pipe,
    "another profile": as_another_profile,
    "as long and as old as before": unnoticed,
}


async def assert_nothing_arrives_after(bot: AttackedBot, other: Stranger, struck: Callable[[], bool]) -> None:
    """From the moment on at which the other server was seen last by `struck`."""
    await bot.until(struck)
    await asyncio.sleep(ATTACKED_FOR_S)
    await bot.until(lambda: not bot.state.startswith("Running"))
    assert other.changes == [], bot.state


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_a_consent_that_can_not_be_read_as_true_is_withdrawn_before_the_next_order(
    exchange: FaultyExchange, other: Stranger, home: pathlib.Path, way: Withdraw
) -> None:
    """The file changes while the mode asks for the order book of its next order."""
    async with live_bot(exchange, other, home) as (bot, profile):
        when_asked(other, "GET /api/v3/depth", lambda: way(profile))
        await assert_nothing_arrives_after(bot, other, lambda: bool(other.struck))
        if profile.file.is_dir() or profile.file.is_fifo() or profile.file.is_symlink():
            profile.file.unlink() if not profile.file.is_dir() else profile.file.rmdir()
        profile.write(**GIVEN)
        await bot.until(lambda: bool(other.changes))


def when_asked(other: Stranger, asked: str, act: Callable[[], None]) -> None:
    """The next time that the server is asked this; what had arrived before is forgotten."""

    def answer(request: str) -> None:
        if request == asked and not other.struck:
            other.struck = True
            other.forget()
            act()

    other.struck = False
    other.answers = answer


LAST_MOMENT: dict[str, Callable[[AttackedBot, Profile, pytest.MonkeyPatch], None]] = {
    "null": lambda bot, profile, patch: profile.write(**GIVEN | {"i_accept_real_trading": None}),
    "another setting": lambda bot, profile, patch: profile.write(**GIVEN | {"seed": 8}),
    "the mode off": lambda bot, profile, patch: profile.write(**GIVEN | {"enable_volume_booster": False}),
    "deleted": lambda bot, profile, patch: profile.file.unlink(),
    "the environment": lambda bot, profile, patch: patch.delenv(REAL_TRADING_VARIABLE),
    "the environment says Yes": lambda bot, profile, patch: patch.setenv(REAL_TRADING_VARIABLE, "Yes"),
    "a pause": lambda bot, profile, patch: command(PAUSE),
    "an emergency stop": lambda bot, profile, patch: command(EMERGENCY),
}


def command(kind: str) -> None:
    """From another process, as the command line does."""
    journal = Journal.create_or_open(journal_path())
    journal.add_command(time.time(), kind)
    journal.close()


@pytest.mark.parametrize("strike", LAST_MOMENT.values(), ids=LAST_MOMENT)
async def test_an_order_that_waits_in_the_throttle_does_not_leave_after_the_consent(
    exchange: FaultyExchange, other: Stranger, home: pathlib.Path, monkeypatch: pytest.MonkeyPatch,
    strike: Callable[[AttackedBot, Profile, pytest.MonkeyPatch], None],
) -> None:  # fmt: skip
    """Between the reservation of an order and its request there is the queue of ccxt."""
    async with live_bot(exchange, other, home) as (bot, profile):
        throttle, struck = bot.client.throttle, False

        async def throttled(*arguments: typing.Any) -> None:
            nonlocal struck
            await throttle(*arguments)
            request = bot.producer.executor.request
            if not struck and request is not None and not request.answer.done():
                struck = True
                other.forget()
                strike(bot, profile, monkeypatch)

        bot.client.throttle = throttled
        await bot.until(lambda: struck)
        held = bot.producer.executor.request
        await bot.until(lambda: held.answer.done())
        await asyncio.sleep(0.3)
        assert exchange.orders(held.order_id) == []
        assert held.order_id not in bot.campaign.ledger.open_order_ids, "it is known that it has not left"
        assert other.changes == [] or strike is LAST_MOMENT["another setting"]


@pytest.mark.parametrize("word", ["YES", "Yes", "1", "true", "on", "yes ", " yes", '"yes"', "y", ""])
async def test_another_word_in_the_environment_is_no_consent(
    exchange: FaultyExchange, other: Stranger, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setenv(REAL_TRADING_VARIABLE, word)
    async with attacked_bot(exchange, live_at(other, exchange), i_accept_real_trading=True) as bot:
        await bot.until(lambda: bot.is_halted)
        await asyncio.sleep(ATTACKED_FOR_S)
        assert other.changes == []


async def test_what_rests_is_cancelled_when_a_consent_is_withdrawn(
    exchange: FaultyExchange, other: Stranger, home: pathlib.Path
) -> None:
    resting = LIMIT | {"price_offset_percent": 1, "limit_order_timeout": 600, "max_open_orders": 2, "seed": 7}
    profile, lead = Profile(home / "profile"), live_at(other, exchange)
    async with attacked_bot(exchange, lead, profile=profile, **resting, i_accept_real_trading=True) as bot:
        await bot.until(lambda: len(bot.open_on_exchange()) == 2)
        when_asked(other, "GET /api/v3/depth", lambda: profile.write(**ENDLESS | resting))
        await bot.until(lambda: not bot.open_on_exchange())
        assert set(other.changes) == {"DELETE /api/v3/order"}


async def test_a_consent_that_is_withdrawn_while_settings_are_put_right_in_the_file_is_withdrawn(
    exchange: FaultyExchange, other: Stranger, home: pathlib.Path
) -> None:
    """Amounts below the exchange's smallest order are raised, in the file too, after the book was asked for."""
    too_small = ENDLESS | {"min_buy_amount": 1, "max_buy_amount": 2, "min_sell_amount": 1, "max_sell_amount": 2}
    profile, lead = Profile(home / "profile"), live_at(other, exchange)
    when_asked(other, "GET /api/v3/depth", lambda: profile.write(**too_small))
    async with attacked_bot(exchange, lead, profile=profile, **too_small, i_accept_real_trading=True) as bot:
        await bot.until(lambda: json.loads(profile.file.read_text("utf-8"))["min_buy_amount"] > 1)
        await bot.until(lambda: bot.is_halted)
        await asyncio.sleep(ATTACKED_FOR_S)
        assert other.changes == []


@pytest.mark.parametrize("content", ["[]", "[1]", "7", '"x"', "null", "", "{", '{"volume_target": [}'])
async def test_a_file_that_holds_something_else_is_told_and_does_not_end_the_loop(
    exchange: FaultyExchange, home: pathlib.Path, content: str
) -> None:
    profile = Profile(home / "profile")
    async with attacked_bot(exchange, profile=profile) as bot:
        await bot.until(lambda: bot.progress.fills >= 1)
        profile.file.write_text(content, "utf-8")
        await bot.until(lambda: "the settings file can't be read" in bot.state)
        await bot.until(lambda: not bot.state.startswith("Running"))
        profile.write(**ENDLESS)
        before = bot.progress.fills
        await bot.until(lambda: bot.progress.fills > before)
        assert "can't be read" not in bot.state


async def test_a_file_that_can_not_be_read_at_the_start_is_told_and_taken_up_when_it_can(
    exchange: FaultyExchange, home: pathlib.Path
) -> None:
    profile = Profile(home / "profile")

    def broken(client: typing.Any) -> None:
        profile.write = lambda **settings: holding("[]")(profile)  # type: ignore[method-assign]
        profile.file.parent.mkdir(parents=True)

    async with attacked_bot(exchange, broken, profile=profile) as bot:
        await bot.until(lambda: bot.is_halted)
        assert "the settings file can't be read" in bot.state
        profile.file.write_text(json.dumps(ENDLESS), "utf-8")
        await bot.until(lambda: bot.mode.settings is not None)
        await bot.until(lambda: bot.progress.fills >= 1)
