"""Every scripted fault as the real ccxt client for Binance meets it, and what is true on the exchange meanwhile.

On an address of this machine ccxt knows only the errors that all of Binance's markets share, not the ones of spot.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt.async_support as ccxt
import pytest
import pytest_asyncio
from faulty_exchange import (
    CREDENTIALS,
    IMPATIENT_MS,
    MARKET_ID,
    SLOW_S,
    SYMBOL,
    TOKEN,
    FaultyExchange,
    ccxt_client,
    faulty_exchange,
)

from octobot_volume_booster.offline_exchange.server.faults.script import FaultsError

ID = "order-1"
QUANTITY = 0.001
ALIVE, NEVER, LATER = "alive", "never", "later"  # what has become of an order
UNKNOWN_TO_THE_CLIENT = (ccxt.RequestTimeout, ccxt.ExchangeNotAvailable)

ORDERS: list[tuple[str, dict[str, Any], type[ccxt.BaseError], str]] = [
    ("answer_lost", {}, ccxt.ExchangeNotAvailable, ALIVE),
    ("disconnected", {}, ccxt.ExchangeNotAvailable, NEVER),
    ("slow_answer", {"delay_s": SLOW_S}, ccxt.RequestTimeout, ALIVE),
    ("late_acceptance", {"delay_s": SLOW_S}, ccxt.RequestTimeout, LATER),
    ("rate_limited", {}, ccxt.DDoSProtection, NEVER),
    ("rate_limited", {"retry_after_s": 7}, ccxt.DDoSProtection, NEVER),
    ("rate_limited", {"code": -1015, "message": "Too many new orders."}, ccxt.DDoSProtection, NEVER),
    ("banned", {}, ccxt.DDoSProtection, NEVER),
    ("server_error", {}, ccxt.ExchangeNotAvailable, NEVER),
    ("server_error", {"status": 504, "message": "Gateway Timeout"}, ccxt.RequestTimeout, NEVER),
    ("server_error", {"code": -1000, "message": "An unknown error occurred."}, ccxt.OperationFailed, NEVER),
    ("server_error", {"code": -1001, "message": "Internal error."}, ccxt.OperationFailed, NEVER),
    ("server_error", {"status": 503, "code": -1008, "message": "Overloaded."}, ccxt.ExchangeError, NEVER),
    ("server_error_after", {}, ccxt.RequestTimeout, ALIVE),
    ("server_error_after", {"status": 500, "code": None, "message": "Internal Server Error"},
     ccxt.ExchangeNotAvailable, ALIVE),
    ("server_error_after", {"status": 504, "code": None, "message": "Gateway Timeout"}, ccxt.RequestTimeout, ALIVE),
    ("rejected", {}, ccxt.InsufficientFunds, NEVER),
    ("rejected", {"message": "Order would immediately match and take."}, ccxt.OrderImmediatelyFillable, NEVER),
    ("rejected", {"message": "Duplicate order sent."}, ccxt.InvalidOrder, NEVER),
    ("rejected", {"code": -1013, "message": "Filter failure: NOTIONAL"}, ccxt.BadRequest, NEVER),
    ("rejected", {"code": -1013, "message": "Filter failure: LOT_SIZE"}, ccxt.InvalidOrder, NEVER),
    ("rejected", {"code": -1003, "message": "Too many requests."}, ccxt.RateLimitExceeded, NEVER),
    ("rejected", {"code": -2015, "message": "Invalid API-key."}, ccxt.AuthenticationError, NEVER),
    ("clock_skew", {"offset_ms": 60_000}, ccxt.InvalidNonce, NEVER),
    ("clock_skew", {"offset_ms": -60_000}, ccxt.InvalidNonce, NEVER),
    ("changed_rules", {"minimum_notional_quote": "100"}, ccxt.BadRequest, NEVER),
    ("changed_rules", {"step_base": "0.01"}, ccxt.InvalidOrder, NEVER),
    ("changed_rules", {"tick_quote": "1000"}, ccxt.InvalidOrder, NEVER),
    ("balance_drift", {"asset": "USDT", "amount": "-9990", "requests": ["*"]}, ccxt.InsufficientFunds, NEVER),
]  # fmt: skip


@pytest_asyncio.fixture
async def faulty() -> AsyncIterator[FaultyExchange]:
    async with faulty_exchange() as faulty:
        yield faulty


@pytest_asyncio.fixture
async def client(faulty: FaultyExchange) -> AsyncIterator[ccxt.binance]:
    async with ccxt_client(faulty) as client:
        yield client


async def send_order(faulty: FaultyExchange, client: ccxt.binance, kind: str = "limit") -> Any:
    """A buy order with the client order id ID; a limit order of a price at which it rests."""
    price = float(faulty.far_price()) if kind == "limit" else None
    return await client.create_order(SYMBOL, kind, "buy", QUANTITY, price, {"newClientOrderId": ID})


async def look_up(client: ccxt.binance) -> Any:
    return await client.fetch_order(None, SYMBOL, {"origClientOrderId": ID})


@pytest.mark.parametrize(("kind", "values", "error", "outcome"), ORDERS)
async def test_an_order_raises_and_what_is_true_is_another_matter(faulty, client, kind, values, error, outcome) -> None:
    faulty.script(kind, **values)
    client.timeout = IMPATIENT_MS if "delay_s" in values else client.timeout
    with pytest.raises(error):
        await send_order(faulty, client)
    assert faulty.struck() == 1
    faulty.faults.clear()
    assert len(faulty.orders(ID)) == (outcome is ALIVE)
    if outcome is ALIVE:
        assert (await look_up(client))["status"] == "open"
    else:
        with pytest.raises(ccxt.OrderNotFound):
            await look_up(client)
    if outcome is LATER:
        await faulty.until_accepted(ID)
        assert (await look_up(client))["status"] == "open"


async def test_an_order_that_comes_later_than_its_window_is_refused_and_never_lives(faulty, client) -> None:
    client.options["recvWindow"] = 100
    faulty.script("late_acceptance", delay_s=SLOW_S)
    with pytest.raises(ccxt.InvalidNonce, match="outside of the recvWindow"):
        await send_order(faulty, client)
    assert not faulty.orders()


async def test_one_error_means_two_things_so_that_only_a_look_up_tells(faulty, client) -> None:
    told = []
    for kind in ("disconnected", "answer_lost"):
        faulty.script(kind)
        with pytest.raises(ccxt.ExchangeNotAvailable) as error:
            await send_order(faulty, client)
        told.append((str(error.value), len(faulty.orders(ID))))
    assert told[0][0] == told[1][0]
    assert (told[0][1], told[1][1]) == (0, 1)


async def test_a_retry_under_the_same_client_id_is_refused_while_the_first_order_is_open(faulty, client) -> None:
    faulty.script("answer_lost")
    with pytest.raises(UNKNOWN_TO_THE_CLIENT):
        await send_order(faulty, client)
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        await send_order(faulty, client)
    assert len(faulty.orders(ID)) == 1


async def test_a_retry_under_the_same_client_id_trades_twice_once_the_first_order_has_filled(faulty, client) -> None:
    faulty.script("answer_lost")
    with pytest.raises(UNKNOWN_TO_THE_CLIENT):
        await send_order(faulty, client, "market")
    await send_order(faulty, client, "market")
    assert [order.status.value for order in faulty.orders(ID)] == ["FILLED", "FILLED"]


@pytest.mark.parametrize(("values", "told"), [({}, None), ({"retry_after_s": 7}, "7")])
async def test_retry_after_is_in_the_headers_of_the_last_answer_when_it_is_sent_at_all(
    faulty, client, values, told
) -> None:
    faulty.script("rate_limited", **values)
    with pytest.raises(ccxt.DDoSProtection):
        await send_order(faulty, client)
    assert client.last_response_headers.get("Retry-After") == told


async def test_a_ban_keeps_every_request_away_while_it_lasts(faulty, client) -> None:
    faulty.script("banned")
    for request in (client.fetch_balance, client.fetch_time):
        with pytest.raises(ccxt.DDoSProtection):
            await request()
    assert client.last_response_headers["Retry-After"] == "120"


async def test_a_lost_connection_is_tried_again_unseen_except_for_new_orders(faulty, client) -> None:
    faulty.script("disconnected", requests=["*"])
    await client.fetch_balance()
    assert faulty.struck() == 1
    faulty.script("disconnected", requests=["*"], times=2)
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await client.fetch_balance()
    faulty.script("disconnected")
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await send_order(faulty, client)
    assert faulty.faults.plan.to_json()["faults"][0]["seen"] == 1


@pytest.mark.parametrize(
    ("kind", "values"), [("answer_lost", {}), ("server_error_after", {}), ("slow_answer", {"delay_s": SLOW_S})]
)
async def test_a_cancellation_works_whatever_is_told_of_it(faulty, client, kind, values) -> None:
    order = await send_order(faulty, client)
    client.timeout = IMPATIENT_MS if values else client.timeout
    faulty.script(kind, requests=["DELETE /api/v3/order"], **values)
    lost = (ccxt.OrderNotFound,) if kind == "answer_lost" else UNKNOWN_TO_THE_CLIENT
    with pytest.raises(lost):  # the lost one was sent again by aiohttp, and found no open order any more
        await client.cancel_order(order["id"], SYMBOL)
    assert (await look_up(client))["status"] == "canceled"


async def test_a_slow_answer_that_comes_in_time_changes_nothing(faulty, client) -> None:
    faulty.script("slow_answer", delay_s=0.05)
    assert (await send_order(faulty, client))["status"] == "open"


async def trade_ids(client: ccxt.binance, **options: Any) -> list[str]:
    return [trade["id"] for trade in await client.fetch_my_trades(SYMBOL, **options)]


@pytest_asyncio.fixture
async def four_fills(faulty, client) -> list[str]:
    """The ids of four fills, oldest first, as the tape has them."""
    for _ in range(4):
        await send_order(faulty, client, "market")
    fills = [str(trade.trade_id) for trade in faulty.tape()]
    assert len(fills) >= 4
    return fills


async def test_duplicate_fills_come_through_and_crowd_out_others_where_there_is_a_limit(
    faulty, client, four_fills
) -> None:
    faulty.script("duplicate_fills")
    assert await trade_ids(client) == [one for fill in four_fills for one in (fill, fill)]
    assert await trade_ids(client, limit=2) == [four_fills[-1]] * 2


async def test_late_fills_are_missing_first_and_an_older_one_may_come_after_a_newer_one(
    faulty, client, four_fills
) -> None:
    faulty.script("late_fills", delay_s=30)
    assert await trade_ids(client) == []
    assert await client.fetch_closed_orders(SYMBOL) == []
    assert (await look_up(client))["status"] == "closed"
    told = [await late_by_halves(faulty, client, seed) for seed in range(8)]
    assert any(fills and fills[-1] > min(set(four_fills) - set(fills), default=fills[-1]) for fills in told)
    faulty.faults.clear()
    assert await trade_ids(client) == four_fills


async def late_by_halves(faulty: FaultyExchange, client: ccxt.binance, seed: int) -> list[str]:
    script = [{"kind": "late_fills", "delay_s": 30, "share": 0.5}]
    faulty.faults.set_script({"seed": seed, "faults": script})
    return await trade_ids(client)


async def test_shuffled_fills_are_put_in_order_by_the_unified_call_and_by_no_other(faulty, client, four_fills) -> None:
    faulty.script("shuffled_fills")
    assert await trade_ids(client) == four_fills
    raw = [trade["id"] for trade in await client.private_get_mytrades({"symbol": MARKET_ID})]
    assert raw != four_fills and sorted(raw) == four_fills


async def test_a_stale_ticker_shows_in_its_timestamp_only(faulty, client) -> None:
    faulty.script("stale_ticker")
    first, trades = await client.fetch_ticker(SYMBOL), await client.fetch_trades(SYMBOL)
    faulty.exchange.clock.advance(600)
    assert await client.fetch_ticker(SYMBOL) == first
    assert (await client.fetch_trades(SYMBOL))[-1]["timestamp"] == trades[-1]["timestamp"]
    assert Decimal(str(first["last"])) != faulty.market_price()
    assert await client.fetch_time() - first["timestamp"] >= 600_000


async def test_an_empty_book_has_no_levels_and_no_best_prices(faulty, client) -> None:
    faulty.script("empty_book")
    book, ticker = await client.fetch_order_book(SYMBOL), await client.fetch_ticker(SYMBOL)
    assert book["bids"] == book["asks"] == []
    assert ticker["bid"] is None and ticker["ask"] is None and ticker["last"] > 0
    assert faulty.exchange.venue.book(MARKET_ID, faulty.exchange.clock.now_ms(), 5).bids


async def test_a_crossed_book_is_handed_on_as_it_is(faulty, client) -> None:
    faulty.script("crossed_book")
    book = await client.fetch_order_book(SYMBOL)
    assert book["bids"][0][0] > book["asks"][0][0]
    best = (await client.fetch_bids_asks([SYMBOL]))[SYMBOL]
    assert best["bid"] > best["ask"]


async def test_without_a_market_maker_a_market_order_ends_unfilled_without_an_error(faulty, client) -> None:
    faulty.script("market_maker_gone")
    await client.fetch_balance()
    faulty.exchange.clock.advance(1)  # it goes with the next second
    assert (await client.fetch_order_book(SYMBOL))["asks"] == []
    order = await send_order(faulty, client, "market")
    assert (order["status"], order["filled"]) == ("expired", 0)
    assert not faulty.tape()


async def test_changed_rules_are_unknown_until_the_markets_are_loaded_again(faulty, client) -> None:
    faulty.script("changed_rules", step_base="0.01")
    await client.fetch_time()
    assert client.market(SYMBOL)["precision"]["amount"] == 0.00001
    await client.load_markets(reload=True)
    assert client.market(SYMBOL)["precision"]["amount"] == 0.01
    with pytest.raises(ccxt.InvalidOrder):  # ccxt's own: the quantity is below the least one now
        await send_order(faulty, client)


async def test_a_balance_drifts_without_a_trade(faulty, client) -> None:
    before = await client.fetch_balance()
    faulty.script("balance_drift", asset="USDT", amount="-1000.5")
    after = await client.fetch_balance()
    assert Decimal(str(before["USDT"]["free"])) - Decimal(str(after["USDT"]["free"])) == Decimal("1000.5")
    assert not faulty.tape()
    assert faulty.exchange.venue.engine.surplus("USDT") == 0


async def test_a_skewed_clock_refuses_all_that_is_signed_until_the_difference_is_loaded(faulty, client) -> None:
    faulty.script("clock_skew", offset_ms=60_000)
    for request in (client.fetch_balance(), client.fetch_open_orders(SYMBOL), client.fetch_my_trades(SYMBOL)):
        with pytest.raises(ccxt.InvalidNonce):
            await request
    await client.load_time_difference()
    assert abs(client.options["timeDifference"] + 60_000) < 5_000
    assert (await send_order(faulty, client))["status"] == "open"


async def test_the_control_interface_sets_tells_and_ends_faults(faulty) -> None:
    url = f"http://127.0.0.1:{faulty.port}/control/faults"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
        script = {"seed": 3, "faults": [{"kind": "rate_limited", "requests": ["GET /api/v3/time"]}]}
        async with session.post(url, json=script) as answer:
            assert answer.status == 200
        async with session.get(f"http://127.0.0.1:{faulty.port}/api/v3/time") as answer:
            assert answer.status == 429
        async with session.get(url) as answer:
            told = await answer.json()
        assert (told["seed"], told["faults"][0]["struck"]) == (3, 1)
        async with session.post(url, json={"faults": [{"kind": "slow_answer", "delay_s": 0}]}) as answer:
            assert answer.status == 400
            assert (await answer.json())["msg"].startswith("faults[0].delay_s must be ")
        async with session.delete(url) as answer:
            assert (await answer.json())["faults"] == []


async def test_a_script_in_a_file_is_read_and_its_problems_name_the_file(faulty, tmp_path) -> None:
    script = tmp_path / "faults.json"
    script.write_text('{"seed": 9, "faults": "overloaded"}', encoding="utf-8")
    faulty.faults.load_script(script)
    assert faulty.faults.plan.seed == 9
    for text, problem in (('{"faults": 1}', "must be a list"), ("{", "it is not JSON"), (None, "cannot read")):
        script.unlink() if text is None else script.write_text(text, encoding="utf-8")
        with pytest.raises(FaultsError, match=problem) as refused:
            faulty.faults.load_script(script)
        assert str(script) in str(refused.value)
    assert CREDENTIALS.api_secret not in str(faulty.faults.plan.to_json())
