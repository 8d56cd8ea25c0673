"""The trigger that starts an execution at times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from flowrun.domain.definition import NodeDefinition
from flowrun.errors import Issue
from flowrun.nodes.base import TriggerNodeType
from flowrun.nodes.fields import Seconds
from flowrun.nodes.params import NOT_GIVEN, ParamsModel
from flowrun.triggers.schedules.cron import Cron
from flowrun.triggers.schedules.zones import zone_of

_A_TIME = "must be a time such as '2030-01-31T09:00' (in the schedule's time zone) or '2030-01-31T09:00:00Z'"
_MOST_TIMES = 1_000


def _cron(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text such as '0 9 * * MON-FRI'")  # noqa: TRY004 - pydantic wants a ValueError
    Cron(value)
    return value.strip()


def _every(value: object) -> float:
    from flowrun.formats.duration import parse_duration  # noqa: PLC0415 - the package loads YAML

    seconds = parse_duration(value)
    if seconds < 1 or seconds != int(seconds):
        raise ValueError("must be whole seconds, and one at least")
    return seconds


def _zone(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be the name of a time zone, such as 'Europe/Berlin' or 'UTC'")  # noqa: TRY004
    return zone_of(value.strip()).key


def _time(value: object) -> str:
    # YAML reads an unquoted time as one.
    text = value.isoformat() if isinstance(value, datetime) else value
    if not isinstance(text, str):
        raise ValueError(_A_TIME)  # noqa: TRY004
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(_A_TIME) from None
    if moment.microsecond:
        raise ValueError("must be whole seconds")
    if not 1970 <= moment.year < 9999:
        raise ValueError("must be from 1970 to 9998")
    return moment.isoformat()


class ScheduleParams(ParamsModel):
    """The params of `schedule`."""

    exactly_one = ("cron", "every", "at")

    cron: Annotated[str, BeforeValidator(_cron)] = Field(
        default=NOT_GIVEN,
        description="Minute, hour, day of the month, month, day of the week, with the second before them if need be; "
        "names (`MON`, `JAN`), ranges, steps, lists, `L` (last day), `LW` (last weekday), `5L` (last Friday), `MON#2` "
        "(second Monday), or `@hourly` `@daily` `@weekly` `@monthly` `@yearly`.",
    )
    every: Annotated[
        float,
        BeforeValidator(_every, json_schema_input_type=float | str),
        Field(json_schema_extra={"format": "duration"}),
    ] = Field(default=NOT_GIVEN, description="An interval, counted from the schedule's start: `30s`, `5m`, `1h30m`.")
    at: Annotated[list[Annotated[str, BeforeValidator(_time)]], Field(min_length=1, max_length=_MOST_TIMES)] = Field(
        default=NOT_GIVEN, description="Times, each local (`2030-01-31T09:00`) or with an offset (`…Z`)."
    )
    timezone: Annotated[str, BeforeValidator(_zone)] = Field(
        default="UTC", description="The IANA name of the time zone of `cron` and of local times in `at`."
    )
    misfire: Literal["skip", "coalesce", "all"] = Field(
        default="coalesce",
        description="What becomes of times missed by more than `grace`: `skip` them, fire once for all of them "
        "(`coalesce`), or fire `all`.",
    )
    max_n: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=100, description="With `misfire: all`, how many missed times are fired: the latest ones."
    )
    grace: Annotated[Seconds, Field(ge=0, le=30 * 86_400)] = Field(
        default=60.0, description="A time that is started later than this is a missed one."
    )
    overlap: Literal["allow", "skip", "queue", "cancel_previous"] = Field(
        default="skip",
        description="What becomes of a time that comes while an execution of this schedule has not ended: it starts "
        "all the same (`allow`), not at all (`skip`), at that one's end (`queue`; one time waits at most), or at once "
        "with that one cancelled (`cancel_previous`).",
    )
    map: dict[str, Any] | None = Field(
        default=None, description="Name → template over `trigger`: the execution's input. Default: none."
    )
    name: str = Field(default="", description="A name for lists.")
    description: str = Field(default="", description="A note for readers.")


class ScheduleTrigger(TriggerNodeType):
    """Starts an execution at times: by a `cron` expression, `every` so often, or `at` listed times.

    Give exactly one of the three. The time is found in `trigger.scheduled_at`. A time fires once, and the policies
    say what becomes of one that was missed or comes too early.
    """

    name = "schedule"
    Params = ScheduleParams
    deferred_params = frozenset({"map"})
    example = MappingProxyType(
        {
            "cron": "0 9 * * MON-FRI",
            "timezone": "Europe/Berlin",
            "misfire": "coalesce",
            "overlap": "skip",
            "map": {"day": "{{ trigger.scheduled_at }}"},
        }
    )

    def issues(self, node: NodeDefinition) -> Sequence[Issue]:
        """Return everything wrong with the params as written."""
        found = list(super().issues(node))
        raw = node.params
        written = next((name for name in ("max_n", "maxN") if name in raw), None)
        if written is not None and raw.get("misfire", "coalesce") in ("skip", "coalesce"):
            found.append(Issue(written, "counts with `misfire: all` alone"))
        return found
