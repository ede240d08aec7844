"""Settings -> OctoBot: the form in which its web page shows them."""

from __future__ import annotations

import enum
import typing

import octobot_commons.enums as commons_enums

from ...core.planning.planner import explain
from ...core.settings.presets import Preset
from ...core.settings.schema import Settings

_DEPENDENCIES = "dependencies"
"""The option of OctoBot's form that shows an input only while others have certain values."""
_INPUT_TYPES: tuple[tuple[type, typing.Any], ...] = (
    (bool, commons_enums.UserInputTypes.BOOLEAN),
    (enum.Enum, commons_enums.UserInputTypes.OPTIONS),
    (int, commons_enums.UserInputTypes.INT),
    (type(None), commons_enums.UserInputTypes.TEXT),
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
            _input_type(value, default),
            "" if default is None else default,
            inputs,
            title=f"{form['group']} · {key.replace('_', ' ')}",
            options=[member.value for member in type(value)] if isinstance(value, enum.Enum) else None,
            editor_options={_DEPENDENCIES: dict(form["shown_when"])} if form["shown_when"] else None,
            other_schema_values={"description": _help(key, field.description), **_strictness(default, field.metadata)},
            order=order,
            **_bounds(field.metadata),
        )


def _help(key: str, description: str | None) -> str:
    if key != "preset":
        return str(description)
    presets = (f"{preset.value}: {explain(preset)}" for preset in Preset if preset is not Preset.CUSTOM)
    return "; ".join([str(description), *presets])


def _input_type(value: typing.Any, default: typing.Any) -> typing.Any:
    """Of a setting with this default, and as the configuration holds it: what is a text there is one in the form."""
    if isinstance(default, str) and not isinstance(value, enum.Enum):
        return commons_enums.UserInputTypes.TEXT
    float_input = commons_enums.UserInputTypes.FLOAT
    return next((kind for python_type, kind in _INPUT_TYPES if isinstance(value, python_type)), float_input)


def _strictness(default: typing.Any, constraints: list[typing.Any]) -> dict[str, typing.Any]:
    """What OctoBot's form would get wrong: it refuses a text that is empty, and takes a bound for a value."""
    if default is None or isinstance(default, str):
        return {"minLength": 0}
    return {"exclusiveMinimum": True} if any(hasattr(constraint, "gt") for constraint in constraints) else {}


def _bounds(constraints: list[typing.Any]) -> dict[str, float]:
    bounds: dict[str, float] = {}
    for constraint in constraints:
        for name, key in (("gt", "min_val"), ("ge", "min_val"), ("le", "max_val")):
            if (value := getattr(constraint, name, None)) is not None:
                bounds[key] = float(value)
    return bounds
