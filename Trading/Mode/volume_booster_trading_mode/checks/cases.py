"""What an exchange was asked and what it answered, as files that hold no secret: new test cases, for other people."""

from __future__ import annotations

import decimal
import json
import pathlib
import re
import typing
from collections.abc import Mapping
from decimal import Decimal

from ..adapters.venues.wire import Request, UnreadableRequestError
from ..core.model.redact import HIDDEN
from ..storage import private_files
from .secrets import Secrets

BALANCES = "balances"
"""The question whose amounts are rounded to their first digit."""
MOST_ITEMS = 20
"""Of a list: the others look the same."""
_AUTHENTICATION = re.compile(
    r"sign|secret|pass|nonce|auth|hmac|jwt|session|cookie|(api|access|public|private).?key|(access|refresh).?token|^key$",
    re.IGNORECASE,
)
_OWNER = re.compile(
    r"^(uid|user|login|email|phone|mobile|ip)$|(account|user|member|customer|owner|portfolio|sub).?(id|uid|name|alias)$"
    r"|email|address|uuid$",
    re.IGNORECASE,
)
_ACCOUNT_IN_PATH = re.compile(r"(accounts/)[^/]*\d[^/]*")


class Cases:
    """Writes a file for each answer of a ccxt client into a folder that is there."""

    def __init__(self, folder: pathlib.Path, secrets: Secrets) -> None:
        self._folder, self._secrets = folder, secrets
        self.question = ""
        """What is being asked: part of the name of the file."""
        self.market_id = ""
        """Of long lists what is about this market is kept."""
        self.written = 0

    def listen(self, client: typing.Any) -> None:
        hear = client.on_rest_response

        def on_error(*answer: typing.Any) -> typing.Any:
            status, _, url, method, _, text, _, body = answer
            self._write(Request(method, url, body), int(status), text)
            return hear(*answer)

        client.on_rest_response = on_error

    def _write(self, request: Request, status: int, text: str) -> None:
        self.written += 1
        name = f"{self.written:03d}-{re.sub('[^a-z0-9]+', '-', self.question.lower()) or 'other'}.json"
        content = json.dumps(self._case(request, status, text), indent=1, ensure_ascii=False)
        private_files.write_whole(self._folder / name, (self._secrets.hide(content) + "\n").encode())

    def _case(self, request: Request, status: int, text: str) -> dict[str, typing.Any]:
        return {
            "question": self.question,
            "method": request.method,
            "path": _ACCOUNT_IN_PATH.sub(rf"\1{HIDDEN}", request.path),
            "query": self._clean(_read(lambda: request.query)),
            "body": self._clean(_read(lambda: _decimals_as_text(request.json)) or _read(lambda: request.form)),
            "status": status,
            "answer": self._clean(_json(text)),
        }

    def _clean(self, value: typing.Any, name: str = "") -> typing.Any:
        if name and (_AUTHENTICATION.search(name) or _OWNER.search(name)):
            return HIDDEN
        if isinstance(value, Mapping):
            return {str(key): self._clean(part, str(key)) for key, part in value.items()}
        if isinstance(value, list):
            return [self._clean(part) for part in self._shortened(value)]
        return _first_digit(value) if self.question == BALANCES else value

    def _shortened(self, items: list[typing.Any]) -> list[typing.Any]:
        if len(items) <= MOST_ITEMS:
            return items
        about = [item for item in items if self.market_id and f'"{self.market_id}"' in json.dumps(item, default=str)]
        return (about or items)[:MOST_ITEMS]


def _read(part: typing.Callable[[], typing.Any]) -> typing.Any:
    try:
        return part()
    except UnreadableRequestError:
        return None


def _decimals_as_text(value: typing.Any) -> typing.Any:
    return json.loads(json.dumps(value, default=str))


def _json(text: str) -> typing.Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _first_digit(value: typing.Any) -> typing.Any:
    """A number, also one in a string, rounded to its first digit; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value
    try:
        number = Decimal(str(value))
    except decimal.InvalidOperation:
        return value
    if not number.is_finite() or not number:
        return value
    rounded = round(number, -number.adjusted())
    return f"{rounded:f}" if isinstance(value, str) else type(value)(rounded)
