"""The headers of a request as they are kept: without what proves who sent it."""

from __future__ import annotations

from collections.abc import Mapping

from flowrun.domain.json import JsonObject

REDACTED = "[redacted]"
_SECRET_HEADERS = frozenset(
    {
        "authorization", "cookie", "proxy-authorization", "x-api-key", "webhook-signature", "svix-signature",
        "x-hub-signature", "x-hub-signature-256", "stripe-signature", "x-slack-signature", "x-signature",
        "x-twilio-signature", "x-telegram-bot-api-secret-token", "x-gitlab-token", "x-flowrun-signature",
    }
)  # fmt: skip


def kept_headers(headers: Mapping[str, str], more: frozenset[str]) -> JsonObject:
    """The headers without secrets: what is stored can be read for ever. `more` are secret ones of these webhooks."""
    kept: JsonObject = dict(headers)
    for name in (_SECRET_HEADERS | more) & headers.keys() if more else _SECRET_HEADERS & headers.keys():
        kept[name] = REDACTED
    return kept
