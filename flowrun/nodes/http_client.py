"""The HTTP client that nodes share: pooled, guarded, bounded in time and size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin

from flowrun.nodes.http_body import ACCEPT_ENCODING, read_body
from flowrun.nodes.http_errors import (
    HttpConnectionError,
    HttpError,
    HttpTimeoutError,
    InvalidRequestError,
    RedirectError,
    UnreadableResponseError,
)

if TYPE_CHECKING:
    import ssl

    import httpcore2

MAX_REDIRECTS = 5
MAX_RESPONSE = 1_048_576
"""Bytes of a response after decompression."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_ACROSS_ORIGINS = frozenset({"authorization", "proxy-authorization", "cookie"})
_OF_THE_BODY = frozenset({"content-type", "content-length", "content-encoding", "content-language"})


@dataclass(frozen=True, slots=True)
class Tls:
    """How a server's certificate is judged, other than usual."""

    verify: bool = True
    ca: str | None = None
    """PEM certificates that are trusted instead of the usual ones."""


@dataclass(slots=True)
class HttpRequest:
    """One request; header names are in lower case."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""
    timeout: float = 30.0
    """Seconds for everything: name lookup, connection, redirects, answer."""
    follow_redirects: bool = True
    secret_headers: frozenset[str] = frozenset()
    """Headers that another origin must not see, beside the usual ones."""
    secret_body: bool = False
    """Another origin must not see the body."""
    tls: Tls | None = None
    """For the origin of the URL alone."""


@dataclass(slots=True)
class HttpResponse:
    """One answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    truncated: bool = False
    """Whether the body was longer than the limit."""
    unreadable: str = ""
    """Why there is nothing of the body of an error (400 or more): it couldn't be decompressed."""


class Origin(NamedTuple):
    """Where a URL leads: what must not change if secrets are to travel on."""

    scheme: bytes
    host: bytes
    port: int


class HttpClient:
    """Sends requests to public addresses, and to those that `allow` names (`FLOWRUN_HTTP_ALLOW`).

    It belongs to the event loop of its first request, and keeps connections open between requests, but no cookies.
    """

    def __init__(
        self, allow: Sequence[str] = (), *, max_connections: int = 200, max_response: int = MAX_RESPONSE
    ) -> None:
        self._allow = tuple(allow)
        self._max_connections = max_connections
        self._max_response = max_response
        self._pool: httpcore2.AsyncConnectionPool | None = None
        self._starting = asyncio.Lock()

    @property
    def allow(self) -> Sequence[str]:
        """What it may reach beside public addresses, for those that can't send through it."""
        return self._allow

    async def start(self) -> None:
        """Load what requests need, which takes a while; the first request does it too.

        Raises `ConfigurationError` when the list of allowed addresses is not valid.
        """
        async with self._starting:
            if self._pool is None:
                self._pool = await asyncio.to_thread(self._make_pool)

    async def aclose(self) -> None:
        """Close all connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send a request and read its answer, following redirects. Raises `HttpError`."""
        try:
            async with asyncio.timeout(request.timeout):
                if self._pool is None:
                    await self.start()
                return await self._follow(request)
        except TimeoutError:
            raise HttpTimeoutError(f"no complete answer within {request.timeout:g} s") from None

    async def _follow(self, request: HttpRequest) -> HttpResponse:
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._exchange(request)
            location = response.headers.get("location")
            if not request.follow_redirects or response.status not in _REDIRECTS or not location:
                return response
            request = _redirected(request, response.status, location)
        raise RedirectError(f"more than {MAX_REDIRECTS} redirects")

    async def _exchange(self, request: HttpRequest) -> HttpResponse:
        import httpcore2  # noqa: PLC0415 - loaded with the first request

        url, host = _parsed(request.url)
        headers = {"host": host, "accept": "*/*", "accept-encoding": ACCEPT_ENCODING} | request.headers
        if request.content or request.method in {"POST", "PUT", "PATCH"}:
            headers["content-length"] = str(len(request.content))
        raw = [(name.encode("ascii"), value.encode()) for name, value in headers.items()]
        try:
            async with (
                self._pool_for(request.tls) as pool,
                pool.stream(request.method, url, headers=raw, content=request.content) as answer,
            ):
                return await self._read(request, answer)
        except httpcore2.TimeoutException as error:
            raise HttpTimeoutError("the connection timed out") from error
        except httpcore2.LocalProtocolError as error:
            raise InvalidRequestError("the request is not valid HTTP") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise HttpConnectionError(f"the connection to {url.host.decode()} failed: {_words(error)}") from error

    async def _read(self, request: HttpRequest, answer: httpcore2.Response) -> HttpResponse:
        headers: dict[str, str] = {}
        for raw_name, raw_value in answer.headers:
            name, value = raw_name.decode("ascii", "replace").lower(), raw_value.decode("utf-8", "replace")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        if request.follow_redirects and answer.status in _REDIRECTS and "location" in headers:
            return HttpResponse(answer.status, headers, b"")
        encoding = headers.get("content-encoding", "")
        try:
            body, truncated = await read_body(answer.aiter_stream(), encoding, self._max_response)
        except UnreadableResponseError as error:
            if answer.status < 400:
                raise
            # What the status says counts for more: whether to ask again.
            return HttpResponse(answer.status, headers, b"", unreadable=str(error))
        return HttpResponse(answer.status, headers, body, truncated)

    @asynccontextmanager
    async def _pool_for(self, tls: Tls | None) -> AsyncIterator[httpcore2.AsyncConnectionPool]:
        if tls is None:
            if self._pool is None:
                raise HttpConnectionError("the HTTP client is closed")
            yield self._pool
            return
        # A connection that was judged otherwise is for this request alone.
        async with await asyncio.to_thread(self._make_pool, tls) as pool:
            yield pool

    def _make_pool(self, tls: Tls | None = None) -> httpcore2.AsyncConnectionPool:
        import httpcore2  # noqa: PLC0415 - takes 0.2 s, which only those pay who call out

        from flowrun.nodes.address_guard import AddressGuard  # noqa: PLC0415
        from flowrun.nodes.http_backend import GuardedBackend  # noqa: PLC0415

        return httpcore2.AsyncConnectionPool(
            ssl_context=httpcore2.default_ssl_context() if tls is None else _ssl_context(tls),
            max_connections=self._max_connections,
            max_keepalive_connections=self._max_connections // 4,
            keepalive_expiry=15.0,
            network_backend=GuardedBackend(AddressGuard(self._allow)),
        )


def moved(request: HttpRequest, location: str) -> HttpRequest:
    """Make the same request to another place; another origin sees none of the secrets. Raises `RedirectError`."""
    try:
        target = urljoin(request.url, location)
        same_origin = origin_of(target) == origin_of(request.url)
    except (ValueError, HttpError):
        raise RedirectError("the answer leads to no valid HTTP address") from None
    if same_origin:
        return replace(request, url=target)
    if request.secret_body:
        raise RedirectError("the answer leads to another origin, and the body holds a secret")
    secret = _NOT_ACROSS_ORIGINS | request.secret_headers
    headers = {name: value for name, value in request.headers.items() if name not in secret and name != "host"}
    return replace(request, url=target, headers=headers, tls=None)


def _redirected(request: HttpRequest, status: int, location: str) -> HttpRequest:
    """Make the request that a redirect asks for."""
    if (status == 303 and request.method != "HEAD") or (status in {301, 302} and request.method == "POST"):
        headers = {name: value for name, value in request.headers.items() if name not in _OF_THE_BODY}
        request = replace(request, method="GET", content=b"", secret_body=False, headers=headers)
    return moved(request, location)


def _ssl_context(tls: Tls) -> ssl.SSLContext:
    import ssl  # noqa: PLC0415

    try:
        context = ssl.create_default_context(cadata=tls.ca)
    except (ssl.SSLError, ValueError):
        raise InvalidRequestError("`tls.ca` has no valid certificates") from None
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def origin_of(url: str) -> Origin:
    """Return the scheme, host and port of a URL. Raises `InvalidRequestError`."""
    parsed, _ = _parsed(url)
    return Origin(parsed.scheme, parsed.host, parsed.port or (443 if parsed.scheme == b"https" else 80))


@lru_cache(maxsize=512)
def _parsed(url: str) -> tuple[httpcore2.URL, str]:
    """Return the URL as the pool wants it, and the `Host` header. Raises `InvalidRequestError`."""
    import httpcore2  # noqa: PLC0415
    import httpx2  # noqa: PLC0415

    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, UnicodeError, ValueError):
        raise InvalidRequestError("the URL is not valid") from None
    if parsed.scheme not in {"http", "https"} or not parsed.raw_host:
        raise InvalidRequestError("the URL must be http:// or https:// and name a host")
    if parsed.userinfo:
        raise InvalidRequestError("the URL must not hold a user or password; use `auth`")
    if parsed.port is not None and not 0 < parsed.port < 65_536:
        raise InvalidRequestError("the URL's port must be 1 to 65535")
    host = parsed.netloc.decode("ascii")
    raw: Any = httpcore2.URL(scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path)
    return raw, host


def _words(error: BaseException) -> str:
    """Say what happened; the libraries' words for it hold no data of the request."""
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return str(error) or str(cause) or type(cause).__name__
