"""What a command reads of a profile, as OctoBot's own schema has it: a wrong shape is a sentence, not a traceback."""

from __future__ import annotations

import typing

import pydantic


class _Currency(pydantic.BaseModel):
    enabled: bool = True
    pairs: list[str] = []


class _Exchange(pydantic.BaseModel):
    enabled: bool = True


class _Trader(pydantic.BaseModel):
    enabled: bool


class _Fees(pydantic.BaseModel):
    maker: float
    taker: float


class _Simulator(_Trader):
    fees: _Fees
    starting_portfolio: dict[str, pydantic.NonNegativeFloat] = pydantic.Field(alias="starting-portfolio")


class _Config(pydantic.BaseModel):
    crypto_currencies: dict[str, _Currency] = pydantic.Field(alias="crypto-currencies")
    exchanges: dict[str, _Exchange]
    trader: _Trader
    trader_simulator: _Simulator = pydantic.Field(alias="trader-simulator")


class _Profile(pydantic.BaseModel):
    config: _Config


def problem(profile: dict[str, typing.Any]) -> str | None:
    """The first thing that is wrong with the content of a profile.json, with its place; None when all can be used."""
    try:
        _Profile.model_validate(profile)
    except pydantic.ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}"
    return None
