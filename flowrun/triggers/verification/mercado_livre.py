"""Mercado Livre and Mercado Pago: `x-signature: ts=…,v1=…` over the resource's id, the request's id and the time.

The body is not signed: only the id in the query (`data.id`) is proven, so what a notification is about has to be
fetched with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flowrun.triggers.verification.request import (
    SignedRequest,
    WebhookRefusedError,
    check_any,
    check_time,
    digest,
    header,
    header_bytes,
    tolerance_of,
)

_RESOURCE = re.compile(r"[A-Za-z0-9_-]{1,200}")
_MILLISECONDS = 13
"""Digits: the documentation shows seconds, the service also sends milliseconds."""


def verify(request: SignedRequest, secrets: Sequence[bytes], params: Mapping[str, Any]) -> None:
    """The secret is the application's, from its webhook settings. Param `tolerance` in seconds.

    Raises `WebhookRefusedError`.
    """
    parts: dict[str, str] = {}
    for part in header(request, "x-signature").split(","):
        name, _, value = part.strip(" ").partition("=")
        if name in parts:
            raise WebhookRefusedError("the header x-signature has a part twice")
        parts[name] = value
    timestamp, signature = parts.get("ts", ""), parts.get("v1", "")
    if not signature:
        raise WebhookRefusedError("the header x-signature has no part v1")
    check_time(timestamp[:-3] if len(timestamp) == _MILLISECONDS else timestamp, request, tolerance_of(params))
    manifest = _manifest(request, timestamp)
    expected = [digest(secret, "sha256", manifest).hex().encode() for secret in secrets]
    check_any([header_bytes(signature)], expected)


def _manifest(request: SignedRequest, timestamp: str) -> bytes:
    """What is signed; a part whose value is missing is left out."""
    resource = request.query.get("data.id")
    text = ""
    if isinstance(resource, str) and resource:
        if not _RESOURCE.fullmatch(resource):
            # It could pass for other parts of what is signed.
            raise WebhookRefusedError("data.id is malformed")
        text += f"id:{resource.lower()};"
    if "x-request-id" in request.headers:
        text += f"request-id:{header(request, 'x-request-id')};"
    return header_bytes(f"{text}ts:{timestamp};")
