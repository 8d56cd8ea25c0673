"""Keeps the node's own credentials out of what is told to the model and to people."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flowrun.domain.json import JsonObject

_CREDENTIAL = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)
_SHORTEST = 6
"""A shorter value would be found everywhere."""


class Redactor:
    """Replaces the API key, and the values of tools' headers that look like credentials, by `***`."""

    def __init__(self, values: Iterable[str]) -> None:
        self._values = sorted({value for value in values if len(value) >= _SHORTEST}, key=len, reverse=True)

    @classmethod
    def of(cls, params: JsonObject) -> Redactor:
        """Make one for a node's checked params."""
        tools, key = params["tools"], params["api_key"]
        values = [key] if isinstance(key, str) else []
        for tool in tools if isinstance(tools, list) else []:
            headers = tool.get("headers") if isinstance(tool, dict) else None
            for name, value in (headers if isinstance(headers, dict) else {}).items():
                if isinstance(value, str) and _CREDENTIAL.search(name):
                    values += [value, value.removeprefix("Bearer ").removeprefix("Basic ")]
        return cls(values)

    def __call__(self, text: str) -> str:
        """Return the text without them."""
        for value in self._values:
            text = text.replace(value, "***")
        return text
