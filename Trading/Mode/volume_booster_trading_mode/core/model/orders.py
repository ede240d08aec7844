"""An order that is wanted, one that is open, and a trade that happened."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from .basics import ZERO, CampaignAmount, OrderType, Quantity, QuoteAmount, Role, Side
from .instrument import SPOT, Valuation


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order of this bot that rests on the exchange, or is on its way to or from it."""

    order_id: str
    side: Side
    price: QuoteAmount
    remaining_quantity: Quantity
    placed_at: float
    is_ours: bool = True
    """False for an order of this bot that another trading mode or a person placed: never touched, never crossed."""
    is_cancelling: bool = False
    """Its cancellation is asked for and not confirmed yet: until it is, the order may still fill."""
    is_market: bool = False
    """It is on its way, and takes whatever it meets: its price says nothing."""
    fills_since: int | None = None
    """How many fills its market has had since it was sent, its own included; None where that is not known."""


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """An order that we want.

    `price` is the limit price, or for a market order the price that it is expected to fill at. `mid_price` is the
    market price when the decision was made.
    """

    side: Side
    order_type: OrderType
    quantity: Quantity
    price: QuoteAmount
    mid_price: QuoteAmount
    valuation: Valuation = SPOT
    reduce_only: bool = False
    """On futures: it may make the open position smaller, and nothing else."""
    post_only: bool = False
    """A limit order that the exchange refuses where it would take."""
    quote_quantity: QuoteAmount | None = None
    """For a market buy on an exchange that only takes an amount of quote to spend: that amount. `quantity` is then what
    it is expected to buy. None for an order by quantity."""
    is_flattening: bool = False
    """It only brings the inventory back to its start."""

    @property
    def notional(self) -> Decimal:
        """In the market's quote: of an order that spends quote the most that it can come to."""
        if self.quote_quantity is not None:
            return self.quote_quantity
        return self.valuation.notional(self.quantity, self.price)

    @property
    def volume(self) -> Decimal:
        """The same in the campaign's currency."""
        if self.quote_quantity is not None:
            return self.quote_quantity * self.valuation.quote_rate
        return self.valuation.volume(self.quantity, self.price)


@dataclass(frozen=True, slots=True)
class Fill:
    """A trade that happened, reported once.

    `fill_id` is unique; `fee_quote` is the fee in the campaign's currency, at the fill's own price; `fee` is the same
    as it was charged, in `fee_asset`, which may be base, quote or a third one. `mid_price` is the mid when its
    order was decided on.
    """

    fill_id: str
    order_id: str
    at: float
    side: Side
    role: Role
    quantity: Quantity
    price: QuoteAmount
    fee_quote: CampaignAmount
    mid_price: QuoteAmount
    fee: Decimal = ZERO
    fee_asset: str = ""
    valuation: Valuation = SPOT
    estimated_fee_quote: CampaignAmount = ZERO
    """What of `fee_quote` is an estimate: the exchange has not stated it, or has charged an asset without a price."""
    fee_told: str = ""
    """The fee in words, where it is not one amount in one asset with a price."""
    mid_at_fill: QuoteAmount | None = None
    """The mid when it filled; None while it is not measured, or where it never was."""
    marks: tuple[tuple[int, Decimal], ...] = ()
    """The mids so many seconds after it, as far as they are measured."""
    is_flattening: bool = False
    is_of_old_kind: bool = False
    """From a journal of an older version, which measured against the mid of the decision only."""

    @property
    def notional(self) -> Decimal:
        """In the market's quote."""
        return self.valuation.notional(self.quantity, self.price)

    @property
    def volume(self) -> Decimal:
        """In the campaign's currency."""
        return self.valuation.volume(self.quantity, self.price)

    def off(self, mid_price: Decimal) -> Decimal:
        """What the fill cost against a mid, in the campaign's currency; below zero for a gain."""
        return self.valuation.slippage(self.side, self.quantity, self.price, mid_price)

    @property
    def slippage_quote(self) -> Decimal | None:
        """What it cost against the mid when it filled; None while that is not measured.

        In a journal of an older version against the mid of the decision.
        """
        if self.is_of_old_kind:
            return self.arrival_slippage_quote
        return None if self.mid_at_fill is None else self.off(self.mid_at_fill)

    @property
    def arrival_slippage_quote(self) -> Decimal:
        """What it cost against the mid of the decision."""
        return self.off(self.mid_price)
