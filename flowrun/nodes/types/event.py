"""The trigger that starts an execution for an event."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from flowrun.nodes.base import TriggerNodeType
from flowrun.nodes.fields import Expression
from flowrun.nodes.params import ParamsModel

_TYPE = re.compile(r"[^\s*\x00-\x1f\x7f]{1,255}")
_PREFIX = re.compile(r"([^\s*\x00-\x1f\x7f]{1,253}\.)?\*")


def _pattern(value: object) -> str:
    if not isinstance(value, str) or not (_TYPE.fullmatch(value) or _PREFIX.fullmatch(value)):
        raise ValueError("must be a type such as 'order.created', a beginning such as 'order.*', or '*' for every one")
    return value


class EventParams(ParamsModel):
    """The params of `event`."""

    event_type: Annotated[str, BeforeValidator(_pattern)] = Field(
        description="The type of the events: `order.created`; `order.*` for all that begin with `order.`; `*` for all."
    )
    filter: Expression = Field(
        default=None, description="An expression over `trigger`; when it is false, no execution starts."
    )
    map: dict[str, Any] | None = Field(
        default=None, description="Name → template over `trigger`: the execution's input. Default: the event's data."
    )


class EventTrigger(TriggerNodeType):
    """Starts an execution when an event of a type arrives, sent to the API or emitted by another workflow.

    `trigger.event` holds the attributes of the event (`id`, `source`, `type`, `time`, `subject`, extensions),
    `trigger.body` its data. Every workflow whose trigger matches starts, once for each event.
    """

    name = "event"
    Params = EventParams
    expression_params = frozenset({"filter"})
    deferred_params = frozenset({"filter", "map"})
    example = MappingProxyType(
        {
            "event_type": "order.*",
            "filter": "trigger.body.total > 100",
            "map": {"order": "{{ trigger.body }}", "what": "{{ trigger.event.type }}"},
        }
    )
