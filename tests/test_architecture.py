"""The architecture: which package may import which. A module outside the packages fails here."""

from __future__ import annotations

import ast
import graphlib
import pathlib
import sys

import pytest

pytestmark = pytest.mark.once

ROOT = pathlib.Path(__file__).parents[1]
MODE = ROOT / "Trading" / "Mode" / "volume_booster_trading_mode"
EXCHANGE = ROOT / "Trading" / "Exchange" / "offline_exchange"

# a package -> the packages that it may import, with all that is in them; itself always
ARROWS: dict[str, set[str]] = {
    "": {"trading", "adapters", "campaign", "core"},
    "trading": {"adapters", "campaign", "journal", "storage", "core"},
    "checks": {"adapters", "storage", "core"},
    "adapters": {"adapters.venues", "core"},
    "adapters.runtime": {"core"},
    "adapters.venues": {"core"},
    "campaign": {"journal", "core"},
    "cli": {"reporting", "journal", "storage", "adapters.venues", "core"},
    "reporting": {"journal", "core"},
    "journal": {"storage", "core"},
    "storage": set(),
    "core.planning": {"core.decision", "core.accounting", "core.settings", "core.model"},
    "core.decision": {"core.accounting", "core.settings", "core.model"},
    "core.notify": {"core.accounting", "core.settings", "core.model"},
    "core.accounting": {"core.settings", "core.model"},
    "core.settings": {"core.model"},
    "core.model": set(),
    "core": set(),
}
SERVER_ARROWS: dict[str, set[str]] = {
    "server": {"server.app", "server.faults", "server.rest", "server.market"},
    "server.app": {"server.rest", "server.engine", "server.market"},
    "server.faults": {"server.rest", "server.engine", "server.market"},
    "server.rest": {"server.engine", "server.market"},
    "server.engine": {"server.market"},
    "server.market": set(),
}
USES_OCTOBOT = {"", "trading", "adapters", "adapters.runtime", "checks"}
BECOMES_OCTOBOT = "cli/lifeline.py"
PURE = (set(sys.stdlib_module_names) | {"pydantic", "annotated_types", "numpy"}) - {
    *{"time", "asyncio", "os", "pathlib", "sqlite3", "socket", "threading", "subprocess", "logging"},
    "uuid",
}
MOST_LINES = 450
LONGER_FILES: set[str] = {"server/market/tape.py"}
MOST_MODULES = 16
A_FILE_AN_EXCHANGE = MODE / "adapters" / "venues"


def modules(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(folder.rglob("*.py"))


def named(file: pathlib.Path) -> str:
    tentacle = MODE if file.is_relative_to(MODE) else EXCHANGE
    return file.relative_to(tentacle).as_posix()


FILES = [pytest.param(file, id=named(file)) for file in modules(MODE)]
CORE_FILES = [pytest.param(file, id=named(file)) for file in modules(MODE / "core")]
SERVER_FILES = [pytest.param(file, id=named(file)) for file in modules(EXCHANGE / "server")]
ALL_FILES = [pytest.param(file, id=named(file)) for file in (*modules(MODE), *modules(EXCHANGE))]
FOLDERS = [
    pytest.param(file.parent, id=str(file.parent.relative_to(ROOT))) for file in (ROOT / "Trading").rglob("__init__.py")
]


def others(file: pathlib.Path) -> set[str]:
    """The packages of others that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).partition(".")[0])
    return found


def own_imports(file: pathlib.Path) -> set[pathlib.Path]:
    """The files of its tentacle that a file imports from."""
    found: set[pathlib.Path] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = file.parents[node.level - 1].joinpath(*filter(None, (node.module or "").split(".")))
            found |= {module_of(base / alias.name) or module_of(base) or base for alias in node.names}
    return found


def module_of(path: pathlib.Path) -> pathlib.Path | None:
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def package(dotted: str, arrows: dict[str, set[str]]) -> str:
    """The package of the map in which a folder is: the innermost one."""
    return max((name for name in arrows if is_in(dotted, name)), key=len)


def is_in(dotted: str, name: str) -> bool:
    return dotted == name or (name != "" and dotted.startswith(f"{name}."))


def folder_of(file: pathlib.Path) -> str:
    return named(file).rpartition("/")[0].replace("/", ".")


def check_arrows(file: pathlib.Path, arrows: dict[str, set[str]]) -> None:
    own = package(folder_of(file), arrows)
    imported = {package(folder_of(one), arrows) for one in own_imports(file)} - {own}
    assert not [one for one in imported if not any(is_in(one, name) for name in arrows[own])]


@pytest.mark.parametrize("file", FILES)
def test_a_package_of_the_mode_imports_only_those_below_it(file: pathlib.Path) -> None:
    check_arrows(file, ARROWS)


@pytest.mark.parametrize("file", SERVER_FILES)
def test_a_package_of_the_server_imports_only_those_below_it(file: pathlib.Path) -> None:
    check_arrows(file, SERVER_ARROWS)
    assert not any(module.startswith("octobot") for module in others(file))


@pytest.mark.parametrize("tentacle", [MODE, EXCHANGE], ids=["mode", "exchange"])
def test_neither_files_nor_folders_import_each_other_in_a_circle(tentacle: pathlib.Path) -> None:
    files = {file: own_imports(file) for file in modules(tentacle)}
    folders: dict[str, set[str]] = {}
    for file, imported in files.items():
        assert imported <= set(files), "a file outside of the tentacle"
        folders.setdefault(folder_of(file), set()).update({folder_of(one) for one in imported} - {folder_of(file)})
    graphlib.TopologicalSorter(files).prepare()
    graphlib.TopologicalSorter(folders).prepare()


@pytest.mark.parametrize("file", CORE_FILES)
def test_core_needs_only_the_standard_library_pydantic_and_numpy(file: pathlib.Path) -> None:
    assert others(file) <= PURE


@pytest.mark.parametrize("file", CORE_FILES)
def test_core_reads_no_clock(file: pathlib.Path) -> None:
    """A time is an argument; `datetime` may only turn it into text."""
    calls = [node.func for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)]
    assert not {func.attr for func in calls if isinstance(func, ast.Attribute)} & {"now", "utcnow", "today"}


@pytest.mark.parametrize("file", CORE_FILES)
def test_core_draws_nothing_from_the_global_random_state(file: pathlib.Path) -> None:
    drawn = [
        node
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "random"
    ]
    assert {node.attr for node in drawn} <= {"Random"}


@pytest.mark.parametrize("file", FILES)
def test_only_the_adapters_and_the_running_mode_know_octobot(file: pathlib.Path) -> None:
    octobot = {module for module in others(file) if module.startswith(("octobot", "async_channel"))}
    assert not octobot or package(folder_of(file), ARROWS) in USES_OCTOBOT or named(file) == BECOMES_OCTOBOT


@pytest.mark.parametrize("file", ALL_FILES)
def test_a_file_is_short(file: pathlib.Path) -> None:
    lines = len(file.read_text("utf-8").splitlines())
    assert (lines > MOST_LINES) == (named(file) in LONGER_FILES), f"{lines} lines"


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_has_few_modules(folder: pathlib.Path) -> None:
    found = [file for file in folder.glob("*.py") if file.name != "__init__.py"]
    assert len(found) <= MOST_MODULES or folder == A_FILE_AN_EXCHANGE


def test_every_package_of_the_maps_is_there() -> None:
    assert {package(folder_of(file), ARROWS) for file in modules(MODE)} == set(ARROWS)
    assert {package(folder_of(file), SERVER_ARROWS) for file in modules(EXCHANGE / "server")} == set(SERVER_ARROWS)
    assert {named(file) for file in modules(MODE)} >= {BECOMES_OCTOBOT}
    allowed = {"__init__.py", "backtest_engine.py", "volume_booster_trading.py"}
    assert {file.name for file in MODE.glob("*.py")} == allowed
    assert [file.name for file in (MODE / "core").glob("*.py")] == ["__init__.py"]


WRITES_TO_A_TERMINAL = {"cli/screen/terminal.py", "cli/screen/lines.py"}
SPEAKS_TO_ITS_PARENT = {"backtest_engine.py", "checks/candles.py", "checks/engine.py"}
"""Processes of their own, whose output a command reads."""
_PRINTS = ("print", "rich.console.Console", "rich.text.Text", "rich.print", "sys.stdout.write", "sys.stderr.write")


@pytest.mark.parametrize("file", FILES)
def test_only_one_place_writes_to_a_terminal(file: pathlib.Path) -> None:
    """What is written there is made printable there: see `core/model/escape.py`."""
    calls = [
        ast.unparse(node.func) for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)
    ]
    if named(file) not in WRITES_TO_A_TERMINAL | SPEAKS_TO_ITS_PARENT:
        assert not set(calls) & set(_PRINTS)
    if named(file) != "core/model/escape.py" and "csv.writer" in calls:
        assert "csv_cell" in file.read_text("utf-8")


@pytest.mark.parametrize("file", FILES)
def test_an_amount_is_shown_in_its_currency(file: pathlib.Path) -> None:
    """`shown` has no idea how many digits matter where it is not told the currency."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("shown", "formats.shown", "signed"):
            is_of_rules = "rules.shown" in file.read_text("utf-8") and ast.unparse(node.func) == "shown"
            assert len(node.args) == 2 or is_of_rules, f"line {node.lineno}"
