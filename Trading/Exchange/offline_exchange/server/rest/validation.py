"""What comes from outside, checked by pydantic; what it refuses is one sentence a key.

A field's description says what would be right. A validator that has a sentence of its own raises `own_sentence`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, NamedTuple, TypeVar

import pydantic
from pydantic_core import PydanticCustomError

_OWN = "own_sentence"
_Model = TypeVar("_Model", bound="Checked")


class Checked(pydantic.BaseModel, frozen=True, strict=True, extra="forbid"):
    """A model of something that comes from outside."""


class Problem(NamedTuple):
    """What is wrong with one key; `is_value` if the value could be shown beside it."""

    key: str
    text: str
    is_value: bool = False


def own_sentence(text: str) -> PydanticCustomError:
    """What a validator raises when its field's description does not say what is wrong."""
    return PydanticCustomError(_OWN, "{text}", {"text": text})


def rule(holds: Callable[[Any], object], text: str) -> pydantic.AfterValidator:
    """Refuses a value for which something does not hold, with a sentence of its own."""

    def refuse(value: Any) -> Any:
        if not holds(value):
            raise own_sentence(text)
        return value

    return pydantic.AfterValidator(refuse)


def check(model: type[_Model], values: Mapping[str, Any], unknown: str) -> tuple[_Model | None, list[Problem]]:
    """The model, or every problem once; `unknown` begins the sentence about a key that the model does not have."""
    try:
        return model.model_validate(values), []
    except pydantic.ValidationError as error:
        problems = [_problem(model, one["type"], one["loc"], one["msg"], unknown) for one in error.errors()]
        return None, list(dict.fromkeys(problems))


def _problem(model: type[Checked], kind: str, place: tuple[int | str, ...], text: str, unknown: str) -> Problem:
    key = ".".join(str(part) for part in place if part != "[key]")
    if kind == _OWN:
        return Problem(key, text)
    if kind == "missing":
        return Problem(key, "is missing")
    if kind == "extra_forbidden":
        return Problem(key, f"{unknown}; known are {', '.join(model.model_fields)}")
    return Problem(str(place[0]), f"must be {model.model_fields[str(place[0])].description}", is_value=True)


def _refuse_other_types(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError("neither a text nor a whole number")
    return value


DecimalText = Annotated[
    Decimal, pydantic.BeforeValidator(_refuse_other_types), pydantic.Field(strict=False, allow_inf_nan=False)
]
"""A finite decimal, as a text or a whole number: a float would not be what was written."""
