"""A person at a terminal, for what asks questions."""

from __future__ import annotations

import io


class Terminal(io.StringIO):
    """What a person types."""

    def isatty(self) -> bool:
        return True
