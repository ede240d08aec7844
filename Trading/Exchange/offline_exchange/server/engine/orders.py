"""Orders and trades of the local exchange, in the terms of Binance's spot API. Prices in quote, quantities in base."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal

from ..market.markets import paid

ZERO = Decimal(0)


class Side(enum.Enum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class Kind(enum.Enum):
    """LIMIT_MAKER is post-only: refused when it would trade at once."""

    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"


class TimeInForce(enum.Enum):
    """Good till cancelled, immediate or cancel, fill or kill."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class SelfTradePrevention(enum.Enum):
    """Which of two orders of one account ends when they would trade with each other."""

    NONE = "NONE"
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"


class Status(enum.Enum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"


class Reason(enum.Enum):
    """Why an order or a cancellation is refused."""

    INSUFFICIENT_BALANCE = "Account has insufficient balance for requested action."
    WOULD_TAKE = "Order would immediately match and take."
    DUPLICATE = "Duplicate order sent."
    PRICE_FILTER = "Filter failure: PRICE_FILTER"
    LOT_SIZE = "Filter failure: LOT_SIZE"
    NOTIONAL = "Filter failure: NOTIONAL"
    MAX_NUM_ORDERS = "Filter failure: MAX_NUM_ORDERS"
    UNKNOWN_ORDER = "Unknown order sent."


class RefusedError(Exception):
    """The engine did nothing; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Request:
    """What an account asks for.

    A limit order has `quantity_base` and `price_quote`; a market order has `quantity_base`, or `spend_quote`: then it
    buys or sells as many steps as that much quote pays for. Raises ValueError for any other combination, and for a
    `time_in_force` other than GTC that is not a LIMIT order's.
    """

    market_id: str
    side: Side
    kind: Kind
    quantity_base: Decimal | None = None
    price_quote: Decimal | None = None
    spend_quote: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    client_order_id: str = ""
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.EXPIRE_MAKER

    def __post_init__(self) -> None:
        is_market, has_quantity = self.kind is Kind.MARKET, self.quantity_base is not None
        if is_market is not (self.price_quote is None):
            raise ValueError(f"a {self.kind.value} order must {'not ' * is_market}have a price")
        if has_quantity is not (self.spend_quote is None) or not (has_quantity or is_market):
            raise ValueError(f"a {self.kind.value} order must have a quantity{' or what to spend' * is_market}, once")
        if self.time_in_force is not TimeInForce.GTC and self.kind is not Kind.LIMIT:
            raise ValueError(f"a {self.kind.value} order cannot be {self.time_in_force.value}: only a LIMIT order can")


@dataclass(slots=True)
class Order:
    """An order that the engine has accepted, as it stands. `locked` is what it keeps of the account's balance."""

    order_id: int
    account: str
    request: Request
    created_ms: int
    updated_ms: int
    status: Status = Status.NEW
    executed_base: Decimal = ZERO
    executed_quote: Decimal = ZERO
    locked: Decimal = ZERO

    @property
    def side(self) -> Side:
        return self.request.side

    @property
    def price_quote(self) -> Decimal:
        """The limit; 0 for a market order, as the API shows it."""
        return ZERO if self.request.price_quote is None else self.request.price_quote

    @property
    def quantity_base(self) -> Decimal:
        """What was asked for; for an order that spends quote, what it came to."""
        return self.executed_base if self.request.quantity_base is None else self.request.quantity_base

    @property
    def open_base(self) -> Decimal:
        """What may still fill of a quantity."""
        return self.quantity_base - self.executed_base

    @property
    def is_open(self) -> bool:
        return self.status in (Status.NEW, Status.PARTIALLY_FILLED)

    def accepts(self, price_quote: Decimal) -> bool:
        """Whether it would trade at this price."""
        limit = self.request.price_quote
        if limit is None:
            return True
        return price_quote <= limit if self.side is Side.BUY else price_quote >= limit


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a trade, with the fee that it paid; a negative fee was paid to it."""

    account: str
    order_id: int
    client_order_id: str
    fee: Decimal
    fee_asset: str


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade of an account of the exchange. Ids count up on each market."""

    trade_id: int
    market_id: str
    time_ms: int
    price_quote: Decimal
    quantity_base: Decimal
    buyer: Party
    seller: Party
    buyer_is_maker: bool

    @property
    def notional_quote(self) -> Decimal:
        return paid(self.price_quote, self.quantity_base)

    @property
    def is_self_match(self) -> bool:
        return self.buyer.account == self.seller.account
