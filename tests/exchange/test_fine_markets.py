"""A market whose tick x step is finer than the eight decimals of a balance, as those that are quoted in BTC.

And recordings of such markets, whose limits leave room for what was traded.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
from decimal import ROUND_DOWN, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octobot_volume_booster.offline_exchange.server.engine.accounts import FeeAsset, FeeSchedule
from octobot_volume_booster.offline_exchange.server.engine.matching import Engine
from octobot_volume_booster.offline_exchange.server.engine.orders import Kind, RefusedError, Request, Side
from octobot_volume_booster.offline_exchange.server.engine.venue import Venue
from octobot_volume_booster.offline_exchange.server.market.facts import tape_facts
from octobot_volume_booster.offline_exchange.server.market.markets import MarketRules
from octobot_volume_booster.offline_exchange.server.market.price_path import PricePath
from octobot_volume_booster.offline_exchange.server.market.replay import load_replay
from octobot_volume_booster.offline_exchange.server.market.spec import MARKETS
from octobot_volume_booster.offline_exchange.server.market.standing_book import sizes_in_steps
from octobot_volume_booster.offline_exchange.server.market.tape import LiquidMarket

RULES = MarketRules("ETH", "BTC", Decimal("0.00001"), Decimal("0.0001"), Decimal("0.0001"))
SMALLEST = Decimal("1e-8")
NAMES = ("ann", "bob", "cid")
ORDERS = st.tuples(
    st.sampled_from(NAMES), st.sampled_from(Side), st.integers(3_440, 3_460), st.integers(1, 400), st.booleans()
)


def engine(*assets: FeeAsset) -> Engine:
    made = Engine([RULES])
    for name, asset in zip(NAMES, (*assets, *FeeAsset), strict=False):
        made.open_account(name, FeeSchedule(Decimal("0.00075"), Decimal("0.001"), asset))
        made.pay_in(name, "ETH", Decimal(10))
        made.pay_in(name, "BTC", Decimal("0.5"))
    return made


def total(made: Engine, asset: str) -> Decimal:
    return sum((sum(account.balances()[asset]) for account in made.accounts.values()), Decimal(0))


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.lists(ORDERS, min_size=2, max_size=40))
def test_nothing_is_lost_or_made_and_every_balance_has_eight_decimals(
    orders: list[tuple[str, Side, int, int, bool]],
) -> None:
    made = engine()
    for name, side, ticks, steps, is_market in orders:
        quantity, price = RULES.quantity(steps), RULES.price(ticks)
        request = (
            Request(RULES.id, side, Kind.MARKET, quantity)
            if is_market
            else Request(RULES.id, side, Kind.LIMIT, quantity, price)
        )
        try:
            made.submit(name, request, 1)
        except RefusedError:
            continue
    for asset, paid_in in (("ETH", Decimal(30)), ("BTC", Decimal("1.5"))):
        assert total(made, asset) + made.fees_collected.get(asset, Decimal(0)) == paid_in
    for account in made.accounts.values():
        for order_id in list(account.open_orders):
            made.cancel(account.name, RULES.id, order_id, 2)
        for free, locked in account.balances().values():
            assert (free % SMALLEST, locked) == (0, 0)
            assert free >= 0
    for trade in made.trades:
        exact = trade.price_quote * trade.quantity_base
        assert trade.notional_quote == exact.quantize(SMALLEST, ROUND_DOWN)


def test_the_quote_of_a_trade_is_cut_off_to_eight_decimals_on_both_sides() -> None:
    made = engine(FeeAsset.RECEIVED, FeeAsset.RECEIVED)
    made.submit("ann", Request(RULES.id, Side.SELL, Kind.LIMIT, Decimal("0.0033"), Decimal("0.03451")), 1)
    made.submit("bob", Request(RULES.id, Side.BUY, Kind.MARKET, Decimal("0.0033")), 1)
    (trade,) = made.trades
    assert trade.price_quote * trade.quantity_base == Decimal("0.000113883")
    assert trade.notional_quote == Decimal("0.00011388")
    assert made.accounts["bob"].balances()["BTC"] == (Decimal("0.5") - Decimal("0.00011388"), 0)
    assert made.accounts["ann"].balances()["BTC"] == (Decimal("0.5001138"), 0)  # less a fee of 8e-8


@pytest.mark.parametrize(
    ("tick", "step", "problem"),
    [
        ("1e-19", "1000", "tick_quote must have at most 18 decimals"),
        ("0.01", "1.5e-18", "step_base must have at most 18 decimals"),
    ],
)
def test_a_price_or_quantity_of_more_than_18_decimals_is_none(tick: str, step: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        MarketRules("ETH", "BTC", Decimal(tick), Decimal(step), Decimal(1))


START_TIME = 1_700_000_000
RECORDED = (  # base, quote, tick, step, smallest order, price, quantity
    ("SHIB", "USDT", "0.00000001", "1", "1", "0.000012", "81000000"),
    ("PEPE", "USDT", "0.0000000001", "1", "1", "0.0000012345", "3000000000"),
    ("BABYDOGE", "USDT", "0.0000000000001", "0.00000001", "1", "0.0000000012345", "9000000000.00000001"),
    ("BTC", "IDR", "1", "0.00000001", "10000", "1600000000", "0.5"),
    ("ETH", "BTC", "0.00001", "0.0001", "0.0001", "0.03449", "0.0038"),
)


def recorded(folder: pathlib.Path, row: tuple[str, ...], **given: str) -> Venue:
    base, quote, tick, step, smallest, price, quantity = row
    rules = {"tick_quote": tick, "step_base": step, "minimum_notional_quote": smallest}
    trades = "".join(f"{time_ms},{price},{quantity},{time_ms % 2}\n" for time_ms in range(1_000, 20_000, 1_000))
    (folder / "t.csv").write_text(f"time_ms,price,quantity,buyer_is_maker\n{trades}", "utf-8")
    market = {"base": base, "quote": quote, "trades": "t.csv", **rules, **given}
    (folder / "markets.json").write_text(json.dumps({base + quote: market}), "utf-8")
    return Venue(load_replay(folder, START_TIME, 7, skip_seconds=10))


@pytest.mark.parametrize("row", RECORDED, ids=[row[0] + row[1] for row in RECORDED])
def test_a_recording_without_limits_takes_the_orders_that_its_prices_need(tmp_path, row) -> None:
    venue = recorded(tmp_path, row)
    ((market_id, rules),) = venue.source.markets.items()
    price, now_ms = Decimal(row[5]), START_TIME * 1_000
    steps = (1_000 * rules.minimum_notional_quote / price / rules.step_base).to_integral_value()
    quantity, account = steps * rules.step_base, venue.engine.open_account("ann")
    venue.engine.pay_in("ann", row[0], quantity.to_integral_value() + 1)
    venue.submit("ann", Request(market_id, Side.SELL, Kind.MARKET, quantity), now_ms)
    far = Request(market_id, Side.SELL, Kind.LIMIT, rules.step_base * (steps // 100), price * 90)
    venue.engine.pay_in("ann", row[0], quantity.to_integral_value() + 1)
    venue.submit("ann", far, now_ms)
    assert len(account.open_orders) == 1
    assert sum(trade.quantity_base for trade in venue.engine.trades) > 0
    assert all(trade.price_quote % rules.tick_quote == 0 for trade in venue.engine.trades)
    day, quantity = venue.source.day_statistics(market_id, now_ms), Decimal(row[6])
    assert day.volume_quote == day.print_count * price * quantity
    assert day.volume_base == day.print_count * quantity


@pytest.mark.parametrize(
    ("number", "limits"),
    [(0, ("9000000", "1000000", "750000000000")), (3, ("10000000000", "160000000000", "9000")),
     (4, ("9000000", "1000000", "260945201.5077"))],
)  # fmt: skip
def test_a_recording_without_limits_has_those_of_its_prices(tmp_path, number, limits) -> None:
    venue = recorded(tmp_path, RECORDED[number])
    ((_, rules),) = venue.engine.rules.items()
    assert (rules.maximum_notional_quote, rules.maximum_price_quote, rules.maximum_quantity_base) == tuple(
        map(Decimal, limits)
    )


def test_limits_that_a_recording_has_hold(tmp_path) -> None:
    given = {"maximum_quantity_base": "82000000", "maximum_price_quote": "0.1", "maximum_notional_quote": "50"}
    venue = recorded(tmp_path, RECORDED[0], **given)
    assert {name: venue.engine.rules["SHIBUSDT"].as_text()[name] for name in given} == given


@pytest.mark.parametrize("tick", ["1e-8", "1e-10"])
def test_a_tick_far_below_the_price_changes_no_volume(tick) -> None:
    """9,000 prints of 6e12 ticks and some hundred steps add up to more than 64 bits hold."""
    coarse, fine = (
        PricePath(
            7, START_TIME, [dataclasses.replace(MARKETS[0], tick_quote=Decimal(one), print_median_quote=30_000)], 3_600
        )
        for one in ("0.01", tick)
    )
    now_ms = START_TIME * 1_000
    days = [source.day_statistics("BTCUSDT", now_ms) for source in (coarse, fine)]
    assert abs(days[1].volume_quote / days[0].volume_quote - 1) < Decimal("0.001")
    facts = [tape_facts(source, "BTCUSDT", now_ms - 600_000, now_ms) for source in (coarse, fine)]
    assert facts[1].print_quote == pytest.approx(facts[0].print_quote, rel=0.01)


def test_a_tick_that_64_bits_do_not_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="a tick must be at least 6e-11 at a start price of 60000"):
        dataclasses.replace(MARKETS[0], tick_quote=Decimal("1e-11"))


@pytest.mark.parametrize("step", ["0.00001", "1e-8", "1e-14"])
def test_no_drawn_size_is_below_the_smallest_order(step) -> None:
    market = LiquidMarket("BTC", "USDT", Decimal("1e-8"), Decimal(step), Decimal(5))
    ticks = np.array([1, 10**9, 6 * 10**12], np.int64)
    steps = sizes_in_steps(market, np.full(3, 0.01), ticks).tolist()
    for one, price in list(zip(steps, ticks.tolist(), strict=True))[step == "1e-14" :]:
        assert one * price * market.tick_quote * market.step_base >= 5
