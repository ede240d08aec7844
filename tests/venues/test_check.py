"""What a check of an exchange tells: that all is well where it is, and what an exchange does wrong, by its name."""

from __future__ import annotations

import asyncio
import json
import pathlib
import typing
from collections.abc import AsyncIterator, Callable
from decimal import Decimal

import pytest

from octobot_volume_booster.checks import far_order, reading
from octobot_volume_booster.checks.cases import Cases
from octobot_volume_booster.checks.far_order import Trial
from octobot_volume_booster.checks.guard import ChangeWithheldError, Guard
from octobot_volume_booster.checks.questions import Questions
from octobot_volume_booster.checks.secrets import Secrets
from octobot_volume_booster.core.checks import FarOrder, Row, all_work
from octobot_volume_booster.core.market import Level, Side
from octobot_volume_booster.exchange_view import Book

from .checked import CheckedBinance
from .contract import Contract, contract, sources
from .exchanges import FAKES
from .fake_venue import FakeVenue

BTC = "BTC/USDT"
PRIVATE = {"balances", "open orders", "unknown id", "own trades"}
TRIED = {far_order.PLACED, far_order.BY_OUR_ID, far_order.BY_EXCHANGE_ID, far_order.IN_LIST, far_order.CANCELLED}


class Checked:
    """An exchange that is being checked."""

    def __init__(self, exchange: Contract, cases: Cases | None = None, secrets: Secrets | None = None) -> None:
        self.exchange = exchange
        self.guard = Guard(exchange.client, exchange.venue)
        self.secrets = secrets or Secrets()
        self.secrets.add_of(exchange.client)
        self.cases = cases
        if cases is not None:
            cases.listen(exchange.client)
        self.rows: dict[str, Row] = {}
        self.paused_s = 0.0

    @property
    def fake(self) -> CheckedBinance:
        return typing.cast(CheckedBinance, self.exchange.fake)

    async def read(self, *symbols: str, most_quote: str | None = None) -> bool:
        most = None if most_quote is None else Decimal(most_quote)
        self.questions = Questions(self.exchange.manager, symbols or (BTC,), self.secrets, self.cases, most)
        return await reading.read(self.questions, self.emit)

    async def try_order(self, plan: FarOrder | None = None, may_leave: Callable[[], str] = lambda: "") -> None:
        planned = plan or far_order.plan(self.questions)
        assert isinstance(planned, FarOrder), planned
        await Trial(self.questions, self.guard, may_leave, self.emit, self._pause).run(planned)

    def emit(self, row: Row) -> None:
        assert row.name not in self.rows
        self.rows[row.name] = row

    def changes(self) -> list[typing.Any]:
        """The requests that have arrived and are no questions."""
        is_read = self.exchange.venue.is_read
        return [request for request in self.exchange.session.requests if not is_read(request)]

    async def _pause(self, seconds: float) -> None:
        self.paused_s += seconds


@pytest.fixture(params=sources())
async def checked(request: pytest.FixtureRequest) -> AsyncIterator[Checked]:
    async with contract(CheckedBinance, request.param) as exchange:
        yield Checked(exchange)


async def test_where_all_is_well_all_is_ok_and_nothing_but_questions_has_left(checked: Checked) -> None:
    checked.fake.have_traded()
    assert await checked.read(BTC, "DOGE/USDT")
    assert all(row.ok for row in checked.rows.values()), checked.rows
    assert set(checked.rows) >= {"connection", "clock", f"market {BTC}", "market DOGE/USDT", "wire", "keys", *PRIVATE}
    assert not checked.changes()
    assert "0.01" in checked.rows[f"market {BTC}"].text and "5" in checked.rows[f"market {BTC}"].text


async def test_one_far_order_is_placed_found_in_every_way_and_cancelled(checked: Checked) -> None:
    assert await checked.read()
    await checked.try_order()
    assert {name: row.ok for name, row in checked.rows.items() if name in TRIED} == dict.fromkeys(TRIED, True)
    (order,) = checked.fake.orders
    assert (order.status, order.kind, order.side) == ("canceled", "post_only", "buy")
    assert order.price == Decimal("47999.20") and (order.quantity or 0) * order.price >= 5
    assert [request.method for request in checked.changes()] == ["POST", "DELETE"]


async def test_without_quote_the_order_is_a_sell_above_the_market(checked: Checked) -> None:
    checked.fake.balances = {"BTC": "0.001", "USDT": "1"}
    assert await checked.read()
    await checked.try_order()
    (order,) = checked.fake.orders
    assert (order.side, order.price, order.status) == ("sell", Decimal("72001.20"), "canceled")


def knob(**knobs: typing.Any) -> Callable[[Checked], None]:
    def turn(checked: Checked) -> None:
        for name, value in knobs.items():
            assert hasattr(checked.fake, name)
            setattr(checked.fake, name, value)

    return turn


def with_a_trade(**knobs: typing.Any) -> Callable[[Checked], None]:
    def turn(checked: Checked) -> None:
        knob(**knobs)(checked)
        checked.fake.have_traded()

    return turn


def untold(name: str) -> Callable[[Checked], None]:
    """ccxt's rows lack a field."""

    def turn(checked: Checked) -> None:
        fetch = checked.exchange.client.fetch_my_trades
        checked.fake.have_traded()
        checked.fake.have_traded()

        async def fetch_without(*asked: typing.Any) -> list[dict[str, typing.Any]]:
            return [row | {name: None} for row in await fetch(*asked)]

        checked.exchange.client.fetch_my_trades = fetch_without

    return turn


def fails_at(method: str, error: Exception) -> Callable[[Checked], None]:
    """OctoBot's class or ccxt fail in their own way."""

    def turn(checked: Checked) -> None:
        async def fail(*_: typing.Any, **__: typing.Any) -> typing.NoReturn:
            raise error

        setattr(checked.exchange.client, method, fail)

    return turn


def other_order(checked: Checked) -> None:
    checked.fake.shows_for_any_id = checked.fake.have_traded()


READING: dict[str, tuple[Callable[[Checked], None], str, str]] = {
    "a clock that is ahead": (knob(clock_off_s=10.0), "clock", "10.0 s ahead of"),
    "a clock that is behind": (knob(clock_off_s=-10.0), "clock", "10.0 s behind"),
    "refused keys": (knob(refuses_keys=True), "keys", "refuses them"),
    "an empty account": (knob(balances={"ETH": "3"}), "balances", "nothing to trade with"),
    "a crossed book": (knob(is_crossed=True), "order book", "crossed"),
    "another error for an order that is not there": (
        knob(other_error="Service unavailable."), "unknown id", "does not say 'not found'",
    ),
    "an order under every id": (other_order, "unknown id", "under an id that nobody has"),
    "a class that fails in a look-up": (
        fails_at("fetch_order", TypeError("list indices must be integers")), "unknown id", "TypeError: list indices",
    ),
    "open orders that can't be listed": (
        fails_at("fetch_open_orders", KeyError("orderId")), "open orders", "KeyError",
    ),
    "a fee that is not told": (with_a_trade(fee_in="none"), "own trades", "1 without a fee"),
    "trades without ids": (untold("id"), "own trades", "2 without its id"),
    "trades of no order": (untold("order"), "own trades", "2 without the id of its order"),
    "trades without a time": (untold("timestamp"), "own trades", "2 without its time"),
    "an order that is not found any more": (
        with_a_trade(hides_orders=True), "own trades", "does not find the order",
    ),
}  # fmt: skip


@pytest.mark.parametrize("misbehaviour", READING)
async def test_what_an_exchange_does_wrong_when_it_is_asked_is_told(checked: Checked, misbehaviour: str) -> None:
    turn, name, words = READING[misbehaviour]
    turn(checked)
    await checked.read()
    assert checked.rows[name].ok is False and words in checked.rows[name].text, checked.rows[name]
    assert [row.name for row in checked.rows.values() if row.ok is False] == [name]
    assert not checked.changes()


async def test_trades_that_share_an_id_are_told(checked: Checked) -> None:
    checked.fake.fills = 3
    checked.fake.trade_changes = {"id": 7}
    checked.fake.have_traded()
    await checked.read()
    assert checked.rows["own trades"].text == "of the last 3 trades: 2 with the id of another one"


async def test_a_market_that_is_not_listed_is_told_with_those_that_are(checked: Checked) -> None:
    assert not await checked.read("BTC/EUR")
    assert checked.rows["market BTC/EUR"] == Row(
        "market BTC/EUR", False, "the exchange does not list it; of BTC it has: BTC/USDT"
    )
    assert {checked.rows[name].ok for name in ("order book", "wire", *PRIVATE)} == {None}
    assert checked.rows["keys"].ok


async def test_a_smallest_order_above_the_largest_of_the_settings_is_told(checked: Checked) -> None:
    await checked.read(most_quote="4")
    assert "above the largest one of the settings, 4" in checked.rows["order size"].text
    assert checked.rows["order size"].ok is False and checked.rows["wire"].ok


async def test_without_a_trade_it_says_so_instead_of_ok(checked: Checked) -> None:
    await checked.read()
    assert checked.rows["own trades"].ok is None
    assert all_work(checked.rows.values())


MUTATIONS: dict[str, Callable[..., typing.Any]] = {
    "the quantity is multiplied": lambda create: lambda *order: create(*order[:3], order[3] * 60_000, *order[4:]),
    "the side is changed": lambda create: (
        lambda symbol, kind, side, *rest: create(symbol, kind, {"buy": "sell", "sell": "buy"}[side], *rest)
    ),
    "our id is dropped": lambda create: (
        lambda *order: create(*order[:-1], {key: value for key, value in order[-1].items() if key != "clientOrderId"})
    ),
    "our id is replaced": lambda create: (
        lambda *order: create(*order[:-1], order[-1] | {"newClientOrderId": "x-another1234567890"})
    ),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_an_order_that_would_leave_otherwise_is_told_without_sending_it(checked: Checked, mutation: str) -> None:
    client = checked.exchange.client
    client.create_order = MUTATIONS[mutation](client.create_order)
    await checked.read()
    assert checked.rows["wire"].ok is False, checked.rows["wire"]
    assert all(what in checked.rows["wire"].text for what in ("market sell", "post-only sell", "would not leave"))
    assert not checked.changes()


def lost_after(checked: Checked) -> None:
    checked.fake.loses_answer = "after"


ORDER: dict[str, tuple[Callable[[Checked], None], str, str]] = {
    "it refuses the order": (knob(refuses=True), far_order.PLACED, "was not placed: the exchange refused it"),
    "its answer is lost": (lost_after, far_order.PLACED, "no answer tells its id"),
    "it shows the order under another id": (
        knob(replaces_id="x-another"), far_order.BY_EXCHANGE_ID, "under the id x-another instead of ours",
    ),
    "it does not find our id": (
        knob(hides_our_ids=True), far_order.BY_OUR_ID, "would be taken for one that never arrived",
    ),
    "it does not list it": (knob(lists_no_orders=True), far_order.IN_LIST, "and not this one"),
    "it does not find its own order": (
        knob(hides_orders=True), far_order.BY_EXCHANGE_ID, "does not find its own order",
    ),
    "it does not cancel": (knob(cancels=False), far_order.CANCELLED, "may still rest"),
    "a part fills": (knob(fills_at_once=True), far_order.CANCELLED, "had filled before"),
    "ccxt can't cancel": (fails_at("cancel_order", TypeError("no")), far_order.CANCELLED, "TypeError: no"),
    "nothing can be looked up afterwards": (
        fails_at("fetch_order", TypeError("no")), far_order.CANCELLED, "look on the exchange's own page",
    ),
}  # fmt: skip


@pytest.mark.parametrize("misbehaviour", ORDER)
async def test_what_an_exchange_does_wrong_with_an_order_is_told(checked: Checked, misbehaviour: str) -> None:
    turn, name, words = ORDER[misbehaviour]
    assert await checked.read()
    turn(checked)
    await checked.try_order()
    assert checked.rows[name].ok is False and words in checked.rows[name].text, checked.rows[name]
    assert len(checked.exchange.order_requests()) == 1
    is_left = [order.status for order in checked.fake.orders if order.status == "open"]
    assert not is_left or checked.rows[far_order.CANCELLED].ok is False


async def test_an_order_whose_answer_was_lost_is_found_and_cancelled(checked: Checked) -> None:
    assert await checked.read()
    lost_after(checked)
    await checked.try_order()
    assert {name: checked.rows[name].ok for name in TRIED} == dict.fromkeys(TRIED, True) | {far_order.PLACED: False}
    assert [order.status for order in checked.fake.orders] == ["canceled"]


async def test_an_order_that_never_arrived_is_not_said_to_be_cancelled(checked: Checked) -> None:
    assert await checked.read()
    checked.fake.loses_answer = "before"
    await checked.try_order()
    assert not checked.fake.orders
    assert checked.rows[far_order.BY_OUR_ID].ok is None
    assert "look on the exchange's own page" in checked.rows[far_order.CANCELLED].text


async def test_an_order_that_is_shown_late_is_waited_for(checked: Checked) -> None:
    assert await checked.read()
    checked.fake.hides_for = 2
    await checked.try_order()
    assert all(checked.rows[name].ok for name in TRIED) and checked.paused_s == 2


async def test_an_order_that_is_hidden_everywhere_is_not_said_to_be_gone(checked: Checked) -> None:
    """It was never seen: that it is not there after the cancellation proves nothing."""
    assert await checked.read()
    checked.fake.hides_orders = checked.fake.lists_no_orders = True
    checked.fake.cancels = False
    await checked.try_order()
    assert checked.rows[far_order.CANCELLED].ok is False
    assert [order.status for order in checked.fake.orders] == ["open"]


async def test_an_order_that_may_not_leave_after_all_does_not(checked: Checked) -> None:
    assert await checked.read()
    await checked.try_order(may_leave=lambda: "a person has changed their mind")
    assert not checked.changes() and not checked.fake.orders
    assert "a person has changed their mind" in checked.rows[far_order.PLACED].text
    assert far_order.CANCELLED not in checked.rows


async def test_a_check_that_is_cut_short_cancels_what_it_has_placed(checked: Checked) -> None:
    assert await checked.read()
    stopped = asyncio.Event()

    async def hang(_: float) -> None:
        stopped.set()
        await asyncio.sleep(3_600)

    checked.fake.hides_for = 1
    trial = Trial(checked.questions, checked.guard, lambda: "", checked.emit, hang)
    plan = far_order.plan(checked.questions)
    assert isinstance(plan, FarOrder)
    task = asyncio.create_task(trial.run(plan))
    await stopped.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [order.status for order in checked.fake.orders] == ["canceled"]
    assert checked.rows[far_order.CANCELLED].ok


# --- the guard -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
@pytest.mark.parametrize("path", ["order", "openOrders", "userDataStream"])
async def test_nothing_but_a_question_leaves_an_exchange_that_is_being_checked(
    checked: Checked, method: str, path: str
) -> None:
    with pytest.raises(ChangeWithheldError):
        await checked.exchange.client.fetch(f"https://api.binance.com/api/v3/{path}?symbol=BTCUSDT", method)
    assert not checked.changes()


async def test_no_order_of_others_leaves_either(checked: Checked) -> None:
    with pytest.raises(ChangeWithheldError):
        await checked.exchange.client.create_order(BTC, "limit", "buy", 0.001, 50_000.0)
    with checked.guard.letting_one_order_out():
        await checked.exchange.client.create_order(BTC, "limit", "buy", 0.001, 50_000.0)
        with pytest.raises(ChangeWithheldError):
            await checked.exchange.client.create_order(BTC, "limit", "buy", 0.001, 50_000.0)
    assert len(checked.fake.orders) == 1


async def test_only_the_order_of_the_check_is_cancelled(checked: Checked) -> None:
    with checked.guard.letting_one_order_out():
        ours = await checked.exchange.client.create_order(BTC, "limit", "buy", 0.001, 50_000.0)
    other = checked.fake.take(
        client_id="other", base="BTC", side="buy", kind="limit", price=Decimal(1), quantity=Decimal(1)
    )
    assert other is not None
    with checked.guard.letting_cancel(ours["id"]):
        for refused in (
            lambda: checked.exchange.client.cancel_order(other.order_id, BTC),
            lambda: checked.exchange.client.cancel_all_orders(BTC),
        ):
            with pytest.raises(ChangeWithheldError):
                await refused()
        await checked.exchange.client.cancel_order(ours["id"], BTC)
    with pytest.raises(ChangeWithheldError):
        await checked.exchange.client.cancel_order(ours["id"], BTC)
    assert [order.status for order in checked.fake.orders] == ["canceled", "open"]


async def test_of_an_exchange_that_nobody_knows_only_a_get_leaves(checked: Checked) -> None:
    Guard(checked.exchange.client, None)
    await checked.exchange.client.fetch_time()
    with pytest.raises(ChangeWithheldError):
        await checked.exchange.client.create_order(BTC, "limit", "buy", 0.001, 50_000.0)


# --- what is written down ---------------------------------------------------------------------------------------------


class KeptBinance(CheckedBinance):
    credentials: typing.ClassVar[dict[str, str]] = {
        "api-key": "the-key-of-somebody", "api-secret": "the-secret-of-somebody", "api-password": "the-password",
    }  # fmt: skip


def contents(folder: pathlib.Path) -> list[str]:
    return [file.read_text("utf-8") for file in sorted(folder.glob("*.json"))]


async def test_answers_are_written_down_without_secrets_and_with_rounded_balances(tmp_path: pathlib.Path) -> None:
    secrets = Secrets()
    async with contract(KeptBinance, "stand-in") as exchange:
        checked = Checked(exchange, Cases(tmp_path, secrets), secrets)
        checked.fake.balances = {"BTC": "1.23456", "USDT": "98765.4"}
        checked.fake.have_traded()
        assert await checked.read()
        await checked.try_order()
    texts = contents(tmp_path)
    written, text = [json.loads(one) for one in texts], "".join(texts)
    assert len(written) > 8 and {"balances", "own trades", "order placed", "order cancelled"} <= {
        one["question"] for one in written
    }
    for secret in ("the-key-of-somebody", "the-secret-of-somebody", "354937868", "1.23456", "98765"):
        assert secret not in text
    assert not [one for one in written if "signature" in one["query"] and one["query"]["signature"] != "***"]
    (balances,) = (one["answer"]["balances"] for one in written if one["question"] == "balances")
    assert [row["free"] for row in balances] == ["1", "100000"]
    (placed,) = (one for one in written if one["question"] == "order placed")
    assert placed["method"] == "POST" and placed["body"]["price"] == "47999.2"
    assert placed["answer"]["clientOrderId"] == placed["body"]["newClientOrderId"]


async def test_no_sentence_holds_a_key_or_the_query_of_an_address() -> None:
    async with contract(KeptBinance, "stand-in") as exchange:
        checked = Checked(exchange)
        error = RuntimeError("GET https://api.binance.com/api/v3/openOrders?signature=abc123 with the-key-of-somebody")
        fails_at("fetch_open_orders", error)(checked)
        await checked.read()
    assert checked.rows["open orders"].text.endswith("GET https://api.binance.com/api/v3/openOrders with ***")


# --- every exchange ---------------------------------------------------------------------------------------------------


def _name(one: tuple[type[FakeVenue], str]) -> str:
    fake, source = one
    return f"{fake.variant or fake.ccxt_id}-{source}"


@pytest.fixture(params=[(fake, source) for fake in FAKES for source in sources()], ids=_name)
async def any_exchange(request: pytest.FixtureRequest) -> AsyncIterator[Checked]:
    fake, source = request.param
    async with contract(fake, source) as exchange:
        checked = Checked(exchange)
        checked.questions = Questions(exchange.manager, (BTC,), checked.secrets)
        checked.questions.told_rules = exchange.rules(BTC)
        level = Decimal("0.5")
        checked.questions.told_book = Book(
            (Level(Decimal(59_999), level),), (Level(Decimal(60_001), level),), checked.questions.now()
        )
        yield checked


async def test_on_every_exchange_orders_would_leave_as_they_are_decided(any_exchange: Checked) -> None:
    row = await reading.wire(any_exchange.questions)
    assert row.ok, row
    assert not any_exchange.changes() and not any_exchange.exchange.fake.orders


async def test_on_every_exchange_an_id_that_nobody_has_is_not_found(any_exchange: Checked) -> None:
    row = await reading.unknown_id(any_exchange.questions)
    assert row.ok, row
    assert ("no proof" in row.text) is not any_exchange.exchange.venue.lookup.is_conclusive


@pytest.mark.parametrize("side", Side)
async def test_on_every_exchange_a_far_order_is_found_and_cancelled(any_exchange: Checked, side: Side) -> None:
    price = Decimal(48_000) if side is Side.BUY else Decimal(72_000)
    await any_exchange.try_order(FarOrder(side, Decimal("0.001"), price, Decimal("0.2")))
    assert not [row for row in any_exchange.rows.values() if row.ok is False], any_exchange.rows
    assert any_exchange.rows[far_order.PLACED].ok and any_exchange.rows[far_order.CANCELLED].ok
    assert [order.status for order in any_exchange.exchange.fake.orders] == ["canceled"]
    assert len(any_exchange.exchange.order_requests()) == 1
