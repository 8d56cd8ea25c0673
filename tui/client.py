"""The HTTP connection to the service: documents, commands and streams, over the socket or a URL."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

import httpx2
import orjson

from tui.place import Place
from tui.sse import ServerEvent, SseParser, StreamBrokenError

TIMEOUT = 10.0
"""Seconds for a document or a command."""
SILENCE = 45.0
"""Seconds without a byte after which a stream is given up: the service sends a sign of life far more often."""


class UnreachableError(Exception):
    """The service does not answer."""


class RefusedError(Exception):
    """The service answered, and refuses."""

    def __init__(self, status: int, detail: str, issues: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.issues = dict(issues or {})
        """What is wrong, by where."""


class Client:
    """Asks the service and reads its streams."""

    def __init__(self, place: Place) -> None:
        self.place = place
        headers = {"accept": "application/json"}
        if place.url is None:
            transport = httpx2.AsyncHTTPTransport(uds=str(place.socket))
            base = "http://flowrun"
        else:
            transport, base = None, place.url.rstrip("/")
            if place.key:
                headers["authorization"] = f"Bearer {place.key}"
        # The environment names the proxy and the certificates to trust on the way to a service elsewhere.
        environment = place.url is not None
        self._http = httpx2.AsyncClient(
            transport=transport, base_url=base, headers=headers, timeout=TIMEOUT, trust_env=environment
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def get(self, path: str, **params: object) -> Any:  # noqa: ANN401 - any JSON
        """Read a document; params that are None are left out. Raises `UnreachableError`, `RefusedError`."""
        given: dict[str, Any] = {name: value for name, value in params.items() if value is not None}
        return await self._ask("GET", path, params=given)

    async def post(self, path: str, body: object, *, key: str) -> Any:  # noqa: ANN401
        """Send a command, carried out once for each key; gives the answer.

        Raises `UnreachableError`, `RefusedError`.
        """
        headers = {"content-type": "application/json", "idempotency-key": key}
        return await self._ask("POST", path, content=orjson.dumps({} if body is None else body), headers=headers)

    async def events(
        self, path: str, *, last_id: str | None, heard: Callable[[], None], **params: object
    ) -> AsyncGenerator[list[ServerEvent]]:
        """Read a stream from after `last_id` on, until it ends: the events as they come in, several at once.

        `heard` is called at every sign of life. Raises `UnreachableError`, `RefusedError`.
        """
        headers = {"accept": "text/event-stream"}
        if last_id is not None:
            headers["last-event-id"] = last_id
        given: dict[str, Any] = {name: value for name, value in params.items() if value is not None}
        timeout = httpx2.Timeout(5, read=SILENCE)
        try:
            async with self._http.stream("GET", path, params=given, headers=headers, timeout=timeout) as answer:
                if answer.is_error:
                    await answer.aread()
                    raise _refusal(answer)
                parser = SseParser()
                async for chunk in answer.aiter_bytes():
                    heard()
                    yield parser.feed(chunk)
        except (httpx2.HTTPError, httpx2.InvalidURL, StreamBrokenError) as error:
            raise UnreachableError(self._why(error)) from error

    async def _ask(self, method: str, path: str, **request: Any) -> Any:  # noqa: ANN401
        try:
            answer = await self._http.request(method, path, **request)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise UnreachableError(self._why(error)) from error
        if answer.is_error:
            raise _refusal(answer)
        try:
            return orjson.loads(answer.content) if answer.content else None
        except orjson.JSONDecodeError as error:
            raise UnreachableError("what answers there is no flowrun service") from error

    def _why(self, error: Exception) -> str:
        if self.place.url is None and isinstance(error, httpx2.ConnectError):  # A number of the system helps nobody.
            return f"nothing listens at {self.place.socket}"
        return str(error) or type(error).__name__


def _refusal(answer: httpx2.Response) -> RefusedError:
    try:
        document = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        return RefusedError(answer.status_code, f"The service answered {answer.status_code}")
    detail = str(document.get("detail") or document.get("title") or f"The service answered {answer.status_code}")
    issues = {str(one.get("path", "")): str(one.get("message", "")) for one in document.get("errors") or ()}
    return RefusedError(answer.status_code, detail, issues)
