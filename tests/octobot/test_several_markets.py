"""One campaign on several pairs and exchanges, with OctoBot's real trader on local exchanges."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import time
import typing
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

import pytest

from octobot_volume_booster.campaign import market_board
from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.accounting.ledger import Progress
from octobot_volume_booster.core.decision import policy
from octobot_volume_booster.core.decision.control import EMERGENCY
from octobot_volume_booster.core.decision.guards import Halt
from octobot_volume_booster.offline_exchange.server.market.price_path import MarketSpec
from octobot_volume_booster.reporting.report import read_report
from octobot_volume_booster.trading.producer import VolumeBoosterTradingModeProducer
from octobot_volume_booster.volume_booster_trading import VolumeBoosterTradingMode

from ..exchange.faulty_exchange import CREDENTIALS, FaultyExchange, faulty_exchange
from ..exchange.real_octobot import real_exchange_manager
from .conftest import new_mode
from .sandbox_bot import HANGS_AFTER_S, SETTINGS, fee_quote, journal_path

pytestmark = [pytest.mark.long, pytest.mark.once]
BTC, ETH, SOL, CROSS = "BTC/USDT", "ETH/USDT", "SOL/USDT", "ETH/BTC"
SPECS = {
    BTC: MarketSpec(
        "BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal(5),
        start_price_quote=Decimal(60_000), spread_bps=1.0,
    ),
    ETH: MarketSpec(
        "ETH", "USDT", Decimal("0.05"), Decimal("0.001"), Decimal(10),
        start_price_quote=Decimal(3_000), spread_bps=4.0,
    ),
    SOL: MarketSpec(
        "SOL", "USDT", Decimal("0.01"), Decimal("0.1"), Decimal(20),
        start_price_quote=Decimal(150), spread_bps=8.0,
    ),
    CROSS: MarketSpec(
        "ETH", "BTC", Decimal("0.00001"), Decimal("0.001"), Decimal("0.0001"),
        start_price_quote=Decimal("0.05"), spread_bps=4.0,
    ),
}  # fmt: skip
MINIMUM_QUOTE = Decimal(30)
"""More than the smallest order of any of them: SOL takes 20 USDT, rounded up to the next tenth of a SOL."""
TARGET = 6_000
QUICK = SETTINGS | {
    "volume_target": TARGET, "min_buy_amount": 100, "max_buy_amount": 200, "min_sell_amount": 100,
    "max_sell_amount": 200, "max_position_percent": 50,
}  # fmt: skip
FUNDS = {"SOL": Decimal(100)}


class SeveralMarkets:
    """The modes of one OctoBot, and the exchange that they trade on."""

    def __init__(self, exchange: FaultyExchange, modes: dict[str, VolumeBoosterTradingMode]) -> None:
        self.exchange = exchange
        self.modes = modes

    def producer(self, symbol: str) -> VolumeBoosterTradingModeProducer:
        return typing.cast(VolumeBoosterTradingModeProducer, self.modes[symbol].producers[0])

    @property
    def campaign(self) -> Campaign:
        campaign = next(iter(self.modes.values())).producers[0].session.campaign
        assert campaign is not None
        return campaign

    @property
    def progress(self) -> Progress:
        return self.campaign.progress(Decimal(TARGET))

    def filled(self, symbol: str) -> Decimal:
        return self.campaign.ledger.progress(
            Decimal(TARGET), (self.producer(symbol).exchange_name, symbol)
        ).filled_quote

    async def until(self, happens: typing.Callable[[], bool], timeout_s: float = HANGS_AFTER_S) -> None:
        deadline = time.monotonic() + timeout_s
        while not happens():
            states = [mode.get_current_state() for mode in self.modes.values()]
            assert time.monotonic() < deadline, f"not in {timeout_s:g} s: {states}"
            await asyncio.sleep(0.02)

    async def until_done(self) -> None:
        await self.until(lambda: self.progress.is_done and not self.progress.open_orders)

    def assert_equals_tape(self) -> None:
        tape = [trade for symbol in self.modes for trade in self.exchange.tape(symbol.replace("/", ""))]
        assert self.progress.filled_quote == sum(trade.notional_quote for trade in tape)
        assert self.progress.fills == len(tape)
        assert self.progress.fees_quote == sum(map(fee_quote, tape))
        assert self.exchange.exchange.venue.engine.self_matches == 0


@contextlib.asynccontextmanager
async def several_markets(
    symbols: Sequence[str] = (BTC, ETH, SOL), funds: dict[str, Decimal] | None = None, **settings: typing.Any
) -> AsyncIterator[SeveralMarkets]:
    keys = CREDENTIALS.api_key, CREDENTIALS.api_secret
    async with contextlib.AsyncExitStack() as stack:
        exchange = await stack.enter_async_context(faulty_exchange([SPECS[symbol] for symbol in symbols]))
        for asset, amount in (FUNDS if funds is None else funds).items():
            exchange.exchange.venue.engine.pay_in(CREDENTIALS.account, asset, amount)
        manager = await stack.enter_async_context(
            real_exchange_manager(exchange.port, *keys, symbols=symbols, poll_s=0.2)
        )
        modes: dict[str, VolumeBoosterTradingMode] = {}
        try:
            for symbol in symbols:
                modes[symbol] = await new_mode(manager, QUICK | settings, symbol)
                manager.trading_modes.append(modes[symbol])
            bot = SeveralMarkets(exchange, modes)
            await bot.until(lambda: all(mode.producers[0].session.campaign is not None for mode in modes.values()))
            yield bot
        finally:
            for mode in modes.values():
                manager.trading_modes.remove(mode)
                await mode.stop()


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


async def test_three_pairs_reach_the_target_together_each_with_its_share() -> None:
    async with several_markets(share_by="weights", share_weights="BTC/USDT = 3, ETH/USDT = 2") as bot:
        await bot.until_done()
        assert TARGET <= bot.progress.filled_quote <= TARGET + MINIMUM_QUOTE
        for symbol, weight in ((BTC, 3), (ETH, 2), (SOL, 1)):
            share = Decimal(TARGET) * weight / 6
            assert abs(bot.filled(symbol) - share) <= MINIMUM_QUOTE, symbol
        bot.assert_equals_tape()


async def test_a_pair_that_halts_midway_gives_its_share_to_the_others() -> None:
    async with several_markets() as bot:
        await bot.until(lambda: bot.filled(SOL) > 500)
        producer = bot.producer(SOL)
        bot.campaign.halt(
            producer.session.now(), producer.session.source, Halt("tried out", "exposure", is_lasting=True)
        )
        await bot.until(lambda: not bot.campaign.open_order_ids(producer.exchange_name, SOL))
        halted_with = bot.filled(SOL)
        await bot.until_done()
        assert TARGET <= bot.progress.filled_quote <= TARGET + MINIMUM_QUOTE
        assert bot.filled(SOL) == halted_with < TARGET / 4
        for symbol in (BTC, ETH):
            assert abs(bot.filled(symbol) - (TARGET - halted_with) / 2) <= MINIMUM_QUOTE, symbol
        bot.assert_equals_tape()
        told = read_report(journal_path())
        assert told is not None
        assert told.state == "done"
        assert {part.symbol: part.kind for part in told.parts}[SOL] in ("halt", "done")


async def test_a_pair_without_funds_gives_its_share_to_the_others_and_is_not_waited_for() -> None:
    async with several_markets((BTC, SOL), funds={}, side_policy="alternate") as bot:
        await bot.until_done()
        assert TARGET <= bot.progress.filled_quote <= TARGET + MINIMUM_QUOTE
        bot.assert_equals_tape()


async def test_by_cost_most_goes_to_the_cheapest_and_every_pair_goes_on_being_measured() -> None:
    """The pauses share it out: they are long beside the time that an order takes on a busy machine."""
    pauses = {"trade_frequency_min": 0.6, "trade_frequency_max": 0.8}
    async with several_markets(share_by="cost", min_share_percent=10, **pauses) as bot:
        await bot.until_done()
        assert bot.filled(BTC) > max(bot.filled(ETH), bot.filled(SOL))
        assert all(bot.filled(symbol) > 0 for symbol in (BTC, ETH, SOL))
        bot.assert_equals_tape()


async def test_a_name_that_is_not_enabled_is_told_and_nothing_is_traded() -> None:
    async with several_markets((BTC, ETH), share_by="weights", share_weights="ETC/USDT = 2") as bot:
        await bot.until(lambda: "ETC/USDT" in str(bot.modes[BTC].get_current_state()))
        assert bot.progress.orders == 0


async def test_a_day_is_full_at_the_cap_of_the_exchange() -> None:
    async with several_markets((BTC, ETH), max_daily_quote={"offline_exchange": 1_000}) as bot:
        await bot.until(lambda: "max_daily_quote" in str([mode.get_current_state() for mode in bot.modes.values()]))
        await asyncio.sleep(1)
        assert 1_000 - MINIMUM_QUOTE <= bot.progress.filled_quote <= 1_000
        bot.assert_equals_tape()


async def test_a_pair_of_another_quote_counts_at_the_price_of_its_quote() -> None:
    async with several_markets((BTC, CROSS), target_currency="USDT") as bot:
        await bot.until_done()
        assert TARGET <= bot.progress.filled_quote <= TARGET + MINIMUM_QUOTE
        assert abs(bot.filled(CROSS) * 2 - TARGET) <= 2 * MINIMUM_QUOTE
        exchange = bot.exchange.exchange
        at_least, at_most = ((trade.price_quote for trade in bot.exchange.tape("BTCUSDT")) for _ in range(2))
        in_btc = sum(trade.notional_quote for trade in bot.exchange.tape("ETHBTC"))
        assert min(at_least) * Decimal("0.99") < bot.filled(CROSS) / in_btc < max(at_most) * Decimal("1.01")
        assert exchange.venue.engine.self_matches == 0
        told = read_report(journal_path())
        assert told is not None
        assert (told.quote, told.progress) == ("USDT", bot.campaign.progress(told.progress.target_quote))


async def test_pairs_of_different_quotes_are_not_added_up_unless_somebody_says_in_what() -> None:
    async with several_markets((BTC, CROSS)) as bot:
        await bot.until(lambda: "set target_currency" in str(bot.modes[BTC].get_current_state()))
        assert bot.progress.orders == 0


async def test_a_pair_whose_quote_has_no_price_is_refused_and_the_others_go_on() -> None:
    async with several_markets((ETH, CROSS), target_currency="USDT") as bot:
        # nobody trades BTC/USDT here, and OctoBot is told no price of it
        await bot.until_done()
        assert bot.filled(CROSS) == 0
        assert "enable the pair BTC/USDT too" in str(bot.modes[CROSS].get_current_state())


async def test_an_emergency_of_a_pair_of_another_quote_is_counted_at_its_price() -> None:
    async with several_markets(
        (BTC, CROSS), target_currency="USDT", emergency_flatten=True, side_policy="alternate"
    ) as bot:
        market = bot.producer(CROSS).exchange_name, CROSS
        await bot.until(lambda: bot.campaign.ledger.drift(market)[0] != 0)
        bot.campaign.command(EMERGENCY, bot.producer(BTC).session.now())
        await bot.until(
            lambda: all("the mode is switched off" in str(mode.get_current_state()) for mode in bot.modes.values())
        )
        assert abs(bot.campaign.ledger.drift(market)[0]) < Decimal("0.01")
        in_btc = sum(trade.notional_quote for trade in bot.exchange.tape("ETHBTC"))
        assert 50_000 < bot.filled(CROSS) / in_btc < 70_000


async def test_a_pair_whose_orders_can_not_be_settled_gives_its_share_away_when_that_lasts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(market_board, "PATIENCE_S", 0.5)
    async with several_markets((BTC, ETH)) as bot:
        await bot.until(lambda: bot.filled(ETH) > 300)

        async def silent(now: float) -> policy.Wait:
            return policy.Wait(0.1, "the exchange does not report")

        reconciler = bot.producer(ETH).session.reconciler
        settle = reconciler.settle
        monkeypatch.setattr(reconciler, "settle", silent)
        await bot.until(lambda: bot.filled(BTC) > TARGET * Decimal("0.6"))
        monkeypatch.setattr(reconciler, "settle", settle)
        await bot.until_done()
        assert TARGET <= bot.progress.filled_quote <= TARGET + MINIMUM_QUOTE
        bot.assert_equals_tape()


async def test_what_can_not_be_written_down_of_a_pair_leaves_the_target_to_the_others() -> None:
    async with several_markets((BTC, ETH)) as bot:
        await bot.until(lambda: bot.filled(ETH) > 300 and not bot.campaign.open_order_ids("offline_exchange", ETH))
        bot.producer(ETH).session.ended = "tried out"
        await bot.until_done()
        assert TARGET <= bot.progress.filled_quote <= TARGET + MINIMUM_QUOTE
        assert bot.filled(ETH) < TARGET / 3
        bot.assert_equals_tape()
