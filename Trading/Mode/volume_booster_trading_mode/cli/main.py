"""The command line: its commands, and how problems are reported."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import typing
from dataclasses import dataclass

from ..core.model.redact import text_of
from ..core.settings.schema import SettingsError
from ..journal.journal import JournalError
from .arguments import logs
from .arguments.parser import COMMANDS_PLACE, PROGRAM, Parser
from .commands import options
from .commands.bundle import BundleError
from .files.home import HomeError
from .process.launch import LaunchError
from .process.watchdog import ExitCode
from .screen import lines

COMPLETING = "_ARGCOMPLETE"
"""Set by a shell that asks how the line could continue."""
OptionsOf = typing.Callable[[argparse.ArgumentParser], None]


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the command line; the module of a command is imported only when it is called."""

    name: str
    place: str
    """Module of `commands` and its function, as `module.function`."""
    help: str
    add_options: OptionsOf
    package: str = "commands"

    def run(self, arguments: argparse.Namespace) -> int:
        """The exit code of the contract."""
        return int(self.function()(arguments))

    def function(self) -> typing.Callable[[argparse.Namespace], int]:
        """What it calls, imported."""
        module, name = self.place.split(".")
        found = getattr(importlib.import_module(f".{self.package}.{module}", __package__), name)
        return typing.cast(typing.Callable[[argparse.Namespace], int], found)


COMMANDS = (
    Command("pack", "bundle.main", "build the bundle that OctoBot's own tentacles command installs", options.pack),
    Command("install", "install.main", "install bundle and profiles into an OctoBot home", options.install),
    Command("simulate", "simulate.main", "run OctoBot in simulation mode on the local exchange", options.simulate),
    Command(
        "sandbox", "sandbox.main", "the same with OctoBot's real trader, on the local exchange", options.sandbox
    ),
    Command(
        "backtest", "backtest.main", "the same campaign in OctoBot's backtesting, in seconds", options.backtest
    ),
    Command("plan", "plan.main", "estimate a campaign's cost and duration before it starts", options.plan),
    Command("check", "check.main", "what works on an exchange, a row each", options.check),
    Command("status", "status.main", "one look at a campaign, running or not", options.inspect),
    Command("watch", "watch.main", "a running campaign, redrawn in place until it ends", options.inspect),
    Command("report", "report_command.main", "the result of a campaign, running or not", options.report),
    Command("pause", "steer.pause", "place no new order until it is resumed, also after a restart", options.steer),
    Command("resume", "steer.resume", "continue a paused or halted campaign", options.steer),
    Command("stop", "steer.stop", "end OctoBot; started again, the campaign continues", options.steer),
    Command("target", "steer.target", "raise or lower the target of a campaign", options.target),
    Command(
        "emergency-stop", "steer.emergency_stop",
        "cancel every open order of a campaign, confirm it, and place none any more", options.emergency_stop,
    ),
    Command("init", "init.main", "write a profile of your own, and show its plan", options.init, "setup"),
    Command("settings", "settings.main", "every setting: value, default, bounds, origin", options.settings, "setup"),
    Command("runs", "runs.main", "campaigns of a home: list, compare two, remove", options.runs, "setup"),
    Command("data", "data.main", "candles of a public market, for a backtest", options.data, "setup"),
    Command("completion", "completion.main", "print what a shell needs to complete", options.completion, "setup"),
)  # fmt: skip


class _Version(argparse.Action):
    """Prints the versions of the bundle and of OctoBot, looked up only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: typing.Any) -> typing.NoReturn:
        import importlib.metadata

        from .commands import bundle

        lines.say(f"volume-booster {bundle.own_version()}, OctoBot {importlib.metadata.version('octobot')}")
        parser.exit(ExitCode.DONE)


def main(argv: list[str] | None = None) -> int:
    """Run a command; the exit code of the contract. Every problem is one sentence on standard error."""
    given = sys.argv[1:] if argv is None else argv
    try:
        if COMPLETING in os.environ:
            importlib.import_module("argcomplete").autocomplete(parser())
        if given[:1] == ["exchange"]:
            return _exchange(given[1:])
        arguments = parser().parse(given)
        command: Command = arguments.command
        with logs.logged(arguments, given):
            return command.run(arguments)
    except SettingsError as error:
        return _problem(ExitCode.UNUSABLE, *error.problems)
    except HomeError as error:
        return _problem(ExitCode.UNUSABLE, text_of(error))
    except (BundleError, LaunchError, JournalError) as error:
        return _problem(ExitCode.FAILED, text_of(error))
    except KeyboardInterrupt:
        return _problem(ExitCode.INTERRUPTED, "interrupted")
    except BrokenPipeError:
        # the reader of our output has gone, so a message would reach nobody
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED


def _problem(exit_code: ExitCode, *sentences: str) -> int:
    for sentence in sentences:
        lines.complain(sentence)
    return exit_code


def _exchange(options: list[str]) -> int:
    """The exchange's own command line, which reports its own problems."""
    from .process import launch

    server: typing.Any = importlib.import_module(launch.EXCHANGE_MODULE)
    return int(server.main(options))


def parser() -> Parser:
    """Of the whole command line, that of the local exchange left out."""
    what = "Reaches a traded-volume target with OctoBot."
    parser = Parser(prog=PROGRAM, description=what, allow_abbrev=False)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the versions and exit")
    parsers = parser.add_subparsers(metavar=COMMANDS_PLACE, required=True, parser_class=Parser)
    for command in COMMANDS:
        one = parsers.add_parser(command.name, help=command.help, description=command.help, allow_abbrev=False)
        one.set_defaults(command=command, parser=one)
        command.add_options(one)
        options.common(one)
    # listed only: the exchange parses its own options
    parsers.add_parser("exchange", help="run the local exchange alone; `exchange --help` lists its options")
    return parser


if __name__ == "__main__":
    sys.exit(main())
