"""The signed API as the real ccxt client uses it, without OctoBot, and as Binance documents it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import ccxt.async_support as ccxt
import pytest
from yarl import URL

from octobot_volume_booster.offline_exchange.server.engine.orders import Trade
from octobot_volume_booster.offline_exchange.server.market.markets import MOST_OPEN_ORDERS
from octobot_volume_booster.offline_exchange.server.rest.signatures import signature, signed_payload

BTC = "BTC/USDT"
MARKET = "BTCUSDT"


def exact(text: Any) -> Decimal:
    return Decimal(str(text))


async def touch(client: ccxt.binance) -> tuple[Decimal, Decimal]:
    """Best bid and ask."""
    book = await client.fetch_order_book(BTC, limit=5)
    return exact(book["bids"][0][0]), exact(book["asks"][0][0])


async def rest(client: ccxt.binance, side: str = "buy", **params: Any) -> dict[str, Any]:
    """A limit order far from the market."""
    return await client.create_order(BTC, "limit", side, 0.01, 30_000 if side == "buy" else 90_000, params)


def sums(trades: Sequence[Trade]) -> tuple[Decimal, Decimal]:
    return sum(trade.quantity_base for trade in trades), sum(trade.notional_quote for trade in trades)


async def test_a_market_order_by_quantity_fills_for_what_the_tape_says(alice, exchange) -> None:
    order = await alice.create_order(BTC, "market", "buy", 0.7)
    quantity, notional = sums(exchange.venue.engine.trades)
    assert order["status"] == "closed"
    assert exact(order["info"]["executedQty"]) == quantity == Decimal("0.7")
    assert exact(order["info"]["cummulativeQuoteQty"]) == notional
    assert [exact(fill["info"]["commission"]) for fill in order["trades"]] == [
        trade.buyer.fee for trade in exchange.venue.engine.trades
    ]
    assert len(order["trades"]) > 1 and {fill["info"]["commissionAsset"] for fill in order["trades"]} == {"BTC"}


async def test_a_market_order_by_cost_spends_what_the_steps_allow_and_no_more(alice, exchange) -> None:
    order = await alice.create_market_buy_order_with_cost(BTC, 1_000)
    _, notional = sums(exchange.venue.engine.trades)
    assert exact(order["info"]["origQuoteOrderQty"]) == 1_000
    assert Decimal(999) < exact(order["cost"]) == notional <= 1_000
    assert order["info"]["origQty"] == order["info"]["executedQty"]


async def test_a_limit_order_rests_in_the_book_and_in_the_open_orders_until_it_is_cancelled(alice) -> None:
    bid, ask = await touch(alice)
    price = bid + Decimal("0.5")
    order = await alice.create_order(BTC, "limit", "buy", 0.01, float(price))
    assert price < ask and (await touch(alice))[0] == price
    assert [open_order["id"] for open_order in await alice.fetch_open_orders(BTC)] == [order["id"]]
    cancelled = await alice.cancel_order(order["id"], BTC)
    assert cancelled["status"] == "canceled" and await alice.fetch_open_orders(BTC) == []
    assert cancelled["info"]["origClientOrderId"] == order["clientOrderId"] != cancelled["info"]["clientOrderId"]
    with pytest.raises(ccxt.OrderNotFound):
        await alice.cancel_order(order["id"], BTC)


async def test_the_book_shows_the_accounts_orders_one_level_a_price(alice, bob, exchange) -> None:
    exchange.set_quotes(MARKET, is_quoting=False)
    exchange.clock.advance(1)  # the market maker leaves with the next second
    await alice.create_order(BTC, "limit", "sell", 1.5, 90_000)
    await bob.create_order(BTC, "limit", "sell", 0.25, 90_000)
    await bob.create_order(BTC, "limit", "buy", 0.1, 30_000.5)
    book = await alice.fetch_order_book(BTC)
    assert (book["bids"], book["asks"]) == ([[30_000.5, 0.1]], [[90_000, 1.75]])


async def test_a_resting_order_is_filled_at_its_own_price_when_the_market_comes_to_it(alice, wall, exchange) -> None:
    bid, _ = await touch(alice)
    order = await alice.create_order(BTC, "limit", "buy", 0.001, float(bid), {"postOnly": True})
    for _ in range(120):
        wall.now_ms += 5_000
        if (await alice.fetch_order(order["id"], BTC))["status"] == "closed":
            break
    trades = await alice.fetch_my_trades(BTC)
    assert {trade["takerOrMaker"] for trade in trades} == {"maker"}
    assert {exact(trade["info"]["price"]) for trade in trades} == {bid}
    assert sum(exact(trade["info"]["qty"]) for trade in trades) == Decimal("0.001")


async def test_post_only_takes_nothing(alice, exchange) -> None:
    _, ask = await touch(alice)
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        await alice.create_order(BTC, "limit", "buy", 0.01, float(ask), {"postOnly": True})
    assert exchange.venue.engine.trades == []


async def test_immediate_or_cancel_takes_what_there_is_and_rests_nowhere(alice) -> None:
    _, ask = await touch(alice)
    order = await alice.create_order(BTC, "limit", "buy", 1, float(ask), {"timeInForce": "IOC"})
    assert 0 < order["filled"] < 1 and order["info"]["status"] == "EXPIRED"
    assert await alice.fetch_open_orders(BTC) == []


async def test_fill_or_kill_fills_all_or_nothing(alice) -> None:
    _, ask = await touch(alice)
    killed = await alice.create_order(BTC, "limit", "buy", 1, float(ask), {"timeInForce": "FOK"})
    filled = await alice.create_order(BTC, "limit", "buy", 0.001, float(ask), {"timeInForce": "FOK"})
    assert (killed["filled"], killed["info"]["status"]) == (0, "EXPIRED")
    assert (filled["filled"], filled["status"]) == (0.001, "closed")


async def test_cancelling_all_orders_of_a_market_leaves_those_of_others(alice) -> None:
    ids = [(await rest(alice))["id"] for _ in range(3)]
    other = await alice.create_order("ETH/USDT", "limit", "buy", 0.1, 1_000)
    assert [order["id"] for order in await alice.cancel_all_orders(BTC)] == ids
    assert [order["id"] for order in await alice.fetch_open_orders("ETH/USDT")] == [other["id"]]
    with pytest.raises(ccxt.OrderNotFound):
        await alice.cancel_all_orders(BTC)


async def test_an_account_may_have_so_many_orders_open_on_a_market_and_no_more(alice, bob, exchange) -> None:
    exchange.limits.orders_per_10s = 1_000
    for _ in range(MOST_OPEN_ORDERS):
        last = await rest(alice)
    with pytest.raises(ccxt.BaseError, match="Filter failure: MAX_NUM_ORDERS"):
        await rest(alice)
    filled = await alice.create_order(BTC, "market", "sell", 0.01)
    assert filled["status"] == "closed", "what does not rest is not counted"
    assert (await alice.create_order("ETH/USDT", "limit", "buy", 0.1, 1_000))["status"] == "open"
    assert (await rest(bob))["status"] == "open"
    await alice.cancel_order(last["id"], BTC)
    assert (await rest(alice))["status"] == "open"


async def test_an_order_is_found_by_its_id_and_by_the_client_s_own_id(alice, bob) -> None:
    order = await rest(alice, clientOrderId="mine-1")
    assert order["clientOrderId"] == "mine-1"
    by_id = await alice.fetch_order(order["id"], BTC)
    by_client_id = await alice.fetch_order(None, BTC, {"origClientOrderId": "mine-1"})
    assert by_id["info"] == by_client_id["info"]
    assert by_id["info"]["price"] == "30000.00000000" and by_id["info"]["origQty"] == "0.01000000"
    for client, params in ((alice, {"origClientOrderId": "other"}), (bob, {"origClientOrderId": "mine-1"})):
        with pytest.raises(ccxt.OrderNotFound):
            await client.fetch_order(None, BTC, params)
    with pytest.raises(ccxt.OrderNotFound):
        await bob.fetch_order(order["id"], BTC)


async def test_orders_are_listed_open_closed_and_all(alice) -> None:
    filled = await alice.create_order(BTC, "market", "sell", 0.01)
    resting, cancelled = await rest(alice), await rest(alice)
    await alice.cancel_order(cancelled["id"], BTC)
    ids = [filled["id"], resting["id"], cancelled["id"]]
    assert [order["id"] for order in await alice.fetch_orders(BTC)] == ids
    assert [order["id"] for order in await alice.fetch_closed_orders(BTC)] == [filled["id"]]
    assert [order["id"] for order in await alice.fetch_canceled_orders(BTC)] == [cancelled["id"]]
    assert [order["id"] for order in await alice.fetch_orders(BTC, limit=1)] == [cancelled["id"]]
    assert [order["id"] for order in await alice.fetch_orders(BTC, limit=1, params={"orderId": 0})] == [filled["id"]]
    assert await alice.fetch_orders("ETH/USDT") == []


async def test_my_trades_page_by_id_time_and_order(alice, wall, exchange) -> None:
    orders = []
    for _ in range(3):
        orders.append(await alice.create_order(BTC, "market", "buy", 0.001))
        wall.now_ms += 60_000
    ids = [str(trade.trade_id) for trade in exchange.venue.engine.trades]
    times = [trade.time_ms for trade in exchange.venue.engine.trades]

    async def page(**params: Any) -> list[str]:
        return [trade["id"] for trade in await alice.fetch_my_trades(BTC, params=params)]

    assert len(ids) == 3 and await page() == ids
    assert await page(fromId=int(ids[1])) == ids[1:]
    assert await page(startTime=times[1], limit=1) == [ids[1]]
    assert await page(endTime=times[1]) == ids[:2] and await page(limit=2) == ids[1:]
    assert await page(orderId=orders[2]["id"]) == [ids[2]]


async def test_a_balance_moves_to_locked_and_back_exactly(alice) -> None:
    before = await alice.fetch_balance()
    order = await rest(alice)
    during = await alice.fetch_balance()
    assert exact(during["USDT"]["used"]) == 300 and during["USDT"]["total"] == before["USDT"]["total"]
    await alice.cancel_order(order["id"], BTC)
    assert (await alice.fetch_balance())["USDT"] == before["USDT"]


async def test_the_balance_after_a_trade_is_the_one_before_less_what_the_tape_says(alice, exchange) -> None:
    await alice.create_order(BTC, "market", "sell", 0.5)
    _, notional = sums(exchange.venue.engine.trades)
    fees = sum(trade.seller.fee for trade in exchange.venue.engine.trades)
    balances = {row["asset"]: Decimal(row["free"]) for row in (await alice.fetch_balance())["info"]["balances"]}
    assert balances["BTC"] == Decimal("1.5") and balances["USDT"] == 100_000 + notional - fees


async def test_zero_balances_are_left_out_on_demand(bob) -> None:
    everything = await bob.private_get_account()
    owned = await bob.private_get_account({"omitZeroBalances": "true"})
    assert {row["asset"] for row in everything["balances"]} == {"BTC", "ETH", "USDT"}
    assert {row["asset"] for row in owned["balances"]} == {"BTC", "USDT"}


async def test_fees_are_told_for_the_account_and_each_market(alice) -> None:
    fees = await alice.fetch_trading_fees()
    assert {symbol: (fee["maker"], fee["taker"]) for symbol, fee in fees.items()} == {
        BTC: (0.001, 0.001), "ETH/USDT": (0.001, 0.001),
    }  # fmt: skip
    assert (await alice.fetch_trading_fee(BTC))["taker"] == 0.001
    commission = await alice.private_get_account_commission({"symbol": MARKET})
    assert commission["standardCommission"]["maker"] == "0.00100000"


async def test_what_a_client_asks_at_its_start_is_answered(alice) -> None:
    assert (await alice.sapi_get_account_apirestrictions())["enableSpotAndMarginTrading"] is True
    assert "ifNewUser" in await alice.sapi_get_apireferral_ifnewuser({"apiAgentCode": "agent"})
    counts = await alice.private_get_ratelimit_order()
    assert [(row["interval"], row["limit"], row["count"]) for row in counts] == [
        ("SECOND", "100", "0"), ("DAY", "200000", "0"),
    ]  # fmt: skip


async def test_two_accounts_trade_with_each_other_and_each_sees_its_own_side_only(alice, bob, exchange) -> None:
    bid, _ = await touch(alice)
    exchange.set_quotes(MARKET, is_quoting=False)
    exchange.clock.advance(1)
    price = float(bid)
    made = await alice.create_order(BTC, "limit", "buy", 0.02, price)
    taken = await bob.create_order(BTC, "limit", "sell", 0.02, price)
    assert taken["status"] == "closed"
    (trade,) = exchange.venue.engine.trades
    assert (trade.buyer.account, trade.seller.account) == ("alice", "bob")
    (of_alice,), (of_bob,) = await alice.fetch_my_trades(BTC), await bob.fetch_my_trades(BTC)
    assert (of_alice["side"], of_alice["takerOrMaker"], of_alice["order"]) == ("buy", "maker", made["id"])
    assert (of_bob["side"], of_bob["takerOrMaker"], of_bob["order"]) == ("sell", "taker", taken["id"])
    assert of_alice["id"] == of_bob["id"] == (await alice.fetch_trades(BTC))[-1]["id"]
    assert (of_alice["fee"]["currency"], of_bob["fee"]["currency"]) == ("BTC", "USDT")


@pytest.mark.parametrize(
    ("mode", "statuses"),
    [("EXPIRE_MAKER", ("EXPIRED_IN_MATCH", "NEW")), ("EXPIRE_TAKER", ("NEW", "EXPIRED_IN_MATCH")),
     ("EXPIRE_BOTH", ("EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"))],
)  # fmt: skip
async def test_an_account_does_not_trade_with_itself(alice, exchange, mode, statuses) -> None:
    price = float((await touch(alice))[0])
    exchange.set_quotes(MARKET, is_quoting=False)
    exchange.clock.advance(1)
    first = await alice.create_order(BTC, "limit", "buy", 0.01, price)
    second = await alice.create_order(BTC, "limit", "sell", 0.01, price, {"selfTradePreventionMode": mode})
    orders = {order["id"]: order["info"]["status"] for order in await alice.fetch_orders(BTC)}
    assert (orders[first["id"]], orders[second["id"]]) == statuses
    engine = exchange.venue.engine
    assert (engine.self_matches, engine.prevented_matches, engine.trades) == (0, 1, [])


ILLEGAL = "Illegal characters found in parameter '%s'; legal range is '^%s$'."
POOR = "Account has insufficient balance for requested action."
NEW_ORDER = {
    "symbol": MARKET,
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "30000",
}
REFUSALS = [
    ({"quantity": "5"}, -2010, POOR, ccxt.InsufficientFunds),
    ({"price": "30000.001"}, -1013, "Filter failure: PRICE_FILTER", ccxt.InvalidOrder),
    ({"quantity": "0.000011"}, -1013, "Filter failure: LOT_SIZE", ccxt.InvalidOrder),
    ({"quantity": "0.0001"}, -1013, "Filter failure: NOTIONAL", ccxt.BadRequest),
    ({"symbol": "BTCEUR"}, -1121, "Invalid symbol.", ccxt.BadSymbol),
    ({"symbol": None}, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
     ccxt.BadRequest),
    ({"side": "HOLD"}, -1117, "Invalid side.", ccxt.BadRequest),
    ({"type": "LIMITED"}, -1116, "Invalid orderType.", ccxt.BadRequest),
    ({"type": "STOP_LOSS"}, -1013, "Stop loss orders are not supported for this symbol.", ccxt.BadRequest),
    ({"timeInForce": "GTX"}, -1115, "Invalid timeInForce.", ccxt.BadRequest),
    ({"timeInForce": None}, -1102, "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed.",
     ccxt.BadRequest),
    ({"price": None}, -1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed.",
     ccxt.BadRequest),
    ({"price": "-1"}, -1100, ILLEGAL % ("price", r"([0-9]{1,20})(\.[0-9]{1,20})?"), ccxt.BadRequest),
    ({"price": "30000.123456789"}, -1111, "Parameter 'price' has too much precision.", ccxt.BadRequest),
    ({"quoteOrderQty": "10"}, -1106, "Parameter 'quoteOrderQty' sent when not required.", ccxt.BadRequest),
    ({"type": "MARKET"}, -1106, "Parameter 'timeInForce' sent when not required.", ccxt.BadRequest),
    ({"type": "MARKET", "timeInForce": None, "price": None, "quantity": None}, -1102,
     "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!", ccxt.BadRequest),
    ({"newClientOrderId": "no spaces"}, -1100, ILLEGAL % ("newClientOrderId", r"[a-zA-Z0-9\-_]{1,36}"),
     ccxt.BadRequest),
    ({"selfTradePreventionMode": "NONE"}, -1013,
     "This symbol does not allow the specified self-trade prevention mode.", ccxt.BadRequest),
    ({"colour": "red"}, -1104, "Not all sent parameters were read; read '8' parameter(s) but was sent '9'.",
     ccxt.BadRequest),
    ({"recvWindow": "60001"}, -1131, "recvWindow must be less than 60000.", ccxt.ExchangeError),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "msg", "error"), REFUSALS)
async def test_a_refused_order_gets_the_words_of_the_real_exchange_and_changes_nothing(
    signed, alice, exchange, changes, code, msg, error
) -> None:
    before = dict(exchange.venue.engine.accounts["bob"].balances())
    status, body = await signed("POST", "order", key="bob-key", **{**NEW_ORDER, **changes})
    assert (status, body) == (400, {"code": code, "msg": msg})
    assert exchange.venue.engine.accounts["bob"].balances() == before
    assert not exchange.venue.engine.accounts["bob"].orders
    with pytest.raises(error):
        alice.handle_errors(400, "", "http://127.0.0.1:1/api/v3/order", "POST", {}, str(body), body, {}, None)


async def test_the_id_of_an_open_order_cannot_be_used_twice(alice) -> None:
    order = await rest(alice, clientOrderId="once")
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        await rest(alice, clientOrderId="once")
    await alice.cancel_order(order["id"], BTC)
    assert (await rest(alice, clientOrderId="once"))["status"] == "open"


@pytest.mark.parametrize(
    ("changes", "status", "code", "msg"),
    [
        ({"secret": "guess"}, 400, -1022, "Signature for this request is not valid."),
        ({"key": "nobody-key"}, 401, -2015, "Invalid API-key, IP, or permissions for action."),
        ({"key": "no key!"}, 401, -2014, "API-key format invalid."),
        ({"timestamp": None}, 400, -1102,
         "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."),
    ],
)  # fmt: skip
async def test_a_call_that_is_not_signed_as_it_must_be_is_refused(signed, changes, status, code, msg) -> None:
    assert await signed("GET", "account", **changes) == (status, {"code": code, "msg": msg})


@pytest.mark.parametrize(
    ("offset_ms", "window", "msg"),
    [(-5_000, None, None), (-5_001, None, "Timestamp for this request is outside of the recvWindow."),
     (-5_001, 6_000, None), (-11, 10.5, "Timestamp for this request is outside of the recvWindow."),
     (999, None, None), (1_000, None, "Timestamp for this request was 1000ms ahead of the server's time.")],
)  # fmt: skip
async def test_a_timestamp_counts_within_its_window(signed, wall, offset_ms, window, msg) -> None:
    status, body = await signed("GET", "openOrders", timestamp=wall.now_ms + offset_ms, recvWindow=window)
    assert (status, body) == ((200, []) if msg is None else (400, {"code": -1021, "msg": msg}))


async def test_a_call_without_key_or_signature_is_refused(server) -> None:
    for headers, status, code in (({}, 401, -2014), ({"X-MBX-APIKEY": "alice-key"}, 400, -1102)):
        async with server.get("/api/v3/account", headers=headers) as response:
            assert (response.status, (await response.json())["code"]) == (status, code)


async def test_ccxt_tells_a_wrong_secret_from_an_old_timestamp(alice, wall) -> None:
    alice.secret = "other"
    with pytest.raises(ccxt.AuthenticationError):
        await alice.fetch_balance()
    alice.secret = "alice-secret"
    alice.nonce = lambda: wall.now_ms - 60_000
    with pytest.raises(ccxt.InvalidNonce):
        await alice.fetch_balance()


async def test_the_signature_is_over_query_and_body_as_sent(server, wall, exchange) -> None:
    query = f"symbol={MARKET}&side=BUY&type=LIMIT&newClientOrderId=%6Dixed"
    body = f"timeInForce=GTC&quantity=0.01&price=30000&timestamp={wall.now_ms}"
    sent = signature(signed_payload(query.encode(), body.encode()), "alice-secret").upper()
    headers = {"X-MBX-APIKEY": "alice-key", "Content-Type": "application/x-www-form-urlencoded"}
    for payload, status in ((f"{body}&signature={sent}", 200), (f"{body}0&signature={sent}", 400)):
        url = URL(f"{server.make_url('/api/v3/order')}?{query}", encoded=True)
        async with server.session.post(url, data=payload, headers=headers) as response:
            assert response.status == status
    assert list(exchange.venue.engine.accounts["alice"].by_client_id) == ["mixed"]


def test_the_example_of_the_documentation_is_signed_as_it_says() -> None:
    query = b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
    query += b"&timestamp=1499827319559"
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    expected = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    assert signature(signed_payload(query, b""), secret) == expected
    assert signed_payload(query + b"&signature=" + expected.encode(), b"") == query


async def test_a_test_order_is_checked_and_not_placed(signed, exchange) -> None:
    assert await signed("POST", "order/test", **NEW_ORDER) == (200, {})
    status, body = await signed("POST", "order/test", **{**NEW_ORDER, "price": "0.001"})
    assert (status, body["code"]) == (400, -1013)
    _, rates = await signed("POST", "order/test", **NEW_ORDER, computeCommissionRates="true")
    assert rates["standardCommissionForOrder"]["taker"] == "0.00100000"
    assert not exchange.venue.engine.accounts["alice"].orders


@pytest.mark.parametrize(("detail", "last"), [("ACK", "transactTime"), ("RESULT", "selfTradePreventionMode")])
async def test_an_answer_tells_as_much_as_it_is_asked_to(signed, detail, last) -> None:
    _, body = await signed("POST", "order", **NEW_ORDER, newOrderRespType=detail)
    assert list(body)[-1] == last


async def test_a_post_only_order_is_only_acknowledged_unless_asked(signed) -> None:
    order = {name: value for name, value in NEW_ORDER.items() if name != "timeInForce"} | {"type": "LIMIT_MAKER"}
    _, body = await signed("POST", "order", **order)
    assert set(body) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    assert len(body["clientOrderId"]) == 22


async def test_orders_count_until_they_fill(alice, signed, exchange) -> None:
    exchange.limits.orders_per_10s = 3
    for _ in range(5):
        await alice.create_order(BTC, "market", "buy", 0.001)
    for _ in range(3):
        await rest(alice)
    assert alice.last_response_headers["X-MBX-ORDER-COUNT-10S"] == "3"
    with pytest.raises(ccxt.DDoSProtection, match="-1015"):
        await rest(alice)
    status, body = await signed("POST", "order", **NEW_ORDER)
    told = {"code": -1015, "msg": "Too many new orders; current limit is 3 orders per 10 SECOND."}
    assert (status, body) == (429, told)
    wait_s = int(signed.headers["Retry-After"])
    assert 1 <= wait_s <= 10
    exchange.clock.advance(wait_s)
    signed_again = await signed("POST", "order", **NEW_ORDER, recvWindow=60_000)
    assert signed_again[0] == 200 and signed.headers["X-MBX-ORDER-COUNT-10S"] == "1"


async def test_too_much_weight_is_refused_until_the_minute_is_over_and_banned_when_it_goes_on(server, exchange) -> None:
    exchange.limits.weight_per_minute = 45
    statuses, waits = [], []
    for _ in range(14):
        async with server.get("/api/v3/exchangeInfo") as response:
            statuses.append(response.status)
            waits.append(int(response.headers.get("Retry-After", 0)))
            body = await response.json()
    assert statuses == [200, 200, *[429] * 10, 418, 418]
    assert 0 < waits[2] <= 60 and waits[-1] == 120 and body["code"] == -1003
    exchange.clock.advance(120)
    async with server.get("/api/v3/exchangeInfo") as response:
        assert response.status == 200 and response.headers["X-MBX-USED-WEIGHT-1M"] == "20"
        limits = (await response.json())["rateLimits"]
    assert [(row["rateLimitType"], row["limit"]) for row in limits] == [
        ("REQUEST_WEIGHT", 45), ("ORDERS", 100), ("ORDERS", 200_000),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("route", "query", "code"),
    [("myTrades", {"orderId": 1, "startTime": 1}, -1128), ("myTrades", {"fromId": 1, "endTime": 1}, -1128),
     ("myTrades", {"startTime": 1, "endTime": 86_400_002}, -1127),
     ("allOrders", {"startTime": 1, "endTime": 86_400_002}, -1127),
     ("order", {}, -1102), ("order", {"orderId": 5}, -2013)],
)  # fmt: skip
async def test_a_question_that_cannot_be_answered_is_refused(signed, route, query, code) -> None:
    status, body = await signed("GET", route, symbol=MARKET, **query)
    assert (status, body["code"]) == (400, code)


@pytest.mark.parametrize("restriction", ["ONLY_NEW", "ONLY_PARTIALLY_FILLED", "NEVER"])
async def test_a_cancellation_can_be_for_new_orders_only(signed, restriction) -> None:
    _, order = await signed("POST", "order", **NEW_ORDER)
    status, body = await signed(
        "DELETE", "order", symbol=MARKET, orderId=order["orderId"], cancelRestrictions=restriction
    )
    expected = {"ONLY_NEW": (200, None), "ONLY_PARTIALLY_FILLED": (400, -2011), "NEVER": (400, -1145)}[restriction]
    assert (status, body.get("code")) == expected


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "127.0.0.1@example.org", ""])
async def test_a_request_under_another_name_than_loopback_is_refused(server, host) -> None:
    async with server.get("/api/v3/ping", headers={"Host": host}) as response:
        assert response.status == 403 and set(await response.json()) == {"code", "msg"}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8642", "127.0.0.1:1", "[::1]:99"])
async def test_loopback_may_be_called_by_any_of_its_names(server, host) -> None:
    async with server.get("/api/v3/ping", headers={"Host": host}) as response:
        assert response.status == 200
