"""Splits the path of a request, and the pattern of a webhook, into segments."""

from __future__ import annotations

from urllib.parse import unquote

VARIABLE = "{}"
"""Stands for any variable in a pattern: what it is called makes no other route."""


def request_segments(path: str) -> list[str] | None:
    """The decoded segments of a path as it was sent (percent-encoded), slashes at the ends left out.

    An encoded slash stays within its segment. None when no webhook can have that path.
    """
    segments = path.strip("/").split("/")
    if "%" in path:
        segments = [unquote(segment) for segment in segments]
        if any("\x00" in segment for segment in segments):
            return None
    return None if "" in segments else segments


def pattern_segments(path: str) -> tuple[list[str], dict[str, int]]:
    """The segments of a webhook's path with `VARIABLE` for each variable, and the place of each by its name."""
    segments = path.strip("/").split("/")
    names: dict[str, int] = {}
    for place, segment in enumerate(segments):
        if segment.startswith("{") and segment.endswith("}"):
            names[segment[1:-1]] = place
            segments[place] = VARIABLE
    return segments, names


def route_name(path: str) -> str:
    """A webhook's path without the names of its variables: equal for two webhooks on one route."""
    return "/".join(pattern_segments(path)[0])
