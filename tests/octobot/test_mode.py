"""The mode in a simulated exchange manager: what it does through OctoBot's own trader."""

from __future__ import annotations

import logging
import typing
from decimal import Decimal

import octobot_trading.enums as trading_enums
import octobot_trading.errors as trading_errors
import octobot_trading.personal_data as trading_personal_data
import pytest

from octobot_volume_booster.core.model.basics import Side
from octobot_volume_booster.journal.journal import DONE, ERROR, HALT, WAIT
from octobot_volume_booster.trading.executor import HALTED_LOOK_S

from .conftest import START_PRICE, SYMBOL, Bot, MakeBot

SMALL: dict[str, typing.Any] = {
    "order_type": "market",
    "volume_target": 1_000,
    "min_buy_amount": 40,
    "max_buy_amount": 150,
    "min_sell_amount": 40,
    "max_sell_amount": 150,
}
LIMIT = SMALL | {"order_type": "limit", "limit_order_timeout": 60, "max_open_orders": 3}


def last_note(bot: Bot) -> tuple[str, str]:
    assert bot.producer.session.campaign is not None
    note = bot.producer.session.campaign.reason_of(bot.producer.session.source)
    assert note is not None
    return note


async def place_foreign_order(bot: Bot, side: Side, price: Decimal) -> typing.Any:
    """An order that another mode, or a person, placed in the same OctoBot."""
    kind = trading_enums.TraderOrderType.BUY_LIMIT if side is Side.BUY else trading_enums.TraderOrderType.SELL_LIMIT
    order = trading_personal_data.create_order_instance(
        trader=bot.manager.trader, order_type=kind, symbol=SYMBOL, current_price=START_PRICE,
        quantity=Decimal("0.01"), price=price,
    )  # fmt: skip
    created = await bot.manager.trader.create_order(order)
    await bot.drain()
    return created


async def test_a_campaign_of_market_orders_reaches_its_target_and_octobot_agrees_to_the_last_digit(
    make_bot: MakeBot,
) -> None:
    bot = await make_bot(**SMALL)
    await bot.run(most_ticks=60)
    assert sum(trade.total_cost for trade in bot.trades()) == bot.progress.filled_quote
    assert 1_000 <= bot.progress.filled_quote < 1_005
    assert bot.progress.fills == bot.progress.orders == len(bot.trades())


async def test_the_campaign_pays_the_fees_that_octobot_takes_from_the_portfolio(make_bot: MakeBot) -> None:
    bot = await make_bot(**SMALL)
    await bot.run(most_ticks=60)
    portfolio = bot.manager.exchange_personal_data.portfolio_manager.portfolio
    base, quote = (portfolio.get_currency_portfolio(currency).total for currency in ("BTC", "USDT"))
    paid = (1 * START_PRICE + 10_000) - (base * START_PRICE + quote)
    assert abs(paid - bot.progress.fees_quote) < Decimal("1e-9")
    assert bot.progress.fees_quote == pytest.approx(bot.progress.filled_quote / 1000)


async def test_after_the_target_no_order_is_sent_and_the_mode_says_that_it_is_done(make_bot: MakeBot) -> None:
    bot = await make_bot(**SMALL)
    await bot.run(most_ticks=60)
    orders = bot.progress.orders
    for _ in range(5):
        await bot.tick()
    assert bot.progress.orders == orders
    assert last_note(bot)[0] == DONE
    sentence, share = bot.mode.get_current_state()
    assert "of 1,000.00 filled (100.0 %)" in sentence
    assert share == 1


async def test_the_same_seed_gives_the_same_orders(make_bot: MakeBot) -> None:
    lists = []
    for _ in range(2):
        bot = await make_bot(**SMALL)
        await bot.run(most_ticks=60)
        lists.append([(trade.side, trade.executed_quantity, trade.executed_price) for trade in bot.trades()])
    assert lists[0] == lists[1]


async def test_a_limit_order_rests_away_from_the_price_and_counts_when_it_fills(make_bot: MakeBot) -> None:
    bot, filled = await make_bot(**LIMIT | {"side_policy": "alternate"}), Decimal(0)
    offset = START_PRICE * Decimal("0.002")
    for side, price in (("buy", START_PRICE - offset), ("sell", START_PRICE + offset)):
        bot.set_price(START_PRICE)
        bot.advance(await bot.tick())
        (order,) = bot.manager.exchange_personal_data.orders_manager.get_open_orders()
        assert (order.side.value, order.origin_price) == (side, price)
        assert (bot.progress.filled_quote, bot.progress.open_orders) == (filled, 1)
        await bot.fill_resting_orders_at(order.origin_price)
        filled += order.origin_quantity * order.origin_price
        assert (bot.progress.filled_quote, bot.progress.open_orders) == (filled, 0)
    assert bot.progress.maker_share == 1


async def test_an_old_limit_order_is_cancelled_and_counts_nothing(make_bot: MakeBot) -> None:
    bot = await make_bot(**LIMIT)
    await bot.tick()
    bot.advance(61)
    bot.set_price(START_PRICE)
    await bot.tick()
    assert bot.manager.exchange_personal_data.orders_manager.get_open_orders() == []
    assert (bot.progress.cancelled, bot.progress.open_orders, bot.progress.filled_quote) == (1, 0, 0)
    assert bot.progress.headroom_quote == 1_000


async def test_no_more_limit_orders_rest_than_allowed(make_bot: MakeBot) -> None:
    bot = await make_bot(**LIMIT)
    for _ in range(6):
        bot.advance(await bot.tick())
        bot.set_price(START_PRICE)
    assert bot.progress.open_orders == 3
    assert "max_open_orders" in last_note(bot)[1]


async def test_an_order_event_that_comes_again_counts_once(make_bot: MakeBot) -> None:
    bot = await make_bot(**LIMIT)
    await bot.tick()
    (order,) = bot.manager.exchange_personal_data.orders_manager.get_open_orders()
    await bot.fill_resting_orders_at(order.origin_price)
    before = bot.progress
    for _ in range(3):
        bot.producer.session.reconciler.write_down(order.to_dict())
    assert bot.progress == before


async def test_a_fill_of_an_order_of_someone_else_never_counts(make_bot: MakeBot) -> None:
    bot = await make_bot(**LIMIT)
    await place_foreign_order(bot, Side.BUY, START_PRICE - 500)
    await bot.fill_resting_orders_at(START_PRICE - 500)
    assert len(bot.trades()) == 1
    assert (bot.progress.filled_quote, bot.progress.fills) == (0, 0)


async def test_a_market_order_waits_while_an_order_of_this_bot_rests_on_the_other_side(make_bot: MakeBot) -> None:
    bot = await make_bot(**SMALL, side_policy="alternate")
    foreign = await place_foreign_order(bot, Side.SELL, START_PRICE + 5_000)
    await place_foreign_order(bot, Side.BUY, START_PRICE - 5_000)
    await bot.tick()
    assert bot.progress.orders == 0
    assert last_note(bot)[0] == WAIT
    assert "another sell order of this bot" in last_note(bot)[1]
    await bot.manager.trader.cancel_order(foreign)
    await bot.tick()
    assert bot.progress.buys == 1


async def refuse_every_order(*_: object, **__: object) -> None:
    return None


async def test_an_order_that_octobot_answers_with_none_is_a_failure_and_is_tried_again_later(
    make_bot: MakeBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = await make_bot(**SMALL, max_consecutive_failures=7)
    with monkeypatch.context() as patched:
        patched.setattr(bot.manager.trader, "create_order", refuse_every_order)
        delays = []
        for _ in range(6):
            delays.append(await bot.tick())
            bot.advance(delays[-1])
            bot.set_price(START_PRICE)
    assert (bot.progress.rejected, bot.progress.failures_in_a_row, bot.progress.open_orders) == (6, 6, 0)
    assert delays[-1] > 30 > delays[0]
    assert last_note(bot)[0] == ERROR
    await bot.run(most_ticks=60)
    assert bot.progress.failures_in_a_row == 0


@pytest.mark.parametrize("error", [trading_errors.MissingFunds("too poor"), RuntimeError("broken")])
async def test_an_error_of_the_trader_reaches_the_producer_as_an_answer(
    make_bot: MakeBot, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    bot = await make_bot(**SMALL)

    async def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(bot.manager.trader, "create_order", fail)
    await bot.tick()
    assert str(error) in last_note(bot)[1]
    assert bot.progress.rejected == 1
    assert bot.progress.open_orders == 0


async def test_a_trader_that_becomes_a_real_one_sends_no_order_and_one_sentence_says_why(make_bot: MakeBot) -> None:
    bot = await make_bot(**SMALL)
    bot.manager.is_backtesting = False
    bot.manager.trader.simulate = False
    assert await bot.tick() == HALTED_LOOK_S
    assert bot.progress.orders == 0
    kind, reason = last_note(bot)
    assert kind == HALT
    assert "was backtest when this run began" in reason
    assert "nothing is sent any more" in reason


async def test_settings_that_cannot_be_used_stop_the_mode_and_name_their_keys_until_they_are_mended(
    make_bot: MakeBot,
) -> None:
    bot = await make_bot(**SMALL | {"volume_target": -5, "no_such_key": 1})
    await bot.tick()
    assert bot.trades() == []
    sentence, _ = bot.mode.get_current_state()
    assert "volume_target" in sentence
    assert "no_such_key" in sentence
    await bot.mode.reload_config(bot.manager.bot_id, trading_config=dict(SMALL))
    await bot.run(most_ticks=60)


async def test_a_target_that_is_raised_is_taken_up(make_bot: MakeBot) -> None:
    bot = await make_bot(**SMALL)
    await bot.run(most_ticks=60)
    await bot.mode.reload_config(bot.manager.bot_id, trading_config=SMALL | {"volume_target": 1_500})
    await bot.run(most_ticks=60)
    assert bot.progress.filled_quote >= 1_500


async def test_switched_off_it_waits_and_says_so(make_bot: MakeBot) -> None:
    bot = await make_bot(**SMALL, enable_volume_booster=False)
    await bot.tick()
    assert last_note(bot) == (WAIT, "enable_volume_booster is off")


async def test_without_a_market_price_it_waits_and_says_what_is_missing(make_bot: MakeBot) -> None:
    bot = await make_bot(**SMALL)
    prices = bot.manager.exchange_symbols_data.get_exchange_symbol_data(SYMBOL).prices_manager
    prices.mark_price = Decimal(0)
    await bot.tick()
    assert last_note(bot) == (WAIT, "binance has reported no market price of BTC/USDT yet")


async def test_an_old_market_price_is_not_traded_on(make_bot: MakeBot) -> None:
    bot = await make_bot(**SMALL)
    bot.advance(31)
    await bot.tick()
    assert bot.progress.orders == 0
    assert "max_price_age" in last_note(bot)[1]


async def test_a_disabled_trader_is_waited_for(make_bot: MakeBot) -> None:
    bot = await make_bot(**SMALL)
    bot.manager.trader.is_enabled = False
    await bot.tick()
    assert "trader of binance is paused" in last_note(bot)[1]
    bot.manager.trader.is_enabled = True
    await bot.run(most_ticks=60)


async def test_waiting_for_the_same_reason_is_told_once_however_its_numbers_change(
    make_bot: MakeBot, caplog: pytest.LogCaptureFixture
) -> None:
    bot = await make_bot(**SMALL)
    caplog.set_level(logging.INFO)
    for _ in range(5):
        bot.advance(31)
        await bot.tick()
    assert sum("max_price_age" in line for line in caplog.messages) == 1
