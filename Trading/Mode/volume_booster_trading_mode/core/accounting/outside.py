"""What somebody else has traded on the account: told from balances that our own fills do not explain. Pure.

OctoBot's balances may be some fills behind, and a fee may be charged in any coin. So a difference counts only as far as
it was there at every look for a while, and only where base went one way and quote the other: a deposit or a withdrawal
changes one of them, and is none of the campaign's business.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from ..model.basics import ZERO

LASTS_S = 20.0
LEAST_LOOKS = 8
Amounts = tuple[Decimal, Decimal]
"""Base and quote."""


class AccountWatch:
    """Of one market, from its first look on."""

    def __init__(self) -> None:
        self._start: Amounts | None = None
        self._looks: deque[tuple[float, Decimal, Decimal]] = deque()

    def see(self, now: float, totals: Amounts, drift: Amounts) -> Amounts:
        """What others have added to base and quote by trading, below zero for what they took; (0, 0) for nothing.

        :param totals: what the account holds.
        :param drift: what the campaign's fills have added to it.
        """
        base, quote = totals[0] - drift[0], totals[1] - drift[1]
        if self._start is None:
            self._start = base, quote
        self._looks.append((now, base - self._start[0], quote - self._start[1]))
        while len(self._looks) > LEAST_LOOKS and self._looks[1][0] <= now - LASTS_S:
            self._looks.popleft()
        if len(self._looks) < LEAST_LOOKS or now - self._looks[0][0] < LASTS_S:
            return ZERO, ZERO
        lasting_base = _lasting([base for _, base, _ in self._looks])
        lasting_quote = _lasting([quote for _, _, quote in self._looks])
        return (lasting_base, lasting_quote) if lasting_base * lasting_quote < 0 else (ZERO, ZERO)


def _lasting(differences: list[Decimal]) -> Decimal:
    """As much of a difference as was there at every look."""
    least, most = min(differences), max(differences)
    return least if least > 0 else most if most < 0 else ZERO
