"""What exchanges leave out or tell otherwise, against OctoBot's real trader: the ledger is the tape all the same."""

from __future__ import annotations

import asyncio
import dataclasses
import pathlib
import time
import typing
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from octobot_volume_booster.adapters.venues import VENUES
from octobot_volume_booster.adapters.venues.record import Lookup
from octobot_volume_booster.core.accounting import reconciliation
from octobot_volume_booster.core.accounting.ledger import Outcome
from octobot_volume_booster.core.decision.control import RESUME
from octobot_volume_booster.core.model.basics import OrderType
from octobot_volume_booster.journal.journal import Journal
from octobot_volume_booster.offline_exchange.server.market.price_path import MarketSpec
from octobot_volume_booster.trading.orders.exchange_reconciler import UNKNOWN_ORDER

from ..exchange.altered_answers import (
    ORDERS,
    TRADES,
    Alteration,
    charged_in,
    hidden,
    told_late,
    with_values,
    without,
    younger_than,
)
from ..exchange.faulty_exchange import LIVELY_MARKETS, FaultyExchange, faulty_exchange
from .sandbox_bot import (
    LIMIT,
    SandboxBot,
    assert_equals_tape,
    journal_path,
    own_orders,
    sandbox_bot,
    shared_by_the_lines,
)

pytestmark = pytest.mark.long

FILLED = ("executedQty", "cummulativeQuoteQty", "fills")
LARGE = {
    "max_position_percent": 10, "min_buy_amount": 2_000, "max_buy_amount": 3_000, "min_sell_amount": 2_000,
    "max_sell_amount": 3_000, "volume_target": 12_000,
}  # fmt: skip
"""Market orders so large that some take two levels of the book: more than one fill each."""
HURRIED = {**LIMIT, "limit_order_timeout": 0.5, "price_offset_percent": 0.002, "volume_target": 2_500}
"""Limit orders that are cancelled more often than they fill, some of them in part."""
A_WHILE_S = 1.5


@dataclass(frozen=True)
class Row:
    """What is told otherwise, and the campaign that it is told to."""

    name: str
    alterations: tuple[Alteration, ...]
    settings: dict[str, typing.Any] = field(default_factory=dict)
    are_fees_told: bool = True

    def __str__(self) -> str:
        return f"{self.settings.get('order_type', 'market')}: {self.name}"


def of_market_and_limit(name: str, *alterations: Alteration, are_fees_told: bool = True) -> list[Row]:
    return [Row(name, alterations, settings, are_fees_told) for settings in (LARGE, HURRIED)]


OWN_TRADES = (TRADES,)
MATRIX = [
    *of_market_and_limit("no trade id", without("id", paths=OWN_TRADES)),
    *of_market_and_limit("the trade's id is its order's", with_values(lambda row: {"id": row["orderId"]})),
    *of_market_and_limit("one id for all trades", with_values(lambda row: {"id": 1})),
    *of_market_and_limit("ids are texts", with_values(lambda row: {"id": f"0x{row['id']:x}-t"})),
    *of_market_and_limit("nothing told of what is filled", without(*FILLED)),
    *of_market_and_limit("what is filled is told late", told_late(FILLED[:2], A_WHILE_S), without("fills")),
    *of_market_and_limit("no status", without("status")),
    *of_market_and_limit("neither status nor what is filled", without("status", *FILLED)),
    *of_market_and_limit("filled orders are called cancelled", with_values(
        lambda row: {"status": "CANCELED"} if row.get("status") == "FILLED" else {}, ORDERS)),
    *of_market_and_limit("an order that was taken is not found for a while", hidden(younger_than(A_WHILE_S))),
    *of_market_and_limit("neither an order nor its trades are shown for a while",
                         hidden(younger_than(A_WHILE_S), (*ORDERS, TRADES))),
    *of_market_and_limit("no time of a trade", without("time", paths=OWN_TRADES)),
    *of_market_and_limit("times in seconds", with_values(lambda row: {"time": row["time"] // 1_000})),
    *of_market_and_limit("no fee", without("commission", "commissionAsset", paths=OWN_TRADES), are_fees_told=False),
    *of_market_and_limit("a fee of no asset", without("commissionAsset", paths=OWN_TRADES), are_fees_told=False),
    *of_market_and_limit("a fee in points", charged_in("POINT", "1"), are_fees_told=False),
    *of_market_and_limit("a fee in the exchange's coin", charged_in("BNB", "600"), are_fees_told=False),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _a_home_of_its_own(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def exchange() -> AsyncIterator[FaultyExchange]:
    """Its own coin has a market with BTC alone."""
    steps = Decimal("0.00001"), Decimal("0.001"), Decimal("0.0001")
    bnb = MarketSpec("BNB", "BTC", *steps, start_price_quote=Decimal("0.01"))
    async with faulty_exchange([*LIVELY_MARKETS, bnb]) as faulty:
        yield faulty


async def until_settled(bot: SandboxBot) -> None:
    """Done, and nothing of the orders that have just ended can still be told."""
    await bot.until_done()
    await bot.until(lambda: bot.producer.session.reconciler.settles_in_s() == 0)


def state(bot: SandboxBot) -> str:
    return bot.mode.get_current_state()[0]


@pytest.mark.parametrize("row", shared_by_the_lines(MATRIX), ids=str)
async def test_a_campaign_to_which_an_exchange_tells_less_than_there_is_is_the_tape(
    exchange: FaultyExchange, row: Row
) -> None:
    exchange.alterations += row.alterations
    async with sandbox_bot(exchange, **row.settings) as bot:
        await until_settled(bot)
        assert_equals_tape(exchange, bot.progress, are_fees_told=row.are_fees_told)
        is_estimated = not row.are_fees_told and row.name != "a fee in the exchange's coin"
        expected = bot.progress.fees_quote if is_estimated else 0
        assert bot.progress.estimated_fees_quote == expected
        assert bot.progress.rejected == 0
        assert not bot.open_on_exchange()


async def test_a_role_that_is_not_told_is_a_takers_for_market_orders_and_a_makers_for_resting_ones(
    exchange: FaultyExchange,
) -> None:
    exchange.alterations.append(without("isMaker", paths=OWN_TRADES))
    for settings, share in ((LARGE, 0), (LIMIT, 1)):
        async with sandbox_bot(exchange, **{**settings, "volume_target": 4_000}) as bot:
            await until_settled(bot)
            assert bot.progress.maker_share == share
        journal_path().unlink()


async def test_over_restarts_a_trade_without_an_id_counts_once(exchange: FaultyExchange) -> None:
    exchange.alterations.append(without("id", "time", paths=OWN_TRADES))
    settings = {**LARGE, **HURRIED, "volume_target": 12_000}
    for filled in (3_000, 7_000):
        async with sandbox_bot(exchange, **settings) as bot:
            await bot.until(lambda bot=bot, filled=filled: bot.progress.filled_quote >= filled)
    async with sandbox_bot(exchange, **settings) as bot:
        await until_settled(bot)
        assert_equals_tape(exchange, bot.progress)


async def test_a_part_that_an_order_was_cancelled_with_is_found_later_where_it_is_not_told(
    exchange: FaultyExchange,
) -> None:
    """The exchange says that nothing is filled of an order that is cancelled, and shows its trades."""
    exchange.alterations.append(without(*FILLED))
    settings = {**LIMIT, "limit_order_timeout": 1, "volume_target": 1_000_000, "max_buy_amount": 2_000}
    async with sandbox_bot(exchange, **settings) as bot:
        await bot.until(lambda: len(bot.parts()) >= 2)
        await bot.finish()
        await until_settled(bot)
        assert_equals_tape(exchange, bot.progress)


# --- a person is asked -----------------------------------------------------------------------------------------------


class Curtain:
    """Hides our orders and their trades as long as it is drawn."""

    def __init__(self, exchange: FaultyExchange) -> None:
        self.is_drawn = True
        exchange.alterations.append(hidden(lambda row: self.is_drawn, (*ORDERS, TRADES)))


def is_asked(bot: SandboxBot) -> bool:
    halt = bot.campaign.halt_of(bot.producer.session.source)
    return halt is not None and halt.guard == UNKNOWN_ORDER


@pytest.mark.parametrize("settings", [LARGE, LIMIT], ids=["market", "limit"])
async def test_an_order_that_stays_hidden_halts_and_goes_on_by_itself_when_it_is_shown(
    exchange: FaultyExchange, monkeypatch: pytest.MonkeyPatch, settings: dict[str, typing.Any]
) -> None:
    monkeypatch.setattr(reconciliation, "ASKS_AFTER_S", 2.0)
    curtain = Curtain(exchange)
    async with sandbox_bot(exchange, **settings) as bot:
        await bot.until(lambda: is_asked(bot))
        sent = len(own_orders(exchange))
        assert "look for it on the exchange's own page" in state(bot)
        await asyncio.sleep(1)
        assert len(own_orders(exchange)) == sent, "nothing is sent as long as it is not known"
        curtain.is_drawn = False
        await until_settled(bot)
        assert not is_asked(bot)
        assert_equals_tape(exchange, bot.progress)


async def test_a_person_who_resumes_lets_it_go_on_without_the_order_and_what_is_shown_later_counts(
    exchange: FaultyExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "ASKS_AFTER_S", 2.0)
    monkeypatch.setattr("octobot_volume_booster.trading.orders.late_orders.LOST_LOOK_EVERY_S", 2.0)
    curtain = Curtain(exchange)
    async with sandbox_bot(exchange, **LARGE) as bot:
        await bot.until(lambda: is_asked(bot))
        (lost,) = bot.campaign.open_order_ids(bot.producer.exchange_name, bot.mode.symbol)
        curtain.is_drawn = False
        exchange.alterations.append(hidden(lambda row: hides_first, (*ORDERS, TRADES)))
        hides_first = True
        bot.campaign.command(RESUME, time.time())
        await bot.until(lambda: bot.campaign.record(lost).outcome is not None)
        assert bot.campaign.record(lost).outcome is Outcome.LOST
        assert bot.progress.filled_quote == 0
        hides_first = False
        await bot.until(lambda: bot.campaign.record(lost).filled_quantity > 0)
        await until_settled(bot)
        assert_equals_tape(exchange, bot.progress)


async def test_a_question_holds_over_a_restart_and_its_answer_too(
    exchange: FaultyExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "ASKS_AFTER_S", 2.0)
    Curtain(exchange)
    async with sandbox_bot(exchange, **LARGE) as bot:
        await bot.until(lambda: is_asked(bot))
        (lost,) = bot.campaign.open_order_ids(bot.producer.exchange_name, bot.mode.symbol)
    monkeypatch.setattr(reconciliation, "ASKS_AFTER_S", 600.0)
    async with sandbox_bot(exchange, **LARGE) as bot:
        await bot.until(lambda: "look for it on the exchange's own page" in state(bot))
        assert len(own_orders(exchange)) == 1
    journal = Journal.create_or_open(journal_path())
    journal.add_command(time.time(), RESUME)
    journal.close()
    async with sandbox_bot(exchange, **LARGE) as bot:
        await bot.until(lambda: len(own_orders(exchange)) > 1)
        assert bot.campaign.record(lost).outcome is Outcome.LOST


async def test_an_order_without_an_answer_stays_unknown_where_the_exchange_cannot_be_searched(
    exchange: FaultyExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "never_arrives_after_s", lambda _: 2.0)
    unsearchable = dataclasses.replace(VENUES["binance"], lookup=Lookup(by_client_id=None))
    monkeypatch.setitem(VENUES, "binance", unsearchable)
    async with sandbox_bot(exchange, **LARGE) as bot:
        exchange.script("disconnected", requests=["POST /api/v3/order"])
        await bot.until(lambda: is_asked(bot))
        assert own_orders(exchange) == [] or bot.progress.fills
        sent = len(own_orders(exchange))
        await asyncio.sleep(1)
        assert len(own_orders(exchange)) == sent
        bot.campaign.command(RESUME, time.time())
        await until_settled(bot)
        assert_equals_tape(exchange, bot.progress)
        assert bot.progress.rejected == 0


# --- a fill that can't be written down -------------------------------------------------------------------------------


async def test_a_trade_without_a_quantity_halts_until_it_is_told(exchange: FaultyExchange) -> None:
    is_broken = True
    exchange.alterations.append(with_values(lambda row: {"qty": None, "quoteQty": None} if is_broken else {}))
    async with sandbox_bot(exchange, **LARGE) as bot:
        await bot.until(lambda: "does not report what was traded in its trade" in state(bot))
        assert len(own_orders(exchange)) == 1
        await asyncio.sleep(1)
        assert len(own_orders(exchange)) == 1, "nothing more is sent"
        is_broken = False
        await until_settled(bot)
        assert_equals_tape(exchange, bot.progress)
        assert bot.producer.session.problem == ""


@pytest.mark.parametrize("order_type", [OrderType.MARKET, OrderType.LIMIT])
async def test_a_journal_that_cannot_be_written_halts_until_it_can(
    exchange: FaultyExchange, order_type: OrderType
) -> None:
    settings = LARGE if order_type is OrderType.MARKET else LIMIT
    async with sandbox_bot(exchange, **settings) as bot:
        await bot.until(lambda: bool(own_orders(exchange)))
        connection = bot.campaign._journal._connection
        connection.execute("PRAGMA query_only = ON")
        await asyncio.sleep(0.5)  # one that was written down before still leaves
        sent = len(own_orders(exchange))
        await asyncio.sleep(1)
        assert len(own_orders(exchange)) == sent, "nothing is sent that can't be written down"
        connection.execute("PRAGMA query_only = OFF")
        await until_settled(bot)
        assert_equals_tape(exchange, bot.progress)
        assert bot.producer.session.problem == ""
