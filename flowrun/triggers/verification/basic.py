"""A user name and a password: `Authorization: Basic …`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from flowrun.triggers.verification.request import (
    SignedRequest,
    WebhookRefusedError,
    check_any,
    header,
    header_bytes,
)

_MALFORMED = "the header authorization is not `Basic` and credentials in base64"


def verify(request: SignedRequest, secrets: Sequence[bytes], params: Mapping[str, Any]) -> None:
    """Param `username`; the secrets are passwords. Raises `WebhookRefusedError`."""
    scheme, _, encoded = header(request, "authorization").partition(" ")
    if scheme.lower() != "basic":
        raise WebhookRefusedError(_MALFORMED)
    given = header_bytes(encoded.strip(" "))
    try:
        base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        raise WebhookRefusedError(_MALFORMED) from None
    user = str(params.get("username", "")).encode()
    # Compared as base64, as only one text stands for the credentials then.
    expected = [base64.b64encode(user + b":" + secret) for secret in secrets]
    check_any([given], expected, "the user name or the password is another one")
