"""Every scripted fault as OctoBot's real trader meets it, and what is true on the exchange meanwhile.

The same on both lines of OctoBot. Creation is wrapped as the trading mode wraps it: without OctoBot's own re-sending.
"""

from __future__ import annotations

import asyncio
import contextlib
import typing
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

pytest.importorskip("octobot_trading", reason="it is OctoBot that is looked at")

import ccxt.async_support as ccxt  # OctoBot's
import octobot_trading.enums as enums
import octobot_trading.errors as errors
import octobot_trading.exchange_channel as exchange_channel
import octobot_trading.exchanges as exchanges
import octobot_trading.personal_data as personal_data
from faulty_exchange import CREDENTIALS, IMPATIENT_MS, SLOW_S, SYMBOL, FaultyExchange, faulty_exchange
from real_octobot import octobot_tasks, poll_open_orders, real_exchange_manager, refresh_portfolio

ID = "order-1"
QUANTITY = Decimal("0.001")
LIMIT, MARKET = enums.TraderOrderType.BUY_LIMIT, enums.TraderOrderType.BUY_MARKET
INTERNAL_ERROR = {"status": 500, "code": None, "message": "Internal Server Error"}


class MarketScenario(typing.NamedTuple):
    """A local exchange and the OctoBot that trades on it."""

    faulty: FaultyExchange
    manager: typing.Any

    def be_impatient(self) -> None:
        self.client.timeout = IMPATIENT_MS

    @property
    def client(self) -> typing.Any:
        """OctoBot's own ccxt client."""
        return self.manager.exchange.connector.client

    @property
    def portfolio(self) -> typing.Any:
        return self.manager.exchange_personal_data.portfolio_manager.portfolio.portfolio

    @property
    def open_orders(self) -> list[typing.Any]:
        """Those that OctoBot knows of."""
        return list(self.manager.exchange_personal_data.orders_manager.get_open_orders())

    async def create(
        self, kind: enums.TraderOrderType = LIMIT, params: dict[str, str] | None = None, *, may_resend: bool = False,
        **options: bool,
    ) -> typing.Any:  # fmt: skip
        """An order of OctoBot's trader: what the trading mode does, unless OctoBot may re-send."""
        price = self.faulty.far_price() if kind is LIMIT else self.faulty.market_price()
        order = personal_data.create_order_instance(
            trader=self.manager.trader,
            order_type=kind,
            symbol=SYMBOL,
            current_price=price,
            quantity=QUANTITY,
            price=price,
        )
        sent = {"clientOrderId": ID} if params is None else params
        once = contextlib.nullcontext() if may_resend else self.manager.exchange.skipped_create_order_retry()
        with once:
            return await self.manager.trader.create_order(order, params=sent, **options)

    async def look_up(self) -> str:
        """The status of the order with the client order id ID, as the exchange tells it."""
        try:
            return str((await self.client.fetch_order(None, SYMBOL, {"origClientOrderId": ID}))["status"])
        except ccxt.OrderNotFound:
            return "not found"


@pytest_asyncio.fixture
async def world() -> AsyncIterator[MarketScenario]:
    async with (
        faulty_exchange() as faulty,
        real_exchange_manager(faulty.port, CREDENTIALS.api_key, CREDENTIALS.api_secret) as manager,
    ):
        yield MarketScenario(faulty, manager)


async def test_octobot_leaves_nothing_behind() -> None:
    async with faulty_exchange() as faulty:
        for _ in range(2):
            async with real_exchange_manager(
                faulty.port, CREDENTIALS.api_key, CREDENTIALS.api_secret, poll_s=0.05, request_timeout_ms=5_000
            ) as manager:
                exchange_id = manager.id
                assert manager.exchange.authenticated() and not manager.trader.simulate
                assert octobot_tasks()
            assert not octobot_tasks()
            assert exchange_id not in exchanges.Exchanges.instance().get_exchange_ids()
            with pytest.raises(KeyError):
                exchange_channel.get_exchange_channels(exchange_id)
            assert personal_data.OrdersUpdater.OPEN_ORDER_REFRESH_TIME == 7


async def test_without_faults_an_order_is_open_under_its_client_id(world) -> None:
    order = await world.create()
    assert order.status is enums.OrderStatus.OPEN
    assert await world.look_up() == "open"
    assert [str(one.order_id) for one in world.faulty.orders(ID)] == [order.exchange_order_id]


NOT_CREATED = [
    ("disconnected", {}),
    ("rate_limited", {}),
    ("rate_limited", {"retry_after_s": 7}),
    ("rate_limited", {"code": -1015, "message": "Too many new orders."}),
    ("banned", {"requests": ["POST /api/v3/order"]}),
    ("server_error", {}),
    ("server_error", {"status": 504, "message": "Gateway Timeout"}),
    ("server_error", {"code": -1001, "message": "Internal error."}),
    ("server_error", {"status": 503, "code": -1008, "message": "Overloaded."}),
    ("rejected", {"message": "Order would immediately match and take."}),
    ("rejected", {"message": "Duplicate order sent."}),
    ("rejected", {"code": -1013, "message": "Filter failure: NOTIONAL"}),
    ("rejected", {"code": -1013, "message": "Filter failure: LOT_SIZE"}),
    ("rejected", {"code": -1003, "message": "Too many requests."}),
    ("clock_skew", {"offset_ms": 60_000}),
    ("clock_skew", {"offset_ms": -60_000}),
]
CREATED = [
    ("answer_lost", {}),
    ("slow_answer", {"delay_s": SLOW_S}),
    ("server_error_after", {}),
    ("server_error_after", INTERNAL_ERROR),
    ("server_error_after", {"status": 504, "code": None, "message": "Gateway Timeout"}),
]


async def test_none_means_not_created_or_created_and_only_the_look_up_tells(world) -> None:
    for number, (kind, values) in enumerate([*NOT_CREATED, *CREATED]):
        client_id = f"order-{number}"
        world.faulty.script(kind, **values)
        patience_ms, world.client.timeout = world.client.timeout, IMPATIENT_MS if "delay_s" in values else 20_000
        assert await world.create(params={"clientOrderId": client_id}) is None, kind
        assert world.faulty.struck() == 1, kind
        world.faulty.faults.clear()
        world.client.timeout = patience_ms
        assert len(world.faulty.orders(client_id)) == ((kind, values) in CREATED), kind
    assert not world.open_orders


async def test_a_late_order_is_unknown_at_the_first_look_up_and_lives_at_the_next(world) -> None:
    world.be_impatient()
    world.faulty.script("late_acceptance", delay_s=SLOW_S)
    assert await world.create() is None
    assert await world.look_up() == "not found"
    await world.faulty.until_accepted(ID)
    assert await world.look_up() == "open"


@pytest.mark.parametrize("params", [{}, {"raise_all_creation_error": True}])
async def test_a_key_that_may_not_trade_is_raised_as_that(world, params) -> None:
    """As with OctoBot's class of Binance; ccxt calls it an exchange that asks to be left alone."""
    world.faulty.script("rejected", code=-2015, message="Invalid API-key, IP, or permissions for action.")
    with pytest.raises(errors.AuthenticationError):
        await world.create(**params)
    assert not world.faulty.orders()


@pytest.mark.parametrize(
    ("kind", "values"),
    [("rejected", {}), ("balance_drift", {"asset": "USDT", "amount": "-9990", "requests": ["POST /api/v3/order"]})],
)
async def test_only_missing_funds_are_raised(world, kind, values) -> None:
    world.faulty.script(kind, **values)
    with pytest.raises(errors.MissingFunds):
        await world.create()
    assert not world.faulty.orders()


RAISED_WHEN_ALL_IS_ASKED_FOR = [
    ("rate_limited", {"retry_after_s": 7}, errors.FailedRequest),
    ("banned", {"requests": ["POST /api/v3/order"]}, errors.FailedRequest),
    ("rejected", {"code": -1003, "message": "Too many requests."}, errors.RateLimitExceeded),
]


async def test_limits_are_raised_when_every_error_is_asked_for_and_the_rest_stays_none(world) -> None:
    for kind, values, error in RAISED_WHEN_ALL_IS_ASKED_FOR:
        world.faulty.script(kind, **values)
        with pytest.raises(error):
            await world.create(raise_all_creation_error=True)
    assert "Retry-After" not in world.client.last_response_headers
    for kind in ("disconnected", "answer_lost", "server_error_after"):
        world.faulty.script(kind)
        assert await world.create(params={"clientOrderId": kind}, raise_all_creation_error=True) is None


async def test_retry_after_is_read_from_the_client_for_octobot_does_not_tell_it(world) -> None:
    world.faulty.script("rate_limited", retry_after_s=7)
    assert await world.create() is None
    assert world.client.last_response_headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("kind", "params", "orders"),
    [
        (LIMIT, {}, 2),  # ccxt makes up a client order id for each
        (LIMIT, {"clientOrderId": ID}, 1),  # the second is refused as a duplicate
        (MARKET, {}, 2),
        (MARKET, {"clientOrderId": ID}, 2),  # the first is filled already, so that its id is free again
    ],
)
async def test_octobots_own_re_sending_doubles_what_a_client_id_does_not_protect(world, kind, params, orders) -> None:
    world.faulty.script("server_error_after", **INTERNAL_ERROR)
    created = await world.create(kind, params, may_resend=True)
    assert len(world.faulty.orders()) == orders
    assert (created is None) == (orders == 1)
    assert len(world.faulty.tape()) >= (2 if kind is MARKET else 0)


@pytest.mark.parametrize(
    ("kind", "values"), [("server_error", {}), ("rejected", {"code": -1013, "message": "LOT_SIZE"})]
)
async def test_octobots_own_re_sending_helps_where_nothing_was_accepted(world, kind, values) -> None:
    world.faulty.script(kind, **values)
    assert (await world.create(may_resend=True)).status is enums.OrderStatus.OPEN
    assert len(world.faulty.orders(ID)) == 1


async def test_a_lost_order_that_rests_is_found_by_the_next_poll_without_its_tag(world) -> None:
    world.faulty.script("answer_lost")
    assert await world.create() is None
    assert not world.open_orders
    await poll_open_orders(world.manager)
    (order,) = world.open_orders
    assert order.exchange_order_id == str(world.faulty.orders(ID)[0].order_id)
    assert order.tag is None
    (raw,) = await world.manager.exchange.get_open_orders(SYMBOL)
    assert raw["clientOrderId"] == ID


async def test_a_lost_order_that_filled_is_never_found_by_octobot_but_by_its_trades(world) -> None:
    world.faulty.script("answer_lost")
    assert await world.create(MARKET) is None
    await poll_open_orders(world.manager)
    assert not world.open_orders
    assert not world.manager.exchange_personal_data.trades_manager.trades
    assert world.portfolio["BTC"].total == 1
    trades = await world.manager.exchange.get_my_recent_trades(SYMBOL)
    assert [trade["exchange_trade_id"] for trade in trades] == [str(trade.trade_id) for trade in world.faulty.tape()]
    assert await world.look_up() == "closed"
    await refresh_portfolio(world.manager)
    assert world.portfolio["BTC"].total > 1


@pytest.mark.parametrize(
    ("kind", "values"), [("answer_lost", {}), ("server_error_after", {}), ("slow_answer", {"delay_s": SLOW_S})]
)
async def test_a_cancellation_whose_answer_is_lost_raises_though_it_worked(world, kind, values) -> None:
    order = await world.create()
    if values:
        world.be_impatient()
    world.faulty.script(kind, requests=["DELETE /api/v3/order"], **values)
    with pytest.raises(errors.OrderNotFoundOnCancelError):
        await world.manager.trader.cancel_order(order)
    assert await world.look_up() == "canceled"


@pytest.mark.parametrize(("times", "is_cancelled"), [(1, True), (2, False)])
async def test_a_cancellation_is_tried_twice(world, times, is_cancelled) -> None:
    order = await world.create()
    world.faulty.script("rate_limited", requests=["DELETE /api/v3/order"], times=times)
    assert await world.manager.trader.cancel_order(order) is is_cancelled
    assert await world.look_up() == ("canceled" if is_cancelled else "open")


SIGNED = ("GET /api/v3/myTrades", "GET /api/v3/openOrders", "GET /api/v3/account")
PUBLIC = ("GET /api/v3/depth", "GET /api/v3/ticker/24hr")
READ_FAULTS = [
    ("rate_limited", {"retry_after_s": 3}, ccxt.DDoSProtection, errors.FailedRequest),
    ("rejected", {"code": -1003, "message": "Too many requests."}, errors.NetworkError, errors.NetworkError),
    ("server_error", {}, errors.NetworkError, errors.NetworkError),
    ("disconnected", {}, errors.NetworkError, errors.NetworkError),
    ("slow_answer", {"delay_s": SLOW_S}, errors.NetworkError, errors.NetworkError),
    ("clock_skew", {"offset_ms": 60_000}, errors.FailedRequest, None),
]


@pytest.mark.parametrize(("kind", "values", "signed_error", "public_error"), READ_FAULTS)
async def test_reading_raises_and_a_limit_on_signed_reads_is_ccxts_own_error(
    world, kind, values, signed_error, public_error
) -> None:
    exchange = world.manager.exchange
    readers = {
        SIGNED[0]: lambda: exchange.get_my_recent_trades(SYMBOL),
        SIGNED[1]: lambda: exchange.get_open_orders(SYMBOL),
        SIGNED[2]: exchange.get_balance,
        PUBLIC[0]: lambda: exchange.get_order_book(SYMBOL),
        PUBLIC[1]: lambda: exchange.get_price_ticker(SYMBOL),
    }
    routes = SIGNED + (PUBLIC if public_error else ())
    if "delay_s" in values:
        world.be_impatient()
        routes = SIGNED[:1]
    for route in routes:
        world.faulty.script(kind, requests=[route], times=None, **values)  # OctoBot reads in the background, too
        with pytest.raises(signed_error if route in SIGNED else public_error):
            await readers[route]()


async def test_fills_are_handed_on_with_their_doubles_and_without_the_late_ones(world) -> None:
    for number in range(3):
        await world.create(MARKET, {"clientOrderId": f"fill-{number}"})
    fills = [str(trade.trade_id) for trade in world.faulty.tape()]
    for kind, told in (
        ("duplicate_fills", [one for fill in fills for one in (fill, fill)]),
        ("late_fills", []),
        ("shuffled_fills", fills),  # ccxt has sorted them
    ):
        world.faulty.script(kind)
        trades = await world.manager.exchange.get_my_recent_trades(SYMBOL)
        assert [trade["exchange_trade_id"] for trade in trades] == told


async def test_a_stale_ticker_counts_as_new_each_time_that_octobot_reads_it(world) -> None:
    prices = world.manager.exchange_symbols_data.get_exchange_symbol_data(SYMBOL).prices_manager
    ticker = only_producer(world, "Ticker")
    world.faulty.script("stale_ticker")
    told = await world.manager.exchange.get_price_ticker(SYMBOL)
    for _ in range(2):
        world.faulty.exchange.clock.advance(600)
        before = prices.mark_price_set_time
        await ticker.fetch_and_push_pair(SYMBOL)
        await until(lambda before=before: prices.mark_price_set_time > before)
    assert float(prices.mark_price) == told["last"]
    assert prices.mark_price != world.faulty.market_price()


async def until(condition: typing.Callable[[], bool]) -> None:
    """OctoBot hands on what it reads in tasks of its own."""
    for _ in range(6_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("OctoBot has not taken in what it read")


def only_producer(world: MarketScenario, channel: str) -> typing.Any:
    """The part of OctoBot that reads what this channel carries."""
    (producer,) = exchange_channel.get_chan(channel, world.manager.id).get_producers()
    return producer


async def test_a_book_is_handed_on_empty_or_crossed_and_its_manager_has_no_best_price_then(world) -> None:
    books = world.manager.exchange_symbols_data.get_exchange_symbol_data(SYMBOL).order_book_manager
    world.faulty.script("empty_book")
    book = await world.manager.exchange.get_order_book(SYMBOL)
    assert book["bids"] == book["asks"] == []
    books.handle_new_books(book["asks"], book["bids"], 1.0)
    with pytest.raises(IndexError):
        books.get_bid()
    world.faulty.script("crossed_book")
    book = await world.manager.exchange.get_order_book(SYMBOL)
    assert book["bids"][0][0] > book["asks"][0][0]


async def test_without_a_market_maker_a_market_order_seems_open_until_the_next_look(world) -> None:
    world.faulty.script("market_maker_gone")
    await world.manager.exchange.get_balance()
    world.faulty.exchange.clock.advance(1)  # it goes with the next second
    order = await world.create(MARKET)
    assert (order.status, order.filled_quantity) == (enums.OrderStatus.OPEN, 0)
    assert await world.look_up() == "expired"
    state = order.state
    await state.synchronize(force_synchronization=True)
    await state.wait_for_terminate(5)
    assert order.status is enums.OrderStatus.EXPIRED
    assert not world.open_orders and not world.faulty.tape()


async def test_changed_rules_are_none_and_octobot_knows_them_once_it_has_reloaded_the_markets(world) -> None:
    """OctoBot 2.1.1 reads the markets once more with its first look at the balance, and knows them from then on."""

    def known() -> float:
        return float(world.manager.exchange.get_market_status(SYMBOL, with_fixer=False)["limits"]["cost"]["min"])

    assert known() == 5
    world.faulty.script("changed_rules", minimum_notional_quote="100")
    await world.manager.exchange.get_balance()
    assert await world.create() is None
    assert await world.create(may_resend=True) is None  # OctoBot reloads the markets and sends the same again
    assert known() == 100
    assert not world.faulty.orders()


async def test_a_drifted_balance_is_unknown_to_octobot_until_it_reads_the_balances_again(world) -> None:
    world.faulty.script("balance_drift", asset="USDT", amount="-9990", requests=["GET /api/v3/openOrders"])
    await world.manager.exchange.get_open_orders(SYMBOL)
    assert world.portfolio["USDT"].available == 10_000
    with pytest.raises(errors.MissingFunds):
        await world.create()
    assert world.portfolio["USDT"].available == 10_000
    await refresh_portfolio(world.manager)
    assert world.portfolio["USDT"].available == 10


async def test_octobots_clock_is_the_computers_and_not_the_exchanges(world) -> None:
    world.faulty.script("clock_skew", offset_ms=60_000)
    octobot_s = world.manager.exchange.get_exchange_current_time()
    assert await world.client.fetch_time() / 1_000 - octobot_s > 50
