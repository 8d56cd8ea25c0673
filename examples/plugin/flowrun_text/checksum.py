"""A node that a worker runs: it may wait for others, and is tried again."""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field

from flowrun.domain.node_type import Completed, Failed, Outcome
from flowrun.nodes.base import WorkerNodeType
from flowrun.nodes.http_client import HttpRequest
from flowrun.nodes.http_errors import HttpError
from flowrun.nodes.job import NodeJob, Services
from flowrun.nodes.params import ParamsModel

_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


class ChecksumParams(ParamsModel):
    """The params of `checksum`."""

    url: str = Field(description="Where it is.")
    algorithm: Literal["sha256", "sha512", "blake2b"] = Field(default="sha256", description="How it is hashed.")
    expected: str | None = Field(default=None, description="Any other checksum fails as `checksum_differs`.")


class Checksum(WorkerNodeType):
    """Fetches what is at a URL, at most 1 MiB; its output is `{checksum, size}`."""

    name = "checksum"
    worker = "webhook"
    default_timeout = 30.0
    Params = ChecksumParams
    example = MappingProxyType({"url": "https://example.com/invoice.pdf", "expected": "{{ input.sha256 }}"})

    async def run(self, job: NodeJob, services: Services) -> Outcome:
        """Fetch, hash, compare."""
        params: Any = job.params
        try:
            # The shared client refuses private addresses, and bounds time and size.
            response = await services.http.send(HttpRequest("GET", params["url"], timeout=self.default_timeout))
        except HttpError as error:
            return error.outcome()
        job.log(f"{response.status}, {len(response.body)} bytes")
        if response.status != 200:
            message = f"The answer was {response.status}"
            return Failed("not_fetched", message, retryable=response.status in _BUSY)
        if response.truncated:
            return Failed("too_large", "It is larger than 1 MiB")
        found = hashlib.new(params["algorithm"], response.body).hexdigest()
        if params["expected"] not in (None, found):
            return Failed("checksum_differs", "It isn't what was expected", details={"checksum": found})
        return Completed({"checksum": found, "size": len(response.body)})
