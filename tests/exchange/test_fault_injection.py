"""Where faults meet requests: what is carried out, what is answered, and what is left when the faults are over."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from octobot_volume_booster.offline_exchange.server.__main__ import main
from octobot_volume_booster.offline_exchange.server.engine.clock import ExchangeClock
from octobot_volume_booster.offline_exchange.server.engine.venue import Venue
from octobot_volume_booster.offline_exchange.server.faults.injection import FaultInjection
from octobot_volume_booster.offline_exchange.server.faults.script import FaultsError
from octobot_volume_booster.offline_exchange.server.market.price_path import PricePath
from octobot_volume_booster.offline_exchange.server.rest.exchange import Exchange
from octobot_volume_booster.offline_exchange.server.rest.query import Query
from octobot_volume_booster.offline_exchange.server.rest.routes import Call, DroppedError, Reply

START_TIME = 1_700_000_000
PATH = PricePath(7, START_TIME)
ACCEPTED = {"orderId": 1}


class Rehearsal:
    """An exchange that carries out what reaches it, and a clock that runs only while somebody waits."""

    def __init__(self) -> None:
        self.now_ms = START_TIME * 1_000
        self.venue = Venue(PATH)
        self.venue.engine.open_account("alice")
        self.venue.engine.pay_in("alice", "USDT", Decimal(1_000))
        self.carried_out: list[Call] = []
        self.reply = Reply(ACCEPTED)
        clock = ExchangeClock(lambda: self.now_ms / 1_000)
        self.faults = FaultInjection(Exchange(self.venue, clock, ()), sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1_000)

    async def _carry(self, call: Call) -> Reply:
        self.carried_out.append(call)
        return self.reply

    async def request(self, method: str = "POST", path: str = "/api/v3/order", **values: str) -> Reply:
        call = Call(method, path, Query(values), self.now_ms, "127.0.0.1", "alice")
        return await self.faults(call, self._carry)


@pytest.fixture
def exchange() -> Rehearsal:
    return Rehearsal()


async def test_without_faults_every_request_is_carried_out_and_its_answer_given(exchange) -> None:
    assert await exchange.request() is exchange.reply
    assert len(exchange.carried_out) == 1


@pytest.mark.parametrize("kind", ["rate_limited", "banned", "server_error", "rejected"])
async def test_a_refused_request_is_not_carried_out(exchange, kind) -> None:
    exchange.faults.set_script([{"kind": kind, "times": 1}])
    assert (await exchange.request()).status >= 400
    assert not exchange.carried_out
    assert (await exchange.request()).body == ACCEPTED


@pytest.mark.parametrize(("kind", "carried_out"), [("disconnected", 0), ("answer_lost", 1)])
async def test_a_connection_is_dropped_before_or_after(exchange, kind, carried_out) -> None:
    exchange.faults.set_script([{"kind": kind}])
    with pytest.raises(DroppedError):
        await exchange.request()
    assert len(exchange.carried_out) == carried_out


async def test_an_error_after_acceptance_hides_that_it_was_carried_out(exchange) -> None:
    exchange.faults.set_script([{"kind": "server_error_after"}])
    reply = await exchange.request()
    assert (reply.status, reply.body["code"]) == (503, -1007)
    assert len(exchange.carried_out) == 1


@pytest.mark.parametrize(("kind", "carried_out_ms"), [("slow_answer", 0), ("late_acceptance", 2_500)])
async def test_a_wait_comes_before_or_after_the_exchange_acts(exchange, kind, carried_out_ms) -> None:
    began_ms = exchange.now_ms
    exchange.faults.set_script([{"kind": kind, "delay_s": 2.5}])
    await exchange.request()
    assert exchange.now_ms == began_ms + 2_500
    assert exchange.carried_out[0].now_ms == began_ms + carried_out_ms


async def test_the_clock_that_is_shown_is_off_and_the_exchange_keeps_its_own(exchange) -> None:
    exchange.faults.set_script([{"kind": "clock_skew", "offset_ms": -3_000}])
    await exchange.request()
    assert exchange.carried_out[0].shown_ms == exchange.now_ms - 3_000
    assert exchange.carried_out[0].now_ms == exchange.now_ms


async def test_only_good_answers_are_changed(exchange) -> None:
    exchange.faults.set_script([{"kind": "empty_book"}, {"kind": "stale_ticker"}])
    exchange.reply = Reply({"code": -1121, "msg": "Invalid symbol.", "bids": [1]}, 400)
    assert await exchange.request("GET", "/api/v3/ticker/bookTicker") is exchange.reply
    assert exchange.reply.body["bids"] == [1]


async def test_looking_at_a_request_does_not_count_as_reading_it(exchange) -> None:
    exchange.faults.set_script([{"kind": "rejected", "symbol": "ETHUSDT"}])
    await exchange.request(symbol="BTCUSDT")
    assert not exchange.carried_out[0].query.read


async def test_a_market_maker_is_gone_while_the_fault_lasts_whatever_is_asked(exchange) -> None:
    fault = {"kind": "market_maker_gone", "symbol": "BTCUSDT", "from_ms": 1_000, "until_ms": 2_000}
    exchange.faults.set_script([fault])
    gone = []
    for _ in range(4):
        await exchange.request("GET", "/api/v3/account")
        gone.append(set(exchange.venue.without_quotes))
        exchange.now_ms += 700
    assert gone == [set(), set(), {"BTCUSDT"}, set()]


async def test_clearing_brings_back_the_market_makers_of_the_faults_and_no_other(exchange) -> None:
    exchange.venue.without_quotes.add("ETHUSDT")
    exchange.faults.set_script([{"kind": "market_maker_gone", "symbol": "BTCUSDT"}])
    await exchange.request()
    assert exchange.venue.without_quotes == {"BTCUSDT", "ETHUSDT"}
    exchange.faults.clear()
    assert exchange.venue.without_quotes == {"ETHUSDT"}


async def test_a_script_begins_when_it_is_set_and_a_bad_one_leaves_the_old_one(exchange) -> None:
    exchange.faults.set_script({"seed": 5, "faults": [{"kind": "rejected", "from_ms": 500}]})
    with pytest.raises(FaultsError, match=r"faults\[0\].symbol must be one of BTCUSDT, ETHUSDT, not 'DOGEUSDT'."):
        exchange.faults.set_script([{"kind": "rejected", "symbol": "DOGEUSDT"}])
    assert (await exchange.request()).status == 200
    exchange.now_ms += 500
    assert (await exchange.request()).status == 400
    assert exchange.faults.plan.seed == 5


async def test_a_drift_and_new_rules_are_there_before_the_request_that_they_strike(exchange) -> None:
    drift: dict[str, Any] = {"kind": "balance_drift", "asset": "USDT", "amount": "-400", "requests": ["*"]}
    exchange.faults.set_script([drift, {"kind": "changed_rules", "minimum_notional_quote": "50"}])
    await exchange.request()
    await exchange.request()
    assert exchange.venue.engine.accounts["alice"].free["USDT"] == 600
    assert exchange.venue.engine.rules["BTCUSDT"].minimum_notional_quote == 50


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[{"kind": "rejected", "symbol": "DOGEUSDT"}]',
            "faults[0].symbol must be one of BTCUSDT, ETHUSDT, not 'DOGEUSDT'.",
        ),
        ("[", "it is not JSON in UTF-8"),
    ],
)
def test_the_server_does_not_start_with_a_script_that_it_cannot_use(tmp_path, capsys, text, problem) -> None:
    script = tmp_path / "faults.json"
    script.write_text(text, encoding="utf-8")
    assert main(["--port", "0", "--faults", str(script)]) == 2
    told = capsys.readouterr().err
    assert problem in told and str(script) in told and "Traceback" not in told
