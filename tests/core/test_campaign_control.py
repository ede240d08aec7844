"""Laws of the campaign: one target for all pairs, by the day or for good, and steered from outside."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as with_law
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.campaign.campaign import LOOK_EVERY_S, Campaign
from octobot_volume_booster.core.accounting.ledger import Outcome
from octobot_volume_booster.core.accounting.tallies import DAY_S
from octobot_volume_booster.core.decision.control import (
    EMERGENCY,
    HELD_REASON,
    HOLD,
    PAUSE,
    PAUSED_REASON,
    RESUME,
    STOP,
    UNHOLD,
    Control,
    ControlState,
)
from octobot_volume_booster.core.decision.guards import Halt
from octobot_volume_booster.core.model.basics import OrderType, Role, Side, Trading
from octobot_volume_booster.core.model.orders import Fill, OrderIntent
from octobot_volume_booster.core.settings.schema import Settings, parse_settings
from octobot_volume_booster.journal.bot_lock import LOCK_FILE, running_bot
from octobot_volume_booster.journal.journal import DONE, HALT, TARGET, Journal, JournalError
from octobot_volume_booster.reporting.report import read_report

SOME = with_law(LAW, max_examples=25)
"""For laws that write files."""
MARKETS = tuple(("binance", f"{base}/USDT") for base in ("BTC", "ETH", "SOL", "XRP"))
BTC, ETH, *_ = MARKETS
MIDNIGHT = 20_000.0 * DAY_S
NOON = MIDNIGHT + DAY_S / 2
PRICE = Decimal(100)


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "campaign.sqlite"


def some_settings(**values: Any) -> Settings:
    return parse_settings({"volume_target": 1_000} | values)


def begun(path: pathlib.Path | None, settings: Settings, now: float = NOON) -> Campaign:
    campaign = Campaign.open(path)
    campaign.begin(now, Trading.SIMULATION, 7, "2.1.1", " ".join(BTC), settings)
    campaign.use(settings, now, " ".join(BTC))
    return campaign


def an_intent(notional: Decimal | int) -> OrderIntent:
    return OrderIntent(Side.BUY, OrderType.LIMIT, Decimal(notional) / PRICE, PRICE, PRICE)


def fill_whole(campaign: Campaign, order_id: str, at: float, share: Decimal | int = 1) -> None:
    quantity = campaign.record(order_id).intent.quantity * share
    amounts = quantity, PRICE, Decimal(0), PRICE
    campaign.fill(Fill(f"{order_id} {at}", order_id, at, Side.BUY, Role.TAKER, *amounts))


def trade(campaign: Campaign, order_id: str, notional: int, at: float, market: tuple[str, str] = BTC) -> None:
    campaign.place(order_id, *market, an_intent(notional), at)
    fill_whole(campaign, order_id, at)


def ask(path: pathlib.Path, kind: str, value: str = "") -> None:
    """What the command line does."""
    with contextlib.closing(Journal.create_or_open(path)) as journal:
        journal.add_command(NOON, kind, value)


WISHES = st.lists(
    st.tuples(
        st.sampled_from(MARKETS),
        st.sampled_from(("reserve", "fill", "part", "cancel", "refuse")),
        st.integers(1, 600),
    ),
    max_size=30,
)


@LAW
@given(WISHES, st.integers(1, 2_000), st.integers(1, 60), st.sampled_from(("total", "pair")))
def test_however_many_pairs_reserve_at_one_moment_the_target_is_not_passed_by_more_than_the_minimum(
    wishes: list[tuple[tuple[str, str], str, int]], target: int, minimum: int, scope: str
) -> None:
    """Every pair decides on what it saw before the others reserved: here each wants whatever it likes."""
    settings = some_settings(volume_target=target, target_scope=scope)
    campaign = begun(None, settings)
    for number, (market, what, amount) in enumerate(wishes):
        before = campaign.progress_for(settings, *market, NOON)
        if what == "reserve":
            campaign.reserve(str(number), *market, an_intent(amount), NOON, Decimal(minimum))
        elif orders := campaign.open_order_ids(*market):
            settle(campaign, orders[amount % len(orders)], what, number)
        for one in MARKETS:
            progress = campaign.progress_for(settings, *one, NOON)
            assert progress.target_quote - progress.headroom_quote <= target + minimum
        if what in ("cancel", "refuse"):
            after = campaign.progress_for(settings, *market, NOON)
            assert after.open_buy_quote <= before.open_buy_quote
            assert after.headroom_quote == after.remaining_quote - after.open_buy_quote
    campaign.close_journal()


def settle(campaign: Campaign, order_id: str, what: str, number: int) -> None:
    record = campaign.record(order_id)
    if what == "fill":
        amounts = record.open_quantity, PRICE, Decimal(0), PRICE
        campaign.fill(Fill(f"fill {number}", order_id, NOON, Side.BUY, Role.TAKER, *amounts))
    elif what == "part":
        amounts = record.open_quantity / 2, PRICE, Decimal(0), PRICE
        campaign.fill(Fill(f"fill {number}", order_id, NOON, Side.BUY, Role.TAKER, *amounts))
    else:
        campaign.close(order_id, Outcome.CANCELLED if what == "cancel" else Outcome.REJECTED, what, NOON)
        assert campaign.record(order_id).open_quantity == 0


def test_a_reservation_that_no_longer_fits_is_refused_and_not_written_down(path: pathlib.Path) -> None:
    campaign = begun(path, some_settings())
    assert campaign.reserve("first", *BTC, an_intent(990), NOON, Decimal(5)) is True
    assert campaign.reserve("second", *ETH, an_intent(990), NOON, Decimal(5)) is False
    assert campaign.reserve("the rest", *ETH, an_intent(10), NOON, Decimal(5)) is True
    assert campaign.reserve("more", *ETH, an_intent(1), NOON, Decimal(5)) is False
    assert not campaign.knows("second")
    assert campaign.open_order_ids(*ETH) == ["the rest"]
    campaign.close_journal()


def test_the_exchanges_own_ids_lead_back_to_our_orders_of_the_same_exchange_and_symbol(path: pathlib.Path) -> None:
    campaign = begun(path, some_settings())
    for market in (BTC, ETH):
        campaign.place(f"our {market[1]}", *market, an_intent(10), NOON)
        assert campaign.accept(f"our {market[1]}", "1", NOON) is True
        assert campaign.accept(f"our {market[1]}", "1", NOON) is False
    campaign.close_journal()
    campaign = Campaign.open(path)
    assert campaign.order_of("1", *BTC) == "our BTC/USDT"
    assert campaign.order_of("1", *ETH) == "our ETH/USDT"
    assert campaign.order_of("1", "kraken", "BTC/USDT") is None
    assert campaign.exchange_order_id("our ETH/USDT") == "1"
    assert campaign.exchange_order_id("another") is None
    assert campaign.open_order_ids(*BTC) == ["our BTC/USDT"]
    campaign.close_journal()


def test_with_a_target_for_each_pair_one_does_not_take_the_others_headroom() -> None:
    settings = some_settings(target_scope="pair")
    campaign = begun(None, settings)
    trade(campaign, "a", 900, NOON)
    assert campaign.progress_for(settings, *BTC, NOON).headroom_quote == 100
    assert campaign.progress_for(settings, *ETH, NOON).headroom_quote == 1_000
    campaign.close_journal()


def test_a_daily_target_begins_anew_at_midnight_and_keeps_the_days(path: pathlib.Path) -> None:
    settings = some_settings(target_period="daily")
    campaign = begun(path, settings)
    trade(campaign, "a", 1_000, NOON)
    assert campaign.progress_for(settings, *BTC, MIDNIGHT + DAY_S - 1).is_done
    campaign.note(NOON, DONE, " ".join(BTC), "reached")
    today = campaign.progress_for(settings, *BTC, MIDNIGHT + DAY_S)
    assert (today.filled_quote, today.headroom_quote, today.orders) == (0, 1_000, 0)
    trade(campaign, "b", 300, NOON + DAY_S)
    campaign.close_journal()
    report = read_report(path, NOON + DAY_S)
    assert report is not None
    assert (report.state, report.progress.filled_quote, report.is_finished) == ("running", 300, False)
    assert [(day.to_json()["day"], day.progress.filled_quote) for day in report.days] == [
        ("2024-10-04", 1_000),
        ("2024-10-05", 300),
    ]
    before = read_report(path, NOON)
    assert before is not None
    assert (before.state, before.is_finished) == ("done", False)


def test_what_is_open_over_midnight_takes_headroom_of_the_new_day_and_fills_on_the_day_of_the_trade() -> None:
    settings = some_settings(target_period="daily")
    campaign = begun(None, settings)
    campaign.place("a", *BTC, an_intent(800), NOON)
    fill_whole(campaign, "a", NOON, share=Decimal("0.25"))
    tomorrow = NOON + DAY_S
    assert campaign.progress_for(settings, *BTC, tomorrow).headroom_quote == 400
    fill_whole(campaign, "a", tomorrow, share=Decimal("0.5"))
    late = MIDNIGHT + DAY_S - 1
    fill_whole(campaign, "a", late, share=Decimal("0.25"))
    assert campaign.progress_for(settings, *BTC, tomorrow).filled_quote == 400
    assert campaign.progress_for(settings, *BTC, late).filled_quote == 400
    assert campaign.progress(Decimal(1_000)).filled_quote == 800
    campaign.close_journal()


def test_a_target_is_for_all_pairs_or_done_when_each_has_its_own(path: pathlib.Path) -> None:
    settings = some_settings(target_scope="pair")
    campaign = begun(path, settings)
    campaign.begin(NOON, Trading.SIMULATION, 7, "2.1.1", " ".join(ETH), settings)
    trade(campaign, "a", 1_000, NOON)
    campaign.close_journal()
    report = read_report(path)
    assert report is not None
    assert (report.state, report.progress.target_quote, report.progress.filled_quote) == ("running", 2_000, 1_000)
    campaign = begun(path, settings)
    trade(campaign, "b", 1_000, NOON, ETH)
    campaign.close_journal()
    report = read_report(path)
    assert report is not None
    assert (report.state, report.is_finished) == ("done", True)


def test_a_new_target_on_a_finished_campaign_begins_a_new_one_and_keeps_the_old_file(path: pathlib.Path) -> None:
    campaign = begun(path, some_settings())
    trade(campaign, "a", 1_000, NOON)
    campaign.close_journal()
    campaign = Campaign.open(path)
    settings = some_settings(volume_target=3_000)
    aside = campaign.begin(NOON, Trading.SIMULATION, 8, "2.1.1", " ".join(BTC), settings)
    campaign.use(settings, NOON, " ".join(BTC))
    assert aside == path.with_name("campaign-20241004T120000.sqlite")
    assert (campaign.seed, campaign.progress_for(settings, *BTC, NOON).filled_quote) == (8, 0)
    assert campaign.begin(NOON, Trading.SIMULATION, 9, "2.1.1", " ".join(ETH), settings) is None
    campaign.close_journal()
    old = read_report(aside)
    assert old is not None
    assert (old.state, old.seed, old.progress.filled_quote) == ("done", 7, 1_000)


@pytest.mark.parametrize(
    ("before", "after"),
    [({}, {}), ({}, {"seed": 9}), ({"target_period": "daily"}, {"volume_target": 3_000, "target_period": "daily"})],
    ids=["the same settings", "the same target", "a daily target"],
)
def test_a_finished_campaign_stays_with_its_file(
    path: pathlib.Path, before: dict[str, Any], after: dict[str, Any]
) -> None:
    campaign = begun(path, some_settings(**before))
    trade(campaign, "a", 1_000, NOON)
    campaign.close_journal()
    campaign = begun(path, some_settings(**after))
    assert campaign.progress(Decimal(1_000)).filled_quote == 1_000
    assert list(path.parent.glob("campaign-*")) == []
    campaign.close_journal()


def test_a_pause_that_was_asked_of_a_finished_campaign_holds_for_the_new_one(path: pathlib.Path) -> None:
    campaign = begun(path, some_settings())
    trade(campaign, "a", 1_000, NOON)
    campaign.close_journal()
    ask(path, PAUSE)
    for _ in range(2):
        campaign = begun(path, some_settings(volume_target=3_000))
        assert campaign.ledger.markets == ()
        assert campaign.control.state is ControlState.PAUSED
        campaign.close_journal()


def test_an_unfinished_campaign_goes_on_towards_a_new_target(path: pathlib.Path) -> None:
    campaign = begun(path, some_settings())
    trade(campaign, "a", 400, NOON)
    campaign.close_journal()
    settings = some_settings(volume_target=3_000)
    campaign = begun(path, settings)
    assert campaign.progress_for(settings, *BTC, NOON).remaining_quote == 2_600
    campaign.close_journal()


def test_a_finished_campaign_whose_target_is_raised_while_it_runs_goes_on(path: pathlib.Path) -> None:
    campaign = begun(path, some_settings())
    trade(campaign, "a", 1_000, NOON)
    raised = some_settings(volume_target=1_500)
    campaign.use(raised, NOON, " ".join(BTC))
    assert campaign.progress_for(raised, *BTC, NOON).headroom_quote == 500
    campaign.close_journal()


def test_commands_are_taken_up_within_a_quarter_of_a_second_and_once(path: pathlib.Path) -> None:
    settings = some_settings()
    campaign = begun(path, settings)
    assert campaign.take_commands(NOON) == []
    assert campaign.control == Control(ControlState.RUNNING)
    ask(path, PAUSE)
    ask(path, TARGET, "2500.5")
    assert campaign.take_commands(NOON + LOOK_EVERY_S / 2) == []
    assert [command.kind for command in campaign.take_commands(NOON + LOOK_EVERY_S)] == [PAUSE, TARGET]
    assert campaign.take_commands(NOON + 2 * LOOK_EVERY_S) == []
    assert campaign.control.state is ControlState.PAUSED
    assert campaign.progress_for(settings, *BTC, NOON).target_quote == Decimal("2500.5")
    ask(path, RESUME)
    campaign.take_commands(NOON + 9)
    assert campaign.control == Control(ControlState.RUNNING)
    ask(path, STOP)
    campaign.take_commands(NOON + 10)
    assert campaign.control.state is ControlState.STOPPED
    campaign.close_journal()


@pytest.mark.long
@with_law(LAW, max_examples=60)
@given(st.lists(st.sampled_from((PAUSE, RESUME, STOP, TARGET, "restart", "kill")), max_size=10))
def test_a_pause_holds_over_every_restart_and_a_stop_over_none(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    path = tmp_path_factory.mktemp("steered") / "campaign.sqlite"
    campaign, now, wanted, target = begun(path, some_settings()), NOON, ControlState.RUNNING, Decimal(1_000)
    is_paused = False
    for number, step in enumerate(steps):
        now += 1
        if step in ("restart", "kill"):
            if step == "restart":
                campaign.take_commands(now)
            campaign.close_journal()
            campaign = begun(path, some_settings(), now)
            wanted = ControlState.PAUSED if is_paused else ControlState.RUNNING
        else:
            ask(path, step, str(2_000 + number) if step == TARGET else "")
            campaign.take_commands(now)
            is_paused = {PAUSE: True, RESUME: False}.get(step, is_paused)
            is_stopped = wanted is ControlState.STOPPED
            target = Decimal(2_000 + number) if step == TARGET else target
            wanted = {
                PAUSE: ControlState.PAUSED,
                RESUME: ControlState.RUNNING,
                STOP: ControlState.STOPPED,
            }.get(step, wanted)
            wanted = ControlState.STOPPED if is_stopped else wanted
        assert campaign.control.state is wanted
        assert campaign.target_quote(some_settings()) == target
    campaign.close_journal()


def test_what_was_asked_while_no_bot_ran_is_taken_up_at_the_start_but_for_a_stop(path: pathlib.Path) -> None:
    begun(path, some_settings()).close_journal()
    for kind, value in ((PAUSE, ""), (STOP, ""), (TARGET, "700")):
        ask(path, kind, value)
    report = read_report(path)
    assert report is not None
    assert report.progress.target_quote == 700
    campaign = begun(path, some_settings(), NOON + 1)
    assert campaign.control.state is ControlState.PAUSED
    assert campaign.target_quote(some_settings()) == 700
    campaign.close_journal()
    with contextlib.closing(Journal.open_to_read(path)) as journal:
        assert all(is_handled for _, is_handled in journal.commands())


def test_a_stop_is_not_lost_when_another_pair_comes_up_at_the_same_moment(path: pathlib.Path) -> None:
    campaign = begun(path, some_settings())
    ask(path, STOP)
    campaign.begin(NOON, Trading.SIMULATION, 7, "2.1.1", " ".join(ETH), some_settings())
    campaign.take_commands(NOON + 1)
    assert campaign.control.state is ControlState.STOPPED
    campaign.close_journal()


def test_a_campaign_that_reached_a_target_from_outside_stays_done_with_the_same_settings(path: pathlib.Path) -> None:
    campaign = begun(path, some_settings())
    ask(path, TARGET, "1500")
    campaign.take_commands(NOON + 1)
    trade(campaign, "a", 1_500, NOON + 2)
    campaign.close_journal()
    campaign = begun(path, some_settings())
    assert campaign.progress_for(some_settings(), *BTC, NOON).is_done
    assert list(path.parent.glob("campaign-*")) == []
    campaign.close_journal()


def test_a_target_from_outside_holds_until_another_one_is_configured(path: pathlib.Path) -> None:
    campaign = begun(path, some_settings())
    ask(path, TARGET, "700")
    campaign.take_commands(NOON + 1)
    campaign.use(some_settings(max_open_orders=3), NOON + 2, " ".join(BTC))
    assert campaign.target_quote(some_settings()) == 700
    campaign.close_journal()
    campaign = begun(path, some_settings(max_open_orders=3))
    assert campaign.target_quote(some_settings()) == 700
    campaign.use(some_settings(volume_target=900), NOON + 3, " ".join(BTC))
    assert campaign.target_quote(some_settings(volume_target=900)) == 900
    campaign.close_journal()


def test_settings_are_noted_once_for_each_pair(path: pathlib.Path) -> None:
    """Each pair may have other amounts, as the exchange's minimum differs."""
    campaign = begun(path, some_settings())
    of_pair = {" ".join(BTC): some_settings(), " ".join(ETH): some_settings(min_buy_amount=30)}
    for _ in range(3):
        for source, settings in of_pair.items():
            campaign.use(settings, NOON, source)
    assert len(campaign._journal._read("SELECT * FROM settings")) == 2
    campaign.close_journal()


STEERED = [
    ([PAUSE], [], "paused"),
    ([PAUSE, RESUME], [], "running"),
    ([PAUSE], [HALT], "halted"),
    ([PAUSE], [STOP], "stopped"),
    ([HOLD], [], "paused"),
    ([HOLD, PAUSE], [], "paused"),
    ([HOLD, PAUSE, UNHOLD], [], "running"),
    ([HOLD, RESUME], [], "running"),
]


@pytest.mark.parametrize(("asked", "noted", "state"), STEERED, ids=[f"{'+'.join(s[0] + s[1])}" for s in STEERED])
def test_the_report_tells_what_was_asked_for(
    path: pathlib.Path, asked: list[str], noted: list[str], state: str
) -> None:
    campaign = begun(path, some_settings())
    for kind in asked:
        ask(path, kind)
    campaign.take_commands(NOON + 1)
    for kind in noted:
        campaign.note(NOON + 2, kind, " ".join(BTC), "because")
    campaign.close_journal()
    report = read_report(path)
    assert report is not None
    assert report.state == state


@SOME
@given(st.lists(st.sampled_from((PAUSE, RESUME, HOLD, UNHOLD)), max_size=8))
def test_the_report_and_a_restart_know_of_every_row_of_buttons_what_the_bot_does(buttons: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "campaign.sqlite"
        campaign = begun(path, some_settings())
        for button in buttons:
            before = campaign.control
            is_news = campaign.command(button, NOON + 1)
            assert is_news == (campaign.control != before)
        control = campaign.control
        campaign.close_journal()
        report = read_report(path)
        assert report is not None
        assert (report.state, report.reason) == {
            ControlState.RUNNING: ("running", None),
            ControlState.PAUSED: ("paused", PAUSED_REASON),
            ControlState.HELD: ("paused", HELD_REASON),
        }[control.state]
        campaign = begun(path, some_settings())
        assert campaign.control == control
        campaign.close_journal()


STRONGER = [
    ([HOLD, PAUSE], ControlState.HELD),
    ([PAUSE, HOLD], ControlState.HELD),
    ([PAUSE, UNHOLD], ControlState.RUNNING),
    ([EMERGENCY, HOLD, PAUSE, UNHOLD], ControlState.EMERGENCY),
    ([HOLD, EMERGENCY, RESUME], ControlState.RUNNING),
    ([STOP, HOLD, UNHOLD, RESUME], ControlState.STOPPED),
]


@pytest.mark.parametrize(("asked", "state"), STRONGER, ids=[" ".join(asked) for asked, _ in STRONGER])
def test_what_is_weaker_does_not_end_what_is_stronger(asked: list[str], state: ControlState) -> None:
    campaign = begun(None, some_settings())
    for kind in asked:
        campaign.command(kind, NOON + 1)
    assert campaign.control.state is state
    campaign.close_journal()


def test_start_does_not_end_a_halt_and_resume_does() -> None:
    campaign, source = begun(None, some_settings()), " ".join(BTC)
    campaign.halt(NOON, source, Halt("costs", "cost", is_lasting=True))
    campaign.command(UNHOLD, NOON + 1)
    assert campaign.halt_of(source) is not None
    campaign.command(RESUME, NOON + 2)
    assert campaign.halt_of(source) is None
    campaign.close_journal()


def test_a_question_that_the_exchange_has_answered_is_given_up_by_no_later_resume(path: pathlib.Path) -> None:
    campaign, source = begun(path, some_settings()), " ".join(BTC)
    for order_id in ("shown", "hidden"):
        campaign.place(order_id, *BTC, an_intent(10), NOON)
    campaign.ask(NOON, source, ["shown", "hidden"], Halt("where are they?", "unknown_order", is_lasting=True))
    campaign.answered("shown")
    campaign.command(RESUME, NOON + 1)
    campaign.answered("hidden")  # too late: a person has let it go on without this one
    assert [campaign.is_given_up("shown"), campaign.is_given_up("hidden")] == [False, True]
    campaign.close_journal()
    again = Campaign.open(path)
    assert [again.is_given_up("shown"), again.is_given_up("hidden")] == [False, True]
    again.close_journal()


def test_a_halt_that_can_not_be_written_down_holds_and_is_written_as_soon_as_it_can(path: pathlib.Path) -> None:
    campaign, source = begun(path, some_settings()), " ".join(BTC)
    lasting = Halt("it would have left as 60", "wire_check", is_lasting=True)
    campaign._journal._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(JournalError):
        campaign.halt(NOON, source, lasting)
    assert campaign.halt_of(source) == lasting
    campaign._journal._connection.execute("PRAGMA query_only = OFF")
    assert campaign.halt(NOON + 1, source, lasting), "it is told now"
    campaign.close_journal()
    again = Campaign.open(path)
    assert again.halt_of(source) == lasting
    again.close_journal()


def test_a_lost_order_is_found_however_many_of_whatever_market_have_followed(path: pathlib.Path) -> None:
    campaign = begun(path, some_settings())
    for order_id in ("lost long ago", "lost", "ended"):
        campaign.place(order_id, *BTC, an_intent(10), NOON)
    campaign.close("lost long ago", Outcome.LOST, "never shown", NOON - DAY_S)
    campaign.close("lost", Outcome.LOST, "never shown", NOON)
    campaign.close("ended", Outcome.CANCELLED, "", NOON)
    for number in range(5):
        trade(campaign, f"btc {number}", 10, NOON + number)
        trade(campaign, f"eth {number}", 10, NOON + number, ETH)
    found = [row.order.order_id for row in campaign.last_sent(*BTC, 2, NOON - 60)]
    assert found == ["lost", "btc 3", "btc 4"]
    campaign.close_journal()


def test_of_pairs_that_share_a_campaign_the_first_tells_what_is_new() -> None:
    campaign = begun(None, some_settings())
    assert [campaign.is_news("end", 1_000), campaign.is_news("end", 1_000)] == [True, False]
    assert campaign.is_news("end", 2_000), "a higher target ends anew"
    campaign.close_journal()


def test_the_second_bot_of_a_home_is_refused_and_told_of_the_first(path: pathlib.Path) -> None:
    first = begun(path, some_settings())
    assert running_bot(path) is not None
    with pytest.raises(JournalError, match=r"another OctoBot \(process \d+\) already runs this campaign"):
        Campaign.open(path)
    trade(first, "a", 100, NOON)
    first.close_journal()
    assert running_bot(path) is None
    second = Campaign.open(path)
    assert second.progress(Decimal(1_000)).filled_quote == 100
    second.close_journal()


def test_a_campaign_that_is_refused_leaves_the_lock_to_others(path: pathlib.Path) -> None:
    path.write_bytes(b"no database " * 100)
    with pytest.raises(JournalError):
        Campaign.open(path)
    assert running_bot(path) is None


def test_a_lock_that_can_not_be_told_is_a_clear_error(path: pathlib.Path) -> None:
    path.with_name(LOCK_FILE).write_bytes(b"no database " * 100)
    with pytest.raises(JournalError, match="can't be locked"):
        Campaign.open(path)
    assert running_bot(path) is None


def test_a_campaign_of_the_simulator_does_not_go_on_with_another_kind_of_money(path: pathlib.Path) -> None:
    campaign = begun(path, some_settings())
    trade(campaign, "a", 100, NOON)
    campaign.close_journal()
    before = path.read_bytes()
    campaign = Campaign.open(path)
    with pytest.raises(JournalError, match=r"is one of simulation and can't continue as one of sandbox: .* --fresh"):
        campaign.begin(NOON, Trading.SANDBOX, 7, "2.1.1", " ".join(BTC), some_settings())
    campaign.close_journal()
    assert path.read_bytes() == before
