"""What the loops of one bot tell each other."""

from __future__ import annotations

from decimal import Decimal

from octobot_volume_booster.campaign.market_board import PATIENCE_S, STARTS_WITHIN_S, MarketDirectory

BINANCE, OTHER, ETHER = ("binance", "BTC/USDT"), ("binance_two", "BTC/USDT"), ("binance_two", "ETH/USDT")
NOW = 1_700_000_000.0
NOTHING = Decimal(0), Decimal(0)


def able(directory: MarketDirectory, now: float) -> list[bool]:
    return [state.is_able for state in directory.states(now, dict.fromkeys(directory.markets, NOTHING))]


def test_two_names_of_one_order_book_are_noticed_on_the_same_pair_only() -> None:
    directory = MarketDirectory()
    assert directory.join(BINANCE, NOW, "api.binance.com") is None
    assert directory.join(OTHER, NOW, "api.binance.com") == "binance"
    assert directory.join(ETHER, NOW, "api.binance.com") is None
    directory.leave(BINANCE)
    assert directory.join(OTHER, NOW, "api.binance.com") is None


def test_who_has_not_looked_yet_counts_as_able_for_a_while() -> None:
    directory = MarketDirectory()
    directory.join(BINANCE, NOW, "a")
    assert able(directory, NOW + STARTS_WITHIN_S) == [True]
    assert able(directory, NOW + STARTS_WITHIN_S + 1) == [False]


def test_a_wait_gives_the_share_away_when_it_lasts_and_a_halt_at_once_whatever_is_told_after_it() -> None:
    directory = MarketDirectory()
    directory.join(BINANCE, NOW, "a")
    directory.is_due_at(BINANCE, NOW + 10 * PATIENCE_S)
    directory.can_not_trade(BINANCE, NOW, at_once=False)
    assert (able(directory, NOW + PATIENCE_S - 1), able(directory, NOW + PATIENCE_S)) == ([True], [False])
    directory.can_trade(BINANCE)
    directory.can_not_trade(BINANCE, NOW, at_once=True)
    directory.can_not_trade(BINANCE, NOW, at_once=False)
    assert able(directory, NOW) == [False]
