"""Laws of what is told of an error: no query of a URL and no key comes through, and everything else does."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAW

from octobot_volume_booster.core.model.redact import HIDDEN, named, text_of, without_secrets

WORDS = st.text(string.ascii_letters + string.digits, min_size=1, max_size=20)
SECRET = st.text(string.ascii_letters + string.digits, min_size=12, max_size=64).filter(lambda text: "xq" not in text)
HOSTS = st.sampled_from(["https://api.binance.com", "http://127.0.0.1:8642", "wss://stream.example.org:9443"])
QUERY_KEYS = st.sampled_from(["signature", "timestamp", "apiKey", "whatever", "listenKey", "x"])
NAMES = (
    "signature Signature apiKey api_key api-key API-Key X-MBX-APIKEY KC-API-SIGN OK-ACCESS-PASSPHRASE ACCESS-SIGN sign "
    "listenKey listen_key secret apiSecret Authorization token accessToken password privateKey"
).split()
FORMS = ("{n}={s}", "{n}: {s}", '"{n}": "{s}"', "'{n}': '{s}'", "{n} = {s}")
LONG = ("/", "https://", "a", "a-", "?", "sign=", '"', "1+", "apikey ", "x" * 41 + " ", "%3F")


@LAW
@given(HOSTS, st.lists(WORDS, max_size=3), QUERY_KEYS, SECRET, st.sampled_from(["", " 400 Bad Request", '"}', "' x"]))
def test_nothing_of_the_query_of_an_address_is_told_and_the_address_is(
    host: str, path: list[str], key: str, secret: str, rest: str
) -> None:
    address = "/".join([host, *path])
    told = without_secrets(f"binance GET {address}/?{key}=1xq{secret}&recvWindow=5000{rest}")
    assert told == f"binance GET {address}/{rest}"


@LAW
@given(st.sampled_from(NAMES), SECRET, st.sampled_from(FORMS))
def test_what_is_named_as_a_secret_is_hidden_wherever_it_stands(name: str, secret: str, form: str) -> None:
    told = without_secrets(f"headers {{{form.format(n=name, s=secret)}}} were refused")
    assert secret not in told
    assert HIDDEN in told
    assert told.endswith("} were refused")


@LAW
@given(st.text(max_size=300))
def test_what_was_told_once_is_told_the_same_again(text: str) -> None:
    once = without_secrets(text)
    assert without_secrets(once) == once


@LAW
@given(st.text(string.ascii_lowercase + " .,()%", max_size=200))
def test_plain_words_are_told_as_they_are(text: str) -> None:
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "the order vb0198f0c5b1a4f3e9a7b6c5d4e3f2a1 is unknown",
        "trade 1e9b3c52-8a7d-4f0e-9c1b-2a3b4c5d6e7f of 0x1234567890abcdef1234567890abcdef",
        'binance {"code":-1013,"msg":"Filter failure: LOT_SIZE"}',
        "volume_target: input should be greater than 0 (got '-5')",
        "[Errno 2] No such file or directory: '/home/me/user/profiles/mine/profile.json'",
        "price_tick=0.01 quantity_step=1e-05",
        "what now? either/or? yes",
    ],
)
def test_what_helps_to_find_the_reason_is_kept(text: str) -> None:
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("GET /api/v3/order?symbol=A&signature=ab failed", "GET /api/v3/order failed"),
        ("proxy http://me:word@10.0.0.1:3128/x", "proxy http://10.0.0.1:3128/x"),
        ("http://p/?https%3A%2F%2Fapi%3Fsignature%3Dab x", "http://p/ x"),
        ("http://p/https%3A%2F%2Fapi%2Fv3%3Fsignature%3Dab x", "http://p/https%3A%2F%2Fapi%2Fv3 x"),
        ('?symbols=["A","B"]&signature=abc', f'?symbols=["A","B"]&signature={HIDDEN}'),
        ("Authorization: Bearer a.b.c, next", f"Authorization: {HIDDEN}, next"),
        (f"refused {'ab12' * 16}", f"refused {HIDDEN}"),
    ],
)
def test_other_forms(text: str, told: str) -> None:
    assert without_secrets(text) == told


def test_an_error_is_told_by_its_kind_and_its_text() -> None:
    error = ValueError("https://a.b/c?signature=1")
    assert (named(error), text_of(error)) == ("ValueError: https://a.b/c", "https://a.b/c")
    assert text_of(TimeoutError()) == "TimeoutError"


@pytest.mark.parametrize("part", LONG)
def test_a_very_long_answer_is_told_soon(part: str) -> None:
    """The time grows with the length and not with its square, which would be an hour."""
    begun = time.monotonic()
    without_secrets(part * (300_000 // len(part)))
    assert time.monotonic() - begun < 20
