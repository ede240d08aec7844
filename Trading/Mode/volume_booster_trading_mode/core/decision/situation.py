"""What one decision on one market is made from."""

from __future__ import annotations

from dataclasses import dataclass

from ..accounting.ledger import Progress
from ..model.snapshot import MarketSnapshot
from ..settings.schema import Settings


@dataclass(frozen=True)
class Situation:
    """A market at one moment, the settings in force, and how far the campaign is; all in the market's quote."""

    snapshot: MarketSnapshot
    settings: Settings
    progress: Progress
