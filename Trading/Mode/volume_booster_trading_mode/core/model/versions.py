"""What OctoBot's versions do otherwise. Pure."""

from __future__ import annotations

_FIRST_BROKEN, _FIRST_REPAIRED = (2, 0, 16), (3, 0, 0)


def fails_at_fills_of_futures(octobot_version: str) -> bool:
    """Whether this OctoBot raises NotImplementedError at every fill of a real futures order."""
    return _FIRST_BROKEN <= _numbers(octobot_version) < _FIRST_REPAIRED


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("-")[0].split(".") if part.isdecimal())
