"""Answers that are given before the request's body has been read, such as 401, without breaking the connection."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive, Scope, Send

_MOST_BYTES = 64 * 1024
_MOST_SECONDS = 1.0
"""What is waited for before the answer."""
_LINGERING_SECONDS = 1.0
"""How long what still comes is thrown away after the answer; a connection closed at once may lose it."""
_CLOSING_SECONDS = 60.0
_discarding: set[asyncio.Task[None]] = set()


class BodyReader:
    """Stands between the server and the application, and reads what the application has left of a body.

    A server that has answered and finds the body still on its way can only close the connection; a client that has
    sent its next request on it by then gets no answer to that one. So a small body is read before the answer. A
    larger or slower one isn't waited for: the answer tells the client that the connection closes.

    hypercorn hangs in closing a connection whose body nobody takes: its queue for the application is full, and the
    notice of the end doesn't fit in. So the reading goes on until that notice has come.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._ended = False

    async def receive(self) -> Message:
        """ASGI."""
        message = await self._receive()
        self._ended = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """ASGI."""
        if not self._ended:
            if message["type"] == "http.response.start":
                await self._before_answer(message)
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                await self._send({**message, "more_body": True})
                await self._before_closing()
                message = {"type": "http.response.body"}
        await self._send(message)

    async def _before_answer(self, start: Message) -> None:
        if _closes(start):
            return
        await self._discard(_MOST_SECONDS, _MOST_BYTES)
        if not self._ended:
            start["headers"] = [*start["headers"], (b"connection", b"close")]

    async def _before_closing(self) -> None:
        await self._discard(_LINGERING_SECONDS)
        if not self._ended:
            task = asyncio.create_task(self._discard(_CLOSING_SECONDS))
            _discarding.add(task)
            task.add_done_callback(_discarding.discard)

    async def _discard(self, seconds: float, most: float = float("inf")) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not self._ended and most > 0:
                    message = await self.receive()
                    most -= len(message.get("body", b""))
        except TimeoutError:
            pass


def has_body(scope: Scope) -> bool:
    """Whether a request says that it has a body."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers)


def _closes(start: Message) -> bool:
    return any(name.lower() == b"connection" for name, _ in start.get("headers", ()))
