"""Laws of the check at the last moment: what was decided is let through, and nothing else."""

from __future__ import annotations

import json
import urllib.parse
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from octobot_volume_booster.adapters.venues import VENUES
from octobot_volume_booster.adapters.venues.binance import VENUE as BINANCE
from octobot_volume_booster.adapters.venues.record import ClientId, IdForm
from octobot_volume_booster.adapters.venues.wire import (
    Request,
    Tolerances,
    UnreadableRequestError,
    WireOrder,
    differences,
)
from octobot_volume_booster.core.model.basics import OrderType, Side

URL = "https://exchange.example/api/v3/order"
STEPS = st.sampled_from([Decimal(text) for text in ("1e-8", "0.00001", "0.5", "1", "10", "1000")])
COUNTS = st.integers(1, 10**6)


@st.composite
def orders(draw: st.DrawFn) -> tuple[WireOrder, Tolerances]:
    tick, step = draw(STEPS), draw(STEPS)
    is_limit, by_quote = draw(st.booleans()), draw(st.booleans())
    side = draw(st.sampled_from(Side))
    by_quote = by_quote and not is_limit and side is Side.BUY
    amount = draw(COUNTS) * step
    order = WireOrder(
        client_id=draw(st.text("abc123", min_size=1)),
        market_id="BTCUSDT",
        side=side,
        order_type=OrderType.LIMIT if is_limit else OrderType.MARKET,
        quantity=None if by_quote else amount,
        quote_quantity=amount if by_quote else None,
        price=draw(COUNTS) * tick if is_limit else None,
        is_post_only=is_limit and draw(st.booleans()),
    )
    return order, Tolerances(tick, step, step if by_quote else None)


def binance_form(order: WireOrder) -> dict[str, str]:
    """The order as Binance's documentation writes it."""
    kinds = {
        (OrderType.MARKET, False): "MARKET",
        (OrderType.LIMIT, False): "LIMIT",
        (OrderType.LIMIT, True): "LIMIT_MAKER",
    }
    form = {
        "symbol": order.market_id,
        "side": order.side.value.upper(),
        "type": kinds[order.order_type, order.is_post_only],
        "newClientOrderId": order.client_id,
        "quantity": None if order.quantity is None else f"{order.quantity:f}",
        "quoteOrderQty": None if order.quote_quantity is None else f"{order.quote_quantity:f}",
        "price": None if order.price is None else f"{order.price:f}",
        "signature": "00ff",
    }
    return {key: value for key, value in form.items() if value is not None}


def request(form: dict[str, str]) -> Request:
    return Request("POST", URL, urllib.parse.urlencode(form))


@given(orders())
def test_what_was_decided_is_let_through(case: tuple[WireOrder, Tolerances]) -> None:
    order, tolerances = case
    assert not differences(order, BINANCE.read_order(request(binance_form(order))), tolerances)


@given(orders(), st.data())
def test_one_other_field_is_seen(case: tuple[WireOrder, Tolerances], data: st.DataObject) -> None:
    order, tolerances = case
    form = binance_form(order)
    name = data.draw(st.sampled_from(sorted(set(form) - {"signature"})))
    other = data.draw(other_values(name, form[name], tolerances))
    changed = {**form, name: other}
    try:
        is_seen = bool(differences(order, BINANCE.read_order(request(changed)), tolerances))
    except UnreadableRequestError:
        is_seen = True
    assert is_seen, f"{name} {form[name]} left as {other}"


def other_values(name: str, value: str, tolerances: Tolerances) -> st.SearchStrategy[str]:
    words: dict[str, list[str]] = {
        "side": ["BUY", "SELL", "buy", ""],
        "type": ["MARKET", "LIMIT", "LIMIT_MAKER", "STOP_LOSS"],
        "symbol": ["ETHUSDT", "", "btcusdt"],
        "newClientOrderId": ["", "x-another", f"{value}1"],
    }
    if name in words:
        return st.sampled_from([word for word in words[name] if word != value])
    step = tolerances.price_tick if name == "price" else tolerances.quantity_step
    factors = st.sampled_from([Decimal(2), Decimal(10), Decimal(60_000)])
    steps = st.integers(1, 1000).map(lambda count: count * step)
    changed = st.one_of(
        factors.map(lambda factor: Decimal(value) * factor), steps.map(lambda more: Decimal(value) + more)
    )
    return st.one_of(changed.map(str), st.sampled_from(["NaN", "Infinity", "", "1,5"]))


@given(orders(), st.sampled_from(["stopPrice", "icebergQty", "trailingDelta", "strategyId", "anything"]))
def test_a_field_that_nobody_has_looked_at_is_refused(case: tuple[WireOrder, Tolerances], name: str) -> None:
    with pytest.raises(UnreadableRequestError, match=name):
        BINANCE.read_order(request({**binance_form(case[0]), name: "1"}))


@given(orders())
def test_less_than_a_step_is_no_difference_and_a_step_is_one(case: tuple[WireOrder, Tolerances]) -> None:
    order, tolerances = case
    assume(order.quantity is not None)
    assert order.quantity is not None
    step = tolerances.quantity_step
    near, far = order.quantity + step * Decimal("0.99"), order.quantity + step
    assert not differences(order, replace(order, quantity=near), tolerances)
    assert differences(order, replace(order, quantity=far), tolerances) == [
        f"quantity {far:f} instead of {order.quantity:f}"
    ]


def test_a_parameter_that_stands_twice_is_refused() -> None:
    with pytest.raises(UnreadableRequestError, match="twice"):
        BINANCE.read_order(Request("POST", URL, "symbol=BTCUSDT&symbol=ETHUSDT"))


@pytest.mark.parametrize("body", ["", "not json", "[]", json.dumps({"a": 1})])
def test_an_unexpected_body_is_no_order(body: str) -> None:
    for venue in VENUES.values():
        if not venue.refused:
            with pytest.raises(UnreadableRequestError):
                venue.read_order(Request("POST", "https://exchange.example/x", body))


@given(st.integers(1_600_000_000_000, 2_000_000_000_000), st.integers(0, 16**32 - 1))
def test_ids_fit_their_form_and_come_back(time_ms: int, random: int) -> None:
    noise = f"{random:032x}"
    for form, longest in [
        (IdForm.ALPHANUMERIC, 32),
        (IdForm.ALPHANUMERIC, 26),
        (IdForm.UUID, 36),
        (IdForm.HEX_128, 34),
    ]:
        client_id = ClientId(form, longest, prefix="t-")
        new = client_id.new(time_ms, noise)
        assert len(new) <= longest
        assert client_id.read_back(client_id.on_the_wire(new)) == new
        assert client_id.read_back(None) == ""
    assert ClientId(IdForm.HEX_128).new(time_ms, noise).startswith("0x")


@given(st.lists(st.integers(0, 16**32 - 1), min_size=2, max_size=50, unique_by=lambda one: one >> 76))
def test_ids_of_one_moment_differ(noises: list[int]) -> None:
    for form in IdForm:
        ids = [ClientId(form, 26).new(1_700_000_000_000, f"{noise:032x}") for noise in noises]
        assert len(set(ids)) == len(ids)


def test_every_exchange_writes_down_its_own_id() -> None:
    assert all(name == venue.ccxt_id for name, venue in VENUES.items())
    assert all(venue.refused or venue.proven for venue in VENUES.values())
