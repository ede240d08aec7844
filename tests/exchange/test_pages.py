"""What a web page could make a browser send: refused, and it costs nothing of what programs may use."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from conftest import TOKEN
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from octobot_volume_booster.offline_exchange.server.rest.api import create_app
from octobot_volume_booster.offline_exchange.server.rest.control import control_routes
from octobot_volume_booster.offline_exchange.server.rest.pages import is_from_here

DEPOSIT = json.dumps({"account": "alice", "asset": "USDT", "amount": "-100000"})
OF_PAGES = [
    [("Origin", "http://127.0.0.1:9000")],
    [("Origin", "null")],
    [("Origin", "https://pages.example")],
    [("Sec-Fetch-Site", "cross-site")],
    [("Sec-Fetch-Site", "same-site")],
    [("Sec-Fetch-Site", "none"), ("Sec-Fetch-Site", "cross-site")],
    [("Referer", "http://localhost:9000/page.html")],
    [("Host", "127.0.0.1"), ("Host", "pages.example")],
    [("Host", "pages.example"), ("Host", "127.0.0.1")],
    [("Host", "127.0.0.1"), ("Host", "127.0.0.1")],
    [("Host", "pages.example")],
    [("Host", "127.0.0.1.pages.example")],
    [("Host", "127.0.0.1:80@pages.example")],
    [],
]
"""Headers, with the right `Host` where none is named; the last has none at all."""


async def sent(server: TestClient, text: str) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body of the answer to a request as it stands, which no client would send so."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(text.replace("\n", "\r\n").encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        lines = head.decode().splitlines()
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        return int(lines[0].split()[1]), headers, json.loads(body)
    finally:
        writer.close()


def request(method: str, target: str, headers: list[tuple[str, str]], body: str = "") -> str:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return "\n".join([*lines, f"Content-Length: {len(body)}", "Connection: close", "", body])


def with_host(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    is_named = not headers or any(name == "Host" for name, _ in headers)
    return headers if is_named else [("Host", "127.0.0.1"), *headers]


async def used(server: TestClient) -> int:
    """Weight that this minute's requests have used, this one included."""
    async with server.get("/api/v3/ping") as answer:
        return int(answer.headers["X-MBX-USED-WEIGHT-1M"])


@pytest.mark.parametrize("headers", OF_PAGES)
async def test_what_a_page_sends_changes_nothing_and_uses_nothing_up(server, exchange, headers) -> None:
    before, changes = await used(server), exchange.changes
    authorized = [("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json")]
    for method, path, more, body in (
        ("GET", "/api/v3/ticker/24hr", [], ""),
        ("GET", "/api/v3/nowhere", [], ""),
        ("POST", "/api/v3/order?symbol=BTCUSDT", [("X-MBX-APIKEY", "alice-key")], ""),
        ("OPTIONS", "/control/deposit", [], ""),
        ("POST", "/control/deposit", authorized, DEPOSIT),
        ("GET", "/control/accounts", authorized, ""),
    ):
        status, answered, _ = await sent(server, request(method, path, [*with_host(headers), *more], body))
        assert status in (400, 403)
        assert not {name for name in answered if name.startswith("access-control")}
    assert (await used(server), exchange.changes) == (before + 1, changes)


@pytest.mark.parametrize("target", ["http://pages.example/api/v3/ping", "//pages.example/api/v3/ping", "*"])
async def test_a_target_that_is_not_a_path_here_is_refused(server, target) -> None:
    status, _, body = await sent(server, request("GET", target, [("Host", "127.0.0.1")]))
    assert (status, body["code"]) in ((403, -1002), (404, -1020), (400, -1000))
    assert await used(server) == 1


@pytest.mark.parametrize(
    "headers",
    [[], [("Origin", "http://LOCALHOST:8642")], [("Sec-Fetch-Site", "same-origin")], [("Sec-Fetch-Site", "none")],
     [("Referer", "http://localhost:8642/api/v3/ping")]],
)  # fmt: skip
async def test_programs_and_the_address_bar_are_answered(server, headers) -> None:
    status, answered, body = await sent(server, request("GET", "/api/v3/ping", [("Host", "localhost:8642"), *headers]))
    assert (status, body) == (200, {}) and answered["x-mbx-used-weight-1m"] == "1"


@given(st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=40))
def test_no_origin_but_ones_own_is_from_here(origin: str) -> None:
    headers = CIMultiDict([("Host", "127.0.0.1:8642"), ("Origin", origin)])
    assert is_from_here(headers, "/") is (origin.lower() == "http://127.0.0.1:8642")


@pytest.mark.parametrize(
    ("authorization", "status"),
    [(None, 401), ("", 401), (TOKEN, 401), (f"Basic {TOKEN}", 401), (f"Bearer {TOKEN}x", 401), ("Bearer ", 401),
     ("Bearer \u00e9", 401), (f"Bearer {TOKEN}", 200)],
)  # fmt: skip
async def test_the_control_interface_needs_its_token_also_to_be_read(exchange, authorization, status) -> None:
    app = create_app(exchange, control=control_routes(exchange), token=TOKEN)
    async with TestClient(TestServer(app)) as server:
        headers = {} if authorization is None else {"Authorization": authorization}
        for method, route, body in (("GET", "accounts", None), ("POST", "deposit", DEPOSIT)):
            typed = {"Content-Type": "application/json"} if body else {}
            async with server.request(method, f"/control/{route}", data=body, headers=headers | typed) as answer:
                assert answer.status == status
    assert exchange.venue.engine.accounts["alice"].free["USDT"] == (0 if status == 200 else 100_000)


def test_there_is_no_control_interface_without_a_token(exchange) -> None:
    with pytest.raises(ValueError, match="token"):
        create_app(exchange, control=control_routes(exchange))


@pytest.mark.parametrize("types", [["text/plain"], [], ["application/x-www-form-urlencoded"],
                                   ["application/json", "text/plain"]])  # fmt: skip
async def test_a_body_of_another_type_than_json_controls_nothing(server, exchange, types) -> None:
    headers = [("Host", "127.0.0.1"), ("Authorization", f"Bearer {TOKEN}"), *(("Content-Type", one) for one in types)]
    status, _, body = await sent(server, request("POST", "/control/deposit", headers, DEPOSIT))
    assert status == 415 and "application/json" in body["msg"]
    assert exchange.venue.engine.accounts["alice"].free["USDT"] == 100_000


async def test_a_body_of_another_type_than_a_form_is_no_order(server, signed) -> None:
    for media_type, status in (
        ("text/plain", 415),
        ("application/json", 415),
        ("application/x-www-form-urlencoded", 401),
    ):
        headers = [("Host", "127.0.0.1"), ("Content-Type", f"{media_type}; charset=utf-8")]
        answered, _, _ = await sent(server, request("POST", "/api/v3/order", headers, "symbol=BTCUSDT"))
        assert answered == status
