"""`volume-booster runs`: the campaigns of a home, and two of them side by side; `watch --json` as a stream."""

from __future__ import annotations

import json
import pathlib
import typing
from typing import Any

import pytest
from recorded import START, halted, recorded
from typing_person import Terminal

from octobot_volume_booster.cli.commands import watch
from octobot_volume_booster.cli.main import main
from octobot_volume_booster.journal.file import CAMPAIGN_FILE
from octobot_volume_booster.journal.journal import set_aside


@pytest.fixture
def home(tmp_path: pathlib.Path) -> pathlib.Path:
    """A home with a finished campaign, a halted one, one that can't be read, and the present one."""
    journal = tmp_path / "user" / CAMPAIGN_FILE
    recorded(tmp_path, seed=7).close_journal()
    set_aside(journal, START + 10)
    halted(tmp_path)
    set_aside(journal, START + 20)
    recorded(tmp_path, orders=3, seed=9, max_cost_bps=25).close_journal()
    journal.with_name("campaign-20200101T000000.sqlite").write_bytes(b"no journal")
    return tmp_path


def listed(home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    assert main(["runs", "--home", str(home), "--json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["runs"]
    return found


def test_all_of_them_are_listed_also_one_that_can_not_be_read(
    home: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = listed(home, capsys)
    assert [one["number"] for one in found] == [1, 2, 3, 4]
    assert {one["name"]: one["state"] for one in found} == {
        "campaign-20200101T000000": "unreadable",
        "campaign-20231114T221330": "done",
        "campaign-20231114T221340": "halted",
        "present": "stopped",
    }
    assert main(["runs", "--home", str(home)]) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("present", "halted", "unreadable", "bps"))
    assert "campaign-20231114T221330" in out, "a name that can be copied is in one piece"


@pytest.mark.parametrize(("first", "second"), [("2", "4"), ("campaign-20231114T221330", "present")])
def test_two_are_compared_by_number_or_name(
    first: str, second: str, home: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "--home", str(home), "--json", "--compare", first, second]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["a"]["state"], told["b"]["state"]) == ("done", "stopped")
    differences = {one["name"]: (one["a"], one["b"]) for one in told["differences"]}
    assert differences["seed"] == (7, 9) and differences["orders"][1] == 3
    assert "trading" not in differences
    assert {one["name"] for one in told["settings"]} == {"max_cost_bps"}
    assert main(["runs", "--home", str(home), "--compare", first, second]) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("Result", "Settings", "max_cost_bps", "25"))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [("7", "there is no run '7'"), ("presnt", "did you mean present?"), ("1", "the run '1' can't be read")],
)
def test_another_one_is_refused(
    asked: str, sentence: str, home: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "--home", str(home), "--compare", asked, "present"]) == 2
    assert sentence in capsys.readouterr().err


def test_past_ones_are_removed_by_number_or_name_also_one_that_can_not_be_read(
    home: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "--home", str(home), "--yes", "--json", "--remove", "1", "campaign-20231114T221340", "1"]) == 0
    removed = json.loads(capsys.readouterr().out)["removed"]
    assert [one["name"] for one in removed] == ["campaign-20200101T000000", "campaign-20231114T221340"]
    assert [one["name"] for one in listed(home, capsys)] == ["campaign-20231114T221330", "present"]
    kept = {file.name for file in (home / "user" / CAMPAIGN_FILE).parent.glob("campaign*")}
    assert not any("20200101" in name or "21340" in name for name in kept)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--yes", "--remove", "present"], "the present campaign is not removed"),
        (["--yes", "--remove", "1", "4"], "the present campaign is not removed"),
        (["--yes", "--remove", "1", "9"], "there is no run '9'"),
        (["--remove", "1"], "confirm with --yes"),
        (["--yes", "--remove", "1", "--compare", "1", "2"], "not allowed with"),
    ],
)
def test_what_is_not_to_be_removed_leaves_all_of_them(
    options: list[str], sentence: str, home: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        exit_code = main(["runs", "--home", str(home), *options])
    except SystemExit as refused:
        exit_code = typing.cast(int, refused.code)
    assert exit_code == 2
    assert sentence in capsys.readouterr().err
    assert len(listed(home, capsys)) == 4


@pytest.mark.parametrize(("answer", "left"), [("y", 3), ("n", 4), ("", 4)])
def test_on_a_terminal_it_asks(
    answer: str,
    left: int,
    home: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(f"{answer}\n"))
    assert main(["runs", "--home", str(home), "--remove", "2"]) == (0 if left == 3 else 2)
    assert "done" in capsys.readouterr().err
    assert len(listed(home, capsys)) == left


def test_a_home_without_any_says_so(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--home", str(tmp_path)]) == 2
    assert "there is no campaign in" in capsys.readouterr().err


def test_watch_is_a_stream_of_one_object_a_line(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "POLL_INTERVAL_S", 0.01)
    campaign, status_of, looks = recorded(tmp_path, orders=3), watch.campaign_status, []

    def looked(*arguments: Any) -> Any:
        looks.append(arguments)
        if len(looks) == 4:
            campaign.close_journal()
        return status_of(*arguments)

    monkeypatch.setattr(watch, "campaign_status", looked)
    assert main(["watch", "--home", str(tmp_path), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["state"] for line in lines] == ["running", "stopped"], "what is not new is not said again"
