"""Which campaign each bot of this process runs."""

from __future__ import annotations

import pathlib
import typing

from .campaign import Campaign


class CampaignRegistry:
    """Gives every symbol of one bot the same campaign, and closes its journal when the last one has left."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[Campaign, int]] = {}
        self.backtest_path: pathlib.Path | None = None
        """Where backtests are written down, wherever their bot would; None leaves it to the bot."""

    def join(self, bot_id: str, path: pathlib.Path | None) -> Campaign:
        """:raises JournalError: when the journal can't be used."""
        campaign, members = self._open.get(bot_id) or (Campaign.open(path), 0)
        self._open[bot_id] = (campaign, members + 1)
        return campaign

    def join_backtest(self, bot_id: str, path: pathlib.Path | None) -> Campaign:
        """The same for a backtest, which is a campaign of its own.

        :raises JournalError: when the journal can't be used.
        """
        campaign, members = self._open.get(bot_id) or (Campaign.open_backtest(self.backtest_path or path), 0)
        self._open[bot_id] = (campaign, members + 1)
        return campaign

    def lend(self, bot_id: str, campaign: Campaign) -> None:
        """Let the symbols of a bot take part in a campaign that its owner keeps open, and closes."""
        self._open[bot_id] = (campaign, 1)

    def leave(self, bot_id: str) -> None:
        campaign, members = self._open.pop(bot_id)
        if members > 1:
            self._open[bot_id] = (campaign, members - 1)
        else:
            campaign.close_journal()


CAMPAIGNS: typing.Final = CampaignRegistry()
