"""The settings of a campaign: read once, whole, frozen; every problem named with its key."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import pydantic

from ..model.basics import TEN_THOUSAND, CampaignAmount, ExecutionStyle, Ratio, Side, Unit
from ..model.escape import printable, quoted, shortened
from ..model.typed import did_you_mean, plain_number
from .choices import EndOfCampaign as EndOfCampaign
from .choices import OpenOrdersAtStart as OpenOrdersAtStart
from .choices import ShareBy as ShareBy
from .choices import SidePolicy as SidePolicy
from .choices import TargetPeriod as TargetPeriod
from .choices import TargetScope as TargetScope
from .choices import Urgency as Urgency
from .named_values import NamedAmounts, Names, amounts_text, names_text, read_amounts, read_duration, read_names
from .presets import Preset, decided_by


class SettingsError(ValueError):
    """The settings can't be used. `problems` has one sentence for each thing that is wrong, each naming its key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def _as_number(value: object) -> object:
    """A text without the signs between thousands; true and false are no numbers."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return plain_number(value) if isinstance(value, str) else value


RANGES = (
    ("trade_frequency_min", "trade_frequency_max"),
    ("min_buy_amount", "max_buy_amount"),
    ("min_sell_amount", "max_sell_amount"),
)
"""The settings that are the two ends of a range."""


class ShownUnit(str):
    """What a number of the settings is counted in, for people."""

    __slots__ = ()


_NUMBER = pydantic.BeforeValidator(_as_number)
Amount = Annotated[
    CampaignAmount, _NUMBER, pydantic.Field(gt=0, le=Decimal("1e12"), allow_inf_nan=False), ShownUnit("quote")
]
Seconds = Annotated[float, _NUMBER, pydantic.Field(ge=0.05, le=86_400, allow_inf_nan=False), ShownUnit("s")]
Percent = Annotated[Ratio, _NUMBER, pydantic.Field(ge=0, le=50, allow_inf_nan=False), ShownUnit("%")]
ShareOrNever = Annotated[Ratio, _NUMBER, pydantic.Field(ge=0, le=100, allow_inf_nan=False), ShownUnit("%")]
Share = Annotated[Ratio, _NUMBER, pydantic.Field(gt=0, le=100, allow_inf_nan=False), ShownUnit("%")]
Bps = Annotated[Ratio, _NUMBER, pydantic.Field(gt=0, le=10_000, allow_inf_nan=False), ShownUnit("bps")]
PerSecond = Annotated[float, _NUMBER, pydantic.Field(ge=0.01, le=20, allow_inf_nan=False), ShownUnit("1/s")]
Fraction = Annotated[Ratio, _NUMBER, pydantic.Field(gt=0, le=1, allow_inf_nan=False), ShownUnit("0 to 1")]
Leverage = Annotated[Ratio, _NUMBER, pydantic.Field(ge=1, le=125, allow_inf_nan=False), ShownUnit("x")]
Count = Annotated[int, _NUMBER, pydantic.Field(ge=1, le=200)]
Amounts = Annotated[NamedAmounts, pydantic.BeforeValidator(read_amounts), Unit.CAMPAIGN, ShownUnit("quote")]
Ratios = Annotated[NamedAmounts, pydantic.BeforeValidator(read_amounts), Unit.NONE]
NameList = Annotated[Names, pydantic.BeforeValidator(read_names)]
Deadline = Annotated[
    float, pydantic.BeforeValidator(read_duration), _NUMBER, pydantic.Field(ge=10, le=2_678_400, allow_inf_nan=False)
]
Budget = Annotated[int, _NUMBER, pydantic.Field(ge=1, le=10_000)]
Seed = Annotated[int, _NUMBER, pydantic.Field(ge=0, le=2**63 - 1)]


QUOTING = ["passive", "pair"]


def _setting(default: Any, group: str, description: str, **shown_when: Any) -> Any:
    """A setting: its default, the group of the form that it stands in, its help, and when the form shows it."""
    return pydantic.Field(
        default, description=description, json_schema_extra={"group": group, "shown_when": dict(shown_when)}
    )


class Settings(pydantic.BaseModel):
    """Every setting with its default, unit and bounds.

    A number may be written as a number or as a string that holds one ("150"). A preset
    other than custom decides its settings, whatever else is given for them. Amounts are in the campaign's currency.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    enable_volume_booster: bool = _setting(True, "Campaign", "Off: place no new order")
    volume_target: Amount = _setting(Decimal(50_000), "Campaign", "Filled volume to reach, in quote")
    target_scope: TargetScope = _setting(
        TargetScope.TOTAL, "Campaign", "total: all pairs reach the target together; pair: each one for itself"
    )
    target_period: TargetPeriod = _setting(
        TargetPeriod.TOTAL, "Campaign", "total: the target is for the campaign; daily: for each day, from 00:00 UTC"
    )
    end_of_campaign: EndOfCampaign = _setting(
        EndOfCampaign.KEEP,
        "Campaign",
        "keep: the inventory stays; drain: the last orders bring it back; flatten: market orders do after the target",
    )
    seed: Seed | None = _setting(None, "Campaign", "Same seed, same decisions; empty: drawn and recorded")
    target_currency: str = _setting(
        "", "Several markets", "What target and amounts are in, where pairs have different quotes; empty: their quote"
    )
    share_by: ShareBy = _setting(
        ShareBy.EVEN,
        "Several markets",
        "even: the same for each; weights: as share_weights says; cost: most to the cheapest just now",
    )
    share_weights: Ratios = _setting(
        (), "Several markets", "BTC/USDT = 2, kraken = 0: of pairs, exchanges, or both; not named: 1; 0: not traded"
    )
    min_share_percent: Share = _setting(
        Decimal(5), "Several markets", "The least that a market which is not the cheapest is given", share_by="cost"
    )
    exchange_priority: NameList = _setting(
        (),
        "Several markets",
        "binance, kraken: one that is named later is used while those before it can't take orders",
    )
    max_daily_quote: Amounts = _setting(
        (), "Several markets", "binance = 20000: most that is filled on an exchange in a day, in quote, from 00:00 UTC"
    )
    rate_limit_margins: Ratios = _setting(
        (), "Several markets", "binance = 0.5: rate_limit_margin of single exchanges, above 0 and up to 1"
    )
    match_across_exchanges: bool = _setting(
        False, "Several markets", "On: buy on the exchange where that is cheaper and sell on the other"
    )
    preset: Preset = _setting(
        Preset.CUSTOM, "Orders", "custom, or a preset that decides the kind, size and pace of orders"
    )
    order_type: ExecutionStyle = _setting(
        ExecutionStyle.MARKET,
        "Orders",
        "market fills at once; limit rests and may never fill; passive: quotes, to a deadline; pair: around the mid",
        preset="custom",
    )
    trade_frequency_min: Seconds = _setting(2.0, "Pace", "Shortest time between two orders, seconds", preset="custom")
    trade_frequency_max: Seconds = _setting(8.0, "Pace", "Longest time between two orders, seconds", preset="custom")
    min_buy_amount: Amount = _setting(Decimal(25), "Size", "Smallest buy, in quote", preset="custom")
    max_buy_amount: Amount = _setting(Decimal(150), "Size", "Largest buy, in quote", preset="custom")
    min_sell_amount: Amount = _setting(Decimal(25), "Size", "Smallest sell, in quote", preset="custom")
    max_sell_amount: Amount = _setting(Decimal(150), "Size", "Largest sell, in quote", preset="custom")
    price_offset_percent: Percent = _setting(
        Decimal("0.2"),
        "Limit orders",
        "A limit buy rests this far below the market price, a limit sell this far above",
        preset="custom",
        order_type="limit",
    )
    limit_order_timeout: Seconds = _setting(
        120.0,
        "Limit orders",
        "A limit order older than this is cancelled, seconds; its rest goes back to the target",
        order_type="limit",
    )
    max_open_orders: Count = _setting(
        10, "Limit orders", "Most limit orders that rest at the same time, on all pairs together", order_type="limit"
    )
    open_orders_at_start: OpenOrdersAtStart = _setting(
        OpenOrdersAtStart.ADOPT,
        "Limit orders",
        "adopt: orders that rest after a restart stay; cancel: they are cancelled first",
        order_type="limit",
    )
    deadline: Deadline | None = _setting(
        None,
        "Quotes",
        "When passive or pair has to be done: 3600, 48m or 2h after the first order; empty: what the pace implies",
        order_type=QUOTING,
    )
    schedule_slack_percent: Percent = _setting(
        Decimal(15),
        "Quotes",
        "How far quotes may fall behind the line to the deadline, percent of the target; shrinks to 0 at the deadline",
        order_type=QUOTING,
    )
    max_taker_percent: ShareOrNever = _setting(
        Decimal(100),
        "Quotes",
        "Most of the target that may be taken to keep the deadline; 0: maker only, and it may be missed",
        order_type=QUOTING,
    )
    urgency: Urgency = _setting(
        Urgency.CUSTOM,
        "Quotes",
        "Without a deadline: passive takes part with 2.5 % of the market's volume, normal 5 %, aggressive 10 %",
        order_type=QUOTING,
    )
    pair_spacing_bps: Bps = _setting(
        Decimal(10), "Quotes", "How far buy and sell of a pair are from the mid, in 1/10,000", order_type="pair"
    )
    max_cancels_per_minute: Budget | None = _setting(
        None, "Quotes", "Most quotes that are cancelled in a minute on an exchange; 0 or empty: no limit",
        order_type=QUOTING,
    )  # fmt: skip
    side_policy: SidePolicy = _setting(
        SidePolicy.BALANCED, "Sides", "balanced: random, a poor side less often; alternate: buy, sell, buy, ..."
    )
    max_position_imbalance: Fraction = _setting(
        Decimal("0.2"),
        "Sides",
        "Share of the target by which bought and sold may differ before the other side is forced",
    )
    fee_buffer_percent: Percent = _setting(
        Decimal(1), "Safety", "Share of each free balance that is never spent, so that fees can be paid"
    )
    notify_every_percent: ShareOrNever = _setting(
        Decimal(25),
        "Notifications",
        "Progress is reported each time that so much of the target is filled, percent; 0: only halts and the end",
    )
    max_price_age: Seconds = _setting(30.0, "Safety", "An older market price is not traded on, seconds")
    max_price_jump_percent: Share = _setting(
        Decimal(5), "Safety", "A price that moves further than this from one look to the next halts the campaign"
    )
    max_clock_jump: Seconds = _setting(30.0, "Safety", "A clock that is set back by more than this halts, seconds")
    max_slippage_bps: Bps = _setting(
        Decimal(15), "Safety", "A market order takes no price that is worse than the mid by more than this"
    )
    max_cost_bps: Bps = _setting(
        Decimal(30), "Guards", "Halts when all-in costs are above this share of the volume, in 1/10,000"
    )
    max_cost_quote: Amount | None = _setting(
        None, "Guards", "Budget of all-in costs since the last resume, of all pairs; empty: max_cost_bps of the target"
    )
    max_total_cost_quote: Amount | None = _setting(
        None, "Guards", "Bound of all costs of a campaign, over every resume, pair and day; empty: none"
    )
    max_daily_loss_percent: Share = _setting(Decimal(10), "Guards", "Halts at this loss of equity since 00:00 UTC")
    max_drawdown_percent: Share = _setting(Decimal(15), "Guards", "Halts at this loss of equity since its peak")
    max_consecutive_failures: Count = _setting(5, "Guards", "Halts when so many orders in a row were refused")
    max_consecutive_losses: Count = _setting(
        5, "Guards", "Halts when so many round trips in a row each lost more than twice their planned cost"
    )
    max_position_percent: Share = _setting(Decimal(5), "Guards", "Largest order, in percent of equity")
    max_exposure_percent: Share = _setting(
        Decimal(50), "Guards", "How far the inventory may drift from its start, in percent of equity"
    )
    max_orders_per_second: PerSecond = _setting(
        5.0, "Guards", "Most orders a second, of all pairs together; the client's throttle may let fewer through"
    )
    rate_limit_margin: Fraction = _setting(
        Decimal("0.8"), "Guards", "Share of the exchange's own limits that may be used before it waits"
    )
    max_participation_percent: Share = _setting(
        Decimal(10), "Guards", "Largest share of the market's 24 h volume; above 20 is refused with real funds"
    )
    leverage: Leverage = _setting(
        Decimal(1), "Futures", "How many times its margin a position may be worth; it is set on the contract"
    )
    close_position_at_end: bool = _setting(
        True, "Futures", "On: the position is back where it began when the target is reached"
    )
    max_funding_rate_bps: Bps = _setting(
        Decimal(10), "Guards", "Futures: halts when the next funding would cost more of the position, in 1/10,000"
    )
    min_liquidation_distance_percent: Percent = _setting(
        Decimal(5), "Guards", "Futures: halts when the price is nearer than this to the position's liquidation"
    )
    emergency_flatten: bool = _setting(
        False, "Emergency", "On: an emergency stop also trades the inventory back to where it began"
    )
    i_accept_real_trading: bool = _setting(
        False, "Real funds", "On: one of the two consents that real funds need; the other is in the environment"
    )

    @pydantic.model_validator(mode="before")
    @classmethod
    def _preset_decides(cls, values: Any) -> Any:
        return {**values, **decided_by(values.get("preset"))} if isinstance(values, dict) else values

    @pydantic.field_validator("max_cancels_per_minute", mode="before")
    @classmethod
    def _zero_is_none(cls, value: object) -> object:
        return None if value in ("", "0") or (value == 0 and not isinstance(value, bool)) else value

    @pydantic.field_validator("seed", "max_cost_quote", "max_total_cost_quote", "deadline", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @pydantic.field_validator("rate_limit_margins")
    @classmethod
    def _margins_are_shares(cls, margins: NamedAmounts) -> NamedAmounts:
        for name, margin in margins:
            if not 0 < margin <= 1:
                raise ValueError(f"the margin of {shortened(name)} must be above 0 and at most 1, not {margin}")
        return margins

    @pydantic.model_validator(mode="after")
    def _ranges_are_ranges(self) -> Settings:
        inverted = [(low, high) for low, high in RANGES if getattr(self, low) > getattr(self, high)]
        if inverted:
            raise ValueError(
                "\n".join(
                    f"{low} must not be above {high} ({_told(getattr(self, low))} > {_told(getattr(self, high))})"
                    for low, high in inverted
                )
            )
        return self

    def amount_range(self, side: Side) -> tuple[Decimal, Decimal]:
        """The smallest and largest notional, in quote, of one order on this side."""
        if side is Side.BUY:
            return self.min_buy_amount, self.max_buy_amount
        return self.min_sell_amount, self.max_sell_amount

    def rate_limit_margin_of(self, exchange: str) -> Decimal:
        """The share of an exchange's own limits that may be used."""
        return dict(self.rate_limit_margins).get(exchange, self.rate_limit_margin)

    def cost_budget(self, target_quote: Decimal) -> Decimal:
        """The most that a campaign towards this target may cost, all-in, in quote."""
        if self.max_cost_quote is not None:
            return self.max_cost_quote
        return target_quote * self.max_cost_bps / TEN_THOUSAND

    def to_config(self) -> dict[str, Any]:
        """The settings as plain JSON values, as a configuration file holds them."""
        return {key: _plain(value) for key, value in self}


def _told(value: object) -> str:
    return shortened(str(value))


OCTOBOT_KEYS = frozenset({
    "required_strategies", "required_strategies_min_count", "default_config", "emit_trading_signals",
    "trading_strategy", "activation_topics", "trigger_timeframes", "candles_history_size",
})  # fmt: skip
"""Keys that OctoBot itself keeps in the configuration of a trading mode."""


def without_octobot_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    """What in a trading mode's configuration is ours."""
    return {key: value for key, value in config.items() if key not in OCTOBOT_KEYS}


def is_readable_true(value: object) -> bool:
    """Whether a value of a configuration can be read as true, as a setting that is on or off has to be."""
    try:
        return bool(pydantic.TypeAdapter(bool).validate_python(value))
    except pydantic.ValidationError:
        return False


def parse_settings(values: Mapping[str, Any]) -> Settings:
    """Settings from a configuration.

    :raises SettingsError: naming every unknown key and every value out of its bounds, all at once.
    """
    try:
        return Settings.model_validate(dict(values))
    except pydantic.ValidationError as error:
        raise SettingsError(_problems(dict(values), error)) from error


def is_usable_alone(key: str, value: object) -> bool:
    """Whether a setting takes this value, whatever the others are."""
    try:
        Settings.model_validate({key: value})
    except pydantic.ValidationError as error:
        return all(problem["loc"] != (key,) for problem in error.errors())
    return True


def _problems(values: dict[str, Any], error: pydantic.ValidationError) -> list[str]:
    """A sentence for each problem. Ranges are only looked at once their ends are usable, so the rest is tried again."""
    problems = [sentence for problem in error.errors() for sentence in _sentences(problem)]
    unusable = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]}
    for pair in RANGES:
        if unusable.intersection(pair):
            unusable.update(pair)
    if unusable:
        try:
            Settings.model_validate({key: value for key, value in values.items() if key not in unusable})
        except pydantic.ValidationError as rest:
            problems += _problems({}, rest)
    return problems


def _sentences(problem: Any) -> list[str]:
    key, given = ".".join(str(part) for part in problem["loc"]), problem["input"]
    if problem["type"] == "extra_forbidden":
        meant = did_you_mean(key, Settings.model_fields) or "; `volume-booster settings` lists them all"
        return [f"{shortened(printable(key))}: unknown setting{meant}"]
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not key:
        return message.splitlines()
    words = re.findall(r"'([^']*)'", message) if problem["type"] == "enum" else ()
    return [f"{key}: {message[0].lower()}{message[1:]} (got {quoted(given)}){did_you_mean(str(given), words)}"]


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple):
        return names_text(value) if value and isinstance(value[0], str) else amounts_text(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
