"""Real processes: the installed command, the real OctoBot, the local exchange. Nothing is faked."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import sys
import typing
from dataclasses import dataclass
from decimal import Decimal

import psutil
import pytest

COMMAND = [sys.executable, "-m", "octobot_volume_booster.cli.main"]
QUICK = [
    *("--set", "trade_frequency_min=0.05", "--set", "trade_frequency_max=0.1"),
    *("--set", "max_orders_per_second=20"),
]


@dataclass
class Finished:
    """What a command left behind."""

    exit_code: int
    output: str
    errors: str

    @property
    def result(self) -> dict[str, typing.Any]:
        return typing.cast(dict[str, typing.Any], json.loads(self.output.splitlines()[-1]))


def volume_booster(*arguments: str, cwd: pathlib.Path) -> Finished:
    """Run the command to its end."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def start_volume_booster(*arguments: str, cwd: pathlib.Path) -> subprocess.Popen[str]:
    """Start the command and go on."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def octobots_own_trades(home: pathlib.Path) -> list[dict[str, typing.Any]]:
    """The trade history that OctoBot itself saved in its home."""
    (file,) = home.glob("user/data/live/*/*/trades_*.json")
    return [row["origin_value"] for row in json.loads(file.read_text("utf-8"))["all_trades"].values()]


def cost_of(trades: list[dict[str, typing.Any]]) -> Decimal:
    return sum((Decimal(str(trade["cost"])) for trade in trades), Decimal(0))


def descendants_of(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


@pytest.fixture
def new_home(tmp_path: pathlib.Path) -> pathlib.Path:
    """An OctoBot home that does not exist yet."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def installed_home(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    home = tmp_path_factory.mktemp("installed") / "home"
    assert volume_booster("install", "--home", str(home), cwd=home.parent).exit_code == 0
    return home


@pytest.fixture
def home(installed_home: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """An OctoBot home with the bundle in it: saves each test the two commands of OctoBot that install it."""
    return pathlib.Path(shutil.copytree(installed_home, tmp_path / "home"))
