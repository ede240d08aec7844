"""Bad use: one clear sentence that names what is wrong, the right exit code, no traceback."""

from __future__ import annotations

import pathlib
import socket

import pytest

from .conftest import QUICK, volume_booster

pytestmark = [pytest.mark.e2e, pytest.mark.once]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "sentence"),
    [
        ([], 2, "required: COMMAND"),
        (["simulate", "--bogus"], 2, "--bogus"),
        (["sumilate"], 2, "sumilate"),
        (["simulate", "--set", "max_buy_amont=5"], 2, "max_buy_amont: unknown setting"),
        (["simulate", "--set", "max_buy_amount"], 2, "'max_buy_amount' is not of the form key=value"),
        (["simulate", "--set", "preset=huge"], 2, "preset: input should be 'custom', 'conservative'"),
        (
            *(["simulate", "--set", "preset=moderate", "--set", "max_buy_amount=5"], 2),
            "max_buy_amount: the preset moderate decides it",
        ),
        (["simulate", "--target", "-5"], 2, "volume_target: input should be greater than 0 (got '-5')"),
        (["simulate", "--target", "abc"], 2, "volume_target: input should be a valid decimal (got 'abc')"),
        (["simulate", "--target", "nan"], 2, "volume_target"),
        (["simulate", "--seed", "x"], 2, "seed"),
        (["simulate", "--timeout", "0"], 2, "'0' is not a number of seconds above 0"),
        (["simulate", "--port", "99999"], 2, "'99999' is not a port"),
        (["simulate", "--profile", "nobody"], 2, "there is no profile 'nobody'"),
        (["simulate", "--home", "nowhere/home"], 2, "nowhere"),
        (["install", "--home", "nowhere/home"], 1, "nowhere"),
        (["install"], 2, "--home"),
        (["pack", "--out", "nowhere/bundle.zip"], 1, "nowhere"),
        (["exchange", "--port", "x"], 2, "port must be a whole number from 0 to 65535, not x"),
    ],
)
def test_it_is_told_in_one_sentence(
    tmp_path: pathlib.Path, arguments: list[str], exit_code: int, sentence: str
) -> None:
    done = volume_booster(*arguments, cwd=tmp_path)
    assert done.exit_code == exit_code, done.errors
    assert sentence in done.errors
    assert len(done.errors.splitlines()) <= 2
    assert "Traceback" not in done.errors
    assert not (tmp_path / "nowhere").exists()


def test_every_problem_of_the_settings_is_told_at_once(tmp_path: pathlib.Path) -> None:
    wrong = ["--target", "-5", "--set", "order_type=maybe", "--set", "no_such=1"]
    done = volume_booster("simulate", *wrong, cwd=tmp_path)
    assert done.exit_code == 2
    assert all(key in done.errors for key in ("volume_target", "order_type", "no_such"))


@pytest.mark.parametrize("command", ["simulate", "exchange"])
def test_a_port_in_use_is_told(tmp_path: pathlib.Path, command: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = volume_booster(command, "--port", port, cwd=tmp_path)
    assert done.exit_code == 1
    assert port in done.errors
    assert "in use" in done.errors
    assert "Traceback" not in done.errors


def test_a_damaged_campaign_is_left_alone_until_a_fresh_one_is_asked_for(home: pathlib.Path) -> None:
    journal = home / "user" / "volume_booster" / "campaign.sqlite"
    journal.parent.mkdir(parents=True, exist_ok=True)
    journal.write_bytes(b"neither a journal nor empty")
    options = ["--home", str(home), "--target", "1000", "--seed", "7", "--json", *QUICK]
    refused = volume_booster("simulate", *options, cwd=home.parent)
    assert refused.exit_code == 1
    assert "--fresh" in refused.errors and len(refused.errors.splitlines()) == 1
    assert journal.read_bytes() == b"neither a journal nor empty"

    done = volume_booster("simulate", *options, "--fresh", cwd=home.parent)
    assert done.exit_code == 0, done.errors
    (kept,) = journal.parent.glob("campaign-*.sqlite")
    assert kept.read_bytes() == b"neither a journal nor empty"
