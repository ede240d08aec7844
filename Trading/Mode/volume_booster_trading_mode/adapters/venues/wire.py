"""An HTTP request as it is about to leave, the order in it, and how that differs from what was decided. Pure."""

from __future__ import annotations

import json
import typing
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from ...core.model.basics import OrderType, Side

Fields = Mapping[str, typing.Any]


class UnreadableRequestError(Exception):
    """A request whose meaning is not known: it must not leave."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a ccxt client, after signing: method, URL and body are what the socket gets."""

    method: str
    url: str
    body: str | bytes | None = None

    @property
    def path(self) -> str:
        """Of the URL, without host and query."""
        return urllib.parse.urlsplit(self.url).path

    @property
    def query(self) -> dict[str, str]:
        """The parameters in the URL.

        :raises UnreadableRequestError: when one of them is there twice.
        """
        return _pairs(urllib.parse.urlsplit(self.url).query)

    @property
    def form(self) -> dict[str, str]:
        """The parameters in a URL-encoded body.

        :raises UnreadableRequestError: when one of them is there twice.
        """
        return _pairs(self._text())

    @property
    def json(self) -> typing.Any:
        """The content of a JSON body.

        :raises UnreadableRequestError: when it is none.
        """
        try:
            return json.loads(self._text(), parse_float=Decimal, parse_int=Decimal)
        except ValueError as error:
            raise UnreadableRequestError(f"the body of {self.method} {self.path} is not JSON") from error

    def _text(self) -> str:
        body = self.body or ""
        return body.decode("utf-8") if isinstance(body, bytes) else body


def _pairs(text: str) -> dict[str, str]:
    pairs = urllib.parse.parse_qsl(text, keep_blank_values=True)
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableRequestError("a parameter stands twice in the request")
    return found


@dataclass(frozen=True, slots=True)
class WireOrder:
    """An order as it stands in a request, in the exchange's own spelling of id and market.

    Exactly one of `quantity` (base, or contracts) and `quote_quantity` (quote to spend) is given.
    """

    client_id: str | None
    market_id: str
    side: Side
    order_type: OrderType
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    is_post_only: bool = False
    is_reduce_only: bool = False


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far price, quantity and quote to spend may be from what was decided: less than one step of each."""

    price_tick: Decimal
    quantity_step: Decimal
    quote_step: Decimal | None = None


def differences(decided: WireOrder, leaving: WireOrder, tolerances: Tolerances) -> list[str]:
    """What of an order would leave otherwise than it was decided, each with both values; empty when nothing does."""
    exact = ("client_id", "market_id", "side", "order_type", "is_post_only", "is_reduce_only")
    found = [
        _difference(name, getattr(decided, name), getattr(leaving, name))
        for name in exact
        if getattr(decided, name) != getattr(leaving, name)
    ]
    steps = {
        "price": tolerances.price_tick,
        "quantity": tolerances.quantity_step,
        "quote_quantity": tolerances.quote_step or Decimal(0),
    }
    return found + [
        _difference(name, getattr(decided, name), getattr(leaving, name))
        for name, step in steps.items()
        if not _is_within(getattr(decided, name), getattr(leaving, name), step)
    ]


def _is_within(decided: Decimal | None, leaving: Decimal | None, step: Decimal) -> bool:
    if decided is None or leaving is None:
        return decided is leaving
    return leaving == decided or abs(leaving - decided) < step


def _difference(name: str, decided: typing.Any, leaving: typing.Any) -> str:
    what = name.removeprefix("is_").replace("_", " ")
    return f"{what} {_shown(leaving)} instead of {_shown(decided)}"


def _shown(value: typing.Any) -> str:
    if isinstance(value, (Side, OrderType)):
        return str(value.value)
    return f"{value:f}" if isinstance(value, Decimal) else "none" if value is None else str(value)


def number(value: typing.Any) -> Decimal | None:
    """A number of a request; None when it is missing or empty.

    :raises UnreadableRequestError: when it is not a finite number.
    """
    if value is None or value == "":
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation as error:
        raise UnreadableRequestError(f"{value!r} is not a number") from error
    if not found.is_finite():
        raise UnreadableRequestError(f"{value!r} is not a finite number")
    return found


def one_of(what: str, value: typing.Any, meanings: Mapping[str, typing.Any]) -> typing.Any:
    """The meaning of a value.

    :raises UnreadableRequestError: when it has none.
    """
    if value not in meanings:
        raise UnreadableRequestError(f"the {what} {value!r} is not known")
    return meanings[value]


def only(fields: Fields, *known: str) -> None:
    """:raises UnreadableRequestError: when a request has a field whose meaning nobody has looked at."""
    if unknown := sorted(set(fields) - set(known)):
        raise UnreadableRequestError(f"the field {unknown[0]!r} of the order is not known")


@dataclass(frozen=True, slots=True)
class FlatOrder:
    """How an exchange writes an order whose fields lie side by side, in form, query or JSON. Calling it reads one.

    Names of fields that an exchange does not have are empty. `types` maps the exchange's order type to ours and to
    whether it is post-only. A field that stands in none of these is refused, unless it is one of `others`, which do not
    change what is traded, or one of `fixed`, which must have one of the given values where it is there.
    """

    fields_of: Callable[[Request], Fields]
    client_id: str
    market_id: str
    side: str
    order_type: str
    quantity: str
    price: str
    types: Mapping[str, tuple[OrderType, bool]]
    sides: Mapping[str, Side] = field(default_factory=lambda: {"buy": Side.BUY, "sell": Side.SELL})
    quote_quantity: str = ""
    post_only: tuple[str, tuple[typing.Any, ...]] = ("", ())
    """A field that makes an order post-only, and the values that do."""
    reduce_only: str = ""
    fixed: Mapping[str, tuple[typing.Any, ...]] = field(default_factory=dict)
    others: frozenset[str] = frozenset()
    market_buy_quantity_is_quote: bool = False
    """The quantity of a market buy is the quote to spend."""

    def __call__(self, request: Request) -> WireOrder:
        """:raises UnreadableRequestError: when the request has anything whose meaning is not known."""
        fields = self.fields_of(request)
        only(fields, *self._known())
        for name, values in self.fixed.items():
            if name in fields and fields[name] not in values:
                raise UnreadableRequestError(f"{name} is {fields[name]!r} instead of {values[0]!r}")
        order_type, is_post_only = one_of("order type", fields.get(self.order_type), self.types)
        side = one_of("side", fields.get(self.side), self.sides)
        quantity, quote = number(fields.get(self.quantity)), number(fields.get(self.quote_quantity))
        if self.market_buy_quantity_is_quote and order_type is OrderType.MARKET and side is Side.BUY:
            quantity, quote = None, quantity
        return WireOrder(
            client_id=fields.get(self.client_id),
            market_id=str(fields.get(self.market_id)),
            side=side,
            order_type=order_type,
            quantity=quantity,
            quote_quantity=quote,
            price=number(fields.get(self.price)),
            is_post_only=is_post_only or fields.get(self.post_only[0]) in self.post_only[1],
            is_reduce_only=str(fields.get(self.reduce_only, "")).lower() == "true",
        )

    def _known(self) -> Iterator[str]:
        named = (self.client_id, self.market_id, self.side, self.order_type, self.quantity, self.price)
        yield from filter(None, (*named, self.quote_quantity, self.post_only[0], self.reduce_only))
        yield from self.fixed
        yield from self.others


def form(request: Request) -> Fields:
    """The fields of a URL-encoded body."""
    return request.form


def query(request: Request) -> Fields:
    """The fields of the URL's query."""
    return request.query


def json_object(request: Request) -> Fields:
    """The fields of a JSON object.

    :raises UnreadableRequestError: when the body is something else.
    """
    content = request.json
    if not isinstance(content, dict):
        raise UnreadableRequestError("the body is not one object")
    return content


def only_item(request: Request) -> Fields:
    """The fields of the only object of a JSON list.

    :raises UnreadableRequestError: when there is none, or more than one.
    """
    content = request.json
    if not isinstance(content, list) or len(content) != 1 or not isinstance(content[0], dict):
        raise UnreadableRequestError("the body is not a list of one object")
    return content[0]
