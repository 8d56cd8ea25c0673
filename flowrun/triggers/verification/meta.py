"""Meta (WhatsApp, Instagram, Messenger): the app secret signs the body; a GET with a token opens the subscription."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowrun.triggers.verification.hub_signature import check_hub_signature
from flowrun.triggers.verification.request import SignedRequest, WebhookRefusedError, check_any

_LONGEST_CHALLENGE = 1000


def verify(request: SignedRequest, secrets: Sequence[bytes], _params: Mapping[str, Any]) -> None:
    """The secrets are app secrets. Raises `WebhookRefusedError`."""
    check_hub_signature(request, secrets)


def is_handshake(method: str, query_string: bytes) -> bool:
    """Whether a request looks like Meta's question, before anything else of it is read."""
    return method == "GET" and b"hub.mode=subscribe" in query_string


def challenge(query: Mapping[str, Any], tokens: Sequence[bytes]) -> str:
    """What Meta wants back at a subscription with one of our tokens. Raises `WebhookRefusedError`."""
    token, asked = query.get("hub.verify_token"), query.get("hub.challenge")
    if query.get("hub.mode") != "subscribe" or not isinstance(token, str) or not isinstance(asked, str):
        raise WebhookRefusedError("the subscription lacks hub.mode, hub.verify_token or hub.challenge")
    check_any([token.encode(errors="replace")], tokens, "hub.verify_token is another one")
    if not 0 < len(asked) <= _LONGEST_CHALLENGE or not asked.isprintable():
        raise WebhookRefusedError("hub.challenge is malformed")
    return asked
