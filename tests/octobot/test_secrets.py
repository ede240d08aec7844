"""No signature and no key stands in what a person reads: journal, log of the mode, state, report, notices."""

from __future__ import annotations

import asyncio
import logging
import pathlib
import sqlite3
import typing
from collections.abc import AsyncIterator

import octobot_services.api.notification as notification_api
import pytest
from aiohttp import web

from octobot_volume_booster.cli import main as command_line

from ..exchange.faulty_exchange import CREDENTIALS, FaultyExchange, faulty_exchange
from .attacked_bot import AttackedBot, attacked_bot
from .sandbox_bot import LIMIT, journal_path
from .stranger import Stranger, stranger
from .test_lock_attacks import at

pytestmark = [pytest.mark.long, pytest.mark.once]

SECRETS = ("signature", "timestamp=", "recvWindow=", CREDENTIALS.api_key, CREDENTIALS.api_secret)
SIGNED = ("GET /api/v3/order", "GET /api/v3/openOrders", "GET /api/v3/myTrades", "GET /api/v3/account")
CHANGES = ("POST /api/v3/order", "DELETE /api/v3/order")
STATUSES = (400, 401, 403, 404, 418, 429, 500, 503)


@pytest.fixture(autouse=True)
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def notices(monkeypatch: pytest.MonkeyPatch) -> list[typing.Any]:
    pending: list[typing.Any] = []
    monkeypatch.setattr(notification_api, "pending_notifications", pending)
    return pending


@pytest.fixture
async def exchange() -> AsyncIterator[FaultyExchange]:
    async with faulty_exchange() as faulty:
        yield faulty


@pytest.fixture
async def front(exchange: FaultyExchange) -> AsyncIterator[Stranger]:
    async with stranger(exchange) as met:
        yield met


def journaled() -> str:
    with sqlite3.connect(journal_path()) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return "\n".join(str(row) for table in tables for row in connection.execute(f"SELECT * FROM {table}"))


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """What the mode logs, with tracebacks; OctoBot's own parts log what they like."""
    formatter = logging.Formatter()
    own = [record for record in caplog.records if record.name.startswith(("VolumeBooster", "Volume booster"))]
    return "\n".join(formatter.format(record) for record in own)


def reported(home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    command_line.main(["report", "--home", str(home), "--html", str(home / "report.html"), "--csv", str(home / "csv")])
    command_line.main(["status", "--home", str(home), "--json"])
    files = [home / "report.html", *(home / "csv").iterdir()]
    return capsys.readouterr().out + "".join(file.read_text("utf-8") for file in files)


def assert_no_secret(text: str, where: str) -> None:
    for secret in SECRETS:
        at = text.find(secret)
        assert at < 0, f"{where}: {text[max(at - 200, 0) : at + 100]}"


@pytest.mark.parametrize("asked", [*SIGNED, *CHANGES])
async def test_whatever_the_exchange_refuses_no_secret_is_told(
    exchange: FaultyExchange, front: Stranger, home: pathlib.Path, notices: list[typing.Any], asked: str,
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.INFO)
    settings = LIMIT | {"limit_order_timeout": 0.3} if asked.startswith("DELETE") else {}
    async with attacked_bot(exchange, at(front), **settings, max_consecutive_failures=200) as bot:
        await bot.until(lambda: bot.progress.orders >= 1)
        states = [await state_when_refused(bot, front, asked, status) for status in STATUSES]
        front.answers = lambda request: None
    assert any("http" in state for state in states) or asked not in SIGNED[:2], "the address itself is told"
    assert_no_secret("\n".join(states), "state")
    assert_no_secret(journaled(), "journal")
    assert_no_secret(logged(caplog), "log")
    assert_no_secret("\n".join(f"{notice.title} {notice.text} {notice.markdown_text}" for notice in notices), "notices")
    assert_no_secret(reported(home, capsys), "report")


async def state_when_refused(bot: AttackedBot, front: Stranger, asked: str, status: int) -> str:
    """Of a client that is not used to waiting; it does not know what the body means."""

    def answer(request: str) -> web.Response | None:
        if request != asked:
            return None
        return web.Response(status=status, text=f"refused {request}", headers={"Retry-After": "0"})

    front.answers = answer
    told = [bot.state]
    for _ in range(10):
        await asyncio.sleep(0.05)
        told.append(bot.state)
    front.answers = lambda request: None
    return "\n".join(told)


async def test_a_lost_answer_tells_no_secret(
    exchange: FaultyExchange, home: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A request that times out is told with its whole address."""
    caplog.set_level(logging.INFO)
    async with attacked_bot(exchange) as bot:
        await bot.until(lambda: bot.progress.fills >= 1)
        bot.client.timeout = 200
        exchange.script("slow_answer", delay_s=1, requests=["GET /api/v3/order", "GET /api/v3/openOrders"], times=None)
        await bot.until(lambda: "does not report" in bot.state)
        assert "http" in bot.state
        assert_no_secret(bot.state, "state")
        exchange.faults.set_script([])
        bot.client.timeout = 10_000
        before = bot.progress.fills
        await bot.until(lambda: bot.progress.fills > before)
    assert_no_secret(journaled(), "journal")
    assert_no_secret(logged(caplog), "log")
