"""What the exchange's record comes to: every trade once, an end only when everything is told, nothing sent twice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.core.accounting import reconciliation
from octobot_volume_booster.core.accounting.ledger import Ledger, OrderRecord, Outcome
from octobot_volume_booster.core.accounting.reconciliation import (
    ARRIVES_WITHIN_S,
    ASKS_AFTER_S,
    READS_AGREE_AFTER_S,
    STAYS_SHORT_AFTER_S,
    Charge,
    ExchangeOrder,
    ExchangeTrade,
    SentOrder,
    Settlement,
    Standing,
    Watch,
    never_arrives_after_s,
)
from octobot_volume_booster.core.model.basics import OrderType, Role, Side
from octobot_volume_booster.core.model.instrument import MarketRules
from octobot_volume_booster.core.model.orders import OrderIntent

RULES = MarketRules("BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal(0), Decimal(5))
SENT_AT = 1_700_000_000.0
NEVER_ARRIVES_AFTER_S = never_arrives_after_s(ARRIVES_WITHIN_S)
NOW = SENT_AT + 60
QUANTITY = Decimal("0.02")
STEP = Decimal("0.00001")
INTENT = OrderIntent(Side.BUY, OrderType.LIMIT, QUANTITY, Decimal(60_000), Decimal(60_000))
BY_MARKET = replace(INTENT, order_type=OrderType.MARKET)
BY_COST = replace(BY_MARKET, quote_quantity=Decimal(1_200))
OURS = "7"
ENDED = (Standing.FILLED, Standing.CANCELLED, Standing.REJECTED)
CAN_BE_TOLD = (*ENDED, Standing.OPEN, Standing.UNTOLD, Standing.UNSEEN)


def no_price(asset: str) -> Decimal | None:
    return None


def sent(filled: str = "0", intent: OrderIntent = INTENT, exchange_order_id: str | None = None) -> SentOrder:
    record = OrderRecord(intent, SENT_AT, filled_quantity=Decimal(filled))
    return SentOrder("vb1", "offline", "BTC/USDT", record, exchange_order_id)


def trade(number: int, quantity: Decimal, order: str = OURS, asset: str = "BTC") -> ExchangeTrade:
    price, charges = Decimal(60_000) - number, (Charge(quantity / 1000, asset),)
    return ExchangeTrade(f"t{number}", order, SENT_AT + number, Role.TAKER, quantity, price, charges)


def told(filled: str | None, standing: Standing) -> ExchangeOrder:
    return ExchangeOrder(OURS, "vb1", None if filled is None else Decimal(filled), standing)


def settled(
    order: ExchangeOrder, *trades: ExchangeTrade, of: SentOrder | None = None, now: float = NOW,
    watch: Watch | None = None, is_given_up: bool = False,
) -> Settlement:  # fmt: skip
    of = of or sent()
    return reconciliation.settle(of, order, trades, RULES, no_price, now, watch=watch, is_given_up=is_given_up)


@st.composite
def records(draw: st.DrawFn) -> tuple[ExchangeOrder, list[ExchangeTrade]]:
    """An order of ours with its trades: part of it filled, open or ended, among others' trades, some told twice."""
    parts = draw(st.lists(st.integers(1, 500), max_size=4).filter(lambda parts: sum(parts) <= 2_000))
    own = [trade(number, part * STEP) for number, part in enumerate(parts)]
    others = [trade(number, Decimal(1), order="8") for number in draw(st.lists(st.integers(10, 20), max_size=3))]
    shown = draw(
        st.permutations([*own, *draw(st.lists(st.sampled_from(own), max_size=3) if own else st.just([])), *others])
    )
    filled = sum((item.quantity for item in own), Decimal(0))
    standing = draw(st.sampled_from((Standing.OPEN, Standing.CANCELLED)))
    return ExchangeOrder(OURS, "vb1", filled, standing), shown


@LAW
@given(records(), st.data())
def test_settled_in_any_number_of_looks_it_counts_every_trade_once(record, data) -> None:
    order, rows = record
    ledger = Ledger()
    ledger.place("vb1", INTENT, SENT_AT)
    looks = data.draw(st.lists(st.integers(0, len(rows)), max_size=3))
    known: list[reconciliation.KnownFill] = []
    for shown in (*looks, len(rows)):
        of = SentOrder("vb1", "offline", "BTC/USDT", ledger.record("vb1"), known=tuple(known))
        settlement = settled(order, *rows[:shown], of=of)
        for fill in settlement.fills:
            assert ledger.apply(fill)
            known.append(reconciliation.KnownFill(fill.fill_id, fill.at, fill.quantity, fill.price))
        if settlement.outcome is not None:
            assert ledger.record("vb1").filled_quantity == order.filled_quantity, "ended before all was told"
            ledger.close("vb1", settlement.outcome)
    exact = {item.trade_id: item for item in rows if item.exchange_order_id == OURS}.values()
    progress = ledger.progress(Decimal(50_000))
    assert progress.bought_quote == sum((item.quantity * item.price for item in exact), Decimal(0))
    assert progress.fees_quote == sum((item.quantity / 1000 * item.price for item in exact), Decimal(0))
    assert progress.estimated_fees_quote == 0
    is_filled = order.filled_quantity == QUANTITY
    expected = Outcome.FILLED if is_filled else None if order.is_open else Outcome.CANCELLED
    assert ledger.record("vb1").outcome is expected


# --- the exchange shows no order --------------------------------------------------------------------------------------


@LAW
@given(st.floats(0, 100))
def test_an_order_that_the_exchange_does_not_know_is_given_up_only_when_it_cannot_arrive_any_more(age_s) -> None:
    settlement = reconciliation.settle_missing(sent(), SENT_AT + age_s)
    can_still_arrive = age_s < NEVER_ARRIVES_AFTER_S
    assert settlement.is_pending == can_still_arrive
    assert settlement.outcome is (None if can_still_arrive else Outcome.REJECTED)


@LAW
@given(st.floats(0, 10_000))
def test_where_an_exchange_cannot_be_searched_an_order_without_an_answer_stays_unknown_and_a_person_is_asked(
    age_s,
) -> None:
    settlement = reconciliation.settle_missing(sent(), SENT_AT + age_s, is_conclusive=False)
    assert settlement.is_pending and settlement.outcome is None
    assert bool(settlement.question) == (age_s >= NEVER_ARRIVES_AFTER_S)
    given_up = reconciliation.settle_missing(sent(), SENT_AT + age_s, is_conclusive=False, is_given_up=True)
    assert given_up.outcome is Outcome.LOST


@LAW
@given(st.floats(0, 100))
def test_an_order_that_the_exchange_refused_and_does_not_know_is_given_up_at_once(age_s) -> None:
    settlement = reconciliation.settle_missing(sent(), SENT_AT + age_s, "Filter failure: LOT_SIZE")
    assert (settlement.outcome, settlement.reason) == (Outcome.REJECTED, "Filter failure: LOT_SIZE")


def test_an_order_is_given_up_only_after_the_exchange_would_refuse_it_however_late_it_was_sent() -> None:
    a_clock_may_be_behind_by_s = 1.0
    latest_s = reconciliation.SENT_WITHIN_S + reconciliation.ARRIVES_WITHIN_S + a_clock_may_be_behind_by_s
    assert latest_s < NEVER_ARRIVES_AFTER_S


@LAW
@given(st.lists(st.floats(0.1, 400), min_size=1, max_size=8), st.sampled_from((INTENT, BY_MARKET, BY_COST)))
def test_an_order_that_the_exchange_took_and_does_not_show_is_waited_for_until_a_person_is_asked(
    pauses, intent
) -> None:
    of, now, watch = sent(intent=intent, exchange_order_id=OURS), NOW, None
    order = reconciliation.unseen(of, OURS)
    for pause_s in (0.0, *pauses):
        now += pause_s
        settlement = settled(order, of=of, now=now, watch=watch)
        assert settlement.is_pending and settlement.outcome is None
        assert "does not show it yet" in settlement.reason
        assert bool(settlement.question) == (now - NOW >= ASKS_AFTER_S)
        watch = settlement.watch
    assert settled(order, of=of, now=now, watch=watch, is_given_up=True).outcome is Outcome.LOST


def test_an_order_that_is_not_shown_has_filled_whole_as_soon_as_its_trades_say_so() -> None:
    of = sent(exchange_order_id=OURS)
    part = settled(reconciliation.unseen(of, OURS), trade(1, Decimal("0.015")), of=of)
    assert part.is_pending and [fill.quantity for fill in part.fills] == [Decimal("0.015")]
    assert settled(reconciliation.unseen(of, OURS), trade(1, QUANTITY), of=of).outcome is Outcome.FILLED


# --- the exchange's word and the sum of its trades --------------------------------------------------------------------


def test_a_trade_that_is_missing_is_waited_for_and_told() -> None:
    settlement = settled(told("0.02", Standing.FILLED), trade(1, Decimal("0.015")))
    assert settlement.outcome is None and settlement.is_pending
    assert "trades of 0.005" in settlement.reason
    assert [fill.quantity for fill in settlement.fills] == [Decimal("0.015")]


@dataclass(frozen=True)
class Ended:
    """What is made of an order that has ended at the exchange, of which so much is shown as trades for so long."""

    standing: Standing
    expected: Decimal | None
    shown: Decimal
    same_for_s: float
    intent: OrderIntent

    def settled(self) -> Settlement:
        since, trades = NOW - self.same_for_s, (trade(0, self.shown),) if self.shown else ()
        order = told(None if self.expected is None else str(self.expected), self.standing)
        return settled(order, *trades, of=sent(intent=self.intent), watch=Watch(self.shown, since, since))


ENDED_ORDERS = st.builds(
    Ended,
    st.sampled_from(ENDED),
    st.sampled_from((None, *map(Decimal, ("0", "0.005", "0.01", "0.02")))),
    st.integers(0, 2_000).map(lambda steps: steps * STEP),
    st.floats(0, 1_000),
    st.sampled_from((INTENT, BY_MARKET, BY_COST)),
)


@LAW
@given(ENDED_ORDERS)
def test_trades_that_the_exchange_speaks_of_and_that_are_missing_are_waited_for(ended: Ended) -> None:
    assume(ended.expected is not None and ended.shown < ended.expected)
    assert ended.settled().is_pending


@LAW
@given(ENDED_ORDERS)
def test_an_order_that_has_filled_waits_for_a_trade_of_it(ended: Ended) -> None:
    assert replace(ended, standing=Standing.FILLED, shown=Decimal(0)).settled().is_pending


@LAW
@given(ENDED_ORDERS)
def test_an_order_ends_only_by_a_sum_of_trades_that_is_complete(ended: Ended) -> None:
    outcome, shown, intent = ended.settled().outcome, ended.shown, ended.intent
    assume(outcome is not None)
    is_by_quantity = intent.quote_quantity is None
    is_complete = shown == ended.expected or (is_by_quantity and shown >= intent.quantity)
    assert is_complete or ended.same_for_s >= READS_AGREE_AFTER_S
    is_short = ended.standing is Standing.FILLED and is_by_quantity and not is_complete
    assert not is_short or ended.same_for_s >= STAYS_SHORT_AFTER_S
    is_empty = not shown and not ended.expected
    assert (outcome is Outcome.REJECTED) == (ended.standing is Standing.REJECTED and is_empty)


@pytest.mark.parametrize("standing", [Standing.CANCELLED, Standing.REJECTED])
@pytest.mark.parametrize("intent", [INTENT, BY_MARKET, BY_COST])
def test_an_order_that_ended_and_does_not_tell_its_fill_ends_when_two_reads_agree(standing, intent) -> None:
    of, order = sent(intent=intent), told(None, standing)
    assert reconciliation.needs_trades(of, order)
    first = settled(order, of=of)
    assert first.is_pending and first.watch is not None
    soon = settled(order, trade(1, Decimal("0.001")), of=of, now=NOW + READS_AGREE_AFTER_S, watch=first.watch)
    assert soon.is_pending, "something has come since"
    later = settled(order, trade(1, Decimal("0.001")), of=of, now=NOW + 2 * READS_AGREE_AFTER_S, watch=soon.watch)
    assert later.outcome is Outcome.CANCELLED
    assert [fill.quantity for fill in later.fills] == [Decimal("0.001")]


def test_a_market_order_whose_state_is_not_told_ends_when_its_trades_stay_the_same() -> None:
    of, order = sent(intent=BY_MARKET), told(None, Standing.UNTOLD)
    part = trade(1, Decimal("0.01"))
    first = settled(order, part, of=of)
    assert first.is_pending
    assert settled(order, part, of=of, now=NOW + READS_AGREE_AFTER_S, watch=first.watch).is_pending
    later = settled(order, part, of=of, now=NOW + STAYS_SHORT_AFTER_S, watch=first.watch)
    assert later.outcome is Outcome.CANCELLED


def test_a_limit_order_whose_state_is_not_told_rests_and_its_trades_are_asked_for() -> None:
    order = told(None, Standing.UNTOLD)
    assert reconciliation.needs_trades(sent(), order)
    settlement = settled(order, trade(1, Decimal("0.01")))
    assert not settlement.is_pending and len(settlement.fills) == 1


def test_an_order_by_cost_ends_by_the_exchanges_word_and_counts_what_it_bought_also_beyond_what_was_expected() -> None:
    of, bought = sent(intent=BY_COST), trade(1, Decimal("0.0201"))
    assert settled(told("0.0201", Standing.OPEN), bought, of=of).outcome is None
    settlement = settled(told("0.0201", Standing.FILLED), bought, of=of)
    assert settlement.outcome is Outcome.FILLED
    assert [fill.quantity for fill in settlement.fills] == [Decimal("0.0201")]


def test_an_order_by_cost_that_is_called_cancelled_for_its_last_rest_has_filled() -> None:
    of, bought = sent(intent=BY_COST), trade(1, Decimal("0.01999"))
    assert settled(told("0.01999", Standing.CANCELLED), bought, of=of).outcome is Outcome.FILLED


def test_a_person_is_asked_for_trades_that_do_not_come_and_may_go_on_without_them() -> None:
    order = told("0.02", Standing.FILLED)
    first = settled(order)
    assert first.is_pending and not first.question
    asked = settled(order, now=NOW + ASKS_AFTER_S, watch=first.watch)
    assert asked.is_pending and "resume" in asked.question
    given_up = settled(order, trade(1, Decimal("0.01")), now=NOW + ASKS_AFTER_S, watch=first.watch, is_given_up=True)
    assert given_up.outcome is Outcome.LOST and len(given_up.fills) == 1


def test_a_rejected_order_is_a_failure_unless_something_of_it_was_filled() -> None:
    assert settled(told("0", Standing.REJECTED)).outcome is Outcome.REJECTED
    part = settled(told("0.01", Standing.REJECTED), trade(1, Decimal("0.01")))
    assert part.outcome is Outcome.CANCELLED


# --- what is not told of a trade --------------------------------------------------------------------------------------


def test_the_fill_of_a_trade_keeps_its_own_fee_and_a_name_that_no_other_market_has() -> None:
    (fill,) = settled(told("0.01", Standing.OPEN), trade(3, Decimal("0.01"))).fills
    assert (fill.fill_id, fill.fee, fill.fee_asset) == ("offline BTC/USDT t3", Decimal("0.00001"), "BTC")
    assert (fill.estimated_fee_quote, fill.fee_told) == (0, "")


def test_a_trade_without_a_time_happened_when_it_was_read() -> None:
    untimed = replace(trade(3, Decimal("0.01")), at=None)
    (fill,) = settled(told("0.01", Standing.OPEN), untimed, now=NOW + 5).fills
    assert fill.at == NOW + 5


@pytest.mark.parametrize(
    ("order_type", "side", "price", "expected"),
    [
        (OrderType.MARKET, Side.BUY, 59_000, Role.TAKER),
        (OrderType.LIMIT, Side.BUY, 59_999, Role.MAKER),
        (OrderType.LIMIT, Side.BUY, 60_000, Role.TAKER),
        (OrderType.LIMIT, Side.SELL, 60_001, Role.MAKER),
        (OrderType.LIMIT, Side.SELL, 60_000, Role.TAKER),
    ],
)
def test_a_role_that_is_not_told_is_that_of_a_resting_order_where_the_order_was_priced_to_rest(
    order_type, side, price, expected
) -> None:
    intent = OrderIntent(side, order_type, QUANTITY, Decimal(price), Decimal(60_000))
    untold = replace(trade(3, Decimal("0.01")), role=None)
    (fill,) = settled(told("0.01", Standing.OPEN), untold, of=sent(intent=intent)).fills
    assert fill.role is expected
