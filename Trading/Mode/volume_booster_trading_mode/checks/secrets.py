"""Keeps keys and signatures out of every sentence and file of a check. Pure."""

from __future__ import annotations

import typing
from collections.abc import Iterable

from ..core.model.redact import HIDDEN, without_secrets

SHORTEST = 4
"""Of a secret that is looked for in texts: a shorter one would be found in every word."""
CREDENTIALS = (
    "apiKey", "secret", "uid", "accountId", "login", "password", "twofa", "privateKey", "walletAddress", "token",
)  # fmt: skip
"""Attributes of a ccxt client that hold what lets into an account, or tell whose it is."""


class Secrets:
    """Those of one account."""

    def __init__(self, values: Iterable[object] = ()) -> None:
        self._values: list[str] = []
        self.add(values)

    def add(self, values: Iterable[object]) -> None:
        texts = {str(value) for value in values if value}
        self._values = sorted(
            {*self._values, *(text for text in texts if len(text) >= SHORTEST)}, key=len, reverse=True
        )

    def add_of(self, client: typing.Any) -> None:
        """Those that a ccxt client has."""
        self.add(getattr(client, name, None) for name in CREDENTIALS)

    def hide(self, text: str) -> str:
        """The text without them, and else unchanged: for a file whose fields are hidden by their names."""
        for value in self._values:
            text = text.replace(value, HIDDEN)
        return text

    def cut(self, text: str) -> str:
        """A sentence without them, and without all that looks like a secret: see `redact`."""
        return without_secrets(self.hide(text))
