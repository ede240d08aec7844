"""A run of a campaign to its end: the local exchange and the real OctoBot, started, watched and stopped together.

`simulate` and `sandbox` differ by their `Rehearsal`: the trader, the profiles that are allowed, and the options of the
exchange.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.metadata
import logging
import pathlib
import random
import signal
import sys
import time
import typing
from collections.abc import Iterator
from dataclasses import dataclass

from ...core.model.basics import Trading
from ...core.model.formats import shown
from ...core.model.redact import text_of, without_secrets
from ...core.notify.progress_lines import sentence
from ...core.settings.corrections import swap_inverted_ranges
from ...core.settings.presets import Preset, decided_by
from ...core.settings.schema import Settings, SettingsError, parse_settings, without_octobot_keys
from ...journal.bot_channel import BotChannel
from ...journal.bot_lock import running_bot
from ...journal.journal import TARGET, Journal, NoCampaignError, set_aside
from ...reporting.history import Watcher
from ...reporting.report import CampaignReport, read_report
from ..arguments.requested import requested_settings
from ..files import chosen, home, run_options
from ..files.assumptions import EXCHANGE_PACKAGE, small_target
from ..process import launch
from ..process.watchdog import ExitCode, RunStatus, Verdict, judge
from ..screen import lines, terminal
from ..screen.live import LiveView, summary_table
from ..screen.next_steps import next_step
from . import bundle, install, unfinished
from .options import MARKET_OPTIONS

UNWRITTEN_S = 60.0
"""A run whose journal can't be written for so long has failed; before that it may continue on its own."""
POLL_INTERVAL_S = 0.25
_log = logging.getLogger(__name__)
PAUSE_PER_LOOK = 4
"""A look at a large journal takes longer: it leaves the bot most of the time of a processor."""


class Rehearsal(typing.Protocol):
    """What differs between the kinds of run."""

    trading: Trading

    def check(self, profile: pathlib.Path) -> dict[str, typing.Any]:
        """The profile's configuration.

        :raises HomeError: when it is missing or not one for this rehearsal.
        """

    def exchange_options(
        self, exchange: str, octobot_home: home.Home, config: dict[str, typing.Any], is_new: bool
    ) -> list[str]:
        """The options of a local exchange, for a new campaign or one that continues."""

    def connect(self, exchange: str, octobot_home: home.Home) -> None:
        """Let OctoBot into a local exchange; called before it starts."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A run whose arguments, home and profile have been checked."""

    rehearsal: Rehearsal
    home: home.Home
    profile_id: str
    settings: Settings
    port: int
    timeout_s: float | None
    patience_s: float
    config: dict[str, typing.Any]
    """Of the profile."""
    is_fresh: bool
    market_options: list[str]
    """Of the local exchange."""
    market_seed: str | None
    requested: dict[str, typing.Any]
    """Settings that were given on the command line; a target among them replaces that of a campaign that continues."""
    kept: dict[str, typing.Any]
    """Those of the run before, whose campaign continues."""
    unfinished: CampaignReport | None
    """The campaign that continues; None for a new one."""

    @property
    def has_own_target(self) -> bool:
        return "volume_target" in self.requested


def run(arguments: argparse.Namespace, rehearsal: Rehearsal) -> int:
    """Run a campaign to its end; the exit code of the contract.

    :raises SettingsError, HomeError, BundleError, LaunchError: when it can't be started.
    """
    octobot_home = home.Home(arguments.home.absolute())
    # what can't be used makes no home, and locks none of somebody else's
    plan = None if octobot_home.path.exists() else _plan(arguments, rehearsal)
    octobot_home.check_is_for_runs(tuple(bundle.profiles()))
    octobot_home.make()
    with octobot_home.held(arguments.command.name, lines.complain):
        if plan is None or octobot_home.config.exists():
            plan = _plan(arguments, rehearsal)
        if plan.unfinished is not None and _may_ask(arguments):
            answer = unfinished.ask(plan.unfinished)
            if answer == unfinished.STOP:
                lines.complain("nothing was started")
                return ExitCode.DONE
            if answer == unfinished.FRESH:
                arguments.fresh = True
                plan = _plan(arguments, rehearsal)
        return _run_to_its_end(plan, arguments)


def _may_ask(arguments: argparse.Namespace) -> bool:
    """Whether a person sits there who reads what is written."""
    is_for_a_program = arguments.yes or arguments.json or arguments.quiet
    return not is_for_a_program and sys.stdin.isatty() and sys.stderr.isatty()


def _run_to_its_end(plan: RunPlan, arguments: argparse.Namespace) -> int:
    _log.info("home %s, profile %s, settings that are not by default: %s", plan.home.path, plan.profile_id, own(plan))
    view = LiveView(terminal.Console(stderr=True), is_quiet=arguments.quiet, watcher=Watcher(plan.home.campaign))
    with interruption() as is_interrupted:
        verdict, report = _run(plan, view, is_interrupted)
    _log.info("%s", verdict.reason)
    now = time.time()
    result = _result(plan, verdict, report, now)
    if arguments.json:
        lines.as_json(result.to_json(now))
    elif report is not None:
        terminal.show(summary_table(result, now))
        if verdict.exit_code not in (ExitCode.FAILED, ExitCode.HALTED):
            terminal.wrapped(next_step(result, arguments.home))
    if verdict.exit_code is ExitCode.FAILED:
        raise launch.LaunchError(f"{verdict.reason}. {_last_problem(plan.home)} Logs: {plan.home.logs}")
    if verdict.exit_code is not ExitCode.DONE:
        lines.complain(verdict.reason)
    if verdict.exit_code is ExitCode.HALTED:
        lines.complain("once you know why, `volume-booster resume` continues it at the next start")
    return verdict.exit_code


def _result(plan: RunPlan, verdict: Verdict, report: CampaignReport | None, now: float) -> CampaignReport:
    """The report of a run: its campaign, stopped if it had not ended by itself, or one that never started."""
    if report is None:
        version = importlib.metadata.version("octobot")
        target_quote, trading = plan.settings.volume_target, plan.rehearsal.trading
        return CampaignReport.not_started(target_quote, trading, version, verdict.reason, now)
    return report.stopped(verdict.reason, now) if report.is_live else report


def _plan(arguments: argparse.Namespace, rehearsal: Rehearsal) -> RunPlan:
    own = bundle.profiles()
    octobot_home = home.Home(arguments.home.absolute())
    process = running_bot(octobot_home.campaign)
    if not process:
        octobot_home.restore_interrupted_writes()
    octobot_home.check_is_for_runs(tuple(own))
    if process:
        raise home.HomeError(
            f"another OctoBot (process {process}) already runs the campaign in {octobot_home.path}: end it with "
            "`volume-booster stop`, or choose another --home"
        )
    profile = find_profile(octobot_home, arguments.profile)
    config = rehearsal.check(profile)
    home.check_trades_pairs(config)
    requested = requested_settings(arguments)
    report = None if arguments.fresh else _read(octobot_home, 0.0)
    if report is not None and (report.is_finished or report.trading != rehearsal.trading.value):
        report = None
    kept = {} if report is None else run_options.kept(octobot_home, profile, requested)
    plan = RunPlan(
        rehearsal=rehearsal,
        home=octobot_home,
        profile_id=arguments.profile,
        settings=settings_of(without_octobot_keys(home.mode_settings(profile)), kept | requested),
        port=arguments.port,
        timeout_s=arguments.timeout,
        patience_s=arguments.patience,
        config=config,
        is_fresh=arguments.fresh,
        market_options=market_options(arguments),
        market_seed=arguments.market_seed,
        requested=requested,
        kept=kept,
        unfinished=report,
    )
    problems = small_target(plan.settings, home.enabled_pairs(config))
    if report is not None:
        problems += unfinished.contradictions(report, octobot_home.campaign, plan.settings, requested)
    if problems:
        raise SettingsError(problems)
    return plan


def _quick(plan: RunPlan) -> str:
    """What a run says first when its profile trades quicker than by default; else nothing."""
    settings, plain = plan.settings, Settings()
    if settings.trade_frequency_max >= plain.trade_frequency_max or settings.preset is not Preset.CUSTOM:
        return ""
    return (
        f"Quick profile {plan.profile_id}: {_pace(settings)}; by default {_pace(plain)} (`--set preset=moderate`). "
        "`volume-booster plan` with the same options estimates it."
    )


def _pace(settings: Settings) -> str:
    amounts = f"{settings.min_buy_amount:g} to {settings.max_buy_amount:g}"
    return f"orders of {amounts} every {settings.trade_frequency_min:g} to {settings.trade_frequency_max:g} s"


def own(plan: RunPlan) -> dict[str, typing.Any]:
    """The settings of a run that are not as by default."""
    defaults = Settings().to_config()
    return {key: value for key, value in plan.settings.to_config().items() if value != defaults[key]}


def market_options(arguments: argparse.Namespace) -> list[str]:
    """The options of the local exchange about its market, checked by it; its warnings are printed.

    Exit code 2 with one sentence, as for any other option, for one that it refuses.
    """
    given = [(option, getattr(arguments, option[2:].replace("-", "_"))) for option in MARKET_OPTIONS]
    options = [f"{option}={value}" for option, value in given if value is not None]
    exchange: typing.Any = importlib.import_module(f"{EXCHANGE_PACKAGE}.app.options")
    world: typing.Any = importlib.import_module(f"{EXCHANGE_PACKAGE}.market.world")
    asked = exchange.scenario_options(exchange.parse_options(options, f"volume-booster {arguments.command.name}"))
    try:
        warnings = world.MarketScenario(**{"seed": 0, "start_time": 0, **asked}).warnings()
    except ValueError as error:
        raise home.HomeError(text_of(error)) from error
    for told in warnings[:1]:  # those of two markets are alike
        lines.complain(f"warning: {told}")
    return [option for option in options if not option.startswith("--market-seed")]


def find_profile(octobot_home: home.Home, profile_id: str) -> pathlib.Path:
    """The profile of a home, or of the bundle when the home has none of this name.

    :raises HomeError: when there is none.
    """
    return chosen.find(octobot_home, profile_id, bundle.profiles())


def settings_of(of_profile: dict[str, typing.Any], requested: dict[str, typing.Any]) -> Settings:
    """The settings of a profile, overridden by those of the command line.

    :raises SettingsError: also when the command line sets what the preset decides.
    """
    values, sentences = swap_inverted_ranges(of_profile | requested)
    preset = values.get("preset", Preset.CUSTOM.value)
    if overruled := [key for key in decided_by(preset) if key in requested]:
        raise SettingsError(
            [f"{key}: the preset {preset} decides it; use preset=custom to set it yourself" for key in overruled]
        )
    for told in sentences:
        lines.complain(f"setting corrected: {told}")
    return parse_settings(values)


def _run(
    plan: RunPlan, view: LiveView, is_interrupted: typing.Callable[[], bool]
) -> tuple[Verdict, CampaignReport | None]:
    octobot_home = plan.home
    octobot_home.close()
    is_new = _set_other_campaign_aside(plan, view)
    if quick := _quick(plan):
        view.say(quick)
    with contextlib.ExitStack() as stack:
        exchanges, ports = [], {}
        for number, name in enumerate(home.offline_exchanges(plan.config)):
            exchange, ports[name] = _start_exchange(plan, name, number, is_new)
            stack.callback(exchange.stop)
            exchanges.append(exchange)
            view.say(f"The local exchange {name} listens on 127.0.0.1:{ports[name]}")
        if not install.is_installed(octobot_home.path):
            view.say(f"Installing the bundle into {octobot_home.path}")
            install.install(octobot_home.path)
        if is_interrupted():
            return Verdict(ExitCode.INTERRUPTED, "interrupted"), None
        octobot_home.select_profile(plan.profile_id)
        for name in ports:
            plan.rehearsal.connect(name, octobot_home)
        profile = octobot_home.profile(plan.profile_id)
        run_options.written(octobot_home, plan.profile_id, plan.kept | plan.requested)
        stack.enter_context(home.settings_of_this_run(profile, plan.settings.to_config()))
        arguments = ["--reset-trading-history"] if is_new else []
        octobot = launch.start_octobot(octobot_home.path, ports, *arguments)
        stack.callback(octobot.stop)
        view.say(f"OctoBot starts with the profile {plan.profile_id}, process {octobot.pid}")
        verdict = _watch(plan, view, octobot, exchanges, is_interrupted)
    return verdict, _read(octobot_home, 0.0)


def _watch(
    plan: RunPlan,
    view: LiveView,
    octobot: launch.Child,
    exchanges: list[launch.Child],
    is_interrupted: typing.Callable[[], bool],
) -> Verdict:
    started_at, clock = time.time(), time.monotonic
    start = news_at = written_at = clock()
    last: tuple[typing.Any, ...] = ()
    with view:
        while True:
            # read before the campaign, so that the campaign has all that an ended OctoBot wrote
            octobot_exit_code = octobot.exit_code
            ended = [exchange.exit_code for exchange in exchanges if exchange.exit_code is not None]
            began_at = clock()
            report = _read(plan.home, started_at)
            look_s = clock() - began_at
            news = (report.progress.orders, report.progress.fills, report.state) if report else ()
            if news != last:
                last, news_at = news, clock()
                if report is not None:
                    _log.debug("%s: %s", report.state_text, sentence(report.progress, report.quote))
            view.show(report, time.time())
            status = RunStatus(
                elapsed_s=clock() - start,
                since_news_s=clock() - news_at,
                report=report,
                octobot_exit_code=octobot_exit_code,
                exchange_exit_code=ended[0] if ended else None,
                is_interrupted=is_interrupted(),
            )
            if verdict := judge(status, plan.timeout_s, plan.patience_s):
                return verdict
            lost = _unwritten(plan.home)
            written_at = written_at if lost else clock()
            if lost and clock() - written_at > UNWRITTEN_S:
                return Verdict(ExitCode.FAILED, lost)
            time.sleep(max(POLL_INTERVAL_S, PAUSE_PER_LOOK * look_s))


def _unwritten(octobot_home: home.Home) -> str:
    """Why the bot sends no order: its journal is gone or can't be written; empty when it is not so."""
    notice = BotChannel(octobot_home.campaign).notice(time.time())
    return notice.reason if notice else ""


def _read(octobot_home: home.Home, since: float) -> CampaignReport | None:
    """The campaign, if its journal exists and the mode has started after `since`."""
    try:
        report = read_report(octobot_home.campaign)
    except NoCampaignError:
        return None
    return report if report is not None and report.last_start_at >= since else None


def _start_exchange(plan: RunPlan, name: str, number: int, is_new: bool) -> tuple[launch.Child, int]:
    """The first one listens on the requested port; each has its own prices."""
    seed = plan.settings.seed if plan.settings.seed is not None else random.SystemRandom().randrange(2**32)
    options = [*plan.rehearsal.exchange_options(name, plan.home, plan.config, is_new), *plan.market_options]
    if is_new or "--state" not in options:  # a state holds the seed that it began with
        options = [*options, "--seed", str((seed if plan.market_seed is None else int(plan.market_seed)) + number)]
    log = plan.home.logs / (f"local-exchange-{number + 1}.log" if number else "local-exchange.log")
    return launch.start_exchange(0 if number else plan.port, log, *options)


def _set_other_campaign_aside(plan: RunPlan, view: LiveView) -> bool:
    """Rename the file of a campaign that does not continue; True when a new one starts."""
    if plan.is_fresh:  # also one that can't be read
        if kept := set_aside(plan.home.campaign, time.time()):
            view.say(f"The campaign so far is kept as {kept}")
        return True
    report = _read(plan.home, 0.0)
    if report is None:
        return True
    if report.is_finished:
        why = "The finished campaign"
    elif report.trading != plan.rehearsal.trading.value:
        why = f"The {report.trading} campaign, which can't continue as a {plan.rehearsal.trading.value} one,"
    else:
        progress, quote = report.progress, report.quote
        filled, target = shown(progress.filled_quote, quote), shown(progress.target_quote, quote)
        so_far = f"seed {report.seed}, {filled} of {target} {quote} filled"
        view.say(f"Going on with the campaign in {plan.home.campaign}: {so_far}")
        if plan.kept:
            options = ", ".join(f"{key}={value}" for key, value in plan.kept.items())
            view.say(f"As in the run before: {options}; --set changes a setting, --fresh begins anew")
        if plan.has_own_target and plan.settings.volume_target != report.progress.target_quote:
            with contextlib.closing(Journal.create_or_open(plan.home.campaign)) as journal:
                journal.add_command(time.time(), TARGET, f"{plan.settings.volume_target:f}")
        return False
    view.say(f"{why} is kept as {set_aside(plan.home.campaign, time.time())}")
    return True


@contextlib.contextmanager
def interruption() -> Iterator[typing.Callable[[], bool]]:
    """Catch Ctrl-C and SIGTERM; the function that it yields returns whether one came."""
    received: list[int] = []
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda number, _: received.append(number)) for number in signals}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _last_problem(octobot_home: home.Home) -> str:
    """OctoBot's last error, for a person who has to find out why it does not trade."""
    try:
        lines = (octobot_home.logs / "OctoBot.log").read_text("utf-8", "replace").splitlines()
    except OSError:
        return "OctoBot wrote no log."
    errors = [line for line in lines if " ERROR " in line]
    return f"OctoBot's last error: {without_secrets(errors[-1].strip())}." if errors else "OctoBot logged no error."
