"""A fake exchange behind the fake socket: orders, trades, and the ways in which real ones misbehave.

It knows nothing of the records in `venues/`: what it reads in a request it reads by the exchange's own documentation,
so that a record which reads it wrongly is found out.
"""

from __future__ import annotations

import abc
import itertools
import re
import time
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from octobot_volume_booster.adapters.venues.wire import Request

from .wire import Answer, LostAnswerError

Routes = dict[tuple[str, str], Callable[..., Answer]]
PRICES = {"BTC": Decimal(60_000), "DOGE": Decimal("0.2"), "SHIB": Decimal("0.00001")}


@dataclass(slots=True)
class FakeTrade:
    trade_id: str
    order: FakeOrder
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    time_ms: int
    is_maker: bool = False


@dataclass(slots=True)
class FakeOrder:
    """An order as the exchange has it; `quantity` in base, None for one that spends `quote_quantity`."""

    order_id: str
    client_id: str | None
    base: str
    side: str
    kind: str
    """market, limit or post_only."""
    quantity: Decimal | None
    quote_quantity: Decimal | None
    price: Decimal | None
    time_ms: int
    status: str = "open"
    """open, filled, canceled, rejected."""
    trades: list[FakeTrade] = field(default_factory=list)

    @property
    def filled(self) -> Decimal:
        return sum((trade.quantity for trade in self.trades), Decimal(0))

    @property
    def spent(self) -> Decimal:
        return sum((trade.quantity * trade.price for trade in self.trades), Decimal(0))

    @property
    def average(self) -> Decimal:
        return self.spent / self.filled if self.filled else Decimal(0)


class FakeVenue(abc.ABC):
    """What is the same on every exchange. A subclass speaks the protocol of one of them.

    Knobs, each for the next order or question: `refuses`, `loses_answer`, `hides_for` (look-ups say that there is no
    such order), `fills` (how a market order fills, and a limit order when `fill` is called).
    """

    ccxt_id: typing.ClassVar[str]
    tentacle: typing.ClassVar[str]
    """The folder of OctoBot's class for it."""
    credentials: typing.ClassVar[dict[str, str]] = {
        "api-key": "key",
        "api-secret": "secret",
        "api-password": "password",
    }
    variant: typing.ClassVar[str] = ""
    """Its name in the tests, where an exchange has more than one kind of account."""
    client_options: typing.ClassVar[dict[str, typing.Any]] = {}
    """Options of ccxt's client that make it this kind of account."""
    fee_forms: typing.ClassVar[tuple[str, ...]] = ("base", "quote", "own", "none")
    own_coin: typing.ClassVar[str] = ""
    quote: typing.ClassVar[str] = "USDT"
    """What its markets are quoted in."""

    def __init__(self) -> None:
        self.orders: list[FakeOrder] = []
        self.refuses = False
        self.loses_answer: typing.Literal["", "before", "after"] = ""
        self.hides_for = 0
        self.replaces_id = ""
        self.fills = 1
        """In how many trades a market order fills; 0: it does not."""
        self.fee_in: typing.Literal["base", "quote", "own", "none"] = "quote"
        self.unknown: list[Request] = []
        self._ids = itertools.count(1_000_001)

    # what a subclass speaks

    @abc.abstractmethod
    def routes(self) -> Routes:
        """Method and pattern of a path -> what answers. The groups of the pattern follow the request."""

    @abc.abstractmethod
    def refusal(self) -> Answer:
        """The answer to an order that the exchange refuses: the balance is too small."""

    # what they share

    async def answer(self, request: Request) -> Answer:
        for (method, pattern), respond in self.routes().items():
            if method == request.method and (found := re.fullmatch(pattern, request.path)):
                return respond(request, *found.groups())
        self.unknown.append(request)
        return Answer({"code": -1, "msg": f"no such endpoint: {request.method} {request.path}"}, 404)

    def now_ms(self) -> int:
        return int(time.time() * 1000)

    def new_id(self) -> str:
        return str(next(self._ids))

    def new_trade_id(self) -> str:
        return self.new_id()

    def take(
        self, *, client_id: str | None, base: str, side: str, kind: str, quantity: Decimal | None = None,
        quote_quantity: Decimal | None = None, price: Decimal | None = None,
    ) -> FakeOrder | None:  # fmt: skip
        """A new order has arrived: it fills or rests. None when it is refused; raises when the answer gets lost."""
        if self.loses_answer == "before":
            self.loses_answer = ""
            raise LostAnswerError("lost before it arrived")
        if self.refuses:
            self.refuses = False
            return None
        if self.replaces_id:
            client_id = self.replaces_id
        order = FakeOrder(
            self.new_id(), client_id, base, side, kind, quantity, quote_quantity, price, self.now_ms()
        )  # fmt: skip
        self.orders.append(order)
        if kind == "market" and self.fills:
            self.fill(order, parts=self.fills)
        if self.loses_answer == "after":
            self.loses_answer = ""
            raise LostAnswerError("lost after it arrived")
        return order

    def fill(self, order: FakeOrder, share: Decimal = Decimal(1), parts: int = 1) -> None:
        """Trade this share of the order, in so many trades; all of it ends the order."""
        price = order.price or PRICES[order.base]
        whole = order.quantity if order.quantity is not None else (order.quote_quantity or Decimal(0)) / price
        part = (whole * share / parts).quantize(Decimal("1e-8"))
        for number in range(parts):
            quantity = part if number < parts - 1 else whole * share - part * (parts - 1)
            fee, asset = self._fee(order, quantity, price)
            trade_id = self.new_trade_id()
            moment = order.time_ms + number // 3  # some trades share a millisecond
            is_maker = order.kind != "market"
            order.trades.append(FakeTrade(trade_id, order, quantity, price, fee, asset, moment, is_maker))
        if order.filled >= whole:
            order.status = "filled"

    def _fee(self, order: FakeOrder, quantity: Decimal, price: Decimal) -> tuple[Decimal, str]:
        rate = Decimal("0.001")
        if self.fee_in == "base":
            return quantity * rate, order.base
        if self.fee_in == "own":
            return (quantity * price * rate / Decimal(550)).quantize(Decimal("1e-8")), self.own_coin
        return quantity * price * rate, self.quote

    def cancel(self, order: FakeOrder) -> None:
        if order.status == "open":
            order.status = "canceled"

    def by_id(self, order_id: str | None) -> FakeOrder | None:
        return self._seen(next((one for one in self.orders if one.order_id == order_id), None))

    def by_client_id(self, client_id: str | None) -> FakeOrder | None:
        return self._seen(next((one for one in self.orders if one.client_id == client_id), None))

    def _seen(self, order: FakeOrder | None) -> FakeOrder | None:
        if self.hides_for > 0 and order is not None:
            self.hides_for -= 1
            return None
        return order

    def open_orders(self, base: str) -> list[FakeOrder]:
        return [one for one in self.orders if one.status == "open" and one.base == base]

    def ended_orders(self, base: str) -> list[FakeOrder]:
        return [one for one in self.orders if one.status != "open" and one.base == base]

    def trades(self, base: str, since_ms: int = 0, until_ms: int | None = None) -> list[FakeTrade]:
        """Oldest first."""
        found = [
            trade
            for order in self.orders
            for trade in order.trades
            if order.base == base and since_ms <= trade.time_ms <= (until_ms or trade.time_ms)
        ]
        return sorted(found, key=lambda trade: trade.time_ms)
