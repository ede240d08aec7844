"""What a campaign has sent, what became of it, and what was noted of its symbols: journal first, then ledger."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable
from decimal import Decimal

from ..core.accounting.fill_marks import AT_FILL, AwaitedFill
from ..core.accounting.ledger import Ledger, OrderRecord, Outcome
from ..core.accounting.trade_ids import KnownFill
from ..core.model.orders import Fill, OrderIntent
from ..core.planning.market_conditions import Conditions
from ..journal.journal import CONDITIONS, GO, HALT, START, WAIT, EventRow, Journal, JournalError, OrderRow, SentRow
from .cancel_budget import CancelBudget
from .market_board import MarketDirectory

_NUMBER = re.compile(r"\d[\d.,]*")


class CampaignOrders:
    """The orders and fills of one campaign, and the notes on its symbols. Feeding it the same thing twice is harmless.

    :raises JournalError: from every method that writes, when what happened could not be written down.
    """

    def __init__(self, journal: Journal, ledger: Ledger) -> None:
        self._journal = journal
        self.directory = MarketDirectory()
        self._load(ledger)

    def _load(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._reasons: dict[str, tuple[str, str]] = {}
        self.last_order_at = self._journal.last_order_at()
        """On any market, also before a restart."""
        self.cancels = CancelBudget(self._journal.cancelled_since)

    def place(self, order_id: str, exchange: str, symbol: str, intent: OrderIntent, now: float) -> None:
        """An order is about to be sent, whatever the headroom: written down and its quantity reserved."""
        self._journal.add_order(OrderRow(order_id, now, exchange, symbol, intent))
        self.last_order_at = now
        self.ledger.place(order_id, intent, now, exchange, symbol)

    def accept(self, order_id: str, exchange_order_id: str, now: float) -> bool:
        """The exchange has taken an order and calls it so; False when that is known already, or it does not say how.

        From then on the order is there, also where the exchange does not find it for a while: it is waited for.
        """
        if exchange_order_id in ("", "None"):
            return False
        return self._journal.add_acceptance(order_id, now, exchange_order_id)

    def order_of(self, exchange_order_id: str, exchange: str | None = None, symbol: str | None = None) -> str | None:
        """Our order that an exchange calls so; None when it is none of ours.

        An exchange may use the same id on two of its symbols, and so may two exchanges: name both where there may be
        more than one.
        """
        return self._journal.order_of(exchange_order_id, exchange, symbol)

    def exchange_order_id(self, order_id: str) -> str | None:
        """What the exchange calls an order of ours; None while that is unknown."""
        return self._journal.exchange_order_id(order_id)

    def knows(self, order_id: str) -> bool:
        """Whether an order is one of ours, however long ago."""
        return self._find(order_id) is not None

    def awaits_news_of(self, order_id: str) -> bool:
        """Whether something may still become of an order: it is ours, and not known to have filled whole."""
        record = self._find(order_id)
        return record is not None and record.outcome is not Outcome.FILLED

    def record(self, order_id: str) -> OrderRecord:
        """:raises KeyError: when the order is not one of ours."""
        record = self._find(order_id)
        if record is None:
            raise KeyError(order_id)
        return record

    def _find(self, order_id: str) -> OrderRecord | None:
        if not self.ledger.knows(order_id) and (record := self._journal.recall(order_id)):
            self.ledger.recall(order_id, record)
        return self.ledger.record(order_id) if self.ledger.knows(order_id) else None

    def fill(self, fill: Fill) -> bool:
        """A fill of one of our orders; False when it is known already.

        :raises KeyError: when the order is not one of ours.
        """
        self.record(fill.order_id)
        is_news = self._journal.add_fill(fill) and self.ledger.apply(fill)
        if is_news and fill.slippage_quote is not None:
            self._learn(fill.order_id, fill.volume, fill.fee_quote, fill.slippage_quote, fill.quantity)
        self._sum_up_now_and_then()
        return is_news

    def awaited(self, exchange: str, symbol: str) -> list[AwaitedFill]:
        """The fills of one market that are not measured to their end yet: by mids to come."""
        return list(self.ledger.marks.awaited((exchange, symbol)))

    def mark(self, marks: Iterable[tuple[str, int, float, Decimal]]) -> None:
        """Mids at which fills are measured, of one look: fill, seconds after it, the moment of the look, mid."""
        rows = list(marks)
        self._journal.add_fill_marks(rows)
        for row in rows:
            measured = self.ledger.mark(*row)
            if measured is not None and measured.after_s == AT_FILL:
                fill = measured.fill
                self._learn(fill.order_id, fill.volume, fill.fee_quote, measured.added_quote, fill.quantity)
        self._sum_up_now_and_then()

    def _learn(
        self, order_id: str, volume: Decimal, fee_quote: Decimal, slippage_quote: Decimal, quantity: Decimal
    ) -> None:
        record = self.record(order_id)
        self.directory.measure(record.market, record.intent, volume, fee_quote + slippage_quote, quantity)

    def fills_of(self, order_id: str) -> tuple[KnownFill, ...]:
        """What is written down of the fills of an order."""
        return tuple(self._journal.fills_of(order_id))

    def order_of_fill(self, fill_id: str) -> str | None:
        """The order that a fill of this id is written down for; None when none is."""
        return self._journal.order_of_fill(fill_id)

    def last_sent(self, exchange: str, symbol: str, count: int, lost_since: float) -> list[SentRow]:
        """The last orders that were sent on one market, so many and all that were lost since a moment, with what became
        of them."""
        return self._journal.last_orders_of(exchange, symbol, count, lost_since)

    def close(self, order_id: str, outcome: Outcome, reason: str, now: float) -> bool:
        """An order of ours ended; False when that is known already.

        :raises KeyError: when the order is not one of ours.
        """
        if self.record(order_id).outcome is not None:
            return False
        self._journal.add_outcome(order_id, now, outcome, reason)
        is_news = self.ledger.close(order_id, outcome)
        self._sum_up_now_and_then()
        return is_news

    def _sum_up_now_and_then(self) -> None:
        if self._journal.are_sums_due:
            # only a short cut for the next start: all that counts has been written, and the next write tells of trouble
            with contextlib.suppress(JournalError):
                self._journal.add_sums(self.ledger)

    def orders_placed(self, exchange: str, symbol: str) -> int:
        """How many orders were sent on one market: the number of the next decision there."""
        return self.ledger.orders_placed((exchange, symbol))

    def open_order_ids(self, exchange: str, symbol: str) -> list[str]:
        """The orders of ours on one market whose end is not known, oldest first."""
        market = (exchange, symbol)
        return [order_id for order_id in self.ledger.open_order_ids if self.ledger.record(order_id).market == market]

    def placed_at(self, order_id: str) -> float | None:
        """When we sent this order; None when it is not one of ours."""
        record = self._find(order_id)
        return None if record is None else record.placed_at

    def note(self, now: float, kind: str, source: str, reason: str) -> bool:
        """Something that a person may want to know of a symbol; False when it is what was last noted of it.

        A wait or a halt for the same reason with other numbers is no news.
        """
        last = self._reasons.get(source)
        if last == (kind, reason) or (kind in (WAIT, HALT) and last is not None and _is_same(last, kind, reason)):
            return False
        if kind == GO and self._reasons.get(source, (START,))[0] in (START, GO):
            return False
        self._reasons[source] = (kind, reason)
        self._journal.add_event(EventRow(now, kind, source, reason))
        return True

    def hold_up(self, source: str, reason: str) -> None:
        """A symbol sends nothing for a reason that can't be written down; it is known in memory only."""
        self._reasons[source] = (HALT, reason)

    def note_conditions(self, now: float, source: str, conditions: Conditions) -> bool:
        """What the plan of a market starts from, written down once; False when it is known already."""
        if any(event.kind == CONDITIONS and event.source == source for event in self._journal.events()):
            return False
        self._journal.add_event(EventRow(now, CONDITIONS, source, json.dumps(conditions.to_json())))
        return True

    def reason_of(self, source: str) -> tuple[str, str] | None:
        """The kind and reason noted last of a symbol."""
        return self._reasons.get(source)


def _is_same(last: tuple[str, str], kind: str, reason: str) -> bool:
    last_kind, last_reason = last
    return kind == last_kind and _NUMBER.sub("#", last_reason) == _NUMBER.sub("#", reason)
