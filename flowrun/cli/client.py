"""A small HTTP client of the service, over its unix socket or a URL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from flowrun.cli.failure import NoServiceError
from flowrun.errors import (
    ConfigurationError,
    ConflictError,
    FlowrunError,
    ForbiddenError,
    InvalidInputError,
    Issue,
    MalformedError,
    NotFoundError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
)

_PAGE = 200
TIMEOUT = 60.0
"""Seconds for one answer; a waiting start answers within 30."""
SILENCE = 45.0
"""Seconds without a sign of life after which a stream is dead: the service gives one every 15."""
_BY_STATUS: dict[int, type[FlowrunError]] = {
    400: MalformedError,
    401: UnauthenticatedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    413: TooLargeError,
    422: InvalidInputError,
    429: UnavailableError,
    503: UnavailableError,
}


class ServiceClient:
    """Asks the service; what it refuses is raised as the error of its kind."""

    def __init__(self, http: httpx2.Client, place: str) -> None:
        self._http = http
        self._place = place

    @classmethod
    def at_socket(cls, socket: Path) -> Self:
        """Talk over a unix socket, as the operator. Raises `NoServiceError` when there is none."""
        if not socket.exists():
            raise NoServiceError(_nobody(str(socket)))
        transport = httpx2.HTTPTransport(uds=str(socket))
        http = httpx2.Client(transport=transport, base_url="http://flowrun", timeout=TIMEOUT, trust_env=False)
        return cls(http, str(socket))

    @classmethod
    def at_url(cls, url: str, key: str | None) -> Self:
        """Talk to a service elsewhere, with an API key. Raises `ConfigurationError` for what is no URL."""
        if not url.startswith(("http://", "https://")):
            raise ConfigurationError(f"--url (or FLOWRUN_URL) must begin with http:// or https://, not {url!r}")
        key = (key or "").strip()
        if not all(33 <= ord(character) <= 126 for character in key):
            raise ConfigurationError("The API key has characters that no key has; look at FLOWRUN_KEY or --key-file")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return cls(httpx2.Client(base_url=url.rstrip("/"), headers=headers, timeout=TIMEOUT), url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, **params: object) -> Any:  # noqa: ANN401 - any JSON
        """Read a document; params that are None are left out."""
        return self._value(self.ask("GET", path, params=params))

    def put(self, path: str, body: object) -> Any:  # noqa: ANN401
        """Replace something; gives the answer."""
        return self._value(self.ask("PUT", path, json=body))

    def post(self, path: str, body: object = None, *, headers: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401
        """Send a command; gives the answer, None when it has no body."""
        answer = self.ask("POST", path, json={} if body is None else body, headers=headers)
        return self._value(answer) if answer.content else None

    def items(self, path: str, limit: int, **params: object) -> Iterator[dict[str, Any]]:
        """Read the items of a list, page by page, up to the limit."""
        cursor: str | None = None
        while limit > 0:
            page = self.get(path, limit=min(limit, _PAGE), cursor=cursor, **params)
            if not isinstance(page, dict) or "items" not in page:
                raise self._stranger()
            yield from page["items"]
            limit -= len(page["items"])
            cursor = page.get("next")
            if cursor is None:
                return

    def events(self, path: str, last_id: str | None = None) -> Iterator[tuple[str, Any]]:
        """Read a stream of server-sent events to its end: the name and the data of each. Raises as `ask`."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        timeout = httpx2.Timeout(TIMEOUT, read=SILENCE)
        name, data = "", ""
        with self._translated(), self._http.stream("GET", path, headers=headers, timeout=timeout) as answer:
            if answer.is_error:
                answer.read()
                raise problem(answer)
            for line in answer.iter_lines():
                field, _, value = line.partition(":")
                if field == "event":
                    name = value.strip()
                elif field == "data":
                    data = value
                elif not line and data:
                    yield name, json.loads(data)
                    name, data = "", ""

    def _value(self, answer: httpx2.Response) -> Any:  # noqa: ANN401
        try:
            return answer.json()
        except ValueError:
            raise self._stranger() from None

    def _stranger(self) -> ConfigurationError:
        return ConfigurationError(f"What answers at {self._place} is no flowrun service; look at --url or FLOWRUN_URL")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx2.ConnectError as error:
            raise NoServiceError(_nobody(self._place, error)) from error
        except httpx2.TimeoutException as error:
            raise UnavailableError(f"The service at {self._place} did not answer within {TIMEOUT:.0f} s") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise UnavailableError(
                f"The service at {self._place} broke off: {str(error) or type(error).__name__}"
            ) from error

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        json: object = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Send a request. Raises `NoServiceError`, or what the problem document in the answer says."""
        given: dict[str, Any] = {name: value for name, value in (params or {}).items() if value is not None}
        with self._translated():
            answer = self._http.request(method, path, params=given, json=json, content=content, headers=headers)
        if answer.is_error:
            raise problem(answer)
        return answer


def _nobody(place: str, error: Exception | None = None) -> str:
    if "://" in place:
        return f"No service answers at {place} ({error})"
    return (
        f"No service answers at {place}. Start it with `flowrun serve`; if it runs elsewhere, "
        "name its socket with --socket or FLOWRUN_SOCKET"
    )


def problem(answer: httpx2.Response) -> FlowrunError:
    """Make the error that an answer stands for."""
    document = _document(answer)
    detail = document.get("detail") or document.get("title") or f"The service answered {answer.status_code}"
    kind = _BY_STATUS.get(answer.status_code, FlowrunError)
    if kind is InvalidInputError:
        return InvalidInputError(str(detail), [_issue(entry) for entry in document.get("errors", ())])
    return kind(str(detail))


def _document(answer: httpx2.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _issue(entry: Mapping[str, Any]) -> Issue:
    return Issue(str(entry.get("path", "")), str(entry.get("message", "")), entry.get("suggestion"))
