"""The command line: what can be asked for, and how a problem is told."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import pathlib
import sys
import typing

from ..core.redact import text_of
from ..core.settings import SettingsError
from ..journal import JournalError
from .bundle import BundleError
from .home import HomeError
from .launch import LaunchError
from .watchdog import ExitCode

DEFAULT_HOME = pathlib.Path(".octobot")
DEFAULT_PATIENCE_S = 120.0
MOST_DAYS = 366
"""So many days of drawn prices are made in a minute or two."""
_STEERING = {
    "pause": "place no new order until it is resumed, also after a restart",
    "resume": "let a paused or halted campaign go on",
    "stop": "end OctoBot; started again, the campaign goes on",
    "target": "raise or lower the target of a campaign",
    "emergency-stop": "cancel every open order of a campaign, confirm it, and place none any more",
}


class _Parser(argparse.ArgumentParser):
    """One sentence for arguments that can't be used, exit code 2."""

    def error(self, message: str) -> typing.NoReturn:
        self.exit(ExitCode.UNUSABLE, f"volume-booster: {message}; see `{self.prog} --help`\n")


class _Version(argparse.Action):
    """Tells the versions of the bundle and of OctoBot; they are looked up only when they are asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: typing.Any) -> typing.NoReturn:
        from . import bundle

        print(f"volume-booster {bundle.own_version()}, OctoBot {importlib.metadata.version('octobot')}")
        parser.exit(ExitCode.DONE)


def main(argv: list[str] | None = None) -> int:
    """Do what the arguments ask for; the exit code of the contract. Every problem is one sentence on standard error."""
    given = sys.argv[1:] if argv is None else argv
    try:
        if given[:1] == ["exchange"]:
            return _exchange(given[1:])
        arguments = parser().parse_args(given)
        return int(arguments.command(arguments))
    except SettingsError as error:
        return _problem(ExitCode.UNUSABLE, *error.problems)
    except HomeError as error:
        return _problem(ExitCode.UNUSABLE, text_of(error))
    except (BundleError, LaunchError, JournalError) as error:
        return _problem(ExitCode.FAILED, text_of(error))
    except KeyboardInterrupt:
        return _problem(ExitCode.INTERRUPTED, "interrupted")
    except BrokenPipeError:
        # who read our output has gone: nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED


def _problem(exit_code: ExitCode, *sentences: str) -> int:
    for sentence in sentences:
        print(f"volume-booster: {sentence}", file=sys.stderr)
    return exit_code


def _pack(arguments: argparse.Namespace) -> int:
    from . import bundle

    print(bundle.pack(arguments.out))
    return ExitCode.DONE


def _install(arguments: argparse.Namespace) -> int:
    from . import install

    report = install.install(arguments.home)
    print(json.dumps(report.to_json_object()) if arguments.json else report.text())
    return ExitCode.DONE


def _simulate(arguments: argparse.Namespace) -> int:
    from . import simulate

    return simulate.main(arguments)


def _sandbox(arguments: argparse.Namespace) -> int:
    from . import sandbox

    return sandbox.main(arguments)


def _plan(arguments: argparse.Namespace) -> int:
    from . import plan

    return plan.main(arguments)


def _check(arguments: argparse.Namespace) -> int:
    from . import check

    return check.main(arguments)


def _backtest(arguments: argparse.Namespace) -> int:
    from . import backtest

    return backtest.main(arguments)


def _status(arguments: argparse.Namespace) -> int:
    from . import status

    return status.main(arguments)


def _watch(arguments: argparse.Namespace) -> int:
    from . import watch

    return watch.main(arguments)


def _report(arguments: argparse.Namespace) -> int:
    from . import report_command

    return report_command.main(arguments)


def _steer(arguments: argparse.Namespace) -> int:
    from . import steer

    return int(getattr(steer, arguments.verb.replace("-", "_"))(arguments))


def _exchange(options: list[str]) -> int:
    """The exchange's own command line: it tells its options, and their problems, itself."""
    from . import launch

    server: typing.Any = importlib.import_module(launch.EXCHANGE_MODULE)
    return int(server.main(options))


def parser() -> argparse.ArgumentParser:
    """Of the whole command line, that of the local exchange left out."""
    what = "Reaches a traded-volume target with OctoBot."
    parser = _Parser(prog="volume-booster", description=what, allow_abbrev=False)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the versions and exit")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    pack = _command(commands, "pack", _pack, "build the bundle that OctoBot's own tentacles command installs")
    archive = "volume_booster.zip"
    pack.add_argument(
        "--out", type=pathlib.Path, metavar="ZIP", default=pathlib.Path(archive), help=f"default: {archive}"
    )

    install = _command(commands, "install", _install, "install bundle and profiles into an OctoBot home")
    install.add_argument(
        "--home", type=pathlib.Path, metavar="DIR", required=True, help="where OctoBot lives; made when it is not there"
    )
    install.add_argument("--json", action="store_true", help="print the report as one JSON object")

    simulate = _command(commands, "simulate", _simulate, "run OctoBot in simulation mode on the local exchange")
    _add_run_options(simulate, profile="volume_booster_offline")

    sandbox = _command(commands, "sandbox", _sandbox, "the same with OctoBot's real trader, on the local exchange")
    _add_run_options(sandbox, profile="volume_booster_sandbox")

    backtest = _command(commands, "backtest", _backtest, "the same campaign in OctoBot's backtesting, in seconds")
    _add_campaign_options(backtest, profile="volume_booster")
    _add_backtest_options(backtest)

    plan_command = _command(commands, "plan", _plan, "what a campaign would cost and take, before it starts")
    _add_plan_options(plan_command)

    check = _command(commands, "check", _check, "what works on an exchange, a row each")
    _add_check_options(check)

    status = _command(commands, "status", _status, "one look at a campaign, running or not")
    _add_look_options(status)
    watch = _command(commands, "watch", _watch, "a running campaign, redrawn in place until it ends")
    _add_look_options(watch)
    report = _command(commands, "report", _report, "the result of a campaign, running or not")
    _add_look_options(report)
    report.add_argument("--html", type=pathlib.Path, metavar="FILE", help="write one page with charts, for any browser")
    report.add_argument("--csv", type=pathlib.Path, metavar="DIR", help="write orders.csv and fills.csv into a folder")
    _add_steering(commands)
    # only to be listed: its options are told by the exchange itself
    commands.add_parser("exchange", help="run the local exchange alone; `exchange --help` tells its options")
    return parser


def _add_steering(commands: typing.Any) -> None:
    for verb, what in _STEERING.items():
        command = _command(commands, verb, _steer, what)
        command.set_defaults(verb=verb)
        _add_home_options(command)
        if verb == "target":
            command.add_argument("quote", metavar="QUOTE", help="the volume to reach, in quote currency")
        elif verb == "emergency-stop":
            command.add_argument("--yes", action="store_true", help="do not ask for EMERGENCY_STOP to be typed")


def _add_home_options(parser: argparse.ArgumentParser, printed: str = "campaign") -> None:
    parser.add_argument("--home", type=pathlib.Path, metavar="DIR", default=DEFAULT_HOME, help="default: .octobot")
    parser.add_argument("--json", action="store_true", help=f"print the {printed} as one JSON object")


def _add_look_options(parser: argparse.ArgumentParser) -> None:
    """The options of a command that only looks at a campaign."""
    _add_home_options(parser)
    parser.add_argument(
        "--campaign", type=pathlib.Path, metavar="FILE", help="look at this file, such as one that was kept aside"
    )
    parser.add_argument("--backtest", action="store_true", help="look at the last backtest of the home")


def _add_plan_options(parser: argparse.ArgumentParser) -> None:
    from . import plan

    _add_home_options(parser, "plan")
    profile = "volume_booster"
    parser.add_argument("--profile", metavar="ID", default=profile, help=f"default: {profile}")
    parser.add_argument("--target", metavar="QUOTE", help="the volume to reach, in quote currency")
    parser.add_argument(
        "--set", metavar="KEY=VALUE", type=_setting, action="append", default=[], help="any setting; may be repeated"
    )
    plan.add_options(parser)


def _add_check_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--exchange", metavar="ID", help="its name in ccxt or OctoBot; default: a table of all")
    parser.add_argument("--home", type=pathlib.Path, metavar="DIR", help="whose keys are used; default: .octobot")
    parser.add_argument("--profile", metavar="ID", help="whose settings are looked at; default: the home's own")
    parser.add_argument("--pair", metavar="PAIR", type=_pair, help="the market; default: those of the profile")
    parser.add_argument(
        "--order", action="store_true", help="place one small order far from the market, find it and cancel it"
    )
    parser.add_argument(
        "--save", type=pathlib.Path, metavar="DIR", help="write each answer, without secrets, to a file"
    )
    parser.add_argument("--json", action="store_true", help="print the rows as one JSON object")


def _add_campaign_options(parser: argparse.ArgumentParser, profile: str) -> None:
    """The options of every command that runs a campaign."""
    parser.add_argument("--home", type=pathlib.Path, metavar="DIR", default=DEFAULT_HOME, help="default: .octobot")
    parser.add_argument("--profile", metavar="ID", default=profile, help=f"default: {profile}")
    parser.add_argument("--target", metavar="QUOTE", help="the volume to reach, in quote currency")
    parser.add_argument("--seed", metavar="N", help="same seed, same decisions and same prices")
    parser.add_argument(
        "--set", metavar="KEY=VALUE", type=_setting, action="append", default=[], help="any setting; may be repeated"
    )
    parser.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="give up after this time, exit code 4")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no live progress")


def _add_backtest_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=pathlib.Path, metavar="FILE",
        help="a .data file of OctoBot, or candles as CSV (timestamp,open,high,low,close,volume); default: drawn from "
        "the seed",
    )  # fmt: skip
    parser.add_argument("--days", type=_days, metavar="N", default=1, help="how many days to draw; default: 1")
    parser.add_argument(
        "--symbol", metavar="PAIR", help="whose prices the CSV or drawn candles are; default: the profile's"
    )
    parser.add_argument(
        "--sweep", metavar="KEY=A,B,C", type=_sweep, action="append", default=[],
        help="run every combination of such values in parallel; may be repeated",
    )  # fmt: skip
    parser.add_argument("--csv", type=pathlib.Path, metavar="FILE", help="where a sweep writes its results")


def _add_run_options(parser: argparse.ArgumentParser, profile: str) -> None:
    """The options of a command that runs a campaign in a live OctoBot."""
    _add_campaign_options(parser, profile)
    parser.add_argument(
        "--fresh", action="store_true", help="begin a new campaign; an unfinished one is kept beside it"
    )
    parser.add_argument("--port", type=_port, metavar="N", default=0, help="of the local exchange; default: a free one")
    parser.add_argument(
        "--patience", type=_seconds, metavar="SECONDS", default=DEFAULT_PATIENCE_S,
        help="give up when nothing has happened for so long, exit code 1; default: 120",
    )  # fmt: skip


def _command(
    commands: typing.Any, name: str, function: typing.Callable[[argparse.Namespace], int], what: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=what, description=what, allow_abbrev=False)
    parser.set_defaults(command=function)
    return parser


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form key=value")
    return key, value


def _pair(text: str) -> str:
    base, _, quote = text.partition("/")
    if not base or not quote:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form BASE/QUOTE")
    return text


def _sweep(text: str) -> tuple[str, list[str]]:
    key, values = _setting(text)
    parts = [value.strip() for value in values.split(",")]
    if not all(parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form key=a,b,c")
    return key, parts


def _days(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days from 1 to {MOST_DAYS}")
    return int(text)


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
