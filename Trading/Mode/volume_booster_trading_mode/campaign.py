"""The campaign: what all pairs and exchanges of one bot share. Ledger and journal move together, journal first."""

from __future__ import annotations

import pathlib
import re
import typing
from decimal import Decimal

from .core.ledger import Ledger, Outcome, Progress
from .core.market import Fill, OrderIntent, Trading
from .core.settings import Settings
from .journal import GO, START, WAIT, CampaignRow, EventRow, Journal, OrderRow

_NUMBER = re.compile(r"\d[\d.,]*")

CAMPAIGN_FILE = pathlib.PurePath("volume_booster", "campaign.sqlite")
"""Where a campaign lives, under OctoBot's user folder."""


class Campaign:
    """One run towards one target, across restarts and shared by every symbol of a bot.

    Nothing here reads a clock: every moment is an argument, in seconds of OctoBot's clock.

    :raises JournalError: from every method that writes, when what happened could not be written down.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.ledger: Ledger = journal.replay()
        self.seed: int | None = None
        self._settings: Settings | None = None
        self._reasons: dict[str, tuple[str, str]] = {}
        self._orders_of: dict[tuple[str, str], set[str]] = {}
        for row in journal.orders():
            self._orders_of.setdefault((row.exchange, row.symbol), set()).add(row.order_id)

    @classmethod
    def open(cls, path: pathlib.Path | None) -> Campaign:
        """The campaign whose journal is at `path`, begun or not; None is one that lives in memory only.

        :raises JournalError: when the journal can't be used.
        """
        return cls(Journal.create_or_open(path))

    def begin(self, now: float, trading: Trading, seed: int, octobot_version: str, source: str) -> None:
        """A symbol's loop comes up: the campaign begins, or goes on with the seed that it began with."""
        row = self._journal.campaign()
        if row is None:
            row = CampaignRow(now, trading.value, seed, octobot_version)
            self._journal.begin_campaign(row)
        self.seed = row.seed
        self.note(now, START, source, f"OctoBot {octobot_version}, seed {row.seed}")

    def use(self, settings: Settings, now: float) -> None:
        """From now on these settings hold, the target among them."""
        if settings != self._settings:
            self._journal.add_settings(now, settings.volume_target, settings.to_config())
            self._settings = settings

    def place(self, order_id: str, exchange: str, symbol: str, intent: OrderIntent, now: float) -> None:
        """An order is about to be sent: written down and its quantity reserved."""
        self._journal.add_order(OrderRow(order_id, now, exchange, symbol, intent))
        self._orders_of.setdefault((exchange, symbol), set()).add(order_id)
        self.ledger.place(order_id, intent, now)

    def fill(self, fill: Fill) -> bool:
        """A fill of one of our orders; False when it is known already."""
        self._journal.add_fill(fill)
        return self.ledger.apply(fill)

    def close(self, order_id: str, outcome: Outcome, reason: str, now: float) -> bool:
        """An order of ours ended without being filled whole; False when that is known already."""
        if self.ledger.record(order_id).outcome is not None:
            return False
        self._journal.add_outcome(order_id, now, outcome, reason)
        return self.ledger.close(order_id, outcome)

    def note(self, now: float, kind: str, source: str, reason: str) -> bool:
        """Something that a person may want to know of a symbol; False when it is what was last noted of it.

        A wait for the same reason with other numbers is no news.
        """
        last = self._reasons.get(source)
        if last == (kind, reason) or (kind == WAIT and last is not None and _is_same_wait(last, reason)):
            return False
        if kind == GO and self._reasons.get(source, (START,))[0] in (START, GO):
            return False
        self._reasons[source] = (kind, reason)
        self._journal.add_event(EventRow(now, kind, source, reason))
        return True

    def orders_placed(self, exchange: str, symbol: str) -> int:
        """How many orders were sent on one market: the number of the next decision there."""
        return len(self._orders_of.get((exchange, symbol), ()))

    def open_order_ids(self, exchange: str, symbol: str) -> list[str]:
        """The orders on one market that the ledger still counts as open."""
        here = self._orders_of.get((exchange, symbol), set())
        return [order_id for order_id in self.ledger.open_order_ids if order_id in here]

    def placed_at(self, order_id: str) -> float | None:
        """When we sent this order; None when it is not one of ours."""
        return self.ledger.record(order_id).placed_at if self.ledger.knows(order_id) else None

    def progress(self, target_quote: Decimal) -> Progress:
        return self.ledger.progress(target_quote)

    def reason_of(self, source: str) -> tuple[str, str] | None:
        """The kind and reason noted last of a symbol."""
        return self._reasons.get(source)

    def close_journal(self) -> None:
        self._journal.close()


def _is_same_wait(last: tuple[str, str], reason: str) -> bool:
    kind, last_reason = last
    return kind == WAIT and _NUMBER.sub("#", last_reason) == _NUMBER.sub("#", reason)


class CampaignRegistry:
    """Gives every symbol of one bot the same campaign, and closes its journal when the last one has left."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[Campaign, int]] = {}

    def join(self, bot_id: str, path: pathlib.Path | None) -> Campaign:
        """:raises JournalError: when the journal can't be used."""
        campaign, members = self._open.get(bot_id) or (Campaign.open(path), 0)
        self._open[bot_id] = (campaign, members + 1)
        return campaign

    def leave(self, bot_id: str) -> None:
        campaign, members = self._open.pop(bot_id)
        if members > 1:
            self._open[bot_id] = (campaign, members - 1)
        else:
            campaign.close_journal()


CAMPAIGNS: typing.Final = CampaignRegistry()
