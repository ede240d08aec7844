"""The documentation says what is so: links lead somewhere, messages are the source's, commands can be understood."""

from __future__ import annotations

import argparse
import ast
import itertools
import pathlib
import re
import typing
from collections.abc import Iterator

import pytest

from octobot_volume_booster.cli import main as command_line
from octobot_volume_booster.core.settings.schema import SettingsError, parse_settings
from octobot_volume_booster.offline_exchange.server.app.options import parse_options

from . import documents
from .documents import EXCHANGE, MODE, PAGES, README, ROOT, TROUBLESHOOTING, VARIABLE, Command

pytestmark = pytest.mark.once

WHY_NOT_RUN = {
    "pip wheel": "needs PyPI",
    "git clone": "needs the internet",
    "python3 -m venv": "the same as pip install",
    "pip install": "installs OctoBot from PyPI, which takes minutes; every test runs what it has installed",
    "python -m venv": "the same",
    ".venv/bin/pip install": "the same",
    ".venv/bin/python -m tests.bench": "takes minutes; `make bench` is tried with --short",
    "make": "makes a virtual environment from PyPI, and is what runs this test",
    "OctoBot": "a person's own OctoBot, which runs until it is ended; tests/e2e/test_install_ways.py runs these",
    "export": "of the person's own terminal",
    "curl": "asks the exchange that the line above it starts; tests/exchange/test_pages.py asks the same",
    "volume-booster exchange --port": "runs until it is ended; tests/exchange/test_server_process.py starts it",
    "volume-booster exchange --control": "the same; tests/exchange/test_faults.py loads such files",
    "volume-booster exchange --replay": "a recording of the reader; tests/exchange/test_market_character.py has one",
    "volume-booster sandbox --market my-market.json": "the same",
    "volume-booster install --home /path/to/your/octobot": "a path that the reader puts in",
    "volume-booster simulate --profile my_profile": "a profile that the reader makes",
    "volume-booster simulate --seed 7": "takes a minute; the first guide runs it with a smaller target",
    "volume-booster backtest --target 50000 --seed 7": "tests/e2e/test_backtest.py runs it twice",
    "volume-booster sandbox --home rehearsal": "takes as long as the reader's own target",
    "volume-booster watch --home /path/to/your/octobot": "a path that the reader puts in",
    "volume-booster report --home /path/to/your/octobot": "a path that the reader puts in",
    "volume-booster check --exchange binance --home /path/to/your/octobot": "takes an account; tests/e2e/test_check.py",
}
"""The commands that no test runs, by how they begin, and why."""

# --- links -----------------------------------------------------------------------------------------------------------


def targets(page: pathlib.Path) -> Iterator[tuple[str, pathlib.Path, str]]:
    """(link, file, anchor) of every link of a page that leads to a file of ours."""
    for link in documents.links(page):
        path, _, anchor = link.partition("#")
        if not re.match(r"[a-z]+:", link):
            # OctoBot, which shows a tentacle's own page, wants its pictures named from the tentacle's folder
            folder = page.parent.parent if path.startswith("resources/") else page.parent
            yield link, (folder / path).resolve() if path else page, anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_picture_of_a_page_is_there(page: pathlib.Path) -> None:
    for link, file, anchor in targets(page):
        assert file.exists(), link
        assert not anchor or anchor in documents.anchors(file), link


def test_links_pictures_anchors_and_blocks_are_found_at_all() -> None:
    """So that the tests of each one of them look at something."""
    found = [target for page in PAGES for target in targets(page)]
    assert len(found) > 100
    assert sum(bool(anchor) for _, _, anchor in found) > 20
    others = [block for page in PAGES for block in documents.blocks(page) if block.language not in ("sh", "console")]
    assert others


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, to_read = {README}, [README]
    while to_read:
        found = {file for _, file, _ in targets(to_read.pop()) if file in PAGES}
        to_read += found - reached
        reached |= found
    own_texts = {page for page in PAGES if page.is_relative_to(ROOT / "profiles") or page.is_relative_to(MODE)}
    assert set(PAGES) - reached <= own_texts, "OctoBot shows those itself"


# --- commands --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_stands_in_a_block_that_is_run_or_says_that_it_is_not(page: pathlib.Path) -> None:
    for block in documents.blocks(page):
        if block.language not in ("sh", "console"):
            told = [
                line for line in block.lines if re.match(r"(\$ |[A-Z_]+=\S+ )?(volume-booster|OctoBot|make) ", line)
            ]
            assert not told, f"{page}:{block.line}: mark it as sh or console"


def is_told(command: Command) -> list[str]:
    return [beginning for beginning in WHY_NOT_RUN if f"{command.text} ".startswith(f"{beginning} ")]


def test_every_command_is_run_or_there_is_a_reason_why_not() -> None:
    all_commands = documents.all_commands()
    assert all_commands
    for command in all_commands:
        assert command.is_run == (not is_told(command)), command
        assert not command.is_run or command.arguments is not None, f"{command}: only volume-booster is run"
    used = {beginning for command in all_commands for beginning in is_told(command)}
    assert used == set(WHY_NOT_RUN), "a reason that nobody needs"


@pytest.mark.parametrize(
    "command", [one for one in documents.all_commands() if one.arguments is not None], ids=lambda command: str(command)
)
def test_the_arguments_of_a_command_can_be_understood(command: Command) -> None:
    arguments = typing.cast(list[str], command.arguments)
    if command.exit_code == 2:
        return  # a guide may show what is refused
    if arguments[:1] == ["exchange"]:
        parse_options(arguments[1:])
    else:
        given = command_line.parser().parse_args(arguments)
        parse_settings({key: value for key, value in getattr(given, "set", []) if key != "preset"})


def subparsers() -> dict[str, argparse.ArgumentParser]:
    (choices,) = (action.choices for action in command_line.parser()._actions if action.choices)
    return typing.cast(dict[str, argparse.ArgumentParser], choices)


def test_every_command_stands_in_the_readme_and_every_option_in_its_page() -> None:
    readme = README.read_text("utf-8")
    page = "".join((ROOT / "docs" / name).read_text("utf-8") for name in ("commands.md", "plan.md"))
    for name, parser in subparsers().items():
        assert re.search(rf"^\| .*`(volume-booster )?{name}[ `]", readme, re.MULTILINE), name
        options = {option for action in parser._actions for option in action.option_strings} - {"-h", "--help"}
        assert all(f"`{option}" in page for option in options), f"{name}: {options}"
    told = set(re.findall(r"`(--[a-z0-9-]+)", page))
    known = {
        option for parser in subparsers().values() for action in parser._actions for option in action.option_strings
    }
    assert told <= known, "an option that no command has"


def test_every_room_of_the_house_is_in_the_page_for_developers() -> None:
    page = (ROOT / "docs" / "developers.md").read_text("utf-8")
    folders = {file.parent.relative_to(MODE) for file in MODE.rglob("__init__.py")} - {pathlib.Path()}
    rooms = [f"{folder.as_posix()}/" for folder in folders]
    rooms += [file.name for file in MODE.glob("*.py") if file.name != "__init__.py"]
    assert not [room for room in sorted(rooms) if f"`{room}`" not in page], "what is in it is not told"


def test_a_help_text_fits_a_terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for parser in (command_line.parser(), *subparsers().values()):
        assert all(len(line) <= 80 for line in parser.format_help().splitlines())
    for parser in subparsers().values():
        assert all(action.help for action in parser._actions), f"{parser.prog}: an option without a help text"


# --- messages --------------------------------------------------------------------------------------------------------

TELLERS = {
    *{
        "Halt",
        "Wait",
        "Verdict",
        "Problem",
        "Cancel",
        "_lasting",
        "_loss",
        "_unfunded",
        "_refuse",
        "_problem",
        "Portion",
    },
    *{"notify", "notify_soon", "sent_once_critical_notification", "waiting", "damaged"},
    *{"error", "warning", "exception", "exit"},
    *{"fails", "untried"},
}
"""Functions that bring a sentence to a person; so does everything whose name ends with Error."""
NOT_TO_PEOPLE = {"ApiError", "ControlError", "AttributeError", "AssertionError"}
"""These answer programs, or nobody at all."""
GOOD_NEWS = frozenset({"works"})
"""What these are given says that all is well: there is no way out to be told."""
OTHER_TELLERS = set(
    "_unfunded _problem does_not_fit _reason _last_problem last_line _send _end_by_force settle "
    "_withheld reason refusal _mismatch cooldown_reason settle_missing _asked _what_is_missing _told _flatten "
    "_why_nothing_happens _create_order forbidden _unwanted close_lost_orders _write".split()
)
"""Functions whose sentences others tell."""
CONSTANTS = {"_ADVICE", "_START_ANEW", "_WHILE_DOWN", "DATA_ENDED", "NOT_RUNNING", "NO_DAY_VOLUME", "PAUSED_REASON",
             "HELD_REASON", "STOPPED_REASON"}  # fmt: skip
"""Texts that are told from more than one place."""
OF_FILES = {
    EXCHANGE / "server" / name
    for name in (
        "market/recordings.py",
        "market/recorded_book.py",
        "market/replay.py",
        "faults/script.py",
        "faults/effects.py",
        "app/account_file.py",
        "rest/validation.py",
    )
}
"""What is wrong in a file is told with its name, the place and what would be right: nothing is to be added to that."""
INSIDE = {
    EXCHANGE / "server" / name
    for name in (
        "engine/accounts.py",
        "rest/api.py",
        "engine/clock.py",
        "engine/matching.py",
        "engine/orders.py",
        "market/price_path.py",
        "market/tape.py",
        "engine/venue.py",
        "market/markets.py",
        "rest/query.py",
        "rest/control.py",
        "rest/order_requests.py",
        "rest/rate_limits.py",
        "rest/signatures.py",
    )
}
INSIDE |= set((MODE / "adapters" / "venues").glob("*.py"))
"""What the exchange answers to programs, why a request is not understood (told behind what it would have left as), and
broken promises between its parts, which options.py lets nobody break."""
LEFT_OUT = {
    "volatility and depth: those of … on the local exchange": "what a plan assumes",
    "join_campaign() comes first": "a broken promise of our own",
    "A local spot exchange that speaks Binance's REST API. Money and orders on it are unreal.": "a help text",
    "since its peak": "a part of another sentence",
    "emergency stop of …": "the name of a task",
    "disk is full": "SQLite's words, by which the advice is chosen",
    "unable to open": "the same",
}


LEAST_WORDS, ENOUGH_WORDS = 3, 6


def calls(node: ast.AST) -> set[str]:
    named = (call.func for call in ast.walk(node) if isinstance(call, ast.Call))
    return {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in named}


def tells(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    called = calls(function) - NOT_TO_PEOPLE
    returns = "" if function.returns is None else ast.unparse(function.returns)
    is_teller = bool(called & TELLERS) or any(name.endswith("Error") for name in called)
    return is_teller or function.name in OTHER_TELLERS or returns == "str | None"


def is_sentence(text: str) -> bool:
    is_code = re.search(r"^\s*(SELECT|INSERT|PRAGMA|WHERE|CREATE|UPDATE|ALTER) |[\\<>]|^from … import", text)
    return _words(_bare(text)) >= LEAST_WORDS and not is_code


def sources() -> list[tuple[pathlib.Path, ast.Module]]:
    files = itertools.chain(MODE.rglob("*.py"), EXCHANGE.rglob("*.py"))
    return [(file, ast.parse(file.read_text("utf-8"))) for file in sorted(files)]


def test_every_text_of_the_troubleshooting_page_is_in_the_source() -> None:
    known = {_bare(text) for _, tree in sources() for _, text in documents.strings(tree)}
    told = {text: line for text, line in documents.told_messages().items() if text not in {*SAMPLES, *PARSER_SAMPLES}}
    assert len(told) > 100
    for text, line in told.items():
        is_known = _words(text) and any(_bare(text) in one for one in known)
        assert is_known, f"{TROUBLESHOOTING.name}:{line}: nothing says {text!r}"


def test_every_message_of_the_source_is_in_the_troubleshooting_page() -> None:
    told = {_bare(text) for text in documents.told_messages()}
    messages = list(messages_to_people())
    assert len(messages) > 200
    missing = [
        f"{place}: {text}"
        for place, text in messages
        if text not in LEFT_OUT and not any(_covers(one, text) for one in told)
    ]
    assert not missing, "\n".join(missing)
    assert {text for _, text in messages} >= set(LEFT_OUT), "left out, but not there"


def messages_to_people() -> Iterator[tuple[str, str]]:
    """Where it stands in the source, and the text."""
    for file, tree in sources():
        if file not in OF_FILES | INSIDE:
            for told_from in (*filter(tells, functions_of(tree)), *constants_of(tree)):
                for line, text in documents.strings(told_from, but_in=GOOD_NEWS):
                    if is_sentence(text):
                        yield f"{file.relative_to(ROOT)}:{line}", text


def functions_of(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def constants_of(tree: ast.Module) -> list[ast.Assign]:
    assigned = (node for node in tree.body if isinstance(node, ast.Assign))
    return [node for node in assigned if {getattr(name, "id", "") for name in node.targets} & CONSTANTS]


def test_what_the_search_for_messages_is_told_of_the_source_is_there() -> None:
    assert all(file.is_file() for file in OF_FILES | INSIDE)
    assert {function.name for _, tree in sources() for function in functions_of(tree)} >= OTHER_TELLERS
    assert sum(len(constants_of(tree)) for _, tree in sources()) >= len(CONSTANTS)


def _covers(told: str, text: str) -> bool:
    """Whether a text of the page is a message of the source, or of a long one enough to find it by."""
    return told in _bare(text) and _words(told) >= min(_words(_bare(text)), ENOUGH_WORDS)


def _words(text: str) -> int:
    return len(re.findall(r"(?<![^\s(])[A-Za-z_'-]{2,}", text))


def _bare(text: str) -> str:
    """Without what surrounds the sentence: the name of the command, variable ends, back quotes."""
    bare = re.sub(r"`[^`]*`", VARIABLE, text).removeprefix("volume-booster: ")
    bare = re.sub(rf"{VARIABLE}(\s*{VARIABLE})+", VARIABLE, bare.replace("\n", " "))
    return bare.strip(f" {VARIABLE}")


SAMPLES: dict[str, dict[str, typing.Any]] = {
    "volume_target: input should be greater than 0 (got '-5')": {"volume_target": "-5"},
    "max_position_imbalance: input should be less than or equal to 1 (got '2')": {"max_position_imbalance": "2"},
    "volume_target: input should be a valid decimal (got 'abc')": {"volume_target": "abc"},
    "seed: input should be a valid integer, unable to parse string as an integer (got 'x')": {"seed": "x"},
    "trade_frequency_min: input should be a valid number, unable to parse string as a number (got 'fast')": {
        "trade_frequency_min": "fast"
    },
    "enable_volume_booster: input should be a valid boolean, unable to interpret input (got 'perhaps')": {
        "enable_volume_booster": "perhaps"
    },
    "order_type: input should be 'limit', 'market', 'passive' or 'pair' (got 'maybe')": {"order_type": "maybe"},
}
PARSER_SAMPLES = {
    "the following arguments are required: …": ["install"],
    "unrecognized arguments: …": ["status", "--bogus"],
    "there is no command …": ["sumilate"],
}
"""What the libraries say that read settings and arguments."""


@pytest.mark.parametrize(("sentence", "values"), SAMPLES.items())
def test_what_is_told_of_a_setting_is_what_the_page_says(sentence: str, values: dict[str, typing.Any]) -> None:
    assert sentence in documents.told_messages()
    with pytest.raises(SettingsError) as refused:
        parse_settings(values)
    assert refused.value.problems == [sentence]


@pytest.mark.parametrize(("sentence", "arguments"), PARSER_SAMPLES.items())
def test_what_is_told_of_arguments_is_what_the_page_says(
    sentence: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in documents.told_messages()
    with pytest.raises(SystemExit):
        command_line.main(arguments)
    assert sentence.removesuffix(VARIABLE) in capsys.readouterr().err


def test_every_file_that_the_map_of_the_code_names_is_there() -> None:
    """The developers' page: paths inside the mode, or from the root."""
    page = (ROOT / "docs" / "developers.md").read_text("utf-8")
    named = set(re.findall(r"`([\w/]+/\w+\.py)`", page))
    assert len(named) > 25
    assert not [name for name in sorted(named) if not ((MODE / name).is_file() or (ROOT / name).is_file())]
