"""Orders, requests, trades and parties as rows of their fields' values in JSON, decimals as text."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from ..engine.orders import Order, Party, Request, Trade

_Record = TypeVar("_Record", Order, Request, Trade, Party)
_ADAPTERS: Mapping[type, TypeAdapter[Any]] = {kind: TypeAdapter(kind) for kind in (Order, Request, Trade, Party)}
"""Other fields of a record need another version of the file that it is in."""


def line_of(value: Any) -> str:
    """A value in one line of JSON; records are rows."""
    return json.dumps(value, separators=(",", ":"), default=_plain)


def row_of(record: Any) -> list[Any]:
    """The values of the fields of an order, a request, a trade or a party, in their order."""
    return [getattr(record, field.name) for field in dataclasses.fields(record)]


def order_row(order: Order) -> list[Any]:
    """The row of an order, with that of its request in it."""
    order_id, account, request, *rest = row_of(order)
    return [order_id, account, *row_of(request), *rest]


def built_order(row: list[Any]) -> Order:
    """Raises ValueError, naming the field."""
    end = 2 + len(dataclasses.fields(Request))
    return _built(Order, [*row[:2], _built(Request, row[2:end]), *row[end:]])


def built_trade(row: list[Any]) -> Trade:
    """Raises ValueError, naming the field."""
    *head, buyer, seller, buyer_is_maker = row
    return _built(Trade, [*head, _built(Party, buyer), _built(Party, seller), buyer_is_maker])


def built_request(row: list[Any]) -> Request:
    """Raises ValueError, naming the field."""
    return _built(Request, row)


def decimals(texts: Mapping[str, str]) -> dict[str, Decimal]:
    """Amounts by name, from their texts."""
    return {asset: Decimal(text) for asset, text in texts.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    return str(value) if isinstance(value, Decimal) else row_of(value)


def _built(kind: type[_Record], row: list[Any]) -> _Record:
    """A record from the values of its fields, in their order. Raises ValueError."""
    names = (field.name for field in dataclasses.fields(kind))
    try:
        record: _Record = _ADAPTERS[kind].validate_python(dict(zip(names, row, strict=True)))
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{kind.__name__}.{first['loc'][0]}: {first['msg']}") from error
    return record
