"""Settings -> OctoBot: the form in which its web page shows them."""

from __future__ import annotations

import enum
import typing

import octobot_commons.enums as commons_enums

from .core.planner import explain
from .core.presets import Preset
from .core.settings import Settings

_DEPENDENCIES = "dependencies"
"""The option of OctoBot's form that shows an input only while others have certain values."""
_INPUT_TYPES: tuple[tuple[type, typing.Any], ...] = (
    (bool, commons_enums.UserInputTypes.BOOLEAN),
    (enum.Enum, commons_enums.UserInputTypes.OPTIONS),
    (int, commons_enums.UserInputTypes.INT),
    (type(None), commons_enums.UserInputTypes.TEXT),
    (str, commons_enums.UserInputTypes.TEXT),
    (tuple, commons_enums.UserInputTypes.TEXT),
)


def declare(user_interface: typing.Any, inputs: dict[str, typing.Any]) -> None:
    """Show every setting in OctoBot's form: grouped, in order, bounded, and only where it has an effect.

    A value that is configured stays as it is. OctoBot's form would put a real group into an object of its own in the
    configuration, so the group is told in the title.
    """
    defaults = Settings()
    for order, (key, default) in enumerate(defaults.to_config().items(), start=1):
        field = Settings.model_fields[key]
        value = getattr(defaults, key)
        form = typing.cast(dict[str, typing.Any], field.json_schema_extra)
        user_interface.user_input(
            key,
            _input_type(value),
            "" if default is None else default,
            inputs,
            title=f"{form['group']} · {key.replace('_', ' ')}: {_help(key, field.description)}",
            options=[member.value for member in type(value)] if isinstance(value, enum.Enum) else None,
            editor_options={_DEPENDENCIES: form["shown_when"]} if form["shown_when"] else None,
            order=order,
            **_bounds(field.metadata),
        )


def _help(key: str, description: str | None) -> str:
    if key != "preset":
        return str(description)
    presets = (f"{preset.value}: {explain(preset)}" for preset in Preset if preset is not Preset.CUSTOM)
    return "; ".join([str(description), *presets])


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
