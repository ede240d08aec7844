"""The house: which module may import which. A line that would not know its room fails here."""

from __future__ import annotations

import ast
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
MODE = ROOT / "Trading" / "Mode" / "volume_booster_trading_mode"
EXCHANGE = ROOT / "Trading" / "Exchange" / "offline_exchange"
PYDANTIC = {"pydantic", "annotated_types"}

# a room of the mode -> the rooms of the mode it may import
ARROWS: dict[str, set[str]] = {
    "core": {"core"},
    "bot_lock": set(),
    "bot_process": set(),
    "order_request": {"core"},
    "journal_file": set(),
    "journal_rows": {"journal_file", "core"},
    "journal_queries": {"journal_file", "journal_rows", "core"},
    "journal": {"journal_file", "journal_queries", "journal_rows", "bot_lock", "core"},
    "report": {"journal", "core"},
    "history": {"report", "journal", "core"},
    "equity_marks": {"journal", "core"},
    "market_board": {"core"},
    "campaign_halts": {"journal", "core"},
    "campaign_orders": {"journal", "market_board", "core"},
    "campaign": {
        *{"campaign_halts", "campaign_orders", "equity_marks"},
        *{"journal", "journal_file", "market_board", "bot_lock", "core"},
    },
    "campaign_registry": {"campaign"},
    "market_sight": {
        *{"http_guard", "funds_lock"},
        *{"exchange_view", "futures_view", "lookout", "market_share", "settler", "campaign", "core"},
    },
    "market_share": {"exchange_view", "market_board", "campaign", "core"},
    "lookout": {"exchange_view", "futures_view", "venues", "campaign", "core"},
    "emergency": {
        "error_log",
        "exchange_view",
        "market_share",
        "futures_view",
        "notifications",
        "exchange_record",
        "request_queue",
        "campaign",
        "journal",
        "core",
    },
    "futures_view": {"core"},
    "market_rules": {"futures_view", "core", "venues"},
    "exchange_view": {"reach", "futures_view", "market_rules", "core"},
    "order_events": {"core"},
    "user_inputs": {"core"},
    "notifications": {"campaign", "core"},
    "live_settings": {"core"},
    "announcements": {"error_log", "notifications", "campaign", "core"},
    "venues": {"venues", "core"},
    "exchange_rows": {"core"},
    "exchange_record": {"exchange_view", "exchange_rows", "futures_view", "venues", "core"},
    "order_submission": {"exchange_record", "http_guard", "venues", "core"},
    "fee_prices": {"exchange_view", "exchange_record", "core"},
    "late_orders": {"campaign", "core"},
    "request_queue": set(),
    "http_guard": {"core", "reach"},
    "reach": {"core"},
    "funds_lock": {"core", "exchange_view", "lookout"},
    "endings": {"core", "error_log", "journal"},
    "error_log": {"core"},
    "departure": {"funds_lock", "journal", "exchange_view", "exchange_record", "lookout", "core"},
    "cancellation": {"exchange_record", "exchange_rows", "settler", "venues", "campaign", "core"},
    "settler": {
        *{"exchange_view", "exchange_record", "exchange_rows", "fee_prices", "late_orders", "order_submission"},
        *{"campaign", "core"},
    },
    "order_consumer": {
        *{"http_guard", "error_log"},
        *{"exchange_view", "futures_view", "departure", "order_request", "order_submission", "request_queue"},
        *{"campaign", "core"},
    },
    "execution": {
        "exchange_view",
        "notifications",
        "order_submission",
        "order_request",
        "campaign",
        "journal",
        "core",
    },
    "virtual_time": {"execution"},
    "data_collector": set(),
    "web_page": {"notifications", "campaign", "journal", "core"},
    "order_producer": {
        *{"endings", "funds_lock", "http_guard"},
        *{"announcements", "exchange_view", "futures_view", "order_events", "execution", "emergency", "lookout"},
        *{"settler", "bot_process", "market_share", "market_sight", "order_submission", "cancellation"},
        *{"virtual_time", "campaign", "campaign_registry", "journal", "core"},
    },
    "volume_booster_trading": {
        *{"order_producer", "order_consumer", "live_settings", "user_inputs", "notifications", "data_collector"},
        *{"web_page", "campaign", "journal", "core"},
    },
    "backtest_engine": {"volume_booster_trading", "virtual_time", "campaign_registry", "core"},
    "checks": {
        *{
            "checks",
            "exchange_view",
            "exchange_record",
            "exchange_rows",
            "order_submission",
            "lookout",
            "venues",
            "core",
        },
    },
    "cli": {"cli", "report", "history", "journal", "bot_lock", "campaign", "venues", "core"},
    "__init__": {"volume_booster_trading"},
}
# inside core: a module -> the modules below it
CORE_ARROWS: dict[str, set[str]] = {
    "market": set(),
    "checks": {"formats", "market", "sizing", "trade_ids"},
    "control": set(),
    "campaign_state": {"control"},
    "formats": set(),
    "progress_lines": {"formats", "market", "ledger"},
    "pacing": set(),
    "presets": set(),
    "candles": set(),
    "versions": set(),
    "named": set(),
    "precision": {"market"},
    "settings": {"market", "named", "presets"},
    "allocation": {"market", "named", "settings", "books"},
    "currency": {"market", "settings", "ledger"},
    "corrections": {"market", "settings"},
    "conditions": {"market"},
    "montecarlo_state": {"market", "settings", "conditions", "direction", "guards", "pacing"},
    "montecarlo": {"market", "settings", "conditions", "direction", "montecarlo_state", "pacing", "policy"},
    "feasibility": {"market", "settings", "conditions", "guards"},
    "planner": {
        "market",
        "presets",
        "settings",
        "corrections",
        "conditions",
        "montecarlo",
        "montecarlo_state",
        "feasibility",
    },
    "fee_tiers": {"market"},
    "milestones": {"ledger"},
    "notices": {"settings"},
    "metrics": {"market", "inventory"},
    "inventory": {"market"},
    "round_trips": {"market"},
    "books": {"market", "inventory", "round_trips"},
    "progress": {"market", "books"},
    "ledger": {"market", "inventory", "books", "progress"},
    "situation": {"market", "settings", "ledger"},
    "guards": {"market", "settings", "ledger", "situation"},
    "trade_ids": {"market"},
    "fees": {"market", "trade_ids"},
    "reconcile": {"market", "ledger", "trade_ids", "fees"},
    "sandbox": set(),
    "redact": set(),
    "sizing": {"market", "settings"},
    "spending": {"market", "settings", "sizing"},
    "positions": {"market", "settings", "situation", "direction", "sizing"},
    "pricing": {"market", "settings", "sizing"},
    "direction": {"market", "settings", "ledger", "sizing"},
    "policy": {
        *{"market", "settings", "ledger", "guards", "allocation", "direction", "positions", "sizing", "pricing"},
        *{"pacing", "situation", "spending"},
    },
    "__init__": set(),
}
OCTOBOT_ROOMS = set(
    "bot_process exchange_view market_rules futures_view exchange_record exchange_rows order_submission "
    "settler order_consumer order_events user_inputs notifications live_settings announcements execution "
    "emergency lookout order_producer volume_booster_trading virtual_time data_collector backtest_engine "
    "market_share market_sight fee_prices checks departure cancellation http_guard reach funds_lock endings "
    "error_log".split()
)
IMPURE = {
    "time",
    "asyncio",
    "os",
    "pathlib",
    "sqlite3",
    "socket",
    "threading",
    "subprocess",
    "logging",
    "uuid",
}


def modules(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(folder.rglob("*.py"))


def imports(file: pathlib.Path) -> list[tuple[int, str]]:
    """(level, module) of every import: level 0 is absolute, 1 the own folder, 2 the one above."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found += [(node.level, str(name)) for name in names]
    return found


def room(file: pathlib.Path) -> str:
    first = file.relative_to(MODE).parts[0]
    return first.removesuffix(".py")


def imported_rooms(file: pathlib.Path) -> set[str]:
    depth = len(file.relative_to(MODE).parts)
    return {room(file) if level < depth else module.split(".")[0] for level, module in imports(file) if level > 0}


@pytest.mark.parametrize("file", modules(MODE), ids=lambda file: str(file.relative_to(MODE)))
def test_a_room_imports_only_the_rooms_below_it(file: pathlib.Path) -> None:
    assert imported_rooms(file) <= ARROWS[room(file)]


@pytest.mark.parametrize("file", modules(MODE / "core"), ids=lambda file: file.stem)
def test_core_has_no_cycle_and_needs_only_the_standard_library_pydantic_and_numpy(file: pathlib.Path) -> None:
    own = {module.split(".")[0] for level, module in imports(file) if level == 1}
    assert own <= CORE_ARROWS[file.stem]
    others = {module.split(".")[0] for level, module in imports(file) if level == 0}
    assert others <= (set(sys.stdlib_module_names) - IMPURE) | PYDANTIC | {"numpy"}


@pytest.mark.parametrize("file", modules(MODE / "core"), ids=lambda file: file.stem)
def test_core_reads_no_clock(file: pathlib.Path) -> None:
    """A time is an argument; `datetime` may only turn it into text."""
    calls = [node.func for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)]
    assert not {func.attr for func in calls if isinstance(func, ast.Attribute)} & {"now", "utcnow", "today"}


@pytest.mark.parametrize("file", modules(MODE / "core"), ids=lambda file: file.stem)
def test_core_draws_nothing_from_the_global_random_state(file: pathlib.Path) -> None:
    drawn = [
        node
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "random"
    ]
    assert {node.attr for node in drawn} <= {"Random"}


@pytest.mark.parametrize("file", modules(MODE), ids=lambda file: str(file.relative_to(MODE)))
def test_only_the_adapter_knows_octobot(file: pathlib.Path) -> None:
    octobot = {
        module for level, module in imports(file) if level == 0 and module.startswith(("octobot", "async_channel"))
    }
    assert not octobot or room(file) in OCTOBOT_ROOMS or file.name == "lifeline.py"


@pytest.mark.parametrize("file", modules(EXCHANGE), ids=lambda file: str(file.relative_to(EXCHANGE)))
def test_the_exchange_stays_inside_its_folder_and_its_server_knows_no_octobot(file: pathlib.Path) -> None:
    depth = len(file.relative_to(EXCHANGE).parts)
    assert all(level <= depth for level, _ in imports(file))
    is_server = file.is_relative_to(EXCHANGE / "server")
    assert not is_server or not any(module.startswith("octobot") for _, module in imports(file))


def test_every_name_in_the_map_is_there() -> None:
    assert {room(file) for file in modules(MODE)} == set(ARROWS)
    assert {file.stem for file in modules(MODE / "core")} == set(CORE_ARROWS)
