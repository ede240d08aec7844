"""The campaigns of a home: the present one, those that were kept aside before it, and the last backtest."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass

from ...core.model.typed import did_you_mean
from ...journal.file import BACKTEST_FILE
from ...journal.journal import JournalError
from ...reporting.report import CampaignReport, read_report
from .home import Home, HomeError

PRESENT, BACKTEST = "present", "backtest"


@dataclass(frozen=True, slots=True)
class KeptRun:
    """One campaign; `problem` is why its file can't be read. `number` counts from 1, the oldest first."""

    number: int
    name: str
    file: pathlib.Path
    report: CampaignReport | None
    problem: str = ""


def runs(octobot_home: Home, now: float) -> list[KeptRun]:
    """All campaigns of a home, the oldest first; a file that can't be read is one of them."""
    present = octobot_home.campaign
    kept = [(file.stem, file) for file in present.parent.glob(f"{present.stem}-*{present.suffix}")]
    backtest = octobot_home.path / "user" / BACKTEST_FILE
    places = [*kept, (PRESENT, present), (BACKTEST, backtest)]
    read = [_read(name, file, now) for name, file in places if file.is_file()]
    begun = [one for one in read if one.report is not None or one.problem]
    in_order = sorted(begun, key=lambda one: (one.report.started_at if one.report else 0.0, one.name))
    return [KeptRun(number, one.name, one.file, one.report, one.problem) for number, one in enumerate(in_order, 1)]


def find(found: list[KeptRun], asked: str, *, is_read: bool = True) -> KeptRun:
    """The run of this number or name, or whose file it is.

    :param is_read: one whose file can't be read is refused.
    :raises HomeError: when there is none, or it is refused.
    """
    names = {one.name: one for one in found} | {str(one.number): one for one in found}
    run = names.get(asked) or next((one for one in found if pathlib.Path(asked).absolute() == one.file), None)
    if run is None:
        meant = did_you_mean(asked, [one.name for one in found]) or "; `volume-booster runs` lists them"
        raise HomeError(f"there is no run {asked!r}{meant}")
    if is_read and run.problem:
        raise HomeError(f"the run {asked!r} can't be read: {run.problem}")
    return run


def _read(name: str, file: pathlib.Path, now: float) -> KeptRun:
    try:
        return KeptRun(0, name, file, read_report(file, now if name == PRESENT else None))
    except JournalError as error:
        return KeptRun(0, name, file, None, str(error))
