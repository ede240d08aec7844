"""The parameters of a request and the refusals of Binance's API: what is requested, and what is wrong with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import TypeVar
from urllib.parse import parse_qsl

_Choice = TypeVar("_Choice", bound=Enum)

LARGEST_LONG = 2**63 - 1
DECIMAL_PLACES = 8
SYMBOL = re.compile(r"[A-Z0-9\-_.]{1,20}")
CLIENT_ORDER_ID = re.compile(r"[a-zA-Z0-9\-_]{1,36}")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,20}")
_DECIMAL = re.compile(r"([0-9]{1,20})(\.[0-9]{1,20})?")


class ApiError(Exception):
    """A refusal in Binance's words: HTTP `status`, `code` and `msg` of the JSON body, and what `headers` it adds."""

    def __init__(self, code: int, msg: str, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(msg)
        self.code = code
        self.msg = msg
        self.status = status
        self.headers = dict(headers or {})


def illegal(name: str, legal: re.Pattern[str]) -> ApiError:
    """A malformed parameter."""
    return ApiError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^{legal.pattern}$'.")


def missing(name: str) -> ApiError:
    """A missing mandatory parameter."""
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def both_missing(name: str, other: str) -> ApiError:
    """Neither of two parameters of which one is mandatory."""
    return ApiError(-1102, f"Param '{name}' or '{other}' must be sent, but both were empty/null!")


def not_required(name: str) -> ApiError:
    """A parameter that conflicts with the others."""
    return ApiError(-1106, f"Parameter '{name}' sent when not required.")


def not_valid(name: str) -> ApiError:
    """An invalid value of a parameter."""
    return ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")


def bad_combination() -> ApiError:
    """Parameters that cannot be sent together."""
    return ApiError(-1128, "Combination of optional parameters invalid.")


def not_supported(status: int) -> ApiError:
    """An unknown route or method."""
    return ApiError(-1020, "This operation is not supported.", status)


def parse_parameters(query: str, body: str = "") -> dict[str, str]:
    """Both parts of a request, as sent, in one; the query wins. Raises ApiError when one part has a name twice."""
    parts = [parse_qsl(part, keep_blank_values=True) for part in (body, query)]
    if any(len(part) != len(dict(part)) for part in parts):
        raise ApiError(-1101, "Duplicate values for a parameter detected.")
    return {name: value for part in parts for name, value in part}


@dataclass(slots=True)
class Query:
    """The parameters of one request. Every getter raises ApiError for what Binance would refuse."""

    values: Mapping[str, str]
    read: set[str] = field(default_factory=set)

    def text(self, name: str, legal: re.Pattern[str] | None = None) -> str | None:
        """The parameter as sent, None when absent."""
        self.read.add(name)
        value = self.values.get(name)
        if value == "":
            raise ApiError(-1105, f"Parameter '{name}' was empty.")
        if value is not None and legal is not None and not legal.fullmatch(value):
            raise illegal(name, legal)
        return value

    def required(self, name: str) -> str:
        """The parameter as sent."""
        self.read.add(name)
        if not self.values.get(name):
            raise missing(name)
        return self.values[name]

    def choice(self, name: str, choices: type[_Choice], refusal: ApiError) -> _Choice | None:
        """One of the values of an enumeration, None when absent."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return choices(value)
        except ValueError:
            raise refusal from None

    def whole(self, name: str) -> int | None:
        """A whole number, None when absent."""
        value = self.text(name, _WHOLE_NUMBER)
        if value is not None and int(value) > LARGEST_LONG:
            raise ApiError(-1108, f"Parameter '{name}' overflowed.")
        return None if value is None else int(value)

    def decimal(self, name: str, places: int = DECIMAL_PLACES) -> Decimal | None:
        """A decimal with at most `places` decimals, None when absent; never negative."""
        value = self.text(name, _DECIMAL)
        if value is None:
            return None
        if len(value.partition(".")[2].rstrip("0")) > places:
            raise ApiError(-1111, f"Parameter '{name}' has too much precision.")
        return Decimal(value)

    def flag(self, name: str) -> bool:
        """True or false; false when absent."""
        value = self.text(name)
        if value not in (None, "true", "false", "TRUE", "FALSE"):
            raise not_valid(name)
        return value in ("true", "TRUE")

    def limit(self, default: int, largest: int) -> int:
        """The number of items requested, capped at the largest allowed."""
        value = self.whole("limit")
        if value == 0:
            raise not_valid("limit")
        return min(default if value is None else value, largest)

    def finish(self) -> None:
        """Refuses parameters that nobody read."""
        if not self.read and self.values:
            raise ApiError(-1101, f"Too many parameters; expected '0' and received '{len(self.values)}'.")
        if unread := set(self.values) - self.read:
            count = len(self.values)
            message = f"Not all sent parameters were read; read '{count - len(unread)}' parameter(s)"
            raise ApiError(-1104, f"{message} but was sent '{count}'.")
