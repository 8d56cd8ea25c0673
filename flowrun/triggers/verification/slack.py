"""Slack: `X-Slack-Signature: v0=…` over the time and the body, and the `url_verification` handshake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowrun.triggers.verification.request import (
    SignedRequest,
    check_any,
    check_time,
    digest,
    header,
    header_bytes,
    tolerance_of,
)

_LONGEST_CHALLENGE = 1000


def verify(request: SignedRequest, secrets: Sequence[bytes], params: Mapping[str, Any]) -> None:
    """The secret is the app's signing secret. Param `tolerance` in seconds. Raises `WebhookRefusedError`."""
    timestamp = header(request, "x-slack-request-timestamp")
    check_time(timestamp, request, tolerance_of(params))
    given = header_bytes(header(request, "x-slack-signature"))
    head = f"v0:{timestamp}:".encode()
    expected = [b"v0=" + digest(secret, "sha256", head, request.body).hex().encode() for secret in secrets]
    check_any([given], expected)


def challenge(payload: object) -> str | None:
    """What Slack wants back when it asks whether this address is meant to be called; None for anything else."""
    if not isinstance(payload, dict) or payload.get("type") != "url_verification":
        return None
    asked = payload.get("challenge")
    return asked if isinstance(asked, str) and 0 < len(asked) <= _LONGEST_CHALLENGE else None
