"""The mode on OctoBot's real trader: whatever happens to an order, the ledger is the exchange's tape."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import pathlib
import time
import typing
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from decimal import Decimal

import ccxt
import pytest
from octobot_trading.personal_data import ExchangePersonalData

from octobot_volume_booster.adapters import order_submission
from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.accounting.ledger import Outcome
from octobot_volume_booster.core.accounting.reconciliation import ARRIVES_WITHIN_S, never_arrives_after_s
from octobot_volume_booster.core.decision.control import STOP
from octobot_volume_booster.core.decision.guards import REAL_TRADING_VARIABLE
from octobot_volume_booster.core.model.basics import OrderType, Side, Trading
from octobot_volume_booster.core.model.orders import OpenOrder, OrderIntent
from octobot_volume_booster.journal.journal import Journal
from octobot_volume_booster.offline_exchange.server.engine.orders import Status, Trade
from octobot_volume_booster.trading.orders import octobot_orders

from ..exchange.faulty_exchange import CREDENTIALS, FaultyExchange, ccxt_client, faulty_exchange
from ..exchange.real_octobot import EXCHANGE, SYMBOL
from .sandbox_bot import (
    LIMIT,
    SETTINGS,
    SandboxBot,
    assert_equals_tape,
    journal_path,
    own_orders,
    own_side,
    sandbox_bot,
    slippage_of_tape,
)

pytestmark = [pytest.mark.long, pytest.mark.second]

ONE_BPS = Decimal("0.0001")
NEVER_ARRIVES_AFTER_S = never_arrives_after_s(ARRIVES_WITHIN_S)
FAR = {"order_type": "limit", "price_offset_percent": 1, "limit_order_timeout": 600, "max_open_orders": 2}
"""Limit orders that rest where nothing reaches them."""


@pytest.fixture(autouse=True)
def _a_home_of_its_own(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def exchange() -> AsyncIterator[FaultyExchange]:
    async with faulty_exchange() as faulty:
        yield faulty


def sent_before(age_s: float, price: Decimal, quantity: Decimal = Decimal("0.01")) -> str:
    """An order that a bot which was killed had written down, and nobody knows whether it was sent."""
    order_id, now = order_submission.new_order_id(), time.time()
    campaign = Campaign.open(journal_path())
    campaign.begin(now - age_s, Trading.SANDBOX, 7, "2.0", "before")
    intent = OrderIntent(Side.BUY, OrderType.LIMIT, quantity, price, price)
    campaign.place(order_id, EXCHANGE, SYMBOL, intent, now - age_s)
    campaign.close_journal()
    return order_id


async def test_a_campaign_of_market_orders_is_the_tape_to_the_last_digit(exchange: FaultyExchange) -> None:
    async with sandbox_bot(exchange) as bot:
        await bot.until_done()
        assert_equals_tape(exchange, bot.progress)
        assert bot.progress.maker_share == 0
        await bot.until(lambda: _balances_of_octobot(bot) == _balances_of_exchange(exchange))


async def test_a_side_that_has_to_be_next_asks_the_exchange_for_its_balance(exchange: FaultyExchange) -> None:
    """OctoBot may believe that there is nothing of one currency while the other one is plenty."""
    async with sandbox_bot(exchange, poll_s=None, max_position_imbalance="0.05", side_policy="alternate") as bot:
        await bot.until(lambda: bot.progress.fills >= 1)
        portfolio = bot.manager.exchange_personal_data.portfolio_manager.portfolio.portfolio
        portfolio["BTC"].available = portfolio["BTC"].total = Decimal("0.00009")
        await bot.until_done()
        assert_equals_tape(exchange, bot.progress)


@pytest.mark.parametrize(("is_set", "is_told"), [(True, False), (False, True), (False, False)])
async def test_with_real_funds_and_a_consent_missing_nothing_is_sent(
    exchange: FaultyExchange, monkeypatch: pytest.MonkeyPatch, is_set: bool, is_told: bool
) -> None:
    """An account is real as soon as its client can reach anything beyond this machine."""
    if is_told:
        monkeypatch.setenv(REAL_TRADING_VARIABLE, "yes")
    async with sandbox_bot(exchange, i_accept_real_trading=is_set, reaches_beyond=True) as bot:
        await bot.until(lambda: "no order with real funds is placed unless" in bot.mode.get_current_state()[0])
        await asyncio.sleep(0.3)
        assert own_orders(exchange) == []
        assert "wash trading" in bot.mode.get_current_state()[0]


async def test_with_both_consents_it_trades_and_counts_as_in_the_sandbox(
    exchange: FaultyExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REAL_TRADING_VARIABLE, "yes")
    async with sandbox_bot(exchange, i_accept_real_trading=True, reaches_beyond=True, volume_target=2_000) as bot:
        await bot.until_done()
        assert_equals_tape(exchange, bot.progress)


async def test_a_consent_that_is_withdrawn_holds_back_the_order_that_is_on_its_way(
    exchange: FaultyExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REAL_TRADING_VARIABLE, "yes")
    async with sandbox_bot(exchange, i_accept_real_trading=True, reaches_beyond=True, volume_target=50_000) as bot:
        await bot.until(lambda: bot.progress.fills >= 1)
        monkeypatch.delenv(REAL_TRADING_VARIABLE)
        sent = len(own_orders(exchange))
        await bot.until(lambda: "no order with real funds is placed unless" in bot.mode.get_current_state()[0])
        assert len(own_orders(exchange)) <= sent + 1


async def test_it_keeps_away_from_the_exchanges_own_limits(exchange: FaultyExchange) -> None:
    """The exchange allows twelve unfilled orders in ten seconds: at four fifths of it the mode waits."""
    exchange.exchange.limits.orders_per_10s = 12
    settings = {**FAR, "max_open_orders": 50, "min_buy_amount": 25, "max_buy_amount": 50, "max_position_imbalance": 1}
    async with sandbox_bot(exchange, poll_s=None, **settings, min_sell_amount=25, max_sell_amount=50) as bot:
        await bot.until(lambda: "of a limit of" in bot.mode.get_current_state()[0])
        windows = Counter(order.created_ms // 10_000 for order in own_orders(exchange))
        assert max(windows.values()) <= 10, "four fifths of twelve, and the order that reaches it"
        assert bot.progress.rejected == 0


def _on_octobot(bot: SandboxBot) -> set[str]:
    """What OctoBot has open, by the exchange's ids: it has an order twice when two looks find it at the same moment."""
    return {order.exchange_order_id for order in bot.manager.exchange_personal_data.orders_manager.get_open_orders()}


async def test_an_order_that_octobot_has_twice_counts_once(exchange: FaultyExchange) -> None:
    async with sandbox_bot(exchange, poll_s=None, **FAR) as bot:
        await bot.until(lambda: len(_on_octobot(bot)) == 2)
        orders_manager = bot.manager.exchange_personal_data.orders_manager
        for order in list(orders_manager.get_open_orders()):
            twin = copy.copy(order)
            twin.order_id = f"twin of {order.order_id}"
            await orders_manager.upsert_order_instance(twin)
        assert len(orders_manager.get_open_orders()) == 4
        assert len(bot.producer.session.reconciler.open_orders()) == 2


def _balances_of_octobot(bot: SandboxBot) -> dict[str, tuple[Decimal, Decimal]]:
    """Free and total."""
    portfolio = bot.manager.exchange_personal_data.portfolio_manager.portfolio.portfolio
    return {asset: (portfolio[asset].available, portfolio[asset].total) for asset in ("BTC", "USDT")}


def _balances_of_exchange(exchange: FaultyExchange) -> dict[str, tuple[Decimal, Decimal]]:
    balances = exchange.exchange.venue.engine.accounts[CREDENTIALS.account].balances()
    return {asset: (free, free + locked) for asset, (free, locked) in balances.items() if asset != "ETH"}


async def test_a_campaign_of_limit_orders_is_the_tape_to_the_last_digit(exchange: FaultyExchange) -> None:
    async with sandbox_bot(exchange, **LIMIT) as bot:
        await bot.until_done()
        assert_equals_tape(exchange, bot.progress)
        await bot.until(lambda: _balances_of_octobot(bot) == _balances_of_exchange(exchange))
        await bot.until(lambda: not bot.progress.unmeasured_quote)
        assert abs(bot.progress.slippage_quote - slippage_of_tape(exchange)) / bot.progress.filled_quote < ONE_BPS
        assert bot.progress.slippage_quote != bot.progress.arrival_slippage_quote, "which is minus the offset"
        assert bot.progress.maker_share > 0.5, "one whose price the market has passed on its way takes; the tape knows"
        assert not bot.open_on_exchange()


async def test_orders_that_are_cancelled_while_the_crowd_fills_them_lose_no_part(exchange: FaultyExchange) -> None:
    settings = {"volume_target": 1_000_000, "limit_order_timeout": 1, "min_buy_amount": 1_000, "max_buy_amount": 2_000}
    async with sandbox_bot(exchange, **LIMIT | settings) as bot:
        await bot.until(lambda: len(bot.parts()) >= 2 and bot.progress.fills > bot.progress.succeeded)
        await bot.finish()
        assert_equals_tape(exchange, bot.progress)
        await bot.until(lambda: _balances_of_octobot(bot) == _balances_of_exchange(exchange))


async def test_orders_that_fill_while_the_bot_is_down_are_counted_once(exchange: FaultyExchange) -> None:
    settings = {**LIMIT, "volume_target": 6_000}
    async with sandbox_bot(exchange, **settings | {"limit_order_timeout": 60, "price_offset_percent": 0.005}) as bot:
        await bot.until(lambda: len(bot.open_on_exchange()) >= 3)
    before = len(exchange.tape())
    for _ in range(2_000):
        exchange.exchange.advance(exchange.exchange.clock.now_ms())
        if len(exchange.tape()) > before:
            break
        await asyncio.sleep(0.05)
    assert len(exchange.tape()) > before, "nothing was filled while the bot was down"
    async with sandbox_bot(exchange, **settings) as bot:
        await bot.until_done()
        assert_equals_tape(exchange, bot.progress)


async def test_orders_that_rest_over_a_restart_are_ours_again_and_no_more_than_allowed(
    exchange: FaultyExchange,
) -> None:
    async with sandbox_bot(exchange, **FAR) as bot:
        await bot.until(lambda: len(bot.open_on_exchange()) == 2)
        resting = {order.order_id for order in bot.open_on_exchange()}
    async with sandbox_bot(exchange, **FAR) as bot:
        await bot.until(lambda: "as many as max_open_orders" in bot.mode.get_current_state()[0])
        assert {order.order_id for order in bot.open_on_exchange()} == resting
    async with sandbox_bot(exchange, **FAR | {"limit_order_timeout": 0.5}) as bot:
        await bot.until(lambda: not resting & {order.order_id for order in bot.open_on_exchange()})
    assert all(exchange.exchange.venue.engine.accounts[CREDENTIALS.account].orders[one].status is Status.CANCELED
               for one in resting)  # fmt: skip


async def test_an_order_that_was_written_down_and_never_sent_is_given_up_and_the_campaign_goes_on(
    exchange: FaultyExchange,
) -> None:
    order_id = sent_before(NEVER_ARRIVES_AFTER_S + 1, exchange.far_price())
    async with sandbox_bot(exchange) as bot:
        await bot.until_done()
        assert bot.campaign.record(order_id).outcome is Outcome.REJECTED
        assert_equals_tape(exchange, bot.progress)


async def test_what_was_sent_is_settled_at_a_stop_also_while_the_settings_can_not_be_used(
    exchange: FaultyExchange,
) -> None:
    order_id = sent_before(NEVER_ARRIVES_AFTER_S + 1, exchange.far_price())
    async with sandbox_bot(exchange, volume_target="much") as bot:
        await bot.until(lambda: bot.mode.get_current_state()[0].startswith("Halted: volume_target"))
    with contextlib.closing(Journal.open_to_read(journal_path())) as journal:
        assert journal.replay().record(order_id).outcome is Outcome.REJECTED
        assert [event.reason for event in journal.events() if event.kind == STOP] == ["OctoBot stopped the mode"]
    assert not exchange.orders()


async def test_nothing_is_sent_while_an_order_may_still_be_on_its_way(exchange: FaultyExchange) -> None:
    order_id = sent_before(NEVER_ARRIVES_AFTER_S - 6, exchange.far_price())
    async with sandbox_bot(exchange) as bot:
        await bot.until(lambda: "does not know the order" in bot.mode.get_current_state()[0])
        assert not exchange.orders() and bot.campaign.record(order_id).outcome is None
        await bot.until_done()
        assert bot.campaign.record(order_id).outcome is Outcome.REJECTED
        assert_equals_tape(exchange, bot.progress)


async def test_an_order_that_arrived_unnoticed_is_ours_after_a_restart_and_ends_when_its_time_is_over(
    exchange: FaultyExchange,
) -> None:
    order_id = sent_before(1.0, exchange.far_price())
    async with ccxt_client(exchange) as client:
        price = float(exchange.far_price())
        await client.create_order(SYMBOL, "limit", "buy", 0.01, price, {"newClientOrderId": order_id})
    async with sandbox_bot(exchange, limit_order_timeout=3) as bot:
        await bot.until_done()
        assert bot.campaign.record(order_id).outcome is Outcome.CANCELLED
        assert_equals_tape(exchange, bot.progress)


async def test_an_order_that_filled_unnoticed_is_counted_after_a_restart(exchange: FaultyExchange) -> None:
    order_id = sent_before(1.0, exchange.market_price() * 2)
    async with ccxt_client(exchange) as client:
        price = float(exchange.market_price() * 2)
        await client.create_order(SYMBOL, "limit", "buy", 0.01, price, {"newClientOrderId": order_id})
    async with sandbox_bot(exchange) as bot:
        await bot.until_done()
        assert bot.campaign.record(order_id).outcome is Outcome.FILLED
        assert_equals_tape(exchange, bot.progress)


@pytest.mark.parametrize("kind", ["market", "limit"])
async def test_an_order_of_somebody_else_on_the_account_is_neither_counted_nor_crossed_nor_cancelled(
    exchange: FaultyExchange, kind: str
) -> None:
    """Placed at the touch, so that a market order of ours would meet it first; OctoBot looks every seven seconds."""
    settings = {**(LIMIT if kind == "limit" else {}), "volume_target": 1_000_000}
    async with sandbox_bot(exchange, poll_s=None, **settings) as bot, ccxt_client(exchange) as client:
        await bot.until(lambda: bot.progress.fills >= 1)
        book = await client.fetch_order_book(SYMBOL, 5)
        ask = book["asks"][0][0] - 0.01
        foreign = await client.create_order(SYMBOL, "limit", "sell", 0.5, ask, {"newClientOrderId": "somebody"})
        if kind == "market":  # beside limit orders of ours it would be the one that crosses
            await client.create_order(SYMBOL, "market", "sell", 0.001)
        await asyncio.sleep(1.5)
        (order,) = exchange.orders("somebody")
        assert order.status in (Status.NEW, Status.PARTIALLY_FILLED, Status.FILLED)
        with contextlib.suppress(ccxt.OrderNotFound):  # it has filled by itself
            await client.cancel_order(foreign["id"], SYMBOL)
        await bot.finish()
        assert_equals_tape(exchange, bot.progress, is_alone=False)
        assert len(own_orders(exchange)) < len(exchange.orders())


async def test_an_order_that_octobot_lost_sight_of_is_open_until_its_exchange_says_otherwise(
    exchange: FaultyExchange,
) -> None:
    """Between two looks at the exchange only the ledger knows of it: it counts, and nothing may cross it."""
    async with sandbox_bot(exchange, poll_s=None, **FAR) as bot:
        await bot.until(lambda: len(_on_octobot(bot)) == 2)
        before = bot.producer.session.reconciler.open_orders()
        orders_manager = bot.manager.exchange_personal_data.orders_manager
        for order in list(orders_manager.get_open_orders()):
            orders_manager.remove_order_instance(order)
        lost = bot.producer.session.reconciler.open_orders()
        assert _told(lost) == _told(before)
        assert all(order.is_ours and not order.is_cancelling for order in lost)


def _told(orders: Iterable[OpenOrder]) -> list[tuple[object, ...]]:
    """What an order that must not be crossed is known by."""
    return sorted((order.side.value, order.price, order.remaining_quantity, order.placed_at) for order in orders)


async def test_a_fill_that_octobot_knows_first_is_open_until_it_is_counted(exchange: FaultyExchange) -> None:
    """Else it would be in neither for a moment: not in what is open, not in the volume, not in the position."""
    async with sandbox_bot(exchange, poll_s=None, **FAR) as bot:
        await bot.until(lambda: len(_on_octobot(bot)) == 2)
        orders = bot.manager.exchange_personal_data.orders_manager.get_open_orders()
        before = bot.producer.session.reconciler.open_orders()
        for order in orders:
            order.filled_quantity = order.origin_quantity / 2
        assert _told(bot.producer.session.reconciler.open_orders()) == _told(before)
        for order in orders:
            order.filled_quantity = Decimal(0)


async def test_orders_that_octobot_lost_sight_of_are_shown_to_it_again_and_cancelled_in_their_time(
    exchange: FaultyExchange,
) -> None:
    async with sandbox_bot(exchange, poll_s=None, **FAR) as bot:
        await bot.until(lambda: len(bot.open_on_exchange()) == 2)
        resting = {order.order_id for order in bot.open_on_exchange()}
        orders_manager = bot.manager.exchange_personal_data.orders_manager
        await bot.until(lambda: len(_on_octobot(bot)) == 2)  # the second is not being made any more
        for order in list(orders_manager.get_open_orders()):
            orders_manager.remove_order_instance(order)
        await bot.until(lambda: len(_on_octobot(bot)) == 2)
        assert {order.order_id for order in bot.open_on_exchange()} == resting, (
            "what OctoBot did not see was sent again"
        )
        hurried = {"required_strategies": [], **SETTINGS, **FAR, "limit_order_timeout": 0.1}
        await bot.mode.reload_config(bot.manager.bot_id, trading_config=hurried)
        await bot.until(lambda: not resting & {order.order_id for order in bot.open_on_exchange()})


async def test_an_octobot_that_takes_long_to_take_in_a_fill_holds_nothing_up(
    exchange: FaultyExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As OctoBot 2.1 does for a minute after a fill while its balances do not show what was bought."""
    take_in, waits = ExchangePersonalData.handle_order_update_from_raw, 0

    async def slowly(*args: typing.Any, **kwargs: typing.Any) -> typing.Any:
        nonlocal waits
        waits += 1
        await asyncio.sleep(10 * 60)
        return await take_in(*args, **kwargs)

    monkeypatch.setattr(octobot_orders, "PATIENCE_S", 0.1)
    async with sandbox_bot(exchange, poll_s=None, **{**LIMIT, "volume_target": 3_000}) as bot:
        await bot.until(lambda: bot.producer.session.campaign is not None)
        monkeypatch.setattr(ExchangePersonalData, "handle_order_update_from_raw", slowly)
        await bot.until_done()
        assert waits > 1
        assert_equals_tape(exchange, bot.progress)
        monkeypatch.setattr(ExchangePersonalData, "handle_order_update_from_raw", take_in)


async def test_fills_are_counted_while_octobot_holds_the_lock_of_its_portfolio(exchange: FaultyExchange) -> None:
    """As it does after a fill until its balances show it, up to a minute; no order is made meanwhile."""
    async with sandbox_bot(
        exchange, poll_s=None, **LIMIT | {"limit_order_timeout": 600, "volume_target": 50_000}
    ) as bot:
        await bot.until(lambda: len(bot.open_on_exchange()) == LIMIT["max_open_orders"])
        async with bot.manager.exchange_personal_data.portfolio_manager.portfolio.lock:
            known = len(trades_of_ours(exchange))
            await bot.until(lambda: len(trades_of_ours(exchange)) > known + 1)
            await bot.until(lambda: bot.progress.fills == len(trades_of_ours(exchange)))
            assert_equals_tape(exchange, bot.progress)


def trades_of_ours(exchange: FaultyExchange) -> list[Trade]:
    ids = {order.order_id for order in own_orders(exchange)}
    return [trade for trade in exchange.tape() if own_side(trade).order_id in ids]
