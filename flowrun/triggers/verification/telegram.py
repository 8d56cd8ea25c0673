"""Telegram: the `secret_token` of `setWebhook` comes back in a header of every update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowrun.triggers.verification.request import SignedRequest, check_any, header, header_bytes


def verify(request: SignedRequest, secrets: Sequence[bytes], _params: Mapping[str, Any]) -> None:
    """Raise `WebhookRefusedError` unless the header holds one of the secrets."""
    given = header_bytes(header(request, "x-telegram-bot-api-secret-token"))
    check_any([given], secrets, "the secret token is another one")
