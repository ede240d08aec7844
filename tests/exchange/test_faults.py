"""Scripted faults: what a script may say, which requests it hits, and what a hit does. Properties first."""

from __future__ import annotations

import json
import pathlib
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import octobot_volume_booster.offline_exchange as offline_exchange
from octobot_volume_booster.offline_exchange.server.engine.clock import ExchangeClock
from octobot_volume_booster.offline_exchange.server.engine.orders import Kind, Reason, RefusedError, Request, Side
from octobot_volume_booster.offline_exchange.server.engine.venue import Venue
from octobot_volume_booster.offline_exchange.server.faults.effects import (
    AnswerChanges,
    act_on,
    check_against,
    clock_offset_ms,
    refusal,
    withdrawn_markets,
)
from octobot_volume_booster.offline_exchange.server.faults.script import (
    KINDS,
    ORDER,
    SCENARIOS,
    FaultHit,
    FaultKind,
    FaultSchedule,
    FaultsError,
    RequestInfo,
    parse_faults,
    parse_script,
)
from octobot_volume_booster.offline_exchange.server.market.price_path import PricePath
from octobot_volume_booster.offline_exchange.server.rest.exchange import Exchange

START_TIME = 1_700_000_000
NOW_MS = START_TIME * 1_000 + 5_000
PATH = PricePath(7, START_TIME)
OF_MARKETS = (FaultKind.CHANGED_RULES, FaultKind.MARKET_MAKER_GONE)
NEEDED: dict[FaultKind, dict[str, Any]] = {
    FaultKind.CHANGED_RULES: {"minimum_notional_quote": "50"},
    FaultKind.BALANCE_DRIFT: {"asset": "USDT", "amount": "-1000"},
    FaultKind.CLOCK_SKEW: {"offset_ms": 5000},
}
OWN_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "delay_s": st.floats(0.001, 3_600),
    "retry_after_s": st.none() | st.integers(0, 86_400),
    "status": st.integers(500, 599),
    "code": st.none() | st.integers(-9_999, -1),
    "message": st.text(min_size=1),
    "share": st.floats(0.001, 1),
    "side": st.sampled_from(["bids", "asks", "both"]),
    "asset": st.sampled_from(["BTC", "USDT"]),
    "amount": st.sampled_from(["-5", "0.00000001", "1E+3"]),
    "offset_ms": st.integers(-10_000, -1) | st.integers(1, 10_000),
    "tick_quote": st.sampled_from(["0.1", "1"]),
    "step_base": st.sampled_from(["0.001", "1"]),
    "minimum_notional_quote": st.sampled_from(["10", "0.5"]),
}
COMMON_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "requests": st.lists(st.sampled_from(["*", ORDER, "GET /api/v3/*", "* /api/v3/order"]), min_size=1, max_size=3),
    "account": st.none() | st.sampled_from(["alice", "bob"]),
    "symbol": st.none() | st.sampled_from(["BTCUSDT", "ETHUSDT"]),
    "after": st.integers(0, 5),
    "times": st.none() | st.integers(1, 5),
    "probability": st.floats(0.01, 1),
    "from_ms": st.integers(0, 3_000),
    "until_ms": st.none() | st.integers(3_001, 9_000),
}


@st.composite
def scripted(draw: st.DrawFn) -> dict[str, Any]:
    """One fault of a script, with any of its keys."""
    kind = draw(st.sampled_from(FaultKind))
    values = COMMON_VALUES | {key: OWN_VALUES[key] for key in KINDS[kind].parameters}
    chosen = draw(st.fixed_dictionaries({}, optional=values))
    return {"kind": kind.value, **NEEDED.get(kind, {}), **chosen}


requests = st.lists(
    st.builds(
        RequestInfo,
        st.sampled_from(["GET", "POST", "DELETE"]),
        st.sampled_from(["/api/v3/order", "/api/v3/myTrades", "/api/v3/account", "/api/v3/depth"]),
        st.integers(NOW_MS, NOW_MS + 10_000),
        st.sampled_from([None, "alice", "bob"]),
        st.sampled_from([None, "BTCUSDT", "ETHUSDT"]),
    ),
    max_size=30,
)
scripts = st.lists(scripted(), max_size=4)


def one(kind: FaultKind, **values: Any) -> FaultHit:
    """A hit of a fault with the values that it needs."""
    return FaultHit(0, parse_faults([{"kind": kind.value, **NEEDED.get(kind, {}), **values}])[0])


def orders(count: int, **values: Any) -> list[RequestInfo]:
    return [RequestInfo("POST", "/api/v3/order", NOW_MS, **values) for _ in range(count)]


@given(scripts, requests, st.integers(0, 99))
def test_the_same_script_seed_and_requests_give_the_same_hits(script, asked, seed) -> None:
    faults = parse_faults(script)
    first, second = FaultSchedule(faults, seed, NOW_MS), FaultSchedule(faults, seed, NOW_MS)
    assert [first.hits_of(request) for request in asked] == [second.hits_of(request) for request in asked]
    assert first.to_json() == second.to_json()


@given(scripted(), scripted(), requests)
def test_a_fault_hits_the_same_requests_whatever_others_there_are(script, other, asked) -> None:
    (fault,), (neighbour,) = parse_faults([script]), parse_faults([other])
    assume(fault != neighbour)
    alone, beside = FaultSchedule([fault], 3, NOW_MS), FaultSchedule([neighbour, fault], 3, NOW_MS)
    for request in asked:
        struck_beside = any(hit.index == 1 for hit in beside.hits_of(request))
        assert bool(alone.hits_of(request)) == struck_beside


@given(st.integers(0, 6), st.none() | st.integers(1, 6), st.integers(0, 15))
def test_so_many_are_skipped_and_then_so_many_are_hit(after, times, count) -> None:
    plan = FaultSchedule(parse_faults([{"kind": "answer_lost", "after": after, "times": times}]))
    struck = [bool(plan.hits_of(request)) for request in orders(count)]
    last = count if times is None else after + times
    assert struck == [after <= number < last for number in range(count)]


@given(scripts, requests)
def test_no_request_is_hit_that_a_fault_does_not_match(script, asked) -> None:
    plan = FaultSchedule(parse_faults(script), 0, NOW_MS)
    for request in asked:
        for hit in plan.hits_of(request):
            fault = hit.fault
            assert fault.account in (None, request.account)
            assert fault.kind in OF_MARKETS or fault.symbol in (None, request.symbol)
            since_ms = request.at_ms - NOW_MS
            assert fault.from_ms <= since_ms < (fault.until_ms or since_ms + 1)


@given(scripts)
def test_a_script_survives_json(script) -> None:
    faults = parse_faults(script)
    assert parse_faults(json.loads(json.dumps([fault.to_json() for fault in faults]))) == faults


def test_a_probability_hits_about_so_often_and_a_seed_decides_which() -> None:
    faults = parse_faults([{"kind": "answer_lost", "times": None, "probability": 0.3}])
    struck = [
        [bool(plan.hits_of(request)) for request in orders(1_000)]
        for plan in (FaultSchedule(faults, seed) for seed in (1, 2))
    ]
    assert all(250 < sum(one) < 350 for one in struck)
    assert struck[0] != struck[1]


def test_two_equal_faults_in_one_script_draw_for_themselves() -> None:
    plan = FaultSchedule(parse_faults([{"kind": "answer_lost", "times": None, "probability": 0.5}] * 2))
    struck = [{hit.index for hit in plan.hits_of(request)} for request in orders(50)]
    assert {0} in struck and {1} in struck


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("*", True), ("POST /api/v3/order", True), ("POST /api/v3/*", True), ("* /api/v3/order", True),
        ("GET /api/v3/order", False), ("POST /api/v3/orders", False), ("POST /api/v3", False),
    ],
)  # fmt: skip
def test_a_pattern_names_method_and_path(pattern, matches) -> None:
    plan = FaultSchedule(parse_faults([{"kind": "rejected", "requests": [pattern]}]))
    assert bool(plan.hits_of(orders(1)[0])) == matches


def test_the_schedule_shows_how_far_it_has_come() -> None:
    plan = FaultSchedule(parse_faults([{"kind": "rejected", "after": 1, "times": 1}]), seed=5)
    for request in orders(3):
        plan.hits_of(request)
    shown = plan.to_json()
    assert shown["seed"] == 5
    assert (shown["faults"][0]["seen"], shown["faults"][0]["struck"]) == (3, 1)


def test_a_script_may_be_a_list_an_object_with_a_seed_or_a_name() -> None:
    listed = [{"kind": "answer_lost"}]
    assert parse_script(listed) == (parse_faults(listed), None)
    assert parse_script({"seed": 9, "faults": listed}) == (parse_faults(listed), 9)
    for name in SCENARIOS:
        assert parse_script(name) == (parse_faults(SCENARIOS[name]), None)
        assert len(parse_script({"seed": 1, "faults": name})[0]) == len(SCENARIOS[name]) > 0


NAMES = "lossy_network, overloaded, unreliable_history"
SCRIPT_PROBLEMS = [
    (7, [f"faults must be a list or one of {NAMES}, not 7."]),
    ("storm", [f"faults must be a list or one of {NAMES}, not 'storm'."]),
    ({"faults": [], "sed": 1}, ["sed is not known here; known are seed, faults."]),
    ({"faults": [], "seed": -1}, ["seed must be a whole number from 0 to 9007199254740992, not -1."]),
    (["answer_lost"], ["faults[0] must be an object, not 'answer_lost'."]),
    ([{"kind": "slow_answer", "delay": 3}], ["faults[0].delay is not known here; known are kind, "]),
    ([{"kind": "answer_lost", "delay_s": 3}], ["faults[0].delay_s is not known here; known are kind, "]),
    ([{"kind": "rejected", "from_ms": 5, "until_ms": 5}], ["faults[0].until_ms must be above from_ms."]),
    ([{"kind": "balance_drift"}], ["faults[0].asset is missing.", "faults[0].amount is missing."]),
    ([{"kind": "changed_rules"}], ["faults[0] must have one of tick_quote, step_base, minimum_notional_quote."]),
    (
        [{"kind": "rejected", "account": ""}, {"kind": "flood"}],
        ["faults[0].account must be a text, not ''.", "faults[1].kind must be one of answer_lost, "],
    ),
]
VALUE_PROBLEMS = [
    (FaultKind.SLOW_ANSWER, "delay_s", 0, "a number of seconds above 0 and at most 3600"),
    (FaultKind.SLOW_ANSWER, "delay_s", None, "a number of seconds above 0 and at most 3600"),
    (FaultKind.LATE_FILLS, "delay_s", "5", "a number of seconds above 0 and at most 3600"),
    (FaultKind.REJECTED, "times", 0, "a whole number from 1 to 9007199254740992"),
    (FaultKind.REJECTED, "after", True, "a whole number from 0 to 9007199254740992"),
    (FaultKind.REJECTED, "after", None, "a whole number from 0 to 9007199254740992"),
    (FaultKind.REJECTED, "probability", 1.5, "a number above 0 and at most 1"),
    (FaultKind.REJECTED, "requests", ORDER, f"a list of requests such as '{ORDER}'"),
    (FaultKind.REJECTED, "requests", ["order"], f"a list of requests such as '{ORDER}'"),
    (FaultKind.REJECTED, "requests", [], f"a list of requests such as '{ORDER}'"),
    (FaultKind.REJECTED, "message", 5, "a text"),
    (FaultKind.RATE_LIMITED, "retry_after_s", -1, "a whole number from 0 to 86400"),
    (FaultKind.SERVER_ERROR, "status", 404, "a whole number from 500 to 599"),
    (FaultKind.SERVER_ERROR, "code", 5, "a whole number from -9999 to -1"),
    (FaultKind.EMPTY_BOOK, "side", "left", "bids, asks or both"),
    (FaultKind.BALANCE_DRIFT, "amount", 0.1, "a decimal in quotation marks, other than 0"),
    (FaultKind.BALANCE_DRIFT, "amount", "NaN", "a decimal in quotation marks, other than 0"),
    (FaultKind.CHANGED_RULES, "step_base", "-1", "a decimal in quotation marks, above 0"),
    (FaultKind.BALANCE_DRIFT, "amount", "0", "a decimal in quotation marks, other than 0"),
    (FaultKind.CLOCK_SKEW, "offset_ms", 0, "a whole number of milliseconds other than 0"),
]


@pytest.mark.parametrize(("script", "problems"), SCRIPT_PROBLEMS)
def test_every_problem_of_a_script_is_shown_with_its_key(script, problems) -> None:
    with pytest.raises(FaultsError) as refused:
        parse_faults(script)
    assert len(refused.value.problems) == len(problems)
    for shown, expected in zip(refused.value.problems, problems, strict=True):
        assert shown.startswith(expected)
        assert shown.endswith(".")


@pytest.mark.parametrize(("kind", "key", "value", "right"), VALUE_PROBLEMS)
def test_an_invalid_value_is_shown_with_what_would_be_right(kind, key, value, right) -> None:
    with pytest.raises(FaultsError) as refused:
        one(kind, **{key: value})
    assert refused.value.problems == (f"faults[0].{key} must be {right}, not {value!r}.",)


def new_exchange() -> Exchange:
    """One account, alice, with 1,000 USDT; its clock stands still."""
    venue = Venue(PATH)
    venue.engine.open_account("alice")
    venue.engine.pay_in("alice", "USDT", Decimal(1_000))
    return Exchange(venue, ExchangeClock(lambda: NOW_MS / 1_000), ())


@pytest.fixture
def exchange() -> Exchange:
    return new_exchange()


def test_faults_that_do_not_fit_the_exchange_are_shown_with_their_key(exchange) -> None:
    script = [
        {"kind": "rejected", "symbol": "DOGEUSDT"},
        {"kind": "balance_drift", "asset": "DOGE", "amount": "1"},
        {"kind": "changed_rules", "tick_quote": "0.0000000000000000001"},
        {"kind": "rejected", "symbol": "BTCUSDT"},
    ]
    with pytest.raises(FaultsError) as refused:
        check_against(exchange, parse_faults(script))
    assert [problem.split(" ")[0] for problem in refused.value.problems] == [
        "faults[0].symbol", "faults[1].asset", "faults[2].kind",
    ]  # fmt: skip


REFUSALS = [
    (FaultKind.RATE_LIMITED, {}, 429, -1003, {}),
    (FaultKind.RATE_LIMITED, {"retry_after_s": 7, "code": -1015}, 429, -1015, {"Retry-After": "7"}),
    (FaultKind.BANNED, {}, 418, -1003, {"Retry-After": "120"}),
    (FaultKind.REJECTED, {}, 400, -2010, {}),
    (FaultKind.SERVER_ERROR_AFTER, {}, 503, -1007, {}),
]


@pytest.mark.parametrize(("kind", "values", "status", "code", "headers"), REFUSALS)
def test_a_refusal_speaks_as_the_real_exchange_does(kind, values, status, code, headers) -> None:
    shown = refusal(one(kind, **values).fault)
    assert (shown.status, shown.body["code"], shown.headers) == (status, code, headers)
    assert set(shown.body) == {"code", "msg"}


def test_a_server_error_without_a_code_is_a_plain_text() -> None:
    shown = refusal(one(FaultKind.SERVER_ERROR).fault)
    assert (shown.status, shown.body) == (500, "Internal Server Error")


fills = st.lists(st.integers(1, 10_000), unique=True, max_size=12).map(
    lambda ids: [
        {"id": number, "orderId": number // 3, "time": NOW_MS - 7 * (10_000 - number)} for number in sorted(ids)
    ]
)


def changed(hit: FaultHit, rows: Any, at_ms: int = NOW_MS, seed: int = 0, path: str = "/api/v3/myTrades") -> Any:
    return AnswerChanges(seed).apply([hit], RequestInfo("GET", path, at_ms, symbol="BTCUSDT"), rows)


@given(fills, st.floats(0.01, 1), st.integers(0, 9))
def test_duplicates_add_nothing_that_was_not_there(rows, share, seed) -> None:
    shown = changed(one(FaultKind.DUPLICATE_FILLS, share=share), rows, seed=seed)
    assert list({row["id"]: row for row in shown}.values()) == rows
    assert len(rows) <= len(shown) <= 2 * len(rows)


@given(fills, st.floats(0.01, 1), st.integers(0, 9), st.integers(0, 100_000))
def test_late_fills_all_come_in_the_end_and_never_go_again(rows, share, seed, later_ms) -> None:
    hit = one(FaultKind.LATE_FILLS, share=share, delay_s=20)
    now, later, in_the_end = (changed(hit, rows, NOW_MS + since_ms, seed) for since_ms in (0, later_ms, 20_000))
    assert all(row in rows for row in now)
    assert all(row in later for row in now)
    assert in_the_end == rows


def test_an_older_fill_may_come_later_than_a_newer_one() -> None:
    rows = [{"id": number, "orderId": 1, "time": NOW_MS} for number in range(20)]
    shown = [row["id"] for row in changed(one(FaultKind.LATE_FILLS, share=0.5), rows)]
    hidden = set(range(20)) - set(shown)
    assert hidden and min(hidden) < max(shown)


@given(fills, st.integers(0, 9))
def test_shuffled_fills_are_the_same_fills_in_a_wrong_order(rows, seed) -> None:
    shown = changed(one(FaultKind.SHUFFLED_FILLS), rows, seed=seed)
    assert sorted(shown, key=lambda row: row["id"]) == rows
    assert shown != rows or len(rows) < 2


def test_a_stale_answer_is_the_first_one_of_its_route_and_market() -> None:
    changes, hit = AnswerChanges(), one(FaultKind.STALE_TICKER)
    bitcoin = RequestInfo("GET", "/api/v3/ticker/price", NOW_MS, symbol="BTCUSDT")
    ether = RequestInfo("GET", "/api/v3/ticker/price", NOW_MS, symbol="ETHUSDT")
    assert changes.apply([hit], bitcoin, {"price": "1"}) == {"price": "1"}
    assert changes.apply([hit], ether, {"price": "2"}) == {"price": "2"}
    assert changes.apply([hit], bitcoin, {"price": "3"}) == {"price": "1"}


BOOK = {"lastUpdateId": 1, "bids": [["99", "1"], ["98", "2"]], "asks": [["101", "3"], ["102", "4"]]}
TICKER = {"symbol": "BTCUSDT", "bidPrice": "99", "bidQty": "1", "askPrice": "101", "askQty": "3", "lastPrice": "100"}


def test_a_crossed_book_bids_above_what_it_asks() -> None:
    shown = changed(one(FaultKind.CROSSED_BOOK), BOOK)
    assert (shown["bids"], shown["asks"]) == ([["101", "1"], ["98", "2"]], [["99", "3"], ["102", "4"]])
    assert changed(one(FaultKind.CROSSED_BOOK), [TICKER]) == [{**TICKER, "bidPrice": "101", "askPrice": "99"}]


@pytest.mark.parametrize("side", ["bids", "asks", "both"])
def test_an_empty_book_has_nothing_on_its_side(side) -> None:
    hit = one(FaultKind.EMPTY_BOOK, side=side)
    book, ticker = changed(hit, BOOK), changed(hit, TICKER)
    for key, price in (("bids", "bidPrice"), ("asks", "askPrice")):
        is_empty = side in (key, "both")
        assert book[key] == ([] if is_empty else BOOK[key])
        assert ticker[price] == ("0.00000000" if is_empty else TICKER[price])


def test_changed_rules_hold_in_the_engine_at_once(exchange) -> None:
    request = Request("BTCUSDT", Side.BUY, Kind.LIMIT, Decimal("0.001"), Decimal(50_000))
    exchange.submit("alice", request, NOW_MS)
    hit = one(FaultKind.CHANGED_RULES, minimum_notional_quote="60", symbol="BTCUSDT")
    act_on(exchange, [hit], RequestInfo("GET", "/api/v3/depth", NOW_MS, symbol="BTCUSDT"))
    with pytest.raises(RefusedError) as refused:
        exchange.submit("alice", request, NOW_MS)
    assert refused.value.reason is Reason.NOTIONAL
    assert exchange.venue.engine.rules["ETHUSDT"].minimum_notional_quote == 5


@given(st.decimals(-5_000, 5_000, places=8).filter(bool))
def test_balance_drift_moves_what_is_free_and_never_below_nothing(amount) -> None:
    exchange = new_exchange()
    hit = one(FaultKind.BALANCE_DRIFT, amount=str(amount))
    act_on(exchange, [hit], RequestInfo("GET", "/api/v3/account", NOW_MS, account="alice"))
    assert exchange.venue.engine.accounts["alice"].free["USDT"] == max(1_000 + amount, 0)
    assert exchange.venue.engine.surplus("USDT") == 0


def test_the_market_maker_is_gone_from_the_markets_of_the_strike_only(exchange) -> None:
    gone = withdrawn_markets(exchange, [one(FaultKind.MARKET_MAKER_GONE, symbol="BTCUSDT"), one(FaultKind.REJECTED)])
    assert gone == {"BTCUSDT"}
    exchange.set_quotes("BTCUSDT", is_quoting=False)
    assert not exchange.venue.book("BTCUSDT", NOW_MS, 5).bids
    assert exchange.venue.book("ETHUSDT", NOW_MS, 5).bids


def test_skews_of_the_clock_add_up() -> None:
    assert clock_offset_ms([one(FaultKind.CLOCK_SKEW), one(FaultKind.CLOCK_SKEW, offset_ms=-200)]) == 4_800
    assert clock_offset_ms([one(FaultKind.REJECTED)]) == 0


@given(scripted())
def test_an_answer_without_rows_or_levels_is_left_as_it_is(script) -> None:
    hit = FaultHit(0, parse_faults([script])[0])
    assert changed(hit, {"code": -1, "msg": "no"}) == {"code": -1, "msg": "no"}
    assert changed(hit, []) == []


def documented_rows() -> dict[str, str]:
    """The rows of the table of faults in the documentation, by kind."""
    text = (pathlib.Path(str(offline_exchange.__path__[0])) / "resources" / "faults.md").read_text(encoding="utf-8")
    return {match[1]: match[0] for match in re.finditer(r"^\| `(\w+)` \| `\{.*$", text, re.MULTILINE)}


def test_the_documentation_has_one_row_for_each_kind() -> None:
    assert list(documented_rows()) == [kind.value for kind in FaultKind]


@pytest.mark.parametrize("kind", FaultKind, ids=lambda kind: kind.value)
def test_the_example_in_the_documentation_is_a_script_of_that_kind(kind) -> None:
    cells = documented_rows()[kind.value].split(" | ")
    assert len(cells) == 6 and all(cell.strip("| ") for cell in cells)
    (example,) = re.findall(r"`(\{.*?\})`", cells[1])
    assert [fault.kind for fault in parse_faults([json.loads(example)])] == [kind]
