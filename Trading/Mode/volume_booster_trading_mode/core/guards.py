"""The guards: one small function each, which tells why the campaign must not go on, or None."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .market import Trading, View


@dataclass(frozen=True, slots=True)
class Halt:
    """Place no order any more, for this reason."""

    reason: str


def real_funds_lock(view: View) -> Halt | None:
    """Only play money: there is no way yet to say that real funds may be traded, so they never are."""
    if view.trading is not Trading.LIVE:
        return None
    return Halt(
        f"OctoBot's real trader is enabled on {view.exchange}: this version trades in simulation or on an exchange of "
        "this computer only and places no order with real funds. Enable the trader simulator and disable the trader "
        "in the profile."
    )


GUARDS: tuple[Callable[[View], Halt | None], ...] = (real_funds_lock,)


def first_halt(view: View) -> Halt | None:
    """The first guard that says stop, in the order of GUARDS."""
    return next((halt for guard in GUARDS if (halt := guard(view)) is not None), None)
