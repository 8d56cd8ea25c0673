"""Server-sent events as a client reads them from a real connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson

PATIENCE = 20.0


@dataclass(frozen=True)
class Event:
    """One event."""

    name: str
    data: dict[str, Any]
    id: str | None


class Stream:
    """An open stream."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.last_id: str | None = None
        """As a browser keeps it: also from a block that has no data."""
        self._lines = response.aiter_lines()

    async def __aiter__(self) -> AsyncIterator[Event]:
        fields: dict[str, str] = {}
        async for line in self._lines:
            if line:
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
                continue
            self.last_id = fields.get("id", self.last_id)
            if "data" in fields:
                yield Event(fields.get("event", "message"), orjson.loads(fields["data"]), fields.get("id"))
            fields = {}

    async def next(self) -> Event:
        """The next event."""
        async with asyncio.timeout(PATIENCE):
            async for event in self:
                return event
        raise AssertionError("the stream has ended")

    async def until(self, wanted: Any) -> list[Event]:
        """The events up to the first one that is wanted, with it."""
        found = []
        async with asyncio.timeout(PATIENCE):
            async for event in self:
                found.append(event)
                if wanted(event):
                    return found
        raise AssertionError(f"the stream has ended: {found[-3:]}")

    async def rest(self) -> list[Event]:
        """Every event up to the end."""
        async with asyncio.timeout(PATIENCE):
            return [event async for event in self]


@asynccontextmanager
async def stream(
    client: httpx2.AsyncClient, path: str, last_id: str | None = None, **params: object
) -> AsyncIterator[Stream]:
    """Open a stream; `last_id` goes on after that event."""
    headers = {} if last_id is None else {"last-event-id": last_id}
    given: dict[str, Any] = params
    async with client.stream("GET", path, headers=headers, params=given) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)
