"""Sends one order to a real exchange: exactly as it was decided, once, or not at all.

The order goes through OctoBot's trader. What OctoBot's class of the exchange and ccxt make of it is read again from the
request itself, at the last place before the socket. A request that does not say what was decided does not leave.
"""

from __future__ import annotations

import contextlib
import contextvars
import copy
import enum
import time
import typing
import uuid
import zlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

import ccxt
import octobot

from ..core.model.basics import OrderType, Side
from ..core.model.instrument import MarketRules
from ..core.model.orders import OrderIntent
from ..core.model.redact import named
from . import http_guard
from .exchange_client import is_caused_by
from .venues import Venue, support, venue_of
from .venues.record import ClientId
from .venues.wire import Request, Tolerances, UnreadableRequestError, WireOrder, differences

Raw = dict[str, typing.Any]
_Answer = typing.TypeVar("_Answer")
_LONGEST_BACKTEST_ID = 32
_REFUSALS = (
    ccxt.AuthenticationError, ccxt.BadRequest, ccxt.DDoSProtection, ccxt.InsufficientFunds, ccxt.InvalidNonce,
    ccxt.InvalidOrder, ccxt.NotSupported, ccxt.OperationRejected, ccxt.RateLimitExceeded,
)  # fmt: skip
_RULES_OF_MARKET = (ccxt.BadRequest, ccxt.InvalidOrder, ccxt.OperationRejected)


class OrderWithheldError(Exception):
    """A request that must not leave; the message says why."""


class SubmissionStatus(enum.Enum):
    """What is known of an order after it was to be sent."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """The exchange has no such order, and will not have it."""
    WITHHELD = "withheld"
    """Nothing was sent, as a person or a limit does not want it."""
    MISMATCH = "mismatch"
    """Nothing was sent, as it would not have been what was decided."""
    UNKNOWN = "unknown"
    """The exchange may have it: it has to be looked up."""


@dataclass(slots=True)
class Submission:
    """One order on its way.

    :param may_leave: says why the order must not leave after all, empty when it may; asked at the last moment.
    """

    order_id: str
    symbol: str
    intent: OrderIntent
    venue: Venue
    tolerances: Tolerances
    may_leave: Callable[[], str]
    contract_size: Decimal = Decimal(1)
    is_posted: bool = False
    is_over: bool = False
    exchange_order_id: str | None = None
    error: Exception | None = None
    """What ccxt raised for the order itself, not for what OctoBot asked afterwards."""
    withheld: str = ""
    mismatch: str = ""
    went_unseen: bool = False
    octobot_problem: str = field(default="", repr=False)
    """Why OctoBot could not read the answer, where it could not."""

    @property
    def status(self) -> SubmissionStatus:
        if self.went_unseen:
            return SubmissionStatus.UNKNOWN
        if self.exchange_order_id is not None:
            return SubmissionStatus.ACCEPTED
        if self.mismatch:
            return SubmissionStatus.MISMATCH
        if self.withheld:
            return SubmissionStatus.WITHHELD
        if not self.is_posted or is_refusal(self.error, self.venue):
            return SubmissionStatus.REFUSED
        return SubmissionStatus.UNKNOWN

    @property
    def reason(self) -> str:
        """Why it has this status, in words; empty for an accepted order."""
        if self.went_unseen:
            return "OctoBot created the order in another way, and what left for the exchange was not checked"
        if self.mismatch:
            return f"nothing was sent, as the order would have left as {self.mismatch}"
        if self.withheld:
            return self.withheld
        if self.error is None:
            return self.octobot_problem
        who = "the exchange refused it" if self.is_posted else "it was not sent"
        return f"{who}: {named(self.error)}"

    @property
    def would_have_taken(self) -> bool:
        """Whether the exchange refused a post-only order because it would have traded at once."""
        return self.intent.post_only and is_caused_by(self.error, (ccxt.OrderImmediatelyFillable,))

    def went_unseen_as(self, exchange_order_id: str | None) -> None:
        """OctoBot says that there is an order, and no request of one was seen: what it is has to be looked up."""
        self.went_unseen = True
        self.exchange_order_id = exchange_order_id or self.exchange_order_id

    @contextlib.contextmanager
    def active(self, exchange: typing.Any) -> Iterator[None]:
        """Within it, what OctoBot's trader creates on this exchange is this order, and nothing else is sent."""
        _take_over(exchange)
        _prepare(exchange.connector.client, self.venue)
        token = _CURRENT.set(self)
        try:
            yield
        finally:
            self.is_over = True
            _CURRENT.reset(token)

    async def create(self, exchange: typing.Any, arguments: dict[str, typing.Any]) -> Raw | None:
        """Stands in for `create_order` of OctoBot's class of the exchange, with its arguments.

        That one may turn a quantity into a cost, send twice or replace the id of the order: the ccxt client is asked
        directly. Gives the order as OctoBot reads it, completed as its class does it; None when there is none, or none
        that OctoBot can read.
        """
        connector, params = exchange.connector, self._params(exchange, arguments.get("params") or {})
        _prepare(connector.client, self.venue)  # OctoBot may have made another one meanwhile
        try:
            told = await self._ask_ccxt(connector.client, params)
        except Exception as error:  # noqa: BLE001 - whatever ccxt raises is what is known of the order
            self.error = error
            return None
        finally:
            self.is_over = True
        if told.get("id") is not None:
            self.exchange_order_id = str(told["id"])
        kept = ("order_type", "symbol", "price", "quantity", "side")
        try:
            adapted = connector.adapter.adapt_order(
                copy.deepcopy(told), symbol=self.symbol, quantity=float(self.intent.quantity)
            )
            verified = await exchange._verify_order(adapted, **{name: arguments[name] for name in kept})
        except Exception as error:  # noqa: BLE001 - the order is there, whatever OctoBot's class makes of the answer
            self.octobot_problem = f"OctoBot can't read the exchange's answer: {named(error)}"
            return None
        return typing.cast("Raw | None", verified)

    def _params(self, exchange: typing.Any, given: dict[str, typing.Any]) -> dict[str, typing.Any]:
        """What is sent beside market, side, amount and price; the parameters of OctoBot's broker code stay, but for an
        id in place of ours."""
        broker = exchange.exchange_manager.exchange_backend.get_orders_parameters(None)
        own = self.venue.client_id
        kept = {key: value for key, value in broker.items() if key not in (*own.replaced_by, own.param)}
        is_market_buy = self.intent.order_type is OrderType.MARKET and self.intent.side is Side.BUY
        market_buy = self.venue.market_buy_params if is_market_buy else {}
        post_only = self.venue.post_only_params if self.intent.post_only else {}
        fixed = {**self.venue.order_params, **self.venue.arrival.params, **market_buy, **post_only}
        return {**kept, **given, **fixed, own.param: self.order_id}

    async def _ask_ccxt(self, client: typing.Any, params: dict[str, typing.Any]) -> Raw:
        intent, symbol = self.intent, self.symbol
        if intent.quote_quantity is not None:
            spent = float(intent.quote_quantity)
            return typing.cast(Raw, await client.create_market_buy_order_with_cost(symbol, spent, params))
        has_price = intent.order_type is OrderType.LIMIT or self.venue.market_slippage is not None
        price = float(intent.price) if has_price else None
        amount = float(intent.quantity / self.contract_size)
        kind, side = intent.order_type.value, intent.side.value
        return typing.cast(Raw, await client.create_order(symbol, kind, side, amount, price, params))

    async def pass_on(self, client: typing.Any, request: Request, send: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Let a request out, or not.

        :raises OrderWithheldError: when it must not leave.
        """
        if not self.venue.is_order(request):
            if not self.is_over and not self.venue.is_read(request):
                other = f"beside an order nothing else is sent, and this was {request.method} {request.path}"
                self.mismatch = "" if self.is_posted else other
                raise OrderWithheldError(other)
            return await send()
        if self.is_posted:
            raise OrderWithheldError("an order is sent once: nothing was sent a second time")
        self.mismatch = self._mismatch(client, request)
        self.withheld = "" if self.mismatch else self.may_leave()
        if self.mismatch or self.withheld:
            raise OrderWithheldError(self.reason)
        self.is_posted = True
        return await send()

    def _mismatch(self, client: typing.Any, request: Request) -> str:
        """How the order in a request differs from what was decided; empty when it does not."""
        try:
            leaving = self.venue.read_order(request)
        except UnreadableRequestError as error:
            return f"something unknown: {error}"
        return ", ".join(differences(self.decided(client), leaving, self._tolerances()))

    def _tolerances(self) -> Tolerances:
        """The worst price of a market order is rounded by the exchange's rules for that price, not for the order's."""
        if self.intent.order_type is OrderType.LIMIT or self.venue.market_slippage is None:
            return self.tolerances
        price = max(self.tolerances.price_tick, self.intent.price * self.venue.market_slippage / 20)
        return replace(self.tolerances, price_tick=price)

    def decided(self, client: typing.Any) -> WireOrder:
        """What was decided, in the exchange's own spelling."""
        intent, venue = self.intent, self.venue
        return WireOrder(
            client_id=venue.client_id.on_the_wire(self.order_id),
            market_id=str(client.market(self.symbol)[venue.market_id_key]),
            side=intent.side,
            order_type=intent.order_type,
            quantity=None if intent.quote_quantity is not None else intent.quantity / self.contract_size,
            quote_quantity=intent.quote_quantity,
            price=self._decided_price(),
            is_post_only=intent.post_only,
            is_reduce_only=intent.reduce_only,
        )

    def _decided_price(self) -> Decimal | None:
        """The price that leaves: of a market order the worst one, where the exchange asks for it."""
        intent, slippage = self.intent, self.venue.market_slippage
        if intent.order_type is OrderType.LIMIT:
            return intent.price
        if slippage is None:
            return None
        return intent.price * (1 + slippage if intent.side is Side.BUY else 1 - slippage)


_CURRENT: contextvars.ContextVar[Submission | None] = contextvars.ContextVar("submission", default=None)


def _take_over(exchange: typing.Any) -> None:
    """From now on orders of a submission are created by it; those of others by OctoBot's class, as before."""
    create_order = exchange.create_order
    if hasattr(create_order, "of_others"):
        return

    async def create(*arguments: typing.Any, **named: typing.Any) -> typing.Any:
        submission = _CURRENT.get()
        if submission is None or submission.is_over:
            return await create_order(*arguments, **named)
        return await submission.create(exchange, named)

    create.of_others = create_order  # type: ignore[attr-defined]
    exchange.create_order = create


def _watch(client: typing.Any) -> None:
    """From now on every request of this client that belongs to a submission is looked at."""
    fetch = client.fetch
    if hasattr(fetch, "unwatched"):
        return

    async def watched(url: str, method: str = "GET", headers: typing.Any = None, body: typing.Any = None) -> typing.Any:
        submission = _CURRENT.get()
        if submission is None:
            return await fetch(url, method, headers, body)
        request = Request(method, url, body)
        return await submission.pass_on(client, request, lambda: fetch(url, method, headers, body))

    watched.unwatched = fetch  # type: ignore[attr-defined]
    client.fetch = watched


def prepare(exchange_manager: typing.Any) -> None:
    """To be called before anything is sent: keeps ccxt's client from what it would send by itself."""
    known = venue_at(exchange_manager)
    if known is not None:
        _keep_from_own_requests(exchange_manager.exchange.connector.client, known)


def _prepare(client: typing.Any, known: Venue) -> None:
    """Everything that leaves through this client is looked at from now on."""
    http_guard.guard(client)
    _keep_from_own_requests(client, known)
    _watch(client)


def _keep_from_own_requests(client: typing.Any, known: Venue) -> None:
    client.options.update(known.client_options)


def tolerances_of(rules: MarketRules, contract_size: Decimal) -> Tolerances:
    """How far the amounts of a request may be from those of an order on a market of these rules."""
    return Tolerances(rules.price_tick, rules.quantity_step / contract_size, rules.quote_step)


def venue_at(exchange_manager: typing.Any) -> Venue | None:
    """What is known of an exchange; None when nothing is, or where there is no exchange."""
    client = getattr(exchange_manager.exchange.connector, "client", None)
    return None if client is None else venue_of(str(client.id))


def refusal(exchange_manager: typing.Any) -> str:
    """Why OctoBot's real trader places no orders on an exchange; empty where it does."""
    known, name = venue_at(exchange_manager), str(exchange_manager.exchange_name)
    ccxt_id, is_futures = str(exchange_manager.exchange.connector.client.id), bool(exchange_manager.is_future)
    return support.refusal(known, name, octobot.LONG_VERSION, ccxt_id=ccxt_id, is_futures=is_futures)


def new_order_id(known: Venue | None = None) -> str:
    """An id that no other order has, OctoBot's and the exchange's at the same time, as that exchange takes it.

    Ids follow the time, which keeps the journal's index of them as quick after a hundred thousand orders as after one.
    """
    client_id = ClientId() if known is None else known.client_id
    return client_id.new(time.time_ns() // 1_000_000, uuid.uuid4().hex)


def backtest_order_id(source: str, number: int) -> str:
    """The id of an order of a backtest: the same in every run, and never the same as another one in the run."""
    return f"vb{zlib.crc32(source.encode()):08x}{number:0{_LONGEST_BACKTEST_ID - 10}d}"


def is_refusal(error: BaseException | None, known: Venue) -> bool:
    """Whether the exchange has said that there is no such order, and will not be.

    An id that is there already is no refusal: the order that has it is ours. Nor is the exchange's own time-out.
    """
    said = str(error).lower().replace('": ', '":')  # of JSON, however it is spaced
    if is_caused_by(error, (ccxt.DuplicateOrderId,)) or any(text in said for text in known.no_refusal_texts):
        return False
    if is_caused_by(error, _REFUSALS):
        return True
    return is_caused_by(error, (ccxt.ExchangeError, ccxt.OnMaintenance)) and any(
        text in said for text in known.refusal_texts
    )


def is_about_rules(error: BaseException | None) -> bool:
    """Whether the order may not have fitted the rules of its market."""
    return is_caused_by(error, _RULES_OF_MARKET)
