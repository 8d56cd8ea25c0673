"""What known providers send, in the same few terms: each provider in a file, none raises on any body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from json import dumps
from types import MappingProxyType

from flowrun.domain.json import JsonObject, JsonValue
from flowrun.triggers.providers import (
    facebook,
    generic,
    github,
    instagram,
    mercado_livre,
    slack,
    stripe,
    telegram,
    whatsapp,
)
from flowrun.triggers.providers.event import ProviderEvent

Normalise = Callable[[JsonValue, Mapping[str, str]], ProviderEvent]

PROVIDERS: Mapping[str, Normalise] = MappingProxyType(
    {
        "whatsapp": whatsapp.normalise,
        "instagram": instagram.normalise,
        "facebook": facebook.normalise,
        "slack": slack.normalise,
        "telegram": telegram.normalise,
        "mercado_livre": mercado_livre.normalise,
        "github": github.normalise,
        "stripe": stripe.normalise,
        "generic": generic.normalise,
    }
)
_PARTS: Mapping[str, Callable[[JsonObject], list[JsonObject]]] = MappingProxyType(
    {"whatsapp": whatsapp.parts, "instagram": instagram.parts, "facebook": facebook.parts}
)
"""The providers that put several messages into one delivery."""
_MOST_PARTS = 1000
"""As many as Meta puts into one."""
_MOST_CHARACTERS = 8 << 20
"""What the parts may come to, each of which repeats what they share."""
GENERIC = "generic"
_BY_HEADER = {
    "x-github-event": "github",
    "stripe-signature": "stripe",
    "x-slack-signature": "slack",
    "x-telegram-bot-api-secret-token": "telegram",
}
_BY_OBJECT = {"whatsapp_business_account": "whatsapp", "instagram": "instagram", "page": "facebook"}
"""What Meta's bodies say they are about."""


def provider_of(config: JsonObject, body: JsonValue, headers: Mapping[str, str]) -> str:
    """Who a delivery comes from: as the webhook says, else as its `auth`, the headers or the body tell."""
    named = config.get("provider")
    if named:
        return str(named)
    auth = config.get("auth")
    scheme = auth.get("type") if isinstance(auth, dict) else None
    if scheme in PROVIDERS:
        return str(scheme)
    for header, provider in _BY_HEADER.items():
        if header in headers:
            return provider
    about = body.get("object") if isinstance(body, dict) else None
    return _BY_OBJECT.get(about, GENERIC) if isinstance(about, str) else GENERIC


def parts_of(provider: str, body: JsonValue) -> list[JsonValue]:
    """What a delivery brings, each as the body that it would have had alone; mostly that is the body itself.

    A delivery that would grow beyond all measure stays in one piece.
    """
    parts = _PARTS.get(provider)
    found = parts(body) if parts is not None and isinstance(body, dict) else []
    if not 1 < len(found) <= _MOST_PARTS:
        return [body]
    characters = 0
    for part in found:
        characters += len(dumps(part))
        if characters > _MOST_CHARACTERS:
            return [body]
    return [*found]


def event_of(provider: str, body: JsonValue, headers: Mapping[str, str]) -> tuple[JsonObject, str | None]:
    """`trigger.event` of a delivery, and the provider's own id of it."""
    event = PROVIDERS.get(provider, generic.normalise)(body, headers)
    document: JsonObject = {
        "provider": provider,
        "event_type": event.event_type,
        "customer_id": event.customer_id,
        "data": event.data,
    }
    return document, event.key


__all__ = ["GENERIC", "PROVIDERS", "ProviderEvent", "event_of", "parts_of", "provider_of"]
