"""What a provider's delivery is about, and how to look into a body that may have any shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from flowrun.domain.json import JsonObject, JsonValue

UNKNOWN = "unknown"
_LONGEST_TYPE = 100


@dataclass(slots=True)
class ProviderEvent:
    """A delivery in the terms that all providers share."""

    event_type: str = UNKNOWN
    customer_id: str | None = None
    """Who, at the provider, it comes from or is about."""
    data: JsonObject = field(default_factory=dict)
    key: str | None = None
    """The provider's own id of this delivery: the same when it is sent again."""


def at(value: JsonValue, *path: str | int) -> JsonValue:
    """What stands at a path of keys and places; None where there is nothing."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def text(value: JsonValue) -> str | None:
    """A text or whole number as text; None for anything else, and for nothing."""
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        return None
    return str(value)


def whole(value: JsonValue) -> int | None:
    """A whole number; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def kind(value: JsonValue) -> str:
    """The name of an event type; `unknown` for what is none."""
    found = text(value)
    return found[:_LONGEST_TYPE] if found is not None else UNKNOWN


def joined(*parts: JsonValue) -> str | None:
    """A key made of several ids; None when one is missing."""
    found = [text(part) for part in parts]
    return ":".join(part for part in found if part is not None) if found and None not in found else None


def first_of(found: Sequence[ProviderEvent]) -> ProviderEvent:
    """One event for a delivery that brings several: the first message, with the others as `data.others`."""
    if len(found) == 1:
        return found[0]
    first, *others = sorted(found, key=lambda event: event.event_type != "message")
    data: JsonObject = {
        **first.data,
        "others": [{**one.data, "event_type": one.event_type, "customer_id": one.customer_id} for one in others],
    }
    return ProviderEvent(first.event_type, first.customer_id, data, joined(*(event.key for event in found)))


def dicts(value: JsonValue) -> list[JsonObject]:
    """The objects of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
