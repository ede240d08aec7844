"""A state file: stopping and restarting is the same as never having stopped."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import stat
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octobot_volume_booster.offline_exchange.server.app.account_file import AccountPlan, open_accounts
from octobot_volume_booster.offline_exchange.server.app.state import StateError, StateText, read_state, write_state
from octobot_volume_booster.offline_exchange.server.engine.accounts import FeeAsset, FeeSchedule
from octobot_volume_booster.offline_exchange.server.engine.clock import ExchangeClock
from octobot_volume_booster.offline_exchange.server.engine.orders import (
    Kind,
    RefusedError,
    Request,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from octobot_volume_booster.offline_exchange.server.engine.venue import Venue
from octobot_volume_booster.offline_exchange.server.market.price_path import PricePath
from octobot_volume_booster.offline_exchange.server.market.world import MarketScenario
from octobot_volume_booster.offline_exchange.server.rest.exchange import Credentials, Exchange

START_TIME = 1_700_000_000
SCENARIO = MarketScenario(seed=3, start_time=START_TIME)
PATH = PricePath(3, START_TIME)
FEES = (FeeSchedule(), FeeSchedule(Decimal("-0.0001"), Decimal("0.002"), FeeAsset.QUOTE))
PLANS = tuple(
    AccountPlan(Credentials(name, f"{name}-key", f"{name}-secret"), fees, {"BTC": Decimal(2), "USDT": Decimal(100_000)})
    for name, fees in zip(("alice", "bob"), FEES, strict=True)
)
MARKET = "BTCUSDT"


class Wall:
    now_ms = START_TIME * 1_000 + 60_000

    def __call__(self) -> float:
        return self.now_ms / 1_000


def fresh(wall: Wall) -> Exchange:
    venue = Venue(PATH)
    open_accounts(venue.engine, PLANS)
    return Exchange(venue, ExchangeClock(wall), [plan.credentials for plan in PLANS])


def restarted(exchange: Exchange, wall: Wall, path: pathlib.Path) -> Exchange:
    """Written to a file, and read from it into a fresh exchange on the same prices."""
    write_state(path, StateText().of(exchange, SCENARIO, exchange.clock.now_ms()))
    saved = read_state(path)
    assert saved is not None and saved.scenario == SCENARIO
    venue = Venue(PATH)
    saved.restore(venue)
    return Exchange(venue, saved.clock(wall), [plan.credentials for plan in saved.accounts])


def order(account: str, side: Side, kind: Kind, size: int, distance: int, choice: int) -> Callable[[Exchange], Any]:
    """Submit an order `distance` ticks away from the best bid."""

    def act(exchange: Exchange) -> None:
        now_ms = exchange.clock.now_ms()
        bid = PATH.book(MARKET, now_ms, 1).bids[0].price_quote
        request = Request(
            MARKET, side, kind, Decimal(size) / 1_000, bid + Decimal(distance) / 100,
            time_in_force=list(TimeInForce)[choice % 3] if kind is Kind.LIMIT else TimeInForce.GTC,
            client_order_id=f"id-{choice % 5}", self_trade_prevention=list(SelfTradePrevention)[choice % 4],
        ) if kind is not Kind.MARKET else Request(
            MARKET, side, kind, spend_quote=Decimal(size * 10), client_order_id=f"id-{choice % 5}"
        )  # fmt: skip
        with contextlib.suppress(RefusedError):  # that, too, must be the same after a restart
            exchange.submit(account, request, now_ms)

    return act


def cancel(account: str, number: int) -> Callable[[Exchange], Any]:
    def act(exchange: Exchange) -> None:
        exchange.advance(exchange.clock.now_ms())
        orders = list(exchange.venue.engine.accounts[account].open_orders)
        if orders:
            exchange.cancel(account, MARKET, orders[number % len(orders)], exchange.clock.now_ms())

    return act


def wait(milliseconds: int) -> Callable[[Exchange], Any]:
    def act(exchange: Exchange) -> None:
        exchange.clock.advance(milliseconds / 1_000)
        exchange.advance(exchange.clock.now_ms())

    return act


def pay_in(account: str, amount: int) -> Callable[[Exchange], Any]:
    return lambda exchange: exchange.pay_in(account, "USDT", Decimal(amount))


def quote(is_quoting: bool) -> Callable[[Exchange], Any]:
    return lambda exchange: exchange.set_quotes(MARKET, is_quoting=is_quoting)


def minimum(notional: int) -> Callable[[Exchange], Any]:
    return lambda exchange: exchange.change_rules(MARKET, {"minimum_notional_quote": Decimal(notional)})


ACCOUNTS = st.sampled_from(["alice", "bob"])
ORDERS = st.builds(
    order, ACCOUNTS, st.sampled_from(Side), st.sampled_from(Kind), st.integers(1, 900), st.integers(-300, 300),
    st.integers(0, 30),
)  # fmt: skip
ACTIONS = st.one_of(
    ORDERS, ORDERS, ORDERS, st.builds(cancel, ACCOUNTS, st.integers(0, 9)), st.builds(wait, st.integers(1, 8_000)),
    st.builds(pay_in, ACCOUNTS, st.integers(1, 9)), st.builds(quote, st.booleans()),
    st.builds(minimum, st.integers(1, 99)),
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(before=st.lists(ACTIONS, max_size=15), after=st.lists(ACTIONS, max_size=15))
def test_continuing_from_a_file_equals_never_having_stopped(tmp_path_factory, before, after) -> None:
    wall = Wall()
    never_stopped = fresh(wall)
    for act in before:
        act(never_stopped)
    continued = restarted(never_stopped, wall, tmp_path_factory.getbasetemp() / "state.json")
    for exchange in (never_stopped, continued):
        for act in (*after, wait(3_000)):
            act(exchange)
    written = [StateText().of(exchange, SCENARIO, 0) for exchange in (never_stopped, continued)]
    assert written[0] == written[1]
    assert all(continued.venue.engine.surplus(asset) == 0 for asset in ("BTC", "USDT"))


def test_an_order_that_rested_fills_for_what_happened_while_the_exchange_was_down(tmp_path) -> None:
    wall = Wall()
    exchange = fresh(wall)
    order("alice", Side.BUY, Kind.LIMIT, 1, 0, 0)(exchange)
    continued = restarted(exchange, wall, tmp_path / "state.json")
    continued.clock.advance(900)
    continued.advance(continued.clock.now_ms())
    trades = continued.trades.of_market("alice", MARKET)
    assert sum(trade.quantity_base for trade in trades) == Decimal("0.001")
    assert all(trade.time_ms < continued.clock.now_ms() - 1_000 for trade in trades)


def test_what_is_written_twice_is_the_same_text_however_much_was_kept(tmp_path) -> None:
    exchange, kept = fresh(Wall()), StateText()
    for number in range(6):
        order("alice", list(Side)[number % 2], Kind.MARKET, 10, 0, number)(exchange)
        order("bob", Side.BUY, Kind.LIMIT, 10, -900, number)(exchange)
        cancel("bob", number)(exchange)
        assert kept.of(exchange, SCENARIO, 0) == StateText().of(exchange, SCENARIO, 0)


def test_the_clock_never_shows_less_than_when_the_file_was_written(tmp_path) -> None:
    wall = Wall()
    exchange = fresh(wall)
    before_ms = exchange.clock.now_ms()
    write_state(tmp_path / "state.json", StateText().of(exchange, SCENARIO, before_ms))
    saved = read_state(tmp_path / "state.json")
    assert saved is not None
    wall.now_ms -= 3_600_000
    assert saved.clock(wall).now_ms() == before_ms


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permissions of this kind")
def test_only_the_owner_may_read_the_file(tmp_path) -> None:
    path = tmp_path / "state.json"
    path.write_text("", "utf-8")
    path.chmod(0o644)
    write_state(path, StateText().of(fresh(Wall()), SCENARIO, 0))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]


def test_there_is_no_state_without_a_file(tmp_path) -> None:
    assert read_state(tmp_path / "state.json") is None


def changed(text: str, change: Callable[[dict[str, Any]], Any]) -> str:
    value = json.loads(text)
    change(value)
    return json.dumps(value)


@pytest.mark.parametrize(
    ("change", "told"),
    [(lambda text: "", "is not a state of this exchange"),
     (lambda text: text[: len(text) // 2], "is not a state of this exchange"),
     (lambda text: '{"journal": 1}', "is not a state of this exchange"),
     (lambda text: changed(text, lambda value: value.update(version=99)), "another version"),
     (lambda text: changed(text, lambda value: value.pop("orders")), "is damaged"),
     (lambda text: changed(text, lambda value: value["world"].update(colour=1)), "is damaged"),
     (lambda text: changed(text, lambda value: value["accounts"][0].update(free={"BTC": "much"})), "is damaged"),
     (lambda text: changed(text, lambda value: value["trades"].append([1])), "is damaged")],
)  # fmt: skip
def test_an_unusable_file_is_reported_in_one_sentence_and_left_alone(tmp_path, change, told) -> None:
    path = tmp_path / "state.json"
    path.write_text(change(StateText().of(fresh(Wall()), SCENARIO, 0)), "utf-8")
    before = path.read_bytes()
    with pytest.raises(StateError, match=told) as raised:
        saved = read_state(path)
        assert saved is not None
        saved.restore(Venue(PATH))
    assert str(path) in str(raised.value) and "\n" not in str(raised.value) and "secret" not in str(raised.value)
    assert path.read_bytes() == before


def bought() -> tuple[Exchange, dict[str, Any]]:
    """An exchange on which alice has bought for 100 USDT, and what is written of it."""
    exchange = fresh(Wall())
    order("alice", Side.BUY, Kind.MARKET, 10, 0, 1)(exchange)
    return exchange, json.loads(StateText().of(exchange, SCENARIO, 0))


def test_orders_and_trades_are_rows_of_their_fields_in_this_order() -> None:
    exchange, written = bought()
    (made,) = exchange.venue.engine.accounts["alice"].orders.values()
    trade = exchange.trades.of_order(made.order_id)[0]
    (row,) = [row for row in written["orders"] if row[1] == "alice"]
    assert row[:5] == [made.order_id, "alice", MARKET, "BUY", "MARKET"]
    assert row[5:11] == [None, None, "100", "GTC", "id-1", "EXPIRE_MAKER"]
    assert row[11:14] == [made.created_ms, made.updated_ms, "FILLED"]
    assert row[14:] == [str(made.executed_base), str(made.executed_quote), "0"]
    buyer = ["alice", made.order_id, "id-1", str(trade.buyer.fee), "BTC"]
    seller = ["market maker", trade.seller.order_id, "", "0", "USDT"]
    amounts = [str(trade.price_quote), str(trade.quantity_base)]
    assert written["trades"][0] == [trade.trade_id, MARKET, trade.time_ms, *amounts, buyer, seller, False]


@pytest.mark.parametrize(
    ("place", "value", "field"), [(3, "HOLD", "Request.side"), (14, "much", "Order.executed_base")]
)
def test_an_invalid_value_in_a_row_is_shown_with_its_field(tmp_path, place, value, field) -> None:
    _, written = bought()
    next(row for row in written["orders"] if row[1] == "alice")[place] = value
    path = tmp_path / "state.json"
    path.write_text(json.dumps(written), "utf-8")
    saved = read_state(path)
    assert saved is not None
    with pytest.raises(StateError, match=f"is damaged.*{field}") as raised:
        saved.restore(Venue(PATH))
    assert "\n" not in str(raised.value)


def test_a_folder_that_cannot_be_written_to_is_reported(tmp_path) -> None:
    with pytest.raises(StateError, match="cannot write the state"):
        write_state(tmp_path / "nowhere" / "state.json", "{}")
