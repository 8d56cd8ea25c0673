"""One operation of the API: what the route table says of it, and how its request is read."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from flowrun.bus import Mediator, Message, Principal
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import InvalidInputError, Issue
from flowrun.ports import Context

R = TypeVar("R")
_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})
_RELATIVE = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Param:
    """A query parameter or a field of a body. `kind` is a JSON type, `time`, `any`, or `strings` for several.

    Times are RFC 3339, or relative to now (`15m`, `24h`); they are read as ms since the epoch.
    """

    name: str
    kind: str
    about: str
    required: bool = False
    choices: tuple[str, ...] = ()
    default: Any = None


PAGE = (
    Param("limit", "integer", "How many, 200 at most.", default=50),
    Param("cursor", "string", "What `next` of the page before said."),
)
"""What every list that comes in pages takes."""
PAGED = {200: "`{items, next}`, with a `Link` header."}
"""What it answers."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has been read: everything in it is known and of the right type."""

    request: Request
    context: Context
    mediator: Mediator
    principal: Principal
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    sent: Mapping[str, JsonValue] = field(default_factory=dict)
    """The body's fields as they were sent: null is something else than nothing, and a relative time isn't computed."""
    raw: bytes = b""
    """The body as it was sent, for operations that read it themselves."""
    idempotency_key: str | None = None

    def path(self, name: str) -> str:
        """A part of the address."""
        return str(self.request.path_params[name])

    async def send(self, message: Message[R]) -> R:
        """Let a command or query be done for whoever asks."""
        return await self.mediator.send(message, self.principal)


Endpoint = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One row of the route table; the documentation is made from it."""

    method: str
    path: str
    endpoint: Endpoint
    summary: str
    query: tuple[Param, ...] = ()
    body: tuple[Param, ...] | None = None
    """The fields of the JSON body; None: it has none, or reads it itself."""
    accepts: tuple[str, ...] = ()
    """Content types of a body that the operation reads itself."""
    answers: Mapping[int, str] = field(default_factory=lambda: {200: "The document."})
    public: bool = False
    """No key is asked for."""
    any_query: bool = False
    """Query parameters that it doesn't know are of no consequence: others add theirs to its address."""


def read_query(request: Request, params: Collection[Param], now: int) -> dict[str, Any]:
    """The query parameters by name; raises `InvalidInputError` with everything that is wrong with them."""
    given: dict[str, JsonValue] = {}
    issues: list[Issue] = []
    kinds = {param.name: param.kind for param in params}
    for name in request.query_params:
        values = request.query_params.getlist(name)
        if kinds.get(name) == "strings":
            given[name] = [part for value in values for part in value.split(",") if part]
        elif len(values) > 1:
            issues.append(Issue(name, "is given more than once"))
        else:
            given[name] = values[0]
    found = _read(given, params, now, "query parameter", issues, from_text=True)
    return _valid(found, issues, "The query parameters are not valid")


def read_fields(document: JsonObject, params: Collection[Param], now: int) -> dict[str, Any]:
    """The fields of a body by name; raises `InvalidInputError` with everything that is wrong with them."""
    issues: list[Issue] = []
    found = _read(document, params, now, "field", issues, from_text=False)
    return _valid(found, issues, "The body is not valid")


def idempotency_key(request: Request) -> str | None:
    """The `Idempotency-Key` of a POST; raises `InvalidInputError` for one that is no key."""
    key = request.headers.get("idempotency-key")
    if key is None or request.method != "POST":
        return None
    if not _KEY.fullmatch(key):
        issue = Issue("Idempotency-Key", "must have 1 to 255 visible ASCII characters")
        raise InvalidInputError("The headers are not valid", [issue])
    return key


def _valid(found: dict[str, Any], issues: list[Issue], message: str) -> dict[str, Any]:
    if issues:
        raise InvalidInputError(message, issues)
    return found


def _read(
    given: Mapping[str, JsonValue],
    params: Collection[Param],
    now: int,
    noun: str,
    issues: list[Issue],
    *,
    from_text: bool,
) -> dict[str, Any]:
    known = {param.name: param for param in params}
    for name in given.keys() - known.keys():
        close = get_close_matches(name.lower(), known, n=1)
        issues.append(Issue(name, f"is not a {noun} of this operation", close[0] if close else None))
    found: dict[str, Any] = {}
    for name, param in known.items():
        value = given.get(name)
        if value is None:
            found[name] = param.default
            if param.required:
                issues.append(Issue(name, "is required"))
            continue
        try:
            found[name] = _value(param, value, now, from_text=from_text)
        except ValueError as error:
            hint = _closest_choice(param, value)
            issues.append(Issue(name, str(error), hint))
    return found


def _value(param: Param, value: JsonValue, now: int, *, from_text: bool) -> Any:  # noqa: ANN401
    if from_text and isinstance(value, str):
        value = _typed(param, value)
    fits, message = _KINDS[param.kind]
    if not fits(value):
        raise ValueError(message)
    if param.kind == "time":
        return read_time(str(value), now)
    if param.choices:
        wrong = [item for item in (value if isinstance(value, list) else [value]) if item not in param.choices]
        if wrong:
            raise ValueError(f"has {wrong[0]!r}: it must be one of {', '.join(param.choices)}")
    return value


def _typed(param: Param, text: str) -> JsonValue:
    """A query parameter's text as the type that is wanted; the text itself when it is no such thing."""
    if param.kind == "integer" and re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    if param.kind == "number" and re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text):
        return float(text)
    if param.kind == "boolean" and text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    return text


def read_time(text: str, now: int) -> int:
    """RFC 3339, or how long ago (`24h`), as ms since the epoch; raises `ValueError`."""
    relative = _RELATIVE.fullmatch(text)
    if relative is not None:
        return now - int(relative[1]) * _UNITS[relative[2]]
    try:
        # A `+` in a query that was not escaped has become a space.
        at = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        return int(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise ValueError("must be a time such as 2026-01-31T12:00:00Z, or how long ago, such as 24h") from None


def _closest_choice(param: Param, value: JsonValue) -> str | None:
    items = value if isinstance(value, list) else [value]
    wrong = next((item for item in items if isinstance(item, str) and item not in param.choices), "")
    close = get_close_matches(str(wrong).lower(), param.choices, n=1) if param.choices else []
    return close[0] if close else None


def _is_strings(value: JsonValue) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


_KINDS: Mapping[str, tuple[Callable[[JsonValue], bool], str]] = {
    "any": (lambda _value: True, ""),
    "string": (lambda value: isinstance(value, str), "must be a text"),
    "time": (lambda value: isinstance(value, str), "must be a time such as 2026-01-31T12:00:00Z"),
    "integer": (lambda value: isinstance(value, int) and not isinstance(value, bool), "must be a whole number"),
    "number": (lambda value: isinstance(value, (int, float)) and not isinstance(value, bool), "must be a number"),
    "boolean": (lambda value: isinstance(value, bool), "must be true or false"),
    "object": (lambda value: isinstance(value, dict), "must be an object"),
    "strings": (_is_strings, "must be a list of texts"),
}
