"""`volume-booster completion SHELL`: what a shell has to run so that it completes commands and options."""

from __future__ import annotations

import argparse

from argcomplete.shell_integration import shellcode

from ..arguments.parser import PROGRAM
from ..process.watchdog import ExitCode
from ..screen import lines


def main(arguments: argparse.Namespace) -> int:
    """Print the shell's code; it is to be evaluated in the start file of the shell."""
    lines.say(shellcode([PROGRAM], shell=arguments.shell))
    return ExitCode.DONE
