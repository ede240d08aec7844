"""A market whose tick x step is finer than the eight decimals of a balance, as those that are quoted in BTC."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octobot_volume_booster.offline_exchange.server.engine.accounts import FeeAsset, FeeSchedule
from octobot_volume_booster.offline_exchange.server.engine.matching import Engine
from octobot_volume_booster.offline_exchange.server.engine.orders import Kind, RefusedError, Request, Side
from octobot_volume_booster.offline_exchange.server.market.markets import MarketRules

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
        ("1e-9", "1000", "tick_quote must be a multiple of 1E-8"),
        ("0.01", "1e-9", "step_base must be a multiple of 1E-8"),
    ],
)
def test_a_price_or_quantity_of_more_than_eight_decimals_is_none(tick: str, step: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        MarketRules("ETH", "BTC", Decimal(tick), Decimal(step), Decimal(1))
