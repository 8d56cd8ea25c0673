"""JSON as the tables hold it."""

from __future__ import annotations

from typing import Any

import orjson


def dump(value: Any) -> str:  # noqa: ANN401 - any JSON
    """The text of a JSON value."""
    return orjson.dumps(value).decode()


def load(text: str | None) -> Any:  # noqa: ANN401 - any JSON
    """The value of a text; None for NULL."""
    return None if text is None else orjson.loads(text)
