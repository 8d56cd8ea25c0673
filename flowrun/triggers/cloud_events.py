"""Reads CloudEvents 1.0: structured, binary and batched, with everything that is wrong with them at once.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md and …/bindings/http-protocol-binding.md
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import InvalidInputError, Issue

MOST_EVENTS = 100
"""In one batch."""
PREFIX = "ce-"
_LONGEST = 1_000
_REQUIRED = ("specversion", "id", "source", "type")
_TEXTS = ("id", "source", "type", "subject", "time", "datacontenttype", "dataschema")
_DATA = frozenset({"data", "data_base64"})
_NAME = re.compile(r"[a-z0-9]{1,100}")
_TYPE = re.compile(r"[^\s*\x00-\x1f\x7f]{1,255}")
_URI = re.compile(r"[^\s\"<>\\^`{|}\x00-\x1f\x7f]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MEDIA = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(\s*;.*)?")


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One event that has been checked."""

    attributes: JsonObject = field(default_factory=dict)
    """Every context attribute but `specversion`: `id`, `source`, `type`, …, and the extensions."""
    data: JsonValue = None

    @property
    def id(self) -> str:
        """Unique among the events of its source."""
        return str(self.attributes["id"])

    @property
    def source(self) -> str:
        """Where it comes from: a URI reference."""
        return str(self.attributes["source"])

    @property
    def type(self) -> str:
        """What has happened, such as `order.paid`."""
        return str(self.attributes["type"])


def structured(document: JsonValue) -> CloudEvent:
    """The event that a JSON document holds; raises `InvalidInputError` with every issue."""
    issues: list[Issue] = []
    event = _event(document, "", issues)
    return _valid(event, issues)


def batch(document: JsonValue) -> list[CloudEvent]:
    """The events of a JSON list; raises `InvalidInputError` with every issue of every one."""
    if not isinstance(document, list):
        raise InvalidInputError("The batch is not valid", [Issue("", "must be a list of events")])
    if not 1 <= len(document) <= MOST_EVENTS:
        raise InvalidInputError("The batch is not valid", [Issue("", f"must have 1 to {MOST_EVENTS} events")])
    issues: list[Issue] = []
    events = [_event(one, f"[{place}]", issues) for place, one in enumerate(document)]
    if issues:
        raise InvalidInputError("The batch is not valid", issues)
    return events


def binary(headers: Mapping[str, str], content_type: str, data: JsonValue) -> CloudEvent:
    """The event whose attributes stand in `ce-*` headers; raises `InvalidInputError` with every issue.

    The names of `headers` are in lower case. `data` is the body as read by its content type.
    """
    document: JsonObject = {
        name.removeprefix(PREFIX): unquote(value) for name, value in headers.items() if name.startswith(PREFIX)
    }
    issues = [
        Issue(PREFIX + name, "is no header of an event") for name in (*_DATA, "datacontenttype") if name in document
    ]
    if content_type:
        document["datacontenttype"] = content_type
    event = _event(document, "", issues, PREFIX)
    return _valid(CloudEvent(event.attributes, data), issues)


def _valid(event: CloudEvent, issues: list[Issue]) -> CloudEvent:
    if issues:
        raise InvalidInputError("The event is not valid", issues)
    return event


def _event(document: JsonValue, place: str, issues: list[Issue], prefix: str = "") -> CloudEvent:
    if not isinstance(document, dict):
        issues.append(Issue(place, "must be an object"))
        return CloudEvent()

    def note(name: str, message: str) -> None:
        path = prefix + name
        issues.append(Issue(f"{place}.{path}" if place else path, message))

    for name in _REQUIRED:
        if document.get(name) is None:
            note(name, "is required")
    attributes: JsonObject = {}
    for name, value in document.items():
        if name in _DATA or value is None:
            continue
        problem = _problem(name, value)
        if problem is not None:
            note(name, problem)
        elif name != "specversion":
            attributes[name] = value
    if document.get("data") is not None and document.get("data_base64") is not None:
        note("data_base64", "stands beside `data`: an event has one of them")
    elif document.get("data_base64") is not None and not _is_base64(document["data_base64"]):
        note("data_base64", "must be base64")
    encoded = document.get("data_base64")
    return CloudEvent(attributes, document.get("data") if encoded is None else {"base64": encoded})


def _problem(name: str, value: JsonValue) -> str | None:
    """What is wrong with one attribute."""
    if not _NAME.fullmatch(name):
        return "is no name of an attribute: lower-case letters and digits, 100 at most"
    if name == "specversion":
        return None if value == "1.0" else "must be '1.0'"
    if name in _TEXTS or isinstance(value, str):
        return _text_problem(name, value)
    if isinstance(value, (dict, list)):
        return "must be a text, a number or a boolean: objects and lists go into `data`"
    if not isinstance(value, int) or not -(2**31) <= value < 2**31:
        return "must be a whole number of 32 bits, a boolean or a text"
    return None


def _text_problem(name: str, value: JsonValue) -> str | None:
    if not isinstance(value, str) or (name in _TEXTS and not value.strip()):
        return "must be a text, and not empty"
    if len(value) > _LONGEST or _CONTROL.search(value):
        return f"must have {_LONGEST} characters or fewer, and no control characters"
    fits, message = _FORMS.get(name, (bool, ""))
    return message if message and not fits(value) else None


def _is_time(value: str) -> bool:
    try:
        return "T" in value.upper() and datetime.fromisoformat(value.upper()).tzinfo is not None
    except ValueError:
        return False


_FORMS: Mapping[str, tuple[Callable[[str], object], str]] = {
    "time": (_is_time, "must be an RFC 3339 time such as 2026-01-31T12:00:00Z"),
    "type": (_TYPE.fullmatch, "must have 1 to 255 characters, no white space and no *"),
    "source": (_URI.fullmatch, "must be a URI, without white space"),
    "dataschema": (_URI.fullmatch, "must be a URI, without white space"),
    "datacontenttype": (_MEDIA.fullmatch, "must be a media type such as application/json"),
}


def _is_base64(value: JsonValue) -> bool:
    try:
        return isinstance(value, str) and base64.b64decode(value, validate=True) is not None
    except (binascii.Error, ValueError):
        return False
