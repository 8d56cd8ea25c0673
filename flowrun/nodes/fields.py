"""Kinds of values that several node types take as params."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

_PORT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")
_HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
RESERVED_PORTS = frozenset({"main", "error"})


def _seconds(value: object) -> float:
    from flowrun.formats.duration import parse_duration  # noqa: PLC0415 - the package loads YAML

    return parse_duration(value)


def number_as_text(value: object) -> object:
    """For ids and the like: an expression keeps its type, and many ids are whole numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _port(value: object) -> str:
    if not isinstance(value, str) or not _PORT.fullmatch(value):
        raise ValueError("must be a port name: letters, digits and _ . : -, at most 100")
    return value


def _own_port(value: object) -> str:
    name = _port(value)
    if name in RESERVED_PORTS:
        raise ValueError(f"must not be {name!r}: every node has that port already")
    return name


def _headers(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError("must be an object: header → value")  # noqa: TRY004 - pydantic wants a ValueError
    headers: dict[str, str] = {}
    for name, content in value.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"has {name!r}, which is no header name")
        if content is None:
            continue
        if isinstance(content, dict | list):
            raise ValueError(f"has an object or a list as {name!r}; a header is a text")  # noqa: TRY004
        text = ("true" if content else "false") if isinstance(content, bool) else str(content)
        if not _HEADER_VALUE.fullmatch(text):
            raise ValueError(f"has a line break or another control character in {name!r}")
        headers[name] = text.strip()
    return headers


Seconds = Annotated[
    float,
    BeforeValidator(_seconds, json_schema_input_type=float | str),
    Field(json_schema_extra={"format": "duration"}),
]
"""A duration; becomes seconds."""

PortName = Annotated[str, BeforeValidator(_own_port)]
"""The name of an output port that edges name as `source_handle`."""

Expression = Annotated[Any, Field(json_schema_extra={"format": "expression"})]
"""An expression, with or without braces; the node sees its value."""

Headers = Annotated[dict[str, str], BeforeValidator(_headers, json_schema_input_type=dict[str, str])]
"""HTTP headers: numbers and booleans become texts, a null header is left out."""
