"""Standard Webhooks (standardwebhooks.com), also under the header names of Svix, where it comes from."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from flowrun.triggers.verification.request import (
    MOST_SIGNATURES,
    SignedRequest,
    WebhookRefusedError,
    check_any,
    check_time,
    digest,
    header,
    header_bytes,
    tolerance_of,
)

_PREFIX = b"whsec_"


def verify(request: SignedRequest, secrets: Sequence[bytes], params: Mapping[str, Any]) -> None:
    """The secrets are `whsec_` and base64. Param `tolerance` in seconds. Raises `WebhookRefusedError`."""
    family = "svix" if "webhook-id" not in request.headers and "svix-id" in request.headers else "webhook"
    message_id = header(request, f"{family}-id")
    timestamp = header(request, f"{family}-timestamp")
    check_time(timestamp, request, tolerance_of(params))
    offered = header(request, f"{family}-signature").split(" ")
    signatures = [header_bytes(one[3:]) for one in offered if one.startswith("v1,")]
    if not signatures or len(offered) > MOST_SIGNATURES:
        raise WebhookRefusedError(f"the header {family}-signature has no signature of version 1, or too many")
    head = header_bytes(f"{message_id}.{timestamp}.")
    check_any(signatures, [_signature(secret, head, request.body) for secret in secrets])


def sign(message_id: str, timestamp: str, body: bytes, secrets: Sequence[bytes]) -> str:
    """The header `webhook-signature` of what we send ourselves: one signature by each secret.

    The timestamp is in seconds since the epoch.
    """
    head = f"{message_id}.{timestamp}.".encode()
    return " ".join(f"v1,{_signature(secret, head, body).decode()}" for secret in secrets)


def _signature(secret: bytes, head: bytes, body: bytes) -> bytes:
    return base64.b64encode(digest(_key(secret), "sha256", head, body))


def _key(secret: bytes) -> bytes:
    try:
        return base64.b64decode(secret.strip().removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise WebhookRefusedError("the stored secret is not `whsec_` and base64") from None
