"""Authentication of signed calls: signature, key and time. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re

from .exchange import Credentials
from .query import ApiError, Query, illegal, missing

DEFAULT_WINDOW_MS = 5_000
LONGEST_WINDOW_MS = 60_000
AHEAD_MS = 1_000
_API_KEY = re.compile(r"[A-Za-z0-9_\-]{1,128}")
_MICROSECONDS_FROM = 10**14  # as milliseconds, the year 5138
_WINDOW = re.compile(r"[0-9]{1,5}(\.[0-9]{1,3})?")


def signed_payload(raw_query: bytes, body: bytes) -> bytes:
    """What the signature is over: the query string and the body as sent, one after the other, without the signature."""
    return _without_signature(raw_query) + _without_signature(body)


def signature(payload: bytes, api_secret: str) -> str:
    """The signature of a payload: HMAC-SHA256, in hexadecimal digits."""
    return hmac.new(api_secret.encode(), payload, hashlib.sha256).hexdigest()


def check_signed(
    query: Query, payload: bytes, api_key: str | None, owner: Credentials | None, shown_ms: int
) -> Credentials:
    """Whose call it is. `shown_ms` is the exchange's clock. Raises ApiError when the signature is invalid."""
    if api_key is None or not _API_KEY.fullmatch(api_key):
        raise ApiError(-2014, "API-key format invalid.", status=401)
    sent, timestamp = query.required("signature"), query.whole("timestamp")
    window_ms = _window_ms(query)
    if timestamp is None:
        raise missing("timestamp")
    if owner is None:
        raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
    if not hmac.compare_digest(signature(payload, owner.api_secret).encode(), sent.lower().encode()):
        raise ApiError(-1022, "Signature for this request is not valid.")
    _check_time(timestamp / 1_000 if timestamp >= _MICROSECONDS_FROM else timestamp, window_ms, shown_ms)
    return owner


def _without_signature(part: bytes) -> bytes:
    return b"&".join(pair for pair in part.split(b"&") if not pair.startswith(b"signature="))


def _window_ms(query: Query) -> float:
    text = query.text("recvWindow")
    if text is None:
        return DEFAULT_WINDOW_MS
    if not _WINDOW.fullmatch(text):
        raise illegal("recvWindow", _WINDOW)
    if float(text) > LONGEST_WINDOW_MS:
        raise ApiError(-1131, f"recvWindow must be less than {LONGEST_WINDOW_MS}.")
    return float(text)


def _check_time(timestamp_ms: float, window_ms: float, shown_ms: int) -> None:
    if timestamp_ms >= shown_ms + AHEAD_MS:
        raise ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if shown_ms - timestamp_ms > window_ms:
        raise ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")
