"""Requests as senders sign them: written from each provider's documentation, not from the code under test."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

USER = "shop"


def _hex(secret: bytes, message: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(secret, message, getattr(hashlib, algorithm)).hexdigest()


def bearer(secret: str, body: bytes, now: int) -> dict[str, str]:  # noqa: ARG001
    return {"authorization": f"Bearer {secret}"}


def basic(secret: str, body: bytes, now: int) -> dict[str, str]:  # noqa: ARG001
    return {"authorization": "Basic " + base64.b64encode(f"{USER}:{secret}".encode()).decode()}


def generic_hmac(secret: str, body: bytes, now: int) -> dict[str, str]:
    signature = _hex(secret.encode(), f"{now}.".encode() + body, "sha512")
    return {"x-shop-time": str(now), "x-shop-signature": f"v1={signature}"}


def standard_webhooks(secret: str, body: bytes, now: int, message_id: str = "msg_1") -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{message_id}.{now}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(signed).decode()}"
    return {"webhook-id": message_id, "webhook-timestamp": str(now), "webhook-signature": signature}


def hub(secret: str, body: bytes, now: int) -> dict[str, str]:  # noqa: ARG001
    return {"x-hub-signature-256": "sha256=" + _hex(secret.encode(), body)}


def stripe(secret: str, body: bytes, now: int) -> dict[str, str]:
    return {"stripe-signature": f"t={now},v1={_hex(secret.encode(), f'{now}.'.encode() + body)}"}


def slack(secret: str, body: bytes, now: int) -> dict[str, str]:
    signature = "v0=" + _hex(secret.encode(), f"v0:{now}:".encode() + body)
    return {"x-slack-request-timestamp": str(now), "x-slack-signature": signature}


def telegram(secret: str, body: bytes, now: int) -> dict[str, str]:  # noqa: ARG001
    return {"x-telegram-bot-api-secret-token": secret}


def mercado_livre(secret: str, body: bytes, now: int) -> dict[str, str]:  # noqa: ARG001
    manifest = f"id:123456;request-id:r-1;ts:{now};"
    return {"x-request-id": "r-1", "x-signature": f"ts={now},v1={_hex(secret.encode(), manifest.encode())}"}


@dataclass(frozen=True)
class Scheme:
    """How a scheme signs, and how a webhook is told of it."""

    sign: Callable[[str, bytes, int], dict[str, str]]
    params: Mapping[str, object] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    secret: str = "s3cr3t-of-the-sender"
    other: str = "an-older-secret"
    signs_body: bool = True
    signs_time: bool = True


_KEY = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
_OTHER_KEY = "whsec_" + base64.b64encode(b"another secret, as long!").decode()
SCHEMES: Mapping[str, Scheme] = {
    "bearer": Scheme(bearer, signs_body=False, signs_time=False),
    "basic": Scheme(basic, {"username": USER}, signs_body=False, signs_time=False),
    "hmac": Scheme(
        generic_hmac,
        {
            "header": "X-Shop-Signature",
            "timestamp_header": "X-Shop-Time",
            "algorithm": "sha512",
            "prefix": "v1=",
        },
    ),
    "standard_webhooks": Scheme(standard_webhooks, secret=_KEY, other=_OTHER_KEY),
    "github": Scheme(hub, signs_time=False),
    "stripe": Scheme(stripe),
    "slack": Scheme(slack),
    "meta": Scheme(hub, {"verify_token": "{{ secrets.VERIFY }}"}, signs_time=False),
    "telegram": Scheme(telegram, signs_body=False, signs_time=False),
    "mercado_livre": Scheme(mercado_livre, query={"data.id": "123456"}, signs_body=False),
}


def signed(scheme: str, body: bytes, secret: str | None = None, at: int | None = None) -> dict[str, str]:
    """The headers with which a sender would send the body; `at` in seconds since the epoch, default now."""
    found = SCHEMES[scheme]
    return found.sign(secret or found.secret, body, int(time.time()) if at is None else at)
