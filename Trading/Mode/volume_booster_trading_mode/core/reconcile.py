"""What became of an order, told by the exchange's own record: its trades, each once, and its state. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from .ledger import OrderRecord, Outcome
from .market import ZERO, Fill, MarketRules, Role

SENT_WITHIN_S = 2.0
"""An order that is not on its way so long after it was written down is not sent any more."""
ARRIVES_WITHIN_S = 5.0
"""How old an order may be when it reaches the exchange, which refuses an older one."""
NEVER_ARRIVES_AFTER_S = SENT_WITHIN_S + ARRIVES_WITHIN_S + 5.0
"""An order that the exchange does not know so long after it was written down will not arrive any more, also where its
clock is somewhat behind ours and the client has waited for its turn."""


@dataclass(frozen=True, slots=True)
class ExchangeOrder:
    """An order as the exchange knows it; `filled_quantity` in base."""

    exchange_order_id: str
    client_order_id: str
    filled_quantity: Decimal
    is_open: bool
    is_rejected: bool = False
    is_filled: bool = False
    """Whole: nothing of it is left."""


@dataclass(frozen=True, slots=True)
class ExchangeTrade:
    """A trade of our account as the exchange knows it. `fee` is in `fee_asset`, as it was charged."""

    trade_id: str
    exchange_order_id: str
    at: float
    role: Role
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str


@dataclass(frozen=True, slots=True)
class SentOrder:
    """An order of ours that has not ended as far as the ledger knows."""

    order_id: str
    exchange: str
    symbol: str
    record: OrderRecord


@dataclass(frozen=True, slots=True)
class Settlement:
    """What there is to write down about one order.

    `is_pending` tells why it has to be asked for again soon; an open order that rests is not pending.
    """

    fills: tuple[Fill, ...] = ()
    outcome: Outcome | None = None
    reason: str = ""
    is_pending: bool = False


def needs_trades(sent: SentOrder, found: ExchangeOrder) -> bool:
    """Whether the exchange has filled more of the order than the ledger has counted."""
    return found.filled_quantity > sent.record.filled_quantity


def settle_missing(sent: SentOrder, now: float, refusal: str = "") -> Settlement:
    """The exchange has no order with our id: it may still be on its way, or it never arrived.

    :param refusal: why the exchange refused it; empty when it is not known to have.
    """
    if refusal:
        return Settlement(outcome=Outcome.REJECTED, reason=refusal)
    if now - sent.record.placed_at < NEVER_ARRIVES_AFTER_S:
        return Settlement(reason=f"the exchange does not know the order {sent.order_id} yet", is_pending=True)
    return Settlement(outcome=Outcome.REJECTED, reason="the exchange has no such order: it never arrived")


def settle(
    sent: SentOrder,
    found: ExchangeOrder,
    trades: Iterable[ExchangeTrade],
    rules: MarketRules,
    price_of: Callable[[str], Decimal | None],
) -> Settlement:
    """What the exchange's record of one order comes to.

    :param trades: any trades of the account; those of other orders are passed over, repeated ones count once.
    :param price_of: the price in quote of an asset that is neither base nor quote, for fees; None when not known.
    :raises ValueError: when a fee is in an asset whose price is not known.
    """
    own = {trade.trade_id: trade for trade in trades if trade.exchange_order_id == found.exchange_order_id}
    fills = tuple(_fill(sent, trade, rules, price_of) for trade in own.values())
    if found.is_open:
        return Settlement(fills)
    told = sum((trade.quantity for trade in own.values()), ZERO)
    if max(told, sent.record.filled_quantity) < found.filled_quantity:
        missing = found.filled_quantity - max(told, sent.record.filled_quantity)
        return Settlement(fills, reason=f"the exchange does not show the trades of {missing} yet", is_pending=True)
    outcome = Outcome.REJECTED if found.is_rejected and not found.filled_quantity else Outcome.CANCELLED
    return Settlement(fills, outcome, "the exchange says it has ended")


def _fill(sent: SentOrder, trade: ExchangeTrade, rules: MarketRules, price_of: Callable[[str], Decimal | None]) -> Fill:
    worth = sent.record.intent.valuation
    return Fill(
        fill_id=f"{sent.exchange} {sent.symbol} {trade.trade_id}",
        order_id=sent.order_id,
        at=trade.at,
        side=sent.record.intent.side,
        role=trade.role,
        quantity=trade.quantity,
        price=trade.price,
        fee_quote=worth.price(fee_in_quote(trade.fee, trade.fee_asset, trade.price, rules, price_of)),
        mid_price=sent.record.intent.mid_price,
        fee=trade.fee,
        fee_asset=trade.fee_asset,
        valuation=worth,
    )


def fee_in_quote(
    fee: Decimal, asset: str, price: Decimal, rules: MarketRules, price_of: Callable[[str], Decimal | None]
) -> Decimal:
    """A fee in quote, at the fill's own price when it is in base.

    :raises ValueError: when it is in an asset whose price is not known.
    """
    if not fee or asset == rules.quote:
        return fee
    if asset == rules.base:
        return fee * price
    asset_price = price_of(asset)
    if asset_price is None:
        raise ValueError(f"a fee of {fee} {asset} was charged, and the price of {asset} in {rules.quote} is not known")
    return fee * asset_price
