"""What becomes of the inventory at the end of a campaign, as its journal has it."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass

from ..core.accounting.progress import Holding, Progress
from ..core.model.formats import shown
from ..core.model.instrument import base_of
from ..core.settings.schema import EndOfCampaign

_PROMISES = {
    EndOfCampaign.DRAIN: "drain: the last orders bring the inventory back to its start",
    EndOfCampaign.FLATTEN: "flatten: market orders bring the inventory back to its start when the target is reached",
}


def awaited(settings: Mapping[str, typing.Any], progress: Progress) -> list[str]:
    """The markets that hold something, where that should not stay: each ends when it has noted so."""
    if settings.get("end_of_campaign", EndOfCampaign.KEEP.value) == EndOfCampaign.KEEP.value:
        return []
    return [_source(one) for one in progress.holdings if one.base]


@dataclass(frozen=True, slots=True)
class End:
    """What was chosen, and how far it has come."""

    choice: EndOfCampaign
    holdings: tuple[Holding, ...]
    noted: Mapping[str, str]
    """What each market that has ended has noted with that."""
    quote: str
    is_reached: bool
    """The target is reached."""
    is_settled: bool
    """And every market that held something has noted its end."""

    @property
    def is_trading_back(self) -> bool:
        """Whether the target is reached, and what becomes of the inventory is not settled yet."""
        return self.is_reached and not self.is_settled and self.choice is not EndOfCampaign.KEEP

    @property
    def stays(self) -> str | None:
        """What of the inventory stays although it should go back, with the reason that its market has noted."""
        if self.choice is EndOfCampaign.KEEP:
            return None
        return (
            "; ".join(map(self._of, (one for one in self.holdings if one.base and _source(one) in self.noted))) or None
        )

    def _of(self, held: Holding) -> str:
        amount = f"{held.base.normalize():+f} {base_of(held.symbol)}"
        worth = f"{shown(held.value_quote, self.quote)} {self.quote}".strip()
        _, _, why = self.noted[_source(held)].partition("stays so: ")
        return f"{amount} of {held.symbol} on {held.exchange} ({worth}){': ' if why else ''}{why}"

    def to_json(self) -> dict[str, typing.Any]:
        """What was chosen, and what stays although it should not; null where nothing does."""
        return {"end_of_campaign": self.choice.value, "inventory_stays": self.stays}

    def rows(self) -> list[tuple[str, str]]:
        """Name and text of what there is to say; none where the inventory stays as it is anyway."""
        if self.choice is EndOfCampaign.KEEP:
            return []
        if not self.is_reached:
            return [("End", _PROMISES[self.choice])]
        if not self.is_settled:
            return [("End", f"{self.choice.value}: the inventory is being brought back to its start")]
        rest = f", but for {self.stays}" if self.stays else ""
        return [("End", f"{self.choice.value}: the inventory is back at its start{rest}")]


def _source(held: Holding) -> str:
    return f"{held.exchange} {held.symbol}"
