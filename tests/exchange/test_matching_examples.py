"""What the matching engine does, in examples that can be worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from octobot_volume_booster.offline_exchange.server.engine.accounts import FeeAsset, FeeSchedule
from octobot_volume_booster.offline_exchange.server.engine.matching import Engine
from octobot_volume_booster.offline_exchange.server.engine.orders import (
    Kind,
    Order,
    Reason,
    RefusedError,
    Request,
    SelfTradePrevention,
    Side,
    Status,
    TimeInForce,
)
from octobot_volume_booster.offline_exchange.server.market.markets import MarketRules

RULES = MarketRules("BTC", "USDT", Decimal("0.01"), Decimal("0.001"), Decimal(5))
BTC, BUY, SELL = RULES.id, Side.BUY, Side.SELL
FREE = FeeSchedule(Decimal(0), Decimal(0))


class Floor:
    """An engine with one market, and short words for what is asked of it."""

    def __init__(self, **fees: FeeSchedule) -> None:
        self.engine = Engine([RULES])
        for name in ("ann", "bob", "cid"):
            self.engine.open_account(name, fees.get(name, FREE))
            self.engine.pay_in(name, "USDT", Decimal(100_000))
            self.engine.pay_in(name, "BTC", Decimal(100))
        self.engine.open_account("market", FREE, is_market=True)

    def limit(self, name: str, side: Side, quantity: str, price: str, **more: Any) -> Order:
        request = Request(BTC, side, more.pop("kind", Kind.LIMIT), Decimal(quantity), Decimal(price), **more)
        return self.engine.submit(name, request, 1)

    def market(self, name: str, side: Side, quantity: str, **more: Any) -> Order:
        return self.engine.submit(name, Request(BTC, side, Kind.MARKET, Decimal(quantity), **more), 1)

    def spend(self, name: str, side: Side, quote: str) -> Order:
        return self.engine.submit(name, Request(BTC, side, Kind.MARKET, spend_quote=Decimal(quote)), 1)

    def quote(self, *levels: tuple[Side, int, int]) -> None:
        levels_of_decimals = [(side, Decimal(price), Decimal(quantity)) for side, price, quantity in levels]
        self.engine.quote("market", BTC, levels_of_decimals, 1)

    def trades(self) -> list[tuple[str, str, int, int]]:
        """Buyer, seller, quantity and price of each."""
        return [(trade.buyer.account, trade.seller.account, trade.quantity_base, trade.price_quote)
                for trade in self.engine.trades]  # type: ignore[misc] # fmt: skip

    def free(self, name: str, asset: str) -> Decimal:
        return self.engine.accounts[name].balances()[asset][0]


def reason(error: pytest.ExceptionInfo[RefusedError]) -> Reason:
    return error.value.reason


def test_the_best_price_trades_first_then_the_first_order_always_at_the_price_of_what_rested() -> None:
    floor = Floor()
    floor.limit("ann", SELL, "1", "101")
    floor.limit("bob", SELL, "1", "100")
    floor.limit("ann", SELL, "1", "100")
    taken = floor.limit("cid", BUY, "2.5", "105")
    assert floor.trades() == [("cid", "bob", 1, 100), ("cid", "ann", 1, 100), ("cid", "ann", Decimal("0.5"), 101)]
    assert (taken.status, taken.executed_quote) == (Status.FILLED, Decimal("250.5"))
    assert floor.free("cid", "USDT") == Decimal("99749.5")
    assert floor.engine.book(BTC, SELL, 5) == [(Decimal(101), Decimal("0.5"))]


def test_what_is_left_of_a_limit_order_rests_and_keeps_what_it_may_cost() -> None:
    floor = Floor(ann=FeeSchedule(Decimal("0.001"), Decimal("0.002"), FeeAsset.QUOTE))
    floor.limit("bob", SELL, "1", "99")
    order = floor.limit("ann", BUY, "3", "100")
    assert order.status is Status.PARTIALLY_FILLED
    # 99 and 0.2 % of it are paid, 200 and the higher rate on it are kept
    kept = Decimal("200.4")
    assert floor.engine.accounts["ann"].balances()["USDT"] == (100_000 - Decimal("99.198") - kept, kept)
    floor.engine.cancel("ann", BTC, order.order_id, 2)
    assert floor.engine.accounts["ann"].balances()["USDT"] == (100_000 - Decimal("99.198"), 0)


@pytest.mark.parametrize(
    ("asset", "buyer_fee", "seller_fee"),
    [
        (FeeAsset.RECEIVED, ("0.00075", "BTC"), ("0.045045", "USDT")),
        (FeeAsset.QUOTE, ("0.045045", "USDT"), ("0.045045", "USDT")),
        (FeeAsset.BASE, ("0.00075", "BTC"), ("0.00075", "BTC")),
    ],
)
def test_fees_are_paid_in_the_asset_of_the_schedule(asset, buyer_fee, seller_fee) -> None:
    fees = FeeSchedule(Decimal("0.00075"), Decimal("0.00075"), asset)
    floor = Floor(ann=fees, bob=fees)
    floor.limit("ann", BUY, "1", "60.06")
    floor.limit("bob", SELL, "1", "60.06")
    trade = floor.engine.trades[0]
    assert (trade.buyer.fee, trade.buyer.fee_asset) == (Decimal(buyer_fee[0]), buyer_fee[1])
    assert (trade.seller.fee, trade.seller.fee_asset) == (Decimal(seller_fee[0]), seller_fee[1])


@pytest.mark.parametrize(
    ("rate", "fee"), [("0.00075", "0.00000675"), ("0.0000009", "0"), ("-0.0000019", "-0.00000001")]
)
def test_fees_are_cut_to_eight_decimals_towards_zero(rate, fee) -> None:
    schedule = FeeSchedule(Decimal(rate), Decimal(0))
    paid, _ = schedule.fee(RULES, BUY, Decimal("0.009"), Decimal(9), is_maker=True)
    assert paid == Decimal(fee)
    assert not (paid.is_zero() and paid.is_signed())


@pytest.mark.parametrize("maker_rate", ["-0.0101", "0.11"])
def test_a_rate_that_nobody_would_charge_is_refused(maker_rate) -> None:
    with pytest.raises(ValueError, match=r"maker_rate must be between -0\.01 and 0\.1"):
        FeeSchedule(Decimal(maker_rate))


@pytest.mark.parametrize(
    ("policy", "taker_status", "maker_status", "trades", "prevented"),
    [
        (SelfTradePrevention.NONE, Status.FILLED, Status.FILLED, [("ann", "ann", 1, 100)], 0),
        (SelfTradePrevention.EXPIRE_MAKER, Status.FILLED, Status.EXPIRED_IN_MATCH, [("ann", "bob", 1, 100)], 1),
        (SelfTradePrevention.EXPIRE_TAKER, Status.EXPIRED_IN_MATCH, Status.NEW, [], 1),
        (SelfTradePrevention.EXPIRE_BOTH, Status.EXPIRED_IN_MATCH, Status.EXPIRED_IN_MATCH, [], 1),
    ],
)
def test_an_order_that_meets_one_of_its_own_account_does_as_its_policy_says(
    policy, taker_status, maker_status, trades, prevented
) -> None:
    floor = Floor()
    own = floor.limit("ann", SELL, "1", "100")
    floor.limit("bob", SELL, "1", "100")
    taker = floor.market("ann", BUY, "1", self_trade_prevention=policy)
    assert (taker.status, own.status, floor.trades()) == (taker_status, maker_status, trades)
    assert floor.engine.prevented_matches == prevented
    assert floor.engine.self_matches == (policy is SelfTradePrevention.NONE)


def test_fill_or_kill_does_not_count_on_what_it_would_expire() -> None:
    floor = Floor()
    own = floor.limit("ann", SELL, "1", "100")
    floor.limit("bob", SELL, "1", "100")
    killed = floor.limit("ann", BUY, "2", "100", time_in_force=TimeInForce.FOK)
    assert (killed.status, own.status, floor.trades()) == (Status.EXPIRED, Status.NEW, [])
    filled = floor.limit("ann", BUY, "1", "100", time_in_force=TimeInForce.FOK)
    assert (filled.status, own.status, floor.trades()) == (
        Status.FILLED, Status.EXPIRED_IN_MATCH, [("ann", "bob", 1, 100)]
    )  # fmt: skip


def test_immediate_or_cancel_takes_what_is_there_and_frees_the_rest() -> None:
    floor = Floor()
    floor.limit("bob", SELL, "1", "100")
    order = floor.limit("ann", BUY, "3", "100", time_in_force=TimeInForce.IOC)
    assert (order.status, order.executed_base) == (Status.EXPIRED, 1)
    assert floor.engine.accounts["ann"].balances()["USDT"] == (99_900, 0)


def test_a_post_only_order_that_would_take_is_refused() -> None:
    floor = Floor()
    floor.limit("bob", SELL, "1", "100")
    with pytest.raises(RefusedError) as refused:
        floor.limit("ann", BUY, "1", "100", kind=Kind.LIMIT_MAKER)
    assert reason(refused) is Reason.WOULD_TAKE
    assert floor.limit("ann", BUY, "1", "99.99", kind=Kind.LIMIT_MAKER).status is Status.NEW


def test_an_order_that_spends_takes_the_whole_steps_that_it_pays_for() -> None:
    floor = Floor()
    floor.limit("bob", SELL, "1", "100")
    floor.limit("bob", SELL, "1", "300")
    order = floor.spend("ann", BUY, "250.5")
    assert (order.status, order.executed_base, order.executed_quote) == (
        Status.FILLED,
        Decimal("1.501"),
        Decimal("250.3"),
    )


def test_an_order_that_has_spent_everything_is_filled_even_when_it_empties_the_book() -> None:
    floor = Floor()
    floor.limit("bob", SELL, "1", "100")
    assert floor.spend("ann", BUY, "100").status is Status.FILLED


def test_an_order_that_spends_more_than_the_book_holds_expires_with_the_rest() -> None:
    floor = Floor()
    floor.limit("bob", SELL, "1", "100")
    order = floor.spend("ann", BUY, "101")
    assert (order.status, order.executed_quote, floor.free("ann", "USDT")) == (Status.EXPIRED, 100, 99_900)


def test_a_market_order_finds_nothing_in_an_empty_book() -> None:
    assert Floor().market("ann", BUY, "1").status is Status.EXPIRED


@pytest.mark.parametrize(
    ("quantity", "price", "why"),
    [
        ("1", "100.001", Reason.PRICE_FILTER),
        ("1", "0", Reason.PRICE_FILTER),
        ("1", "-1", Reason.PRICE_FILTER),
        ("1", "1000000.01", Reason.PRICE_FILTER),
        ("1", "NaN", Reason.PRICE_FILTER),
        ("1", "1E-1000000", Reason.PRICE_FILTER),
        ("0.0005", "100", Reason.LOT_SIZE),
        ("0", "100", Reason.LOT_SIZE),
        ("-1", "100", Reason.LOT_SIZE),
        ("9000.001", "100", Reason.LOT_SIZE),
        ("Infinity", "100", Reason.LOT_SIZE),
        ("1." + "0" * 50 + "1", "100", Reason.LOT_SIZE),
        ("0.049", "100", Reason.NOTIONAL),
        ("9000", "1000.01", Reason.NOTIONAL),
        ("1001", "100", Reason.INSUFFICIENT_BALANCE),
    ],
)
def test_an_order_that_breaks_a_rule_is_refused_with_the_name_of_the_rule(quantity, price, why) -> None:
    with pytest.raises(RefusedError) as refused:
        Floor().limit("ann", BUY, quantity, price)
    assert reason(refused) is why


@pytest.mark.parametrize("quote", ["4.99", "0", "-10", "NaN", "10.000000001", "1E+30"])
def test_what_cannot_be_spent_is_refused(quote) -> None:
    with pytest.raises(RefusedError) as refused:
        Floor().spend("ann", BUY, quote)
    assert reason(refused) is Reason.NOTIONAL


def test_a_market_order_needs_the_quote_that_it_would_pay_with_the_fees() -> None:
    fees = FeeSchedule(Decimal("0.001"), Decimal("0.001"), FeeAsset.QUOTE)
    floor = Floor(ann=fees)
    floor.limit("bob", SELL, "1", "99900")
    with pytest.raises(RefusedError) as refused:
        floor.engine.pay_in("ann", "USDT", Decimal("-0.10000001"))
        floor.market("ann", BUY, "1")
    assert reason(refused) is Reason.INSUFFICIENT_BALANCE
    floor.engine.pay_in("ann", "USDT", Decimal("0.00000001"))
    assert floor.market("ann", BUY, "1").status is Status.FILLED
    assert floor.free("ann", "USDT") == 0


def test_a_market_sell_needs_all_that_it_would_sell_even_where_nobody_buys_it() -> None:
    floor = Floor()
    with pytest.raises(RefusedError) as refused:
        floor.market("ann", SELL, "100.001")
    assert reason(refused) is Reason.INSUFFICIENT_BALANCE
    assert floor.market("ann", SELL, "100").status is Status.EXPIRED


def test_a_client_order_id_is_free_again_when_its_order_has_ended_and_no_id_is_never_taken() -> None:
    floor = Floor()
    floor.limit("ann", BUY, "1", "100")
    floor.limit("ann", BUY, "1", "100")
    first = floor.limit("ann", BUY, "1", "100", client_order_id="one")
    floor.limit("bob", BUY, "1", "100", client_order_id="one")
    with pytest.raises(RefusedError) as refused:
        floor.limit("ann", BUY, "1", "99", client_order_id="one")
    assert reason(refused) is Reason.DUPLICATE
    floor.engine.cancel("ann", BTC, first.order_id, 2)
    assert floor.limit("ann", BUY, "1", "99", client_order_id="one").is_open


def test_only_the_owner_cancels_an_order_and_only_on_its_market() -> None:
    floor = Floor()
    order = floor.limit("ann", BUY, "1", "100")
    for account, market_id, order_id in (
        ("bob", BTC, order.order_id),
        ("ann", "ETHUSDT", order.order_id),
        ("ann", BTC, 9),
    ):
        with pytest.raises(RefusedError) as refused:
            floor.engine.cancel(account, market_id, order_id, 2)
        assert reason(refused) is Reason.UNKNOWN_ORDER
    assert floor.engine.cancel("ann", BTC, order.order_id, 2).status is Status.CANCELED


def test_what_the_market_maker_has_at_a_price_keeps_its_turn_and_more_of_it_goes_to_the_end() -> None:
    floor = Floor()
    floor.quote((BUY, 100, 5), (BUY, 99, 1))
    order = floor.limit("ann", BUY, "1", "100")
    floor.quote((BUY, 100, 3), (SELL, 102, 1))
    floor.quote((BUY, 100, 4), (SELL, 102, 1))
    assert [(order.account, order.open_base) for order in floor.engine.resting(BTC, BUY)] == [
        ("market", 3), ("ann", 1), ("market", 1)
    ]  # fmt: skip
    floor.engine.thin_out("market", BTC, {(BUY, Decimal(100)): Decimal("3.5")}, 1)
    assert [order.open_base for order in floor.engine.resting(BTC, BUY)] == [3, 1, Decimal("0.5")]
    floor.engine.cancel("ann", BTC, order.order_id, 1)
    assert [order.open_base for order in floor.engine.resting(BTC, BUY)] == [Decimal("3.5")]
    floor.engine.thin_out("market", BTC, {(BUY, Decimal(100)): Decimal(2)}, 1)
    floor.quote((BUY, 100, 6))
    assert [order.open_base for order in floor.engine.resting(BTC, BUY)] == [6]
    floor.quote()
    assert not floor.engine.book(BTC, BUY, 9)
    assert not floor.engine.book(BTC, SELL, 9)


def test_a_quote_that_crosses_an_order_trades_at_the_price_of_the_order() -> None:
    floor = Floor()
    order = floor.limit("ann", BUY, "1", "100")
    floor.quote((SELL, 98, 3))
    assert (order.status, floor.trades()) == (Status.FILLED, [("ann", "market", 1, 100)])
    assert floor.engine.trades[0].buyer_is_maker
    assert floor.engine.book(BTC, SELL, 9) == [(Decimal(98), Decimal(2))]


def test_only_an_account_of_the_market_trades_without_owning_anything() -> None:
    floor = Floor()
    for act in (
        lambda: floor.engine.quote("ann", BTC, [], 1),
        lambda: floor.engine.thin_out("ann", BTC, {}, 1),
        lambda: floor.engine.trade_for_market("ann", Request(BTC, BUY, Kind.MARKET, Decimal(1)), 1),
    ):
        with pytest.raises(ValueError, match="'ann' is not an account of the market's own"):
            act()


@pytest.mark.parametrize("amount", ["-100000.00000001", "0.000000001", "NaN", "1E+20", "Infinity"])
def test_a_deposit_or_withdrawal_that_cannot_be_is_refused(amount) -> None:
    floor = Floor()
    with pytest.raises(ValueError, match=r"ann has less than|must be a multiple of 0\.00000001 below 1e\+20"):
        floor.engine.pay_in("ann", "USDT", Decimal(amount))
    assert floor.free("ann", "USDT") == 100_000
    assert floor.engine.surplus("USDT") == 0


def test_what_rests_cannot_be_withdrawn() -> None:
    floor = Floor()
    floor.limit("ann", BUY, "1", "100")
    with pytest.raises(ValueError, match="ann has less than 99901 USDT free"):
        floor.engine.pay_in("ann", "USDT", Decimal(-99_901))
    floor.engine.pay_in("ann", "USDT", Decimal(-99_900))
    assert floor.free("ann", "USDT") == 0


def test_an_account_is_opened_once() -> None:
    with pytest.raises(ValueError, match="there is an account 'ann' already"):
        Floor().engine.open_account("ann")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": Kind.LIMIT, "quantity_base": Decimal(1)}, "a LIMIT order must have a price"),
        ({"kind": Kind.LIMIT, "price_quote": Decimal(1)}, "a LIMIT order must have a quantity, once"),
        (
            {"kind": Kind.LIMIT, "price_quote": Decimal(1), "spend_quote": Decimal(1)},
            "a LIMIT order must have a quantity",
        ),
        ({"kind": Kind.MARKET}, "a MARKET order must have a quantity or what to spend, once"),
        ({"kind": Kind.MARKET, "quantity_base": Decimal(1), "spend_quote": Decimal(1)}, "or what to spend, once"),
        ({"kind": Kind.MARKET, "quantity_base": Decimal(1), "price_quote": Decimal(1)}, "must not have a price"),
        (
            {"kind": Kind.MARKET, "quantity_base": Decimal(1), "time_in_force": TimeInForce.IOC},
            "a MARKET order cannot be IOC: only a LIMIT order can",
        ),
    ],
)
def test_a_request_that_is_no_order_is_not_made(fields, message) -> None:
    with pytest.raises(ValueError, match=message):
        Request(BTC, BUY, **fields)
