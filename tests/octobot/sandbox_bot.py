"""The mode in OctoBot's own exchange manager with its real trader, on a local exchange in this process."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import time
import typing
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal

import octobot_commons.constants as commons_constants
import pytest

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.model.basics import Role
from octobot_volume_booster.journal.file import CAMPAIGN_FILE
from octobot_volume_booster.journal.journal import TARGET, Journal
from octobot_volume_booster.offline_exchange.server.engine.orders import Order, Party, Status, Trade
from octobot_volume_booster.trading.producer import VolumeBoosterTradingModeProducer
from octobot_volume_booster.volume_booster_trading import VolumeBoosterTradingMode

from ..exchange.faulty_exchange import CREDENTIALS, FaultyExchange
from ..exchange.real_octobot import EXCHANGE, real_exchange_manager
from .conftest import new_mode

ACCOUNT = CREDENTIALS.account
SETTINGS: dict[str, typing.Any] = {
    "seed": 7,
    "volume_target": 5_000,
    "trade_frequency_min": 0.05,
    "trade_frequency_max": 0.1,
    "max_orders_per_second": 20,
    "min_buy_amount": 500,
    "max_buy_amount": 1_000,
    "min_sell_amount": 500,
    "max_sell_amount": 1_000,
}
LIMIT: dict[str, typing.Any] = {
    "order_type": "limit",
    "price_offset_percent": 0.001,
    "limit_order_timeout": 2,
    "max_open_orders": 4,
}
"""Limit orders so near to the market that its crowd fills them, and so short-lived that some are cancelled."""
POLL_S = 0.2
HANGS_AFTER_S = 200.0
"""No test is that slow on a busy machine; OctoBot itself waits for up to a minute here and there."""
NEARLY = Decimal("0.02")


class SandboxBot:
    """A mode on the real trader, and the exchange as it really is."""

    def __init__(self, exchange: FaultyExchange, manager: typing.Any, mode: VolumeBoosterTradingMode) -> None:
        self.exchange = exchange
        self.manager = manager
        self.mode = mode

    @property
    def producer(self) -> VolumeBoosterTradingModeProducer:
        return typing.cast(VolumeBoosterTradingModeProducer, self.mode.producers[0])

    @property
    def campaign(self) -> Campaign:
        assert self.producer.session.campaign is not None, self.producer.session.problem
        return self.producer.session.campaign

    @property
    def progress(self) -> Progress:
        assert self.producer.session.campaign is not None, self.producer.session.problem
        return self.producer.session.progress()

    @property
    def is_done(self) -> bool:
        return self.producer.session.campaign is not None and self.progress.is_done and not self.progress.open_orders

    def throttle(self, pause_ms: float) -> None:
        """From now on the client lets a request of cost 1 out every so often."""
        self.manager.exchange.connector.client.throttler.config["refillRate"] = 1 / pause_ms

    def parts(self) -> list[Order]:
        """Orders of ours that were cancelled when a part of them had filled."""
        return [order for order in own_orders(self.exchange) if order.status is Status.CANCELED and order.executed_base]

    async def until(self, happens: Callable[[], bool], timeout_s: float = HANGS_AFTER_S) -> None:
        for _ in range(int(timeout_s / 0.02)):
            if happens():
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"not in {timeout_s:g} s: {self.mode.get_current_state()} {self.producer.session.problem}")

    async def until_done(self, timeout_s: float = HANGS_AFTER_S) -> None:
        await self.until(lambda: self.is_done, timeout_s)

    async def finish(self) -> None:
        """Let the campaign reach its target now: what rests is cancelled, and all is settled."""
        journal = Journal.create_or_open(journal_path())
        journal.add_command(time.time(), TARGET, "1")
        journal.close()
        await self.until_done()

    def open_on_exchange(self) -> list[Order]:
        return [order for order in own_orders(self.exchange) if order.is_open]


@contextlib.asynccontextmanager
async def sandbox_bot(
    exchange: FaultyExchange, poll_s: float | None = POLL_S, request_timeout_ms: int | None = None, *,
    reaches_beyond: bool = False, name: str = EXCHANGE, pause_ms: int | None = 1, **settings: typing.Any,
) -> AsyncIterator[SandboxBot]:  # fmt: skip
    """A bot that trades; it ends in good order. Its journal is under the working directory, where one goes on.

    :param reaches_beyond: whether its client also knows an address beyond this machine, which it never asks: then the
        account counts as real.
    :param name: of OctoBot's class of the exchange.
    :param pause_ms: of its client between two requests of cost 1; None is the exchange's own throttle.
    :param poll_s: seconds between OctoBot's looks at the open orders; None is OctoBot's own pace.
    """
    keys = CREDENTIALS.api_key, CREDENTIALS.api_secret
    async with real_exchange_manager(
        exchange.port, *keys, poll_s=poll_s, request_timeout_ms=request_timeout_ms, name=name, pause_ms=pause_ms
    ) as manager:
        if reaches_beyond:
            manager.exchange.connector.client.urls["test"] = {"beyond": "https://exchange.example"}
        mode = await new_mode(manager, SETTINGS | settings)
        manager.trading_modes.append(mode)
        try:
            bot = SandboxBot(exchange, manager, mode)
            await bot.until(lambda: bot.producer.session.campaign is not None)
            yield bot
        finally:
            manager.trading_modes.remove(mode)
            await mode.stop()


class _Row(typing.Protocol):
    settings: dict[str, typing.Any]


def shared_by_the_lines(rows: Sequence[_Row]) -> list[typing.Any]:
    """The rows of a table of campaigns: market orders are tried on one line, limit orders on another."""
    kinds = (row.settings.get("order_type") for row in rows)
    share = {"limit": pytest.mark.second}
    return [pytest.param(row, marks=share.get(kind, pytest.mark.once)) for row, kind in zip(rows, kinds, strict=True)]


def own_orders(exchange: FaultyExchange) -> list[Order]:
    """The orders of the account that the mode has sent, as its ids begin."""
    return [order for order in exchange.orders() if order.request.client_order_id.startswith("vb")]


def own_side(trade: Trade) -> Party:
    return trade.buyer if trade.buyer.account == ACCOUNT else trade.seller


def journal_path() -> pathlib.Path:
    return pathlib.Path(commons_constants.USER_FOLDER) / CAMPAIGN_FILE


def fee_quote(trade: Trade) -> Decimal:
    party = own_side(trade)
    return party.fee if party.fee_asset == "USDT" else party.fee * trade.price_quote


def slippage_of_tape(exchange: FaultyExchange) -> Decimal:
    """What the account's fills cost against the exchange's own mid at each of them."""
    source, total = exchange.exchange.venue.source, Decimal(0)
    for trade in exchange.tape():
        book = source.book(trade.market_id, trade.time_ms, 1)
        mid = (book.bids[0].price_quote + book.asks[0].price_quote) / 2
        sign = 1 if trade.buyer.account == ACCOUNT else -1
        total += sign * trade.quantity_base * (trade.price_quote - mid)
    return total


def role(trade: Trade) -> Role:
    return Role.MAKER if trade.buyer_is_maker == (trade.buyer.account == ACCOUNT) else Role.TAKER


def assert_equals_tape(
    exchange: FaultyExchange, progress: Progress, *, is_alone: bool = True, are_fees_told: bool = True
) -> None:
    """The ledger is the exchange's tape of the mode's orders, to the last digit; nothing was sent or traded twice.

    Fees that are not told are nearly those of the tape. Where somebody else trades on the same account, an order of
    theirs may come between our look and our order: then the exchange is what keeps the two apart.
    """
    engine = exchange.exchange.venue.engine
    sent = own_orders(exchange)
    ids = {order.order_id for order in sent}
    own = [trade for trade in exchange.tape() if own_side(trade).order_id in ids]
    assert progress.filled_quote == sum((trade.notional_quote for trade in own), Decimal(0))
    fees_quote = sum((fee_quote(trade) for trade in own), Decimal(0))
    assert progress.fees_quote == fees_quote if are_fees_told else abs(progress.fees_quote / fees_quote - 1) < NEARLY
    assert progress.maker_quote == sum((trade.notional_quote for trade in own if role(trade) is Role.MAKER), Decimal(0))
    assert progress.fills == len(own)
    assert len({order.request.client_order_id for order in sent}) == len(sent), "an order was sent twice"
    assert engine.self_matches == 0
    assert not is_alone or engine.prevented_matches == 0
