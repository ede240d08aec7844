"""The settings as a list to look things up in: value, default, bounds, unit, and where each value came from. Pure."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import annotated_types
import pydantic

from ..model.typed import Choice
from .presets import decided_by
from .schema import Settings, ShownUnit

DEFAULT, PRESET = "default", "preset"


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting. Its values are as a configuration file holds them; `source` is where its value came from."""

    key: str
    group: str
    value: typing.Any
    default: typing.Any
    lowest: float | None
    highest: float | None
    is_lowest_excluded: bool
    choices: tuple[str, ...]
    unit: str
    source: str
    help: str

    @property
    def bounds(self) -> str:
        """What it may be, for people."""
        if self.choices:
            return " | ".join(self.choices)
        if self.lowest is None:
            return ""
        return f"{'above ' if self.is_lowest_excluded else ''}{_figure(self.lowest)} to {_figure(self.highest)}"

    def to_json(self) -> dict[str, typing.Any]:
        return {
            "key": self.key,
            "group": self.group,
            "value": self.value,
            "default": self.default,
            "minimum": self.lowest,
            "maximum": self.highest,
            "exclusive_minimum": self.is_lowest_excluded,
            "choices": list(self.choices) or None,
            "unit": self.unit or None,
            "from": self.source,
            "help": self.help,
        }


def entries(settings: Settings, sources: Mapping[str, str]) -> list[Entry]:
    """Every setting, in the order of the form.

    :param sources: where values came from, by key; the others are defaults, or decided by the preset.
    """
    values, defaults = settings.to_config(), Settings().to_config()
    decided = decided_by(settings.preset)
    found = []
    for key, field in Settings.model_fields.items():
        types = list(_types(field.annotation, field.metadata))
        above = next((one.gt for one in types if isinstance(one, annotated_types.Gt)), None)
        lowest = next((one.ge for one in types if isinstance(one, annotated_types.Ge)), above)
        highest = next((one.le for one in types if isinstance(one, annotated_types.Le)), None)
        found.append(
            Entry(
                key=key,
                group=str(typing.cast(dict[str, typing.Any], field.json_schema_extra)["group"]),
                value=values[key],
                default=defaults[key],
                lowest=_number(lowest),
                highest=_number(highest),
                is_lowest_excluded=above is not None,
                choices=tuple(str(one.value) for kind in types if _is_choice(kind) for one in kind),
                unit=next((str(one) for one in types if isinstance(one, ShownUnit)), ""),
                source=f"{PRESET} {settings.preset.value}" if key in decided else sources.get(key, DEFAULT),
                help=field.description or "",
            )
        )
    return found


def matching(found: list[Entry], words: str) -> list[Entry]:
    """Those whose name, group or help has every one of the words, in any case."""
    asked = words.casefold().split()
    return [one for one in found if all(word in f"{one.key} {one.group} {one.help}".casefold() for word in asked)]


def _types(annotation: typing.Any, metadata: Iterable[typing.Any]) -> Iterator[typing.Any]:
    """The type of a setting, and all that is noted with it, also where it may be empty."""
    yield annotation
    for one in metadata:
        yield from one.metadata if isinstance(one, pydantic.fields.FieldInfo) else (one,)
    for part in typing.get_args(annotation):
        yield from _types(part, getattr(part, "__metadata__", ()))


def _is_choice(kind: typing.Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Choice)


def _number(bound: typing.Any) -> float | None:
    return None if bound is None else float(bound)


def _figure(value: float | None) -> str:
    if value is None:
        return "any"
    if value >= 2**63 - 1:
        return "2**63 - 1"
    return f"{value:,.0f}" if value == int(value) and abs(value) < 10**12 else f"{value:g}"
