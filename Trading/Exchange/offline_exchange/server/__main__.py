"""Runs the offline exchange: one process, loopback only, until a signal or the end of its launcher."""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from aiohttp import web

from .api import create_app
from .price_path import PricePath

HOST = "127.0.0.1"
DEFAULT_PORT = 8642
LONGEST_RUN_SECONDS = 30 * 86_400  # from the start time to the launch: older paths cost too much to draw
SHUTDOWN_SECONDS = 1.0


class CannotListenError(Exception):
    """The port is not to be had; the message says why in one sentence."""


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until SIGINT, SIGTERM or, with ``--parent-lifeline``, the end of standard input.

    Returns 0 after a clean stop, 1 when it cannot listen, 2 for unusable arguments. Prints one JSON line on standard
    output as soon as it listens.
    """
    try:
        arguments = _arguments(argv)
    except SystemExit as exit_request:  # argparse has told why
        return int(exit_request.code or 0)
    path = PricePath(arguments.seed, arguments.start_time)
    try:
        asyncio.run(_serve(path, arguments.port, arguments.parent_lifeline))
    except CannotListenError as error:
        print(f"volume-booster exchange: error: {error}", file=sys.stderr)
        return 1
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="volume-booster exchange", description="A local spot exchange that speaks Binance's public REST API."
    )
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="TCP port; 0 takes a free one (%(default)s)")
    parser.add_argument("--host", type=_host, default=HOST, help=f"only {HOST} is accepted")
    parser.add_argument("--seed", type=_seed, default=0, help="the same seed gives the same path (%(default)s)")
    parser.add_argument(
        "--start-time", type=_start_time, default=int(time.time()), metavar="EPOCH",
        help="epoch seconds at which prices start from their round values (now)",
    )  # fmt: skip
    parser.add_argument("--parent-lifeline", action="store_true", help="stop when standard input ends")
    return parser.parse_args(argv)


def _host(text: str) -> str:
    if text != HOST:
        raise argparse.ArgumentTypeError(f"the offline exchange only listens on {HOST}, not on {text}")
    return text


def _port(text: str) -> int:
    return _whole_number(text, "port", 0, 65_535)


def _seed(text: str) -> int:
    return _whole_number(text, "seed", 0, 2**63 - 1)


def _start_time(text: str) -> int:
    now = int(time.time())
    return _whole_number(text, "start time", now - LONGEST_RUN_SECONDS, now)


def _whole_number(text: str, name: str, lowest: int, highest: int) -> int:
    if not text.isdecimal() or not lowest <= int(text) <= highest:
        raise argparse.ArgumentTypeError(f"{name} must be a whole number from {lowest} to {highest}, not {text}")
    return int(text)


async def _serve(path: PricePath, port: int, parent_lifeline: bool) -> None:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()

    def stop() -> None:
        loop.call_soon_threadsafe(stopping.set)

    runner = web.AppRunner(create_app(path, time.time), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        with _signals_call(stop):
            await _listen(runner, port)
            _announce(runner.addresses[0][1], path)
            if parent_lifeline:
                threading.Thread(target=_call_at_end_of_input, args=(stop,), daemon=True).start()
            await stopping.wait()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as error:
        reason = "it is already in use" if error.errno == errno.EADDRINUSE else str(error.strerror)
        raise CannotListenError(f"cannot listen on port {port} of {HOST}: {reason}.") from error


def _announce(port: int, path: PricePath) -> None:
    event = {"event": "listening", "host": HOST, "port": port, "seed": path.seed, "start_time": path.start_time}
    print(json.dumps(event), flush=True)


@contextmanager
def _signals_call(stop: Callable[[], None]) -> Iterator[None]:
    """SIGINT and SIGTERM call ``stop``; the previous handlers come back afterwards."""
    wanted = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, lambda *_: stop()) for number in wanted}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _call_at_end_of_input(stop: Callable[[], None]) -> None:
    """Blocks on the raw descriptor: a thread inside a buffered reader would spoil the interpreter's exit."""
    try:
        while os.read(0, 4_096):
            pass
    except OSError:
        pass  # a closed standard input has ended as well
    stop()


if __name__ == "__main__":
    sys.exit(main())
