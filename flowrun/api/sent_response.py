"""The answer that a workflow's response node sends, made safe to send."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson
from starlette.responses import Response

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.nodes.types.respond import OURS, SENDABLE

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}")


def sent_response(response: JsonObject) -> Response:
    """The HTTP answer for `{status, headers, body}`; headers that could not, or must not, be sent are dropped."""
    status = response.get("status")
    code = status if isinstance(status, int) and 200 <= status <= 599 else 200
    headers = dict(_safe_headers(response.get("headers")))
    content, media_type = _content(response.get("body"))
    if code in {204, 304}:
        content = b""
    reply = Response(content, code)
    if content and "content-type" not in headers:
        headers["content-type"] = media_type
    for name, value in headers.items():
        reply.headers[name] = value
    reply.headers["x-content-type-options"] = "nosniff"
    return reply


def _safe_headers(headers: JsonValue) -> Iterator[tuple[str, str]]:
    for name, value in headers.items() if isinstance(headers, dict) else ():
        if value is None or isinstance(value, (dict, list)):
            continue
        text = str(value).strip()
        if name.lower() not in OURS and _NAME.fullmatch(name) and SENDABLE.fullmatch(text):
            yield name.lower(), text


def _content(body: JsonValue) -> tuple[bytes, str]:
    if body is None:
        return b"", ""
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return orjson.dumps(body), "application/json"
