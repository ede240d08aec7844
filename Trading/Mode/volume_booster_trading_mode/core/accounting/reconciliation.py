"""What became of an order, by the exchange's own record: its trades, each once, and its state. Pure.

An order ends by the exchange's word and a complete sum of its trades. What is filled of it is the trades; the
filled quantity that the exchange shows says when they are all there. Where it shows none, or another one, the
trades are read until they stay the same.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from ..model.basics import OrderType, Role, Side
from ..model.instrument import MarketRules
from ..model.orders import Fill, OrderIntent
from . import fees, trade_ids
from .fees import PriceOf
from .ledger import OrderRecord, Outcome
from .trade_ids import Charge as Charge
from .trade_ids import ExchangeTrade as ExchangeTrade
from .trade_ids import KnownFill as KnownFill

SENT_WITHIN_S = 2.0
"""An order that is not on its way so long after it was written down is not sent any more."""
ARRIVES_WITHIN_S = 5.0
"""How old an order may be when it reaches the exchange, which refuses an older one."""
ROUNDING_STEPS = Decimal("0.5")
"""By so many steps the trades of an order may differ from what is shown as filled: an exchange may divide amounts."""
READS_AGREE_AFTER_S = 3.0
"""Two reads of an order's trades, so far apart, that show the same are all of them where nothing else says so."""
STAYS_SHORT_AFTER_S = 60.0
"""The same where the exchange says that the order has filled whole, and the trades are less than was decided."""
ASKS_AFTER_S = 600.0
"""After so long a person is asked what became of an order."""
GIVEN_UP = "the exchange never showed what became of it, and a person has resumed"


def never_arrives_after_s(arrives_within_s: float) -> float:
    """An order that the exchange does not know so long after it was written down will not arrive any more, also where
    its clock is somewhat behind ours and the client has waited for its turn.

    :param arrives_within_s: how old an order may be when it reaches the exchange, which refuses an older one.
    """
    return SENT_WITHIN_S + arrives_within_s + 5.0


class Standing(enum.Enum):
    """Where an order stands, in the exchange's word."""

    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    UNTOLD = "untold"
    """The exchange does not report, or in no word that is known."""
    UNSEEN = "unseen"
    """The exchange has answered that it has taken the order, and does not show it."""


@dataclass(frozen=True, slots=True)
class ExchangeOrder:
    """An order as the exchange knows it; `filled_quantity` in base, None where it does not report."""

    exchange_order_id: str
    client_order_id: str
    filled_quantity: Decimal | None
    standing: Standing

    @property
    def is_open(self) -> bool:
        """Whether it may still fill, as far as the exchange shows."""
        return self.standing in (Standing.OPEN, Standing.UNTOLD, Standing.UNSEEN)

    @property
    def is_filled(self) -> bool:
        """Whole: nothing of it is left."""
        return self.standing is Standing.FILLED


@dataclass(frozen=True, slots=True)
class SentOrder:
    """An order of ours that has not ended as far as the ledger knows.

    :ivar exchange_order_id: what the exchange called it when it took it; None as long as no answer said that it did.
    :ivar known: its fills that are written down.
    """

    order_id: str
    exchange: str
    symbol: str
    record: OrderRecord
    exchange_order_id: str | None = None
    known: tuple[KnownFill, ...] = ()


@dataclass(frozen=True, slots=True)
class Watch:
    """What is kept of an order from one read to the next: the quantity of its trades and since when it is the same, and
    since when the order waits for news."""

    quantity: Decimal
    same_since: float
    waits_since: float


@dataclass(frozen=True, slots=True)
class Settlement:
    """What there is to write down about one order.

    `is_pending`: it has to be asked for again soon; an open order that rests is not pending. `question` is
    what a person is to be asked; empty as long as waiting may help. `watch` is for the next read of a pending order.
    """

    fills: tuple[Fill, ...] = ()
    outcome: Outcome | None = None
    reason: str = ""
    is_pending: bool = False
    question: str = ""
    watch: Watch | None = None


def needs_trades(sent: SentOrder, found: ExchangeOrder) -> bool:
    """Whether there may be trades of the order that the ledger has not counted."""
    told, intent = found.filled_quantity, sent.record.intent
    if told is None or told > sent.record.filled_quantity:
        return True
    is_as_decided = intent.quote_quantity is None and told >= intent.quantity
    return found.standing in (Standing.FILLED, Standing.UNTOLD) and not is_as_decided


def not_listed(found: ExchangeOrder) -> ExchangeOrder:
    """An order that is not among the open ones: one whose state is unknown has ended."""
    return replace(found, standing=Standing.CANCELLED) if found.standing is Standing.UNTOLD else found


def unseen(sent: SentOrder, exchange_order_id: str) -> ExchangeOrder:
    """An order that the exchange took and does not show: only its trades can tell something of it."""
    return ExchangeOrder(exchange_order_id, sent.order_id, None, Standing.UNSEEN)


def settle_missing(
    sent: SentOrder,
    now: float,
    refusal: str = "",
    *,
    is_conclusive: bool = True,
    is_given_up: bool = False,
    watch: Watch | None = None,
    arrives_within_s: float = ARRIVES_WITHIN_S,
) -> Settlement:
    """No answer has said that the exchange took the order, and it shows none with our id: it may still be on its way,
    or it never arrived. One that it took is `unseen`.

    :param refusal: why the exchange refused it; empty when it is not known to have.
    :param is_conclusive: whether the exchange would have shown it if it were there: it looks orders up by our id, or
        lists all of them.
    :param is_given_up: a person was asked, and has resumed the campaign without it.
    :param arrives_within_s: how old an order may be when it reaches the exchange.
    """
    if is_given_up:
        return Settlement(outcome=Outcome.LOST, reason=GIVEN_UP)
    if refusal:
        return Settlement(outcome=Outcome.REJECTED, reason=refusal)
    watch = watch or Watch(sent.record.filled_quantity, now, now)
    if now - sent.record.placed_at < never_arrives_after_s(arrives_within_s):
        reason = f"the exchange does not know the order {sent.order_id} yet"
        return Settlement(reason=reason, is_pending=True, watch=watch)
    if is_conclusive:
        return Settlement(outcome=Outcome.REJECTED, reason="the exchange has no such order: it never arrived")
    return _asked(
        f"it is not known whether the order {sent.order_id} has arrived", sent, watch, now, is_asked_at_once=True
    )


def _asked(
    reason: str,
    sent: SentOrder,
    watch: Watch,
    now: float,
    fills: tuple[Fill, ...] = (),
    *,
    is_asked_at_once: bool = False,
) -> Settlement:
    """Pending, and from some time on a question for a person."""
    called = f" (there {sent.exchange_order_id})" if sent.exchange_order_id else ""
    question = (
        f"{reason}{called}: look for it on the exchange's own page. It continues on its own as soon as the exchange "
        "shows it; if there is no such order or nothing more of it, resume"
    )
    is_time = is_asked_at_once or now - watch.waits_since >= ASKS_AFTER_S
    question = question if is_time else ""
    return Settlement(fills, reason=reason, is_pending=True, question=question, watch=watch)


def settle(
    sent: SentOrder,
    found: ExchangeOrder,
    trades: Iterable[ExchangeTrade],
    rules: MarketRules,
    price_of: PriceOf,
    now: float,
    *,
    owner_of: Callable[[str], str | None] = lambda fill_id: None,
    is_given_up: bool = False,
    watch: Watch | None = None,
) -> Settlement:
    """What the exchange's record of one order comes to.

    :param trades: any trades of the account; those of other orders are passed over, each counts once.
    :param price_of: the price in quote of an asset that is neither base nor quote, for fees; None when not known.
    :param now: the time of trades that tell none.
    :param owner_of: the order that a fill of this id is written down for; None for none.
    :param is_given_up: a person was asked for the rest of it, and has resumed the campaign without that.
    """
    names = trade_ids.Names(sent.order_id, found.exchange_order_id, f"{sent.exchange} {sent.symbol}")
    own = (trade for trade in trades if trade.exchange_order_id == found.exchange_order_id)
    stays_short = watch is not None and now - watch.same_since >= STAYS_SHORT_AFTER_S
    news = trade_ids.new_trades(names, own, sent.known, owner_of, _filled(sent, found), stays_short=stays_short)
    fills = tuple(_fill(sent, fill_id, trade, rules, price_of, now) for fill_id, trade in news)
    quantity = sum((fill.quantity for fill in fills), sent.record.filled_quantity)
    spent = sum((fill.notional for fill in fills), sent.record.spent_quote)
    before = watch or Watch(quantity, now, now)
    watch = Watch(quantity, before.same_since if before.quantity == quantity else now, before.waits_since)
    if _may_still_fill(sent.record.intent, found):
        return Settlement(fills)
    is_whole = _fills(sent.record.intent, quantity, spent, rules)
    rounding, same_for_s = rules.quantity_step * ROUNDING_STEPS, now - watch.same_since
    if _is_complete(sent.record.intent, found, quantity, rounding, is_whole=is_whole, same_for_s=same_for_s):
        outcome = _outcome(sent.record.intent, found, quantity, is_whole=is_whole)
        return Settlement(fills, outcome, "the exchange says it has ended")
    if is_given_up:
        return Settlement(fills, Outcome.LOST, GIVEN_UP)
    return _asked(_what_is_missing(sent, found, quantity), sent, watch, now, fills)


def _filled(sent: SentOrder, found: ExchangeOrder) -> Decimal | None:
    """What is filled of an order as far as that is known without its trades."""
    if found.filled_quantity is not None:
        return found.filled_quantity
    intent = sent.record.intent
    return intent.quantity if found.is_filled and intent.quote_quantity is None else None


def _may_still_fill(intent: OrderIntent, found: ExchangeOrder) -> bool:
    """A market order does not rest: one whose state is unknown has ended as soon as its trades stay the same."""
    is_resting = intent.order_type is OrderType.LIMIT
    return found.standing is Standing.OPEN or (found.standing is Standing.UNTOLD and is_resting)


def _fills(intent: OrderIntent, quantity: Decimal, spent_quote: Decimal, rules: MarketRules) -> bool:
    """Whether so much is all that was decided; of an amount of quote a rest remains that buys no step."""
    if intent.quote_quantity is None:
        return quantity >= intent.quantity
    rest = rules.notional(rules.quantity_step, max(intent.price, intent.mid_price)) * 2
    return quantity > 0 and spent_quote + rest >= intent.quote_quantity


def _is_complete(
    intent: OrderIntent,
    found: ExchangeOrder,
    quantity: Decimal,
    rounding: Decimal,
    *,
    is_whole: bool,
    same_for_s: float,
) -> bool:
    """Whether the trades of an order that has ended are all there.

    :param rounding: by how much their sum may differ from what the exchange shows as filled, where it divides amounts.
    """
    told = found.filled_quantity
    if told is not None and quantity < told - rounding:
        return False
    is_equal = told is not None and abs(told - quantity) <= rounding
    is_as_told = is_equal and found.is_filled
    if found.standing in (Standing.CANCELLED, Standing.REJECTED):
        return is_equal or same_for_s >= READS_AGREE_AFTER_S
    if not quantity or (found.standing is Standing.UNSEEN and not is_whole):
        return False
    if is_whole and (is_as_told or intent.quote_quantity is None):
        return True
    return same_for_s >= (READS_AGREE_AFTER_S if is_whole or is_as_told else STAYS_SHORT_AFTER_S)


def _outcome(intent: OrderIntent, found: ExchangeOrder, quantity: Decimal, *, is_whole: bool) -> Outcome:
    if is_whole or (found.is_filled and intent.quote_quantity is not None):
        return Outcome.FILLED
    return Outcome.REJECTED if found.standing is Standing.REJECTED and not quantity else Outcome.CANCELLED


def _what_is_missing(sent: SentOrder, found: ExchangeOrder, quantity: Decimal) -> str:
    if found.standing is Standing.UNSEEN:
        return f"the exchange has taken the order {sent.order_id} and does not show it yet"
    expected = _filled(sent, found)
    if expected is not None and expected > quantity:
        return f"the exchange does not show the trades of {expected - quantity} of the order {sent.order_id} yet"
    return f"the exchange may not show all trades of the order {sent.order_id} yet"


def _fill(
    sent: SentOrder, fill_id: str, trade: ExchangeTrade, rules: MarketRules, price_of: PriceOf, now: float
) -> Fill:
    intent = sent.record.intent
    worth = intent.valuation
    role = trade.role or role_of(intent)
    fee = fees.fee_of(trade.charges, trade.price, worth.notional(trade.quantity, trade.price), role, rules, price_of)
    return Fill(
        fill_id=fill_id,
        order_id=sent.order_id,
        at=now if trade.at is None else trade.at,
        side=intent.side,
        role=role,
        quantity=trade.quantity,
        price=trade.price,
        fee_quote=worth.price(fee.quote),
        mid_price=intent.mid_price,
        fee=fee.amount,
        fee_asset=fee.asset,
        valuation=worth,
        estimated_fee_quote=worth.price(fee.estimated_quote),
        fee_told=fee.told,
        is_flattening=intent.is_flattening,
    )


def role_of(intent: OrderIntent) -> Role:
    """The role of a fill that states none: maker where the order was priced to rest, else taker."""
    rests_below = intent.price < intent.mid_price if intent.side is Side.BUY else intent.price > intent.mid_price
    return Role.MAKER if intent.order_type is OrderType.LIMIT and rests_below else Role.TAKER
