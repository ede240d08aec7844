"""The server as its launcher sees it: a real process on loopback."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from octobot_volume_booster.offline_exchange.server.__main__ import main

SERVER = [sys.executable, "-m", "octobot_volume_booster.offline_exchange.server"]
PATIENCE_SECONDS = 20


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A server that listens, with the event it announced; killed if the test left it alive."""
    process = subprocess.Popen(
        [*SERVER, "--port", "0", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    code = main(options)
    printed = capsys.readouterr()
    assert printed.out == ""
    return code, printed.err


def test_it_announces_where_it_listens_and_what_it_plays() -> None:
    start_time = int(time.time()) - 60
    with running("--seed", "11", "--start-time", str(start_time)) as (_, event):
        assert event == {
            "event": "listening", "host": "127.0.0.1", "port": event["port"], "seed": 11, "start_time": start_time,
        }  # fmt: skip
        with urllib.request.urlopen(f"http://127.0.0.1:{event['port']}/api/v3/time", timeout=5) as answer:
            assert abs(json.load(answer)["serverTime"] / 1_000 - time.time()) < 5


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal that asks a process to stop")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_quietly(number) -> None:
    with running() as (process, _):
        process.send_signal(number)
        assert process.communicate(timeout=PATIENCE_SECONDS) == ("", "")
        assert process.returncode == 0


def test_it_does_not_outlive_the_launcher_that_held_its_standard_input() -> None:
    with running("--parent-lifeline") as (process, _):
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE_SECONDS) == 0


def test_without_a_lifeline_the_end_of_standard_input_means_nothing() -> None:
    with running() as (process, event):
        assert process.stdin is not None
        process.stdin.close()
        with urllib.request.urlopen(f"http://127.0.0.1:{event['port']}/api/v3/ping", timeout=5) as answer:
            assert answer.status == 200
        assert process.poll() is None


def test_a_port_in_use_is_told_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = subprocess.run(
            [*SERVER, "--port", port], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"volume-booster exchange: error: cannot listen on port {port} of 127.0.0.1: it is already in use.\n"
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org"])
def test_it_refuses_any_address_but_loopback(capsys, host) -> None:
    code, told = refused(capsys, "--host", host)
    assert code == 2
    assert f"the offline exchange only listens on 127.0.0.1, not on {host}" in told


@pytest.mark.parametrize(
    ("option", "value", "name"),
    [("--port", "65536", "port"), ("--port", "http", "port"), ("--seed", "-1", "seed"),
     ("--start-time", "12", "start time"), ("--start-time", "9999999999", "start time")],
)  # fmt: skip
def test_it_refuses_arguments_out_of_range(capsys, option, value, name) -> None:
    code, told = refused(capsys, f"{option}={value}")
    assert code == 2
    assert f"{name} must be a whole number from " in told
