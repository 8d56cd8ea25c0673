"""What a person is asked for: a form's fields, read from what was sent and checked."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.errors import InvalidInputError, Issue

APPROVED = "approved"
"""What tells, of a form with an approval, whether it was given."""
LONGEST_TEXT = 10_000
"""Characters of one field."""
_TRUE, _FALSE = frozenset({"true", "on", "yes", "1"}), frozenset({"false", "off", "no", "0"})
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was sent, with its values of the right types."""

    data: JsonValue
    approved: bool | None = None
    """None: there was nothing to approve."""


def read_answer(form: JsonObject | None, sent: JsonValue) -> Answer:
    """The answer to a form; without a form whatever was sent.

    Texts, as a browser sends them, become numbers and booleans. Raises `InvalidInputError` with every mistake.
    """
    if form is None:
        return Answer(sent)
    if not isinstance(sent, dict | None):
        raise InvalidInputError("The answer is not valid", [Issue("", "must be an object with the form's fields")])
    given, issues = dict(sent or {}), list[Issue]()
    approved: bool | None = None
    if form.get("approval"):
        approved = _approved(given.pop(APPROVED, None), issues)
    data: JsonObject = {}
    fields = _fields(form)
    for name, field in fields.items():
        _read_field(name, field, given.pop(name, None), data, issues)
    for name in given:
        close = get_close_matches(name, fields, n=1)
        issues.append(Issue(name, "is no field of the form", close[0] if close else None))
    if issues:
        raise InvalidInputError("The answer is not valid", issues)
    return Answer(data, approved)


def _fields(form: JsonObject) -> dict[str, JsonObject]:
    fields = form.get("fields")
    listed = fields if isinstance(fields, list) else []
    return {str(field["name"]): field for field in listed if isinstance(field, dict)}


def _approved(value: JsonValue, issues: list[Issue]) -> bool | None:
    try:
        return bool(_boolean(value, {}))
    except ValueError as error:
        issues.append(Issue(APPROVED, "is required: true or false" if value is None else str(error)))
        return None


def _read_field(name: str, field: JsonObject, value: JsonValue, data: JsonObject, issues: list[Issue]) -> None:
    if isinstance(value, str):
        value = value.strip() if field["type"] != "textarea" else value.replace("\r\n", "\n")
    if value is None or value == "":
        # A browser leaves out a box that isn't ticked.
        data[name] = False if field["type"] == "boolean" else None
        if field.get("required"):
            issues.append(Issue(name, "is required"))
        return
    try:
        data[name] = _READERS[str(field["type"])](value, field)
    except ValueError as error:
        issues.append(Issue(name, str(error)))


def _text(value: JsonValue, _field: JsonObject) -> JsonValue:
    if not isinstance(value, str):
        raise ValueError("must be a text")  # noqa: TRY004 - told as a mistake in the answer
    if len(value) > LONGEST_TEXT:
        raise ValueError(f"must have {LONGEST_TEXT:,} characters or fewer")
    return value


def _email(value: JsonValue, field: JsonObject) -> JsonValue:
    text = _text(value, field)
    if not _EMAIL.fullmatch(str(text)):
        raise ValueError("must be an e-mail address")
    return text


def _number(value: JsonValue, _field: JsonObject) -> JsonValue:
    if isinstance(value, str):
        try:
            value = int(value) if re.fullmatch(r"[+-]?\d{1,18}", value) else float(value)
        except ValueError:
            raise ValueError("must be a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("must be a number")
    return value


def _boolean(value: JsonValue, _field: JsonObject) -> JsonValue:
    if isinstance(value, bool):
        return value
    text = value.strip().lower() if isinstance(value, str) else ""
    if text not in _TRUE | _FALSE:
        raise ValueError("must be true or false")
    return text in _TRUE


def _choice(value: JsonValue, field: JsonObject) -> JsonValue:
    options = field.get("options")
    known = [str(option) for option in options] if isinstance(options, list) else []
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"must be one of {', '.join(known)}")
    return value


def _date(value: JsonValue, _field: JsonObject) -> JsonValue:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise ValueError("must be a date such as 2030-01-31") from None


_READERS: Mapping[str, Callable[[JsonValue, JsonObject], JsonValue]] = {
    "text": _text,
    "textarea": _text,
    "email": _email,
    "number": _number,
    "boolean": _boolean,
    "select": _choice,
    "date": _date,
}
FIELD_TYPES = tuple(_READERS)
"""The types that a field may have."""
