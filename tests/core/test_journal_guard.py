"""A bot whose journal is gone or can't be written sends nothing, says so, and still obeys an emergency stop."""

from __future__ import annotations

import contextlib
import json
import pathlib
import shutil
import threading
import time
from collections.abc import Iterator

import pytest
from damaged import MARKET, SOURCE
from test_journal_file import A_BUY, TARGET, a_fill, on, replayed, write_campaign

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.cli.files.home import Home
from octobot_volume_booster.cli.main import main
from octobot_volume_booster.core.accounting.ledger import Outcome
from octobot_volume_booster.core.decision.control import EMERGENCY, RESUME, ControlState
from octobot_volume_booster.core.model.basics import Trading
from octobot_volume_booster.core.settings.schema import parse_settings
from octobot_volume_booster.journal.bot_channel import SIZE, BotChannel, BotNotice
from octobot_volume_booster.journal.bot_lock import BotLock
from octobot_volume_booster.journal.journal import Journal, JournalError


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "home" / "user" / "volume_booster" / "campaign.sqlite"


@pytest.fixture
def campaign(path: pathlib.Path) -> Iterator[Campaign]:
    one = Campaign.open(path)
    begin(one)
    yield one
    one.close_journal()


def begin(campaign: Campaign) -> None:
    campaign.begin(time.time(), Trading.SIMULATION, 7, "2.1.1", SOURCE)
    campaign.use(parse_settings({}), time.time(), SOURCE)


def test_the_files_have_their_full_size_from_the_start_and_go_with_the_bot(path: pathlib.Path) -> None:
    campaign = Campaign.open(path)
    files = [path.with_name("emergency.request"), path.with_name("bot.notice")]
    assert [file.stat().st_size for file in files] == [SIZE, SIZE]
    BotChannel(path).request()
    assert files[0].stat().st_size == SIZE, "in place: a full disk has no space for more"
    BotChannel(path).clear()
    campaign.close_journal()
    assert [file.exists() for file in files] == [False, False]


def test_a_journal_that_is_moved_away_is_a_problem_until_it_is_back(campaign: Campaign, path: pathlib.Path) -> None:
    assert campaign.guard.problem == ""
    path.rename(path.with_name("elsewhere"))
    assert campaign.guard.problem.startswith(f"the journal's file {path} is gone: ")
    path.with_name("elsewhere").rename(path)
    assert campaign.guard.problem == ""


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_journal_that_is_replaced_is_a_problem_for_good(campaign: Campaign, path: pathlib.Path, suffix: str) -> None:
    assert campaign.guard.problem == ""
    file = path.with_name(path.name + suffix)
    shutil.copyfile(file, file.with_name("copy"))
    file.with_name("copy").replace(file)
    assert campaign.guard.problem.startswith(f"the journal's file {file} was replaced: ")


def test_a_folder_that_nothing_can_be_written_into_is_a_problem(campaign: Campaign, path: pathlib.Path) -> None:
    path.with_name("bot.probe").mkdir()
    assert campaign.guard.is_look_due(10.0)
    assert not campaign.guard.is_look_due(10.1)
    campaign.guard.look_at_disk()
    assert campaign.guard.problem.startswith(f"nothing can be written beside the journal {path}: ")
    path.with_name("bot.probe").rmdir()
    campaign.guard.look_at_disk()
    assert campaign.guard.problem == ""


def test_a_write_that_was_refused_is_a_problem_until_the_file_takes_one(campaign: Campaign) -> None:
    campaign.guard.could_not_write(JournalError("the journal is full"))
    assert campaign.guard.problem == "the journal is full"
    campaign.guard.look_at_disk()
    assert campaign.guard.problem == ""


def test_what_a_bot_says_is_read_while_it_is_fresh(campaign: Campaign, path: pathlib.Path) -> None:
    campaign.guard.tell(100.0)
    assert BotChannel(path).notice(100.0) is None, "it has nothing to say"
    path.unlink()
    campaign.guard.tell(101.0)
    notice = BotChannel(path).notice(102.0)
    assert notice is not None
    assert "is gone" in notice.reason
    assert BotChannel(path).notice(110.0) is None


@pytest.mark.parametrize("content", ["", "[]", '{"process": "x"}', '{"process": 1, "at": null}', "\x00" * SIZE])
def test_a_notice_that_is_none_is_none(path: pathlib.Path, content: str) -> None:
    path.parent.mkdir(parents=True)
    path.with_name("bot.notice").write_text(content)
    assert BotChannel(path).notice(100.0) is None


def test_an_emergency_stop_beside_a_journal_that_is_gone_is_obeyed(campaign: Campaign, path: pathlib.Path) -> None:
    path.unlink()
    BotChannel(path).request()
    campaign.take_commands(time.time(), at_once=True)
    assert campaign.control.state is ControlState.EMERGENCY
    assert not BotChannel(path).is_requested


def test_an_empty_request_is_one_as_a_full_disk_leaves_it(campaign: Campaign, path: pathlib.Path) -> None:
    path.with_name("emergency.request").write_text("")
    campaign.take_commands(time.time(), at_once=True)
    assert campaign.control.state is ControlState.EMERGENCY


def test_one_that_could_not_be_written_down_holds_after_a_restart_until_a_person_resumes(path: pathlib.Path) -> None:
    campaign = Campaign.open(path)
    begin(campaign)
    with on(campaign) as connection:
        connection.execute("PRAGMA query_only = ON")
    BotChannel(path).request()
    campaign.take_commands(time.time(), at_once=True)
    assert campaign.control.state is ControlState.EMERGENCY
    assert "readonly" in campaign.guard.problem
    campaign.close_journal()
    again = Campaign.open(path)
    begin(again)
    assert again.control.state is ControlState.EMERGENCY
    assert again.command(RESUME, time.time())
    again.close_journal()
    third = Campaign.open(path)
    begin(third)
    assert third.control.state is ControlState.RUNNING
    third.close_journal()


def test_what_cannot_be_written_any_more_is_kept_in_memory_and_sends_nothing(path: pathlib.Path) -> None:
    write_campaign(path)
    campaign = Campaign.open(path)
    campaign.place("last", *MARKET, A_BUY, 9.0)
    before = replayed(path)
    with on(campaign) as connection:
        connection.execute("PRAGMA query_only = ON")
    with pytest.raises(JournalError):
        campaign.close("last", Outcome.CANCELLED, "emergency stop", 10.0)
    campaign.continue_in_memory()
    assert campaign.fill(a_fill("last", 1))
    assert campaign.close("last", Outcome.CANCELLED, "emergency stop", 10.0)
    assert campaign.progress(TARGET).open_orders == 0
    assert not campaign.needs_checkpoint
    assert replayed(path) == before
    assert "restart OctoBot" in campaign.guard.problem
    campaign.close_journal()


class Bot(threading.Thread):
    """What the mode does of a campaign besides trading, also when the journal can't be used."""

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__()
        self._path = path
        self.is_up, self.is_over = threading.Event(), threading.Event()
        self.control = ControlState.RUNNING

    def run(self) -> None:
        campaign = Campaign.open(self._path)
        begin(campaign)
        self.is_up.set()
        while not self.is_over.wait(0.02):
            with contextlib.suppress(JournalError):
                campaign.take_commands(time.time(), at_once=True)
            campaign.guard.look_at_disk()
            if campaign.control.state is ControlState.EMERGENCY:
                campaign.emergency_ended(SOURCE)
            campaign.guard.tell(time.time())
            self.control = campaign.control.state
        campaign.close_journal()


@pytest.fixture
def bot(path: pathlib.Path) -> Iterator[Bot]:
    one = Bot(path)
    one.start()
    assert one.is_up.wait(20)
    yield one
    one.is_over.set()
    one.join()


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    exit_code = main(list(arguments))
    output = capsys.readouterr()
    return exit_code, output.out, output.err


@pytest.mark.parametrize("removed", ["campaign.sqlite*", "*"], ids=["the journal", "all beside it"])
def test_a_journal_that_is_deleted_while_a_bot_runs(
    bot: Bot, path: pathlib.Path, capsys: pytest.CaptureFixture[str], removed: str
) -> None:
    home = str(path.parents[2])
    (path.parents[1] / "config.json").write_text("{}")
    for file in path.parent.glob(removed):
        file.unlink()
    deadline = time.monotonic() + 20
    while not (notice := BotChannel(path).notice(time.time())) or not notice.reason:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    exit_code, shown, error = called(capsys, "status", "--home", home)
    assert (exit_code, shown) == (1, "")
    assert "runs a campaign here that can't be shown: the journal's file" in error
    assert error.count("\n") == 1
    exit_code, shown, error = called(capsys, "emergency-stop", "--yes", "--home", home)
    assert (exit_code, error) == (0, "")
    assert shown.startswith("Emergency stop: all open orders are cancelled and confirmed")
    assert bot.control is ControlState.EMERGENCY


def test_a_bot_that_has_no_journal_yet_is_not_one_whose_journal_is_gone(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = Home(tmp_path).campaign
    (lock := BotLock(journal)).take()
    (tmp_path / "user").mkdir(exist_ok=True)
    (tmp_path / "user" / "config.json").write_text("{}")
    exit_code, shown, error = called(capsys, "status", "--home", str(tmp_path))
    lock.release()
    assert (exit_code, shown) == (2, "")
    assert f"has no campaign in {journal} yet" in error


def test_status_has_the_reason_of_a_bot_that_can_not_write(
    bot: Bot, path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bot.is_over.set()
    bot.join()
    campaign = Campaign.open(path)
    BotChannel(path).tell(BotNotice(1, time.time(), "nothing can be written: No space left on device", False))
    exit_code, shown, _ = called(capsys, "status", "--json", "--home", str(path.parents[2]))
    report = json.loads(shown)
    assert (exit_code, report["state"]) == (0, "halted")
    assert report["reason"] == "nothing can be written: No space left on device"
    campaign.close_journal()


def test_both_ways_of_an_emergency_stop_are_one(
    bot: Bot, path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = str(path.parents[2])
    exit_code, _, error = called(capsys, "emergency-stop", "--yes", "--home", home)
    assert (exit_code, error) == (0, "")
    assert bot.control is ControlState.EMERGENCY
    with contextlib.closing(Journal.open_to_read(path)) as journal:
        assert {command.kind for command, is_handled in journal.commands() if is_handled} == {EMERGENCY}
    assert not BotChannel(path).is_in_force


def test_nothing_is_left_behind_where_no_bot_runs(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    exit_code, _, error = called(capsys, "emergency-stop", "--yes", "--home", str(tmp_path / "nothing"))
    assert exit_code == 2
    assert "there is no campaign" in error
    assert not (tmp_path / "nothing").exists()
