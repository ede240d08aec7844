"""The halts of a campaign that last until a person resumes, and the orders that a person is asked for."""

from __future__ import annotations

from collections.abc import Iterable

from ..core.decision.guards import Halt
from ..journal.journal import HaltRow, Journal


class StandingHalts:
    """What holds the symbols of one campaign, by source, as its journal has it.

    :raises JournalError: from every method that writes, when what happened could not be written down.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.resumes = journal.resumes()
        """How many times a person has ended halts."""
        halts = reversed(journal.halts_in_force())
        self._halts = {row.source: Halt(row.reason, row.guard, is_lasting=True) for row in halts}
        self._unwritten: set[str] = set()
        self._questions = journal.questions()

    def __bool__(self) -> bool:
        """Whether any symbol is halted."""
        return bool(self._halts)

    def of(self, source: str) -> Halt | None:
        """The halt of a symbol that nobody has ended yet."""
        return self._halts.get(source)

    def add(self, now: float, source: str, halt: Halt) -> None:
        """A symbol has to halt; a halt that does not last is not kept.

        :raises JournalError: when it could not be written down; it holds all the same, and is written at the next call.
        """
        if halt.is_lasting and source not in self._halts:
            self._halts[source] = halt
            self._unwritten.add(source)
        if source in self._unwritten:
            self._write(now, source, self._halts[source])
            self._unwritten.discard(source)

    def ask(self, now: float, source: str, order_ids: Iterable[str], halt: Halt) -> Halt:
        """Ask a person what became of these orders: the halt in force, which is another one where a guard was first."""
        before = self._halts.get(source)
        if before is not None and before.guard != halt.guard:
            return before
        for order_id in order_ids:
            if self._questions.get(order_id) != self.resumes:
                self._journal.add_question(order_id, now, self.resumes)
                self._questions[order_id] = self.resumes
        if before is None:
            self._write(now, source, halt)
        self._halts[source] = halt
        return halt

    def _write(self, now: float, source: str, halt: Halt) -> None:
        self._journal.add_halt(HaltRow(now, source, halt.guard, halt.reason, self.resumes))

    def answered(self, order_id: str) -> None:
        """What became of an order is known: its question is withdrawn unless a person has resumed without it."""
        if self._questions.get(order_id) == self.resumes:
            self._journal.withdraw_question(order_id, self.resumes)
            del self._questions[order_id]

    def is_given_up(self, order_id: str) -> bool:
        """Whether a person was asked what became of an order, and has resumed without it."""
        return self._questions.get(order_id, self.resumes) < self.resumes

    def lift(self, now: float, source: str, guard: str) -> bool:
        """End a halt whose reason is gone; False when the symbol was not halted by this guard."""
        halt = self._halts.get(source)
        if halt is None or halt.guard != guard:
            return False
        self._journal.lift_halt(source, guard, now)
        del self._halts[source]
        self._unwritten.discard(source)
        return True

    def end_all(self, command_id: int, now: float) -> None:
        """A person has resumed the campaign."""
        self._journal.add_resume(command_id, now)
        self.resumes += 1
        self._halts = {}
        self._unwritten.clear()
