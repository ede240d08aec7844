"""Asks the control interface of a local exchange, with the token that is in its file."""

from __future__ import annotations

import json
import pathlib
import typing
import urllib.request


def controlled(port: int, token_file: pathlib.Path, route: str, method: str = "GET", **body: typing.Any) -> typing.Any:
    """The answer of a route behind /control/. Raises HTTPError for a refusal."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/control/{route}",
        data=json.dumps(body).encode() if body else None,
        headers={"Authorization": f"Bearer {token_file.read_text('ascii')}", "Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)
