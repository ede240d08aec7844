"""Presets, files and warnings of generated markets, and their facts against the ranges of the literature."""

from __future__ import annotations

import dataclasses
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from octobot_volume_booster.offline_exchange.server.__main__ import main
from octobot_volume_booster.offline_exchange.server.app.facts_report import fit, measure
from octobot_volume_booster.offline_exchange.server.engine.resting_facts import resting_facts
from octobot_volume_booster.offline_exchange.server.market.character import (
    DEFAULT,
    PRESETS,
    CharacterError,
    character_from,
    character_named,
    too_kind,
)
from octobot_volume_booster.offline_exchange.server.market.facts import tape_facts
from octobot_volume_booster.offline_exchange.server.market.flow import impact_of
from octobot_volume_booster.offline_exchange.server.market.price_path import PricePath
from octobot_volume_booster.offline_exchange.server.market.ranges import RANGES, values_of
from octobot_volume_booster.offline_exchange.server.market.spec import MARKETS, MarketSpec
from octobot_volume_booster.offline_exchange.server.market.world import MarketScenario

START_TIME = 1_700_000_000
START_MS = START_TIME * 1_000
PRINTS = 4_000
TRIES = 40


def played(spec: MarketSpec, seed: int = 11) -> tuple[PricePath, int]:
    """A market, and the moment by which it has had some thousand prints."""
    hours = math.ceil(PRINTS / spec.prints_per_second / 3_600)
    return PricePath(seed, START_TIME, [spec], 3_600), START_MS + hours * 3_600_000


@pytest.mark.parametrize("name", PRESETS)
def test_the_facts_of_a_preset_lie_in_the_ranges_of_the_literature(name: str) -> None:
    path, until_ms = played(PRESETS[name].of(MARKETS[0]))
    tape = tape_facts(path, "BTCUSDT", START_MS, until_ms)
    resting = resting_facts(path, "BTCUSDT", START_MS, until_ms, TRIES)
    values = values_of(tape, resting)
    assert set(values) == {one.name for one in RANGES}
    outside = [(one.name, values[one.name]) for one in RANGES if not one.least <= values[one.name] <= one.most]
    assert not outside


@pytest.mark.parametrize("name", PRESETS)
def test_the_figures_of_a_preset_are_those_of_its_tape(name: str) -> None:
    preset = PRESETS[name]
    path, until_ms = played(preset.of(MARKETS[1]))
    facts = tape_facts(path, "ETHUSDT", START_MS, until_ms)
    assert facts.spread_bps == pytest.approx(preset.spread_bps, rel=0.4 if preset.tick_bps > 5 else 0.05)
    assert facts.depth_quote == pytest.approx(preset.depth_quote, rel=0.2)
    assert facts.print_quote == pytest.approx(preset.print_quote, rel=0.1)
    assert facts.volatility_percent == pytest.approx(preset.volatility_percent, rel=0.35)
    assert facts.prints_per_second == pytest.approx(preset.prints_per_second, rel=0.35)


def markout(**figures: Any) -> float:
    path, until_ms = played(dataclasses.replace(PRESETS["wide"].of(MARKETS[0]), **figures))
    return tape_facts(path, "BTCUSDT", START_MS, until_ms).markout[10]


def test_the_mid_follows_a_print_by_the_toxicity_that_was_asked_for() -> None:
    for toxicity in (0.0, 0.4, 0.8):
        assert markout(toxicity=toxicity) == pytest.approx(toxicity, abs=0.1)


def test_where_the_volatility_is_too_small_the_toxicity_gives_way_and_a_warning_is_given() -> None:
    calm = dataclasses.replace(PRESETS["wide"].of(MARKETS[0]), annual_volatility=0.3)
    assert impact_of(calm).toxicity < 0.25
    warning = too_kind(calm)
    assert warning is not None and "8.4 times its volatility from one trade to the next" in warning
    assert too_kind(dataclasses.replace(calm, annual_volatility=0.0)) is not None
    assert all(too_kind(preset.of(market)) is None for preset in PRESETS.values() for market in MARKETS)


def test_prints_that_move_the_mid_leave_the_volatility_as_it_was_asked_for() -> None:
    spec = MARKETS[0]
    found = []
    for toxicity in (0.0, 0.8):
        path = PricePath(5, START_TIME, [dataclasses.replace(spec, toxicity=toxicity)], 3_600)
        found.append(tape_facts(path, "BTCUSDT", START_MS, START_MS + 12 * 3_600_000).volatility_percent)
    assert found == pytest.approx([50, 50], rel=0.15)


def test_signs_persist_as_asked_for_and_for_long() -> None:
    for persistence in (0.0, 0.5, 0.8):
        path, until_ms = played(dataclasses.replace(PRESETS["thin"].of(MARKETS[0]), sign_persistence=persistence))
        correlation = tape_facts(path, "BTCUSDT", START_MS, until_ms).sign_correlation
        assert correlation[1] == pytest.approx(persistence, abs=0.1)
        assert (correlation[10] > 0.04) is (persistence > 0)


def test_the_default_market_is_the_tight_preset() -> None:
    assert tuple(PRESETS[DEFAULT].of(market) for market in MARKETS) == MARKETS


def test_single_figures_win_over_the_preset() -> None:
    scenario = MarketScenario(
        seed=1, start_time=START_TIME, market=PRESETS["wide"].to_json(), spread_bps=7.0, tick_quote="3", toxicity=0.1,
        competitor=False, prints_per_second=0.5, depth_quote=900.0, volatility_percent=70.0,
    )  # fmt: skip
    bitcoin = scenario.drawn_markets()[0]
    assert (bitcoin.spread_bps, bitcoin.tick_quote, bitcoin.toxicity, bitcoin.competitor) == (7, Decimal(3), 0.1, False)
    assert (bitcoin.prints_per_second, bitcoin.level_median_quote, bitcoin.annual_volatility) == (0.5, 900, 0.7)
    assert bitcoin.print_median_quote == PRESETS["wide"].print_quote


def test_a_tick_may_be_as_wide_as_the_spread() -> None:
    bitcoin, ether = (PRESETS["thin"].of(market) for market in MARKETS)
    assert (str(bitcoin.tick_quote), str(ether.tick_quote)) == ("50", "2")
    book = PricePath(1, START_TIME, [bitcoin], 3_600).book("BTCUSDT", START_MS, 2)
    assert book.asks[0].price_quote - book.bids[0].price_quote == 50
    assert book.bids[0].price_quote - book.bids[1].price_quote == 50


@pytest.mark.parametrize(
    ("change", "told"),
    [({"toxicity": 2}, "toxicity must be a number from 0 to 1, not 2"),
     ({"spread_bps": True}, "spread_bps must be a number from 0 to 5000, not True"),
     ({"colour": 1}, "'colour' is no figure of a market; they are name, spread_bps"),
     ({"competitor": "on"}, "competitor must be true or false, not 'on'"),
     ({"tick": "1e-19"}, "tick must be above 0, such as 0.01, and have at most 18 decimals, not '1e-19'"),
     ({"name": ""}, "name must be a text of 1 to 40 characters, not ''")],
)  # fmt: skip
def test_figures_that_cannot_be_are_refused_by_name(change: dict[str, Any], told: str) -> None:
    with pytest.raises(CharacterError) as raised:
        character_from({**PRESETS["tight"].to_json(), **change})
    assert str(raised.value).startswith(told)


def test_a_file_that_lacks_a_figure_or_is_no_json_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    for text, told in (
        ("{}", "spread_bps, depth_quote, volatility_percent, prints_per_second, print_quote is missing"),
        ("[]", "must be a JSON object with the figures of a market"),
        ("{", "is no JSON in UTF-8"),
    ):
        path.write_text(text, "utf-8")
        with pytest.raises(CharacterError, match=told) as raised:
            character_named(str(path))
        assert str(path) in str(raised.value) and "\n" not in str(raised.value)


def test_what_is_fitted_to_a_tape_is_the_market_that_made_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    scenario = MarketScenario(seed=4, start_time=START_TIME, market=PRESETS["ordinary"].to_json())
    fit(measure(scenario, tries=2), path)
    fitted, ordinary = character_named(str(path)), PRESETS["ordinary"]
    assert fitted.name == "mine"
    for name in ("spread_bps", "depth_quote", "volatility_percent", "prints_per_second", "print_quote", "toxicity"):
        assert getattr(fitted, name) == pytest.approx(getattr(ordinary, name), rel=0.35), name
    assert fitted.sign_persistence == pytest.approx(0.5, abs=0.1)


def recorded(folder: Path, spec: MarketSpec, seconds: int) -> PricePath:
    """A generated market written down as recordings are: every trade, and the book at each of its changes."""
    source, until_ms = PricePath(2, START_TIME, [spec], 3_600), START_MS + seconds * 1_000
    trades = ["time_ms,price,quantity,buyer_is_maker"]
    trades += [
        f"{one.time_ms},{one.price_quote},{one.quantity_base},{str(one.buyer_is_maker).lower()}"
        for one in source.prints_between(spec.id, START_MS, until_ms)
    ]
    depth = ["time_ms,kind,side,price,quantity"]
    for change in source.changes(spec.id, START_MS, until_ms):
        book = source.book(spec.id, change.time_ms, 5)
        depth += [
            f"{change.time_ms},snapshot,{side},{level.price_quote},{level.quantity_base}"
            for side, levels in (("bid", book.bids), ("ask", book.asks))
            for level in levels
        ]
    (folder / "trades.csv").write_text("\n".join(trades), "utf-8")
    (folder / "depth.csv").write_text("\n".join(depth), "utf-8")
    rules = {"base": spec.base, "quote": spec.quote, "tick_quote": str(spec.tick_quote), "trades": "trades.csv",
             "step_base": str(spec.step_base), "minimum_notional_quote": "5", "depth": "depth.csv"}  # fmt: skip
    (folder / "markets.json").write_text(json.dumps({spec.id: rules}), "utf-8")
    return source


def test_the_facts_of_a_recording_are_those_of_the_market_that_was_recorded(tmp_path: Path, capsys: Any) -> None:
    spec = PRESETS["ordinary"].of(MARKETS[0])
    source = recorded(tmp_path, spec, 1_800)
    of_path = tape_facts(source, spec.id, START_MS, START_MS + 1_800_000)
    assert main(["--replay", str(tmp_path), "--facts", "--json", "--fit", str(tmp_path / "fit.json")]) == 0
    facts = json.loads(capsys.readouterr().out)["facts"][0]
    assert facts["tape"]["prints"] == pytest.approx(of_path.prints, abs=5)
    for seconds, share in of_path.markout.items():
        assert facts["tape"]["markout"][str(seconds)] == pytest.approx(share, abs=0.05)
    assert facts["tape"]["depth_quote"] == pytest.approx(spec.level_median_quote, rel=0.3)
    assert facts["resting"]["tried"] > 40
    fitted = character_named(str(tmp_path / "fit.json"))
    assert fitted.of(MARKETS[0]).spread_bps == pytest.approx(5, rel=0.05)


def test_a_recording_that_is_too_short_to_measure_says_so(tmp_path: Path, capsys: Any) -> None:
    recorded(tmp_path, PRESETS["wide"].of(MARKETS[0]), 20)
    assert main(["--replay", str(tmp_path), "--facts"]) == 1
    printed = capsys.readouterr().err
    assert "prints with a book are too few to measure; at least 10 are needed" in printed and printed.count("\n") == 1
