"""From an `http` node's params to a request, and from the answer to the node's outcome."""

from __future__ import annotations

import base64
import math
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

from flowrun import __version__
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import Completed, Failed, Outcome
from flowrun.nodes.http_body import excerpt, parse_body
from flowrun.nodes.http_client import HttpRequest, HttpResponse, Tls
from flowrun.nodes.http_content import encode_body, pairs
from flowrun.nodes.http_errors import UnreadableResponseError
from flowrun.nodes.http_status import status_fits
from flowrun.nodes.job import NodeJob
from flowrun.nodes.scrubbing import Scrubber

EXCERPT = 2000
"""Characters of an unexpected answer that its error shows."""
_RETRYABLE = frozenset({408, 425, 429})


def build_request(job: NodeJob) -> HttpRequest:
    """Make the request of one attempt."""
    params: Any = job.params
    headers = {"user-agent": f"flowrun/{__version__}", "idempotency-key": job.idempotency_key}
    headers |= {name.lower(): value for name, value in params["headers"].items()}
    content = encode_body(params["body"], params["body_type"], headers)
    secret = {*_authorise(params["auth"], headers), *(name for name in headers if _tells(job, headers[name]))}
    return HttpRequest(
        params["method"],
        _with_query(params["url"], params["query"] | query_key(params["auth"])),
        headers,
        content,
        timeout=params["timeout"],
        follow_redirects=params["follow_redirects"],
        secret_headers=frozenset(secret),
        secret_body=_tells(job, content.decode(errors="replace")),
        tls=Tls(params["tls"]["verify"], params["tls"]["ca"]) if params["tls"] else None,
    )


def _tells(job: NodeJob, text: str) -> bool:
    """Whether a text has a secret in it, in any spelling."""
    return bool(job.hidden) and Scrubber(job.hidden).text(text) != text


def judge(params: JsonObject, response: HttpResponse) -> Outcome:
    """Make the outcome of an answer. Raises `UnreadableResponseError` for a body that isn't what it says."""
    expected: Any = params["expect_status"]
    content_type = response.headers.get("content-type", "")
    if not status_fits(response.status, expected):
        return _unexpected(params, response, content_type)
    if response.unreadable:
        raise UnreadableResponseError(response.unreadable)
    if response.truncated:
        return Failed(
            "response_too_large",
            f"the answer is longer than {len(response.body)} bytes",
            details={"status": response.status},
        )
    output: JsonObject = {
        "status": response.status,
        "headers": dict(response.headers),
        "body": parse_body(response.body, content_type),
    }
    return Completed(output)


def query_key(auth: Any) -> dict[str, str]:  # noqa: ANN401 - the checked `auth` param
    """Return the key that travels in the query, by its name."""
    if auth is not None and auth["type"] == "api_key" and auth["in"] == "query":
        return {auth["name"]: auth["value"]}
    return {}


def retry_after(text: str | None, now: float) -> float | None:
    """Return the seconds that a `Retry-After` header asks for: a number, or an HTTP date; `now` is in seconds."""
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
        seconds = moment.timestamp() - now
    except (ValueError, OverflowError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _unexpected(params: JsonObject, response: HttpResponse, content_type: str) -> Failed:
    status = response.status
    shown = _without_secrets(excerpt(response.body, content_type, EXCERPT), params["auth"])
    return Failed(
        "http_status",
        f"the answer has the status {status}",
        retryable=status in _RETRYABLE or status >= 500,
        details={"status": status, "body": shown},
        retry_after=retry_after(response.headers.get("retry-after"), time.time()),
    )


def _with_query(url: str, query: dict[str, JsonValue]) -> str:
    added = pairs(query)
    if not added:
        return url
    base = url.partition("#")[0]
    joint = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
    return f"{base}{joint}{urlencode(added)}"


def _authorise(auth: dict[str, str] | None, headers: dict[str, str]) -> list[str]:
    """Add the credentials; gives the names of the headers that hold them."""
    if auth is None:
        return []
    if query_key(auth):
        return []
    if auth["type"] in {"header", "api_key"}:
        name = auth["name"].lower()
        headers[name] = auth["value"]
        return [name]
    if auth["type"] == "bearer":
        headers["authorization"] = f"Bearer {auth['token']}"
    else:
        headers["authorization"] = f"Basic {_basic(auth)}"
    return ["authorization"]


def _basic(auth: dict[str, str]) -> str:
    return base64.b64encode(f"{auth['username']}:{auth['password']}".encode()).decode()


def _without_secrets(text: str, auth: Any) -> str:  # noqa: ANN401 - the checked `auth` param
    """Hide credentials in what the other side sent: some servers show the whole request in an error."""
    if auth is None:
        return text
    secrets = [auth[name] for name in ("token", "password", "value") if auth.get(name)]
    if auth["type"] == "basic":
        secrets.append(_basic(auth))
    # A key in a query comes back as it was written there.
    for secret in [*secrets, *map(quote_plus, secrets), *map(quote, secrets)]:
        text = text.replace(secret, "***")
    return text
