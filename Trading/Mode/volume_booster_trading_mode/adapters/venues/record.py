"""What one exchange does its own way, as data. One frozen record for each ccxt id."""

from __future__ import annotations

import enum
import hashlib
import math
import re
import typing
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import ccxt

from .wire import Request, WireOrder

Params = Mapping[str, typing.Any]
Lines = frozenset[str]

OCTOBOT_2_0 = "2.0.15"
OCTOBOT_2_1 = "2.1.1"
BOTH_LINES: Lines = frozenset({OCTOBOT_2_0, OCTOBOT_2_1})
CCXT_OF = {OCTOBOT_2_0: "4.5.22", OCTOBOT_2_1: "4.5.44"}
"""The ccxt that comes with an OctoBot, with which its exchanges were tried."""


class MarketBuy(enum.Enum):
    """What a market buy on spot is placed by."""

    QUANTITY = "quantity"
    QUOTE = "quote"
    """The amount of quote to spend: the exchange, or ccxt, takes nothing else."""


class IdForm(enum.Enum):
    """What an exchange takes as the client's id of an order."""

    ALPHANUMERIC = "alphanumeric"
    UUID = "uuid"
    HEX_128 = "0x and 32 hex digits"


@dataclass(frozen=True, slots=True)
class ClientId:
    """The client's id of an order: what is sent, how it is handed to ccxt, and how it comes back."""

    form: IdForm = IdForm.ALPHANUMERIC
    longest: int = 32
    param: str = "clientOrderId"
    """The parameter that hands it to ccxt."""
    prefix: str = ""
    """What stands before it on the wire, and comes back with it."""
    replaced_by: tuple[str, ...] = ("clientOrderId",)
    """Parameters in which OctoBot's broker code puts an id of its own: they are dropped in favour of ours."""

    def new(self, time_ms: int, random_hex: str) -> str:
        """An id that no other order has: it begins with the time, and continues with at least 32 random hex digits."""
        text = f"vb{time_ms:011x}{random_hex}"
        if self.form is IdForm.ALPHANUMERIC:
            return text[: self.longest]
        digits = f"{time_ms:012x}{hashlib.sha256(text.encode()).hexdigest()}"[:32]
        return f"0x{digits}" if self.form is IdForm.HEX_128 else str(uuid.UUID(digits))

    def on_the_wire(self, order_id: str) -> str:
        return f"{self.prefix}{order_id}"

    def read_back(self, told: str | None) -> str:
        """Our id of an order by what the exchange shows; empty when it shows none."""
        return (told or "").removeprefix(self.prefix)


@dataclass(frozen=True, slots=True)
class Lookup:
    """How an order is found again, and whether not finding it means that there is none."""

    by_exchange_id: bool = True
    by_client_id: Params | None = None
    """Parameters of ccxt's fetch_order beside the id (`{id}` stands for it); None where it can't be asked so."""
    ask_by_client_id: Callable[[typing.Any, str, str], Awaitable[dict[str, typing.Any]]] | None = None
    """Asks ccxt's client for an order of a symbol by our id, where its fetch_order can't."""
    ended_by_client_id_s: Callable[[Params], float] = lambda options: math.inf
    """For how long after it was placed an order that has ended is found by the client's id, by the options of ccxt's
    client, as kinds of accounts may differ. After that the lists are asked too."""
    open_orders_show_client_id: bool = True
    closed_orders_show_client_id: bool = False
    """Lists of ended orders show it, so that an order whose answer was lost is found there."""
    ended_orders: tuple[str, ...] = ()
    """Methods of ccxt that list ended orders, for where an order can't be asked for by an id."""
    ended_page: int = 100
    """The most rows that such a list shows; a full one proves nothing about an order that it does not show."""
    ended_params: Params = field(default_factory=dict)
    """Sent when such a list is asked for."""
    ended_reach_s: float = math.inf
    """How long ago an order may have been placed to be in such a list."""
    open_params: Params = field(default_factory=dict)
    """Sent when open orders are asked for, such as the most rows of a page."""
    ended_page_param: str = ""
    """The parameter with the number of a page of ended orders, from 1; empty where only the first one can be had."""
    open_page: int | None = None
    """The most open orders that are listed; None where all are."""
    list_params: Params | None = None
    """Parameters that narrow lists of orders to one by our id (`{id}` stands for it)."""
    ended_until_param: str = ""
    """The parameter that ends the time of a list of ended orders, in milliseconds; empty where there is none."""
    params: Params = field(default_factory=dict)
    """Sent with every look-up by id."""

    @property
    def is_conclusive(self) -> bool:
        """Whether an order that is not found by our id does not exist, as long as the lists reach back to it."""
        return self.is_asked_by_client_id or (self.open_orders_show_client_id and self.closed_orders_show_client_id)

    @property
    def is_asked_by_client_id(self) -> bool:
        """Whether one order can be asked for by our id."""
        return self.by_client_id is not None or self.ask_by_client_id is not None


@dataclass(frozen=True, slots=True)
class NotFound:
    """How an exchange says that it has no such order."""

    classes: tuple[type[BaseException], ...] = (ccxt.OrderNotFound,)
    texts: tuple[str, ...] = ()
    """Parts of a message, in lower case, that say it whatever the class of the error."""
    empty_answer: bool = False
    """It answers with an order that has no id; elsewhere that is no answer."""

    def says(self, error: BaseException) -> bool:
        return isinstance(error, self.classes) or any(text in str(error).lower() for text in self.texts)


@dataclass(frozen=True, slots=True)
class Trades:
    """How the trades of an order are asked for."""

    of_order: bool = False
    """ccxt's fetch_order_trades works on spot."""
    of_order_is_whole: bool = False
    """And it shows all trades of the order at once."""
    page: int = 100
    """The most rows that one answer has."""
    window_s: float | None = None
    """An answer covers at most so long from its beginning; None where it has no such limit."""
    newest_first: bool | None = False
    """A full page has the newest rows of what was asked for, not the oldest; None where the exchange does not document
    which: then what lies before a full page is asked for, and what lies after it."""
    params: Params = field(default_factory=dict)
    until_param: str = "until"
    """The parameter of ccxt's fetch_my_trades that ends the window, in milliseconds."""
    offset_param: str = ""
    """The parameter that says how many rows to skip, where pages follow by it and not by time."""
    offset_counts_pages: bool = False
    """It has the number of the page, from 1, instead."""
    cursor_param: str = ""
    """The parameter that says where a page begins, where pages follow by it: a row of the page before has it in its
    `info`, under the same name."""
    order_param: str = ""
    """The parameter that narrows an answer to one order, by the exchange's id of it."""
    of_all_symbols: bool = False
    """The exchange can't narrow an answer to one symbol: a page has the trades of all of them."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """How long an order may be on its way."""

    params: Params = field(default_factory=dict)
    within_s: float | None = None
    """The exchange refuses an order that is older when it arrives; None where it takes it whenever it comes."""


@dataclass(frozen=True, slots=True)
class LimitsInHeaders:
    """An exchange lists its limits, and each answer has in its headers what of them is used in the present window."""

    asked_by: str
    """The method of ccxt's client that lists the limits of a market, under `rateLimits`."""
    header: re.Pattern[str]
    """A header's name, with the groups `what`, `number` and `unit` (s, m, h, d) of the window."""
    kinds: Mapping[str, str]
    """The kind of a limit -> `what` of its header."""
    intervals_s: Mapping[str, int]
    """The unit of a limit's window -> its seconds."""


@dataclass(frozen=True, slots=True)
class Venue:
    """One exchange, by its ccxt id.

    `read_order` reads an order request; `is_order` tells one from other requests; `is_read` says which of those change
    nothing. `refused` says why the real trader places no orders there; empty where it does, on the OctoBot `proven`.
    """

    ccxt_id: str
    title: str
    is_order: Callable[[Request], bool]
    read_order: Callable[[Request], WireOrder]
    client_id: ClientId = ClientId()
    market_buy: MarketBuy = MarketBuy.QUANTITY
    quote_written_by: str = "cost_to_precision"
    """The method of ccxt's client that cuts the quote to spend to its step."""
    market_buy_params: Params = field(default_factory=dict)
    market_slippage: Decimal | None = None
    """A market order leaves with a worst price, so far from the order's own as a share of it; None where it leaves
    without a price."""
    client_options: Params = field(default_factory=dict)
    """Options of ccxt's client that keep it from sending anything of its own that changes the account."""
    order_params: Params = field(default_factory=dict)
    """Sent with every order, such as the parameter against self-trades."""
    post_only_params: Params = field(default_factory=lambda: {"postOnly": True})
    arrival: Arrival = Arrival()
    lookup: Lookup = Lookup()
    not_found: NotFound = NotFound()
    trades: Trades = Trades()
    refusal_texts: tuple[str, ...] = ()
    """Parts of the exchange's own error message, in lower case and without spaces after colons of JSON, that mean the
    same as the common errors: there is no such order, and will not be."""
    no_refusal_texts: tuple[str, ...] = ()
    """Parts of a message, written as in `refusal_texts`, that are no refusal whatever the class of the error: an order
    has our id already, or the exchange does not know itself whether it took this one."""
    order_row: Callable[[Params], dict[str, typing.Any]] = lambda row: {}
    """Fields of ccxt's row of an order that ccxt reads wrong, as the exchange tells them in its `info`."""
    trade_row: Callable[[Params], dict[str, typing.Any]] = lambda row: {}
    """The same of a trade."""
    is_read: Callable[[Request], bool] = lambda request: request.method == "GET"
    limits: LimitsInHeaders | None = None
    """How it shows what of its limits is used; None where it does not."""
    cancels_all: bool = False
    """ccxt's cancel_all_orders cancels what rests on one symbol in one request."""
    cancel_shows_order: bool = False
    """Its answer to a cancellation has the whole order, with what of it is filled."""
    proven: Lines = frozenset()
    refused: str = ""
    is_futures_proven: bool = False
    market_id_key: str = "id"
    """The key of ccxt's market that an order names its market by."""


def refused(ccxt_id: str, title: str, why: str) -> Venue:
    """An exchange on which the real trader places nothing, and why."""
    return Venue(ccxt_id, title, lambda request: False, _unreadable, refused=why)


def _unreadable(request: Request) -> WireOrder:
    raise AssertionError("nothing is sent to an exchange that is refused")
