"""The end of a campaign in OctoBot: what the trader and the exchange hold is what was chosen, or the rest is named."""

from __future__ import annotations

import pathlib
import random
from collections.abc import AsyncIterator
from decimal import Decimal

import octobot_trading.enums as trading_enums
import pytest

from octobot_volume_booster.journal.journal import DONE
from octobot_volume_booster.reporting.report import read_report

from ..exchange.faulty_exchange import FaultyExchange, faulty_exchange
from .conftest import START_PRICE, Bot, MakeBot
from .sandbox_bot import LIMIT, SandboxBot, assert_equals_tape, journal_path, own_side, sandbox_bot

SMALLEST_QUOTE = Decimal("5.7")
"""5 USDT, rounded up to the next step of a quantity."""
PRICE = Decimal(60_000)
ONE_SIDED = {
    "max_position_imbalance": 1, "max_exposure_percent": 100, "max_position_percent": 20,
    "max_cost_quote": 100, "max_consecutive_losses": 200,
}  # fmt: skip
"""Much is held at the end, and no guard minds: what the local exchange does is different each time."""


@pytest.fixture(autouse=True)
def _a_home_of_its_own(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def exchange() -> AsyncIterator[FaultyExchange]:
    async with faulty_exchange() as faulty:
        yield faulty


def noted(bot: Bot) -> str:
    """What the bot has noted with its end; empty while it has not."""
    campaign = bot.producer.session.campaign
    assert campaign is not None
    kind, reason = campaign.reason_of(bot.producer.session.source) or ("", "")
    return reason if kind == DONE else ""


async def ended(make_bot: MakeBot, end: str, seed: int) -> tuple[Bot, Decimal, Decimal]:
    """A campaign on a price that walks, to what it notes as its end; with the base that OctoBot's trades add up to."""
    bot = await make_bot(
        seed=seed,
        end_of_campaign=end,
        volume_target=3_000,
        max_slippage_bps=500,
        **ONE_SIDED,
    )
    walk, price = random.Random(seed), START_PRICE
    for _ in range(400):
        bot.advance(await bot.tick())
        if noted(bot):
            break
        price = (price * Decimal(str(walk.gauss(1, 0.0005)))).quantize(Decimal("0.01"))
        bot.set_price(price)
    held = Decimal(0)
    for trade in bot.trades():
        assert trade.status is trading_enums.OrderStatus.FILLED
        held += trade.executed_quantity if trade.side is trading_enums.TradeOrderSide.BUY else -trade.executed_quantity
    return bot, held, price


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("end", ["drain", "flatten"])
async def test_in_simulation_octobots_trades_add_up_to_nothing_or_the_rest_is_named(
    make_bot: MakeBot, end: str, seed: int
) -> None:
    bot, held, price = await ended(make_bot, end, seed)
    assert abs(held) * price <= SMALLEST_QUOTE
    assert (f"is {held:+f} BTC away from its start and stays so" in noted(bot)) == bool(held)
    assert bot.progress.is_done and not bot.progress.open_orders


async def test_kept_it_stays_and_nothing_is_said_of_it(make_bot: MakeBot) -> None:
    bot, held, price = await ended(make_bot, "keep", 1)
    assert abs(held) * price > SMALLEST_QUOTE
    assert "stays so" not in noted(bot)


@pytest.mark.long
@pytest.mark.once
@pytest.mark.parametrize("end", ["drain", "flatten"])
async def test_on_the_real_trader_partial_fills_and_a_restart_leave_what_was_chosen(
    exchange: FaultyExchange, end: str
) -> None:
    """Limit orders, some of which fill in part and are cancelled, on two lives of the bot; the tape says the same."""
    settings = {**LIMIT, **ONE_SIDED, "end_of_campaign": end, "volume_target": 2_500}
    async with sandbox_bot(exchange, **settings) as bot:
        await bot.until(lambda: bot.progress.filled_quote > 800)
    async with sandbox_bot(exchange, **settings) as bot:
        await bot.until(lambda: noted_by(bot) != "")
        assert_ends(bot, exchange)


@pytest.mark.long
async def test_an_inventory_that_was_kept_goes_back_at_the_next_start_by_the_journal_alone(
    exchange: FaultyExchange,
) -> None:
    """Nothing but the settings says so: what is held follows from the fills that are written down."""
    settings = {**ONE_SIDED, "volume_target": 3_000, "seed": 11}
    async with sandbox_bot(exchange, **settings) as bot:
        await bot.until(lambda: noted_by(bot) != "")
        assert abs(held(exchange)) * PRICE > SMALLEST_QUOTE, "the seed leaves something"
        assert "stays" not in noted_by(bot)
    async with sandbox_bot(exchange, **settings, end_of_campaign="flatten") as bot:
        await bot.until(lambda: abs(held(exchange)) * PRICE <= SMALLEST_QUOTE)
        await bot.until(lambda: noted_by(bot) != "")
        assert_ends(bot, exchange)


def noted_by(bot: SandboxBot) -> str:
    """What it has noted with its end in this life; empty while it has not."""
    kind, reason = bot.campaign.reason_of(bot.producer.session.source) or ("", "")
    return reason if kind == DONE else ""


def held(exchange: FaultyExchange) -> Decimal:
    """What the account has bought beyond what it sold, by the exchange's tape."""
    signs = ((1 if own_side(trade) is trade.buyer else -1, trade) for trade in exchange.tape())
    return sum((sign * trade.quantity_base for sign, trade in signs), Decimal(0))


def assert_ends(bot: SandboxBot, exchange: FaultyExchange) -> None:
    left = held(exchange)
    assert left == bot.campaign.ledger.drift(bot.producer.session.market)[0]
    assert abs(left) * PRICE <= SMALLEST_QUOTE
    assert (f"is {left:+f} BTC away from its start and stays so" in noted_by(bot)) == bool(left)
    assert not bot.open_on_exchange()
    assert_equals_tape(exchange, bot.progress)
    report = read_report(journal_path())
    assert report is not None and report.is_wrapped_up
    told = report.to_json(0.0)["inventory_stays"]
    assert (told is not None and f"{left.normalize():+f} BTC of BTC/USDT" in told) if left else told is None
