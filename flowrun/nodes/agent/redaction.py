"""Keeps a node's secrets and credentials out of what is told to the model and to people."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flowrun.domain.json import JsonObject
from flowrun.nodes.job import NodeJob
from flowrun.nodes.scrubbing import Scrubber

_CREDENTIAL = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)
_SHORTEST = 6
"""Characters of a credential that is no secret; a shorter one would be found everywhere."""


def credentials_scrubber(job: NodeJob) -> Scrubber:
    """Make what replaces the secrets, the API key, and tools' headers that look like credentials by `***`."""
    written = {value for value in _credentials(job.params) if len(value) >= _SHORTEST}
    return Scrubber({*job.hidden, *written})


def _credentials(params: JsonObject) -> Iterator[str]:
    """Return those that the params of a node have, whether they come from secrets or not."""
    tools, key = params["tools"], params["api_key"]
    if isinstance(key, str):
        yield key
    for tool in tools if isinstance(tools, list) else []:
        headers = tool.get("headers") if isinstance(tool, dict) else None
        for name, value in (headers if isinstance(headers, dict) else {}).items():
            if isinstance(value, str) and _CREDENTIAL.search(name):
                yield value
                yield value.removeprefix("Bearer ").removeprefix("Basic ")
