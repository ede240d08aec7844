"""What others wrote is text wherever it comes out: a terminal, a page, a table. Each medium has one function for it."""

from __future__ import annotations

import csv
import io
import json
import pathlib
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import START, recorded
from strategies import LAW

from octobot_volume_booster.cli.commands import watch
from octobot_volume_booster.cli.main import main
from octobot_volume_booster.cli.screen import lines, terminal
from octobot_volume_booster.core.accounting.ledger import Outcome
from octobot_volume_booster.core.model.escape import MOST_SHOWN, csv_cell, printable, quoted
from octobot_volume_booster.journal.journal import HALT

ESCAPE = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e"
HOSTILE = (
    f"=cmd|'/c calc'!A1 [/bold][red]gone[/ [link=http://x]{ESCAPE}<script>alert(1)</script> $\\frac{{1$ {{{{ 7*7 }}}}"
)
SOURCE = "fake BTC/USDT"
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@LAW
@given(st.text(st.characters(), max_size=60))
def test_printable_text_has_nothing_that_a_terminal_obeys_and_can_be_written(text: str) -> None:
    shown = printable(text)
    assert not UNSEEN.search(shown)
    assert "\n" not in shown
    shown.encode("utf-8")
    assert printable(shown) == shown
    if text.isascii() and text.isprintable():
        assert shown == text


@LAW
@given(st.text(st.characters(), max_size=40).map("=+-@\t\r".__add__) | st.text(max_size=40))
def test_no_text_in_a_table_is_a_formula(text: str) -> None:
    cell = csv_cell(text)
    assert isinstance(cell, str)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")) or re.fullmatch(r"[+-]?[\d.eE+-]+", cell)


@pytest.mark.parametrize(
    ("value", "cell"),
    [(Decimal("-0.31"), "-0.31"), (Decimal("1E-8"), "0.00000001"), (-3, -3), (None, ""), ("-0.31", "-0.31"),
     ("-1e5", "-1e5"), ("-x", "'-x"), ("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\\t=1"), ("a=b", "a=b")],
)  # fmt: skip
def test_numbers_stay_numbers_in_a_table(value: object, cell: object) -> None:
    assert csv_cell(value) == cell


@LAW
@given(st.one_of(st.text(max_size=80), st.integers(), st.lists(st.text(max_size=90))))
def test_a_value_that_can_not_be_used_is_repeated_briefly(value: object) -> None:
    assert len(quoted(value)) <= MOST_SHOWN
    assert quoted("x" * 400_000) == f"'{'x' * (MOST_SHOWN - 4)}..."


def hostile(home: pathlib.Path) -> None:
    """A campaign with such a text wherever one can stand."""
    campaign = recorded(home, orders=4, order_type="limit", price_offset_percent=5)
    for order_id in campaign.ledger.open_order_ids:
        campaign.close(order_id, Outcome.REJECTED, HOSTILE, START + 40)
    campaign.note(START + 50, "error", SOURCE, HOSTILE)
    campaign.note(START + 51, HALT, f"=1+{ESCAPE}[/] $x$/[red]", HOSTILE)
    campaign.note(START + 60, HALT, SOURCE, f"{HOSTILE}\n{HOSTILE}")
    campaign.close_journal()


def check(text: str) -> None:
    assert not UNSEEN.search(text), repr(UNSEEN.search(text))


@pytest.mark.parametrize("command", ["status", "report", "watch"])
def test_a_hostile_reason_is_shown_as_it_is(
    command: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile(tmp_path)
    assert main([command, "--home", str(tmp_path)]) == 0
    told = capsys.readouterr()
    check(told.out + told.err)
    whole = "".join(told.out.split())
    assert "[/bold][red]gone" in re.sub("[│┃]", "", whole)
    assert main([command, "--home", str(tmp_path), "--json"]) == 0
    said = capsys.readouterr().out
    check(said)
    assert HOSTILE in json.loads(said)["reason"]


def test_a_running_campaign_with_a_hostile_reason_is_watched(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = recorded(tmp_path, orders=4)
    campaign.note(START + 50, "error", SOURCE, HOSTILE)
    monkeypatch.setattr(watch.time, "sleep", lambda _: campaign.close_journal())
    monkeypatch.setattr(terminal.Console, "is_terminal", True)
    assert main(["watch", "--home", str(tmp_path)]) == 0
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().out)  # what rich itself writes
    check(shown.replace("\r", ""))
    assert "=cmd|" in shown


def test_tables_and_page_of_a_hostile_campaign(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile(tmp_path)
    arguments = ("--html", str(tmp_path / "page.html"), "--csv", str(tmp_path / "tables"))
    assert main(["report", "--home", str(tmp_path), *arguments]) == 0
    capsys.readouterr()
    page = (tmp_path / "page.html").read_text("utf-8")
    check(page)
    assert "<script" not in page
    assert "{{ 7*7 }}" in page and "&lt;script&gt;" in page
    for file in (tmp_path / "tables").iterdir():
        rows = csv.reader(io.StringIO(file.read_text("utf-8")))
        cells = [cell for row in rows for cell in row]
        assert not [cell for cell in cells if cell.startswith(tuple("=+-@\t\r")) and not re.fullmatch(r"-[\d.]+", cell)]


def test_a_sentence_on_standard_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines.complain(f"{ESCAPE}\nvolume-booster: all is well")
    lines.say(ESCAPE)
    told = capsys.readouterr()
    check(told.out + told.err)
    assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [["status", "--home", f"/nowhere{ESCAPE}"], ["plan", "--set", f"x{ESCAPE}=1"], ["plan", "--set", ESCAPE * 9_000],
     ["plan", "--set", "volume_target=" + "9" * 400_000], ["plan", "--set", f"{'k' * 400_000}=1"],
     ["plan", "--set", f"share_weights={'w' * 400_000}"], ["target", "z" * 400_000], ["plan", "--profile", "p" * 4_000],
     ["plan", "--balance", "b" * 400_000], [f"no-command{ESCAPE}" * 900]],
)  # fmt: skip
def test_what_can_not_be_used_is_told_in_a_few_printable_words(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        assert main(arguments) in (1, 2)
    except SystemExit as ended:
        assert ended.code == 2
    told = capsys.readouterr()
    check(told.out + told.err)
    assert 0 < len(told.err) < 3_000  # an unknown setting is answered with all that there are
    assert "Traceback" not in told.err
