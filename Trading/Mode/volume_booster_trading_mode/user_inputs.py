"""Settings <-> OctoBot: the mode's configuration, read and shown in OctoBot's web form."""

from __future__ import annotations

import enum
import typing
from collections.abc import Mapping

import octobot_commons.enums as commons_enums

from .core.settings import Settings, parse_settings, without_octobot_keys

_INPUT_TYPES: tuple[tuple[type, typing.Any], ...] = (
    (bool, commons_enums.UserInputTypes.BOOLEAN),
    (enum.Enum, commons_enums.UserInputTypes.OPTIONS),
    (int, commons_enums.UserInputTypes.INT),
    (type(None), commons_enums.UserInputTypes.TEXT),
)


def read_settings(config: Mapping[str, typing.Any]) -> Settings:
    """The settings in a trading mode's configuration, OctoBot's own keys left aside.

    :raises SettingsError: naming every key that can't be used.
    """
    return parse_settings(without_octobot_keys(config))


def declare(user_interface: typing.Any, inputs: dict[str, typing.Any]) -> None:
    """Show every setting in OctoBot's form, with its default; a value that is configured stays as it is."""
    defaults = Settings()
    for order, (key, default) in enumerate(defaults.to_config().items(), start=1):
        field = Settings.model_fields[key]
        value = getattr(defaults, key)
        user_interface.user_input(
            key,
            _input_type(value),
            "" if default is None else default,
            inputs,
            title=f"{key.replace('_', ' ').capitalize()}: {field.description}",
            options=[member.value for member in type(value)] if isinstance(value, enum.Enum) else None,
            order=order,
            **_bounds(field.metadata),
        )


def _input_type(default: typing.Any) -> typing.Any:
    float_input = commons_enums.UserInputTypes.FLOAT
    return next((kind for python_type, kind in _INPUT_TYPES if isinstance(default, python_type)), float_input)


def _bounds(constraints: list[typing.Any]) -> dict[str, float]:
    bounds: dict[str, float] = {}
    for constraint in constraints:
        for name, key in (("gt", "min_val"), ("ge", "min_val"), ("le", "max_val")):
            if (value := getattr(constraint, name, None)) is not None:
                bounds[key] = float(value)
    return bounds
