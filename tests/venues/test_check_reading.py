"""What a check tells that only asks: that all is well where it is, and what an exchange does wrong, by its name."""

from __future__ import annotations

import json
import pathlib
import typing
from collections.abc import Callable
from decimal import Decimal

import ccxt
import pytest

from octobot_volume_booster.checks import reading
from octobot_volume_booster.checks.cases import Cases
from octobot_volume_booster.checks.secrets import Secrets
from octobot_volume_booster.core.planning.account_checks import Row, all_work

from .checked import BTC, Checked, CheckedBinance, Turn, fails_at, knob, untold, with_a_trade
from .contract import contract

PRIVATE = {"balances", "open orders", "unknown id", "own trades"}


async def test_where_all_is_well_all_is_ok_and_nothing_but_questions_has_left(checked: Checked) -> None:
    checked.fake.have_traded()
    assert await checked.read(BTC, "DOGE/USDT")
    assert all(row.ok for row in checked.rows.values()), checked.rows
    assert set(checked.rows) >= {"connection", "clock", f"market {BTC}", "market DOGE/USDT", "wire", "keys", *PRIVATE}
    assert not checked.changes()
    assert "0.01" in checked.rows[f"market {BTC}"].text and "5" in checked.rows[f"market {BTC}"].text


def other_order(checked: Checked) -> None:
    checked.fake.shows_for_any_id = checked.fake.have_traded()


READING: dict[str, tuple[Turn, str, str]] = {
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
    "trades that are not told": (
        fails_at("fetch_my_trades", ccxt.ArgumentsRequired("emulated")), "own trades", "does not report the trades",
    ),
    "a fee that is not told": (with_a_trade(fee_in="none"), "own trades", "1 without a fee"),
    "trades without ids": (untold("id"), "own trades", "2 without an id"),
    "trades of no order": (untold("order"), "own trades", "2 without the id of their order"),
    "trades without a time": (untold("timestamp"), "own trades", "2 without a time"),
    "an order that has none of its trades": (
        with_a_trade(hides_trades_of_orders=True), "own trades", "is not among those of its order",
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


async def test_on_every_exchange_orders_would_leave_as_they_are_decided(any_exchange: Checked) -> None:
    row = await reading.wire(any_exchange.questions)
    assert row.ok, row
    assert not any_exchange.changes() and not any_exchange.exchange.fake.orders


async def test_on_every_exchange_the_own_trades_tell_what_is_counted_by(any_exchange: Checked) -> None:
    any_exchange.exchange.fake.take(
        client_id="earlier", base="BTC", side="buy", kind="market", quantity=Decimal("0.001")
    )
    row = await reading.own_trades(any_exchange.questions)
    assert row.ok, row
    assert not any_exchange.changes()


async def test_on_every_exchange_an_id_that_nobody_has_is_not_found(any_exchange: Checked) -> None:
    row = await reading.unknown_id(any_exchange.questions)
    assert row.ok, row
    assert ("no proof" in row.text) is not any_exchange.exchange.venue.lookup.is_conclusive
