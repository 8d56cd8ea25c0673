"""`X-Hub-Signature-256: sha256=<hex>`, which GitHub and Meta have in common."""

from __future__ import annotations

from collections.abc import Sequence

from flowrun.triggers.verification.request import SignedRequest, check_any, digest, header, header_bytes


def check_hub_signature(request: SignedRequest, secrets: Sequence[bytes]) -> None:
    """Raise `WebhookRefusedError` unless the header is the body's HMAC with one of the secrets."""
    given = header_bytes(header(request, "x-hub-signature-256"))
    expected = [b"sha256=" + digest(secret, "sha256", request.body).hex().encode() for secret in secrets]
    check_any([given], expected)
