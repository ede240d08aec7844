"""The command line: its commands, and how problems are reported."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import os
import sys
import typing
from dataclasses import dataclass

from ..core.model.redact import text_of
from ..core.settings.schema import SettingsError
from ..journal.journal import JournalError
from .commands import options
from .commands.bundle import BundleError
from .files.home import HomeError
from .process.launch import LaunchError
from .process.watchdog import ExitCode

OptionsOf = typing.Callable[[argparse.ArgumentParser], None]


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the command line; the module of a command is imported only when it is called."""

    name: str
    place: str
    """Module of `commands` and its function, as `module.function`."""
    help: str
    add_options: OptionsOf

    def run(self, arguments: argparse.Namespace) -> int:
        """The exit code of the contract."""
        module, function = self.place.split(".")
        return int(getattr(importlib.import_module(f".commands.{module}", __package__), function)(arguments))


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
    Command("resume", "steer.resume", "let a paused or halted campaign go on", options.steer),
    Command("stop", "steer.stop", "end OctoBot; started again, the campaign goes on", options.steer),
    Command("target", "steer.target", "raise or lower the target of a campaign", options.target),
    Command(
        "emergency-stop", "steer.emergency_stop",
        "cancel every open order of a campaign, confirm it, and place none any more", options.emergency_stop,
    ),
)  # fmt: skip


class _Parser(argparse.ArgumentParser):
    """Reports unusable arguments in one sentence, exit code 2."""

    def error(self, message: str) -> typing.NoReturn:
        self.exit(ExitCode.UNUSABLE, f"volume-booster: {message}; see `{self.prog} --help`\n")


class _Version(argparse.Action):
    """Prints the versions of the bundle and of OctoBot, looked up only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: typing.Any) -> typing.NoReturn:
        from .commands import bundle

        print(f"volume-booster {bundle.own_version()}, OctoBot {importlib.metadata.version('octobot')}")
        parser.exit(ExitCode.DONE)


def main(argv: list[str] | None = None) -> int:
    """Run a command; the exit code of the contract. Every problem is one sentence on standard error."""
    given = sys.argv[1:] if argv is None else argv
    try:
        if given[:1] == ["exchange"]:
            return _exchange(given[1:])
        arguments = parser().parse_args(given)
        command: Command = arguments.command
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
        print(f"volume-booster: {sentence}", file=sys.stderr)
    return exit_code


def _exchange(options: list[str]) -> int:
    """The exchange's own command line, which reports its own problems."""
    from .process import launch

    server: typing.Any = importlib.import_module(launch.EXCHANGE_MODULE)
    return int(server.main(options))


def parser() -> argparse.ArgumentParser:
    """Of the whole command line, that of the local exchange left out."""
    what = "Reaches a traded-volume target with OctoBot."
    parser = _Parser(prog="volume-booster", description=what, allow_abbrev=False)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the versions and exit")
    parsers = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for command in COMMANDS:
        one = parsers.add_parser(command.name, help=command.help, description=command.help, allow_abbrev=False)
        one.set_defaults(command=command)
        command.add_options(one)
    # listed only: the exchange parses its own options
    parsers.add_parser("exchange", help="run the local exchange alone; `exchange --help` tells its options")
    return parser


if __name__ == "__main__":
    sys.exit(main())
