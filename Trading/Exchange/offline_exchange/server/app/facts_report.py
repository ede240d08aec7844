"""`--facts` and `--fit`: what a market is like, as text, as JSON, and as a file for `--market`."""

from __future__ import annotations

import json
import math
import pathlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..engine.resting_facts import RestingFacts, resting_facts
from ..market.character import BOUNDS, MarketCharacter, character_from
from ..market.facts import TapeFacts, tape_facts
from ..market.price_path import PricePath
from ..market.replay import Replay
from ..market.spec import MarketSpec
from ..market.tape import SECOND_MS, TapeSource
from ..market.world import MarketScenario

PRINTS = 6_000
"""So many prints of a generated market are measured, on average."""
TRIES = 100
_LEAST_HOURS, _MOST_HOURS = 2, 400


class FactsError(Exception):
    """Nothing can be measured, or the result can't be written; the message says why."""


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """What was measured of one market."""

    market_id: str
    tape: TapeFacts
    resting: RestingFacts

    def to_json(self) -> dict[str, Any]:
        """Every fact; null where there is too little to say."""
        return {"market": self.market_id, "tape": _plain(asdict(self.tape)), "resting": _plain(asdict(self.resting))}

    def text(self) -> str:
        """A line for each fact."""
        tape, resting = self.tape, self.resting
        rows = [
            ("prints", f"{tape.prints:,} in {tape.seconds / 3_600:.1f} h, {tape.prints_per_second:.2g} a second"),
            ("a print, median", f"{tape.print_quote:,.0f} in quote"),
            ("a level, median", f"{tape.depth_quote:,.0f} in quote"),
            ("spread", f"{tape.spread_bps:.2f} bps, tick {tape.tick_bps:.2f} bps"),
            ("volatility", f"{tape.volatility_percent:.0f} % a year"),
            ("spread / volatility per trade", f"{tape.spread_ratio:.2f}"),
            ("mark-out of a print / half spread", _by(tape.markout, "s")),
            ("correlation of signs", _by(tape.sign_correlation, "th print")),
            ("dispersion of counts", _by(tape.dispersion, "s")),
            ("kurtosis of returns", _by(tape.kurtosis, "s")),
            ("resting at the touch: filled in a minute", f"{resting.filled} of {resting.tried}"),
            ("half spread kept, at the fill", f"{resting.kept_at_fill:.2f}"),
            ("half spread kept, 10 s later", f"{resting.kept_after:.2f}"),
            *((f"chance of a fill, {name}", _by(found, "s")) for name, found in resting.fill_probability.items()),
        ]
        return "\n".join([self.market_id, *(f"  {name:42}{value}" for name, value in rows)])

    def fitted(self, name: str) -> MarketCharacter:
        """The generated market that is like this one, each figure within its bounds.

        Raises FactsError when the span was too short for one of them.
        """
        tape = self.tape
        figures = {
            "spread_bps": tape.spread_bps,
            "tick_bps": tape.tick_bps,
            "depth_quote": tape.depth_quote,
            "volatility_percent": tape.volatility_percent,
            "prints_per_second": tape.prints_per_second,
            "print_quote": tape.print_quote,
            "toxicity": tape.markout[10],
            "sign_persistence": tape.sign_correlation[1],
        }
        if unknown := [figure for figure, value in figures.items() if math.isnan(value)]:
            raise FactsError(f"{self.market_id} is too short to measure {', '.join(unknown)}: record a longer span")
        return character_from({"name": name, **{one: _bounded(one, value) for one, value in figures.items()}})


def measure(scenario: MarketScenario, tries: int = TRIES) -> list[MarketFacts]:
    """The facts of each market of a scenario: of a recording all of it, else of some thousand prints.

    Raises FactsError when there is too little, ReplayError and ValueError as MarketScenario.source does.
    """
    source = scenario.source()
    assert isinstance(source, TapeSource)
    return [_measured(source, market_id, tries) for market_id in source.markets]


def _measured(source: TapeSource, market_id: str, tries: int) -> MarketFacts:
    from_ms, market = source.origin_ms, source.markets[market_id]
    if isinstance(source, Replay):
        until_ms = source.end_ms
    else:
        assert isinstance(source, PricePath) and isinstance(market, MarketSpec)
        from_ms = source.start_time * SECOND_MS
        hours = math.ceil(PRINTS / market.prints_per_second / 3_600)
        until_ms = from_ms + min(max(hours, _LEAST_HOURS), _MOST_HOURS) * 3_600 * SECOND_MS
    try:
        return MarketFacts(
            market_id,
            tape_facts(source, market_id, from_ms, until_ms),
            resting_facts(source, market_id, from_ms, until_ms, tries),
        )
    except ValueError as error:
        raise FactsError(str(error)) from error


def fit(facts: list[MarketFacts], path: pathlib.Path) -> None:
    """Write the figures of the first market for `--market`. Raises FactsError."""
    try:
        path.write_text(json.dumps(facts[0].fitted(path.stem[:40]).to_json(), indent=2) + "\n", "utf-8")
    except OSError as error:
        raise FactsError(f"{path} can't be written: {error.strerror}") from error


def _bounded(figure: str, value: float) -> float:
    lowest, highest = BOUNDS[figure]
    return float(f"{min(max(value, lowest), highest):.4g}")


def _by(values: Mapping[int, float], unit: str) -> str:
    return ", ".join(f"{value:.2f} ({key} {unit})" for key, value in values.items())


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
