"""`status`, `watch` and `report` on every kind of home, and what the report writes; no OctoBot runs here."""

from __future__ import annotations

import csv
import importlib.metadata
import io
import json
import pathlib
import re
from decimal import Decimal

import pytest
import rich.console
from played_market import BALANCES, conditions
from recorded import SOURCE, START, halted, recorded

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.cli.commands import bundle, watch
from octobot_volume_booster.cli.main import main
from octobot_volume_booster.cli.screen.dashboard import dashboard
from octobot_volume_booster.core.model.basics import Side
from octobot_volume_booster.core.planning.market_conditions import Conditions
from octobot_volume_booster.journal.file import CAMPAIGN_FILE
from octobot_volume_booster.journal.journal import Journal, set_aside
from octobot_volume_booster.reporting import html_page
from octobot_volume_booster.reporting.charts import MOST_POINTS, draw_all
from octobot_volume_booster.reporting.history import History, Watcher, orders_csv, read_history
from octobot_volume_booster.reporting.report import read_report

COMMANDS = ("status", "watch", "report")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    exit_code = main([str(argument) for argument in arguments])
    told = capsys.readouterr()
    return exit_code, told.out, told.err


def history_of(home: pathlib.Path) -> History:
    history = read_history(home / "user" / CAMPAIGN_FILE)
    assert history is not None
    return history


@pytest.fixture
def home(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_a_finished_campaign(command: str, home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(home).close_journal()
    exit_code, out, err = run(capsys, command, "--home", home)
    assert (exit_code, err) == (0, "")
    assert re.search(r"State +│ done", out)


@pytest.mark.parametrize("command", COMMANDS)
def test_one_that_was_killed_says_that_no_octobot_runs(
    command: str, home: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(home, orders=5).close_journal()
    exit_code, out, _ = run(capsys, command, "--home", home, "--json")
    seen = json.loads(out.splitlines()[-1])
    assert exit_code == 0
    assert (seen["state"], seen["process"], seen["orders"]) == ("stopped", None, 5)
    assert "OctoBot is not running" in seen["reason"]


@pytest.mark.parametrize("command", COMMANDS)
def test_one_that_is_halted_tells_why(command: str, home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    halted(home)
    exit_code, out, _ = run(capsys, command, "--home", home, "--json")
    seen = json.loads(out.splitlines()[-1])
    assert (exit_code, seen["state"]) == (0, "halted")
    assert "max_cost_bps" in seen["reason"]


@pytest.mark.parametrize("command", COMMANDS)
def test_an_empty_home_is_unusable(command: str, home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    exit_code, out, err = run(capsys, command, "--home", home)
    assert (exit_code, out) == (2, "")
    assert err.startswith(f"volume-booster: there is no campaign in {home}")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to be looked at" * 100])
def test_a_corrupt_file_is_told_in_one_sentence_and_stays(
    command: str, content: bytes, home: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / "user" / CAMPAIGN_FILE
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    exit_code, out, err = run(capsys, command, "--home", home)
    assert exit_code in (1, 2)
    assert (out, len(err.splitlines())) == ("", 1)
    assert file.read_bytes() == content


def test_a_row_that_was_altered_is_no_report(home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(home).close_journal()
    journal = Journal.create_or_open(home / "user" / CAMPAIGN_FILE)
    journal._write("UPDATE fills SET quantity = '9' WHERE seq = (SELECT min(seq) FROM fills)", ())
    journal.close()
    exit_code, out, err = run(capsys, "report", "--home", home)
    assert (exit_code, out) == (1, "")
    assert "is not what was written" in err


@pytest.mark.parametrize("command", ["status", "report"])
def test_one_that_runs(command: str, home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    campaign = recorded(home, orders=5)
    try:
        _, out, _ = run(capsys, command, "--home", home, "--json")
    finally:
        campaign.close_journal()
    seen = json.loads(out.splitlines()[-1])
    assert seen["state"] == "running"
    assert seen["process"]


def test_watch_shows_one_that_runs_until_it_ends(
    home: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = recorded(home, orders=8)
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            campaign.close_journal()

    monkeypatch.setattr(watch.time, "sleep", sleep)
    exit_code, out, _ = run(capsys, "watch", "--home", home)
    assert (exit_code, len(looks)) == (0, 2)
    first = out.splitlines()[0]
    assert "of 20,000.00 filled" in first
    assert re.search(r"plan [\d.]+, 10\.00 to 10\.00 bps ETA", first)
    assert "\x1b" not in out, "no colour where there is no terminal"


def test_the_report_holds_the_plan_against_what_came_of_it(
    home: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(home).close_journal()
    exit_code, out, _ = run(capsys, "report", "--home", home, "--json")
    told = json.loads(out)
    assert exit_code == 0
    assert told["plan"]["feasible"]
    assert told["plan"]["orders"]["low"] <= told["orders"] <= told["plan"]["orders"]["high"]
    split = {name: Decimal(value) for name, value in told["cost_split"].items()}
    assert sum(split.values()) == pytest.approx(Decimal(told["cost_quote"]), abs=Decimal("1e-20"))
    assert split["taker_fees_quote"] == Decimal(told["fees_quote"])
    assert told["outcomes"] == {"filled": told["orders"]}
    assert told["traders_metrics"]["round_trips"] > 0
    assert len(told["decisions_sha256"]) == len(told["settings_sha256"]) == 64


def test_the_hashes_tell_runs_apart_and_repetitions_not(tmp_path: pathlib.Path) -> None:
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        recorded(tmp_path / name, seed=seed).close_journal()
    first, again, other = (history_of(tmp_path / name) for name in ("first", "again", "other"))
    assert first.decisions_hash() == again.decisions_hash() != other.decisions_hash()
    assert first.settings_hash() == again.settings_hash() != other.settings_hash()


def test_the_tables_hold_every_order_and_fill_exactly(home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(home, order_type="limit", price_offset_percent=0.02, volume_target=5_000).close_journal()
    exit_code, _, _ = run(capsys, "report", "--home", home, "--csv", home / "tables")
    assert exit_code == 0
    history = history_of(home)
    with (home / "tables" / "fills.csv").open(encoding="utf-8", newline="") as file:
        fills = list(csv.DictReader(file))
    with (home / "tables" / "orders.csv").open(encoding="utf-8", newline="") as file:
        orders = list(csv.DictReader(file))
    progress = history.report.progress
    assert sum(Decimal(row["notional_quote"]) for row in fills) == progress.filled_quote
    assert sum(Decimal(row["fee_quote"]) for row in fills) == progress.fees_quote
    slippage = sum(Decimal(row["slippage_quote"]) for row in fills)
    assert slippage == pytest.approx(progress.slippage_quote, abs=Decimal("1e-20"))
    assert {row["role"] for row in fills} == {"maker"}
    assert len(orders) == progress.orders
    assert sum(row["outcome"] == "cancelled" for row in orders) == progress.cancelled > 0
    assert {row["side"] for row in orders} == {side.value for side in Side}
    assert orders_csv(history) == (home / "tables" / "orders.csv").read_text("utf-8")


def test_a_file_that_can_not_be_written_is_told(home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(home, orders=2).close_journal()
    (home / "file").write_text("in the way", "utf-8")
    exit_code, out, err = run(capsys, "report", "--home", home, "--html", home / "file" / "page.html")
    assert (exit_code, out) == (2, "")
    assert "can't be written" in err


def test_the_page_has_every_chart_and_asks_nobody_for_anything(
    home: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(home).close_journal()
    exit_code, _, _ = run(capsys, "report", "--home", home, "--html", home / "page.html")
    page = (home / "page.html").read_text("utf-8")
    assert exit_code == 0
    assert page.count('<svg class="chart"') == page.count("<figure>") == 5
    assert "<script" not in page
    fetched = set(re.findall(r"""(?:src|href)=["']([^"'#][^"']*)""", page)) | set(re.findall(r"url\(([^#)]+)\)", page))
    assert fetched == {"data:,"}
    assert len(page) < 400_000
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for stand_in in ("#0a0b", "NaN", "None"):
        assert stand_in not in page


def test_what_a_person_or_an_exchange_wrote_is_text_on_the_page(home: pathlib.Path) -> None:
    campaign = recorded(home, orders=3)
    campaign.note(START + 9, "halt", SOURCE, "<script>alert('from the exchange')</script>")
    campaign.close_journal()
    assert main(["report", "--home", str(home), "--html", str(home / "page.html")]) == 0
    assert "<script" not in (home / "page.html").read_text("utf-8")


def test_the_template_of_the_page_is_in_the_bundle() -> None:
    shipped = bundle.own_parts().read()
    (template,) = [path for path in shipped if path.name == html_page.TEMPLATE.name]
    assert shipped[template] == html_page.TEMPLATE.read_bytes()


def test_a_campaign_without_a_fill_has_a_page_too(home: pathlib.Path) -> None:
    campaign = Campaign.open(home / "user" / CAMPAIGN_FILE)
    campaign.close_journal()
    recorded(home, orders=0, order_type="limit", price_offset_percent=0.02, volume_target=3_000).close_journal()
    assert len(draw_all(history_of(home))) == 1
    assert main(["report", "--home", str(home), "--html", str(home / "page.html")]) == 0


def test_the_table_of_markets_and_the_curve_add_up_to_the_campaign(home: pathlib.Path) -> None:
    recorded(home, order_type="limit", price_offset_percent=0.02, volume_target=5_000).close_journal()
    history = history_of(home)
    progress, (market,), curve = history.report.progress, history.markets(), list(history.results())
    assert (market.volume_quote, market.fees_quote) == (progress.filled_quote, progress.fees_quote)
    assert (market.orders, market.fills) == (progress.orders, progress.fills) == (len(history.orders), len(curve))
    assert market.cost_quote == pytest.approx(progress.cost_quote, abs=Decimal("1e-20"))
    assert (market.maker_quote, market.share(market.maker_quote)) == (progress.filled_quote, 1)
    signs = [1 if fill.side is Side.BUY else -1 for fill in history.fills]
    base = sum(sign * fill.quantity for sign, fill in zip(signs, history.fills, strict=True))
    cash = -sum(sign * fill.volume for sign, fill in zip(signs, history.fills, strict=True)) - progress.fees_quote
    at, cost, profit = curve[-1]
    assert at == history.fills[-1].at and cost == pytest.approx(progress.cost_quote, abs=Decimal("1e-20"))
    assert profit == pytest.approx(cash + base * history.fills[-1].price, abs=Decimal("1e-15"))


def test_a_part_of_a_campaign_is_not_held_against_the_whole_plan(home: pathlib.Path) -> None:
    recorded(home, orders=4).close_journal()
    history = history_of(home)
    assert history.plan is not None
    rows = {row[0]: row[-1] for row in html_page.plan_against_actual(history.plan, history.report, START + 30)}
    assert (rows["Orders"], rows["Fees (USDT)"], rows["Cost (bps)"]) == ("not yet", "not yet", "yes")


@pytest.mark.long
def test_many_fills_are_thinned_to_what_can_be_seen(home: pathlib.Path) -> None:
    recorded(home, volume_target=35_000, min_buy_amount=10, max_buy_amount=40, min_sell_amount=10, max_sell_amount=40)
    history = history_of(home)
    assert len(history.fills) > MOST_POINTS
    assert sum(len(chart.svg) for chart in draw_all(history)) < 1_000_000


def test_the_live_status_shows_how_near_the_guards_are_and_what_is_held(home: pathlib.Path) -> None:
    campaign = recorded(home)
    campaign.note(START + 9, "error", SOURCE, "refused once")
    path = home / "user" / CAMPAIGN_FILE
    report = read_report(path)
    assert report is not None
    status = Watcher(path).live_status(report)
    campaign.close_journal()
    gauges = {gauge.guard: gauge for gauge in status.gauges}
    assert gauges["cost_rate"].value == pytest.approx(float(report.progress.cost_bps))
    assert gauges["cost_budget"].limit == 60
    assert 0 < gauges["exposure"].value < gauges["exposure"].limit == 50
    assert status.balances is not None
    (holding,) = report.progress.holdings
    assert status.balances.base_free == BALANCES.base_free + holding.base
    count = report.progress.orders
    assert [row.order.order_id for row, _ in status.last_orders] == [f"order {n}" for n in range(count - 5, count)]
    assert [event.reason for event in status.warnings] == ["refused once"]
    console = rich.console.Console(width=80, record=True, file=io.StringIO())
    console.print(dashboard(status, START + 100))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("Guards") and "cost rate 10/30 bps" in line for line in lines)


@pytest.mark.parametrize("command", COMMANDS)
def test_one_that_was_kept_aside_is_looked_at_by_its_name_also_beside_one_that_runs(
    command: str, home: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(home, orders=4).close_journal()
    kept = set_aside(home / "user" / CAMPAIGN_FILE, START)
    running = recorded(home, orders=2)
    exit_code, out, _ = run(capsys, command, "--home", home, "--campaign", kept, "--json")
    running.close_journal()
    seen = json.loads(out.splitlines()[-1])
    assert (exit_code, seen["orders"], seen["process"], seen["state"]) == (0, 4, None, "stopped")


def test_conditions_survive_being_written_down() -> None:
    met = conditions(depth_quote=5_000.0, market_quote_per_hour=Decimal("12.5"), orders_per_second=10.0)
    assert Conditions.from_json(json.loads(json.dumps(met.to_json()))) == met


def test_the_versions_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    told = f"volume-booster {bundle.own_version()}, OctoBot {importlib.metadata.version('octobot')}\n"
    assert capsys.readouterr().out == told
