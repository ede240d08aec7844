"""The benchmarks in their short form: that they run, not what they measure."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest


@pytest.mark.long
def test_the_benchmarks_run() -> None:
    root = pathlib.Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.bench", "--short"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    for title in ("through the whole path", "A whole backtest", "last / first"):
        assert title in done.stdout
