"""Who may call a webhook: each scheme in a file, each a pure function over the request as it came."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from flowrun.triggers.verification import (
    basic,
    bearer,
    generic_hmac,
    github,
    mercado_livre,
    meta,
    slack,
    standard_webhooks,
    stripe,
    telegram,
)
from flowrun.triggers.verification.request import SignedRequest, WebhookRefusedError

Verify = Callable[[SignedRequest, Sequence[bytes], Mapping[str, Any]], None]
"""Returns when one of the secrets proves the sender, else raises `WebhookRefusedError`."""

SCHEMES: Mapping[str, Verify] = MappingProxyType(
    {
        "bearer": bearer.verify,
        "basic": basic.verify,
        "hmac": generic_hmac.verify,
        "standard_webhooks": standard_webhooks.verify,
        "github": github.verify,
        "stripe": stripe.verify,
        "slack": slack.verify,
        "meta": meta.verify,
        "telegram": telegram.verify,
        "mercado_livre": mercado_livre.verify,
    }
)
_TELLTALES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "github": ("x-hub-signature-256", "x-github-event"),
        "stripe": ("stripe-signature",),
        "slack": ("x-slack-signature", "x-slack-request-timestamp"),
        "meta": ("x-hub-signature-256",),
        "telegram": ("x-telegram-bot-api-secret-token",),
        "mercado_livre": ("x-signature", "x-request-id"),
        "standard_webhooks": ("webhook-id", "webhook-timestamp", "webhook-signature"),
    }
)


def recognised(headers: Mapping[str, str]) -> list[str]:
    """The schemes whose headers a request has, the most telling first; says nothing about whether they are right."""
    found = [scheme for scheme, names in _TELLTALES.items() if all(name in headers for name in names)]
    kind = headers.get("authorization", "").partition(" ")[0].lower()
    return [*found, *(scheme for scheme in ("bearer", "basic") if scheme == kind)]


def credential_headers(auth: object) -> frozenset[str]:
    """The headers, in lower case, that a webhook's `auth` takes its credentials from by a name of its own."""
    name = auth.get("header") if isinstance(auth, dict) else None
    return frozenset({str(name).lower()}) if name else frozenset()


__all__ = [
    "SCHEMES",
    "SignedRequest",
    "Verify",
    "WebhookRefusedError",
    "credential_headers",
    "recognised",
]
