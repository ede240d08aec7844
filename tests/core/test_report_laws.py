"""Laws of the report: money exact, the fields of the contract, and the state that the events tell."""

from __future__ import annotations

import datetime
import json
import pathlib
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.decision.control import STOP
from octobot_volume_booster.core.model.basics import OrderType, Role, Side, Trading
from octobot_volume_booster.core.model.formats import money
from octobot_volume_booster.core.model.orders import Fill, OrderIntent
from octobot_volume_booster.core.settings.schema import parse_settings
from octobot_volume_booster.journal import journal as journals
from octobot_volume_booster.reporting.report import CampaignReport, read_report

CONTRACT_FIELDS = [
    "state", "reason", "trading", "octobot_version", "exchanges", "symbols", "seed", "restarts",
    "target_quote", "filled_quote", "remaining_quote",
    "orders", "fills", "cancelled", "rejected", "open_orders", "buys", "sells", "maker_share",
    "fees_quote", "slippage_quote", "cost_quote", "cost_bps", "imbalance", "started_at", "ended_at", "runtime_s",
]  # fmt: skip
OUR_FIELDS = [
    "target_scope", "target_period", "bought_quote", "sold_quote", "success_rate", "rate_quote_per_hour", "eta_s",
    "realised_pnl_quote", "inventory_quote", "inventory", "days", "currency", "markets",
    "estimated_fees_quote", "spent_before_resumes_quote", "pending_commands", "taker_filled_quote", "deadline_at",
    "schedule_gap_quote", "end_of_campaign", "inventory_stays",
    "cost_at_fill_bps", "arrival_cost_bps", "cost_per_million_quote", "markout_bps",
    "cost_parts", "all_in_cost_quote", "net_result_quote", "unmeasured_quote", "old_kind_quote", "cost_kind",
]  # fmt: skip
MONEY_FIELDS = [name for name in CONTRACT_FIELDS if name.endswith(("_quote", "_bps"))]
SOURCE = "binance BTC/USDT"
BEGAN_AT = 1_700_000_000.0


@LAW
@given(st.integers(-(10**27), 10**27).flatmap(lambda n: st.integers(-27, 3).map(lambda e: Decimal(n).scaleb(e))))
@example(Decimal("1E+3"))
@example(Decimal("-0.00"))
@example(Decimal("0E-8"))
def test_money_is_the_exact_amount_with_at_least_two_decimals(amount: Decimal) -> None:
    text = money(amount)
    assert Decimal(text) == amount
    assert "e" not in text.lower()
    assert len(text.partition(".")[2]) >= 2


@pytest.mark.parametrize(
    ("amount", "text"),
    [("2000", "2000.00"), ("0", "0.00"), ("1.5", "1.50"), ("2.3100", "2.31"), ("1E+3", "1000.00"),
     ("0.00000012", "0.00000012"), ("-0.1", "-0.10")],
)  # fmt: skip
def test_money_reads_like_money(amount: str, text: str) -> None:
    assert money(Decimal(amount)) == text


def a_campaign(path: pathlib.Path, target: str = "2000") -> Campaign:
    campaign = Campaign.open(path)
    campaign.begin(BEGAN_AT, Trading.SIMULATION, 7, "2.1.1", SOURCE)
    campaign.use(parse_settings({"volume_target": target}), BEGAN_AT)
    return campaign


def buy(campaign: Campaign, order_id: str, quantity: str, at: float) -> None:
    """A market buy at 100 with a mid of 99.9 and a fee of 0.1 %, filled whole."""
    price, mid, base = Decimal(100), Decimal("99.9"), Decimal(quantity)
    campaign.place(order_id, "binance", "BTC/USDT", OrderIntent(Side.BUY, OrderType.MARKET, base, price, mid), at)
    fee = base * price / 1_000
    campaign.fill(Fill(f"{order_id}:1", order_id, at, Side.BUY, Role.TAKER, base, price, fee, mid, mid_at_fill=mid))


def report_of(path: pathlib.Path, campaign: Campaign) -> CampaignReport:
    campaign.close_journal()
    report = read_report(path)
    assert report is not None
    return report


def test_the_json_has_the_fields_of_the_contract_and_then_ours(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    campaign = a_campaign(path)
    buy(campaign, "a", "15", BEGAN_AT + 5)
    buy(campaign, "b", "5", BEGAN_AT + 14.24)
    campaign.note(BEGAN_AT + 15, journals.DONE, SOURCE, "reached")
    told = json.loads(json.dumps(report_of(path, campaign).to_json(BEGAN_AT + 999)))
    assert list(told) == CONTRACT_FIELDS + OUR_FIELDS
    assert all(isinstance(told[name], str) for name in MONEY_FIELDS)
    assert told | {"state": "done", "reason": None, "trading": "simulation", "exchanges": ["binance"]} == told
    assert told | {"symbols": ["BTC/USDT"], "seed": 7, "restarts": 0, "orders": 2, "fills": 2, "buys": 2} == told
    assert told | {"target_quote": "2000.00", "filled_quote": "2000.00", "remaining_quote": "0.00"} == told
    assert told | {"fees_quote": "2.00", "slippage_quote": "2.00", "cost_quote": "4.00", "cost_bps": "20.00"} == told
    assert told | {"cost_at_fill_bps": "20.0000", "arrival_cost_bps": "20.0000", "cost_kind": "at_fill"} == told
    assert told | {"cost_per_million_quote": "2000.00", "unmeasured_quote": "0.00"} == told
    assert sum(map(Decimal, told["cost_parts"].values())) == Decimal(told["all_in_cost_quote"]) == 4
    assert Decimal(told["net_result_quote"]) == -4
    assert told["markout_bps"]["taker"] == {"1": None, "10": None, "60": None}
    assert told | {"imbalance": 1.0, "maker_share": 0.0, "runtime_s": 15.0} == told
    assert told | {"rate_quote_per_hour": "720000.00", "success_rate": 1.0, "eta_s": None, "days": []} == told
    assert told | {"realised_pnl_quote": "0.00", "inventory_quote": "2000.00"} == told
    assert told["inventory"] == [
        {"exchange": "binance", "symbol": "BTC/USDT", "base": "20.00", "average_price": "100.00",
         "value_quote": "2000.00", "realised_pnl_quote": "0.00"},
    ]  # fmt: skip
    assert datetime.datetime.fromisoformat(told["started_at"]).timestamp() == BEGAN_AT
    assert datetime.datetime.fromisoformat(told["ended_at"]).timestamp() == BEGAN_AT + 15


STATES = [
    ([], "running", None),
    ([(journals.WAIT, "no price")], "running", "no price"),
    ([(journals.WAIT, "no price"), (journals.GO, "")], "running", None),
    ([(journals.ERROR, "missing funds")], "running", "missing funds"),
    ([(journals.HALT, "loss limit")], "halted", "loss limit"),
    ([(STOP, "by a person")], "stopped", "by a person"),
    ([(STOP, "by a person"), (journals.START, "again")], "running", None),
    ([(journals.HALT, "loss limit"), (journals.START, "again")], "running", None),
    ([(journals.HALT, "loss limit"), (STOP, "OctoBot stopped the mode")], "halted", "loss limit"),
]


@pytest.mark.parametrize(("events", "state", "reason"), STATES, ids=["+".join(e[0] for e in s[0]) for s in STATES])
def test_the_state_is_what_the_events_tell(
    tmp_path: pathlib.Path, events: list[tuple[str, str]], state: str, reason: str | None
) -> None:
    path = tmp_path / "campaign.sqlite"
    campaign = a_campaign(path)
    for number, (kind, why) in enumerate(events, start=1):
        campaign.note(BEGAN_AT + number, kind, SOURCE, why)
    report = report_of(path, campaign)
    assert (report.state, report.reason) == (state, reason)
    assert (report.ended_at is None) == (state == "running")


@pytest.mark.parametrize("kind", [journals.WAIT, journals.HALT, STOP, journals.ERROR])
def test_a_reached_target_is_done_whatever_came_after(tmp_path: pathlib.Path, kind: str) -> None:
    path = tmp_path / "campaign.sqlite"
    campaign = a_campaign(path)
    buy(campaign, "a", "20", BEGAN_AT + 5)
    campaign.note(BEGAN_AT + 9, kind, SOURCE, "something")
    report = report_of(path, campaign)
    assert (report.state, report.reason, report.ended_at) == ("done", None, BEGAN_AT + 5)


def test_every_start_of_the_same_symbol_after_its_first_is_a_restart(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    for _ in range(3):
        campaign = a_campaign(path)
        campaign.begin(BEGAN_AT + 1, Trading.SIMULATION, 99, "2.1.1", "binance ETH/USDT")
        campaign.close_journal()
    report = read_report(path)
    assert report is not None
    assert (report.restarts, report.seed) == (2, 7)


def test_a_journal_in_which_nothing_has_begun_has_no_report(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    Campaign.open(path).close_journal()
    assert read_report(path) is None


def test_a_file_that_is_no_journal_is_told_by_its_name(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    with pytest.raises(journals.JournalError, match="no campaign in"):
        read_report(path)
    path.write_text("this is no database, but it is long enough to be looked at as one " * 20)
    with pytest.raises(journals.JournalError, match=r"campaign\.sqlite"):
        read_report(path)


def test_one_halted_market_of_two_is_told_and_the_campaign_goes_on(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    campaign = a_campaign(path)
    campaign.note(BEGAN_AT + 1, journals.START, "binance ETH/USDT", "OctoBot 2.1.1, seed 7")
    campaign.note(BEGAN_AT + 2, journals.HALT, "binance ETH/USDT", "too much was lost")
    report = read_report(path)
    assert report is not None
    assert (report.state, report.reason) == ("running", "too much was lost")
    campaign.note(BEGAN_AT + 3, journals.HALT, SOURCE, "so it was here")
    report = report_of(path, campaign)
    assert report.state == "halted"
    assert report.reason == "binance BTC/USDT: so it was here; binance ETH/USDT: too much was lost"


def test_what_one_of_two_markets_waits_for_is_not_told_of_the_campaign(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    campaign = a_campaign(path)
    campaign.note(BEGAN_AT + 1, journals.START, "binance ETH/USDT", "OctoBot 2.1.1, seed 7")
    campaign.note(BEGAN_AT + 2, journals.WAIT, "binance ETH/USDT", "it has its share")
    report = report_of(path, campaign)
    assert (report.state, report.reason) == ("running", None)
