"""GitHub: `X-Hub-Signature-256`, an HMAC over the body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowrun.triggers.verification.hub_signature import check_hub_signature
from flowrun.triggers.verification.request import SignedRequest


def verify(request: SignedRequest, secrets: Sequence[bytes], _params: Mapping[str, Any]) -> None:
    """The secrets are those of the webhook's settings at GitHub. Raises `WebhookRefusedError`."""
    check_hub_signature(request, secrets)
