"""Simulated futures as a person runs them: a profile with a contract, the command, and the real OctoBot."""

from __future__ import annotations

import json
import pathlib
import shutil
from decimal import Decimal

import pytest

from octobot_volume_booster.cli.commands import install
from octobot_volume_booster.cli.files import home as homes

from .conftest import QUICK, volume_booster

pytestmark = [pytest.mark.e2e, pytest.mark.long]


def futures_profile(home: pathlib.Path) -> None:
    """What docs/futures.md tells to do, with the exchange of this computer."""
    install.install(home)
    profiles = home / "user" / "profiles"
    profile = profiles / "futures"
    shutil.copytree(profiles / "volume_booster_offline", profile)
    file = profile / "profile.json"
    content = json.loads(file.read_text("utf-8"))
    content["profile"] |= {"id": "futures", "name": "Futures", "slug": "futures"}
    config = content["config"]
    config["crypto-currencies"] = {"Bitcoin": {"enabled": True, "pairs": ["BTC/USDT:USDT"]}}
    config["exchanges"][homes.OFFLINE_EXCHANGE]["exchange-type"] = "future"
    config["trader-simulator"]["starting-portfolio"] = {"USDT": 10_000}
    file.write_text(json.dumps(content), "utf-8")


def test_a_campaign_on_simulated_futures_reaches_its_target_and_ends_flat(
    new_home: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    new_home.mkdir()
    futures_profile(new_home)
    arguments = ("simulate", "--home", str(new_home), "--profile", "futures", "--target", "8000", "--seed", "7")
    run = volume_booster(*arguments, *QUICK, "--json", cwd=tmp_path)
    assert run.exit_code == 0, run.errors
    result = run.result
    assert (result["state"], result["symbols"]) == ("done", ["BTC/USDT:USDT"])
    assert Decimal(result["filled_quote"]) >= 8_000
    assert [Decimal(holding["base"]) for holding in result["inventory"]] == [0], "flat at the end"
    assert result["buys"] and result["sells"]
    log = (new_home / "logs" / "OctoBot.log").read_text("utf-8")
    assert " ERROR " not in log
