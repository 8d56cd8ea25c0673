"""From an `http` node's params to a request, and from the answer to the node's outcome."""

from __future__ import annotations

import base64
import math
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import orjson

from flowrun import __version__
from flowrun.domain.json import JsonObject, JsonValue
from flowrun.domain.node_type import Completed, Failed, Outcome
from flowrun.nodes.http_body import excerpt, is_json, parse_body
from flowrun.nodes.http_client import HttpRequest, HttpResponse
from flowrun.nodes.http_status import status_fits
from flowrun.nodes.job import NodeJob

EXCERPT = 2000
"""Characters of an unexpected answer that its error shows."""
_RETRYABLE = frozenset({408, 425, 429})
_FORM = "application/x-www-form-urlencoded"


def build_request(job: NodeJob) -> HttpRequest:
    """Make the request of one attempt."""
    params: Any = job.params
    headers = {"user-agent": f"flowrun/{__version__}", "idempotency-key": job.idempotency_key}
    headers |= {name.lower(): value for name, value in params["headers"].items()}
    content = _content(params["body"], headers)
    secret = _authorise(params["auth"], headers)
    return HttpRequest(
        params["method"],
        _with_query(params["url"], params["query"]),
        headers,
        content,
        timeout=params["timeout"],
        follow_redirects=params["follow_redirects"],
        secret_headers=frozenset(secret),
    )


def judge(params: JsonObject, response: HttpResponse) -> Outcome:
    """Make the outcome of an answer. Raises `UnreadableResponseError` for a body that isn't what it says."""
    expected: Any = params["expect_status"]
    content_type = response.headers.get("content-type", "")
    if not status_fits(response.status, expected):
        return _unexpected(params, response, content_type)
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


def _content(body: JsonValue, headers: dict[str, str]) -> bytes:
    """Encode the body, and say what it is unless the user did."""
    if body is None:
        return b""
    if isinstance(body, str):
        headers.setdefault("content-type", "text/plain; charset=utf-8")
        return body.encode()
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if isinstance(body, dict) and media_type == _FORM:
        return urlencode(_pairs(body)).encode()
    if not is_json(media_type):
        headers.setdefault("content-type", "application/json")
    return orjson.dumps(body)


def _with_query(url: str, query: dict[str, JsonValue]) -> str:
    pairs = _pairs(query)
    if not pairs:
        return url
    base = url.partition("#")[0]
    joint = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
    return f"{base}{joint}{urlencode(pairs)}"


def _pairs(query: dict[str, JsonValue]) -> list[tuple[str, str]]:
    return [
        (name, _text(part))
        for name, value in query.items()
        for part in (value if isinstance(value, list) else [value])
        if part is not None
    ]


def _text(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def _authorise(auth: dict[str, str] | None, headers: dict[str, str]) -> list[str]:
    """Add the credentials; gives the names of the headers that hold them."""
    if auth is None:
        return []
    if auth["type"] == "header":
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
    for secret in secrets:
        text = text.replace(secret, "***")
    return text
