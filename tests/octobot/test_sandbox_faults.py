"""Every fault of the local exchange against a campaign on OctoBot's real trader: the ledger is the tape every time."""

from __future__ import annotations

import asyncio
import pathlib
import typing
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from octobot_volume_booster.adapters.exchange_client import RateLimitCooldown
from octobot_volume_booster.offline_exchange.server.faults.script import SCENARIOS, FaultKind

from ..exchange.faulty_exchange import CREDENTIALS, LIVELY_MARKETS, FaultyExchange, faulty_exchange
from .sandbox_bot import LIMIT, SandboxBot, assert_equals_tape, own_orders, sandbox_bot, shared_by_the_lines

pytestmark = pytest.mark.long

IMPATIENT_MS, SLOW_S = 300, 0.6
"""How long the client waits for an answer, and how long a slow one takes."""
A_WHILE_MS = 1_500
CANCEL = ["DELETE /api/v3/order"]
ASKED = ["GET /api/v3/order", "GET /api/v3/openOrders", "GET /api/v3/myTrades", "GET /api/v3/depth"]
SHORT = {"volume_target": 3_000}
HURRIED = {**LIMIT, "limit_order_timeout": 0.5, "price_offset_percent": 0.002, "volume_target": 5_000}
"""Limit orders that are cancelled more often than they fill."""


@dataclass(frozen=True)
class Row:
    """A fault, and the campaign that it strikes."""

    kind: str
    values: dict[str, typing.Any] = field(default_factory=dict)
    settings: dict[str, typing.Any] = field(default_factory=dict)

    def __str__(self) -> str:
        values = " ".join(f"{key}={value}" for key, value in self.values.items())
        kind = "limit" if self.settings else "market"
        return f"{kind} {self.kind} {values}"


MATRIX = [
    Row("answer_lost"),
    Row("answer_lost", {"times": 2}, LIMIT),
    Row("answer_lost", {"requests": CANCEL}, HURRIED),
    Row("answer_lost", {"requests": ASKED, "times": 3}, LIMIT),
    Row("disconnected"),
    Row("disconnected", {"requests": ["*"], "times": None, "probability": 0.2, "until_ms": A_WHILE_MS}, LIMIT),
    Row("disconnected", {"requests": CANCEL, "times": 2}, HURRIED),
    Row("slow_answer", {"delay_s": SLOW_S}),
    Row("slow_answer", {"delay_s": SLOW_S}, LIMIT),
    Row("slow_answer", {"delay_s": SLOW_S, "requests": CANCEL, "times": 2}, HURRIED),
    Row("slow_answer", {"delay_s": SLOW_S, "requests": ASKED, "times": 2}),
    Row("late_acceptance", {"delay_s": SLOW_S}),
    Row("late_acceptance", {"delay_s": 3}, LIMIT),
    Row("rate_limited"),
    Row("rate_limited", {"retry_after_s": 1}, LIMIT),
    Row("rate_limited", {"retry_after_s": 1, "code": -1015, "message": "Too many new orders."}),
    Row("rate_limited", {"retry_after_s": 1, "requests": ASKED, "times": 2}, LIMIT),
    Row("banned", {"retry_after_s": 2, "until_ms": A_WHILE_MS}),
    Row("banned", {"retry_after_s": 1, "until_ms": 3_000}, LIMIT),
    Row("server_error", {"requests": ["GET /api/v3/order"]}),
    Row("server_error"),
    Row("server_error", {"status": 504, "message": "Gateway Timeout"}, LIMIT),
    Row("server_error", {"code": -1000, "message": "An unknown error occurred."}),
    Row("server_error", {"requests": CANCEL, "times": 2}, HURRIED),
    Row("server_error_after"),
    Row("server_error_after", {"status": 500, "code": None, "message": "Internal Server Error"}),
    Row("server_error_after", {"times": 2}, LIMIT),
    Row("server_error_after", {"requests": CANCEL}, HURRIED),
    Row("rejected"),
    Row("rejected", {"code": -1013, "message": "Filter failure: LOT_SIZE"}),
    Row("rejected", {"message": "Duplicate order sent."}, LIMIT),
    Row("rejected", {"code": -2011, "message": "Unknown order sent.", "requests": CANCEL}, HURRIED),
    Row("duplicate_fills"),
    Row("duplicate_fills", {"share": 0.5}, LIMIT),
    Row("late_fills", {"delay_s": 0.4}),
    Row("late_fills", {"delay_s": 2, "share": 0.5}, HURRIED),
    Row("shuffled_fills"),
    Row("shuffled_fills", {}, LIMIT),
    Row("stale_ticker", {"requests": ["GET /api/v3/depth"], "until_ms": A_WHILE_MS}),
    Row("stale_ticker", {"requests": ["GET /api/v3/depth"], "until_ms": A_WHILE_MS}, LIMIT),
    Row("empty_book", {"until_ms": A_WHILE_MS}),
    Row("empty_book", {"until_ms": A_WHILE_MS, "side": "asks"}, LIMIT),
    Row("crossed_book", {"until_ms": A_WHILE_MS}),
    Row("crossed_book", {"until_ms": A_WHILE_MS}, LIMIT),
    Row("market_maker_gone", {"until_ms": A_WHILE_MS}),
    Row("market_maker_gone", {"until_ms": A_WHILE_MS}, LIMIT),
    Row("changed_rules", {"step_base": "0.001"}),
    Row("changed_rules", {"minimum_notional_quote": "900"}),
    Row("changed_rules", {"tick_quote": "0.5"}, LIMIT),
    Row("balance_drift", {"asset": "USDT", "amount": "-9900", "requests": ["*"]}),
    Row("balance_drift", {"asset": "BTC", "amount": "-0.999", "requests": ["*"]}, LIMIT),
    Row("balance_drift", {"asset": "BTC", "amount": "1", "requests": ["*"]}),
    Row("clock_skew", {"offset_ms": 60_000, "until_ms": A_WHILE_MS}),
    Row("clock_skew", {"offset_ms": -60_000, "until_ms": A_WHILE_MS}, LIMIT),
    Row("clock_skew", {"offset_ms": 5_000, "until_ms": A_WHILE_MS}),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _a_home_of_its_own(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def exchange() -> AsyncIterator[FaultyExchange]:
    async with faulty_exchange(LIVELY_MARKETS) as faulty:
        yield faulty


def test_every_fault_has_a_row() -> None:
    assert {row.kind for row in MATRIX} == {kind.value for kind in FaultKind}


@pytest.mark.parametrize("row", shared_by_the_lines(MATRIX), ids=str)
async def test_a_campaign_that_a_fault_strikes_ends_done_and_is_the_tape(exchange: FaultyExchange, row: Row) -> None:
    async with sandbox_bot(exchange, request_timeout_ms=IMPATIENT_MS, **{**SHORT, **row.settings}) as bot:
        await bot.until(lambda: bot.progress.fills >= 1)
        exchange.script(row.kind, **row.values)
        await bot.until_done()
        assert exchange.struck() >= 1
        assert_equals_tape(exchange, bot.progress)
        assert not bot.open_on_exchange()


@pytest.mark.parametrize(
    "fault",
    [{"kind": "rate_limited"}, {"kind": "rate_limited", "requests": ["GET /api/v3/order"]}, {"kind": "banned"}],
    ids=["an order is one too many", "a question is one too many", "banned"],
)
async def test_an_exchange_that_asks_to_be_left_alone_is(
    exchange: FaultyExchange, fault: dict[str, typing.Any]
) -> None:
    """OctoBot's own looks at its orders and trades, every few seconds here, are not ours to keep back."""
    counted = {"kind": "rate_limited", "requests": ["* /api/v3/order", "GET /api/v3/depth"], "after": 10**6}

    def asked() -> int:
        return typing.cast(int, exchange.faults.plan.to_json()["faults"][1]["seen"])

    async with sandbox_bot(exchange, poll_s=None) as bot:
        await bot.until(lambda: bot.progress.fills >= 1)
        exchange.faults.set_script([{**fault, "retry_after_s": 4, "until_ms": A_WHILE_MS}, counted])
        await bot.until(lambda: "429" in _state(bot) or "418" in _state(bot) or "left alone" in _state(bot))
        await asyncio.sleep(0.3)  # what was on its way
        at_once = asked()
        await asyncio.sleep(1.5)
        assert asked() == at_once
        await bot.until_done()
        assert asked() > at_once
        assert_equals_tape(exchange, bot.progress)


@pytest.mark.parametrize("asked", ["POST /api/v3/order", "GET /api/v3/order"])
async def test_a_key_that_is_refused_is_told_as_that_and_not_as_too_many_requests(
    exchange: FaultyExchange, asked: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with sandbox_bot(exchange, poll_s=None, max_consecutive_failures=50) as bot:
        await bot.until(lambda: bot.progress.fills >= 1)
        refusal = {"code": -2015, "message": "Invalid API-key, IP, or permissions for action."}
        exchange.script("rejected", requests=[asked], times=None, **refusal)
        await bot.until(lambda: exchange.struck() >= 1)
        await bot.until(lambda: any("offline_exchange refuses this key: " in text for text in _told(bot, caplog)))
        assert RateLimitCooldown.of(bot.manager).left_s(bot.producer.session.now()) == 0
        assert "left alone" not in _state(bot)
        exchange.faults.set_script([])
        await bot.until_done()
        assert_equals_tape(exchange, bot.progress)


def _told(bot: SandboxBot, caplog: pytest.LogCaptureFixture) -> list[str]:
    return [_state(bot), *(record.getMessage() for record in caplog.records)]


def _state(bot: SandboxBot) -> str:
    return bot.mode.get_current_state()[0]


async def test_without_any_funds_it_waits_and_goes_on_when_they_come_back(exchange: FaultyExchange) -> None:
    async with sandbox_bot(exchange, poll_s=None) as bot:
        await bot.until(lambda: bot.progress.fills >= 1)
        gone = _take_all(exchange)
        await bot.until(lambda: "neither side can fund" in _state(bot))
        for asset, amount in gone.items():
            exchange.exchange.pay_in(CREDENTIALS.account, asset, amount)
        await bot.until_done()
        assert_equals_tape(exchange, bot.progress)


def _take_all(exchange: FaultyExchange) -> dict[str, Decimal]:
    free = dict(exchange.exchange.venue.engine.accounts[CREDENTIALS.account].free)
    taken = {asset: amount for asset, amount in free.items() if amount and asset != "ETH"}
    for asset, amount in taken.items():
        exchange.exchange.pay_in(CREDENTIALS.account, asset, -amount)
    return taken


async def _through(exchange: FaultyExchange, bot: SandboxBot, scenario: str) -> None:
    exchange.faults.set_script({"seed": 3, "faults": scenario})
    await bot.until_done()
    assert exchange.struck() >= 1
    assert_equals_tape(exchange, bot.progress)
    assert own_orders(exchange)


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_a_campaign_through_many_faults_at_once_is_the_tape(exchange: FaultyExchange, scenario: str) -> None:
    async with sandbox_bot(exchange, request_timeout_ms=1_000, **{**LIMIT, "volume_target": 8_000}) as bot:
        await _through(exchange, bot, scenario)


async def test_with_octobots_own_intervals_a_campaign_through_many_faults_is_the_tape(exchange: FaultyExchange) -> None:
    async with sandbox_bot(exchange, poll_s=None, **{**HURRIED, "volume_target": 8_000}) as bot:
        await _through(exchange, bot, "overloaded")
