"""The control interface: the exchange's exact books, and what no exchange would let a client do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from octobot_volume_booster.offline_exchange.server.rest.api import create_app

BTC = "BTC/USDT"
PATHS = ("clock", "tape", "orders", "accounts", "deposit", "rules", "quotes")


async def get(server: TestClient, route: str, **query: str) -> Any:
    async with server.get(f"/control/{route}", params=query) as response:
        assert response.status == 200
        return await response.json()


async def post(server: TestClient, route: str, **body: Any) -> tuple[int, Any]:
    async with server.post(f"/control/{route}", json=body) as response:
        return response.status, await response.json()


async def test_the_clock_moves_forward_on_demand_and_resting_orders_fill_on_the_way(server, alice, wall) -> None:
    bid = (await alice.fetch_order_book(BTC))["bids"][0][0]
    order = await alice.create_order(BTC, "limit", "buy", 0.001, bid)
    before = await get(server, "clock")
    status, after = await post(server, "clock", advance_seconds=900)
    assert status == 200 and after["now_ms"] - before["now_ms"] == after["offset_ms"] == 900_000
    assert await alice.fetch_time() == after["now_ms"] == wall.now_ms + 900_000
    orders = await get(server, "orders", account="alice")
    assert [(row["order_id"], row["status"]) for row in orders["orders"]] == [(int(order["id"]), "FILLED")]


async def test_the_tape_has_every_trade_with_both_parties_and_exact_amounts(server, alice, bob) -> None:
    order = await alice.create_order(BTC, "market", "buy", 0.7, params={"clientOrderId": "mine"})
    await bob.create_order(BTC, "market", "sell", 0.1)
    tape = await get(server, "tape")
    of_alice = (await get(server, "tape", account="alice"))["trades"]
    assert len(tape["trades"]) > len(of_alice) > 1
    assert sum(Decimal(trade["notional_quote"]) for trade in of_alice) == Decimal(order["info"]["cummulativeQuoteQty"])
    for trade in of_alice:
        assert Decimal(trade["price_quote"]) * Decimal(trade["quantity_base"]) == Decimal(trade["notional_quote"])
        buyer = trade["buyer"]
        assert (buyer["account"], buyer["client_order_id"], buyer["fee_asset"]) == ("alice", "mine", "BTC")
        assert trade["seller"]["account"] == "market maker" and not trade["is_self_match"]
    assert (tape["self_matches"], tape["prevented_matches"]) == (0, 0)
    assert (await get(server, "tape", symbol="ETHUSDT"))["trades"] == []


async def test_the_books_balance_whatever_is_traded_and_paid_in(server, alice) -> None:
    await alice.create_order(BTC, "market", "buy", 0.3)
    await alice.create_order(BTC, "limit", "sell", 0.1, 90_000)
    await post(server, "deposit", account="alice", asset="USDT", amount="-12.34")
    books = await get(server, "accounts")
    assert set(books["accounts"]) == {"alice", "bob"} and books["accounts"]["alice"]["BTC"]["locked"] == "0.10000000"
    assert {Decimal(surplus) for surplus in books["surplus"].values()} == {Decimal(0)}


async def test_a_deposit_changes_the_balance_that_a_client_sees(server, alice) -> None:
    before = (await alice.fetch_balance())["USDT"]["free"]
    assert (await post(server, "deposit", account="alice", asset="USDT", amount="-0.5"))[0] == 200
    assert (await alice.fetch_balance())["USDT"]["free"] == before - 0.5


async def test_changed_rules_hold_for_the_next_order_and_are_announced(server, alice) -> None:
    assert (await post(server, "rules", symbol="BTCUSDT", minimum_notional_quote="500"))[0] == 200
    markets = await alice.load_markets(reload=True)
    assert markets[BTC]["limits"]["cost"]["min"] == 500
    with pytest.raises(Exception, match="NOTIONAL"):
        await alice.create_order(BTC, "limit", "buy", 0.01, 30_000)
    assert (await get(server, "rules"))["BTCUSDT"]["minimum_notional_quote"] == "500"


async def test_the_market_maker_leaves_and_returns_with_the_next_second(server, alice) -> None:
    assert (await alice.fetch_order_book(BTC))["bids"]
    for quoting in (False, True):
        assert (await post(server, "quotes", symbol="BTCUSDT", quoting=quoting))[1]["BTCUSDT"] is quoting
        await post(server, "clock", advance_seconds=1)
        book, ticker = await alice.fetch_order_book(BTC), await alice.fetch_ticker(BTC)
        assert bool(book["bids"]) is bool(book["asks"]) is bool(ticker["bid"]) is quoting


@pytest.mark.parametrize(
    ("route", "body", "told"),
    [("clock", {"advance_seconds": -1}, "advance_seconds must be a number from 0 to 86400."),
     ("clock", {"seconds": 1}, "the body must be a JSON object with advance_seconds."),
     ("deposit", {"account": "carol", "asset": "BTC", "amount": "1"}, "account must be one of alice, bob."),
     ("deposit", {"account": "bob", "asset": "DOGE", "amount": "1"}, "asset must be one of BTC, ETH, USDT."),
     ("deposit", {"account": "bob", "asset": "BTC", "amount": "much"},
      'amount must be a decimal in quotation marks such as "0.01".'),
     ("deposit", {"account": "bob", "asset": "BTC", "amount": "-5"}, "bob has less than 5 BTC free."),
     ("deposit", {"account": "bob", "asset": "BTC", "amount": "0.000000001"},
      "amount must have at most eight decimals."),
     ("rules", {"symbol": "BTCUSDT", "tick_quote": "0"}, "BTCUSDT: tick_quote must be above 0."),
     ("rules", {"symbol": "BTCEUR", "tick_quote": "1"}, "symbol must be one of BTCUSDT, ETHUSDT."),
     ("quotes", {"symbol": "BTCUSDT", "quoting": "no"}, "quoting must be true or false.")],
)  # fmt: skip
async def test_bad_input_is_refused_in_a_sentence_that_says_what_would_be_right(server, route, body, told) -> None:
    assert await post(server, route, **body) == (400, {"code": -1130, "msg": told})


async def test_a_body_that_is_no_object_is_refused(server) -> None:
    for text in ("[]", "{", "\xff"):
        body, headers = text.encode("latin-1"), {"Content-Type": "application/json"}
        async with server.post("/control/clock", data=body, headers=headers) as response:
            assert response.status == 400 and "JSON object" in (await response.json())["msg"]


async def test_without_the_option_there_is_no_control_interface(exchange) -> None:
    async with TestClient(TestServer(create_app(exchange))) as server:
        for path in PATHS:
            async with server.get(f"/control/{path}") as response:
                assert response.status == 404


async def test_secrets_are_nowhere_to_be_read(server) -> None:
    for path in ("accounts", "orders", "tape"):
        assert "secret" not in str(await get(server, path))
