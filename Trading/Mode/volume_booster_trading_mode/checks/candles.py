"""Candles of a public market, asked in a process of its own: `python -m octobot_volume_booster.checks.candles`.

The request is one JSON object in the first line of standard input. Each page of candles comes as one to standard
output, and at last one with "end", or with "error" and "kind": network, market or exchange. No key is read.
"""

from __future__ import annotations

import json
import sys
import typing
from dataclasses import dataclass
from urllib.parse import urlsplit

import ccxt

from ..core.model.redact import text_of
from ..core.model.typed import did_you_mean

PAGE = 1_000
"""Candles that are asked for at once; an exchange may give fewer."""
TIMEOUT_MS = 20_000
_LOCAL_CLASS = "binance"
"""The API that the local exchange speaks."""


@dataclass(frozen=True, slots=True)
class CandleRequest:
    """Times are milliseconds since 1970. `port` is that of a local exchange, 0 for one on the internet."""

    exchange: str
    symbol: str
    time_frame: str
    since_ms: int
    until_ms: int
    port: int = 0


def main() -> int:
    """0 when it came to its end, also to one with an error."""
    request = CandleRequest(**json.loads(sys.stdin.readline()))
    try:
        _fetch(_client(request), request)
    except (ccxt.NetworkError, ConnectionError, TimeoutError) as error:
        why = f"there is no internet, or it does not answer ({type(error).__name__})"
        why = "start it with `volume-booster exchange`" if request.port else why
        _tell(error=f"{request.exchange} could not be reached: {why}", kind="network")
    except (ccxt.BadSymbol, ccxt.NotSupported) as error:
        _tell(error=text_of(error), kind="market")
    except ccxt.BaseError as error:
        _tell(error=f"{request.exchange} gave no candles: {text_of(error)[:200]}", kind="exchange")
    else:
        _tell(end=True)
    return 0


def _client(request: CandleRequest) -> typing.Any:
    is_local = request.port != 0
    kind = getattr(ccxt, _LOCAL_CLASS if is_local else request.exchange, None)
    if kind is None:
        raise ccxt.NotSupported(f"ccxt does not know {request.exchange}")
    client = kind({"enableRateLimit": not is_local, "timeout": TIMEOUT_MS, "requests_trust_env": True})
    if is_local:
        address = f"http://127.0.0.1:{request.port}"
        client.urls["api"] = {key: address + urlsplit(url).path for key, url in client.urls["api"].items()}
        client.options |= {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}
    return client


def _fetch(client: typing.Any, request: CandleRequest) -> None:
    """Page by page, until the present or until the exchange has no more."""
    if not client.has.get("fetchOHLCV"):
        raise ccxt.NotSupported(f"{request.exchange} has no candles to ask for")
    markets = client.load_markets()
    if request.symbol not in markets:
        meant = did_you_mean(request.symbol, markets)
        raise ccxt.BadSymbol(f"{request.exchange} has no market {request.symbol}{meant}")
    if request.time_frame not in client.timeframes:
        known = ", ".join(client.timeframes)
        raise ccxt.NotSupported(f"{request.exchange} has no candles of {request.time_frame}, only of {known}")
    length_ms, since_ms = client.parse_timeframe(request.time_frame) * 1_000, request.since_ms
    while since_ms + length_ms <= request.until_ms:
        page = client.fetch_ohlcv(request.symbol, request.time_frame, since_ms, PAGE)
        fresh = [row for row in page if row[0] >= since_ms and row[0] + length_ms <= request.until_ms]
        if not fresh:
            return
        _tell(candles=fresh)
        since_ms = fresh[-1][0] + length_ms


def _tell(**message: typing.Any) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    sys.exit(main())
