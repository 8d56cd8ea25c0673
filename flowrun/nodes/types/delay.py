"""The node that waits for a time."""

from __future__ import annotations

import math
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from flowrun.domain.node_type import Completed, NodeContext, Outcome, Waiting
from flowrun.nodes.base import EngineNodeType
from flowrun.nodes.fields import Seconds
from flowrun.nodes.params import NOT_GIVEN, ParamsModel

LAST_SECOND = 253_402_300_799
"""The end of the year 9999."""
_EXPECTED = "must be a time such as '2030-01-31T12:00:00Z', or seconds since 1970"


def _time(value: object) -> float:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError(_EXPECTED) from None
        if moment.tzinfo is None:
            raise ValueError("must have a time zone, e.g. a Z at the end for UTC")
        return _before_year_10000(moment.timestamp())
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(_EXPECTED)
    return _before_year_10000(float(value))


def _before_year_10000(seconds: float) -> float:
    """Also in UTC: what is later can't be written as a time."""
    if seconds > LAST_SECOND:
        raise ValueError("must be seconds since 1970 and before the year 10000; is it milliseconds?")
    return seconds


class DelayParams(ParamsModel):
    """The params of `delay`."""

    exactly_one = ("for", "until")

    for_: Seconds = Field(
        default=NOT_GIVEN, alias="for", description="How long to wait: seconds, or `30s`, `5m`, `1h30m`."
    )
    until: Annotated[float, BeforeValidator(_time, json_schema_input_type=float | str)] = Field(
        default=NOT_GIVEN, description="When to go on: an RFC 3339 time, or seconds since 1970."
    )


class Delay(EngineNodeType):
    """Waits `for` a while or `until` a time, over restarts too; its output is its input.

    Give exactly one of both. A time in the past goes on at once.
    """

    name = "delay"
    Params = DelayParams
    example = MappingProxyType({"for": "1h30m"})

    def decide(self, context: NodeContext) -> Outcome:
        """Wait with the input as the output to come, or complete with it at once."""
        params: Any = context.params
        if params["until"] is not None:
            due = round(params["until"] * 1000)
        else:
            due = min(context.now + round(params["for"] * 1000), LAST_SECOND * 1000)
        return Waiting(due, context.input) if due > context.now else Completed(context.input)
