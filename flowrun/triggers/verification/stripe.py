"""Stripe: `Stripe-Signature: t=…,v1=…`, an HMAC over the time and the body."""

from __future__ import annotations

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


def verify(request: SignedRequest, secrets: Sequence[bytes], params: Mapping[str, Any]) -> None:
    """The secrets are used as they are, `whsec_` too. Param `tolerance` in seconds. Raises `WebhookRefusedError`."""
    times: list[str] = []
    signatures: list[bytes] = []
    for part in header(request, "stripe-signature").split(","):
        name, _, value = part.strip(" ").partition("=")
        if name == "t":
            times.append(value)
        elif name == "v1":
            signatures.append(header_bytes(value))
    if len(times) != 1 or not 1 <= len(signatures) <= MOST_SIGNATURES:
        raise WebhookRefusedError("the header stripe-signature is not one time `t` and signatures `v1`")
    check_time(times[0], request, tolerance_of(params))
    head = f"{times[0]}.".encode()
    expected = [digest(secret, "sha256", head, request.body).hex().encode() for secret in secrets]
    check_any(signatures, expected)
