"""What leaves for each exchange is what was decided, and what it shows of an order is read right: one table for all.

OctoBot's class of the exchange, its connector, its broker code and ccxt's client run for real; the socket is a fake
exchange that was written after its public documentation.
"""

from __future__ import annotations

import typing
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal

import pytest

from octobot_volume_booster.adapters.market_data import UNANSWERED
from octobot_volume_booster.adapters.order_submission import Submission, SubmissionStatus
from octobot_volume_booster.core.model.basics import OrderType, Side

from .contract import Contract, charged, contract, sources
from .exchanges import FAKES
from .fake_venue import FakeOrder, FakeVenue

BTC, DOGE, SHIB = ("BTC/USDT", "0.001", "60000"), ("DOGE/USDT", "100", "0.2"), ("SHIB/USDT", "1000000", "0.00001")
MARKETS = (BTC, DOGE, SHIB)
LIMIT, MARKET, BUY, SELL = OrderType.LIMIT, OrderType.MARKET, Side.BUY, Side.SELL


def _name(one: tuple[type[FakeVenue], str]) -> str:
    fake, source = one
    return f"{fake.variant or fake.ccxt_id}-{source}"


@pytest.fixture(params=[(fake, source) for fake in FAKES for source in sources()], ids=_name)
async def exchange(request: pytest.FixtureRequest) -> AsyncIterator[Contract]:
    fake, source = request.param
    async with contract(fake, source) as found:
        yield found
        assert not found.fake.unknown, "something was asked that the exchange does not have"


async def send(
    exchange: Contract, side: Side = BUY, order_type: OrderType = LIMIT, market: tuple[str, str, str] = BTC,
    **options: typing.Any,
) -> Submission:  # fmt: skip
    symbol, quantity, price = market
    return await exchange.send(symbol, exchange.intent(side, order_type, quantity, price, **options))


def last(exchange: Contract) -> FakeOrder:
    return exchange.fake.orders[-1]


def arrived_as_decided(exchange: Contract, submission: Submission) -> None:
    """The exchange's own reading of the order is what was decided."""
    intent, order = submission.intent, last(exchange)
    assert submission.status is SubmissionStatus.ACCEPTED, submission.reason
    assert not submission.octobot_problem
    assert len(exchange.order_requests()) == len(exchange.fake.orders)
    assert submission.exchange_order_id == order.order_id
    assert order.client_id == exchange.venue.client_id.on_the_wire(submission.order_id)
    assert (order.base, order.side) == (submission.symbol.partition("/")[0], intent.side.value)
    assert order.kind == ("post_only" if intent.post_only else intent.order_type.value)
    assert order.price == (intent.price if intent.order_type is LIMIT else None)
    if intent.quote_quantity is not None:
        assert (order.quantity, order.quote_quantity) == (None, intent.quote_quantity)
    else:
        assert (order.quantity, order.quote_quantity) == (intent.quantity, None)


@pytest.mark.parametrize("market", MARKETS, ids=lambda one: one[0])
@pytest.mark.parametrize("side", Side)
async def test_a_market_order_arrives_as_it_was_decided(
    exchange: Contract, side: Side, market: tuple[str, str, str]
) -> None:
    arrived_as_decided(exchange, await send(exchange, side, MARKET, market))


@pytest.mark.parametrize("market", MARKETS, ids=lambda one: one[0])
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("post_only", [False, True])
async def test_a_limit_order_arrives_as_it_was_decided(
    exchange: Contract, side: Side, market: tuple[str, str, str], post_only: bool
) -> None:
    arrived_as_decided(exchange, await send(exchange, side, LIMIT, market, post_only=post_only))


@pytest.mark.parametrize("side", Side)
async def test_a_filled_order_is_found_with_its_trades(exchange: Contract, side: Side) -> None:
    exchange.fake.fills = 3
    submission = await send(exchange, side, MARKET)
    found = await exchange.find(submission)
    trades = await exchange.trades(submission, found)
    assert found.order is not None and not found.order.is_open
    assert found.order.exchange_order_id == last(exchange).order_id
    assert {(t.quantity, t.price) for t in trades} == {(t.quantity, t.price) for t in last(exchange).trades}
    assert sum(t.quantity for t in trades) == last(exchange).filled
    assert len(trades) == 3


async def test_a_resting_order_shows_our_id_in_the_list_of_open_orders(exchange: Contract) -> None:
    submission = await send(exchange)
    rows = await exchange.record("BTC/USDT").open_orders()
    assert [order.exchange_order_id for order, _ in rows] == [submission.exchange_order_id]
    if exchange.venue.lookup.open_orders_show_client_id:
        assert [order.client_order_id for order, _ in rows] == [submission.order_id]
    found = await exchange.find(submission)
    assert found.order is not None and found.order.is_open


async def test_a_refused_order_is_known_to_be_refused(exchange: Contract) -> None:
    exchange.fake.refuses = True
    submission = await send(exchange, BUY, MARKET)
    assert submission.status is SubmissionStatus.REFUSED, submission.error
    assert "refused" in submission.reason and not exchange.fake.orders
    found = await exchange.find(submission)
    assert found.order is None and found.is_conclusive is exchange.venue.lookup.is_conclusive


async def test_an_order_whose_answer_was_lost_is_found_again(exchange: Contract) -> None:
    exchange.fake.loses_answer = "after"
    submission = await send(exchange, BUY, MARKET)
    assert submission.status is SubmissionStatus.UNKNOWN and submission.exchange_order_id is None
    found = await exchange.find(submission)
    if exchange.venue.lookup.is_conclusive:
        assert found.order is not None and found.order.exchange_order_id == last(exchange).order_id
    else:
        assert found.order is not None or not found.is_conclusive


async def test_a_resting_order_whose_answer_was_lost_is_found_again(exchange: Contract) -> None:
    exchange.fake.loses_answer = "after"
    submission = await send(exchange)
    found = await exchange.find(submission)
    assert submission.status is SubmissionStatus.UNKNOWN
    assert found.order is not None or not found.is_conclusive
    if exchange.venue.lookup.open_orders_show_client_id or exchange.venue.lookup.is_asked_by_client_id:
        assert found.order is not None and found.order.exchange_order_id == last(exchange).order_id


async def test_an_order_that_never_arrived_is_not_found(exchange: Contract) -> None:
    exchange.fake.loses_answer = "before"
    submission = await send(exchange, BUY, MARKET)
    assert submission.status is SubmissionStatus.UNKNOWN
    found = await exchange.find(submission)
    assert found.order is None and found.is_conclusive is exchange.venue.lookup.is_conclusive


async def test_an_accepted_order_that_is_not_shown_yet_may_still_be_there(exchange: Contract) -> None:
    submission = await send(exchange, BUY, MARKET)
    exchange.fake.hides_for = 99
    found = await exchange.find(submission)
    assert found.order is None and not found.is_conclusive
    exchange.fake.hides_for = 0
    assert (await exchange.find(submission)).order is not None


async def test_a_part_that_filled_before_a_cancel_is_told(exchange: Contract) -> None:
    submission = await send(exchange)
    exchange.fake.fill(last(exchange), Decimal("0.4"), parts=2)
    await exchange.client.cancel_order(submission.exchange_order_id, submission.symbol)
    found = await exchange.find(submission)
    trades = await exchange.trades(submission, found)
    assert found.order is not None and not found.order.is_open
    assert sum(t.quantity for t in trades) == last(exchange).filled == Decimal("0.0004")


async def test_a_cancel_that_comes_too_late_is_an_error_and_the_order_is_filled(exchange: Contract) -> None:
    submission = await send(exchange)
    exchange.fake.fill(last(exchange))
    with pytest.raises(UNANSWERED):
        await exchange.client.cancel_order(submission.exchange_order_id, submission.symbol)
    found = await exchange.find(submission)
    assert found.order is not None and found.order.is_filled


async def test_trades_are_read_to_their_end_over_all_pages(exchange: Contract) -> None:
    submission = await send(exchange)
    exchange.fake.fill(last(exchange), parts=exchange.venue.trades.page * 2 + 7)
    await send(exchange, SELL, MARKET)
    found = await exchange.find(submission)
    trades = await exchange.trades(submission, found)
    expected = exchange.fake.orders[0].trades
    assert sorted(t.trade_id for t in trades) == sorted(t.trade_id for t in expected)


@pytest.mark.parametrize("form", ["base", "quote", "own", "none"])
async def test_a_fee_is_read_in_each_of_its_forms(exchange: Contract, form: str) -> None:
    if form not in exchange.fake.fee_forms:
        pytest.skip(f"{exchange.venue.title} charges no fee in this form")
    exchange.fake.fee_in = typing.cast(typing.Any, form)
    submission = await send(exchange, BUY, MARKET)
    (trade,) = await exchange.trades(submission, await exchange.find(submission))
    (told,) = last(exchange).trades
    assert charged(trade) == ((None, "") if form == "none" else (told.fee, told.fee_asset))


Call = Callable[..., Awaitable[typing.Any]]


def _multiplied(create: Call) -> Call:
    return lambda symbol, kind, side, amount, *rest: create(symbol, kind, side, amount * 60_000, *rest)


def _by_a_tick_more(create: Call) -> Call:
    return lambda symbol, kind, side, amount, *rest: create(symbol, kind, side, amount * 1.5, *rest)


def _other_side(create: Call) -> Call:
    other = {"buy": "sell", "sell": "buy"}
    return lambda symbol, kind, side, *rest: create(symbol, kind, other[side], *rest)


def _other_market(create: Call) -> Call:
    return lambda symbol, *rest: create(symbol.replace("BTC", "DOGE"), *rest)


def _other_price(create: Call) -> Call:
    return lambda symbol, kind, side, amount, price, *rest: create(symbol, kind, side, amount, price * 2, *rest)


def _other_type(create: Call) -> Call:
    return lambda symbol, kind, side, amount, price, params: create(
        symbol, {"limit": "market", "market": "limit"}[kind], side, amount, price or 60_000, params
    )


MUTATIONS = {
    "quantity multiplied": _multiplied,
    "quantity and a half": _by_a_tick_more,
    "other side": _other_side,
    "other market": _other_market,
    "other price": _other_price,
    "other type": _other_type,
}


@pytest.mark.parametrize("name", MUTATIONS)
@pytest.mark.parametrize("side", Side)
async def test_an_order_that_was_changed_on_its_way_does_not_leave(exchange: Contract, name: str, side: Side) -> None:
    exchange.client.create_order = MUTATIONS[name](exchange.client.create_order)
    submission = await send(exchange, side)
    assert not exchange.fake.orders
    assert submission.status in (SubmissionStatus.MISMATCH, SubmissionStatus.REFUSED)
    assert not submission.is_posted


@pytest.mark.parametrize("side", Side)
async def test_a_market_order_whose_amount_was_changed_does_not_leave(exchange: Contract, side: Side) -> None:
    client, by_quote = exchange.client, exchange.client.create_market_buy_order_with_cost
    client.create_order = _multiplied(client.create_order)
    client.create_market_buy_order_with_cost = lambda symbol, cost, params: by_quote(symbol, cost * 60_000, params)
    submission = await send(exchange, side, MARKET)
    assert submission.status is SubmissionStatus.MISMATCH, submission.error
    assert "instead of" in submission.reason and not exchange.fake.orders


@pytest.mark.parametrize("other_id", [None, "another1234567890"])
async def test_an_order_whose_id_was_dropped_or_replaced_does_not_leave(
    exchange: Contract, other_id: str | None
) -> None:
    create, own = exchange.client.create_order, exchange.venue.client_id.param
    kept = {} if other_id is None else {own: other_id}
    exchange.client.create_order = lambda *order: create(
        *order[:-1], {key: value for key, value in order[-1].items() if key != own} | kept
    )
    submission = await send(exchange)
    assert submission.status is not SubmissionStatus.ACCEPTED and not submission.is_posted
    assert not exchange.fake.orders


async def test_an_order_is_posted_once(exchange: Contract) -> None:
    create = exchange.client.create_order

    async def twice(*order: typing.Any) -> typing.Any:
        await create(*order)
        return await create(*order)

    exchange.client.create_order = twice
    submission = await send(exchange)
    assert len(exchange.fake.orders) == len(exchange.order_requests()) == 1
    found = await exchange.find(submission)
    assert found.order is not None or not found.is_conclusive


async def test_an_order_of_others_is_none_of_our_business(exchange: Contract) -> None:
    """What OctoBot sends for somebody else passes, as before."""
    await send(exchange)
    await exchange.client.create_order(exchange.symbol("BTC/USDT"), "limit", "sell", 0.002, 61_000.0)
    assert [order.quantity for order in exchange.fake.orders] == [Decimal("0.001"), Decimal("0.002")]
