"""Candles of a public market, asked by ccxt in a process of its own."""

from __future__ import annotations

import json
import os
import pathlib
import sys
import tempfile
import typing
from collections.abc import Callable

from ...core.model.redact import text_of
from ...core.planning.candles import Candle
from ..files.home import HomeError
from .launch import LOOPBACK, LaunchError, last_line
from .octobot_process import start_piped

MODULE = f"{__package__.rsplit('.', 2)[0]}.checks.candles"


def ask(request: dict[str, typing.Any], on_page: Callable[[int], None]) -> list[Candle]:
    """The candles, oldest first; `on_page` is given the opening time of the last one so far, in milliseconds.

    :param request: the fields of `checks.candles.CandleRequest`.
    :raises HomeError: when the exchange has no such market.
    :raises LaunchError: when it can't be reached, or gives none.
    """
    found: list[Candle] = []
    with tempfile.TemporaryDirectory(prefix="volume_booster_data_") as folder:
        log = pathlib.Path(folder, "data.log")
        environment = dict(os.environ)
        if request.get("port"):  # no proxy leads back to this computer
            environment |= {"no_proxy": LOOPBACK, "NO_PROXY": LOOPBACK}
        try:
            process = start_piped([sys.executable, "-m", MODULE], pathlib.Path.cwd(), environment, log)
        except OSError as error:
            raise LaunchError(f"the exchange can't be asked: {text_of(error)}") from error
        with process:
            assert process.stdin is not None and process.stdout is not None
            try:
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.close()
                for line in process.stdout:
                    message = json.loads(line)
                    if _is_end(message):
                        return found
                    found += [_candle(row) for row in message["candles"]]
                    on_page(found[-1].opened_at * 1_000)
            finally:
                process.kill()
        raise LaunchError(f"the exchange could not be asked: {last_line(log)}")


def _is_end(message: dict[str, typing.Any]) -> bool:
    if "error" not in message:
        return "end" in message
    raise (HomeError if message["kind"] == "market" else LaunchError)(message["error"])


def _candle(row: list[float]) -> Candle:
    opened_ms, first, high, low, last, volume = row[:6]
    return Candle(int(opened_ms // 1_000), float(first), float(high), float(low), float(last), float(volume or 0))
