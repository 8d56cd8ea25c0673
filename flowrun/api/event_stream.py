"""Server-sent events as a response that ends when its client, its key or the service does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable
from contextlib import ExitStack, aclosing

import anyio
import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from flowrun.api.auth import Authenticator
from flowrun.api.operation import Call, Param
from flowrun.domain.json import JsonObject
from flowrun.errors import InvalidInputError, Issue, UnauthenticatedError

HEARTBEAT_SECONDS = 15.0
"""How long a stream is silent at most. As often its key is looked at again."""
_PACE_SECONDS = 0.125
"""Between two bursts: nobody sees more."""
_SLOWEST_PACE_SECONDS = 0.5
_MANY = 60
"""Changes in a burst that make the next one twice as late: in a flood, fewer and larger bursts cost all sides less."""
_STUCK_SECONDS = 60.0
"""How long a client may take for one burst before it is taken to be dead."""
_LONGEST_SECONDS = 86_400
SECONDS = Param("seconds", "number", "End the stream after so long.")
SENT = {
    200: "`text/event-stream`; see the documentation of the streams.",
    429: "As many streams of this key are open as may be; `Retry-After` has the seconds to wait.",
}


def pace(changes: int) -> float:
    """Seconds from a burst of so many changes to the next."""
    return min(_SLOWEST_PACE_SECONDS, _PACE_SECONDS * (1 + changes / _MANY))


def event(name: str, document: JsonObject, event_id: str | None = None) -> bytes:
    """One server-sent event."""
    head = f"event: {name}\ndata: " if event_id is None else f"id: {event_id}\nevent: {name}\ndata: "
    return b"".join((head.encode(), orjson.dumps(document), b"\n\n"))


def alive(event_id: str | None = None) -> bytes:
    """A sign of life; an id moves on where the client would take the stream up again."""
    return b": alive\n\n" if event_id is None else f": alive\nid: {event_id}\n\n".encode()


class EventStream(Response):
    """What a generator of events gives, sent on as it comes. HEAD has the headers alone."""

    media_type = "text/event-stream"

    def __init__(self, chunks: AsyncGenerator[bytes, None], held: ExitStack) -> None:
        """`held` is let go of when the stream is over, however it ends."""
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._chunks = chunks
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        with self._held:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
                return
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_until_gone, receive, tasks.cancel_scope)
                await self._write(send)
                tasks.cancel_scope.cancel()

    async def _write(self, send: Send) -> None:
        async with aclosing(self._chunks) as chunks:
            with anyio.CancelScope() as patience:
                async for chunk in chunks:
                    patience.deadline = anyio.current_time() + _STUCK_SECONDS
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                    patience.deadline = float("inf")
                await send({"type": "http.response.body", "body": b""})


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


class Life:
    """When a stream has to say that it lives, and when it has to end."""

    def __init__(self, call: Call) -> None:
        """Raises `InvalidInputError` when the request wants a stream of an impossible length."""
        self._call = call
        seconds = call.query["seconds"]
        if seconds is not None and seconds > _LONGEST_SECONDS:
            issue = Issue("seconds", f"must be {_LONGEST_SECONDS:,} at most")
            raise InvalidInputError("The query parameters are not valid", [issue])
        now = time.monotonic()
        self._ends_at = float("inf") if seconds is None else now + float(seconds)
        self._check_at = now + HEARTBEAT_SECONDS

    async def news(self, coming: Awaitable[object]) -> bool:
        """Wait for news; False when there was none for so long that it is time for a sign of life, or to end."""
        seconds = min(HEARTBEAT_SECONDS, max(self._ends_at - time.monotonic(), 0))
        try:
            async with asyncio.timeout(seconds):
                await coming
        except TimeoutError:
            return False
        return True

    async def over(self) -> str | None:
        """Why the stream has to end now; None: it goes on."""
        if self._call.context.feed.closed:
            return "stopping"
        now = time.monotonic()
        if now >= self._ends_at:
            return "done"
        if now >= self._check_at:
            self._check_at = now + HEARTBEAT_SECONDS
            if not await self._still_known():
                return "revoked"
        return None

    async def _still_known(self) -> bool:
        authenticator: Authenticator = self._call.request.app.state.authenticator
        try:
            await authenticator.principal(self._call.request.scope)
        except UnauthenticatedError:
            return False
        return True
