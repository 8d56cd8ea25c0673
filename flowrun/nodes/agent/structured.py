"""Structured output: telling the model the schema, and getting JSON that fits it out of what it wrote."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.nodes.agent.providers import Place
from flowrun.nodes.agent.schema import value_problems
from flowrun.nodes.http_body import read_json

_FENCED = re.compile(r"\s*```[A-Za-z]*\s*\n(.*?)\n?\s*```\s*", re.DOTALL)


class UnfitAnswerError(Exception):
    """The answer isn't JSON that fits the schema; the message is for the model as well as for people."""


def instructions(schema: JsonObject) -> str:
    """Tell the model, in words, what to answer."""
    written = orjson.dumps(schema).decode()
    return (
        f"Answer with JSON only, without explanation and without a code block, that fits this JSON Schema:\n{written}"
    )


def response_format(schema: JsonObject, mode: str, place: Place) -> JsonObject | None:
    """Return the field that makes the endpoint itself keep to the schema; None where it can't or mustn't be sent."""
    possible = place.takes_schema and schema.get("type") == "object"
    if mode == "prompt" or (mode == "auto" and not possible):
        return None
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def read_data(schema: JsonObject, text: str) -> JsonValue:
    """Return the data that the model wrote. Raises `UnfitAnswerError`."""
    fenced = _FENCED.fullmatch(text)
    try:
        value: Any = read_json((fenced[1] if fenced else text.strip()).encode())
    except json.JSONDecodeError as error:
        raise UnfitAnswerError(f"it is not JSON: {error.msg}") from None
    problems = value_problems(schema, value)
    if problems:
        raise UnfitAnswerError("; ".join(problems))
    data: JsonValue = value
    return data


def correction(error: UnfitAnswerError) -> str:
    """Ask the model to do it again."""
    return f"Your answer does not fit the schema: {error}. Answer again, with the corrected JSON only."
