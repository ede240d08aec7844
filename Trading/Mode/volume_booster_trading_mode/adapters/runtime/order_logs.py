"""OctoBot makes a logger for every order, named after the order's id, and Python keeps every logger for good.

That is some 600 bytes an order, without end. Those of our own orders that have ended are let go; one that logs again
gets a new logger of the same name, with the same handlers.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection

_NAME = re.compile(r"\| (\S+) \[exchange id: ")
"""Of `Order.get_logger_name` of OctoBot."""


def forget(order_ids: Collection[str]) -> int:
    """Let the loggers of these orders go; how many there were."""
    wanted, loggers = set(order_ids), logging.Logger.manager.loggerDict
    names = [name for name in list(loggers) if (found := _NAME.search(name)) and found[1] in wanted]
    return sum(loggers.pop(name, None) is not None for name in names)
