"""`volume-booster simulate`: the real OctoBot in simulation mode on the local exchange, until the target is reached."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib.metadata
import json
import random
import signal
import sys
import time
import typing
from collections.abc import Iterator
from dataclasses import dataclass

import rich.console

from ..core.corrections import swap_inverted_ranges
from ..core.presets import Preset, decided_by
from ..core.settings import Settings, SettingsError, parse_settings, without_octobot_keys
from ..journal import NoCampaignError
from ..report import CampaignReport, read_report
from . import bundle, home, install, launch
from .live import LiveView, summary_table
from .watchdog import ExitCode, Sight, Verdict, judge

LOOK_EVERY_S = 0.25
OFFLINE_EXCHANGE = "offline_exchange"


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that can be started: everything about it has been checked."""

    home: home.Home
    profile_id: str
    settings: Settings
    port: int
    timeout_s: float | None
    patience_s: float
    needs_offline_exchange: bool


def run(arguments: argparse.Namespace) -> int:
    """Run a campaign to its end; the exit code of the contract.

    :raises SettingsError, HomeError, BundleError, LaunchError: when it can't be started.
    """
    plan = _plan(arguments)
    view = LiveView(rich.console.Console(stderr=True), is_quiet=arguments.quiet)
    with _interruption() as is_interrupted:
        verdict, report = _run(plan, view, is_interrupted)
    now = time.time()
    result = _result(plan, verdict, report, now)
    if arguments.json:
        print(json.dumps(result.to_json(now)))
    elif report is not None:
        rich.console.Console().print(summary_table(result, now))
    if verdict.exit_code is ExitCode.FAILED:
        raise launch.LaunchError(f"{verdict.reason}. {_last_problem(plan.home)} Logs: {plan.home.logs}")
    if verdict.exit_code is not ExitCode.DONE:
        print(f"volume-booster: {verdict.reason}", file=sys.stderr)
    return verdict.exit_code


def _result(plan: Plan, verdict: Verdict, report: CampaignReport | None, now: float) -> CampaignReport:
    """What is told of the run: its campaign, stopped if it had not ended by itself, or one that never began."""
    if report is None:
        return CampaignReport.not_begun(
            plan.settings.volume_target, importlib.metadata.version("octobot"), verdict.reason, now
        )
    if report.state == "running":
        return dataclasses.replace(report, state="stopped", reason=verdict.reason, ended_at=now)
    return report


def _plan(arguments: argparse.Namespace) -> Plan:
    own = bundle.profiles()
    octobot_home = home.Home(arguments.home.absolute())
    octobot_home.check_is_for_runs(tuple(own))
    profile = octobot_home.profile(arguments.profile)
    if not profile.is_dir():
        if arguments.profile not in own:
            raise home.HomeError(f"there is no profile {arguments.profile!r}; the bundle has {', '.join(own)}")
        profile = own[arguments.profile]
    exchanges = home.check_simulates(profile)["exchanges"]
    options = {"volume_target": arguments.target, "seed": arguments.seed}
    asked = dict(arguments.set) | {key: value for key, value in options.items() if value is not None}
    return Plan(
        octobot_home,
        arguments.profile,
        _settings(without_octobot_keys(home.mode_settings(profile)), asked),
        arguments.port,
        arguments.timeout,
        arguments.patience,
        OFFLINE_EXCHANGE in exchanges,
    )


def _settings(of_profile: dict[str, typing.Any], asked: dict[str, str]) -> Settings:
    """The settings of a profile with those that were asked for on top.

    :raises SettingsError: also when a setting is asked for that the preset decides.
    """
    values, sentences = swap_inverted_ranges(of_profile | asked)
    preset = values.get("preset", Preset.CUSTOM.value)
    if overruled := [key for key in decided_by(preset) if key in asked]:
        raise SettingsError(
            [f"{key}: the preset {preset} decides it; use preset=custom to set it yourself" for key in overruled]
        )
    for sentence in sentences:
        print(f"volume-booster: setting put right: {sentence}", file=sys.stderr)
    return parse_settings(values)


def _run(
    plan: Plan, view: LiveView, is_interrupted: typing.Callable[[], bool]
) -> tuple[Verdict, CampaignReport | None]:
    octobot_home = plan.home
    octobot_home.make()
    with contextlib.ExitStack() as stack:
        exchange, port = None, None
        if plan.needs_offline_exchange:
            seed = plan.settings.seed if plan.settings.seed is not None else random.SystemRandom().randrange(2**32)
            exchange, port = launch.start_exchange(plan.port, seed, octobot_home.logs / "local-exchange.log")
            stack.callback(exchange.stop)
            view.say(f"The local exchange listens on 127.0.0.1:{port}")
        if not install.is_installed(octobot_home.path):
            view.say(f"Installing the bundle into {octobot_home.path}")
            install.install(octobot_home.path)
        if is_interrupted():
            return Verdict(ExitCode.INTERRUPTED, "interrupted"), None
        octobot_home.select_profile(plan.profile_id)
        is_new = _set_finished_campaign_aside(octobot_home, view)
        profile = octobot_home.profile(plan.profile_id)
        stack.enter_context(home.settings_of_this_run(profile, plan.settings.to_config()))
        arguments = ["--reset-trading-history"] if is_new else []
        octobot = launch.start_octobot(octobot_home.path, port, *arguments)
        stack.callback(octobot.stop)
        view.say(f"OctoBot starts with the profile {plan.profile_id}, process {octobot.pid}")
        verdict = _watch(plan, view, octobot, exchange, is_interrupted)
    return verdict, _read(octobot_home, 0.0)


def _watch(
    plan: Plan, view: LiveView, octobot: launch.Child, exchange: launch.Child | None,
    is_interrupted: typing.Callable[[], bool],
) -> Verdict:  # fmt: skip
    started_at, clock = time.time(), time.monotonic
    start = news_at = clock()
    seen: tuple[typing.Any, ...] = ()
    with view:
        while True:
            report = _read(plan.home, started_at)
            news = (report.progress.orders, report.progress.fills) if report else ()
            if news != seen:
                seen, news_at = news, clock()
            view.show(report, time.time())
            sight = Sight(
                elapsed_s=clock() - start,
                since_news_s=clock() - news_at,
                report=report,
                octobot_exit_code=octobot.exit_code,
                exchange_exit_code=exchange.exit_code if exchange else None,
                is_interrupted=is_interrupted(),
            )
            if verdict := judge(sight, plan.timeout_s, plan.patience_s):
                return verdict
            time.sleep(LOOK_EVERY_S)


def _read(octobot_home: home.Home, since: float) -> CampaignReport | None:
    """The campaign, if its journal exists and the mode has started after `since`."""
    try:
        report = read_report(octobot_home.campaign)
    except NoCampaignError:
        return None
    return report if report is not None and report.last_start_at >= since else None


def _set_finished_campaign_aside(octobot_home: home.Home, view: LiveView) -> bool:
    """A finished campaign is kept beside the new one; True when a new one begins."""
    report = _read(octobot_home, 0.0)
    if report is None:
        return True
    if report.state != "done":
        view.say(f"Going on with the campaign in {octobot_home.campaign}")
        return False
    aside = octobot_home.campaign.with_name(f"campaign-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}.sqlite")
    for suffix in ("-wal", "-shm", ""):
        part = octobot_home.campaign.with_name(octobot_home.campaign.name + suffix)
        if part.exists():
            part.replace(aside.with_name(aside.name + suffix))
    view.say(f"The finished campaign is kept as {aside}")
    return True


@contextlib.contextmanager
def _interruption() -> Iterator[typing.Callable[[], bool]]:
    """Within it Ctrl-C and SIGTERM do not kill: the function that it gives tells that one came."""
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
    return f"OctoBot's last error: {errors[-1].strip()}." if errors else "OctoBot logged no error."
