"""What the loops of one bot tell each other."""

from __future__ import annotations

from decimal import Decimal

from octobot_volume_booster.market_board import PATIENCE_S, STARTS_WITHIN_S, MarketBoard

BINANCE, OTHER, ETHER = ("binance", "BTC/USDT"), ("binance_two", "BTC/USDT"), ("binance_two", "ETH/USDT")
NOW = 1_700_000_000.0
NOTHING = Decimal(0), Decimal(0)


def able(board: MarketBoard, now: float) -> list[bool]:
    return [state.is_able for state in board.states(now, dict.fromkeys(board.markets, NOTHING))]


def test_two_names_of_one_order_book_are_noticed_on_the_same_pair_only() -> None:
    board = MarketBoard()
    assert board.join(BINANCE, NOW, "api.binance.com") is None
    assert board.join(OTHER, NOW, "api.binance.com") == "binance"
    assert board.join(ETHER, NOW, "api.binance.com") is None
    board.leave(BINANCE)
    assert board.join(OTHER, NOW, "api.binance.com") is None


def test_who_has_not_looked_yet_counts_as_able_for_a_while() -> None:
    board = MarketBoard()
    board.join(BINANCE, NOW, "a")
    assert able(board, NOW + STARTS_WITHIN_S) == [True]
    assert able(board, NOW + STARTS_WITHIN_S + 1) == [False]


def test_a_wait_gives_the_share_away_when_it_lasts_and_a_halt_at_once_whatever_is_told_after_it() -> None:
    board = MarketBoard()
    board.join(BINANCE, NOW, "a")
    board.is_due_at(BINANCE, NOW + 10 * PATIENCE_S)
    board.can_not_trade(BINANCE, NOW, at_once=False)
    assert (able(board, NOW + PATIENCE_S - 1), able(board, NOW + PATIENCE_S)) == ([True], [False])
    board.can_trade(BINANCE)
    board.can_not_trade(BINANCE, NOW, at_once=True)
    board.can_not_trade(BINANCE, NOW, at_once=False)
    assert able(board, NOW) == [False]
