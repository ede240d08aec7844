"""A profile of one's own, made from one of the bundle: it simulates, and nothing real is switched on in it."""

from __future__ import annotations

import decimal
import pathlib
import shutil
import typing
from dataclasses import dataclass
from decimal import Decimal

from ...core.model.basics import Side
from ...core.model.redact import text_of
from ...core.settings.presets import PRESETS, Preset
from . import home
from .assumptions import MONEY
from .home import HomeError

SIMULATED_QUOTE = Decimal(10_000)
"""What the simulator starts with, on each side, where the quote is worth about a dollar."""
SMALLEST_SHARE, LARGEST_SHARE, CAPITAL_SHARE = Decimal("0.0005"), Decimal("0.003"), Decimal("0.2")
"""Of the target: the smallest and largest order, and the capital on each side, as they are by default."""
FUTURES_FEES = {"maker": 0.02, "taker": 0.05}
"""In percent, what the local exchange and many others charge for a contract: the simulator's own are those of spot."""
URGENCIES = {"passive": Preset.CONSERVATIVE, "normal": Preset.MODERATE, "aggressive": Preset.AGGRESSIVE}
_LEFT_OUT = shutil.ignore_patterns("README.md", f"*{home.KEPT_SUFFIX}")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants: amounts in quote, `price` in quote per base."""

    profile_id: str
    exchange: str
    pair: str
    target: Decimal
    budget: Decimal | None
    urgency: str
    price: Decimal

    @property
    def assets(self) -> tuple[str, str]:
        """Base and quote."""
        base, _, quote = self.pair.partition("/")
        return base, quote.partition(":")[0]


def settings_of(wish: Wish) -> dict[str, typing.Any]:
    """The settings that are not as by default, as a configuration file holds them."""
    preset = URGENCIES[wish.urgency]
    settings: dict[str, typing.Any] = {"volume_target": _plain(wish.target), "preset": preset.value}
    if wish.budget is not None:
        settings["max_cost_quote"] = _plain(wish.budget)
    if wish.assets[1] not in MONEY:  # the amounts of a preset are for dollars
        low, high = (_plain(_two_digits(wish.target * share)) for share in (SMALLEST_SHARE, LARGEST_SHARE))
        amounts = {f"{end}_{side.value}_amount": value for end, value in (("min", low), ("max", high)) for side in Side}
        settings |= dict(PRESETS[preset]) | amounts | {"preset": Preset.CUSTOM.value}
    return settings


def write(octobot_home: home.Home, wish: Wish, like: pathlib.Path) -> pathlib.Path:
    """Make the profile's folder, whole or not at all, from a profile of the bundle.

    :raises HomeError: when there is one of this name, or it can't be written.
    """
    folder = octobot_home.profile(wish.profile_id)
    if folder.exists():
        raise HomeError(
            f"there is a profile {wish.profile_id!r} in {octobot_home.path} already: choose another --profile"
        )
    octobot_home.make()
    part = folder.with_name(f"{folder.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(like, part, ignore=_LEFT_OUT)
        home.write_json(part / "profile.json", _profile(home.read_json(like / "profile.json"), wish))
        home.write_json(part / home.MODE_CONFIG, home.mode_settings(like) | settings_of(wish))
        part.rename(folder)
        if not octobot_home.config.is_file():  # a run chooses the profile that it is given
            home.write_json(octobot_home.config, home.new_configuration(like.name))
    except OSError as error:
        raise HomeError(f"{folder} can't be written: {text_of(error)}") from error
    return folder


def _profile(of_bundle: dict[str, typing.Any], wish: Wish) -> dict[str, typing.Any]:
    base, quote = wish.assets
    in_quote = SIMULATED_QUOTE if quote in MONEY else _two_digits(wish.target * CAPITAL_SHARE)
    kind = "future" if ":" in wish.pair else "spot"
    config = of_bundle["config"] | {
        "crypto-currencies": {base: {"enabled": True, "pairs": [wish.pair]}},
        "exchanges": {wish.exchange: {"enabled": True, "exchange-type": kind}},
        "trader": {"enabled": False, "load-trade-history": False},
    }
    portfolio = {base: _plain(_two_digits(in_quote / wish.price)), quote: _plain(in_quote)}
    config["trader-simulator"] = of_bundle["config"]["trader-simulator"] | {
        "enabled": True,
        "starting-portfolio": portfolio,
    }
    if kind == "future":
        config["trader-simulator"]["fees"] = FUTURES_FEES
    config["trading"] = of_bundle["config"]["trading"] | {"reference-market": quote}
    text = f"{wish.target:,f} {quote} of volume in {wish.pair} on {wish.exchange}, in OctoBot's simulator."
    names = {"id": wish.profile_id, "name": wish.profile_id, "slug": wish.profile_id, "description": text}
    return {"profile": of_bundle["profile"] | names, "config": config}


def _two_digits(value: Decimal) -> Decimal:
    return value.quantize(Decimal(1).scaleb(value.adjusted() - 1), rounding=decimal.ROUND_HALF_UP)


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
