"""A halt holds over a kill and a restart, each one, and ends when a person resumes."""

from __future__ import annotations

import pathlib
from decimal import Decimal

import pytest
from test_guards import TABLE, Row

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.decision.control import RESUME
from octobot_volume_booster.core.decision.guards import Halt
from octobot_volume_booster.core.model.basics import OrderType, Role, Side, Trading
from octobot_volume_booster.core.model.orders import Fill, OrderIntent
from octobot_volume_booster.journal.journal import Journal

MARKET = ("binance", "BTC/USDT")
SOURCE = "binance BTC/USDT"
NOW = 1_700_000_000.0


@pytest.mark.parametrize("row", [row for row in TABLE if row.decide(row.trips).is_lasting], ids=lambda row: row.guard)
def test_a_halt_is_still_there_after_a_kill_and_gone_after_a_resume(tmp_path: pathlib.Path, row: Row) -> None:
    path = tmp_path / "campaign.sqlite"
    halt = row.decide(row.trips)
    begun(path).halt(NOW, SOURCE, halt)  # and is not closed: as after a kill

    killed = begun(path)
    assert killed.halt_of(SOURCE) == halt
    assert killed.halt_of("binance ETH/USDT") is None
    killed.close_journal()

    say(path, RESUME)
    resumed = begun(path)
    assert resumed.halt_of(SOURCE) is None
    assert begun(path).halt_of(SOURCE) is None


def begun(path: pathlib.Path) -> Campaign:
    """The campaign as a bot finds it when it starts; the lock of the one that was killed is gone with its process."""
    campaign = Campaign(*Journal.open_and_replay(path))
    campaign.begin(NOW, Trading.SANDBOX, 7, "2.0", SOURCE)
    return campaign


def say(path: pathlib.Path, kind: str) -> None:
    journal = Journal.create_or_open(path)
    journal.add_command(NOW, kind)
    journal.close()


def test_a_halt_that_a_setting_mends_is_not_kept(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    begun(path).halt(NOW, SOURCE, Halt("too thin", "thin_market"))
    assert begun(path).halt_of(SOURCE) is None


def test_a_pause_and_its_resume_end_no_count_of_the_guards(tmp_path: pathlib.Path) -> None:
    campaign = spent(tmp_path / "campaign.sqlite")
    campaign.command("pause", NOW)
    campaign.command("resume", NOW + 1)
    assert campaign.progress(Decimal(1_000)).guarded_cost_quote == Decimal("0.3")


def test_a_resume_after_a_halt_lets_costs_count_from_there_also_after_a_restart(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    campaign = spent(path)
    campaign.halt(NOW, SOURCE, Halt("too dear", "cost_rate", is_lasting=True))
    campaign.command("resume", NOW + 1)
    buy(campaign, "second")
    for one in (campaign, begun(path)):
        progress = one.progress(Decimal(1_000))
        assert (progress.cost_quote, progress.guarded_cost_quote) == (Decimal("0.6"), Decimal("0.3"))
        assert progress.guarded_filled_quote == 300


def spent(path: pathlib.Path) -> Campaign:
    campaign = begun(path)
    buy(campaign, "first")
    return campaign


def buy(campaign: Campaign, order_id: str) -> None:
    intent = OrderIntent(Side.BUY, OrderType.MARKET, Decimal("0.01"), Decimal(30_000), Decimal(30_000))
    campaign.place(order_id, *MARKET, intent, NOW)
    fee = Decimal("0.3")
    campaign.fill(Fill(order_id, order_id, NOW, Side.BUY, Role.TAKER, intent.quantity, intent.price, fee, intent.price))


def worth(campaign: Campaign, mid: int, at: float = NOW, held: tuple[int, int] = (1, 30_000)) -> tuple[Decimal, ...]:
    equity = campaign.equity(*MARKET, at, Decimal(mid), *map(Decimal, held))
    return equity.now_quote, equity.day_start_quote, equity.peak_quote


def test_equity_is_what_the_campaign_began_with_and_made_of_it(tmp_path: pathlib.Path) -> None:
    """A withdrawal of half of it, or a deposit, is neither a loss nor a gain."""
    campaign = begun(tmp_path / "campaign.sqlite")
    assert worth(campaign, 30_000) == (60_000, 60_000, 60_000)
    assert worth(campaign, 30_000, held=(0, 30_000)) == (60_000, 60_000, 60_000)
    buy(campaign, "one")
    assert worth(campaign, 30_000)[0] == Decimal(60_000) - Decimal("0.3")
    assert worth(campaign, 20_000)[0] == Decimal(50000) - 100 - Decimal("0.3")


def test_day_start_and_peak_outlive_a_restart_and_a_new_day_begins_anew(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    campaign = begun(path)
    worth(campaign, 30_000)
    worth(campaign, 33_000)
    restarted = begun(path)
    assert worth(restarted, 29_000) == (59_000, 60_000, 63_000)
    assert worth(restarted, 29_000, at=NOW + 86_400) == (59_000, 59_000, 63_000)


def test_a_resume_begins_day_start_and_peak_anew(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "campaign.sqlite"
    campaign = begun(path)
    worth(campaign, 30_000)
    campaign.halt(NOW, SOURCE, Halt("lost too much", "drawdown", is_lasting=True))
    campaign.command("resume", NOW + 1)
    assert worth(campaign, 20_000) == (50_000, 50_000, 50_000)
    assert worth(begun(path), 19_000) == (49_000, 50_000, 50_000)
