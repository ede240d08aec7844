"""The parser of the command line: one sentence for what can't be used, with the name that was probably meant."""

from __future__ import annotations

import argparse
import re
import typing

from ...core.model.escape import quoted, shortened
from ...core.model.typed import did_you_mean
from ..process.watchdog import ExitCode
from ..screen import lines

PROGRAM = "volume-booster"
MOST_OF_A_SENTENCE = 400
"""An argument that can't be used is repeated, and may be very long."""
COMMANDS_PLACE = "COMMAND"
_CHOICE = re.compile(r"(?P<what>argument [^:]+): invalid choice: (?P<given>'.*'|\".*\") \(choose from (?P<known>.*)\)")


class Parser(argparse.ArgumentParser):
    """Reports unusable arguments in one sentence, exit code 2, and names the help of the very command."""

    def error(self, message: str) -> typing.NoReturn:
        if found := _CHOICE.fullmatch(message):
            message = _unknown_choice(found["what"], found["given"][1:-1], re.findall(r"[\w.-]+", found["known"]))
        message = shortened(message, MOST_OF_A_SENTENCE)
        see = f" See `{self.prog} --help`" if message.endswith("?") else f"; see `{self.prog} --help`"
        lines.complain(f"{message}{see}")
        self.exit(ExitCode.UNUSABLE)

    def parse(self, argv: list[str]) -> argparse.Namespace:
        """The arguments of a command; what it does not know is refused by the command itself.

        A command's parser is the `parser` of its defaults.
        """
        first = argv[0].partition("=")[0] if argv else ""
        if first.startswith("-") and not any(first in action.option_strings for action in self._actions):
            meant = self.meant([first]) or "; the command comes first"
            self.error(f"unrecognized arguments: {first}{meant}")
        arguments, unknown = self.parse_known_args(argv)
        if unknown:
            asked: Parser = getattr(arguments, "parser", self)
            asked.error(f"unrecognized arguments: {' '.join(unknown)}{asked.meant(unknown)}")
        return arguments

    def meant(self, unknown: list[str]) -> str:
        """What was probably meant with the first unknown option, as the end of a sentence."""
        options = [option for action in self._actions for option in action.option_strings if option.startswith("--")]
        given = next((word.partition("=")[0] for word in unknown if word.startswith("--")), "")
        return did_you_mean(given, options) if given else ""


def _unknown_choice(what: str, given: str, known: list[str]) -> str:
    if what == f"argument {COMMANDS_PLACE}":
        return f"there is no command {quoted(given)}{did_you_mean(given, known)}"
    meant = did_you_mean(given, known) or f"; it is one of {', '.join(known)}"
    return f"{what}: invalid choice: {quoted(given)}{meant}"
