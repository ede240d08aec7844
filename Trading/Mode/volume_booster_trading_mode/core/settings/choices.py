"""The settings that are one of some words. Pure."""

from __future__ import annotations

from ..model.typed import Choice


class SidePolicy(Choice):
    """How the side of the next order is chosen."""

    BALANCED = "balanced"
    ALTERNATE = "alternate"


class Urgency(Choice):
    """The share of the market's volume that quotes take part with; custom: as `deadline`, or amounts and pace, say."""

    PASSIVE = "passive"
    NORMAL = "normal"
    AGGRESSIVE = "aggressive"
    CUSTOM = "custom"


class TargetScope(Choice):
    """What the target is for: all pairs of the bot together, or each pair on each exchange."""

    TOTAL = "total"
    PAIR = "pair"


class TargetPeriod(Choice):
    """What the target is for: the whole campaign, or each day."""

    TOTAL = "total"
    DAILY = "daily"


class OpenOrdersAtStart(Choice):
    """What becomes of our orders that rest on the exchange when OctoBot is started again."""

    ADOPT = "adopt"
    CANCEL = "cancel"


class ShareBy(Choice):
    """How a target that several markets reach together is shared out."""

    EVEN = "even"
    WEIGHTS = "weights"
    COST = "cost"


class EndOfCampaign(Choice):
    """What becomes of the inventory at the end: it stays, the last orders bring it back, or it goes back at once."""

    KEEP = "keep"
    DRAIN = "drain"
    FLATTEN = "flatten"
