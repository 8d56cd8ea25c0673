"""A secret token in a header: `Authorization: Bearer …`, or the whole value of a header of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowrun.triggers.verification.request import (
    SignedRequest,
    WebhookRefusedError,
    check_any,
    header,
    header_bytes,
)


def verify(request: SignedRequest, secrets: Sequence[bytes], params: Mapping[str, Any]) -> None:
    """Param `header` (default `authorization`). Raises `WebhookRefusedError`."""
    name = str(params.get("header") or "authorization").lower()
    token = header(request, name)
    if name == "authorization":
        scheme, _, token = token.partition(" ")
        token = token.strip(" ")
        if scheme.lower() != "bearer" or not token:
            raise WebhookRefusedError("the header authorization is not `Bearer` and a token")
    check_any([header_bytes(token)], secrets, "the token is another one")
